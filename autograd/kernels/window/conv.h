#pragma once

#include <cstdint>

#include "slope/autograd/kernels/window/tap_source.h"
#include "slope/autograd/kernels/window/window.h"

/// Convolution and the two products its derivatives are made of, each of which has the other two as derivatives. The weight
/// is [groups · out, in, taps], dense; `out` and `in` count the channels of one group.
namespace slope {

struct ConvSizes {
  std::int64_t batch, groups, out, in;
};

/// y[n, o, p] = bias[o] + Σ weight[o, c, q] · x[n, c, p·stride - before + q·dilation], without bias where it is null. T is float
/// or double; y is dense.
template <class T>
void conv(const Window& w, const ConvSizes& sizes, const Field<const T>& x, const T* weight, const T* bias, T* y);

/// x[n, c, i] = bias[c] + Σ weight[o, c, q] · y[n, o, p] over all o, q and p with i = p·stride - before + q·dilation: the derivative
/// of `conv` by x, and transposed convolution. x is dense.
template <class T>
void conv_input(const Window& w, const ConvSizes& sizes, const Field<const T>& y, const T* weight, const T* bias, T* x);

/// weight[o, c, q] = Σ y[n, o, p] · x[n, c, p·stride - before + q·dilation]: the derivative of `conv` by the weight. y is dense.
template <class T>
void conv_weight(const Window& w, const ConvSizes& sizes, const Field<const T>& x, const T* y, T* weight);

}  // namespace slope
