#pragma once

#include "slope/nn/module.h"

namespace slope::nn {

/// A loss as a module: options held by value, the functional form behind `loss(prediction, target)`. Tensor options are
/// buffers: they appear in state_dict() and convert with the module.
template <class Options, auto function>
class LossModule : public Module {
 public:
  explicit LossModule(Options options = {}) : options_(std::move(options)) {
    if constexpr (requires { options_.weight; })
      if (options_.weight.defined()) options_.weight = buffer("weight", options_.weight);
    if constexpr (requires { options_.pos_weight; })
      if (options_.pos_weight.defined()) options_.pos_weight = buffer("pos_weight", options_.pos_weight);
  }

  using Module::forward;
  Tensor forward(const Tensor& prediction, const Tensor& target) { return function(prediction, target, options_); }
  Tensor operator()(In prediction, const Tensor& target) {
    return run(prediction, [&](const Tensor& x) { return forward(x, target); });
  }
  const Options& options() const { return options_; }

 private:
  Options options_;
};

}  // namespace slope::nn
