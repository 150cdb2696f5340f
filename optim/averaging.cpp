#include "slope/optim/averaging.h"

#include "slope/autograd/ops/ops.h"
#include "slope/nn/layers/normalization.h"

namespace slope::optim::detail {

namespace {

using Named = std::vector<nn::Module::NamedTensor>;

/// Throws unless both lists have the same names, shapes and kinds of numbers.
void require_same(const Named& to, const Named& from, const char* kind, SourceLoc loc) {
  if (to.size() != from.size())
    throw ValueError(concat("update_parameters: the model has ", from.size(), " ", kind, ", the average ", to.size(),
                            "; make the average of a module of the same structure"),
                     loc);
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i].first != from[i].first)
      throw ValueError(concat("update_parameters: the model has '", from[i].first, "' where the average has '",
                              to[i].first, "'; make the average of a module of the same structure"),
                       loc);
    if (to[i].second.shape() != from[i].second.shape() ||
        to[i].second.is_floating_point() != from[i].second.is_floating_point())
      throw ValueError(concat("update_parameters: '", to[i].first, "' is ", slope::to_text(from[i].second.shape()),
                              " in the model and ", slope::to_text(to[i].second.shape()), " in the average"),
                       loc);
  }
}

template <class F>
void each_norm(nn::Module& model, const F& f) {
  for (nn::Module* m : model.modules()) {
    if (auto* one = dynamic_cast<nn::BatchNorm1d*>(m)) f(*one);
    if (auto* two = dynamic_cast<nn::BatchNorm2d*>(m)) f(*two);
    if (auto* three = dynamic_cast<nn::BatchNorm3d*>(m)) f(*three);
  }
}

}  // namespace

void check_averaging(const AveragingOptions& o, SourceLoc loc) {
  if (o.decay && !(*o.decay >= 0 && *o.decay <= 1))
    throw ValueError(
        concat("AveragedModel: Invalid decay value ", *o.decay, " provided. Please provide a value in [0,1] range."),
        loc);
  if (o.decay && o.avg_fn) throw ValueError("AveragedModel: give decay or avg_fn, not both", loc);
}

void update_average(nn::Module& average, const nn::Module& model, const Tensor& n_averaged, const AveragingOptions& o,
                    SourceLoc loc) {
  NoGradGuard no_grad;
  CallerScope scope(loc);
  const Named to = average.named_parameters("", true, loc), from = model.named_parameters("", true, loc);
  const Named to_buffers = average.named_buffers("", true, loc), from_buffers = model.named_buffers("", true, loc);
  require_same(to, from, "parameters", loc);
  require_same(to_buffers, from_buffers, "buffers", loc);
  const auto n = n_averaged.item<std::int64_t>();
  const auto move = [&](const Tensor& a, const Tensor& p) {
    const Tensor value = p.detach().to(a.dtype());
    if (n == 0)
      a.copy_(value);
    else if (o.avg_fn)
      a.copy_(o.avg_fn(a.detach(), value, n));
    else if (o.decay)
      a.mul_(*o.decay).add_(value, 1 - *o.decay);
    else
      a.add_(value - a, 1 / static_cast<double>(n + 1));
  };
  for (std::size_t i = 0; i < to.size(); ++i) move(to[i].second, from[i].second);
  for (std::size_t i = 0; i < to_buffers.size(); ++i) {
    if (o.use_buffers && to_buffers[i].second.is_floating_point())
      move(to_buffers[i].second, from_buffers[i].second);
    else
      to_buffers[i].second.copy_(from_buffers[i].second);
  }
  n_averaged.add_(1);
}

struct BatchNormPass::Kept {
  std::vector<std::pair<nn::Module*, bool>> modes;
  std::vector<Function<void()>> momenta;  // give them back
};

BatchNormPass::BatchNormPass(nn::Module& model, SourceLoc loc) : kept_(std::make_unique<Kept>()) {
  for (nn::Module* m : model.modules(loc)) kept_->modes.emplace_back(m, m->is_training(loc));
  each_norm(model, [&](auto& norm) {
    if (!norm.running_mean.defined()) return;
    kept_->momenta.emplace_back([&norm, momentum = norm.options().momentum] { norm.set_momentum(momentum); });
  });
  if (kept_->momenta.empty()) return;
  each_norm(model, [&](auto& norm) {
    if (!norm.running_mean.defined()) return;
    norm.running_mean.zero_();
    norm.running_var.fill_(1);
    norm.num_batches_tracked.zero_();
    norm.set_momentum({});
  });
  model.train(true, loc);
}

BatchNormPass::~BatchNormPass() {
  for (const auto& give_back : kept_->momenta) give_back();
  if (kept_->momenta.empty()) return;
  // A module's mode is that of all below it, so parents come first, as they do in the list.
  for (const auto& [module, training] : kept_->modes) module->train(training);
}

bool BatchNormPass::has_norms() const { return !kept_->momenta.empty(); }

}  // namespace slope::optim::detail
