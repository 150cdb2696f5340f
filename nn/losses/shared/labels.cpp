#include "slope/nn/losses/shared/internal/labels.h"

#include "slope/autograd/kernels/loops/iterate.h"

namespace slope::nn::detail {

void require_labels_within(const char* op, const char* what, const Tensor& labels, std::int64_t lowest,
                           std::int64_t highest, SourceLoc loc) {
  const Shape& shape = labels.shape();
  StridedLoop<1> loop(shape, {&labels.impl()});
  std::int64_t at = 0;
  loop.run_range(0, loop.numel(), [&](char* const* p, const std::int64_t* step, std::int64_t n) {
    if (step[0] == sizeof(std::int64_t) &&
        labels_within(reinterpret_cast<const std::int64_t*>(p[0]), n, lowest, highest)) {
      at += n;
      return;
    }
    for (std::int64_t i = 0; i < n; ++i, ++at) {
      const std::int64_t label = *reinterpret_cast<const std::int64_t*>(p[0] + i * step[0]);
      if (label >= lowest && label <= highest) continue;
      Shape position = shape;
      for (int d = shape.size() - 1; d >= 0; --d) {
        position[d] = at % shape[d];
        at /= shape[d];
      }
      throw IndexError(concat(op, ": ", what, ": it is ", label, " at position ", to_text(position), ", outside of [",
                              lowest, ", ", highest, "]"),
                       loc);
    }
  });
}

void require_int64(const char* op, const Tensor& target, SourceLoc loc) {
  if (!target.defined()) throw ValueError(concat(op, ": the target is an undefined tensor"), loc);
  if (target.dtype() != DType::int64)
    throw DTypeError(concat(op, ": class indices must be int64, but the target is ", dtype_name(target.dtype()),
                            "; convert it with .to(int64)"),
                     loc);
}

}  // namespace slope::nn::detail
