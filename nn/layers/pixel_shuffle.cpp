#include "slope/nn/layers/pixel_shuffle.h"

#include "slope/autograd/ops/view/view.h"

namespace slope::nn {

using std::int64_t;

namespace {

void require_positive(const char* op, const char* option, int64_t value, SourceLoc loc) {
  if (value < 1) throw ValueError(concat(op, ": ", option, " must be at least 1, but got ", value), loc);
}

/// The sizes of all dimensions but the last three.
Shape leading(const Shape& shape) { return Shape(shape.begin(), static_cast<std::size_t>(shape.size() - 3)); }

void require_dims(const char* op, In x) {
  if (x->dim() < 3)
    throw ShapeError(concat(op, ": expects input to have at least 3 dimensions, but got input with ", x->dim(),
                            " dimension(s), of shape ", x->shape()),
                     x.loc);
}

}  // namespace

namespace functional {

Tensor pixel_shuffle(In x, int64_t r) {
  const CallerScope caller(x.loc);
  require_dims("pixel_shuffle", x);
  require_positive("pixel_shuffle", "upscale_factor", r, x.loc);
  const Shape& shape = x->shape();
  const int d = x->dim() - 3;
  const int64_t channels = shape[d], square = checked_mul(r, r, "pixel_shuffle", x.loc);
  if (channels % square != 0)
    throw ShapeError(concat("pixel_shuffle: expects its input's 'channel' dimension to be divisible by the square of "
                            "upscale_factor, but input.size(",
                            d, ")=", channels, " is not divisible by ", square),
                     x.loc);
  Shape split = Shape{-1, channels / square, r, r, shape[d + 1], shape[d + 2]}, result = shape;
  split[0] = checked_numel(leading(shape), "pixel_shuffle", x.loc);
  result[d] = channels / square;
  result[d + 1] = checked_mul(shape[d + 1], r, "pixel_shuffle", x.loc);
  result[d + 2] = checked_mul(shape[d + 2], r, "pixel_shuffle", x.loc);
  return x->reshape(split).permute({0, 1, 4, 2, 5, 3}).reshape(result);
}

Tensor pixel_unshuffle(In x, int64_t r) {
  const CallerScope caller(x.loc);
  require_dims("pixel_unshuffle", x);
  require_positive("pixel_unshuffle", "downscale_factor", r, x.loc);
  const Shape& shape = x->shape();
  const int d = x->dim() - 3;
  for (int i : {1, 2})
    if (shape[d + i] % r != 0)
      throw ShapeError(concat("pixel_unshuffle: expects ", i == 1 ? "height" : "width",
                              " to be divisible by downscale_factor, but input.size(", d + i, ")=", shape[d + i],
                              " is not divisible by ", r),
                       x.loc);
  Shape split = {
      checked_numel(leading(shape), "pixel_unshuffle", x.loc), shape[d], shape[d + 1] / r, r, shape[d + 2] / r, r};
  Shape result = shape;
  result[d] = checked_mul(checked_mul(shape[d], r, "pixel_unshuffle", x.loc), r, "pixel_unshuffle", x.loc);
  result[d + 1] /= r;
  result[d + 2] /= r;
  return x->reshape(split).permute({0, 1, 3, 5, 2, 4}).reshape(result);
}

Tensor channel_shuffle(In x, int64_t groups) {
  const CallerScope caller(x.loc);
  require_dims("channel_shuffle", x);
  require_positive("channel_shuffle", "groups", groups, x.loc);
  const Shape& shape = x->shape();
  if (shape[1] % groups != 0)
    throw ShapeError(concat("channel_shuffle: Number of channels must be divisible by groups. Got ", shape[1],
                            " channels and ", groups, " groups."),
                     x.loc);
  Shape split = {shape[0], groups, shape[1] / groups, 1};
  for (int d = 2; d < shape.size(); ++d) split[3] *= shape[d];
  return x->reshape(split).transpose(1, 2).reshape(shape);
}

}  // namespace functional

PixelShuffle::PixelShuffle(int64_t upscale_factor, SourceLoc loc) : upscale_factor_(upscale_factor) {
  require_positive("PixelShuffle", "upscale_factor", upscale_factor, loc);
}
std::string PixelShuffle::extra_repr() const { return concat("upscale_factor=", upscale_factor_); }

PixelUnshuffle::PixelUnshuffle(int64_t downscale_factor, SourceLoc loc) : downscale_factor_(downscale_factor) {
  require_positive("PixelUnshuffle", "downscale_factor", downscale_factor, loc);
}
std::string PixelUnshuffle::extra_repr() const { return concat("downscale_factor=", downscale_factor_); }

ChannelShuffle::ChannelShuffle(int64_t groups, SourceLoc loc) : groups_(groups) {
  require_positive("ChannelShuffle", "groups", groups, loc);
}
std::string ChannelShuffle::extra_repr() const { return concat("groups=", groups_); }

}  // namespace slope::nn
