#pragma once

#include <string_view>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/kernels/window/separable.h"
#include "slope/autograd/tensor/factory.h"

namespace slope::nn::detail {

/// The tensor itself where its elements lie densely, else a dense copy outside of any graph.
inline Tensor dense(const Tensor& x) { return x.is_contiguous() ? x : dense_copy(x); }

/// A separable map as an operation, whose derivative is the transposed one. `Name::name` is what its node is called.
template <class Name>
struct SeparableOp {
  static constexpr std::string_view name = Name::name;
  SeparableMap map;
  struct Saved {};

  Tensor forward(Saved&, const Tensor& x) {
    Tensor out = make_empty(mapped_shape(map, x.shape()), x.dtype());
    separable_kernel(out.impl(), dense(x).impl(), map);
    return out;
  }
  Grads<1> backward(const Saved&, const Tensor& g) const {
    return {apply(slope::detail::current_node->where(), SeparableOp{transposed(map)}, g)};
  }
};

}  // namespace slope::nn::detail
