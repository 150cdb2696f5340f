#include "slope/nn/layers/position.h"

#include <cmath>

#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/layers/dropout.h"
#include "slope/nn/layers/internal/describe.h"

namespace slope::nn {

namespace {

void require_base(const char* op, double base, SourceLoc loc) {
  if (!(base > 0)) throw ValueError(concat(op, ": base must be positive, but is ", base), loc);
}

/// Angles [length, pairs] of the positions from `offset` on, in double.
Tensor angles(std::int64_t offset, std::int64_t length, std::int64_t dim, double base) {
  const std::int64_t pairs = dim / 2 + dim % 2;
  const Tensor t = empty({length, pairs}, {.dtype = float64});
  if (t.numel() == 0) return t;
  double* to = t.data_ptr<double>();
  for (std::int64_t i = 0; i < length; ++i)
    for (std::int64_t j = 0; j < pairs; ++j)
      *to++ = (static_cast<double>(offset) + static_cast<double>(i)) *
              std::pow(base, -2 * static_cast<double>(j) / static_cast<double>(dim));
  return t;
}

}  // namespace

namespace functional {

Tensor sinusoidal_positions(std::int64_t length, std::int64_t dim, double base, const TensorOptions& options,
                            SourceLoc loc) {
  constexpr const char* op = "sinusoidal_positions";
  if (length < 0 || dim < 0)
    throw ValueError(concat(op, ": length and dim must not be negative, got ", length, " and ", dim), loc);
  require_base(op, base, loc);
  const CallerScope caller(loc);
  const DType dtype = options.dtype.value_or(default_dtype());
  if (!is_floating(dtype))
    throw DTypeError(concat(op, ": positions are floating point numbers, not ", dtype_name(dtype)), loc);
  const Tensor at = angles(0, length, dim, base);
  const Tensor both = flatten(stack({sin(at), cos(at)}, -1), 1);
  return slope::detail::finish(contiguous(narrow(both, 1, 0, dim)).to(dtype), options, loc);
}

Tensor rotary_embedding(In x, const RotaryOptions& options) {
  constexpr const char* op = "rotary_embedding";
  slope::detail::require_floating(op, x);
  if (x->dim() < 2 || x->size(-1) % 2)
    throw ShapeError(concat(op, ": takes (..., L, dim) with an even dim, got shape ", x->shape()), x.loc);
  if (options.offset < 0)
    throw ValueError(concat(op, ": the offset must not be negative, got ", options.offset), x.loc);
  require_base(op, options.base, x.loc);
  const CallerScope caller(x.loc);
  const std::int64_t dim = x->size(-1);
  const Tensor at = angles(options.offset, x->size(-2), dim, options.base);
  const Tensor c = cos(at).to(x->dtype()), s = sin(at).to(x->dtype());
  // The pairs along dimension -1 or -2 of a split of the features.
  const int along = options.interleaved ? -1 : -2;
  const Tensor pairs = unflatten(x, -1, options.interleaved ? Shape{dim / 2, 2} : Shape{2, dim / 2});
  const std::vector<Tensor> parts = unbind(pairs, along);
  return flatten(stack({parts[0] * c - parts[1] * s, parts[1] * c + parts[0] * s}, along), -2);
}

}  // namespace functional

PositionalEncoding::PositionalEncoding(std::int64_t d_model, PositionalEncodingOptions options, SourceLoc loc)
    : options_(options) {
  if (d_model < 0 || options.max_len < 0)
    throw ValueError(
        concat("PositionalEncoding: d_model and max_len must not be negative, got ", d_model, " and ", options.max_len),
        loc);
  if (!(options.dropout >= 0 && options.dropout <= 1))
    throw ValueError(
        concat("PositionalEncoding: dropout probability has to be between 0 and 1, but got ", options.dropout), loc);
  pe = buffer("pe", functional::sinusoidal_positions(options.max_len, d_model, 10000, {}, loc), false, loc);
}

Tensor PositionalEncoding::forward(const Tensor& x) {
  slope::detail::require_floating("PositionalEncoding", x);
  const int dims = x.dim();
  if ((dims != 2 && dims != 3) || x.size(-1) != pe.size(1))
    throw ShapeError(concat("PositionalEncoding: takes (L, N, ", pe.size(1), "), (N, L, ", pe.size(1),
                            ") with batch_first or (L, ", pe.size(1), "), got shape ", x.shape()));
  const int along = dims == 3 && options_.batch_first ? 1 : 0;
  const std::int64_t length = x.size(along);
  if (length > pe.size(0))
    throw ShapeError(concat("PositionalEncoding: a sequence of ", length, " is longer than max_len = ", pe.size(0)));
  Tensor rows = narrow(pe, 0, 0, length);
  if (dims == 3 && along == 0) rows = unsqueeze(rows, 1);
  return functional::dropout(x + rows, options_.dropout, is_training());
}

std::string PositionalEncoding::extra_repr() const {
  return concat("d_model=", pe.size(1), ", dropout=", detail::number(options_.dropout), ", max_len=", pe.size(0),
                ", batch_first=", detail::truth(options_.batch_first));
}

std::string RotaryEmbedding::extra_repr() const {
  return concat("base=", detail::number(options_.base), ", interleaved=", detail::truth(options_.interleaved));
}

}  // namespace slope::nn
