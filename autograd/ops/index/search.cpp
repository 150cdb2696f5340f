// Searching ordered values, counting, and different slices.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/index/internal/sort_key.h"
#include "slope/autograd/ops/index/sort.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/internal/reduce_common.h"
#include "slope/autograd/ops/reduce/reduce.h"

namespace slope {

using namespace detail;

namespace {

/// The different ones of `count` rows of `length` elements, taken in the given order; without `ordered` only neighbours are compared.
UniqueResult grouped(const Tensor& rows, std::int64_t count, std::int64_t length, bool ordered,
                     const std::function<Tensor(const Tensor& first)>& pick) {
  UniqueResult result{{}, make_empty({count}, DType::int64), {}};
  std::vector<std::int64_t> order(static_cast<std::size_t>(count)), first, sizes;
  std::iota(order.begin(), order.end(), std::int64_t{0});
  visit_dtype(rows.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* x = rows.impl().template ptr<const T>();
    if (ordered)
      std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return std::lexicographical_compare(x + a * length, x + (a + 1) * length, x + b * length, x + (b + 1) * length,
                                            [](T u, T v) { return sort_key(u) < sort_key(v); });
      });
    auto* group = result.inverse.impl().template ptr<std::int64_t>();
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::int64_t at = order[i];
      if (i == 0 || !std::equal(x + at * length, x + (at + 1) * length, x + order[i - 1] * length)) {
        first.push_back(at);
        sizes.push_back(0);
      }
      ++sizes.back();
      group[at] = static_cast<std::int64_t>(first.size()) - 1;
    }
  });
  result.values = pick(tensor(first));
  result.counts = tensor(sizes);
  return result;
}

UniqueResult different_slices(In x, int d, bool ordered) {
  const std::int64_t count = x->dim() == 0 ? 1 : x->shape()[d], length = count == 0 ? 0 : x->numel() / count;
  const Tensor rows = contiguous(x->dim() == 0 ? x.tensor : movedim(x, {d}, {0}));
  return grouped(rows, count, length, ordered,
                 [&](const Tensor& first) { return x->dim() == 0 ? clone(x) : index_select(x, d, first); });
}

}  // namespace

UniqueResult unique(In x, std::int64_t dim) {
  require_defined("unique", x);
  NoGradGuard no_grad;
  const CallerScope scope(x.loc);
  return different_slices(x, wrap_dim(dim, x->dim(), "unique", x.loc), true);
}

UniqueResult unique_consecutive(In x, std::optional<std::int64_t> dim) {
  require_defined("unique_consecutive", x);
  NoGradGuard no_grad;
  const CallerScope scope(x.loc);
  if (dim) return different_slices(x, wrap_dim(*dim, x->dim(), "unique_consecutive", x.loc), false);
  const Tensor flat = reshape(x, {x->numel()});
  UniqueResult result = different_slices(flat, 0, false);
  result.inverse = reshape(result.inverse, x->shape());
  return result;
}

Tensor Tensor::nanmedian(SourceLoc loc) const { return slope::nanmedian({*this, loc}); }
std::pair<Tensor, Tensor> Tensor::nanmedian(std::int64_t dim, bool keepdim, SourceLoc loc) const {
  return slope::nanmedian({*this, loc}, dim, keepdim);
}
UniqueResult Tensor::unique(std::int64_t dim, SourceLoc loc) const { return slope::unique({*this, loc}, dim); }

namespace {

Tensor search(const char* op, const Tensor& sorted, const Operand& values, bool right, SourceLoc loc) {
  NoGradGuard no_grad;
  const CallerScope scope(loc);
  require_defined(op, {sorted, loc});
  if (values.tensor) require_defined(op, {*values.tensor, loc});
  if (sorted.dim() == 0) throw ShapeError(concat(op, ": the ordered values must have at least one dimension"), loc);
  const Operand ordered(sorted, loc);
  const Operand* const both[] = {&ordered, &values};
  const DType dtype = promote(both, 2);
  const Tensor rows = contiguous(to(sorted, dtype)), wanted = contiguous(operand_tensor(values, dtype));
  const bool one_row = sorted.dim() == 1;
  bool fits = one_row || sorted.dim() == wanted.dim();
  for (int d = 0; !one_row && fits && d + 1 < sorted.dim(); ++d) fits = sorted.shape()[d] == wanted.shape()[d];
  if (!fits)
    throw ShapeError(concat(op, ": ordered values of shape ", sorted.shape(), " and values of shape ", wanted.shape(),
                            " do not fit; all dimensions but the last must agree, or the ordered values be a vector"),
                     loc);
  Tensor out = make_empty(wanted.shape(), DType::int64);
  const std::int64_t n = sorted.size(-1), per_row = one_row ? wanted.numel() : wanted.size(-1);
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T *x = rows.impl().template ptr<const T>(), *v = wanted.impl().template ptr<const T>();
    auto* to_ = out.impl().template ptr<std::int64_t>();
    parallel_for(wanted.numel(), grain_cheap / 8, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const T* row = x + (one_row ? 0 : i / per_row * n);
        const auto key = sort_key(v[i]);
        to_[i] =
            std::partition_point(row, row + n, [&](T e) { return right ? sort_key(e) <= key : sort_key(e) < key; }) -
            row;
      }
    });
  });
  return out;
}

}  // namespace

Tensor searchsorted(In sorted, const Operand& values, bool right) {
  return search("searchsorted", sorted, values, right, sorted.loc);
}

Tensor bucketize(const Operand& values, const Tensor& boundaries, bool right) {
  require_defined("bucketize", {boundaries, values.loc});
  if (boundaries.dim() != 1)
    throw ShapeError(concat("bucketize: the boundaries must be a vector, but have shape ", boundaries.shape()),
                     values.loc);
  return search("bucketize", boundaries, values, right, values.loc);
}

Tensor isin(In x, const Tensor& among, bool invert) {
  NoGradGuard no_grad;
  const CallerScope scope(x.loc);
  require_defined("isin", x);
  require_defined("isin", {among, x.loc});
  const Operand a(x), b(among, x.loc);
  const Operand* const both[] = {&a, &b};
  const DType dtype = promote(both, 2);
  const Tensor elements = to(x, dtype), set = reshape(to(among, dtype), {among.numel()}).contiguous();
  Tensor out = make_empty(x->shape(), DType::boolean);
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* first = set.impl().template ptr<const T>();
    using Key = decltype(sort_key(T{}));
    std::vector<Key> keys;
    for (std::int64_t i = 0; i < set.numel(); ++i)
      if (first[i] == first[i]) keys.push_back(sort_key(first[i]));  // NaN equals nothing
    std::sort(keys.begin(), keys.end());
    map<bool, T>(out.impl(), elements.impl(),
                 [&](T v) { return (v == v && std::binary_search(keys.begin(), keys.end(), sort_key(v))) != invert; });
  });
  return out;
}

std::pair<Tensor, Tensor> histogram(In x, std::int64_t bins, double min, double max) {
  NoGradGuard no_grad;
  const CallerScope scope(x.loc);
  require_floating("histogram", x);
  if (bins < 1) throw ValueError(concat("histogram: needs at least one bin, got ", bins), x.loc);
  if (min == max && x->numel() > 0) {
    min = amin(x).item();
    max = amax(x).item();
  }
  if (!std::isfinite(min) || !std::isfinite(max) || !(min <= max))
    throw ValueError(concat("histogram: the range from ", min, " to ", max, " is not finite or falls"), x.loc);
  if (min == max) {
    min -= 1;
    max += 1;
  }
  const Tensor counts = zeros({bins}, {.dtype = DType::float64}),
               edges = linspace(min, max, bins + 1, {.dtype = x->dtype()});
  auto* count = counts.impl().ptr<double>();
  const Tensor dense = to(contiguous(x), DType::float64);
  const auto* v = dense.impl().ptr<const double>();
  for (std::int64_t i = 0; i < dense.numel(); ++i)
    if (v[i] >= min && v[i] <= max) {
      const auto bin = static_cast<std::int64_t>((v[i] - min) / (max - min) * static_cast<double>(bins));
      ++count[std::min(bin, bins - 1)];
    }
  return {to(counts, x->dtype()), edges};
}

Tensor histc(In x, std::int64_t bins, double min, double max) { return histogram(x, bins, min, max).first; }

Tensor bincount(In x, const Tensor& weights, std::int64_t minlength) {
  const CallerScope scope(x.loc);
  require_defined("bincount", x);
  if (x->dtype() != DType::int64)
    throw DTypeError(concat("bincount: counts int64, got ", dtype_name(x->dtype())), x.loc);
  if (x->dim() != 1) throw ShapeError(concat("bincount: takes a vector, got shape ", x->shape()), x.loc);
  if (weights.defined() && weights.shape() != x->shape())
    throw ShapeError(concat("bincount: weights of shape ", weights.shape(), " for values of shape ", x->shape()),
                     x.loc);
  if (minlength < 0) throw ValueError(concat("bincount: minlength must not be negative, got ", minlength), x.loc);
  std::int64_t n = minlength;
  if (x->numel() > 0) {
    if (const auto least = amin(x).item<std::int64_t>(); least < 0)
      throw ValueError(concat("bincount: counts numbers from 0 on, but there is ", least), x.loc);
    n = std::max(n, checked_add(amax(x).item<std::int64_t>(), 1, "bincount", x.loc));
  }
  const Tensor each = !weights.defined()            ? ones(x->shape(), {.dtype = DType::int64})
                      : weights.is_floating_point() ? weights
                                                    : to(weights, DType::float64);
  return scatter_add(zeros({n}, {.dtype = each.dtype()}), 0, x, each);
}

}  // namespace slope
