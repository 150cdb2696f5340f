#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "slope/autograd/kernels/window/window.h"
#include "slope/autograd/tensor/tensor_impl.h"

/// Linear maps of one to three dimensions that are a product of maps of one dimension each: averages over windows, resampling. The
/// gradient of such a map is the map of the transposed matrices.
///
///     // means of neighbouring pairs, in both directions
///     const SeparableMap half = {nullptr, share(box_taps(height)), share(box_taps(width))};
///     separable_kernel(out, x, half);
namespace slope {

/// A matrix with few entries that differ from zero: output `o` is Σ weight[k]·x[at[k]] over start[o] <= k < start[o + 1].
struct TapMatrix {
  std::int64_t inputs = 0;
  std::vector<std::int64_t> start{0}, at;
  std::vector<double> weight;

  explicit TapMatrix(std::int64_t size) : inputs(size) {}
  std::int64_t outputs() const { return static_cast<std::int64_t>(start.size()) - 1; }
  /// One more entry of the output that is being written. What is 0 is left out, so that it hides whatever stands there.
  void add(std::int64_t position, double w) {
    if (w == 0) return;
    at.push_back(position);
    weight.push_back(w);
  }
  /// Ends that output.
  void finish() { start.push_back(static_cast<std::int64_t>(at.size())); }
  TapMatrix transposed() const;
};

/// One matrix for each of depth, height and width; none stands for the identity.
using SeparableMap = std::array<std::shared_ptr<const TapMatrix>, 3>;

SeparableMap transposed(const SeparableMap& map);
/// The sizes of what it makes of `shape`, whose last dimensions are depth, height and width; dimensions that are not there have no
/// matrix.
Shape mapped_shape(const SeparableMap& map, Shape shape);

/// out = (matrix of depth) ⊗ (of height) ⊗ (of width) x for every index of the dimensions before. Both dense, of one floating dtype;
/// sums are formed in double.
void separable_kernel(const TensorImpl& out, const TensorImpl& x, const SeparableMap& map);

}  // namespace slope
