#pragma once

#include <cstdint>
#include <span>

#include "slope/autograd/kernels/window/tap_source.h"

/// The two products that convolutions are made of. Nothing of the size taps x positions is stored: a tile of the result reads
/// the taps from the source, or from a copy of a few rows of it with their padding.
///
/// Results have the same bits for every thread count and layout: how a sum is cut depends on sizes alone.
namespace slope {

/// out[n, g·rows + m, p] = bias[g·rows + m] + Σ_c,t weight[g, m, c, t] · source[n, g·channels + c, tap t of p].
template <class T>
struct TapProduct {
  std::int64_t batch, groups, rows, channels;  ///< rows and channels of one group
  TapAxes axes;
  Field<const T> source;
  const T* weight;
  /// Strides of the weight; of the taps only those that the axes name.
  std::int64_t weight_group, weight_row, weight_channel;
  std::array<std::int64_t, 3> weight_tap;
  const T* bias;  ///< dense, or null
  Field<T> out;   ///< `axis` holds the distances between neighbouring positions
};
/// Several products are phases: they differ in the axis of the width and in their weights alone, and the positions of each lie
/// between those of the others, out.axis[2] = the number of phases apart. The first has the most positions.
template <class T>
void tap_product(std::span<const TapProduct<T>> phases);

/// weight[g·rows + m, c, t] = Σ_n,p grad[n, g·rows + m, p] · source[n, g·channels + c, tap t of p], with weight and grad dense.
/// Summed in double.
template <class T>
struct TapGradient {
  std::int64_t batch, groups, rows, channels;
  TapAxes axes;
  Field<const T> source;
  const T* grad;
  T* weight;
};
template <class T>
void tap_gradient(const TapGradient<T>& p);

}  // namespace slope
