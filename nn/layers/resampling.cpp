#include "slope/nn/layers/resampling.h"

#include <algorithm>
#include <cmath>

#include "slope/autograd/kernels/window/max_pool.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/nn/layers/internal/describe.h"
#include "slope/nn/layers/internal/pool_common.h"
#include "slope/nn/layers/internal/separable_op.h"

namespace slope::nn {

using std::int64_t;

namespace functional {

namespace {

const char* mode_name(InterpolateMode mode) {
  switch (mode) {
    case InterpolateMode::nearest: return "nearest";
    case InterpolateMode::nearest_exact: return "nearest-exact";
    case InterpolateMode::linear: return "linear";
    case InterpolateMode::bilinear: return "bilinear";
    case InterpolateMode::bicubic: return "bicubic";
    case InterpolateMode::trilinear: return "trilinear";
    default: return "area";
  }
}

/// The number of dimensions a mode resamples; 0: any.
int dims_of(InterpolateMode mode) {
  switch (mode) {
    case InterpolateMode::linear: return 1;
    case InterpolateMode::bilinear:
    case InterpolateMode::bicubic: return 2;
    case InterpolateMode::trilinear: return 3;
    default: return 0;
  }
}

/// How one dimension is resampled.
struct Axis {
  int64_t input, output;
  double factor;  // 0 where sizes decide
  bool align_corners;

  /// Elements of the input for each of the output.
  double ratio() const { return factor > 0 ? 1 / factor : static_cast<double>(input) / static_cast<double>(output); }
  double corner_ratio() const {
    return output > 1 ? static_cast<double>(input - 1) / static_cast<double>(output - 1) : 0;
  }
  /// Where the centre of output i lies.
  double centre(int64_t i) const {
    const auto at = static_cast<double>(i);
    return align_corners ? at * corner_ratio() : (at + 0.5) * ratio() - 0.5;
  }
  int64_t clamped(int64_t i) const { return std::clamp<int64_t>(i, 0, input - 1); }
};

TapMatrix nearest_taps(const Axis& a, bool exact) {
  TapMatrix m(a.input);
  for (int64_t i = 0; i < a.output; ++i) {
    int64_t at;
    if (a.factor > 0)
      at = static_cast<int64_t>((static_cast<double>(i) + (exact ? 0.5 : 0)) * a.ratio());
    else  // without rounding
      at = exact ? adaptive_range(2 * i + 1, 2 * a.output, a.input).begin : adaptive_range(i, a.output, a.input).begin;
    m.add(a.clamped(at), 1);
    m.finish();
  }
  return m;
}

TapMatrix linear_taps(const Axis& a) {
  TapMatrix m(a.input);
  for (int64_t i = 0; i < a.output; ++i) {
    const double t = std::max(0.0, a.centre(i));
    const int64_t j = a.clamped(static_cast<int64_t>(t));
    const double part = j + 1 < a.input ? t - static_cast<double>(j) : 0;
    m.add(j, 1 - part);
    m.add(a.clamped(j + 1), part);
    m.finish();
  }
  return m;
}

/// Keys' cubic.
double cubic(double u, double a) {
  u = std::abs(u);
  if (u <= 1) return ((a + 2) * u - (a + 3)) * u * u + 1;
  if (u < 2) return ((a * u - 5 * a) * u + 8 * a) * u - 4 * a;
  return 0;
}

TapMatrix cubic_taps(const Axis& a) {
  TapMatrix m(a.input);
  for (int64_t i = 0; i < a.output; ++i) {
    const double t = a.centre(i), low = std::floor(t);
    for (int k = -1; k <= 2; ++k) m.add(a.clamped(static_cast<int64_t>(low) + k), cubic(t - low - k, -0.75));
    m.finish();
  }
  return m;
}

/// The filter stretched over what becomes one element.
TapMatrix antialiased_taps(const Axis& a, bool is_cubic) {
  TapMatrix m(a.input);
  const double ratio = a.align_corners ? a.corner_ratio() : a.ratio(), stretch = std::max(ratio, 1.0);
  const double support = (is_cubic ? 2 : 1) * stretch;
  std::vector<double> weights;
  for (int64_t i = 0; i < a.output; ++i) {
    const double centre = ratio * (static_cast<double>(i) + 0.5);
    const int64_t begin = std::max<int64_t>(static_cast<int64_t>(std::floor(centre - support + 0.5)), 0);
    const int64_t end = std::min<int64_t>(static_cast<int64_t>(std::floor(centre + support + 0.5)), a.input);
    weights.clear();
    double sum = 0;
    for (int64_t j = begin; j < end; ++j) {
      const double u = (static_cast<double>(j) - centre + 0.5) / stretch;
      weights.push_back(is_cubic ? cubic(u, -0.5) : std::max(0.0, 1 - std::abs(u)));
      sum += weights.back();
    }
    for (int64_t j = begin; j < end; ++j) m.add(j, weights[static_cast<std::size_t>(j - begin)] / sum);
    m.finish();
  }
  return m;
}

/// None where it changes nothing.
std::shared_ptr<const TapMatrix> matrix(const Axis& a, InterpolateMode mode, bool antialias) {
  const bool is_cubic = mode == InterpolateMode::bicubic;
  detail::reserve_tables(
      std::max(is_cubic ? checked_mul(a.output, 4, "interpolate") : a.output, antialias ? a.input : 0));
  TapMatrix m = mode == InterpolateMode::nearest || mode == InterpolateMode::nearest_exact
                    ? nearest_taps(a, mode == InterpolateMode::nearest_exact)
                : antialias ? antialiased_taps(a, is_cubic)
                : is_cubic  ? cubic_taps(a)
                            : linear_taps(a);
  bool identity = a.input == a.output && m.at.size() == static_cast<std::size_t>(a.input);
  for (std::size_t k = 0; identity && k < m.at.size(); ++k)
    identity = m.at[k] == static_cast<int64_t>(k) && m.weight[k] == 1 && m.start[k + 1] == static_cast<int64_t>(k) + 1;
  return identity ? nullptr : std::make_shared<const TapMatrix>(std::move(m));
}

struct UpsampleName {
  static constexpr std::string_view name = "Upsample";
};

void check_options(In x, const InterpolateOptions& o) {
  const auto refuse = [&](const std::string& text) { throw ValueError("interpolate: " + text, x.loc); };
  if (o.size.empty() && o.scale_factor.empty()) refuse("either size or scale_factor should be defined");
  if (!o.size.empty() && !o.scale_factor.empty()) refuse("only one of size or scale_factor should be defined");
  if (o.align_corners && (dims_of(o.mode) == 0))
    refuse(
        "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear");
  if (o.recompute_scale_factor.value_or(false) && !o.size.empty())
    refuse("recompute_scale_factor is not meaningful with an explicit size.");
  if (o.antialias && o.mode != InterpolateMode::bilinear && o.mode != InterpolateMode::bicubic)
    refuse("Anti-alias option is only supported for bilinear and bicubic modes");
}

}  // namespace

Tensor interpolate(In x, const InterpolateOptions& o) {
  const CallerScope caller(x.loc);
  slope::detail::require_floating("interpolate", x);
  const Shape& shape = x->shape();
  const int dims = x->dim() - 2;
  bool fits = dims >= 1 && dims <= 3;
  for (int d = 1; fits && d < shape.size(); ++d) fits = shape[d] > 0;
  if (!fits)
    throw ShapeError(
        concat("interpolate: Input must be 3-D, 4-D or 5-D, (N, C, sizes), of which only N may be 0, but got: ", shape),
        x.loc);
  check_options(x, o);
  if (const int needed = dims_of(o.mode); needed != 0 && needed != dims)
    throw ShapeError(concat("interpolate: Got ", dims + 2, "D input, but ", mode_name(o.mode), " mode needs ",
                            needed + 2, "D input; its shape is ", shape),
                     x.loc);
  Shape sizes = shape;
  std::vector<double> factors(static_cast<std::size_t>(dims), 0);
  if (!o.size.empty()) {
    const Shape wanted = o.size.expanded(dims, "interpolate", "size", x.loc);
    for (int d = 0; d < dims; ++d) sizes[2 + d] = wanted[d];
  } else {
    factors = o.scale_factor.expanded(dims, "interpolate", "scale_factor", x.loc);
    for (int d = 0; d < dims; ++d) {
      const double size = std::floor(static_cast<double>(shape[2 + d]) * factors[static_cast<std::size_t>(d)]);
      if (!(size < 0x1p53))
        throw ValueError(concat("interpolate: a scale_factor of ", factors[static_cast<std::size_t>(d)],
                                " is too large for an input of shape ", shape),
                         x.loc);
      sizes[2 + d] = static_cast<int64_t>(std::max(size, 0.0));
    }
    if (o.recompute_scale_factor.value_or(false)) factors.assign(factors.size(), 0);
  }
  for (int d = 0; d < dims; ++d)
    if (sizes[2 + d] < 1)
      throw ValueError(concat("interpolate: Input and output sizes should be greater than 0, but got input of shape ",
                              shape, " and output sizes ", sizes),
                       x.loc);
  if (checked_numel(sizes, "interpolate", x.loc) == 0) return detail::nothing(x, sizes);
  if (o.mode == InterpolateMode::area) {
    std::vector<std::optional<int64_t>> cells(sizes.begin() + 2, sizes.end());
    const auto pool = dims == 1 ? adaptive_avg_pool1d : dims == 2 ? adaptive_avg_pool2d : adaptive_avg_pool3d;
    return pool(x, cells);
  }
  SeparableMap map;
  for (int d = 0; d < dims; ++d) {
    const Axis axis{shape[2 + d], sizes[2 + d], factors[static_cast<std::size_t>(d)], o.align_corners.value_or(false)};
    map[static_cast<std::size_t>(3 - dims + d)] = matrix(axis, o.mode, o.antialias);
  }
  return apply(x.loc, detail::SeparableOp<UpsampleName>{map}, x.tensor);
}

}  // namespace functional

std::string Upsample::extra_repr() const {
  std::string text;
  if (options_.scale_factor.empty()) {
    text = "size=" + detail::numbers(options_.size);
  } else {
    const auto& factors = options_.scale_factor.values();
    for (const double f : factors) text += (text.empty() ? "" : ", ") + detail::number(f);
    text = factors.size() == 1 ? "scale_factor=" + text : "scale_factor=(" + text + ")";
  }
  return text + ", mode='" + functional::mode_name(options_.mode) + "'";
}

}  // namespace slope::nn
