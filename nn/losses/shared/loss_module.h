#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include "slope/nn/module.h"

namespace slope::nn {

namespace detail {

// Stand for a member of an aggregate when it is asked what it can be made of.
struct AnyMember {
  template <class T>
    requires(!std::is_same_v<T, std::string_view>)  // else a ReductionOption could be made of it in two ways
  operator T() const;
};
struct TensorMember {
  operator Tensor() const;
};
template <std::size_t>
using AnyMemberAt = AnyMember;

/// How many members of an option struct are tensors.
template <class Options, std::size_t most = 12>
consteval std::size_t tensor_options() {
  const auto is_tensor = []<std::size_t... Before>(std::index_sequence<Before...>) {
    return requires { Options{AnyMemberAt<Before>()..., TensorMember()}; } ? 1 : 0;
  };
  return [&]<std::size_t... Is>(std::index_sequence<Is...>) {
    return (std::size_t{0} + ... + is_tensor(std::make_index_sequence<Is>()));
  }(std::make_index_sequence<most>());
}

}  // namespace detail

/// A loss as a module: options held by value, the functional form behind `loss(prediction, target)`. Tensor options are
/// buffers: they appear in state_dict() and convert with the module. `Rest` are the types of what follows the
/// prediction, one target unless said otherwise: `LossModule<O, f, Tensor, Tensor>` is called as `loss(anchor,
/// positive, negative)`.
template <class Options, auto function, class... Rest>
class LossModule : public Module {
 public:
  explicit LossModule(Options options = {}) : options_(std::move(options)) {
    static_assert(
        detail::tensor_options<Options>() == registered(),
        "LossModule registers the tensor options called weight and pos_weight; another one would stay behind when the "
        "module is converted, and be missing from state_dict()");
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
  static consteval std::size_t registered() {
    std::size_t n = 0;
    if constexpr (requires(Options o) { o.weight; }) ++n;
    if constexpr (requires(Options o) { o.pos_weight; }) ++n;
    return n;
  }
  Options options_;
};

template <class Options, auto function>
class LossModule<Options, function> : public LossModule<Options, function, Tensor> {
  using LossModule<Options, function, Tensor>::LossModule;
};

}  // namespace slope::nn
