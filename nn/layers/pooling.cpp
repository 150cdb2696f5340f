// What all kinds of pooling share, and the averages.
#include "slope/nn/layers/pooling.h"

#include <cmath>

#include "slope/autograd/kernels/window/max_pool.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/nn/layers/internal/describe.h"
#include "slope/nn/layers/internal/pool_common.h"
#include "slope/nn/layers/internal/separable_op.h"

namespace slope::nn {

using std::int64_t;

namespace detail {

void check_pooled(const char* op, In x, int dims) {
  slope::detail::require_floating(op, x);
  bool fits = x->dim() == dims + 1 || x->dim() == dims + 2;
  for (int d = x->dim() - dims - 1; fits && d < x->dim(); ++d) fits = x->shape()[d] > 0;
  if (!fits)
    throw ShapeError(concat(op, ": Expected ", dims + 1, "D or ", dims + 2,
                            "D (batch mode) tensor with optional 0 dim batch size for input, but got: ", x->shape()),
                     x.loc);
}

namespace {
/// "(1x4x5)": the sizes of a channel, with the number of channels.
std::string channel_text(int64_t channels, const Window& w, int64_t WindowAxis::* size) {
  std::string text = "(" + std::to_string(channels);
  for (int d = 3 - w.dims; d < 3; ++d) text += "x" + std::to_string(w.axes[static_cast<std::size_t>(d)].*size);
  return text + ")";
}
}  // namespace

Window pool_window(const char* op, In x, int dims, const WindowOptions& options) {
  const Window w = possible_windows(op, x->shape(), dims, options, x.loc);
  bool fits = true;
  for (int d = 3 - dims; d < 3; ++d) {
    const WindowAxis& a = w.axes[static_cast<std::size_t>(d)];
    fits = fits && a.output > 0;
    if (a.before > a.kernel / 2)
      throw ValueError(concat(op, ": pad should be at most half of kernel size, but got pad=", a.before,
                              " and kernel_size=", a.kernel),
                       x.loc);
  }
  if (!fits) {
    const int64_t channels = x->shape()[x->dim() - dims - 1];
    throw ShapeError(concat(op, ": Given input size: ", channel_text(channels, w, &WindowAxis::input),
                            ". Calculated output size: ", channel_text(channels, w, &WindowAxis::output),
                            ". Output size is too small"),
                     x.loc);
  }
  return w;
}

Shape adaptive_sizes(const char* op, In x, int dims, const AdaptiveSize& size) {
  const auto& given = size.sizes();
  const auto count = static_cast<std::size_t>(dims);
  if (given.size() != 1 && given.size() != count)
    throw ValueError(
        concat(op, ": output_size must be one number or a list of ", dims, ", but got ", given.size(), " numbers"),
        x.loc);
  Shape sizes = x->shape();
  for (int d = 0; d < dims; ++d) {
    const std::optional<int64_t>& wanted = given[given.size() == 1 ? 0 : static_cast<std::size_t>(d)];
    if (!wanted) continue;
    if (*wanted < 0)
      throw ValueError(concat(op, ": elements of output_size must be greater than or equal to 0, but got ", *wanted),
                       x.loc);
    sizes[sizes.size() - dims + d] = *wanted;
  }
  return sizes;
}

Tensor nothing(In x, const Shape& shape) { return x->flatten().narrow(0, 0, 0).reshape(shape); }

void reserve_tables(int64_t windows) { (void)make_empty({windows, 4}, DType::float64); }

std::string numbers(const IntArray& values) { return values.size() == 1 ? std::to_string(values[0]) : tuple(values); }

std::string describe(const IntArray& kernel, const MaxPoolOptions& o) {
  return concat("kernel_size=", numbers(kernel), ", stride=", numbers(o.stride.empty() ? kernel : o.stride),
                ", padding=", numbers(o.padding), ", dilation=", numbers(o.dilation),
                ", ceil_mode=", truth(o.ceil_mode));
}
std::string describe(const IntArray& kernel, const AvgPoolOptions& o) {
  return concat("kernel_size=", numbers(kernel), ", stride=", numbers(o.stride.empty() ? kernel : o.stride),
                ", padding=", numbers(o.padding));
}
std::string describe(const IntArray& kernel, const MaxUnpoolOptions& o) {
  return concat("kernel_size=", numbers(kernel), ", stride=", numbers(o.stride.empty() ? kernel : o.stride),
                ", padding=", numbers(o.padding));
}
std::string describe(double norm_type, const IntArray& kernel, const LPPoolOptions& o) {
  return concat("norm_type=", number(norm_type), ", kernel_size=", numbers(kernel),
                ", stride=", o.stride.empty() ? "None" : numbers(o.stride), ", ceil_mode=", truth(o.ceil_mode));
}
std::string describe(const AdaptiveSize& size) {
  const auto text = [](const std::optional<int64_t>& n) { return n ? std::to_string(*n) : std::string("None"); };
  const auto& sizes = size.sizes();
  if (sizes.size() == 1) return "output_size=" + text(sizes[0]);
  std::string all;
  for (const auto& n : sizes) all += (all.empty() ? "" : ", ") + text(n);
  return "output_size=(" + all + ")";
}

}  // namespace detail

namespace functional {

namespace {

struct AvgPoolName {
  static constexpr std::string_view name = "AvgPool";
};
struct AdaptiveAvgPoolName {
  static constexpr std::string_view name = "AdaptiveAvgPool";
};

/// The averages along one dimension; with a divisor, sums divided by it.
std::shared_ptr<const TapMatrix> averages(const WindowAxis& a, bool count_padding, double divisor) {
  detail::reserve_tables(a.output);
  auto m = std::make_shared<TapMatrix>(a.input);
  for (int64_t o = 0; o < a.output; ++o) {
    const TapRange taps = a.taps(o);
    const int64_t start = a.position(o, 0), whole = std::min(start + a.kernel, a.input + a.before) - start;
    const double weight = 1 / (divisor != 0 ? divisor : static_cast<double>(count_padding ? whole : taps.size()));
    for (int64_t k = taps.begin; k < taps.end; ++k) m->add(a.position(o, k), weight);
    m->finish();
  }
  return m;
}

std::shared_ptr<const TapMatrix> adaptive_averages(int64_t input, int64_t output) {
  if (input == output) return nullptr;
  detail::reserve_tables(std::max(input, output));
  auto m = std::make_shared<TapMatrix>(input);
  for (int64_t o = 0; o < output; ++o) {
    const TapRange cell = adaptive_range(o, output, input);
    for (int64_t i = cell.begin; i < cell.end; ++i) m->add(i, 1 / static_cast<double>(cell.size()));
    m->finish();
  }
  return m;
}

Tensor avg_pool(const char* op, int dims, In x, const IntArray& kernel_size, const AvgPoolOptions& o) {
  const CallerScope caller(x.loc);
  detail::check_pooled(op, x, dims);
  if (o.divisor_override && *o.divisor_override == 0) throw ValueError(concat(op, ": divisor must be not zero"), x.loc);
  const Window w = detail::pool_window(
      op, x, dims, {.kernel = kernel_size, .stride = o.stride, .padding = o.padding, .ceil_mode = o.ceil_mode});
  const Shape shape = w.output_shape(x->shape());
  if (checked_numel(shape, op, x.loc) == 0) return detail::nothing(x, shape);
  SeparableMap map;
  for (auto d = static_cast<std::size_t>(3 - dims); d < 3; ++d) {
    const double divisor = !o.divisor_override ? 0 : d == 2 ? static_cast<double>(*o.divisor_override) : 1;
    map[d] = averages(w.axes[d], o.count_include_pad, divisor);
  }
  return apply(x.loc, detail::SeparableOp<AvgPoolName>{map}, x.tensor);
}

Tensor adaptive_avg_pool(const char* op, int dims, In x, const AdaptiveSize& size) {
  const CallerScope caller(x.loc);
  detail::check_pooled(op, x, dims);
  const Shape sizes = detail::adaptive_sizes(op, x, dims, size);
  if (checked_numel(sizes, op, x.loc) == 0) return detail::nothing(x, sizes);
  SeparableMap map;
  for (int d = 0; d < dims; ++d) {
    const int at = x->dim() - dims + d;
    map[static_cast<std::size_t>(3 - dims + d)] = adaptive_averages(x->shape()[at], sizes[at]);
  }
  return apply(x.loc, detail::SeparableOp<AdaptiveAvgPoolName>{map}, x.tensor);
}

Tensor lp_pool(const char* op, int dims, In x, double p, const IntArray& kernel_size, const LPPoolOptions& o) {
  const CallerScope caller(x.loc);
  detail::check_pooled(op, x, dims);
  if (!std::isfinite(p) || p == 0)
    throw ValueError(concat(op, ": norm_type must be finite and not 0, but got ", p), x.loc);
  double taps = 1;
  for (const int64_t k : kernel_size.expanded(dims, op, "kernel_size", x.loc)) taps *= static_cast<double>(k);
  const AvgPoolOptions windows{.stride = o.stride, .ceil_mode = o.ceil_mode};
  const Tensor sums = avg_pool(op, dims, {pow(x, p), x.loc}, kernel_size, windows) * taps;
  const Tensor none = sums == 0;
  return where(none, 0, pow(where(none, 1, sums), 1 / p));
}

}  // namespace

Tensor avg_pool1d(In x, const IntArray& kernel_size, const AvgPoolOptions& options) {
  return avg_pool("avg_pool1d", 1, x, kernel_size, options);
}
Tensor avg_pool2d(In x, const IntArray& kernel_size, const AvgPoolOptions& options) {
  return avg_pool("avg_pool2d", 2, x, kernel_size, options);
}
Tensor avg_pool3d(In x, const IntArray& kernel_size, const AvgPoolOptions& options) {
  return avg_pool("avg_pool3d", 3, x, kernel_size, options);
}

Tensor adaptive_avg_pool1d(In x, const AdaptiveSize& output_size) {
  return adaptive_avg_pool("adaptive_avg_pool1d", 1, x, output_size);
}
Tensor adaptive_avg_pool2d(In x, const AdaptiveSize& output_size) {
  return adaptive_avg_pool("adaptive_avg_pool2d", 2, x, output_size);
}
Tensor adaptive_avg_pool3d(In x, const AdaptiveSize& output_size) {
  return adaptive_avg_pool("adaptive_avg_pool3d", 3, x, output_size);
}

Tensor lp_pool1d(In x, double norm_type, const IntArray& kernel_size, const LPPoolOptions& options) {
  return lp_pool("lp_pool1d", 1, x, norm_type, kernel_size, options);
}
Tensor lp_pool2d(In x, double norm_type, const IntArray& kernel_size, const LPPoolOptions& options) {
  return lp_pool("lp_pool2d", 2, x, norm_type, kernel_size, options);
}
Tensor lp_pool3d(In x, double norm_type, const IntArray& kernel_size, const LPPoolOptions& options) {
  return lp_pool("lp_pool3d", 3, x, norm_type, kernel_size, options);
}

}  // namespace functional

}  // namespace slope::nn
