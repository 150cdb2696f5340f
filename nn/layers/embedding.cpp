#include "slope/nn/layers/embedding.h"

#include <algorithm>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/engine/op.h"
#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/index/internal/one_zero.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/layers/internal/describe.h"
#include "slope/nn/layers/internal/embedding.h"

namespace slope::nn {

namespace detail {

std::optional<std::int64_t> resolve_padding(const char* op, std::optional<std::int64_t> padding, std::int64_t rows,
                                            SourceLoc loc) {
  if (!padding) return {};
  if (*padding < -rows || *padding >= rows)
    throw ValueError(concat(op, ": padding_idx must be within num_embeddings, got ", *padding, " for ", rows, " rows"),
                     loc);
  return *padding < 0 ? *padding + rows : *padding;
}

Tensor occurrences(const Tensor& indices, std::int64_t rows) {
  return slope::detail::one_zero({rows}, int64).index_add(0, indices, ones_like(indices));
}

void check_max_norm(const char* op, std::optional<double> max_norm, SourceLoc loc) {
  if (max_norm && !(*max_norm >= 0))
    throw ValueError(concat(op, ": max_norm must not be negative, got ", *max_norm), loc);
}

void renormalise(const Tensor& weight, const Tensor& indices, double max_norm, double p) {
  if (indices.numel() == 0) return;
  NoGradGuard no_grad;
  std::vector<std::int64_t> used = indices.to_vector<std::int64_t>();
  std::ranges::sort(used);
  used.erase(std::ranges::unique(used).begin(), used.end());
  const Tensor at = tensor(used);
  const Tensor rows = weight.detach().index_select(0, at);
  const Tensor norms = norm(rows, p, 1, true), too_long = norms > max_norm;
  if (!too_long.any().item<bool>()) return;  // what backward passes have saved stays valid
  weight.index_copy_(0, at, where(too_long, rows * (max_norm / (norms + 1e-7)), rows));
}

Tensor normal_rows(const char* op, std::int64_t num, std::int64_t dim, std::optional<std::int64_t> padding_idx,
                   SourceLoc loc) {
  if (num < 0 || dim < 0)
    throw ValueError(concat(op, ": num_embeddings and embedding_dim must not be negative, got ", num, " and ", dim),
                     loc);
  const auto padding = resolve_padding(op, padding_idx, num, loc);
  Tensor rows = randn({num, dim}, {}, default_generator(), loc);
  if (padding) rows.select(0, *padding).zero_();
  return rows;
}

Tensor pretrained_rows(const char* op, const Tensor& rows, SourceLoc loc) {
  if (!rows.defined() || rows.dim() != 2)
    throw ShapeError(concat(op, ": Embeddings parameter is expected to be 2-dimensional, got ",
                            rows.defined() ? to_text(rows.shape()) : "an undefined tensor"),
                     loc);
  return rows.detach();
}

}  // namespace detail

namespace {

/// Rows of a matrix by an int64 vector of indices; `factors` (one per index, may be undefined) scale the gradients, exactly to 0
/// where they are 0.
struct EmbeddingOp {
  static constexpr std::string_view name = "Embedding";
  Shape table{};
  struct Saved {
    SavedTensor indices, factors;
  };
  Tensor forward(Saved& s, const Tensor& weight, NoGrad indices, NoGrad factors) {
    table = weight.shape();
    s.indices = save(indices);
    s.factors = save(factors);
    return index_select(weight, 0, indices);
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const SourceLoc loc = slope::detail::current_node->where();
    Tensor scaled = g;
    if (s.factors) {
      const Tensor f = s.factors.get().to(g.dtype(), loc).unsqueeze(1, loc);
      scaled = scale_cotangent({f, loc}, {g, loc});  // a factor of 0 also silences inf and NaN
    }
    return {index_add({slope::detail::one_zero(table, g.dtype()), loc}, 0, s.indices.get(), scaled)};
  }
};

}  // namespace

namespace functional {

Tensor embedding(In indices, const Tensor& weight, const EmbeddingOptions& options) {
  if (!indices.tensor.defined() || !weight.defined())
    throw ValueError("embedding: an argument is an undefined tensor", indices.loc);
  if (weight.dim() != 2)
    throw ShapeError(concat("embedding: 'weight' must be 2-D (num_embeddings, embedding_dim), got ", weight.shape()),
                     indices.loc);
  if (indices->dtype() != int64)
    throw DTypeError(concat("embedding: expected indices of int64, got ", dtype_name(indices->dtype())), indices.loc);
  CallerScope scope(indices.loc);
  const std::int64_t rows = weight.shape()[0];
  const auto padding = detail::resolve_padding("embedding", options.padding_idx, rows, indices.loc);
  detail::check_max_norm("embedding", options.max_norm, indices.loc);
  const Tensor flat = reshape(indices, {indices->numel()});
  slope::detail::check_range(flat, 0, rows, 0, "embedding", indices.loc);
  if (options.max_norm) detail::renormalise(weight, flat, *options.max_norm, options.norm_type);

  Tensor factors;
  if (weight.requires_grad() && grad_enabled()) {
    if (options.scale_grad_by_freq)
      factors = reciprocal(detail::occurrences(flat, rows).index_select(0, flat).to(weight.dtype()));
    if (padding)
      factors = where(flat == *padding, 0.0, factors.defined() ? factors : ones({1}, {.dtype = weight.dtype()}));
  }
  Shape shape = indices->shape();
  shape.push_back(weight.shape()[1]);
  return reshape({apply(indices.loc, EmbeddingOp{}, weight, flat, factors), indices.loc}, shape);
}

Tensor one_hot(In indices, std::int64_t num_classes) {
  const CallerScope caller(indices.loc);
  if (!indices.tensor.defined() || indices->dtype() != int64)
    throw DTypeError(concat("one_hot: one_hot is only applicable to index tensor of type int64, got ",
                            indices.tensor.defined() ? dtype_name(indices->dtype()) : "an undefined tensor"),
                     indices.loc);
  if (num_classes < -1)
    throw ValueError(concat("one_hot: num_classes must be -1 or not negative, got ", num_classes), indices.loc);
  if (indices->numel() == 0 && num_classes <= 0)
    throw ValueError("one_hot: Can not infer total number of classes from empty tensor.", indices.loc);
  const std::vector<std::int64_t> values = indices->to_vector<std::int64_t>();
  std::int64_t largest = -1;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0)
      throw ValueError(concat("one_hot: Class values must be non-negative, got ", values[i], " at element ", i),
                       indices.loc);
    if (num_classes >= 0 && values[i] >= num_classes)
      throw ValueError(concat("one_hot: Class values must be smaller than num_classes, got ", values[i], " at element ",
                              i, " for ", num_classes, " classes"),
                       indices.loc);
    largest = std::max(largest, values[i]);
  }
  const std::int64_t classes = num_classes >= 0 ? num_classes : checked_add(largest, 1, "one_hot", indices.loc);
  Shape shape = indices->shape();
  shape.push_back(classes);
  Tensor out = zeros(shape, {.dtype = int64}, indices.loc);
  std::int64_t* to = out.data_ptr<std::int64_t>();
  for (std::size_t i = 0; i < values.size(); ++i) to[static_cast<std::int64_t>(i) * classes + values[i]] = 1;
  return out;
}

}  // namespace functional

namespace {

/// The options themselves, before anything is drawn.
const EmbeddingOptions& checked(const EmbeddingOptions& options, SourceLoc loc) {
  detail::check_max_norm("Embedding", options.max_norm, loc);
  return options;
}

}  // namespace

Embedding::Embedding(const Tensor& rows, EmbeddingOptions options, SourceLoc loc) : options_(options) {
  options_.padding_idx = detail::resolve_padding("Embedding", options.padding_idx, rows.size(0), loc);
  weight = parameter("weight", rows, loc);
}

Embedding::Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, EmbeddingOptions options, SourceLoc loc)
    : Embedding(detail::normal_rows("Embedding", num_embeddings, embedding_dim, checked(options, loc).padding_idx, loc),
                options, loc) {}

Embedding Embedding::from_pretrained(const Tensor& rows, bool freeze, EmbeddingOptions options, SourceLoc loc) {
  Embedding layer(detail::pretrained_rows("Embedding", rows, loc), checked(options, loc), loc);
  layer.weight.requires_grad_(!freeze);
  return layer;
}

Tensor Embedding::forward(const Tensor& indices) { return functional::embedding(indices, weight, options_); }

std::string Embedding::extra_repr() const {
  std::string text = concat(weight.size(0), ", ", weight.size(1));
  if (options_.padding_idx) text += concat(", padding_idx=", *options_.padding_idx);
  if (options_.max_norm) text += ", max_norm=" + detail::number(*options_.max_norm);
  if (options_.norm_type != 2) text += ", norm_type=" + detail::number(options_.norm_type);
  if (options_.scale_grad_by_freq) text += ", scale_grad_by_freq=True";
  return text;
}

}  // namespace slope::nn
