#include "slope/nn/layers/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/attention/attention.h"
#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/reduce/softmax.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/layers/internal/attention.h"

namespace slope::nn {

namespace {

using detail::AttentionRule;

/// A dense tensor whose dimensions lie in memory in the order of those of `like`, so that views which lead to `like` lead
/// back without a copy.
Tensor make_in_order_of(const TensorImpl& like, const Shape& shape) {
  int order[max_dims];
  const int dims = shape.size();
  for (int d = 0; d < dims; ++d) order[d] = d;
  // What is repeated, with stride 0, lies outermost.
  const auto step = [&like](int d) { return like.strides[d] == 0 ? INT64_MAX : like.strides[d]; };
  std::stable_sort(order, order + dims, [&](int a, int b) { return step(a) > step(b); });
  Shape in_memory, back = shape;
  for (int d = 0; d < dims; ++d) {
    in_memory.push_back(shape[order[d]]);
    back[order[d]] = d;
  }
  return permute(make_empty(in_memory, like.dtype), back);
}

/// The weights by differentiable operations, before dropout.
Tensor composed_weights(SourceLoc loc, const Tensor& q, const Tensor& k, const AttentionRule& rule) {
  const CallerScope caller(loc);
  const double hidden = -std::numeric_limits<double>::infinity();
  Tensor scores = slope::detail::product(loc, q * rule.scale, false, k, true);
  bool masked = rule.causal;
  if (rule.causal) {
    const Tensor rows = unsqueeze(arange(q.size(-2)), 1), columns = arange(k.size(-2));
    scores = where(columns <= rows, scores, hidden);
  }
  for (const Tensor& mask : rule.masks) {
    if (!mask.defined()) continue;
    masked = true;
    scores =
        mask.dtype() == DType::boolean ? where(mask, scores, hidden) : where(mask != hidden, scores + mask, hidden);
  }
  if (!masked) return softmax(scores, -1);
  const Tensor seen = any(scores.detach() != hidden, -1, true);
  return where(seen, softmax(where(seen, scores, 0.0), -1), 0.0);
}

struct ScaledDotProductAttention {
  static constexpr std::string_view name = "ScaledDotProductAttention";
  double scale;
  bool causal;
  double dropout;
  PhiloxSpan random{};

  struct Saved {
    SavedTensor q, k, v, out, mask, other_mask;
    Tensor stats;
  };

  Tensor forward(Saved& s, const Tensor& q, const Tensor& k, const Tensor& v, NoGrad mask, NoGrad other_mask) {
    Shape out_shape = q.shape();
    out_shape[out_shape.size() - 1] = v.shape().back();
    Tensor out = make_in_order_of(q.impl(), out_shape);
    const bool recorded = q.requires_grad() || k.requires_grad() || v.requires_grad();
    if (recorded) {
      const std::int64_t queries = q.size(-2);
      std::int64_t batch = 1;
      for (int d = 0; d + 2 < q.dim(); ++d) batch *= q.shape()[d];
      s.stats = make_empty({batch, 2, queries}, q.dtype());
    }
    attention_kernel(out.impl(), recorded ? &s.stats.impl() : nullptr,
                     problem(q.impl(), k.impl(), v.impl(), mask, other_mask));
    if (recorded) {
      s.q = save(q), s.k = save(k), s.v = save(v);
      if (mask.defined()) s.mask = save(mask);
      if (other_mask.defined()) s.other_mask = save(other_mask);
      s.out = save_output(out);
    }
    return out;
  }

  Grads<3> backward(const Saved& s, const Tensor& g) const {
    const Tensor q = s.q.get(), k = s.k.get(), v = s.v.get();
    const Tensor mask = s.mask ? s.mask.get() : Tensor(), other_mask = s.other_mask ? s.other_mask.get() : Tensor();
    if (grad_enabled()) return recorded_gradients(q, k, v, {{mask, other_mask}, causal, scale, dropout}, g);
    Grads<3> grads;
    const Tensor* const inputs[] = {&q, &k, &v};
    for (std::size_t i = 0; i < 3; ++i)
      if (needs_grad(i)) grads[i] = make_in_order_of(inputs[i]->impl(), inputs[i]->shape());
    const auto wanted = [](const Tensor& t) { return t.defined() ? &t.impl() : nullptr; };
    attention_backward_kernel(wanted(grads[0]), wanted(grads[1]), wanted(grads[2]), g.impl(), s.out.value(),
                              s.stats.impl(), problem(q.impl(), k.impl(), v.impl(), mask, other_mask));
    return grads;
  }

 private:
  AttentionProblem problem(const TensorImpl& q, const TensorImpl& k, const TensorImpl& v, const Tensor& mask,
                           const Tensor& other_mask) const {
    return {.q = q,
            .k = k,
            .v = v,
            .masks = {mask.defined() ? &mask.impl() : nullptr, other_mask.defined() ? &other_mask.impl() : nullptr},
            .causal = causal,
            .scale = scale,
            .dropout = dropout,
            .random = random};
  }

  /// By differentiable operations, for derivatives of derivatives.
  Grads<3> recorded_gradients(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionRule& rule,
                              const Tensor& g) const {
    const SourceLoc loc = slope::detail::current_node->where();
    const CallerScope caller(loc);
    const Tensor weights = composed_weights(loc, q, k, rule);
    Tensor kept = weights, slope = slope::detail::product(loc, g, false, v, true);
    if (rule.dropout > 0) {
      const Tensor factors = make_empty(weights.shape(), weights.dtype());
      attention_dropout_kernel(factors.impl(), rule.dropout, random);
      kept = weights * factors;
      slope = slope * factors;
    }
    Grads<3> grads;
    if (needs_grad(2)) grads[2] = slope::detail::product(loc, kept, true, g, false);
    const Tensor scores = scale_cotangent(slope - sum(scale_cotangent(slope, weights), -1, true), weights) * rule.scale;
    if (needs_grad(0)) grads[0] = slope::detail::product(loc, scores, false, k, false);
    if (needs_grad(1)) grads[1] = slope::detail::product(loc, scores, true, q, false);
    return grads;
  }
};

}  // namespace

namespace detail {

void require_dropout_probability(const char* op, double p, SourceLoc loc) {
  if (!(p >= 0 && p <= 1))
    throw ValueError(concat(op, ": dropout probability has to be between 0 and 1, but got ", p), loc);
}

std::pair<Tensor, Tensor> attend_with_weights(SourceLoc loc, const Tensor& q, const Tensor& k, const Tensor& v,
                                              const AttentionRule& rule) {
  Tensor weights = composed_weights(loc, q, k, rule);
  if (rule.dropout > 0) {
    const Tensor factors = make_empty(weights.shape(), weights.dtype());
    std::int64_t batch = 1;
    for (int d = 0; d + 2 < q.dim(); ++d) batch *= q.shape()[d];
    attention_dropout_kernel(factors.impl(), rule.dropout,
                             default_generator().reserve(attention_random_blocks(batch, q.size(-2), k.size(-2))));
    weights = mul({weights, loc}, {factors, loc});
  }
  return {slope::detail::product(loc, weights, false, v, false), weights};
}

Tensor attend(SourceLoc loc, const Tensor& q, const Tensor& k, const Tensor& v, const AttentionRule& rule) {
  Shape scores = q.shape();
  scores[scores.size() - 1] = k.size(-2);
  Tensor masks[2];
  for (int i = 0; i < 2; ++i) {
    if (!rule.masks[i].defined()) continue;
    if (grad_enabled() && rule.masks[i].requires_grad()) return attend_with_weights(loc, q, k, v, rule).first;
    masks[i] = expand({rule.masks[i], loc}, scores);
  }
  ScaledDotProductAttention op{rule.scale, rule.causal, rule.dropout};
  if (rule.dropout > 0) {
    std::int64_t batch = 1;
    for (int d = 0; d + 2 < q.dim(); ++d) batch *= q.shape()[d];
    op.random = default_generator().reserve(attention_random_blocks(batch, q.size(-2), k.size(-2)));
  }
  return apply(loc, op, q, k, v, NoGrad(masks[0]), NoGrad(masks[1]));
}

}  // namespace detail

namespace functional {

namespace {

Shape leading(const Shape& shape, int last = 2) {
  Shape lead = shape;
  for (int i = 0; i < last && !lead.empty(); ++i) lead.erase(lead.size() - 1);
  return lead;
}

/// `t` with these leading sizes in place of its own.
Tensor expand_leading(const Tensor& t, const Shape& lead, SourceLoc loc) {
  Shape shape = lead;
  shape.push_back(t.size(-2));
  shape.push_back(t.size(-1));
  return t.shape() == shape ? t : expand({t, loc}, shape);
}

/// (..., H, S, E) as (..., H, groups, S, E).
Tensor with_groups(const Tensor& t, std::int64_t groups, SourceLoc loc) {
  Shape shape = t.shape();
  const std::int64_t last = shape[shape.size() - 1], before = shape[shape.size() - 2];
  shape = leading(shape);
  shape.push_back(groups), shape.push_back(before), shape.push_back(last);
  return expand({unsqueeze({t, loc}, -3), loc}, shape);
}

}  // namespace

Tensor scaled_dot_product_attention(In query, const Tensor& key, const Tensor& value,
                                    const ScaledDotProductAttentionOptions& options) {
  constexpr const char* op = "scaled_dot_product_attention";
  const SourceLoc loc = query.loc;
  slope::detail::require_floating(op, query, "the query");
  slope::detail::require_defined(op, {key, loc});
  slope::detail::require_defined(op, {value, loc});
  if (key.dtype() != query->dtype() || value.dtype() != query->dtype())
    throw DTypeError(concat(op, ": query, key and value must have one dtype, but are ", dtype_name(query->dtype()),
                            ", ", dtype_name(key.dtype()), " and ", dtype_name(value.dtype())),
                     loc);
  const auto shapes = [&] {
    return concat("got a query of shape ", query->shape(), ", a key of ", key.shape(), " and a value of ",
                  value.shape());
  };
  if (query->dim() < 2 || key.dim() < 2 || value.dim() < 2)
    throw ShapeError(concat(op, ": query, key and value need at least two dimensions, (..., L, E); ", shapes()), loc);
  if (query->size(-1) != key.size(-1))
    throw ShapeError(concat(op, ": query and key must have the same last size; ", shapes()), loc);
  if (key.size(-2) != value.size(-2))
    throw ShapeError(concat(op, ": key and value must have the same number of rows; ", shapes()), loc);
  detail::require_dropout_probability(op, options.dropout_p, loc);
  const Tensor& mask = options.attn_mask;
  if (mask.defined() && options.is_causal)
    throw ValueError(concat(op, ": explicit attn_mask should not be set when is_causal=True; put both into the mask"),
                     loc);
  if (mask.defined() && mask.dtype() != DType::boolean && mask.dtype() != query->dtype())
    throw DTypeError(concat(op, ": attn_mask must be bool or have the query's dtype, ", dtype_name(query->dtype()),
                            ", but is ", dtype_name(mask.dtype())),
                     loc);

  const CallerScope caller(loc);
  Tensor q = query.tensor, k = key, v = value, m = mask;
  std::int64_t groups = 1;
  if (options.enable_gqa) {
    const auto heads = [](const Tensor& t) { return t.dim() > 2 ? t.size(-3) : 0; };
    if (q.dim() < 3 || heads(k) < 1 || heads(k) != heads(v) || heads(q) % heads(k) != 0)
      throw ShapeError(
          concat(op,
                 ": with enable_gqa key and value have the same number of heads (dimension -3), which divides that "
                 "of the query; ",
                 shapes()),
          loc);
    groups = heads(q) / heads(k);
  }
  Shape lead;
  try {
    const Shape of_keys = broadcast_shapes(leading(k.shape()), leading(v.shape()), op, loc);
    lead = leading(q.shape());
    if (groups > 1) {
      Shape grouped = of_keys;
      grouped[grouped.size() - 1] *= groups;
      lead = broadcast_shapes(lead, grouped, op, loc);
    } else {
      lead = broadcast_shapes(lead, of_keys, op, loc);
    }
  } catch (const ShapeError&) {
    throw ShapeError(concat(op, ": the leading sizes do not broadcast; ", shapes()), loc);
  }
  if (m.defined()) {
    Shape scores = lead;
    scores.push_back(q.size(-2)), scores.push_back(k.size(-2));
    Shape all;
    try {
      all = broadcast_shapes(scores, m.shape(), op, loc);
    } catch (const ShapeError&) {
      all = Shape();
    }
    if (all.size() < 2 || all[all.size() - 2] != scores[scores.size() - 2] || all.back() != scores.back() ||
        (groups > 1 && all[all.size() - 3] != lead.back()))
      throw ShapeError(
          concat(op, ": attn_mask of shape ", m.shape(), " does not broadcast to the scores' shape ", scores), loc);
    lead = leading(all);
    m = expand({m, loc}, all);
  }
  if (lead.size() + 2 + (groups > 1 ? 1 : 0) > max_dims)
    throw ShapeError(concat(op, ": at most ", max_dims, " dimensions, including that of groups of heads; ", shapes()),
                     loc);

  q = expand_leading(q, lead, loc);
  if (groups > 1) {
    const std::int64_t heads = lead.back();
    Shape key_lead = lead;
    key_lead[key_lead.size() - 1] = heads / groups;
    k = with_groups(expand_leading(k, key_lead, loc), groups, loc);
    v = with_groups(expand_leading(v, key_lead, loc), groups, loc);
    q = unflatten({q, loc}, -3, {heads / groups, groups});
    if (m.defined()) m = unflatten({m, loc}, -3, {heads / groups, groups});
  } else {
    k = expand_leading(k, lead, loc);
    v = expand_leading(v, lead, loc);
  }
  const double width = static_cast<double>(std::max<std::int64_t>(1, q.size(-1)));
  const AttentionRule rule{
      {m, Tensor()}, options.is_causal, options.scale.value_or(1 / std::sqrt(width)), options.dropout_p};
  const Tensor out = detail::attend(loc, q, k, v, rule);
  return groups > 1 ? flatten({out, loc}, -4, -3) : out;
}

}  // namespace functional

}  // namespace slope::nn
