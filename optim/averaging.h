#pragma once

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/module.h"

namespace slope::optim {

struct AveragingOptions {
  std::optional<double> decay = {};  // of an exponential average; absent: the mean of all
  /// What an average becomes, from itself, the parameter, and the number of updates before; in place of the rules below.
  Function<Tensor(const Tensor& average, const Tensor& parameter, std::int64_t n)> avg_fn = {};
  bool use_buffers = false;  // average floating buffers as well; otherwise all are those of the last model
};

namespace detail {
void check_averaging(const AveragingOptions& options, SourceLoc loc);
void update_average(nn::Module& average, const nn::Module& model, const Tensor& n_averaged,
                    const AveragingOptions& options, SourceLoc loc);
/// Moments of batch norms anew, as means over all batches, until it ends.
class BatchNormPass {
 public:
  explicit BatchNormPass(nn::Module& model, SourceLoc loc);
  ~BatchNormPass();
  BatchNormPass(const BatchNormPass&) = delete;
  BatchNormPass& operator=(const BatchNormPass&) = delete;
  bool has_norms() const;

 private:
  struct Kept;
  std::unique_ptr<Kept> kept_;
  NoGradGuard no_grad_;
};
}  // namespace detail

/// The average of a model over its training (Izmailov et al. 2018), or its exponential average, in a module of the same structure:
///
///     mean: a ← a + (θ - a)/(n + 1);   exponential: a ← decay·a + (1 - decay)·θ;   the first update copies
///
/// The averaged parameters want no gradients. With batch norms call `update_bn` at the end. Throws ValueError for a decay outside
/// [0, 1], and for a model of another structure; then nothing changes.
///
///     optim::AveragedModel average(Net(), {.decay = 0.999});
///     average.update_parameters(net);                         // after every optimizer.step()
///     Tensor y = average(x);
template <class M>
class AveragedModel : public nn::Module {
 public:
  explicit AveragedModel(M fresh, AveragingOptions options = {}, SourceLoc loc = SourceLoc::here())
      : module(add("module", std::move(fresh), loc)), options_(std::move(options)) {
    detail::check_averaging(options_, loc);
    module.requires_grad_(false, loc);
  }
  Tensor forward(const Tensor& x) override { return module(x); }
  /// Takes the parameters of `model` into the average.
  void update_parameters(const nn::Module& model, SourceLoc loc = SourceLoc::here()) {
    detail::update_average(module, model, n_averaged, options_, loc);
  }

  /// The averaged model.
  M module;
  /// The number of updates.
  Tensor n_averaged = buffer("n_averaged", zeros({}, {.dtype = DType::int64}));

 private:
  AveragingOptions options_;
};

/// Computes the moments of all batch norms anew, in one pass over the data in training mode, as means over the batches: those
/// of an averaged model belong to no model that was trained. Modes and momenta are what they were afterwards. Batches are tensors,
/// or have their input as x().
///
///     optim::update_bn(loader, average);
template <class Loader>
void update_bn(Loader&& loader, nn::Module& model, SourceLoc loc = SourceLoc::here()) {
  const detail::BatchNormPass pass(model, loc);
  if (!pass.has_norms()) return;
  for (auto&& batch : loader) {
    if constexpr (std::is_convertible_v<decltype(batch), const Tensor&>)
      (void)model(In(batch, loc));
    else
      (void)model(In(batch.x(loc), loc));
  }
}

}  // namespace slope::optim
