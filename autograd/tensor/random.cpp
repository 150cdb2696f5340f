#include "slope/autograd/tensor/random.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "slope/autograd/tensor/internal/walk.h"

namespace slope {

namespace {

enum class Density { uniform, normal };

void require_floating(const char* op, const char* what, DType dtype, SourceLoc loc) {
  if (!is_floating(dtype))
    throw DTypeError(concat(op, ": ", what, " must have a floating dtype, got ", dtype_name(dtype)), loc);
}

Tensor drawn(const char* op, Density density, double a, double b, const Shape& shape, DType natural,
             const TensorOptions& options, Generator& gen, SourceLoc loc) {
  CallerScope caller(loc);
  const DType dtype = detail::resolve_dtype(op, options, natural, loc);
  require_floating(op, "the result", dtype, loc);
  checked_numel(shape, op, loc);
  Tensor t = make_empty(shape, dtype);
  visit_floating(dtype, [&](auto tag) {
    auto* out = t.impl().ptr<typename decltype(tag)::type>();
    if (density == Density::uniform)
      fill_uniform(out, t.numel(), a, b, gen);
    else
      fill_normal(out, t.numel(), a, b, gen);
  });
  return detail::finish(std::move(t), options, loc);
}

/// Throws when `dtype` cannot tell all integers of [low, last] apart.
void require_integers(const char* op, DType dtype, std::int64_t low, std::int64_t last, SourceLoc loc) {
  const std::int64_t limit = dtype == DType::float32 ? std::int64_t{1} << 24 : std::int64_t{1} << 53;
  const bool ok = dtype == DType::int64     ? true
                  : dtype == DType::boolean ? low >= 0 && last <= 1
                                            : low >= -limit && last <= limit;
  if (!ok)
    throw ValueError(concat(op, ": ", dtype_name(dtype), " cannot hold every integer from ", low, " to ", last,
                            "; use {.dtype = int64}"),
                     loc);
}

/// Integers drawn by `draw(int64 out)`, as elements of `dtype`.
template <class Draw>
Tensor drawn_integers(const Shape& shape, DType dtype, const Draw& draw) {
  Tensor t = make_empty(shape, DType::int64);
  draw(t.impl().ptr<std::int64_t>());
  if (dtype == DType::int64) return t;
  Tensor out = make_empty(shape, dtype);
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const std::int64_t* from = t.impl().ptr<std::int64_t>();
    std::transform(from, from + t.numel(), out.impl().ptr<T>(), [](std::int64_t v) { return detail::convert<T>(v); });
  });
  return out;
}

/// One argument of `normal`: a number, or a tensor seen through the common shape.
struct Moment {
  const Tensor* tensor = nullptr;
  double number = 0;

  const Shape& shape() const {
    static const Shape scalar;
    return tensor ? tensor->shape() : scalar;
  }
  bool is(DType dtype) const { return tensor && tensor->dtype() == dtype; }
  std::vector<double> values(const Shape& common) const {
    std::vector<double> out;
    out.reserve(static_cast<std::size_t>(checked_numel(common, "normal")));
    Shape strides = Shape::filled(common.size(), 0);
    if (!tensor) {
      detail::for_each_offset(common, strides, [&](std::int64_t) { out.push_back(number); });
      return out;
    }
    const Shape& own = shape();
    for (int d = 1; d <= own.size(); ++d)
      if (own[own.size() - d] != 1) strides[common.size() - d] = tensor->strides()[own.size() - d];
    visit_floating(tensor->dtype(), [&](auto tag) {
      const auto* data = tensor->impl().ptr<typename decltype(tag)::type>();
      detail::for_each_offset(common, strides, [&](std::int64_t at) { out.push_back(static_cast<double>(data[at])); });
    });
    return out;
  }
};

Tensor normal_of(const Moment& mean, const Moment& std, Generator& gen, SourceLoc loc) {
  CallerScope caller(loc);
  if (mean.tensor) require_floating("normal", "mean", mean.tensor->dtype(), loc);
  if (std.tensor) require_floating("normal", "std", std.tensor->dtype(), loc);
  const Shape shape = broadcast_shapes(mean.shape(), std.shape(), "normal", loc);
  const std::vector<double> deviations = std.values(shape), means = mean.values(shape);
  for (double s : deviations)
    if (!(s >= 0)) throw ValueError(concat("normal: every standard deviation must be >= 0, but one is ", s), loc);

  const DType dtype = mean.is(DType::float64) || std.is(DType::float64) ? DType::float64 : DType::float32;
  Tensor t = make_empty(shape, dtype);
  const std::size_t n = deviations.size();
  std::vector<double> z(n);
  fill_normal(z.data(), static_cast<std::int64_t>(n), 0, 1, gen);
  // Two passes: in one, a processor with fused multiply-add would round once where others round twice.
  for (std::size_t i = 0; i < n; ++i) z[i] *= deviations[i];
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* out = t.impl().ptr<T>();
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<T>(means[i] + z[i]);
  });
  return t;
}

void check_weights(const std::vector<double>& weights, std::int64_t rows, std::int64_t columns, std::int64_t n,
                   bool replacement, SourceLoc loc) {
  for (std::int64_t r = 0; r < rows; ++r) {
    double sum = 0;
    std::int64_t positive = 0;
    for (std::int64_t c = 0; c < columns; ++c) {
      const double w = weights[static_cast<std::size_t>(r * columns + c)];
      if (!(w >= 0) || std::isinf(w))
        throw ValueError(concat("multinomial: weights must be finite and not negative, but row ", r, " has ", w,
                                " for category ", c),
                         loc);
      sum += w;
      positive += w > 0;
    }
    if (!(sum > 0) || std::isinf(sum))
      throw ValueError(
          concat("multinomial: the weights of a row must have a finite sum above 0, but row ", r, " sums to ", sum),
          loc);
    if (!replacement && positive < n)
      throw ValueError(
          concat("multinomial: cannot draw ", n, " different categories from row ", r, ", which has ", positive,
                 positive == 1 ? " positive weight" : " positive weights", "; use replacement = true"),
          loc);
  }
}

}  // namespace

Tensor rand(const Shape& shape, const TensorOptions& options, Generator& gen, SourceLoc loc) {
  return drawn("rand", Density::uniform, 0, 1, shape, default_dtype(), options, gen, loc);
}

Tensor randn(const Shape& shape, const TensorOptions& options, Generator& gen, SourceLoc loc) {
  return drawn("randn", Density::normal, 0, 1, shape, default_dtype(), options, gen, loc);
}

Tensor rand_like(const Tensor& t, const TensorOptions& options, Generator& gen, SourceLoc loc) {
  CallerScope caller(loc);
  return drawn("rand_like", Density::uniform, 0, 1, t.shape(), t.dtype(), options, gen, loc);
}

Tensor randn_like(const Tensor& t, const TensorOptions& options, Generator& gen, SourceLoc loc) {
  CallerScope caller(loc);
  return drawn("randn_like", Density::normal, 0, 1, t.shape(), t.dtype(), options, gen, loc);
}

Tensor detail::randint(std::int64_t low, std::int64_t high, const Shape& shape, const TensorOptions& options,
                       Generator& gen, SourceLoc loc) {
  CallerScope caller(loc);
  const DType dtype = detail::resolve_dtype("randint", options, DType::int64, loc);
  checked_numel(shape, "randint", loc);
  if (low < high) require_integers("randint", dtype, low, high - 1, loc);
  return detail::finish(
      drawn_integers(shape, dtype,
                     [&](std::int64_t* out) { fill_randint(out, checked_numel(shape, "randint"), low, high, gen); }),
      options, loc);
}

Tensor randint_like(const Tensor& t, std::int64_t low, std::int64_t high, const TensorOptions& options, Generator& gen,
                    SourceLoc loc) {
  CallerScope caller(loc);
  const TensorOptions as_t{.dtype = options.dtype.value_or(t.dtype()), .requires_grad = options.requires_grad};
  return detail::randint(low, high, t.shape(), as_t, gen, loc);
}

Tensor randperm(std::int64_t n, const TensorOptions& options, Generator& gen, SourceLoc loc) {
  CallerScope caller(loc);
  const DType dtype = detail::resolve_dtype("randperm", options, DType::int64, loc);
  if (n < 0) throw ValueError(concat("randperm: n must not be negative, got ", n), loc);
  require_integers("randperm", dtype, 0, n - 1, loc);
  return detail::finish(drawn_integers({n}, dtype, [&](std::int64_t* out) { fill_randperm(out, n, gen); }), options,
                        loc);
}

Tensor bernoulli(const Tensor& p, Generator& gen, SourceLoc loc) {
  CallerScope caller(loc);
  require_floating("bernoulli", "the probabilities", p.dtype(), loc);
  Tensor t = make_empty(p.shape(), p.dtype());
  visit_floating(p.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* out = t.impl().ptr<T>();
    if (p.is_contiguous())
      fill_bernoulli(out, t.numel(), static_cast<const T*>(p.impl().ptr<T>()), gen);
    else
      fill_bernoulli(out, t.numel(), p.to_vector<T>().data(), gen);
  });
  return t;
}

Tensor normal(const Tensor& mean, const Tensor& std, Generator& gen, SourceLoc loc) {
  return normal_of({.tensor = &mean}, {.tensor = &std}, gen, loc);
}

Tensor normal(const Tensor& mean, double std, Generator& gen, SourceLoc loc) {
  return normal_of({.tensor = &mean}, {.number = std}, gen, loc);
}

Tensor normal(double mean, const Tensor& std, Generator& gen, SourceLoc loc) {
  return normal_of({.number = mean}, {.tensor = &std}, gen, loc);
}

Tensor normal(double mean, double std, const Shape& shape, const TensorOptions& options, Generator& gen,
              SourceLoc loc) {
  return drawn("normal", Density::normal, mean, std, shape, default_dtype(), options, gen, loc);
}

Tensor multinomial(const Tensor& weights, std::int64_t n, bool replacement, Generator& gen, SourceLoc loc) {
  CallerScope caller(loc);
  if (weights.dim() != 1 && weights.dim() != 2)
    throw ShapeError(concat("multinomial: weights must be 1-d or 2-d, got shape ", to_text(weights.shape())), loc);
  require_floating("multinomial", "the weights", weights.dtype(), loc);
  if (n < 1) throw ValueError(concat("multinomial: the number of samples must be positive, got ", n), loc);
  const bool matrix = weights.dim() == 2;
  const std::int64_t rows = matrix ? weights.size(0) : 1, columns = weights.size(-1);
  const std::vector<double> values = weights.to_vector<double>();
  check_weights(values, rows, columns, n, replacement, loc);
  const Shape shape = matrix ? Shape{rows, n} : Shape{n};
  checked_numel(shape, "multinomial", loc);
  Tensor t = make_empty(shape, DType::int64);
  fill_multinomial(t.impl().ptr<std::int64_t>(), values.data(), rows, columns, n, replacement, gen);
  return t;
}

}  // namespace slope
