#include "slope/nn/layers/shuffle.h"

#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/view.h"

namespace slope::nn {

namespace {

void check_factor(const char* op, const char* what, std::int64_t factor, SourceLoc loc) {
  if (factor <= 0) throw ValueError(concat(op, ": ", what, " must be positive, got ", factor), loc);
}

void check_dims(const char* op, In x) {
  slope::detail::require_defined(op, x);
  if (x->dim() < 3)
    throw ShapeError(concat(op, ": expects input to have at least 3 dimensions, but got input with ", x->dim(),
                            " dimension(s), a tensor of shape ", x->shape()),
                     x.loc);
}

void check_divisible(const char* op, const char* what, std::int64_t size, const char* divisor, std::int64_t by, In x) {
  if (size % by != 0)
    throw ShapeError(concat(op, ": expects ", what, " to be divisible by ", divisor, ", but ", size,
                            " is not divisible by ", by, "; the input has shape ", x->shape()),
                     x.loc);
}

/// Dimensions in front of the last three as one, `parts` in place of those, their order changed, and seen as `result`.
Tensor rearranged(In x, const Shape& parts, const Shape& order, const Shape& last) {
  const int lead = x->dim() - 3;
  Shape split{1}, whole, all_order{0};
  for (int d = 0; d < lead; ++d) {
    split[0] *= x->shape()[d];
    whole.push_back(x->shape()[d]);
  }
  for (std::int64_t n : parts) split.push_back(n);
  for (std::int64_t d : order) all_order.push_back(d + 1);
  for (std::int64_t n : last) whole.push_back(n);
  return reshape({permute({reshape(x, split), x.loc}, all_order), x.loc}, whole);
}

}  // namespace

namespace functional {

Tensor pixel_shuffle(In x, std::int64_t upscale_factor) {
  const CallerScope caller(x.loc);
  check_factor("pixel_shuffle", "upscale_factor", upscale_factor, x.loc);
  check_dims("pixel_shuffle", x);
  const std::int64_t r = upscale_factor, channels = x->size(-3), h = x->size(-2), w = x->size(-1);
  check_divisible("pixel_shuffle", "its input's 'channel' dimension", channels, "the square of upscale_factor",
                  checked_mul(r, r, "pixel_shuffle", x.loc), x);
  const std::int64_t c = channels / (r * r);
  return rearranged(x, {c, r, r, h, w}, {0, 3, 1, 4, 2},
                    {c, checked_mul(h, r, "pixel_shuffle", x.loc), checked_mul(w, r, "pixel_shuffle", x.loc)});
}

Tensor pixel_unshuffle(In x, std::int64_t downscale_factor) {
  const CallerScope caller(x.loc);
  check_factor("pixel_unshuffle", "downscale_factor", downscale_factor, x.loc);
  check_dims("pixel_unshuffle", x);
  const std::int64_t r = downscale_factor, c = x->size(-3), h = x->size(-2), w = x->size(-1);
  check_divisible("pixel_unshuffle", "height", h, "downscale_factor", r, x);
  check_divisible("pixel_unshuffle", "width", w, "downscale_factor", r, x);
  const std::int64_t area = checked_mul(r, r, "pixel_unshuffle", x.loc);
  return rearranged(x, {c, h / r, r, w / r, r}, {0, 2, 4, 1, 3},
                    {checked_mul(c, area, "pixel_unshuffle", x.loc), h / r, w / r});
}

Tensor channel_shuffle(In x, std::int64_t groups) {
  const CallerScope caller(x.loc);
  check_factor("channel_shuffle", "groups", groups, x.loc);
  check_dims("channel_shuffle", x);
  const std::int64_t channels = x->size(1);
  check_divisible("channel_shuffle", "channels", channels, "groups", groups, x);
  std::int64_t space = 1;
  for (int d = 2; d < x->dim(); ++d) space *= x->shape()[d];
  const Tensor parts = reshape(x, {x->size(0), groups, channels / groups, space});
  return reshape({transpose({parts, x.loc}, 1, 2), x.loc}, x->shape());
}

}  // namespace functional

PixelShuffle::PixelShuffle(std::int64_t upscale_factor, SourceLoc loc) : factor_(upscale_factor) {
  check_factor("PixelShuffle", "upscale_factor", upscale_factor, loc);
}
Tensor PixelShuffle::forward(const Tensor& x) { return functional::pixel_shuffle(x, factor_); }
std::string PixelShuffle::extra_repr() const { return concat("upscale_factor=", factor_); }

PixelUnshuffle::PixelUnshuffle(std::int64_t downscale_factor, SourceLoc loc) : factor_(downscale_factor) {
  check_factor("PixelUnshuffle", "downscale_factor", downscale_factor, loc);
}
Tensor PixelUnshuffle::forward(const Tensor& x) { return functional::pixel_unshuffle(x, factor_); }
std::string PixelUnshuffle::extra_repr() const { return concat("downscale_factor=", factor_); }

ChannelShuffle::ChannelShuffle(std::int64_t groups, SourceLoc loc) : groups_(groups) {
  check_factor("ChannelShuffle", "groups", groups, loc);
}
Tensor ChannelShuffle::forward(const Tensor& x) { return functional::channel_shuffle(x, groups_); }
std::string ChannelShuffle::extra_repr() const { return concat("groups=", groups_); }

}  // namespace slope::nn
