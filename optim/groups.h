#pragma once

#include "slope/nn/module.h"
#include "slope/optim/optimizer.h"

namespace slope::optim {

namespace detail {
/// The number of the pattern that each parameter belongs to; patterns.size() for none. Throws ValueError for a pattern without parameter.
std::vector<std::size_t> sort_by_pattern(const std::vector<std::pair<std::string, Tensor>>& named,
                                         const std::vector<std::string>& patterns, SourceLoc loc);
/// One pattern for each child of a module, in order.
std::vector<std::string> child_patterns(const nn::Module& net, SourceLoc loc);
}  // namespace detail

/// Groups of a module's parameters for the optimizer O: each parameter belongs to the first pattern that its name matches, where `*`
/// stands for any characters and `?` for one; what matches none makes the last group, with the optimizer's options.
///
/// Throws ValueError for a pattern to which no parameter belongs.
///
///     optim::AdamW opt(optim::groups<optim::AdamW>(net, {{"*.bias", {.weight_decay = 0}}, {"head.*", {.lr = 1e-2}}}),
///                      {.lr = 1e-3});
template <class O>
std::vector<typename O::Group> groups(const nn::Module& net,
                                      const std::vector<std::pair<std::string, typename O::Group>>& patterns,
                                      SourceLoc loc = SourceLoc::here()) {
  const auto named = net.named_parameters("", true, loc);
  std::vector<std::string> names;
  std::vector<typename O::Group> all;
  for (const auto& [name, group] : patterns) names.push_back(name), all.push_back(group);
  all.emplace_back();
  const auto places = detail::sort_by_pattern(named, names, loc);
  for (std::size_t i = 0; i < named.size(); ++i) {
    all[places[i]].params.names.push_back(named[i].first);
    all[places[i]].params.tensors.push_back(named[i].second);
  }
  if (all.back().params.tensors.empty()) all.pop_back();
  return all;
}

/// Groups whose rates fall from the end of a network to its beginning: the last child of the module learns with lr, the one
/// before with lr·decay, and so on; parameters of the module itself learn with lr. For fine-tuning (Howard & Ruder 2018).
///
/// Throws ValueError unless lr >= 0 and decay > 0.
///
///     optim::AdamW opt(optim::layer_decay<optim::AdamW>(net, 1e-4, 0.9));
template <class O>
std::vector<typename O::Group> layer_decay(const nn::Module& net, double lr, double decay,
                                           SourceLoc loc = SourceLoc::here()) {
  if (!(lr >= 0)) throw ValueError(concat("layer_decay: lr must be at least 0, got ", lr), loc);
  if (!(decay > 0)) throw ValueError(concat("layer_decay: decay must be above 0, got ", decay), loc);
  std::vector<std::pair<std::string, typename O::Group>> patterns;
  for (std::string& name : detail::child_patterns(net, loc))
    patterns.emplace_back(std::move(name), typename O::Group{});
  double rate = lr;
  for (std::size_t i = patterns.size(); i-- > 0; rate *= decay) patterns[i].second.lr = rate;
  std::vector<typename O::Group> all = groups<O>(net, patterns, loc);
  if (all.size() > patterns.size()) all.back().lr = lr;
  return all;
}

/// Gradients of several batches as one: each loss counts by its share, and every `parts` losses make one step.
///
///     optim::GradientAccumulation accumulation(opt, 4);
///     for (auto& [x, y] : loader)
///       if (accumulation.backward(loss(net(x), y))) schedule.step();
///     accumulation.flush();
class GradientAccumulation {
 public:
  /// Throws ValueError unless parts is at least 1. The optimizer must live as long, where it is.
  GradientAccumulation(Optimizer& optimizer, std::int64_t parts, SourceLoc loc = SourceLoc::here());
  /// Adds the gradients of loss/parts; with the last part steps, drops the gradients and returns true.
  bool backward(const Tensor& loss, SourceLoc loc = SourceLoc::here());
  /// A step with the parts there are, as the mean of these; returns whether there were any.
  bool flush(SourceLoc loc = SourceLoc::here());

 private:
  void finish(SourceLoc loc);
  Optimizer& optimizer_;
  std::int64_t parts_, seen_ = 0;
};

}  // namespace slope::optim
