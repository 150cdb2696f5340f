#include <memory>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/bags.h"
#include "slope/autograd/kernels/loops/index.h"
#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/index/internal/one_zero.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/layers/embedding.h"
#include "slope/nn/layers/internal/describe.h"
#include "slope/nn/layers/internal/embedding.h"
#include "slope/nn/layers/internal/pool_common.h"

namespace slope::nn {

using std::int64_t;

namespace {

/// Which rows lie in which bag: a sparse matrix of bags × rows. A copy, so that nobody changes the indices before backward reads them.
struct Bags {
  int64_t rows = 0, bags = 0, numbers = 0;
  /// Per entry that counts, bag after bag: its row, its bag, and its number in the input.
  std::vector<int64_t> row, bag, number;
  std::vector<int64_t> start;
  /// What the rows of a bag are divided by, and the gradients of a row; may be empty.
  std::vector<double> bag_divisor, row_divisor;
};

/// The matrix as the kernels see it, or transposed: what adds to each row of the table.
struct Entries {
  BagEntries all;
  std::vector<int64_t> place, start, source, number;

  Entries(const Bags& bags, bool transposed, bool by_frequency) {
    const double* row_divisor = by_frequency ? bags.row_divisor.data() : nullptr;
    const double* bag_divisor = bags.bag_divisor.empty() ? nullptr : bags.bag_divisor.data();
    if (!transposed) {
      all = {bags.bags, bags.start.data(), bags.row.data(), bags.number.data(), nullptr, row_divisor, bag_divisor};
      return;
    }
    IndexGroups groups(bags.row.data(), static_cast<int64_t>(bags.row.size()), bags.rows);
    source.reserve(groups.order.size());
    number.reserve(groups.order.size());
    for (const int64_t k : groups.order) {
      source.push_back(bags.bag[static_cast<std::size_t>(k)]);
      number.push_back(bags.number[static_cast<std::size_t>(k)]);
    }
    place = std::move(groups.place);
    start = std::move(groups.start);
    all = {static_cast<int64_t>(place.size()),
           start.data(),
           source.data(),
           number.data(),
           place.data(),
           bag_divisor,
           row_divisor};
  }
};

struct BagDot;

/// Rows of a table summed in bags, or, transposed, rows of bags summed in the table: each is the other's gradient. `weights` (one per
/// number, may be undefined) multiply the entries.
struct BagSum {
  static constexpr std::string_view name = "EmbeddingBag";
  std::shared_ptr<const Bags> bags;
  bool transposed = false;
  /// Whether this is a gradient: zeros stay, and rows are divided by their frequency where that is wanted.
  bool gradient = false, by_frequency = false;
  struct Saved {
    SavedTensor x, weights;
  };

  Tensor forward(Saved& s, const Tensor& x, const Tensor& weights) {
    if (weights.defined()) {
      s.weights = save(weights);
      if (weights.requires_grad()) s.x = save(x);
    }
    const Shape shape{transposed ? bags->rows : bags->bags, x.size(1)};
    Tensor out = transposed ? zeros(shape, {.dtype = x.dtype()}) : make_empty(shape, x.dtype());
    const Tensor values = x.contiguous(), factors = weights.defined() ? weights.contiguous() : Tensor();
    const Entries entries(*bags, transposed, by_frequency);
    bag_sum_kernel(out.impl(), values.impl(), factors.defined() ? &factors.impl() : nullptr, entries.all, gradient);
    return out;
  }
  Grads<2> backward(const Saved& s, const Tensor& g) const;
};

/// The gradient by the weights: per number the product of a row of the table and a row of the bags.
struct BagDot {
  static constexpr std::string_view name = "EmbeddingBagWeights";
  std::shared_ptr<const Bags> bags;
  bool by_frequency = false;
  struct Saved {
    SavedTensor table, of_bags;
  };

  Tensor forward(Saved& s, const Tensor& table, const Tensor& of_bags) {
    s.table = save(table);
    s.of_bags = save(of_bags);
    Tensor out = zeros({bags->numbers}, {.dtype = table.dtype()});
    const Tensor x = table.contiguous(), y = of_bags.contiguous();
    bag_dot_kernel(out.impl(), x.impl(), y.impl(), Entries(*bags, false, by_frequency).all);
    return out;
  }
  Grads<2> backward(const Saved& s, const Tensor& g) const {
    const SourceLoc loc = slope::detail::current_node->where();
    Grads<2> grads;
    if (needs_grad(0)) grads[0] = apply(loc, BagSum{bags, true, true, by_frequency}, s.of_bags.get(), g);
    if (needs_grad(1)) grads[1] = apply(loc, BagSum{bags, false, true, by_frequency}, s.table.get(), g);
    return grads;
  }
};

Grads<2> BagSum::backward(const Saved& s, const Tensor& g) const {
  const SourceLoc loc = slope::detail::current_node->where();
  const Tensor weights = s.weights ? s.weights.get() : Tensor();
  Grads<2> grads;
  const bool divided = gradient ? by_frequency : !bags->row_divisor.empty();
  if (needs_grad(0)) grads[0] = apply(loc, BagSum{bags, !transposed, true, divided}, g, weights);
  if (weights.defined() && needs_grad(1)) {
    const Tensor x = s.x.get();
    grads[1] = apply(loc, BagDot{bags, by_frequency}, transposed ? g : x, transposed ? x : g);
  }
  return grads;
}

struct BagMax {
  static constexpr std::string_view name = "EmbeddingBagMax";
  std::shared_ptr<const Bags> bags;
  struct Saved {
    SavedTensor row;
  };

  std::pair<Tensor, NoGrad> forward(Saved& s, const Tensor& x) {
    const Shape shape{bags->bags, x.size(1)};
    Tensor out = make_empty(shape, x.dtype()), row = make_empty(shape, DType::int64);
    bag_max_kernel(out.impl(), row.impl(), x.contiguous().impl(), Entries(*bags, false, false).all);
    s.row = save(row);
    return {out, row};
  }
  Grads<1> backward(const Saved& s, std::span<const Tensor, 2> g) const {
    if (!g[0].defined() || bags->rows == 0) return {};
    const SourceLoc loc = slope::detail::current_node->where();
    const Tensor row = s.row.get(), found = row >= 0;
    const Tensor to = slope::detail::one_zero({bags->rows, row.size(1)}, g[0].dtype());
    return {scatter_add({to, loc}, 0, clamp_min({row, loc}, 0), where({found, loc}, g[0], 0.0))};
  }
};

enum class Mode { sum, mean, max };

Mode mode_of(const char* op, const EmbeddingBagOptions& o, SourceLoc loc) {
  if (o.mode != "sum" && o.mode != "mean" && o.mode != "max")
    throw ValueError(concat(op, ": mode has to be one of sum, mean or max, got '", o.mode, "'"), loc);
  if (o.mode == "max" && o.scale_grad_by_freq)
    throw ValueError(concat(op,
                            ": max mode does not support scaling the gradient by the frequency; leave out "
                            "scale_grad_by_freq or use sum or mean"),
                     loc);
  return o.mode == "sum" ? Mode::sum : o.mode == "mean" ? Mode::mean : Mode::max;
}

void require_int64(const char* what, const Tensor& t, SourceLoc loc) {
  if (t.dtype() != int64)
    throw DTypeError(
        concat("embedding_bag: expected ", what, " of int64, got ", dtype_name(t.dtype()), "; convert with .to(int64)"),
        loc);
}

/// Where bags begin, and where the last one ends. Throws for offsets that say nothing of the kind.
std::vector<int64_t> bounds_of(const Tensor& input, const Tensor& offsets, const EmbeddingBagOptions& o,
                               SourceLoc loc) {
  if (input.dim() == 2) {
    if (offsets.defined())
      throw ValueError(concat("embedding_bag: if input is 2D, then offsets has to be None: the rows of ", input.shape(),
                              " are the bags, but got offsets of shape ", offsets.shape(), "; leave them out"),
                       loc);
    detail::reserve_tables(input.size(0));
    std::vector<int64_t> bounds(static_cast<std::size_t>(input.size(0)) + 1);
    for (std::size_t b = 0; b < bounds.size(); ++b) bounds[b] = static_cast<int64_t>(b) * input.size(1);
    return bounds;
  }
  if (input.dim() != 1)
    throw ShapeError(concat("embedding_bag: input has to be 1D or 2D Tensor, but got shape ", input.shape(),
                            "; reshape it to (bags, length)"),
                     loc);
  if (!offsets.defined())
    throw ValueError(concat("embedding_bag: offsets has to be a 1D Tensor but got None for an input of shape ",
                            input.shape(), "; say where each bag begins, or give a 2D input"),
                     loc);
  if (offsets.dim() != 1)
    throw ShapeError(concat("embedding_bag: offsets has to be a 1D Tensor but got shape ", offsets.shape()), loc);
  require_int64("offsets", offsets, loc);
  std::vector<int64_t> bounds = offsets.to_vector<int64_t>();
  if (o.include_last_offset && bounds.empty())
    throw ValueError("embedding_bag: include_last_offset: number of offsets should be at least 1, got none", loc);
  if (!bounds.empty() && bounds[0] != 0)
    throw ValueError(concat("embedding_bag: offsets[0] has to be 0, i.e., the first bag has to start from position 0, "
                            "but got ",
                            bounds[0]),
                     loc);
  for (std::size_t b = 1; b < bounds.size(); ++b)
    if (bounds[b] < bounds[b - 1])
      throw ValueError(concat("embedding_bag: offsets must not decrease, but offsets[", b, "] = ", bounds[b],
                              " follows ", bounds[b - 1]),
                       loc);
  if (!bounds.empty() && bounds.back() > input.size(0))
    throw ValueError(concat("embedding_bag: offsets[-1] can not be greater than input's length ", input.size(0),
                            " but got offsets[-1] of ", bounds.back()),
                     loc);
  if (!o.include_last_offset) bounds.push_back(bounds.empty() ? 0 : input.size(0));
  return bounds;
}

void check_weights(In input, const Tensor& weight, const Tensor& weights, const EmbeddingBagOptions& o) {
  if (o.mode != "sum")
    throw ValueError(concat("embedding_bag: per_sample_weights is only supported for mode='sum', got mode='", o.mode,
                            "'; leave the weights out or use sum"),
                     input.loc);
  if (weights.shape() != input->shape())
    throw ShapeError(concat("embedding_bag: expected per_sample_weights to have the same shape as the input, ",
                            input->shape(), ", got ", weights.shape()),
                     input.loc);
  if (weights.dtype() != weight.dtype())
    throw DTypeError(concat("embedding_bag: expected per_sample_weights to have the dtype of weight, ",
                            dtype_name(weight.dtype()), ", got ", dtype_name(weights.dtype()), "; convert them"),
                     input.loc);
}

std::shared_ptr<const Bags> bags_of(const std::vector<int64_t>& indices, std::vector<int64_t> bounds, int64_t rows,
                                    std::optional<int64_t> padding, Mode mode) {
  auto made = std::make_shared<Bags>();
  Bags& m = *made;
  m.rows = rows;
  m.bags = static_cast<int64_t>(bounds.size()) - 1;
  m.numbers = static_cast<int64_t>(indices.size());
  m.start.reserve(bounds.size());
  for (int64_t b = 0; b < m.bags; ++b) {
    m.start.push_back(static_cast<int64_t>(m.row.size()));
    for (int64_t k = bounds[static_cast<std::size_t>(b)]; k < bounds[static_cast<std::size_t>(b) + 1]; ++k) {
      const int64_t row = indices[static_cast<std::size_t>(k)];
      if (padding && row == *padding) continue;
      m.row.push_back(row);
      m.bag.push_back(b);
      m.number.push_back(k);
    }
  }
  m.start.push_back(static_cast<int64_t>(m.row.size()));
  if (mode == Mode::mean)
    for (std::size_t b = 0; b + 1 < m.start.size(); ++b)
      m.bag_divisor.push_back(static_cast<double>(std::max<int64_t>(m.start[b + 1] - m.start[b], 1)));
  return made;
}

}  // namespace

Tensor functional::embedding_bag(In input, const Tensor& weight, const Tensor& offsets,
                                 const Tensor& per_sample_weights, const EmbeddingBagOptions& options) {
  constexpr const char* op = "embedding_bag";
  const SourceLoc loc = input.loc;
  if (!input.tensor.defined() || !weight.defined())
    throw ValueError("embedding_bag: an argument is an undefined tensor", loc);
  const CallerScope caller(loc);
  if (weight.dim() != 2)
    throw ShapeError(
        concat("embedding_bag: 'weight' must be 2-D (num_embeddings, embedding_dim), got ", weight.shape()), loc);
  if (!weight.is_floating_point())
    throw DTypeError(
        concat("embedding_bag: 'weight' must be float32 or float64, got ", dtype_name(weight.dtype()), "; convert it"),
        loc);
  const Mode mode = mode_of(op, options, loc);
  require_int64("indices", input.tensor, loc);
  std::vector<int64_t> bounds = bounds_of(input.tensor, offsets, options, loc);
  if (per_sample_weights.defined()) check_weights(input, weight, per_sample_weights, options);
  const int64_t rows = weight.size(0);
  const auto padding = detail::resolve_padding(op, options.padding_idx, rows, loc);
  detail::check_max_norm(op, options.max_norm, loc);
  const Tensor flat = reshape(input, {input->numel()});
  slope::detail::check_range(flat, 0, rows, 0, op, loc);
  if (options.max_norm) detail::renormalise(weight, flat, *options.max_norm, options.norm_type);

  std::shared_ptr<const Bags> bags = bags_of(flat.to_vector<int64_t>(), std::move(bounds), rows, padding, mode);
  if (mode == Mode::max) return apply(loc, BagMax{bags}, weight).first;
  if (options.scale_grad_by_freq && weight.requires_grad() && grad_enabled()) {
    auto scaled = std::make_shared<Bags>(*bags);
    scaled->row_divisor = detail::occurrences(flat, rows).clamp_min(1).to(float64).to_vector<double>();
    bags = scaled;
  }
  const Tensor factors = per_sample_weights.defined() ? reshape({per_sample_weights, loc}, {input->numel()}) : Tensor();
  return apply(loc, BagSum{bags}, weight, factors);
}

namespace {

/// The options themselves, before anything is drawn.
const EmbeddingBagOptions& checked(const EmbeddingBagOptions& options, SourceLoc loc) {
  mode_of("EmbeddingBag", options, loc);
  detail::check_max_norm("EmbeddingBag", options.max_norm, loc);
  return options;
}

}  // namespace

EmbeddingBag::EmbeddingBag(const Tensor& rows, EmbeddingBagOptions options, SourceLoc loc)
    : options_(std::move(options)) {
  options_.padding_idx = detail::resolve_padding("EmbeddingBag", options_.padding_idx, rows.size(0), loc);
  weight = parameter("weight", rows, loc);
}

EmbeddingBag::EmbeddingBag(int64_t num_embeddings, int64_t embedding_dim, EmbeddingBagOptions options, SourceLoc loc)
    : EmbeddingBag(
          detail::normal_rows("EmbeddingBag", num_embeddings, embedding_dim, checked(options, loc).padding_idx, loc),
          options, loc) {}

EmbeddingBag EmbeddingBag::from_pretrained(const Tensor& rows, bool freeze, EmbeddingBagOptions options,
                                           SourceLoc loc) {
  EmbeddingBag layer(detail::pretrained_rows("EmbeddingBag", rows, loc), checked(options, loc), loc);
  layer.weight.requires_grad_(!freeze);
  return layer;
}

Tensor EmbeddingBag::forward(const Tensor& input) { return forward(input, {}, {}); }
Tensor EmbeddingBag::forward(const Tensor& input, const Tensor& offsets, const Tensor& per_sample_weights) {
  return functional::embedding_bag(input, weight, offsets, per_sample_weights, options_);
}

std::string EmbeddingBag::extra_repr() const {
  std::string text = concat(weight.size(0), ", ", weight.size(1));
  if (options_.max_norm) text += ", max_norm=" + detail::number(*options_.max_norm);
  if (options_.norm_type != 2) text += ", norm_type=" + detail::number(options_.norm_type);
  if (options_.scale_grad_by_freq) text += ", scale_grad_by_freq=True";
  text += ", mode='" + options_.mode + "'";
  if (options_.padding_idx) text += concat(", padding_idx=", *options_.padding_idx);
  return text;
}

}  // namespace slope::nn
