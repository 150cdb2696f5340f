#include "slope/nn/losses/binary/internal/probabilities.h"

#include "slope/nn/losses/shared/internal/check_values.h"

namespace slope::nn::detail {

void require_probabilities(const char* op, In x) {
  if (!all_values(x, [](const auto& p) { return (p >= 0) & (p <= 1); }))  // NaN compares false
    throw ValueError(concat(op,
                            ": all elements of input should be between 0 and 1; apply sigmoid first, or use "
                            "binary_cross_entropy_with_logits"),
                     x.loc);
}

}  // namespace slope::nn::detail
