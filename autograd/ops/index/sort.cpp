#include "slope/autograd/ops/index/sort.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <numeric>
#include <type_traits>
#include <vector>

#include "slope/autograd/kernels/loops/rows.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/internal/reduce_common.h"

namespace slope {

namespace {

using namespace detail;

/// An unsigned number that orders as the element does: NaN last, -0 equal to 0.
template <class T>
auto sort_key(T v) {
  if constexpr (std::is_same_v<T, bool>) {
    return static_cast<std::uint32_t>(v);
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return static_cast<std::uint64_t>(v) ^ (std::uint64_t{1} << 63);
  } else {
    using U = std::conditional_t<std::is_same_v<T, float>, std::uint32_t, std::uint64_t>;
    constexpr U sign = U{1} << (sizeof(U) * 8 - 1);
    if (v != v) return ~U{0};
    const U bits = std::bit_cast<U>(v == 0 ? T(0) : v);
    return bits & sign ? static_cast<U>(~bits) : static_cast<U>(bits | sign);
  }
}

/// A key and where it comes from, ordered by both: no two are equal, so every order is stable.
struct Narrow {  // 32-bit keys of up to 2^32 elements in one number
  using Key = std::uint32_t;
  std::uint64_t packed;
  Narrow() = default;
  Narrow(Key key, std::int64_t index) : packed(std::uint64_t{key} << 32 | static_cast<std::uint64_t>(index)) {}
  Key key() const { return static_cast<Key>(packed >> 32); }
  std::int64_t index() const { return static_cast<std::int64_t>(packed & 0xffffffffU); }
  friend bool operator<(Narrow a, Narrow b) { return a.packed < b.packed; }
};
template <class K>
struct Wide {
  using Key = K;
  K key_;
  std::int64_t index_;
  Wide() = default;
  Wide(K key, std::int64_t index) : key_(key), index_(index) {}
  K key() const { return key_; }
  std::int64_t index() const { return index_; }
  friend bool operator<(const Wide& a, const Wide& b) {
    return a.key_ != b.key_ ? a.key_ < b.key_ : a.index_ < b.index_;
  }
};

/// Sorts by key, a digit at a time; elements come in by index and equal keys stay in order.
template <class Entry>
void radix_sort(Entry* data, Entry* other, std::int64_t n) {
  constexpr int digits = static_cast<int>(sizeof(typename Entry::Key));
  auto count = std::make_unique<std::int64_t[]>(digits * 256);
  for (std::int64_t i = 0; i < n; ++i)
    for (int d = 0; d < digits; ++d) ++count[d * 256 + (data[i].key() >> (8 * d) & 0xff)];
  Entry *from = data, *to = other;
  for (int d = 0; d < digits; ++d) {
    std::int64_t* place = &count[d * 256];
    if (std::find(place, place + 256, n) != place + 256) continue;  // all digits are the same
    std::exclusive_scan(place, place + 256, place, std::int64_t{0});
    for (std::int64_t i = 0; i < n; ++i) to[place[from[i].key() >> (8 * d) & 0xff]++] = from[i];
    std::swap(from, to);
  }
  if (from != data) std::copy_n(from, n, data);
}

/// Ordered entries of rows of one length; keeps its memory between rows.
template <class T, class Entry>
class Sorter {
 public:
  explicit Sorter(std::int64_t n) : n_(n), entries_(static_cast<std::size_t>(n)) {}

  void load(const T* x, bool descending) {
    for (std::int64_t i = 0; i < n_; ++i) {
      const auto key = sort_key(x[i]);
      entries_[static_cast<std::size_t>(i)] = Entry(descending ? static_cast<typename Entry::Key>(~key) : key, i);
    }
  }
  void sort() {
    if (n_ < 512) return std::sort(entries_.begin(), entries_.end());
    scratch_.resize(entries_.size());
    radix_sort(entries_.data(), scratch_.data(), n_);
  }
  /// Brings the k first entries to the front, in order.
  void sort_front(std::int64_t k) {
    if (k > n_ / 8) return sort();
    std::nth_element(entries_.begin(), entries_.begin() + std::max<std::int64_t>(k - 1, 0), entries_.end());
    std::sort(entries_.begin(), entries_.begin() + k);
  }
  /// The k-th entry, from 0.
  const Entry& nth(std::int64_t k) {
    std::nth_element(entries_.begin(), entries_.begin() + k, entries_.end());
    return entries_[static_cast<std::size_t>(k)];
  }
  const Entry& operator[](std::int64_t i) const { return entries_[static_cast<std::size_t>(i)]; }

 private:
  std::int64_t n_;
  std::vector<Entry> entries_, scratch_;
};

/// Calls `f(TypeTag<T>, TypeTag<Entry>)` for elements of `dtype` in rows of n.
template <class F>
void visit_entries(DType dtype, std::int64_t n, const F& f) {
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Key = decltype(sort_key(T{}));
    if constexpr (sizeof(Key) == 4)
      if (n <= std::int64_t{1} << 32) return f(tag, TypeTag<Narrow>{});
    f(tag, TypeTag<Wide<Key>>{});
  });
}

/// A search along one dimension, whose results have size `size` there: fill(sorter, row, values, indices) for every row. With
/// `drop` results of size 1 lose the dimension.
template <class Fill>
std::pair<Tensor, Tensor> along(In x, int dim, std::int64_t size, bool drop, const Fill& fill) {
  const CallerScope scope(x.loc);
  const Shape& in = x->shape();
  const std::int64_t n = in.empty() ? 1 : in[dim];
  Shape kept = in;
  if (!kept.empty()) kept[dim] = size;
  Shape shape = kept;
  if (drop && !kept.empty()) shape.erase(dim);
  const Tensor values = make_empty(shape, x->dtype()), index = make_empty(shape, DType::int64);
  const auto wide = [&](const Tensor& t) {
    return TensorImpl::alias(t.impl(), t.raw_data(), kept, contiguous_strides(kept));
  };
  const Ref<TensorImpl> kept_values = wide(values), kept_index = wide(index);
  if (values.numel() > 0)
    visit_entries(x->dtype(), n, [&](auto tag, auto entry) {
      using T = typename decltype(tag)::type;
      using Entry = typename decltype(entry)::type;
      for_rows<3>(dim, {{x->impl()}, {*kept_values, true}, {*kept_index, true}}, grain_math / 2,
                  [&](char* const* p, const std::int64_t* s, std::int64_t rows) {
                    Sorter<T, Entry> sorter(n);
                    for (std::int64_t r = 0; r < rows; ++r)
                      fill(sorter, reinterpret_cast<const T*>(p[0] + r * s[0]), reinterpret_cast<T*>(p[1] + r * s[1]),
                           reinterpret_cast<std::int64_t*>(p[2] + r * s[2]));
                  });
    });
  return {values, index};
}

int dim_of(const char* op, In x, std::int64_t dim) {
  require_defined(op, x);
  return wrap_dim(dim, x->dim(), op, x.loc);
}

std::int64_t size_of(const Tensor& x, int dim) { return x.dim() == 0 ? 1 : x.shape()[dim]; }

void require_nonempty(const char* op, In x, int dim) {
  if (size_of(x, dim) == 0)
    throw ShapeError(concat(op, ": dimension ", dim, " has no elements to choose from; the shape is ", x->shape()),
                     x.loc);
}

std::pair<Tensor, Tensor> sorted_by(In x, int dim, bool descending) {
  const std::int64_t n = size_of(x, dim);
  return along(x, dim, n, false, [&](auto& sorter, const auto* row, auto* values, std::int64_t* index) {
    sorter.load(row, descending);
    sorter.sort();
    for (std::int64_t i = 0; i < n; ++i) values[i] = row[index[i] = sorter[i].index()];
  });
}

// The k-th smallest element (from 0) with the lowest index among equals; NaN first when `prefer_nan`.
std::pair<Tensor, Tensor> kth(In x, int dim, std::int64_t k, bool prefer_nan, bool drop) {
  const std::int64_t n = size_of(x, dim);
  return along(x, dim, 1, drop, [&](auto& sorter, const auto* row, auto* values, std::int64_t* index) {
    using T = std::remove_cvref_t<decltype(*row)>;
    std::int64_t at = n;
    if constexpr (std::is_floating_point_v<T>)
      if (prefer_nan) at = std::find_if(row, row + n, [](T v) { return v != v; }) - row;
    if (at == n) {
      sorter.load(row, false);
      const auto key = sorter.nth(k).key();
      at = std::find_if(row, row + n, [&](T v) { return sort_key(v) == key; }) - row;
    }
    *values = row[at];
    *index = at;
  });
}

struct MedianOp {
  static constexpr std::string_view name = "Median";
  struct Saved {
    SavedTensor x, y;
  };
  Tensor forward(Saved& s, const Tensor& x) {
    Tensor y = kth(reshape(x, {-1}), 0, (x.numel() - 1) / 2, true, true).first;
    if (x.requires_grad()) {
      s.x = save(x);
      s.y = save_output(y);
    }
    return y;
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const Tensor x = s.x.get();
    const ReducedDims over = reduced_dims("median", x, {}, false);
    return {share_among(equals_extreme(x, s.y.get(), over), g, over)};
  }
};

}  // namespace

std::pair<Tensor, Tensor> sort(In x, std::int64_t dim, bool descending) {
  const int d = dim_of("sort", x, dim);
  auto [values, index] = sorted_by(x, d, descending);
  return picked<"Sort">(x, values, index, d);
}

Tensor argsort(In x, std::int64_t dim, bool descending) {
  return sorted_by(x, dim_of("argsort", x, dim), descending).second;
}

std::pair<Tensor, Tensor> topk(In x, std::int64_t k, std::int64_t dim, bool largest, bool) {
  const int d = dim_of("topk", x, dim);
  if (k < (x->dim() == 0 ? 1 : 0) || k > size_of(x, d))
    throw IndexError(
        concat("topk: selected index k out of range; k is ", k, ", the size of dimension ", d, " is ", size_of(x, d)),
        x.loc);
  auto [values, index] = along(x, d, k, false, [&](auto& sorter, const auto* row, auto* to, std::int64_t* at) {
    sorter.load(row, largest);
    sorter.sort_front(k);
    for (std::int64_t i = 0; i < k; ++i) to[i] = row[at[i] = sorter[i].index()];
  });
  return picked<"Topk">(x, values, index, d);
}

std::pair<Tensor, Tensor> kthvalue(In x, std::int64_t k, std::int64_t dim, bool keepdim) {
  const int d = dim_of("kthvalue", x, dim);
  if (k < 1 || k > size_of(x, d))
    throw IndexError(
        concat("kthvalue: selected number k out of range for dimension ", d, "; k is ", k, ", the shape ", x->shape()),
        x.loc);
  auto [value, index] = kth(x, d, k - 1, false, !keepdim);
  return picked<"Kthvalue">(x, value, index, d);
}

Tensor median(In x) {
  require_defined("median", x);
  if (x->numel() == 0) {
    if (!is_floating(x->dtype()))
      throw ShapeError(concat("median: there is no middle element of nothing; the shape is ", x->shape()), x.loc);
    return full({}, std::numeric_limits<double>::quiet_NaN(), {.dtype = x->dtype()});
  }
  return apply(x.loc, MedianOp{}, x.tensor);
}

std::pair<Tensor, Tensor> median(In x, std::int64_t dim, bool keepdim) {
  const int d = dim_of("median", x, dim);
  require_nonempty("median", x, d);
  auto [value, index] = kth(x, d, (size_of(x, d) - 1) / 2, true, !keepdim);
  return picked<"Median">(x, value, index, d);
}

std::pair<Tensor, Tensor> mode(In x, std::int64_t dim, bool keepdim) {
  const int d = dim_of("mode", x, dim);
  require_nonempty("mode", x, d);
  const std::int64_t n = size_of(x, d);
  auto [values, indices] =
      along(x, d, 1, !keepdim, [&](auto& sorter, const auto* row, auto* value, std::int64_t* index) {
        sorter.load(row, false);
        sorter.sort();
        std::int64_t longest = 0, last = 0;
        for (std::int64_t i = 0, begin = 0; i < n; ++i) {
          if (sorter[i].key() != sorter[begin].key()) begin = i;
          if (i + 1 - begin > longest) {
            longest = i + 1 - begin;
            last = i;
          }
        }
        *index = sorter[last].index();
        *value = row[*index];
      });
  return picked<"Mode">(x, values, indices, d);
}

UniqueResult unique(In x) {
  require_defined("unique", x);
  NoGradGuard no_grad;
  const CallerScope scope(x.loc);
  const std::int64_t n = x->numel();
  const Tensor flat = reshape(x, {-1}), inverse = make_empty(x->shape(), DType::int64);
  auto [ordered, index] = sorted_by(flat, 0, false);
  UniqueResult result{{}, inverse, {}};
  visit_dtype(x->dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto* v = ordered.impl().template ptr<const T>();
    const auto* at = index.impl().template ptr<const std::int64_t>();
    auto* group = inverse.impl().template ptr<std::int64_t>();
    std::vector<std::int64_t> first;  // where each new value begins
    for (std::int64_t i = 0; i < n; ++i) {
      if (i == 0 || !(v[i] == v[i - 1])) first.push_back(i);
      group[at[i]] = static_cast<std::int64_t>(first.size()) - 1;
    }
    const auto count = static_cast<std::int64_t>(first.size());
    result.values = make_empty({count}, x->dtype());
    result.counts = make_empty({count}, DType::int64);
    first.push_back(n);
    for (std::int64_t k = 0; k < count; ++k) {
      const auto i = static_cast<std::size_t>(k);
      result.values.impl().template ptr<T>()[k] = v[first[i]];
      result.counts.impl().template ptr<std::int64_t>()[k] = first[i + 1] - first[i];
    }
  });
  return result;
}

std::pair<Tensor, Tensor> Tensor::sort(std::int64_t dim, bool descending, SourceLoc loc) const {
  return slope::sort({*this, loc}, dim, descending);
}
Tensor Tensor::argsort(std::int64_t dim, bool descending, SourceLoc loc) const {
  return slope::argsort({*this, loc}, dim, descending);
}
std::pair<Tensor, Tensor> Tensor::kthvalue(std::int64_t k, std::int64_t dim, bool keepdim, SourceLoc loc) const {
  return slope::kthvalue({*this, loc}, k, dim, keepdim);
}
std::pair<Tensor, Tensor> Tensor::mode(std::int64_t dim, bool keepdim, SourceLoc loc) const {
  return slope::mode({*this, loc}, dim, keepdim);
}
UniqueResult Tensor::unique(SourceLoc loc) const { return slope::unique({*this, loc}); }
std::pair<Tensor, Tensor> Tensor::topk(std::int64_t k, std::int64_t dim, bool largest, bool sorted,
                                       SourceLoc loc) const {
  return slope::topk({*this, loc}, k, dim, largest, sorted);
}
Tensor Tensor::median(SourceLoc loc) const { return slope::median({*this, loc}); }
std::pair<Tensor, Tensor> Tensor::median(std::int64_t dim, bool keepdim, SourceLoc loc) const {
  return slope::median({*this, loc}, dim, keepdim);
}

}  // namespace slope
