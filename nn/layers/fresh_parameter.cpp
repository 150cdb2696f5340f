#include "slope/nn/layers/internal/fresh_parameter.h"

#include <cmath>
#include <limits>

#include "slope/autograd/tensor/factory.h"
#include "slope/nn/init.h"

namespace slope::nn::detail {

Tensor uniform_parameter(const Shape& shape, std::int64_t fan_in) {
  Tensor t = make_empty(shape, default_dtype());
  const double bound = fan_in > 0 ? 1 / std::sqrt(static_cast<double>(fan_in)) : 0;
  init::uniform_(t, -bound, bound);
  return t;
}

std::int64_t saturated_product(const Shape& sizes, std::int64_t times) {
  for (std::int64_t s : sizes)
    if (__builtin_mul_overflow(times, s, &times)) return std::numeric_limits<std::int64_t>::max();
  return times;
}

}  // namespace slope::nn::detail
