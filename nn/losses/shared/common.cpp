#include "slope/nn/losses/shared/common.h"

#include <functional>
#include <mutex>
#include <set>
#include <string>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/engine/op.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/tensor/factory.h"

namespace slope::nn {

struct ReductionOption::Unknown {
  std::string name;
  SourceLoc made;
  friend bool operator<(const Unknown& a, const Unknown& b) {
    if (a.name != b.name) return a.name < b.name;
    return a.made.file != b.made.file ? std::less<>()(a.made.file, b.made.file) : a.made.line < b.made.line;
  }
};

ReductionOption ReductionOption::run_time(std::string_view name, SourceLoc loc) {
  ReductionOption option;
  if (const auto found = find(name)) {
    option.value_ = *found;
    return option;
  }
  // Options are copied and outlive the text they were made from; wrong names are few.
  static std::mutex mutex;
  static std::set<Unknown> wrong_names;
  const std::lock_guard lock(mutex);
  option.unknown_ = &*wrong_names.insert({std::string(name), loc}).first;
  return option;
}

void ReductionOption::refuse(const char* op, const SourceLoc* loc) const {
  throw ValueError(
      concat(op, ": ", unknown_->name, " is not a valid value for reduction; use \"none\", \"mean\" or \"sum\""),
      loc ? *loc : unknown_->made);
}

namespace detail {

namespace {
// The call that would have matched, for the two usual slips.
std::string shape_hint(const Shape& prediction, const Shape& target) {
  Shape squeezed = prediction;
  if (!squeezed.empty() && squeezed.back() == 1) squeezed.erase(squeezed.size() - 1);
  if (squeezed == target) return concat("; did you mean target.unsqueeze(", prediction.size() - 1, ")?");
  squeezed = target;
  if (!squeezed.empty() && squeezed.back() == 1) squeezed.erase(squeezed.size() - 1);
  if (squeezed == prediction) return concat("; did you mean target.squeeze(", target.size() - 1, ")?");
  return "; reshape one, or say target.expand(...) if broadcasting is meant";
}
}  // namespace

void require_same_shape(const char* op, In prediction, const Tensor& target) {
  if (!target.defined()) throw ValueError(concat(op, ": the target is an undefined tensor"), prediction.loc);
  if (prediction->shape() == target.shape()) return;
  throw ShapeError(concat(op, ": prediction ", to_text(prediction->shape()), " and target ", to_text(target.shape()),
                          " differ in shape", shape_hint(prediction->shape(), target.shape())),
                   prediction.loc);
}

void require_floating(const char* op, In prediction, const char* what) {
  slope::detail::require_floating(op, prediction, what);
}

void require_constant(const char* op, const char* argument, const Tensor& t, SourceLoc loc) {
  if (grad_enabled() && t.defined() && t.requires_grad())
    throw AutogradError(concat(op, ": the function '", op, "' is not differentiable with respect to argument '",
                               argument, "'; pass ", argument, ".detach()"),
                        loc);
}

void require_broadcasts_to(const char* op, const char* argument, const Tensor& weight, const Shape& shape,
                           SourceLoc loc) {
  if (broadcast_shapes(weight.shape(), shape, op, loc) != shape)
    throw ShapeError(concat(op, ": ", argument, " of shape ", to_text(weight.shape()), " does not broadcast to shape ",
                            to_text(shape)),
                     loc);
}

void require_broadcastable(const char* op, const char* argument, In prediction, const Tensor& other) {
  if (!other.defined()) throw ValueError(concat(op, ": the ", argument, " is an undefined tensor"), prediction.loc);
  if (prediction->shape() != other.shape())
    (void)broadcast_shapes(prediction->shape(), other.shape(), op, prediction.loc);
}

void require_plain_reduction(const char* op, const ReductionOption& reduction, SourceLoc loc) {
  if (reduction.of(op, loc) == Reduction::batchmean)
    throw ValueError(concat(op, ": batchmean is not a valid value for reduction; it belongs to kl_div"), loc);
}

void require_alike(const char* op, In prediction, const Tensor& target, const ReductionOption& reduction) {
  require_floating(op, prediction);
  require_same_shape(op, prediction, target);
  require_plain_reduction(op, reduction, prediction.loc);
}

DType result_dtype(const Tensor& prediction, const Tensor& target) {
  if (prediction.dtype() == target.dtype()) return prediction.dtype();
  const Operand a = prediction, b = target;
  const Operand* const both[] = {&a, &b};
  return promote(both, 2);
}

Tensor reduce(const Tensor& values, Reduction reduction) {
  if (reduction == Reduction::none) return values;
  return reduction == Reduction::sum ? values.sum() : values.mean();
}

Tensor scalar(double value, DType dtype) {
  const Tensor out = make_empty({}, dtype);
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    *out.impl().ptr<T>() = static_cast<T>(value);
  });
  return out;
}

Tensor total(const Tensor& values, double divisor, DType dtype) {
  return scalar(values.sum().item<double>() / divisor, dtype);
}

Tensor scaled_gradient(const Tensor& local, const Tensor& g) {
  if (g.dim() == 0) {
    const double up = g.item<double>();
    if (up == 1) return local;
    if (up == 0) return zeros(local.shape(), {.dtype = local.dtype()});
  }
  return scale_cotangent(g, local);
}

namespace {
struct RecordedGradient {
  static constexpr std::string_view name = "RecordedGradient";
  struct Saved {};
  Tensor forward(Saved&, const Tensor&, NoGrad value) { return value; }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {g}; }
};
}  // namespace

Tensor recorded_gradient(const Tensor& value, const Tensor& composed, SourceLoc loc) {
  // A handle of its own, since the result gets a history.
  return apply(loc, RecordedGradient{}, composed, value.detach());
}

}  // namespace detail

}  // namespace slope::nn
