#include "slope/nn/losses/classes/lovasz.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/index/sort.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/losses/classes/internal/class_targets.h"

namespace slope::nn::functional {

namespace {

/// max(e, 0)·w of the error e = 1 - x·(2t-1).
struct WeightedHinge {
  static constexpr const char* name = "LovaszHinge";
  static constexpr unsigned differentiable = 0b001;
  static constexpr std::int64_t grain = grain_cheap;
  template <class T>
  T operator()(const T& x, const T& t, const T& w) const {
    const T e = 1.0 - x * (2.0 * t - 1.0);
    return where(e <= 0, T(0), e * w);
  }
  template <class T>
  T d0(const T& x, const T& t, const T& w, const T&) const {
    const T e = 1.0 - x * (2.0 * t - 1.0);
    return where(e <= 0, T(0), where(e > 0, (1.0 - 2.0 * t) * w, e));  // NaN remains
  }
};

/// |[t = c] - p|·w.
struct WeightedMiss {
  static constexpr const char* name = "LovaszSoftmax";
  static constexpr unsigned differentiable = 0b0001;
  static constexpr std::int64_t grain = grain_cheap;
  template <class T>
  T operator()(const T& p, const T& t, const T& c, const T& w) const {
    return abs(p - where(t == c, T(1), T(0))) * w;
  }
  template <class T>
  T d0(const T& p, const T& t, const T& c, const T& w, const T&) const {
    return sign(p - where(t == c, T(1), T(0))) * w;
  }
};

/// The weight of each element of each row: what the Jaccard loss grows by when it joins those with larger errors.
/// `truth(row, i)` tells which elements are in the set.
template <class Truth>
Tensor jaccard_weights(const Tensor& errors, const Truth& truth) {
  const Tensor order = argsort(errors, -1, true).contiguous(), weights = make_empty(errors.shape(), errors.dtype());
  const std::int64_t rows = errors.shape()[0], n = errors.shape()[1];
  const auto* const places = order.impl().ptr<const std::int64_t>();
  visit_floating(errors.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* const to = weights.impl().ptr<T>();
    parallel_for(rows, std::max<std::int64_t>(1, grain_cheap / std::max<std::int64_t>(1, n)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t r = begin; r < end; ++r) {
                     // Of J = 1 - both/either the difference in closed form, which loses nothing: an element of the set
                     // leaves `both`, another one joins `either`.
                     std::int64_t both = 0;
                     for (std::int64_t i = 0; i < n; ++i) both += truth(r, i);
                     std::int64_t either = both;
                     for (std::int64_t i = 0; i < n; ++i) {
                       const std::int64_t j = places[r * n + i];
                       double w = 0;
                       if (truth(r, j)) {
                         w = 1 / static_cast<double>(either);
                         --both;
                       } else {
                         w = either == 0 ? 1
                                         : static_cast<double>(both) /
                                               (static_cast<double>(either) * static_cast<double>(either + 1));
                         ++either;
                       }
                       to[r * n + j] = static_cast<T>(w);
                     }
                   }
                 });
  });
  return weights;
}

/// The labels as 0 and 1, dense and flat.
Tensor binary_labels(const char* op, const Tensor& t, SourceLoc loc) {
  const Tensor labels = t.detach().to(DType::float64, loc).contiguous(loc);
  const double* const values = labels.impl().ptr<const double>();
  for (std::int64_t i = 0; i < labels.numel(); ++i)
    if (values[i] != 0 && values[i] != 1)
      throw ValueError(concat(op, ": labels must be 0 or 1, but element ", i, " of the target ", to_text(t.shape()),
                              " is ", values[i]),
                       loc);
  return labels.view({-1}, loc);
}

}  // namespace

Tensor lovasz_hinge_loss(In y_pred, const Tensor& y_true, const LovaszLossOptions&) {
  constexpr const char* op = "lovasz_hinge_loss";
  CallerScope scope(y_pred.loc);
  detail::require_floating(op, y_pred);
  detail::require_same_shape(op, y_pred, y_true);
  detail::require_constant(op, "target", y_true, y_pred.loc);
  const Tensor labels = binary_labels(op, y_true, y_pred.loc);
  const Tensor x = y_pred->reshape({y_pred->numel()}, y_pred.loc), t = labels.to(x.dtype());
  Tensor weights;
  {
    NoGradGuard no_grad;
    const Tensor errors = 1.0 - x * (2.0 * t - 1.0);
    const double* const in_set = labels.impl().ptr<const double>();
    weights =
        jaccard_weights(errors.unsqueeze(0), [&](std::int64_t, std::int64_t i) { return in_set[i] == 1; }).squeeze(0);
  }
  return slope::detail::pointwise_loss(WeightedHinge{}, Reduction::sum, In(x, y_pred.loc), Operand(t),
                                       Operand(weights));
}

Tensor lovasz_softmax_loss(In y_pred, const Tensor& y_true, const LovaszLossOptions&) {
  constexpr const char* op = "lovasz_softmax_loss";
  const SourceLoc loc = y_pred.loc;
  CallerScope scope(loc);
  detail::require_floating(op, y_pred);
  if (y_pred->dim() != 2)
    throw ShapeError(concat(op, ": the probabilities must be [P, C], but have shape ", to_text(y_pred->shape()),
                            "; bring the classes last and flatten the rest"),
                     loc);
  (void)detail::class_targets(op, y_pred, y_true, {}, std::numeric_limits<std::int64_t>::min()).total_weight(op, loc);

  const Tensor labels = y_true.contiguous(loc);
  const auto* const label = labels.impl().ptr<const std::int64_t>();
  std::vector<std::int64_t> present;
  {
    std::vector<bool> occurs(static_cast<std::size_t>(y_pred->shape()[1]), false);
    for (std::int64_t i = 0; i < labels.numel(); ++i) occurs[static_cast<std::size_t>(label[i])] = true;
    for (std::size_t c = 0; c < occurs.size(); ++c)
      if (occurs[c]) present.push_back(static_cast<std::int64_t>(c));
  }
  const Tensor classes = tensor(present, {.dtype = DType::int64});
  // One row for each class that occurs.
  const Tensor p = index_select(In(y_pred->transpose(0, 1), loc), 0, classes);
  const Tensor t = labels.to(p.dtype()), c = classes.to(p.dtype()).unsqueeze(1);
  Tensor weights;
  {
    NoGradGuard no_grad;
    const Tensor errors = abs(p - t.eq(c).to(p.dtype()));
    weights = jaccard_weights(
        errors, [&](std::int64_t row, std::int64_t i) { return label[i] == present[static_cast<std::size_t>(row)]; });
  }
  return slope::detail::pointwise_loss(WeightedMiss{}, Reduction::sum, In(p, loc), Operand(t), Operand(c),
                                       Operand(weights)) /
         static_cast<double>(present.size());
}

}  // namespace slope::nn::functional
