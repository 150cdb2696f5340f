#include "slope/nn/losses/sequence/ctc.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/losses/sequence/internal/ctc_alignment.h"

namespace slope::nn {

std::vector<std::int64_t> Lengths::values(const char* op, const char* argument, SourceLoc loc) const {
  if (!is_tensor_) return values_;
  if (!tensor_.defined()) throw ValueError(concat(op, ": ", argument, " is an undefined tensor"), loc);
  if (tensor_.dtype() != DType::int64)
    throw DTypeError(concat(op, ": ", argument, " must be int64, but is ", dtype_name(tensor_.dtype())), loc);
  if (tensor_.dim() > 1)
    throw ShapeError(concat(op, ": ", argument, " must be [N], one number for each sequence, but has shape ",
                            to_text(tensor_.shape())),
                     loc);
  return tensor_.to_vector<std::int64_t>();
}

namespace {

constexpr const char* op = "ctc_loss";

/// The batch: where each sequence is, and how long. Checked.
struct CtcBatch {
  std::int64_t steps = 0, size = 0, classes = 0, blank = 0;
  std::int64_t longest_target = 0;
  std::vector<std::int64_t> input_lengths, target_lengths;
  std::vector<std::int64_t> offsets;  // of the first label of each sequence in the targets, in elements
  std::int64_t label_stride = 1;

  template <class T>
  detail::CtcSequence<T> sequence(const Tensor& log_probs, const Tensor& targets, std::int64_t n) const {
    const Shape& strides = log_probs.strides();
    const bool batched = log_probs.dim() == 3;
    const auto i = static_cast<std::size_t>(n);
    return {log_probs.impl().ptr<const T>() + (batched ? n * strides[1] : 0),
            strides[0],
            strides[batched ? 2 : 1],
            input_lengths[i],
            targets.impl().ptr<const std::int64_t>() + offsets[i],
            label_stride,
            target_lengths[i],
            blank};
  }

  /// Every label that is read must be a class and not the blank.
  void check_labels(const Tensor& targets, SourceLoc loc) const {
    const auto* labels = targets.impl().ptr<const std::int64_t>();
    for (std::size_t n = 0; n < offsets.size(); ++n)
      for (std::int64_t i = 0; i < target_lengths[n]; ++i) {
        const std::int64_t label = labels[offsets[n] + i * label_stride];
        if (label >= 0 && label < classes && label != blank) continue;
        const std::string place = concat("; it is label ", i, " of sequence ", n);
        if (label == blank)
          throw ValueError(
              concat(op, ": target label ", label, " is the blank, which separates labels and is none", place), loc);
        throw IndexError(concat(op, ": target label ", label, " is out of range [0, ", classes, ")", place), loc);
      }
  }
};

void check_lengths(const std::vector<std::int64_t>& lengths, const char* argument, std::int64_t size, SourceLoc loc) {
  const auto count = static_cast<std::int64_t>(lengths.size());
  if (count != size)
    throw ShapeError(concat(op, ": ", argument, " must be of size batch_size, ", size, ", but there are ", count), loc);
  for (std::size_t n = 0; n < lengths.size(); ++n)
    if (lengths[n] < 0)
      throw ValueError(
          concat(op, ": Expected ", argument, " to be at least 0, but got value ", lengths[n], " at position ", n),
          loc);
}

CtcBatch checked(In log_probs, const Tensor& targets, const Lengths& input_lengths, const Lengths& target_lengths,
                 std::int64_t blank) {
  const SourceLoc loc = log_probs.loc;
  const Shape& shape = log_probs->shape();
  if (shape.size() != 2 && shape.size() != 3)
    throw ShapeError(
        concat(op, ": log_probs must be [T, N, C], or [T, C] for one sequence, but has shape ", to_text(shape)), loc);
  if (!targets.defined()) throw ValueError(concat(op, ": targets is an undefined tensor"), loc);
  if (targets.dtype() != DType::int64)
    throw DTypeError(concat(op, ": targets must be int64, but is ", dtype_name(targets.dtype())), loc);
  const bool batched = shape.size() == 3;
  if (targets.dim() != 1 && !(batched && targets.dim() == 2))
    throw ShapeError(concat(op, ": targets must be ", batched ? "[N, S], padded, or [sum of target_lengths]" : "[S]",
                            " for log_probs ", to_text(shape), ", but has shape ", to_text(targets.shape())),
                     loc);

  CtcBatch b;
  b.steps = shape[0];
  b.size = batched ? shape[1] : 1;
  b.classes = shape.back();
  b.blank = blank;
  if (blank < 0 || blank >= b.classes)
    throw ValueError(concat(op, ": blank must be in label range [0, ", b.classes, "), but is ", blank), loc);
  b.input_lengths = input_lengths.values(op, "input_lengths", loc);
  b.target_lengths = target_lengths.values(op, "target_lengths", loc);
  check_lengths(b.input_lengths, "input_lengths", b.size, loc);
  check_lengths(b.target_lengths, "target_lengths", b.size, loc);
  for (std::size_t n = 0; n < b.input_lengths.size(); ++n)
    if (b.input_lengths[n] > b.steps)
      throw ValueError(concat(op, ": Expected input_lengths to have value at most ", b.steps, ", but got value ",
                              b.input_lengths[n], " at position ", n),
                       loc);

  const bool padded = targets.dim() == 2;
  if (padded && targets.shape()[0] != b.size)
    throw ShapeError(concat(op, ": targets ", to_text(targets.shape()), " must have one row for each of the ", b.size,
                            " sequences of log_probs ", to_text(shape)),
                     loc);
  const std::int64_t room = targets.shape().back();
  b.label_stride = targets.strides().back();
  std::int64_t used = 0;
  for (std::size_t n = 0; n < b.target_lengths.size(); ++n) {
    const std::int64_t length = b.target_lengths[n];
    std::int64_t needed = length;
    if (!padded && __builtin_add_overflow(used, length, &needed)) needed = INT64_MAX;
    if (needed > room)
      throw ShapeError(concat(op, ": Expected tensor to have size at least ", needed, " at dimension ", padded ? 1 : 0,
                              ", but got size ", room, " for targets ", to_text(targets.shape()),
                              "; target_lengths at position ", n, " is ", length),
                       loc);
    b.offsets.push_back(padded ? static_cast<std::int64_t>(n) * targets.strides()[0] : used * b.label_stride);
    used += length;
    b.longest_target = std::max(b.longest_target, length);
  }
  if (!padded && used != room)
    throw ShapeError(concat(op, ": targets of shape ", to_text(targets.shape()),
                            " must hold the labels of all sequences, ", used, " by target_lengths"),
                     loc);
  b.check_labels(targets, loc);
  return b;
}

/// The gradient that create_graph asks for: it has a node, but no derivative.
struct CtcGradient {
  static constexpr std::string_view name = "CtcLossBackward";
  struct Saved {};
  Tensor forward(Saved&, const Tensor&, const Tensor&, NoGrad value) { return value; }
  Grads<2> backward(const Saved&, const Tensor&) const {
    throw AutogradError(
        concat(op,
               ": its gradient cannot be differentiated again (double backward is not implemented); leave out "
               "create_graph, or detach it"),
        slope::detail::current_node->where());
  }
};

struct CtcLoss {
  static constexpr std::string_view name = "CtcLoss";
  CtcBatch batch;
  Reduction reduction;
  bool zero_infinity, wants_grad;
  SourceLoc loc;
  struct Saved {
    SavedTensor log_probs, targets;
    Tensor dx;
  };

  Tensor forward(Saved& s, const Tensor& x, NoGrad targets) {
    const Tensor values = make_empty({batch.size}, DType::float64);
    const Tensor dx = wants_grad ? make_empty(x.shape(), x.dtype()) : Tensor();
    visit_floating(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      // About 10 us of work.
      const std::int64_t grain =
          std::max<std::int64_t>(1, 2048 / std::max<std::int64_t>(1, batch.steps * (batch.longest_target + 1)));
      parallel_for(batch.size, grain, [&](std::int64_t begin, std::int64_t end) {
        const detail::CtcWorkspace workspace(batch.steps, batch.longest_target, wants_grad);
        for (std::int64_t n = begin; n < end; ++n)
          values.impl().ptr<double>()[n] =
              sequence<T>(x, targets, n, workspace, wants_grad ? dx.impl().ptr<T>() : nullptr);
      });
    });
    s = {save(x), save(targets), dx};
    return reduced(values, x);
  }

  /// The loss of a sequence, and its gradient times weight(n) in its rows of dx.
  template <class T>
  double sequence(const Tensor& x, const Tensor& targets, std::int64_t n, const detail::CtcWorkspace& workspace,
                  T* dx) const {
    const detail::CtcSequence<T> one = batch.sequence<T>(x, targets, n);
    double value = one.steps > 0          ? detail::ctc_value(one, workspace)
                   : one.label_count == 0 ? 0
                                          : std::numeric_limits<double>::infinity();
    const bool forgiven = zero_infinity && value == std::numeric_limits<double>::infinity();
    if (dx) {
      const bool finite = std::isfinite(value);
      const std::int64_t step = batch.size * batch.classes;
      T* const rows = dx + n * batch.classes;
      for (std::int64_t t = 0; t < batch.steps; ++t)
        std::fill_n(rows + t * step, batch.classes,
                    finite || forgiven || t >= one.steps ? T(0) : std::numeric_limits<T>::quiet_NaN());
      if (finite && one.steps > 0) detail::ctc_gradient(one, workspace, rows, step, weight(n));
    }
    return forgiven ? 0 : value;
  }
  /// What the loss of a sequence counts in the result.
  double weight(std::int64_t n) const {
    if (reduction != Reduction::mean) return 1;
    return 1.0 / static_cast<double>(std::max<std::int64_t>(batch.target_lengths[static_cast<std::size_t>(n)], 1) *
                                     batch.size);
  }
  Tensor reduced(const Tensor& values, const Tensor& x) const {
    const double* const each = values.impl().ptr<double>();
    if (reduction == Reduction::none) {
      const Tensor out = values.to(x.dtype());
      return x.dim() == 3 ? out : out.squeeze(0);
    }
    double sum = 0;
    for (std::int64_t n = 0; n < batch.size; ++n)
      sum += reduction == Reduction::mean
                 ? each[n] /
                       static_cast<double>(std::max<std::int64_t>(batch.target_lengths[static_cast<std::size_t>(n)], 1))
                 : each[n];
    return detail::scalar(reduction == Reduction::mean ? sum / static_cast<double>(batch.size) : sum, x.dtype());
  }

  Grads<1> backward(const Saved& s, const Tensor& g) const {
    const Tensor x = s.log_probs.get();
    batch.check_labels(s.targets.get(), loc);  // they may have been overwritten behind the version counter
    const Tensor up = g.dim() == 0 ? g : g.unsqueeze(1);
    const auto scaled = [&] {
      NoGradGuard no_grad;
      return detail::scaled_gradient(s.dx, up);
    };
    if (!grad_enabled()) return {scaled()};
    const Tensor value = scaled();
    return {apply(loc, CtcGradient{}, x, g, value.is(s.dx) ? value.detach() : value)};
  }
};

}  // namespace

Tensor functional::ctc_loss(In log_probs, const Tensor& targets, const Lengths& input_lengths,
                            const Lengths& target_lengths, const CTCLossOptions& options) {
  CallerScope scope(log_probs.loc);
  const Reduction reduction = options.reduction.of(op, log_probs.loc);
  detail::require_floating(op, log_probs);
  detail::require_plain_reduction(op, reduction, log_probs.loc);
  CtcLoss loss{checked(log_probs, targets, input_lengths, target_lengths, options.blank), reduction,
               options.zero_infinity, grad_enabled() && log_probs->requires_grad(), log_probs.loc};
  return apply(log_probs.loc, std::move(loss), log_probs.tensor, targets);
}

}  // namespace slope::nn
