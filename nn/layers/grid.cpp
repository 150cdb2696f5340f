#include "slope/nn/layers/grid.h"

#include <array>
#include <optional>

#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/activation.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"

namespace slope::nn::functional {

using std::int64_t;

namespace {

/// Coordinates along one dimension of n elements, in elements.
struct GridAxis {
  int64_t n;
  const GridSampleOptions& options;

  Tensor in_elements(const Tensor& g) const {
    const auto size = static_cast<double>(n);
    return options.align_corners ? (g + 1) * ((size - 1) / 2) : ((g + 1) * size - 1) / 2;
  }
  /// Coordinates as the padding has them; with zeros those outside stay there.
  Tensor padded(const Tensor& t) const {
    if (options.padding_mode == GridPadding::zeros) return t;
    const Tensor inside = options.padding_mode == GridPadding::reflection ? reflected(t) : t;
    return hardtanh(inside, 0, static_cast<double>(n - 1));  // whose derivative is 0 at both ends
  }

 private:
  Tensor reflected(const Tensor& t) const {
    const double low = options.align_corners ? 0 : -0.5, span = static_cast<double>(options.align_corners ? n - 1 : n);
    if (span == 0) return t * 0;
    const Tensor from_low = t - low, distance = where(from_low < 0, -from_low, from_low);
    const Tensor flips = floor(distance.detach() / span);
    const Tensor rest = distance - flips * span;
    return where(flips - floor(flips / 2) * 2 == 0, rest, span - rest) + low;
  }
};

/// One of the elements that a result is made of: along each dimension an index (int64) and a weight.
struct Tap {
  Tensor index, weight;
};

/// The taps along one dimension for coordinates `t` in elements.
std::vector<Tap> taps_of(const GridAxis& axis, const Tensor& t) {
  std::vector<Tap> taps;
  const auto at = [](const Tensor& place) { return place.detach().to(DType::int64); };
  switch (axis.options.mode) {
    case GridSampleMode::nearest: {
      const Tensor nearest = round(axis.padded(t));
      taps.push_back({at(nearest), nearest - nearest.detach() + 1});  // 1, with a derivative of 0
      break;
    }
    case GridSampleMode::bilinear: {
      const Tensor inside = axis.padded(t), low = floor(inside.detach()), part = inside - low;
      taps.push_back({at(low), 1 - part});
      taps.push_back({at(low) + 1, part});
      break;
    }
    default: {
      constexpr double a = -0.75;
      const auto near = [](const Tensor& u) { return ((a + 2) * u - (a + 3)) * u * u + 1; };
      const auto far = [](const Tensor& u) { return ((a * u - 5 * a) * u + 8 * a) * u - 4 * a; };
      const Tensor low = floor(t.detach()), part = t - low;
      const Tensor weights[4] = {far(part + 1), near(part), near(1 - part), far(2 - part)};
      for (int k = 0; k < 4; ++k) taps.push_back({at(axis.padded(low + (k - 1))), weights[k]});
    }
  }
  return taps;
}

void check_grid(In x, const Tensor& grid, const GridSampleOptions& o) {
  slope::detail::require_floating("grid_sample", x);
  slope::detail::require_floating("grid_sample", {grid, x.loc}, "the grid");
  if (x->dtype() != grid.dtype())
    throw DTypeError(concat("grid_sample: expected input and grid to have the same dtype, but input has ",
                            dtype_name(x->dtype()), " and grid has ", dtype_name(grid.dtype())),
                     x.loc);
  const Shape &shape = x->shape(), &places = grid.shape();
  const int dims = x->dim() - 2;
  if ((dims != 2 && dims != 3) || places.size() != shape.size())
    throw ShapeError(
        concat("grid_sample: expected 4D or 5D input and grid with same number of dimensions, but got input "
               "with sizes ",
               shape, " and grid with sizes ", places),
        x.loc);
  if (places[0] != shape[0])
    throw ShapeError(concat("grid_sample: expected grid and input to have same batch size, but got input with sizes ",
                            shape, " and grid with sizes ", places),
                     x.loc);
  if (places.back() != dims)
    throw ShapeError(concat("grid_sample: expected grid to have size ", dims,
                            " in last dimension, but got grid with sizes ", places),
                     x.loc);
  for (int d = 2; d < shape.size(); ++d)
    if (shape[d] < 1)
      throw ShapeError(concat("grid_sample: expected input to have non-empty spatial dimensions, but input has sizes ",
                              shape, " with dimension ", d, " being empty"),
                       x.loc);
  if (o.mode == GridSampleMode::bicubic && dims != 2)
    throw ValueError(
        concat("grid_sample: bicubic interpolation only supports 4D input, but got input with sizes ", shape), x.loc);
}

}  // namespace

Tensor grid_sample(In x, const Tensor& grid, const GridSampleOptions& options) {
  const CallerScope caller(x.loc);
  check_grid(x, grid, options);
  const Shape& shape = x->shape();
  const int dims = x->dim() - 2;
  const int64_t batch = shape[0], channels = shape[1];
  Shape result = grid.shape();
  result.erase(dims + 1);
  result.insert(1, channels);
  checked_numel(result, "grid_sample", x.loc);
  int64_t places = 1, elements = 1;
  for (int d = 2; d < 2 + dims; ++d) {
    places *= result[d];
    elements *= shape[d];
  }
  const Tensor flat = x->reshape({batch, channels, elements});
  std::vector<std::vector<Tap>> along;  // of the width first
  for (int d = 0; d < dims; ++d) {
    const GridAxis axis{shape[1 + dims - d], options};
    along.push_back(taps_of(axis, axis.in_elements(grid.select(-1, d).reshape({batch, 1, places}))));
  }
  Tensor sum;
  std::array<std::size_t, 3> k{};
  for (bool more = true; more;) {
    Tensor index, weight, inside;
    int64_t step = 1;
    for (int d = 0; d < dims; ++d) {
      const Tap& tap = along[static_cast<std::size_t>(d)][k[static_cast<std::size_t>(d)]];
      const int64_t n = shape[1 + dims - d];
      const Tensor here = (tap.index >= 0) & (tap.index < n);
      const Tensor part = clamp(tap.index, 0, n - 1) * step;
      index = d == 0 ? part : index + part;
      weight = d == 0 ? tap.weight : weight * tap.weight;
      inside = d == 0 ? here : inside & here;
      step *= n;
    }
    // Both factors are masked, so that neither a NaN in the grid nor one in x comes through where nothing is taken.
    const Tensor values = where(inside, gather(flat, 2, index.expand({batch, channels, places})), 0);
    const Tensor term = values * where(inside, weight, 0);
    sum = sum.defined() ? sum + term : term;
    more = false;
    for (std::size_t d = 0; d < static_cast<std::size_t>(dims) && !more; ++d) {
      more = ++k[d] < along[d].size();
      if (!more) k[d] = 0;
    }
  }
  return sum.reshape(result);
}

Tensor affine_grid(In theta, const Shape& size, bool align_corners) {
  const CallerScope caller(theta.loc);
  slope::detail::require_floating("affine_grid", theta, "theta");
  const int dims = size.size() - 2;
  if (dims != 2 && dims != 3)
    throw ShapeError(
        concat("affine_grid: only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
               "Got size ",
               size),
        theta.loc);
  for (const int64_t n : size)
    if (n < 1) throw ShapeError(concat("affine_grid: Expected non-zero, positive output size. Got ", size), theta.loc);
  if (theta->shape() != Shape{size[0], dims, dims + 1})
    throw ShapeError(concat("affine_grid: Expected a batch of ", dims, "D affine matrices of shape ",
                            Shape{size[0], dims, dims + 1}, " for size ", size, ". Got ", theta->shape()),
                     theta.loc);
  Shape result = size;
  result.erase(1);
  result.push_back(dims);
  checked_numel(result, "affine_grid", theta.loc);
  int64_t places = 1;
  for (int d = 0; d < dims; ++d) places *= size[2 + d];
  Tensor base = make_empty({places, dims + 1}, DType::float64);
  auto* to = base.impl().ptr<double>();
  for (int64_t i = 0; i < places; ++i) {
    int64_t rest = i;
    for (int d = 0; d < dims; ++d) {
      const int64_t n = size[1 + dims - d];
      const auto length = static_cast<double>(n);
      const double at = n > 1 ? 2 * static_cast<double>(rest % n) / (length - 1) - 1 : 0;
      *to++ = align_corners ? at : at * (length - 1) / length;
      rest /= n;
    }
    *to++ = 1;
  }
  return matmul(base.to(theta->dtype()), theta->transpose(1, 2)).reshape(result);
}

}  // namespace slope::nn::functional
