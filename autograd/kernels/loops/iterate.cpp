#include "slope/autograd/kernels/loops/iterate.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "slope/autograd/kernels/simd/internal/row_lanes.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

Shape broadcast_byte_strides(const TensorImpl& t, const Shape& shape) {
  Shape strides = Shape::filled(shape.size(), 0);
  const auto item = static_cast<std::int64_t>(itemsize(t.dtype));
  const int lead = shape.size() - t.sizes.size();
  for (int d = 0; d < t.sizes.size(); ++d)
    strides[lead + d] = t.sizes[d] == 1 && shape[lead + d] != 1 ? 0 : t.strides[d] * item;
  return strides;
}

namespace {
template <class To, class From>
To convert(From v) {
  if constexpr (std::is_same_v<To, bool>)
    return v != From(0);
  else if constexpr (std::is_same_v<To, std::int64_t> && std::is_floating_point_v<From>) {
    // Out of range or NaN is undefined in C++; the x86 result is the smallest integer.
    constexpr From limit = From(9223372036854775808.0);
    return v >= -limit && v < limit ? static_cast<To>(v) : INT64_MIN;
  } else
    return static_cast<To>(v);
}
/// Whether all elements are one, whose bytes are 0.
bool is_one_zero(const TensorImpl& t) {
  for (int d = 0; d < t.sizes.size(); ++d)
    if (t.sizes[d] > 1 && t.strides[d] != 0) return false;
  const auto* const byte = static_cast<const char*>(t.data);
  return std::all_of(byte, byte + itemsize(t.dtype), [](char b) { return b == 0; });
}
}  // namespace

void copy_kernel(const TensorImpl& to, const TensorImpl& from) {
  if (to.numel == 0) return;
  if (to.dtype == from.dtype && to.contiguous && from.contiguous && to.sizes == from.sizes) {
    const auto item = static_cast<std::int64_t>(itemsize(to.dtype));
    parallel_for(to.numel, std::int64_t{1} << 18, [&](std::int64_t begin, std::int64_t end) {
      std::memmove(static_cast<char*>(to.data) + begin * item, static_cast<const char*>(from.data) + begin * item,
                   static_cast<std::size_t>((end - begin) * item));
    });
    return;
  }
  if (to.dtype == from.dtype && to.contiguous && is_one_zero(from)) {
    // memset goes past the caches where that pays.
    const auto item = static_cast<std::int64_t>(itemsize(to.dtype));
    parallel_for(to.numel, std::int64_t{1} << 18, [&](std::int64_t begin, std::int64_t end) {
      std::memset(static_cast<char*>(to.data) + begin * item, 0, static_cast<std::size_t>((end - begin) * item));
    });
    return;
  }
  visit_dtype(to.dtype, [&](auto to_tag) {
    visit_dtype(from.dtype, [&](auto from_tag) {
      using To = typename decltype(to_tag)::type;
      using From = typename decltype(from_tag)::type;
      map<To, From>(to, from, [](From v) { return convert<To>(v); });
    });
  });
}

Tensor dense_copy(const Tensor& t) {
  Tensor copy = make_empty(t.shape(), t.dtype());
  copy_kernel(copy.impl(), t.impl());
  return copy;
}

void fill_kernel(const TensorImpl& to, Scalar value) {
  if (to.numel == 0) return;
  visit_dtype(to.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T v = value.to<T>();
    StridedLoop<1>(to.sizes, {&to}).run(grain_cheap * 4, [&](char* const* p, const std::int64_t* s, std::int64_t n) {
      if (s[0] == sizeof(T))
        std::fill_n(reinterpret_cast<T*>(p[0]), n, v);
      else
        for (std::int64_t i = 0; i < n; ++i) *reinterpret_cast<T*>(p[0] + i * s[0]) = v;
    });
  });
}

void accumulate_kernel(const TensorImpl& into, const TensorImpl& g) {
  visit_floating(into.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    parallel_for(into.numel, grain_cheap, [&](std::int64_t begin, std::int64_t end) {
      T* const to = into.ptr<T>() + begin;
      const T* const from = g.ptr<T>() + begin;
      const std::int64_t n = end - begin;
      simd::dispatch([&](auto isa) {
        using V = typename decltype(isa)::template Lanes<T>;
        simd::each_vector<V>(n, [&](const auto& load, const auto& store, int) { store(to, load(to) + load(from)); });
      });
    });
  });
}

}  // namespace slope
