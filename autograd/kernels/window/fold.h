#pragma once

#include "slope/autograd/kernels/window/window.h"
#include "slope/autograd/tensor/tensor_impl.h"

namespace slope {

/// columns[n, c·taps + t, l] = x[n, c, position of tap t of window l], 0 on padding. `x` is (n, c, D, H, W) as `w` describes it, both
/// dense and of one floating dtype; `planes` is n·c.
void unfold_kernel(const TensorImpl& columns, const TensorImpl& x, const Window& w, std::int64_t planes);
/// The adjoint: x is the sum of what stands in `columns` for each of its elements, formed in double.
void fold_kernel(const TensorImpl& x, const TensorImpl& columns, const Window& w, std::int64_t planes);

}  // namespace slope
