#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/pointwise/pointwise.h"

/// How the driver of pointwise operations reads its arguments. The common case is decided in one look at each: tensors
/// of one floating dtype and one shape, contiguous, and numbers. Everything else is brought into a form the kernels can
/// read.
namespace slope::detail {

/// X(N) for every number of arguments there is a driver for.
#define SLOPE_FOR_EACH_ARITY(X) X(1) X(2) X(3) X(4) X(5) X(6)

/// A number, and how it looks as an element of the compute dtype.
struct Constant {
  Constant() = default;
  Constant(const Scalar& s, DType dtype) : value(s.to<double>()) {
    if (dtype == DType::float32)
      cell.f = s.to<float>();
    else if (dtype == DType::float64)
      cell.d = value;
    else
      cell.i = s.to<std::int64_t>();
  }
  double value;
  union {
    float f;
    double d;
    std::int64_t i;
  } cell;
};

/// Tensors that live as long as one call: few calls need any.
template <int N>
class Temporaries {
 public:
  Temporaries() = default;
  Temporaries(const Temporaries&) = delete;
  Temporaries& operator=(const Temporaries&) = delete;
  ~Temporaries() {
    while (count_ > 0) at(--count_)->~Tensor();
  }
  const Tensor* hold(Tensor t) { return new (at(count_++)) Tensor(std::move(t)); }

 private:
  Tensor* at(int i) { return reinterpret_cast<Tensor*>(memory_) + i; }
  int count_ = 0;
  alignas(Tensor) unsigned char memory_[N * sizeof(Tensor)];
};

/// "mul", "mse_loss": the function's name, which a message starts with, from the node's.
std::string function_name(const FormulaInfo& info);
[[noreturn]] void throw_undefined_argument(const FormulaInfo& info, int i, SourceLoc loc);
[[noreturn]] void throw_no_tensor(const FormulaInfo& info, SourceLoc loc);
[[noreturn]] void throw_not_differentiable(const FormulaInfo& info, int i, SourceLoc loc);
Shape common_shape(const FormulaInfo& info, const Shape& a, const Shape& b, SourceLoc loc);
/// The dtype that arguments not all of one floating dtype are computed in.
DType compute_dtype(const FormulaInfo& info, const Operand* const* args);

/// True when every element of `t`, seen as a larger shape, is the same one in memory.
bool is_one_value(const TensorImpl& t);
/// How a kernel reads `t`, spread over `shape`, as one block; false when it cannot.
inline bool as_block(const TensorImpl& t, const Shape& shape, BlockIn& in) {
  in = {t.data};
  if (t.contiguous && t.sizes == shape) [[likely]]
    return true;
  return in.splat = is_one_value(t);
}
inline BlockIn shifted(BlockIn in, std::int64_t bytes) {
  if (!in.splat) in.data = static_cast<const char*>(in.data) + bytes;
  return in;
}
inline void* shifted(void* out, std::int64_t bytes) { return out ? static_cast<char*>(out) + bytes : nullptr; }

inline StridedArg strided(const TensorImpl& t, const Shape& shape) {
  return {t.data, broadcast_byte_strides(t, shape)};
}
inline StridedArg strided(BlockIn splat, const Shape& shape) {
  return {const_cast<void*>(splat.data), Shape::filled(shape.size(), 0)};
}

/// The arguments of one call.
template <int N>
struct Prepared {
  const Tensor* tensors[N];  // of the compute dtype; null for a number
  Constant numbers[N];       // set where there is no tensor
  BlockIn in[N];             // of every number, and of tensors when `blocks`
  DType dtype = DType::float32;
  bool blocks = true;      // the kernel can read every argument as one block
  bool same_shape = true;  // every tensor has exactly `shape`
  bool any_grad = false;   // some tensor requires a gradient
  const Shape* shape = nullptr;
  SourceLoc loc;
  Shape broadcast;
  Temporaries<N> converted;

  Prepared(const FormulaInfo& info, const Operands<N>& args);
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  StridedArg strided_arg(int i) const {
    return tensors[i] ? strided(tensors[i]->impl(), *shape) : strided(in[i], *shape);
  }

 private:
  void adapt(const FormulaInfo& info, const Operands<N>& args);
};

template <int N>
[[gnu::always_inline]] inline Prepared<N>::Prepared(const FormulaInfo& info, const Operands<N>& args)
    : loc(args[0].loc) {
  if (!loc.file) [[unlikely]]
    for (int i = 1; i < N && !loc.file; ++i) loc = args[i].loc;
  const TensorImpl* first = nullptr;
  bool plain = true;
#pragma GCC unroll 6
  for (int i = 0; i < N; ++i) {
    const Tensor* const t = tensors[i] = args[i].tensor;
    if (!t) continue;
    const TensorImpl* const x = t->ref().get();
    if (!x) [[unlikely]]
      throw_undefined_argument(info, i, args[i].loc);
    if (!first) {
      first = x;
      dtype = x->dtype;
      plain = is_floating(dtype) & x->contiguous;
    } else {
      plain &= (x->dtype == dtype) & x->contiguous & (x->sizes == first->sizes);
    }
    in[i] = {x->data};
    any_grad |= t->requires_grad();
  }
  if (!first) [[unlikely]]
    throw_no_tensor(info, loc);
  shape = &first->sizes;
  if (!plain) [[unlikely]]
    adapt(info, args);
#pragma GCC unroll 6
  for (int i = 0; i < N; ++i)
    if (!tensors[i]) {
      numbers[i] = Constant(args[i].scalar, dtype);
      in[i] = {&numbers[i].cell, true};
    }
}

template <int N>
[[gnu::noinline]] void Prepared<N>::adapt(const FormulaInfo& info, const Operands<N>& args) {
  dtype = compute_dtype(info, args.at);
  for (int i = 0; i < N; ++i) {
    if (!tensors[i]) continue;
    if (tensors[i]->dtype() != dtype) tensors[i] = converted.hold(tensors[i]->to(dtype, loc));
    if (tensors[i]->shape() == *shape) continue;
    same_shape = false;
    broadcast = common_shape(info, *shape, tensors[i]->shape(), loc);
    shape = &broadcast;
  }
  for (int i = 0; i < N; ++i)
    if (tensors[i]) blocks &= as_block(tensors[i]->impl(), *shape, in[i]);
}

template <int N>
bool wants_graph(const FormulaInfo& info, const Prepared<N>& p) {
  if (!p.any_grad || !grad_enabled() || !is_floating(p.dtype)) return false;
  if (info.differentiable == (1u << N) - 1) return true;
  for (int i = 0; i < N; ++i)
    if (p.tensors[i] && p.tensors[i]->requires_grad() && !(info.differentiable >> i & 1))
      throw_not_differentiable(info, i, p.loc);
  return true;
}

/// Runs `body(chunk, ins, outs, n)` over all elements: `ins` are blocks, `outs` pointers to contiguous memory. Strided
/// inputs are gathered into small buffers first and strided outputs scattered afterwards.
template <int N, class Body>
void for_blocks(const Shape& shape, std::int64_t item, const StridedArg* args, int inputs, std::int64_t grain,
                const Body& body) {
  constexpr std::int64_t block = 512;
  StridedLoop<N> loop(shape, args);
  parallel_chunks(loop.numel(), grain, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
    alignas(64) char buffers[N][block * 8];
    loop.run_range(begin, end, [&](char* const* p, const std::int64_t* s, std::int64_t n) {
      bool direct = true;
      for (int k = 0; k < N; ++k) direct &= s[k] == item || (k < inputs && s[k] == 0);
      const std::int64_t step = direct ? n : block;
      for (std::int64_t at = 0; at < n; at += step) {
        const std::int64_t m = std::min(step, n - at);
        BlockIn in[N];
        void* out[N];
        for (int k = 0; k < N; ++k) {
          char* src = p[k] + at * s[k];
          if (s[k] == item || (k < inputs && s[k] == 0)) {
            in[k] = {src, s[k] == 0};
            out[k] = src;
          } else {
            if (k < inputs) {
              if (item == 4)
                for (std::int64_t i = 0; i < m; ++i) std::memcpy(buffers[k] + i * 4, src + i * s[k], 4);
              else
                for (std::int64_t i = 0; i < m; ++i) std::memcpy(buffers[k] + i * 8, src + i * s[k], 8);
            }
            in[k] = {buffers[k], false};
            out[k] = buffers[k];
          }
        }
        body(chunk, in, out + inputs, m);
        for (int k = inputs; k < N; ++k)
          if (s[k] != item) {
            char* dst = p[k] + at * s[k];
            for (std::int64_t i = 0; i < m; ++i)
              std::memcpy(dst + i * s[k], buffers[k] + i * item, static_cast<std::size_t>(item));
          }
      }
    });
  });
}

}  // namespace slope::detail
