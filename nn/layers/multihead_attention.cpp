#include "slope/nn/layers/multihead_attention.h"

#include <cmath>
#include <limits>

#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/init.h"
#include "slope/nn/internal/computed_parameters.h"
#include "slope/nn/layers/internal/attention.h"
#include "slope/nn/layers/internal/describe.h"
#include "slope/nn/layers/internal/fresh_parameter.h"

namespace slope::nn {

namespace {

constexpr const char* op = "multi_head_attention_forward";

using Options = functional::MultiHeadAttentionForwardOptions;

/// Query, key or value after their projections, (A, B, H, E/H), A and B being positions and batch in the caller's order.
struct Projected {
  Tensor q, k, v;
};

/// Rows [first, first + count)·E of what belongs to all three projections.
Tensor rows_of(const Tensor& all, std::int64_t first, std::int64_t count) {
  if (!all.defined()) return {};
  const std::int64_t width = all.size(0) / 3;
  return narrow(all, 0, first * width, count * width);
}

/// One product for as many projections of one input as follow each other.
std::vector<Tensor> project(const Tensor& x, const Options& o, std::int64_t first, std::int64_t count,
                            std::int64_t heads) {
  const bool all = count == 3;
  const Tensor y = linear(x, all ? o.in_proj_weight : rows_of(o.in_proj_weight, first, count),
                          all ? o.in_proj_bias : rows_of(o.in_proj_bias, first, count));
  const std::int64_t width = y.size(-1) / count;
  return unbind(unflatten(y, -1, {count, heads, width / heads}), 2);
}

Projected project(const Tensor& query, const Tensor& key, const Tensor& value, const Options& o, std::int64_t heads) {
  if (o.in_proj_weight.defined()) {
    if (query.is(key) && key.is(value)) {
      const std::vector<Tensor> all = project(query, o, 0, 3, heads);
      return {all[0], all[1], all[2]};
    }
    const Tensor q = project(query, o, 0, 1, heads)[0];
    if (key.is(value)) {
      const std::vector<Tensor> both = project(key, o, 1, 2, heads);
      return {q, both[0], both[1]};
    }
    return {q, project(key, o, 1, 1, heads)[0], project(value, o, 2, 1, heads)[0]};
  }
  const auto split = [&](const Tensor& x, const Tensor& weight, std::int64_t which) {
    const Tensor y = linear(x, weight, rows_of(o.in_proj_bias, which, 1));
    return unflatten(y, -1, {heads, y.size(-1) / heads});
  };
  return {split(query, o.q_proj_weight, 0), split(key, o.k_proj_weight, 1), split(value, o.v_proj_weight, 2)};
}

/// A mask of hidden keys with `more` columns of keys that are seen, as AttentionRule takes it.
Tensor as_rule(const Tensor& mask, std::int64_t more, DType dtype) {
  Tensor wide = mask;
  if (more > 0) {
    Shape extra = mask.shape();
    extra[extra.size() - 1] = more;
    wide = cat({mask, zeros(extra, {.dtype = mask.dtype()})}, -1);
  }
  return mask.dtype() == DType::boolean ? logical_not(wide) : wide.to(dtype);
}

void check_mask(const char* name, const Tensor& mask, SourceLoc loc) {
  if (mask.defined() && mask.dtype() != DType::boolean && !is_floating(mask.dtype()))
    throw DTypeError(
        concat(op, ": only bool and floating types of ", name, " are supported, not ", dtype_name(mask.dtype())), loc);
}

[[noreturn]] void fail(const std::string& what, SourceLoc loc) { throw ShapeError(concat(op, ": ", what), loc); }

/// Sizes of a batched call.
struct Sizes {
  std::int64_t queries, keys, batch, heads, width;
};

void check_masks(const MultiheadAttentionCall& call, const Sizes& s, bool batched, SourceLoc loc) {
  check_mask("key_padding_mask", call.key_padding_mask, loc);
  check_mask("attn_mask", call.attn_mask, loc);
  if (call.is_causal && !call.attn_mask.defined())
    throw ValueError(concat(op, ": need attn_mask if specifying the is_causal hint"), loc);
  if (call.key_padding_mask.defined()) {
    const Shape expected = batched ? Shape{s.batch, s.keys} : Shape{s.keys};
    if (call.key_padding_mask.shape() != expected)
      fail(concat("expecting key_padding_mask shape of ", detail::tuple(expected), ", but got ",
                  call.key_padding_mask.shape()),
           loc);
  }
  if (!call.attn_mask.defined()) return;
  const Shape& shape = call.attn_mask.shape();
  const bool each_head = shape.size() == 3;
  if (shape.size() != 2 && !each_head)
    fail(concat("attn_mask's dimension ", shape.size(), " is not supported: it is (L, S) or (N*heads, L, S)"), loc);
  const Shape expected = each_head ? Shape{s.batch * s.heads, s.queries, s.keys} : Shape{s.queries, s.keys};
  if (shape != expected)
    fail(concat("The shape of the ", shape.size(), "D attn_mask is ", shape, ", but should be ",
                detail::tuple(expected), "."),
         loc);
}

Sizes check(In query, const Tensor& key, const Tensor& value, std::int64_t heads, const Options& o) {
  const SourceLoc loc = query.loc;
  slope::detail::require_floating(op, query, "the query");
  slope::detail::require_floating(op, {key, loc}, "the key");
  slope::detail::require_floating(op, {value, loc}, "the value");
  const int dims = query->dim();
  if (dims != 2 && dims != 3)
    fail(concat("query should be unbatched 2D or batched 3D tensor but received ", dims, "-D query tensor"), loc);
  if (key.dim() != dims || value.dim() != dims)
    fail(concat("for ", dims == 3 ? "batched (3-D)" : "unbatched (2-D)", " `query`, expected `key` and `value` to be ",
                dims, "-D but found ", key.dim(), "-D and ", value.dim(), "-D tensors respectively"),
         loc);
  const bool joint = o.in_proj_weight.defined();
  if (!o.out_proj_weight.defined() ||
      !(joint || (o.q_proj_weight.defined() && o.k_proj_weight.defined() && o.v_proj_weight.defined())))
    throw ValueError(concat(op, ": needs out_proj_weight, and in_proj_weight or the weights of query, key and value"),
                     loc);
  for (const Tensor* weight : {&o.out_proj_weight, &o.in_proj_weight, &o.q_proj_weight})
    if (weight->defined() && weight->dim() != 2)
      fail(concat("weights are matrices, but one has shape ", weight->shape()), loc);
  const std::int64_t width = o.out_proj_weight.size(0);
  if (heads <= 0 || width % heads != 0)
    throw ValueError(concat(op, ": embed_dim must be divisible by num_heads; got ", width, " and ", heads), loc);
  const Tensor& of_query = joint ? o.in_proj_weight : o.q_proj_weight;
  const auto check_weight = [&](const char* name, const Tensor& weight, const Shape& expected) {
    if (weight.defined() && weight.shape() != expected)
      fail(concat(name, " of shape ", weight.shape(), " should have shape ", expected), loc);
  };
  check_weight("out_proj_weight", o.out_proj_weight, {width, width});
  check_weight("out_proj_bias", o.out_proj_bias, {width});
  check_weight("in_proj_weight", o.in_proj_weight, {3 * width, width});
  check_weight("in_proj_bias", o.in_proj_bias, {3 * width});
  check_weight("bias_k", o.bias_k, {1, 1, width});
  check_weight("bias_v", o.bias_v, {1, 1, width});
  if (o.bias_k.defined() != o.bias_v.defined())
    throw ValueError(concat(op, ": bias_k and bias_v are given together"), loc);
  if (!joint) {
    check_weight("q_proj_weight", o.q_proj_weight, {width, width});
    check_weight("k_proj_weight", o.k_proj_weight, {width, key.size(-1)});
    check_weight("v_proj_weight", o.v_proj_weight, {width, value.size(-1)});
  }
  if (query->size(-1) != of_query.size(1))
    fail(concat("was expecting embedding dimension of ", of_query.size(1), ", but got ", query->size(-1)), loc);
  if (joint && (key.size(-1) != width || value.size(-1) != width))
    fail(concat("was expecting embedding dimension of ", width, " for key and value, but got ", key.size(-1), " and ",
                value.size(-1)),
         loc);
  const int at = dims == 2 || !o.batch_first ? 0 : 1;
  Shape of_key = key.shape(), of_value = value.shape();
  of_key.erase(dims - 1), of_value.erase(dims - 1);
  if (of_key != of_value)
    fail(concat("key's sequence and batch dims ", of_key, " do not match value's ", of_value), loc);
  const std::int64_t batch = dims == 2 ? 1 : query->size(1 - at);
  if (dims == 3 && key.size(1 - at) != batch)
    fail(concat("query has a batch of ", batch, ", key and value have one of ", key.size(1 - at)), loc);
  detail::require_dropout_probability(op, o.dropout_p, loc);
  const Sizes s{query->size(at), key.size(at), batch, heads, width};
  check_masks(o.call, s, dims == 3, loc);
  return s;
}

Linear make_out_proj(std::int64_t embed_dim, std::int64_t num_heads, bool bias, SourceLoc loc) {
  if (embed_dim <= 0 || num_heads <= 0)
    throw ValueError(concat("MultiheadAttention: embed_dim and num_heads must be greater than 0, got embed_dim=",
                            embed_dim, " and num_heads=", num_heads, " instead"),
                     loc);
  if (embed_dim % num_heads != 0)
    throw ValueError(
        concat("MultiheadAttention: embed_dim must be divisible by num_heads; got ", embed_dim, " and ", num_heads),
        loc);
  return Linear(embed_dim, embed_dim, {.bias = bias}, loc);
}

}  // namespace

namespace functional {

std::pair<Tensor, Tensor> multi_head_attention_forward(In query, const Tensor& key, const Tensor& value,
                                                       std::int64_t num_heads, const Options& options) {
  const Sizes s = check(query, key, value, num_heads, options);
  const CallerScope caller(query.loc);
  const bool batched = query->dim() == 3;
  if (!batched) {
    const Tensor q = unsqueeze(query, 1), k = key.is(query.tensor) ? q : unsqueeze(key, 1);
    const Tensor v = value.is(query.tensor) ? q : value.is(key) ? k : unsqueeze(value, 1);
    Options one = options;
    one.batch_first = false;
    if (one.call.key_padding_mask.defined()) one.call.key_padding_mask = unsqueeze(one.call.key_padding_mask, 0);
    auto [y, weights] = multi_head_attention_forward({q, query.loc}, k, v, num_heads, one);
    return {squeeze(y, 1), weights.defined() ? squeeze(weights, 0) : weights};
  }
  Projected x = project(query, key, value, options, num_heads);
  const int along = options.batch_first ? 1 : 0;
  std::int64_t more = 0;
  std::vector<Tensor> keys{x.k}, values{x.v};
  const Shape one_more = options.batch_first ? Shape{s.batch, 1, s.heads, s.width / s.heads}
                                             : Shape{1, s.batch, s.heads, s.width / s.heads};
  if (options.bias_k.defined()) {
    const auto every = [&](const Tensor& t) {
      return expand(unflatten(t, -1, {s.heads, s.width / s.heads}), one_more);
    };
    keys.push_back(every(options.bias_k));
    values.push_back(every(options.bias_v));
    ++more;
  }
  if (options.add_zero_attn) {
    const Tensor nothing = zeros(one_more, {.dtype = x.k.dtype()});
    keys.push_back(nothing);
    values.push_back(nothing);
    ++more;
  }
  if (more > 0) x.k = cat(keys, along), x.v = cat(values, along);

  detail::AttentionRule rule;
  rule.scale = 1 / std::sqrt(static_cast<double>(s.width / s.heads));
  rule.dropout = options.dropout_p;
  if (const Tensor& mask = options.call.attn_mask; mask.defined()) {
    rule.masks[0] = as_rule(mask, more, x.q.dtype());
    if (mask.dim() == 3) rule.masks[0] = unflatten(rule.masks[0], 0, {s.batch, s.heads});
  }
  if (const Tensor& mask = options.call.key_padding_mask; mask.defined())
    rule.masks[1] = unsqueeze(unsqueeze(as_rule(mask, more, x.q.dtype()), 1), 1);

  // [N, H, L, E/H], without moving anything.
  const Shape heads_first = options.batch_first ? Shape{0, 2, 1, 3} : Shape{1, 2, 0, 3};
  const Shape heads_last = options.batch_first ? Shape{0, 2, 1, 3} : Shape{2, 0, 1, 3};
  const Tensor q = permute(x.q, heads_first), k = permute(x.k, heads_first), v = permute(x.v, heads_first);
  Tensor y, weights;
  if (options.call.need_weights) {
    std::tie(y, weights) = detail::attend_with_weights(query.loc, q, k, v, rule);
    if (options.call.average_attn_weights) weights = mean(weights, 1);
  } else {
    y = detail::attend(query.loc, q, k, v, rule);
  }
  const Tensor joined = flatten(permute(y, heads_last), 2, 3);
  return {linear(joined, options.out_proj_weight, options.out_proj_bias), weights};
}

}  // namespace functional

MultiheadAttention::MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                                       MultiheadAttentionOptions options, SourceLoc loc)
    : out_proj(add("out_proj", make_out_proj(embed_dim, num_heads, options.bias, loc), loc)),
      embed_dim_(embed_dim),
      num_heads_(num_heads),
      options_(options) {
  const CallerScope caller(loc);
  const std::int64_t kdim = options.kdim.value_or(embed_dim), vdim = options.vdim.value_or(embed_dim);
  if (kdim <= 0 || vdim <= 0)
    throw ValueError(concat("MultiheadAttention: kdim and vdim must be greater than 0, got ", kdim, " and ", vdim),
                     loc);
  detail::require_dropout_probability("MultiheadAttention", options.dropout, loc);
  const auto projection = [&](const char* name, const Shape& shape) {
    const Tensor t = empty(shape, {}, loc);
    init::xavier_uniform_(t);
    return parameter(name, t, loc);
  };
  if (kdim == embed_dim && vdim == embed_dim) {
    in_proj_weight = projection("in_proj_weight", {3 * embed_dim, embed_dim});
  } else {
    q_proj_weight = projection("q_proj_weight", {embed_dim, embed_dim});
    k_proj_weight = projection("k_proj_weight", {embed_dim, kdim});
    v_proj_weight = projection("v_proj_weight", {embed_dim, vdim});
  }
  if (options.bias) {
    in_proj_bias = parameter("in_proj_bias", zeros({3 * embed_dim}), loc);
    init::zeros_(out_proj.bias);
  }
  if (options.add_bias_kv) {
    const auto extra = [&](const char* name) {
      const Tensor t = empty({1, 1, embed_dim}, {}, loc);
      init::xavier_normal_(t);
      return parameter(name, t, loc);
    };
    bias_k = extra("bias_k");
    bias_v = extra("bias_v");
  }
}

std::pair<Tensor, Tensor> MultiheadAttention::forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                                      const MultiheadAttentionCall& call) {
  // It is not called, only its parameters are read.
  const detail::ComputedScope computed(detail::ModuleAccess::computed(out_proj), out_proj.is_training());
  return functional::multi_head_attention_forward(query, key, value, num_heads_,
                                                  {.in_proj_weight = in_proj_weight,
                                                   .in_proj_bias = in_proj_bias,
                                                   .bias_k = bias_k,
                                                   .bias_v = bias_v,
                                                   .add_zero_attn = options_.add_zero_attn,
                                                   .dropout_p = is_training() ? options_.dropout : 0,
                                                   .out_proj_weight = out_proj.weight,
                                                   .out_proj_bias = out_proj.bias,
                                                   .q_proj_weight = q_proj_weight,
                                                   .k_proj_weight = k_proj_weight,
                                                   .v_proj_weight = v_proj_weight,
                                                   .batch_first = options_.batch_first,
                                                   .call = call});
}

std::string MultiheadAttention::extra_repr() const {
  std::string text = concat("embed_dim=", embed_dim_, ", num_heads=", num_heads_);
  if (options_.dropout > 0) text += ", dropout=" + detail::number(options_.dropout);
  if (options_.kdim) text += concat(", kdim=", *options_.kdim);
  if (options_.vdim) text += concat(", vdim=", *options_.vdim);
  if (options_.batch_first) text += ", batch_first=True";
  return text;
}

std::int64_t MultiheadAttention::macs(const Shape& output_shape) const {
  const int dims = output_shape.size();
  if (dims < 2) return 0;
  const std::int64_t keys = output_shape[dims == 3 && options_.batch_first ? 1 : 0];
  const std::int64_t projections = detail::saturated_product(output_shape, 4 * embed_dim_);
  std::int64_t all = detail::saturated_product({2}, detail::saturated_product(output_shape, keys));
  return __builtin_add_overflow(all, projections, &all) ? std::numeric_limits<std::int64_t>::max() : all;
}

}  // namespace slope::nn
