#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "slope/nn/module.h"

/// Parameters that are computed from others before each forward.
namespace slope::nn::utils::parametrize {

/// A parametrization that computes from several tensors, or that can be inverted. Any other module whose forward takes one tensor
/// and gives one of the same shape and dtype is a parametrization, too.
///
///     struct Positive : nn::utils::parametrize::Parametrization {
///       Tensor forward(const Tensor& x) override { return exp(x); }
///       std::vector<Tensor> right_inverse(const Tensor& w) override { return {log(w)}; }
///     };
class Parametrization : public Module {
 public:
  /// The parameter, from all tensors that `right_inverse` gave. Unless overridden, a call with the only one.
  virtual Tensor compute(const std::vector<Tensor>& originals);
  /// What the parameter with this value is computed from. Unless overridden, the value itself.
  virtual std::vector<Tensor> right_inverse(const Tensor& value) { return {value}; }
};

/// From now on the module computes its parameter `name` by `parametrization`, before each call, from the parameter
/// `parametrizations.<name>.original` (`original0`, `original1`, ... where its inverse gives several). The member holds what was
/// computed for the last call, with its graph. Another one for the same parameter works on the result of the one before. A module
/// that is called by several threads at once computes for one after the other. Make the optimizer afterwards.
///
/// Throws ValueError when there is no such parameter, or it is computed by other means; ShapeError or DTypeError when the result
/// has another shape or dtype, unless `unsafe`. Nothing has changed then.
///
///     nn::Linear fc(3, 3);
///     nn::utils::parametrize::register_parametrization(fc, "weight", Symmetric());
///     Tensor y = fc(x);                       // of Symmetric()(the parameter parametrizations.weight.original)
void register_parametrization(Module& module, const std::string& name, std::unique_ptr<Module> parametrization,
                              bool unsafe = false, SourceLoc loc = SourceLoc::here());
/// The same for a module by value.
template <std::derived_from<Module> M>
void register_parametrization(Module& module, const std::string& name, M parametrization, bool unsafe = false,
                              SourceLoc loc = SourceLoc::here()) {
  register_parametrization(module, name, std::unique_ptr<Module>(std::make_unique<M>(std::move(parametrization))),
                           unsafe, loc);
}

/// Whether the parameter `name` of the module itself is parametrized; without a name, whether any is.
bool is_parametrized(const Module& module, const std::string& name = "", SourceLoc loc = SourceLoc::here());

/// Makes the parameter an ordinary one again, the last of its module, with its present value; without `leave_parametrized`, with
/// that of its original. Where there is one original, that is the parameter, so that optimizers keep it. Throws ValueError when
/// it is not parametrized, or when there are several originals and `leave_parametrized` is false.
///
///     nn::utils::parametrize::remove_parametrizations(fc, "weight");
void remove_parametrizations(Module& module, const std::string& name, bool leave_parametrized = true,
                             SourceLoc loc = SourceLoc::here());

/// While it lives, parameters of a module and of all below it that are computed from others are computed once, at the start,
/// instead of before each call, and are up to date: for recurrent nets, and for penalties on them. Other threads that call the
/// module wait.
///
///     nn::utils::parametrize::Cached cached(net);
///     for (const Tensor& x : steps) h = net(x, h);
///     Tensor penalty = net.fc.weight.square().sum();
class [[nodiscard]] Cached {
 public:
  explicit Cached(Module& module, SourceLoc loc = SourceLoc::here());
  Cached(const Cached&) = delete;
  Cached& operator=(const Cached&) = delete;
  ~Cached();

 private:
  std::vector<std::unique_ptr<nn::detail::ComputedScope>> scopes_;
};

}  // namespace slope::nn::utils::parametrize
