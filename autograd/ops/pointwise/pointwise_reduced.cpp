// Means and sums of a formula, in the pass that computes its values and, when wanted, the gradient.
#include "slope/autograd/ops/pointwise/internal/pointwise_node.h"
#include "slope/autograd/ops/pointwise/internal/pointwise_value.h"

namespace slope::detail {

namespace {

/// A mean or sum whose local gradient was computed in forward.
template <int N>
struct ReducedNode final : FormulaNode<N, false> {
  using Base = FormulaNode<N, false>;
  using Base::Base, Base::links, Base::shape;
  Tensor local[N];
  double scale = 1;
  bool freed = false;

  void collect_saved(std::vector<SavedTensor>& into) const override {
    Base::collect_saved(into);
    for (const Tensor& l : local)
      if (l.defined()) into.emplace_back(l);
  }
  void release_saved() override {
    for (auto& s : Base::saved) s.reset();
    for (auto& l : local) l = Tensor();
    freed = true;
  }

  // A reduced formula keeps no values, so those that its derivatives mention are computed once more, recorded.
  template <std::size_t... Is>
  [[gnu::noinline]] Tensor compute_again(std::index_sequence<Is...>) const {
    const ConstantDTypeGuard constants(this->dtype);
    Tensor args[N];
    this->unpack(args);
    const Operand operands[] = {Operand(args[Is])...};
    return run_pointwise<N>(this->info, this->formula, {{&operands[Is]...}});
  }

  void backward(std::span<Tensor> g, std::span<Tensor> into) override {
    this->check_saved();
    if (freed) (void)SavedTensor().get();
    if (grad_enabled()) {
      const Tensor spread = (g[0] * scale).expand(shape);
      const bool needs_value = this->info.partial && this->mentioned & mentions_value;
      const Tensor value = needs_value ? compute_again(std::make_index_sequence<N>()) : Tensor();
      return this->composed_backward(value, spread, into);
    }
    const double up = g[0].template item<double>();
    for (int k = 0; k < N; ++k) {
      if (!links[k]) continue;
      Tensor& gx = into[static_cast<std::size_t>(k)];
      gx = local[k];
      if (up == 0)
        gx = zeros(gx.shape(), {.dtype = gx.dtype()});
      else if (up != 1)
        gx = gx.mul(up);
      this->reduce(gx, k);
    }
  }
};

}  // namespace

template <int N>
Tensor run_reduced(const FormulaInfo& info, const void* formula, const Operands<N>& args, Reduction reduction) {
  const Prepared<N> p(info, args);
  const Shape& shape = *p.shape;
  const bool record = wants_graph(info, p);
  const std::int64_t n = checked_numel(shape, "loss");
  double scale = 1;
  if (reduction == Reduction::mean) scale = 1.0 / static_cast<double>(n);  // inf for an empty mean, whose value is 0/0
  if (reduction == Reduction::batchmean && !shape.empty()) scale = 1.0 / static_cast<double>(args[0].tensor->size(0));

  Tensor local[N];
  void* to[N] = {};
  if (record)
    for (int i = 0; i < N; ++i)
      if (p.tensors[i] && p.tensors[i]->requires_grad()) {
        local[i] = make_empty(shape, p.dtype);
        to[i] = local[i].impl().data;
      }

  const ReduceKernel kernel = info.reduce[p.dtype == DType::float64];
  const auto item = static_cast<std::int64_t>(itemsize(p.dtype));
  const std::int64_t chunks = chunk_count(n, info.grain);
  double total = 0;
  if (p.blocks && chunks == 1) {
    total = kernel(formula, p.in, to, scale, n);
  } else if (n > 0) {
    std::vector<double> partial(static_cast<std::size_t>(chunks));
    if (p.blocks) {
      parallel_chunks(n, info.grain, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
        BlockIn in[N];
        void* to_at[N];
        for (int k = 0; k < N; ++k) {
          in[k] = shifted(p.in[k], begin * item);
          to_at[k] = shifted(to[k], begin * item);
        }
        partial[static_cast<std::size_t>(chunk)] = kernel(formula, in, to_at, scale, end - begin);
      });
    } else {
      StridedArg strided_args[2 * N];
      int outs = 0, which[N];
      for (int k = 0; k < N; ++k) strided_args[k] = p.strided_arg(k);
      for (int k = 0; k < N; ++k)
        if (local[k].defined()) {
          which[outs] = k;
          strided_args[N + outs++] = strided(local[k].impl(), shape);
        }
      with_count<N, 2 * N>(N + outs, [&](auto count) {
        for_blocks<count()>(shape, item, strided_args, N, info.grain,
                            [&](std::int64_t chunk, const BlockIn* in, void* const* out, std::int64_t m) {
                              void* to_at[N] = {};
                              for (int j = 0; j < outs; ++j) to_at[which[j]] = out[j];
                              partial[static_cast<std::size_t>(chunk)] += kernel(formula, in, to_at, scale, m);
                            });
      });
    }
    for (const double part : partial) total += part;
  }
  if (reduction == Reduction::mean)
    total /= static_cast<double>(n);
  else if (reduction == Reduction::batchmean && !shape.empty())
    total /= static_cast<double>(args[0].tensor->size(0));

  Tensor out = make_empty({}, p.dtype);
  if (p.dtype == DType::float64)
    *out.impl().template ptr<double>() = total;
  else
    *out.impl().template ptr<float>() = static_cast<float>(total);
  if (record) {
    auto* node = make_node<ReducedNode<N>>(info, formula, p);
    node->scale = scale;
    for (int k = 0; k < N; ++k) node->local[k] = std::move(local[k]);
    set_first_producer(out, node);
  }
  return out;
}

#define SLOPE_ARITY(N) template Tensor run_reduced<N>(const FormulaInfo&, const void*, const Operands<N>&, Reduction);
SLOPE_FOR_EACH_ARITY(SLOPE_ARITY)
#undef SLOPE_ARITY

double sum_of_values(const FormulaInfo& info, const void* formula, const Tensor& x) {
  NoGradGuard no_grad;
  // One chunk: the same sum as run_reduced forms, but for its rounding to the dtype.
  if (x.is_contiguous() && x.is_floating_point() && x.numel() <= info.grain) {
    const BlockIn in{x.impl().data};
    void* none = nullptr;
    return info.reduce[x.dtype() == DType::float64](formula, &in, &none, 1, x.numel());
  }
  const Operand whole(x);
  return run_reduced<1>(info, formula, {{&whole}}, Reduction::sum).item<double>();
}

}  // namespace slope::detail
