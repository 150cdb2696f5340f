#pragma once

#include "slope/nn/module.h"

namespace slope::nn {

/// A loss as a module: options held by value, the functional form behind `loss(prediction, target)`. Tensor options are
/// buffers: they appear in state_dict() and convert with the module. `Rest` are the types of what follows the
/// prediction, one target unless said otherwise: `LossModule<O, f, Tensor, Tensor>` is called as `loss(anchor,
/// positive, negative)`.
template <class Options, auto function, class... Rest>
class LossModule : public Module {
 public:
  explicit LossModule(Options options = {}) : options_(std::move(options)) {
    if constexpr (requires { options_.weight; })
      if (options_.weight.defined()) options_.weight = buffer("weight", options_.weight);
    if constexpr (requires { options_.pos_weight; })
      if (options_.pos_weight.defined()) options_.pos_weight = buffer("pos_weight", options_.pos_weight);
  }

  using Module::forward;
  Tensor forward(const Tensor& prediction, const Rest&... rest) { return function(prediction, rest..., options_); }
  Tensor operator()(In prediction, const Rest&... rest) {
    return run(prediction, [&](const Tensor& x) { return forward(x, rest...); });
  }
  const Options& options() const { return options_; }

 private:
  Options options_;
};

template <class Options, auto function>
class LossModule<Options, function> : public LossModule<Options, function, Tensor> {
  using LossModule<Options, function, Tensor>::LossModule;
};

}  // namespace slope::nn
