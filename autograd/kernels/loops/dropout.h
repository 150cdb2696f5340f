#pragma once

#include <cstdint>

#include "slope/autograd/core/philox.h"
#include "slope/autograd/tensor/tensor_impl.h"

namespace slope {

/// Which elements survive: a pure function of the part of the random stream and of the element's position, so no mask is
/// kept and every thread count gives the same one.
struct DropoutMask {
  PhiloxSpan span;
  /// Probability of being dropped, honoured to 2^-32.
  double p = 0.5;
  /// Neighbouring elements (in row-major order) that share one decision: 1, or the elements of a channel.
  std::int64_t together = 1;
};

/// out = kept ? scale·x + shift : dropped. Both dense, of one floating dtype and shape.
void dropout_kernel(const TensorImpl& out, const TensorImpl& x, const DropoutMask& mask, double scale, double shift,
                    double dropped);

}  // namespace slope
