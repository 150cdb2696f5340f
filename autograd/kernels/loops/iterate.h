#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/core/shape.h"
#include "slope/autograd/kernels/pointwise/grain.h"
#include "slope/autograd/tensor/tensor_impl.h"

/// Traversal of N strided tensors of one common shape: broadcasting, collapsing of dimensions, rows, tails and threads, once
/// for all kernels. A kernel is a body over one row: `body(pointers, byte_strides, n)`.
namespace slope {

class Tensor;

/// Strides in bytes of a tensor seen as `shape` (trailing dimensions aligned; size-1 dimensions repeat with stride 0).
Shape broadcast_byte_strides(const TensorImpl& t, const Shape& shape);

namespace detail {
/// Calls `body` with `n` as a compile-time constant, Low <= n <= High.
template <int Low, int High, class Body>
void with_count(int n, const Body& body) {
  if constexpr (Low < High)
    if (n != Low) return with_count<Low + 1, High>(n, body);
  body(std::integral_constant<int, Low>());
}
}  // namespace detail

/// One operand of a loop: where its first element is and how far apart its elements are, in bytes, per loop dimension.
struct StridedArg {
  void* data;
  Shape byte_strides;
};

template <int N>
class StridedLoop {
 public:
  StridedLoop(const Shape& shape, const StridedArg* args) : sizes_(shape) {
    for (int k = 0; k < N; ++k) {
      base_[k] = static_cast<char*>(args[k].data);
      strides_[k] = args[k].byte_strides;
    }
    for (std::int64_t s : shape) numel_ *= s;
    collapse();
  }
  /// Every tensor must broadcast to `shape`.
  StridedLoop(const Shape& shape, const std::initializer_list<const TensorImpl*>& tensors) : sizes_(shape) {
    int k = 0;
    for (const TensorImpl* t : tensors) {
      base_[k] = static_cast<char*>(t->data);
      strides_[k] = broadcast_byte_strides(*t, shape);
      ++k;
    }
    for (std::int64_t s : shape) numel_ *= s;
    collapse();
  }

  std::int64_t numel() const { return numel_; }
  /// Number of dimensions left after merging those that are contiguous in every tensor.
  int dims() const { return sizes_.size(); }

  /// Calls `body(char* const* pointers, const int64_t* byte_strides, int64_t n)` for every row or part of a row, on several
  /// threads when there are more than `grain` elements. Pieces cover each element exactly once.
  template <class Body>
  void run(std::int64_t grain, const Body& body) const {
    parallel_for(numel_, grain, [&](std::int64_t begin, std::int64_t end) { run_range(begin, end, body); });
  }

  /// The same for the elements [begin, end) in row-major order, on this thread.
  template <class Body>
  void run_range(std::int64_t begin, std::int64_t end, const Body& body) const {
    if (begin >= end) return;
    const int last = sizes_.size() - 1;
    std::int64_t inner[N];
    for (int k = 0; k < N; ++k) inner[k] = last < 0 ? 0 : strides_[k][last];
    char* at[N];
    if (last < 0) {
      for (int k = 0; k < N; ++k) at[k] = base_[k];
      body(static_cast<char* const*>(at), static_cast<const std::int64_t*>(inner), std::int64_t{1});
      return;
    }
    std::int64_t index[max_dims];
    std::int64_t rest = begin;
    for (int d = last; d >= 0; --d) {
      index[d] = rest % sizes_[d];
      rest /= sizes_[d];
    }
    for (int k = 0; k < N; ++k) {
      at[k] = base_[k];
      for (int d = 0; d <= last; ++d) at[k] += index[d] * strides_[k][d];
    }
    for (std::int64_t i = begin; i < end;) {
      const std::int64_t n = std::min(sizes_[last] - index[last], end - i);
      body(static_cast<char* const*>(at), static_cast<const std::int64_t*>(inner), n);
      i += n;
      if (i >= end) break;
      // To the start of the next row: this piece ended at the end of its own.
      for (int k = 0; k < N; ++k) at[k] -= index[last] * inner[k];
      index[last] = 0;
      for (int d = last - 1; d >= 0; --d) {
        if (++index[d] < sizes_[d]) {
          for (int k = 0; k < N; ++k) at[k] += strides_[k][d];
          break;
        }
        for (int k = 0; k < N; ++k) at[k] -= (sizes_[d] - 1) * strides_[k][d];
        index[d] = 0;
      }
    }
  }

 private:
  void collapse() {
    Shape sizes;
    Shape strides[N];
    for (int d = 0; d < sizes_.size(); ++d) {
      if (sizes_[d] == 1) continue;
      const int top = sizes.size() - 1;
      bool merge = top >= 0;
      for (int k = 0; merge && k < N; ++k) merge = strides[k][top] == strides_[k][d] * sizes_[d];
      if (merge) {
        sizes[top] *= sizes_[d];
        for (int k = 0; k < N; ++k) strides[k][top] = strides_[k][d];
      } else {
        sizes.push_back(sizes_[d]);
        for (int k = 0; k < N; ++k) strides[k].push_back(strides_[k][d]);
      }
    }
    sizes_ = sizes;
    for (int k = 0; k < N; ++k) strides_[k] = strides[k];
  }

  std::int64_t numel_ = 1;
  Shape sizes_;
  Shape strides_[N];
  char* base_[N];
};

/// out[i] = f(a[i]) for typed scalars over any layout: for kernels that do not go through lanes.
template <class Out, class A, class F>
void map(const TensorImpl& out, const TensorImpl& a, const F& f) {
  StridedLoop<2>(out.sizes, {&out, &a}).run(grain_cheap, [&](char* const* p, const std::int64_t* s, std::int64_t n) {
    if (s[0] == sizeof(Out) && s[1] == sizeof(A)) {
      auto* to = reinterpret_cast<Out*>(p[0]);
      auto* x = reinterpret_cast<const A*>(p[1]);
      for (std::int64_t i = 0; i < n; ++i) to[i] = f(x[i]);
    } else {
      for (std::int64_t i = 0; i < n; ++i)
        *reinterpret_cast<Out*>(p[0] + i * s[0]) = f(*reinterpret_cast<const A*>(p[1] + i * s[1]));
    }
  });
}

/// out[i] = f(a[i], b[i]).
template <class Out, class A, class B, class F>
void map(const TensorImpl& out, const TensorImpl& a, const TensorImpl& b, const F& f) {
  StridedLoop<3>(out.sizes, {&out, &a, &b})
      .run(grain_cheap, [&](char* const* p, const std::int64_t* s, std::int64_t n) {
        if (s[0] == sizeof(Out) && s[1] == sizeof(A) && s[2] == sizeof(B)) {
          auto* to = reinterpret_cast<Out*>(p[0]);
          auto* x = reinterpret_cast<const A*>(p[1]);
          auto* y = reinterpret_cast<const B*>(p[2]);
          for (std::int64_t i = 0; i < n; ++i) to[i] = f(x[i], y[i]);
          return;
        }
        for (std::int64_t i = 0; i < n; ++i)
          *reinterpret_cast<Out*>(p[0] + i * s[0]) =
              f(*reinterpret_cast<const A*>(p[1] + i * s[1]), *reinterpret_cast<const B*>(p[2] + i * s[2]));
      });
}

/// out[i] = f(a[i], b[i], c[i]).
template <class Out, class A, class B, class C, class F>
void map(const TensorImpl& out, const TensorImpl& a, const TensorImpl& b, const TensorImpl& c, const F& f) {
  StridedLoop<4>(out.sizes, {&out, &a, &b, &c})
      .run(grain_cheap, [&](char* const* p, const std::int64_t* s, std::int64_t n) {
        for (std::int64_t i = 0; i < n; ++i)
          *reinterpret_cast<Out*>(p[0] + i * s[0]) =
              f(*reinterpret_cast<const A*>(p[1] + i * s[1]), *reinterpret_cast<const B*>(p[2] + i * s[2]),
                *reinterpret_cast<const C*>(p[3] + i * s[3]));
      });
}

/// Copies `from` (broadcast to the shape of `to`) into `to`, converting between dtypes. Floats become int64 by truncation;
/// NaN and what int64 cannot hold become the smallest int64.
void copy_kernel(const TensorImpl& to, const TensorImpl& from);
/// The values of `t`, dense, in memory of their own, outside any graph.
Tensor dense_copy(const Tensor& t);
/// into += g for dense tensors of one floating dtype and size.
void accumulate_kernel(const TensorImpl& into, const TensorImpl& g);
/// Sets every element.
void fill_kernel(const TensorImpl& to, Scalar value);

}  // namespace slope
