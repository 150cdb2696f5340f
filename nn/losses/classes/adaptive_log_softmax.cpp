#include "slope/nn/losses/classes/adaptive_log_softmax.h"

#include <algorithm>
#include <cmath>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/reduce/softmax.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/losses/classes/cross_entropy.h"

namespace slope::nn {

namespace {

constexpr const char* op = "AdaptiveLogSoftmaxWithLoss";

std::vector<std::int64_t> checked(std::vector<std::int64_t> cutoffs, std::int64_t n_classes, SourceLoc loc) {
  bool right = !cutoffs.empty();
  for (std::size_t i = 0; i < cutoffs.size(); ++i)
    right &= cutoffs[i] >= 1 && cutoffs[i] < n_classes && (i == 0 || cutoffs[i - 1] < cutoffs[i]);
  if (!right)
    throw ValueError(
        concat(op,
               ": cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
               "value is between 1 and n_classes-1. Got ",
               std::span<const std::int64_t>(cutoffs), " for ", n_classes, " classes"),
        loc);
  cutoffs.push_back(n_classes);
  return cutoffs;
}

Tensor indices(const std::vector<std::int64_t>& values) { return tensor(values, {.dtype = DType::int64}); }

/// Where the classes of a batch are predicted.
struct Routes {
  std::vector<std::int64_t> head;  // per row, the class or cluster among the entries of the head
  struct Cluster {
    std::vector<std::int64_t> rows, classes;  // classes counted from the first of the cluster
  };
  std::vector<Cluster> clusters;
};

Routes routes(const Tensor& target, const std::vector<std::int64_t>& cutoffs, SourceLoc loc) {
  const std::int64_t shortlist = cutoffs.front(), n_classes = cutoffs.back();
  Routes r{target.to_vector<std::int64_t>(), std::vector<Routes::Cluster>(cutoffs.size() - 1)};
  if (r.head.empty()) return r;
  const auto [low, high] = std::minmax_element(r.head.begin(), r.head.end());
  if (*low < 0 || *high >= n_classes)
    throw IndexError(concat(op, ": Target values should be in [0, ", n_classes - 1, "], but values in range [", *low,
                            ", ", *high, "] were found."),
                     loc);
  for (std::size_t n = 0; n < r.head.size(); ++n) {
    const std::int64_t c = r.head[n];
    if (c < shortlist) continue;
    const auto i = static_cast<std::size_t>(std::upper_bound(cutoffs.begin(), cutoffs.end(), c) - cutoffs.begin() - 1);
    r.clusters[i].rows.push_back(static_cast<std::int64_t>(n));
    r.clusters[i].classes.push_back(c - cutoffs[i]);
    r.head[n] = shortlist + static_cast<std::int64_t>(i);
  }
  return r;
}

Tensor negative_log_probability(const Tensor& logits, const std::vector<std::int64_t>& classes) {
  return functional::cross_entropy(logits, indices(classes), {.reduction = Reduction::none});
}

}  // namespace

AdaptiveLogSoftmaxWithLoss::AdaptiveLogSoftmaxWithLoss(std::int64_t in_features, std::int64_t n_classes,
                                                       std::vector<std::int64_t> cutoffs,
                                                       AdaptiveLogSoftmaxWithLossOptions options, SourceLoc loc)
    : in_features_(in_features),
      n_classes_(n_classes),
      cutoffs_(checked(std::move(cutoffs), n_classes, loc)),
      head(add("head",
               Linear(in_features, cutoffs_.front() + static_cast<std::int64_t>(clusters()),
                      {.bias = options.head_bias}, loc),
               loc)),
      tail(add("tail", ModuleList(), loc)) {
  if (!(options.div_value > 0))
    throw ValueError(concat(op, ": div_value must be positive, got ", options.div_value), loc);
  for (std::size_t i = 0; i < clusters(); ++i) {
    const double features = static_cast<double>(in_features) / std::pow(options.div_value, static_cast<double>(i + 1));
    if (!(features < 0x1p62))
      throw ValueError(concat(op, ": div_value ", options.div_value, " gives cluster ", i, " too many features"), loc);
    const auto hidden = static_cast<std::int64_t>(features);
    tail.push_back(Sequential(Linear(in_features, hidden, {.bias = false}, loc),
                              Linear(hidden, cutoffs_[i + 1] - cutoffs_[i], {.bias = false}, loc)));
  }
}

void AdaptiveLogSoftmaxWithLoss::check_input(const char* method, In input) const {
  if (!input.tensor.defined()) throw ValueError(concat(op, method, ": the input is an undefined tensor"), input.loc);
  const Shape& shape = input->shape();
  if ((shape.size() != 1 && shape.size() != 2) || shape.back() != in_features_)
    throw ShapeError(concat(op, method, ": the input must be [N, ", in_features_, "], or [", in_features_,
                            "] for a single row, but has shape ", to_text(shape)),
                     input.loc);
}

AdaptiveLogSoftmaxOutput AdaptiveLogSoftmaxWithLoss::forward(const Tensor& input, const Tensor& target) {
  const SourceLoc loc = user_line({});
  check_input("", {input, loc});
  if (!target.defined()) throw ValueError(concat(op, ": the target is an undefined tensor"), loc);
  if (target.dtype() != DType::int64)
    throw DTypeError(concat(op, ": the target must be int64, but is ", dtype_name(target.dtype())), loc);
  if (target.dim() > 1)
    throw ShapeError(
        concat(op, ": 0D or 1D target tensor expected, multi-target not supported; got ", to_text(target.shape())),
        loc);
  if (target.dim() + 1 != input.dim())
    throw ShapeError(concat(op, ": a ", target.dim(), "D target tensor expects a ", target.dim() + 1,
                            "D input tensor, but found an input with size ", to_text(input.shape())),
                     loc);
  if (target.dim() == 1 && target.shape()[0] != input.shape()[0])
    throw ShapeError(concat(op, ": Input and target should have the same size in the batch dimension. Got input ",
                            to_text(input.shape()), " and target ", to_text(target.shape())),
                     loc);
  const Routes r = routes(target, cutoffs_, loc);
  const bool single = input.dim() == 1;
  const Tensor rows = single ? input.unsqueeze(0) : input;
  Tensor lost = negative_log_probability(head(rows), r.head);
  for (std::size_t i = 0; i < clusters(); ++i) {
    const Routes::Cluster& cluster = r.clusters[i];
    if (cluster.rows.empty()) continue;
    const Tensor at = indices(cluster.rows);
    const Tensor logits = tail[i](index_select(rows, 0, at));
    lost = index_add(lost, 0, at, negative_log_probability(logits, cluster.classes));
  }
  const Tensor output = neg(lost);
  return {single ? output.squeeze(0) : output, lost.mean()};
}

AdaptiveLogSoftmaxOutput AdaptiveLogSoftmaxWithLoss::operator()(In input, const Tensor& target) {
  auto [output, loss] = run(input, [&](const Tensor& x) {
    AdaptiveLogSoftmaxOutput r = forward(x, target);
    return std::pair(std::move(r.output), std::move(r.loss));
  });
  return {std::move(output), std::move(loss)};
}

Tensor AdaptiveLogSoftmaxWithLoss::log_prob_of_rows(const Tensor& rows) {
  const Tensor first = log_softmax(head(rows), 1);
  std::vector<Tensor> parts = {first.narrow(1, 0, cutoffs_.front())};
  for (std::size_t i = 0; i < clusters(); ++i)
    parts.push_back(log_softmax(tail[i](rows), 1) +
                    first.narrow(1, cutoffs_.front() + static_cast<std::int64_t>(i), 1));
  return cat(parts, 1);
}

Tensor AdaptiveLogSoftmaxWithLoss::log_prob(In input) {
  CallerScope scope(input.loc);
  check_input("::log_prob", input);
  return input->dim() == 1 ? log_prob_of_rows(input->unsqueeze(0)).squeeze(0) : log_prob_of_rows(input);
}

Tensor AdaptiveLogSoftmaxWithLoss::predict(In input) {
  CallerScope scope(input.loc);
  check_input("::predict", input);
  NoGradGuard no_grad;
  const bool single = input->dim() == 1;
  const Tensor rows = single ? input->unsqueeze(0) : input.tensor;
  // Within a cluster nothing is more probable than the cluster: where the head prefers a class of its own, that is the
  // best.
  Tensor best = head(rows).argmax(1);
  const Tensor undecided = slope::detail::positions(best >= cutoffs_.front());
  if (undecided.numel() > 0)
    best = index_copy(best, 0, undecided, log_prob_of_rows(index_select(rows, 0, undecided)).argmax(1));
  return single ? best.squeeze(0) : best;
}

std::string AdaptiveLogSoftmaxWithLoss::extra_repr() const {
  return concat("in_features=", in_features_, ", n_classes=", n_classes_,
                ", cutoffs=", std::span<const std::int64_t>(cutoffs_).first(clusters()));
}

}  // namespace slope::nn
