#pragma once

#include <cstdint>

#include "slope/autograd/tensor/tensor_impl.h"

/// Normalisation: y = (x - mean)/√(variance + ε)·weight + bias, with moments of sets of elements, one mechanism for batch, layer, group,
/// instance and root mean square normalisation.
///
/// A dense x is seen as (batch, groups, channels, length). Its sets are the (channels, length) elements of each group of each sample
/// or, when pooled, those of a group in all samples. There is one weight for each of the groups·channels.
///
/// Moments are summed in double in one pass, measured from the first element of the set: exact for constants, however large, and off by no
/// more than a few roundings for each element that the first one lies standard deviations away. A second pass writes the result. The gradient
/// takes one pass for the sums and one for the result. Every sum is added up in an order that depends on the shape alone.
namespace slope {

struct NormShape {
  std::int64_t batch = 1, groups = 1, channels = 1, length = 1;
  /// Over all samples; then channels is 1.
  bool pooled = false;
  /// Without it the mean counts as 0: root mean square normalisation.
  bool centred = true;

  /// How many sets there are, and of how many elements.
  std::int64_t sets() const { return pooled ? groups : batch * groups; }
  std::int64_t set_size() const { return (pooled ? batch : 1) * channels * length; }
};

/// The moments of all sets: their means, followed by their variances (divided by n); means of squares unless centred.
struct NormMoments {
  double* mean;
  double* variance;
  double epsilon;
  /// They do not depend on x, as those that a trained net has collected.
  bool constant = false;
};

/// Writes the moments, unless they are constant, and y. Weight and bias may be null. All dense, of one floating dtype.
void norm_kernel(const TensorImpl& y, const TensorImpl& x, const TensorImpl* weight, const TensorImpl* bias,
                 const NormMoments& moments, const NormShape& shape);

/// The gradients that are wanted, the others being null. With x̂ = (x - mean)·r and h = g·weight:
/// ∂x = r·(h - mean(h) - x̂·mean(h·x̂)), the means being left out for constant moments (and the first unless centred);
/// ∂weight = Σ g·x̂, ∂bias = Σ g. A factor of exactly 0 in front of an infinity or NaN gives 0.
void norm_backward_kernel(const TensorImpl* dx, const TensorImpl* dweight, const TensorImpl* dbias, const TensorImpl& g,
                          const TensorImpl& x, const TensorImpl* weight, const NormMoments& moments,
                          const NormShape& shape);

}  // namespace slope
