#include "slope/autograd/ops/pointwise/pointwise.h"

#include "slope/autograd/ops/pointwise/internal/pointwise_node.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"

namespace slope::detail {

std::string function_name(const FormulaInfo& info) {
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  std::string s;
  for (std::size_t i = 0; i < info.name.size(); ++i) {
    const char c = info.name[i];
    if (i > 0 && is_upper(c) && !is_upper(info.name[i - 1])) s += '_';
    s += is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return s;
}

namespace {
// "argument 'weight'", or "argument 2" of a formula that does not name them.
std::string argument_name(const FormulaInfo& info, int i) {
  return info.arguments ? concat("argument '", info.arguments[i], "'") : concat("argument ", i);
}
}  // namespace

[[gnu::cold]] void throw_undefined_argument(const FormulaInfo& info, int i, SourceLoc loc) {
  throw ValueError(concat(function_name(info), ": ", argument_name(info, i), " is an undefined tensor"), loc);
}

[[gnu::cold]] void throw_no_tensor(const FormulaInfo& info, SourceLoc loc) {
  throw ValueError(concat(function_name(info), ": at least one argument must be a tensor"), loc);
}

[[gnu::cold]] void throw_not_differentiable(const FormulaInfo& info, int i, SourceLoc loc) {
  throw AutogradError(
      concat(function_name(info), ": the function '", function_name(info), "' is not differentiable with respect to ",
             argument_name(info, i), "; pass it with .detach()"),
      loc);
}

Shape common_shape(const FormulaInfo& info, const Shape& a, const Shape& b, SourceLoc loc) {
  try {
    const Shape shape = broadcast_shapes(a, b);
    checked_numel(shape, "");
    return shape;
  } catch (const ShapeError&) {  // throws again, with the name
    const std::string op = function_name(info);
    const Shape shape = broadcast_shapes(a, b, op.c_str(), loc);
    checked_numel(shape, op.c_str(), loc);
    return shape;
  }
}

DType compute_dtype(const FormulaInfo& info, const Operand* const* args) {
  const DType dtype = promote(args, info.arity);
  return is_floating(dtype) || (info.integer && dtype == DType::int64) ? dtype : default_dtype();
}

bool is_one_value(const TensorImpl& t) {
  if (t.numel == 1) return true;
  for (int d = 0; d < t.sizes.size(); ++d)
    if (t.strides[d] != 0 && t.sizes[d] != 1) return false;
  return t.numel > 0;
}

namespace {

template <int N>
[[gnu::noinline]] void compute_value_in_parts(const FormulaInfo& info, const void* formula, const Prepared<N>& p,
                                              const TensorImpl& out) {
  const ValueKernel kernel = p.dtype == DType::int64 ? info.integer : info.value[p.dtype == DType::float64];
  const auto item = static_cast<std::int64_t>(itemsize(p.dtype));
  if (p.blocks && out.contiguous)
    return parallel_for(out.numel, info.grain, [&](std::int64_t begin, std::int64_t end) {
      BlockIn at[N];
      for (int i = 0; i < N; ++i) at[i] = shifted(p.in[i], begin * item);
      kernel(formula, at, shifted(out.data, begin * item), end - begin);
    });
  StridedArg args[N + 1];
  for (int i = 0; i < N; ++i) args[i] = p.strided_arg(i);
  args[N] = strided(out, *p.shape);
  for_blocks<N + 1>(
      *p.shape, item, args, N, info.grain,
      [&](std::int64_t, const BlockIn* in, void* const* to, std::int64_t m) { kernel(formula, in, to[0], m); });
}

template <int N>
[[gnu::always_inline]] inline void compute_value(const FormulaInfo& info, const void* formula, const Prepared<N>& p,
                                                 const TensorImpl& out) {
  if (out.numel == 0) return;
  if (!p.blocks || !out.contiguous || out.numel > info.grain) [[unlikely]]
    return compute_value_in_parts(info, formula, p, out);
  const ValueKernel kernel = p.dtype == DType::int64 ? info.integer : info.value[p.dtype == DType::float64];
  kernel(formula, p.in, out.data, out.numel);
}

template <int N>
struct PointwiseNode final : FormulaNode<N, true> {
  using Base = FormulaNode<N, true>;
  using Base::Base, Base::info, Base::formula, Base::links, Base::mentioned, Base::is_tensor, Base::dtype, Base::shape,
      Base::saved, Base::numbers, Base::wanted;
  SavedTensor value;

  void collect_saved(std::vector<SavedTensor>& into) const override {
    Base::collect_saved(into);
    if (value) into.push_back(value);
  }
  void release_saved() override {
    for (auto& s : saved) s.reset();
    value.reset();
  }

  void backward(std::span<Tensor> g, std::span<Tensor> into) override {
    if (grad_enabled()) [[unlikely]] {
      return record_backward(g[0], into);
    }
    unsigned passing = wanted & info.passes;  // arguments whose gradient is g itself
    const unsigned scaled = wanted ^ passing;
#pragma GCC unroll 6
    for (int k = 0; k < N; ++k)
      if (passing & 1u << k) {
        Tensor& gx = into[static_cast<std::size_t>(k)];
        passing &= ~(1u << k);
        if (passing || scaled)
          gx = g[0];
        else
          gx = std::move(g[0]);
        this->reduce(gx, k);
      }
    if (scaled) scaled_backward(scaled, g[0], into);
  }

  [[gnu::noinline]] void record_backward(const Tensor& g, std::span<Tensor> into) {
    const Tensor y = mentioned & mentions_value ? value.get() : Tensor();
    this->composed_backward(y, g, into);
  }

  void scaled_backward(unsigned scaled, Tensor& g, std::span<Tensor> into) const {
    const TensorImpl& up = g.impl();
    BlockIn in[N], y = any_block(dtype), up_in;
    bool blocks = as_block(up, shape, up_in);
#pragma GCC unroll 6
    for (int k = 0; k < N; ++k) {
      if (!(is_tensor & 1u << k))
        in[k] = {&numbers[k].cell, true};
      else if (mentioned & 1u << k)
        blocks &= as_block(saved[k].value(), shape, in[k]);
      else
        in[k] = any_block(dtype);
    }
    if (mentioned & mentions_value) blocks &= as_block(value.value(), shape, y);
    // A gradient nobody else holds is overwritten in place: each element is read before it is written.
    const bool reuse = blocks && !up_in.splat && (scaled & (scaled - 1)) == 0 && g.sole_owner() && up.dtype == dtype;
    void* to[N];
#pragma GCC unroll 6
    for (int k = 0; k < N; ++k) {
      to[k] = nullptr;
      if (!(scaled & 1u << k)) continue;
      Tensor& gx = into[static_cast<std::size_t>(k)];
      gx = reuse ? std::move(g) : make_empty(shape, dtype);  // NOLINT(bugprone-use-after-move): only one reuses it
      to[k] = gx.impl().data;
    }
    const TensorImpl& first = into[static_cast<std::size_t>(__builtin_ctz(scaled))].impl();
    const BackwardKernel kernel = info.backward[dtype == DType::float64];
    if (blocks && first.numel <= info.grain) [[likely]]
      kernel(formula, in, y, up_in, to, first.numel);
    else if (blocks)
      parallel_backward(in, y, up_in, to, first.numel);
    else
      strided_backward(scaled, g, into);
#pragma GCC unroll 6
    for (int k = 0; k < N; ++k)
      if (scaled & 1u << k) this->reduce(into[static_cast<std::size_t>(k)], k);
  }

  [[gnu::noinline]] void parallel_backward(const BlockIn* in, BlockIn y, BlockIn up, void* const* to,
                                           std::int64_t n) const {
    const BackwardKernel kernel = info.backward[dtype == DType::float64];
    const auto item = static_cast<std::int64_t>(itemsize(dtype));
    parallel_for(n, info.grain, [&](std::int64_t begin, std::int64_t end) {
      BlockIn at[N];
      void* to_at[N];
      for (int k = 0; k < N; ++k) {
        at[k] = shifted(in[k], begin * item);
        to_at[k] = shifted(to[k], begin * item);
      }
      kernel(formula, at, shifted(y, begin * item), shifted(up, begin * item), to_at, end - begin);
    });
  }

  [[gnu::noinline]] void strided_backward(unsigned scaled, const Tensor& g, std::span<Tensor> grads) const {
    const BackwardKernel kernel = info.backward[dtype == DType::float64];
    StridedArg args[2 * N + 2];
    int inputs = 0;
    for (int k = 0; k < N; ++k) {
      if (is_tensor & mentioned & 1u << k)
        args[inputs++] = strided(saved[k].value(), shape);
      else
        args[inputs++] = strided(is_tensor & 1u << k ? any_block(dtype) : BlockIn{&numbers[k].cell, true}, shape);
    }
    args[inputs++] = mentioned & mentions_value ? strided(value.value(), shape) : strided(any_block(dtype), shape);
    args[inputs++] = strided(g.impl(), shape);
    int outs = 0, which[N];
    for (int k = 0; k < N; ++k)
      if (scaled & 1u << k) {
        which[outs] = k;
        args[inputs + outs++] = strided(grads[static_cast<std::size_t>(k)].impl(), shape);
      }
    with_count<N + 3, 2 * N + 2>(inputs + outs, [&](auto count) {
      for_blocks<count()>(shape, static_cast<std::int64_t>(itemsize(dtype)), args, inputs, info.grain,
                          [&](std::int64_t, const BlockIn* in, void* const* out, std::int64_t m) {
                            void* to[N] = {};
                            for (int j = 0; j < outs; ++j) to[which[j]] = out[j];
                            kernel(formula, in, in[N], in[N + 1], to, m);
                          });
    });
  }
};

Tensor empty_at(SourceLoc loc, const Shape& shape, DType dtype) {
  try {
    return Tensor(TensorImpl::create(shape, dtype));
  } catch (const Error& e) {
    rethrow_at(e, loc);
  }
}

}  // namespace

template <int N>
Tensor run_pointwise(const FormulaInfo& info, const void* formula, const Operands<N>& args) {
  const Prepared<N> p(info, args);
  const bool record = wants_graph(info, p);
  Tensor out = empty_at(p.loc, *p.shape, p.dtype);
  compute_value(info, formula, p, out.impl());
  if (record) {
    auto* node = make_node<PointwiseNode<N>>(info, formula, p);
    if (node->mentioned & mentions_value) node->value = save_output(out);
    set_first_producer(out, node);
  }
  return out;
}

template <int N>
void run_pointwise_into(const FormulaInfo& info, const void* formula, const Operands<N>& args, const Tensor& out) {
  NoGradGuard no_grad;
  const Prepared<N> p(info, args);
  compute_value(info, formula, p, out.impl());
}

#define SLOPE_ARITY(N)                                                                   \
  template Tensor run_pointwise<N>(const FormulaInfo&, const void*, const Operands<N>&); \
  template void run_pointwise_into<N>(const FormulaInfo&, const void*, const Operands<N>&, const Tensor&);
SLOPE_FOR_EACH_ARITY(SLOPE_ARITY)
#undef SLOPE_ARITY

}  // namespace slope::detail
