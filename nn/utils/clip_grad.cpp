#include "slope/nn/utils/clip_grad.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/kernels/loops/reduce.h"
#include "slope/autograd/ops/pointwise/inplace.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/layers/internal/describe.h"

namespace slope::nn::utils {

namespace {

using std::int64_t;

/// Calls `f(i)` for each tensor: large ones one after the other, as what is done with them uses all threads; small ones
/// side by side.
template <class F>
void each(const std::vector<Tensor>& tensors, const F& f) {
  constexpr int64_t large = 32768;
  std::vector<std::size_t> small;
  int64_t elements = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].numel() >= large) {
      f(i);
    } else {
      small.push_back(i);
      elements += tensors[i].numel() + 256;
    }
  }
  const auto count = static_cast<int64_t>(small.size());
  const int64_t grain = elements == 0 ? 1 : std::max<int64_t>(1, large * count / elements);
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    const NoGradGuard no_grad;
    for (int64_t k = begin; k < end; ++k) f(small[static_cast<std::size_t>(k)]);
  });
}

/// One number for each tensor.
std::vector<double> reduced(const std::vector<Tensor>& tensors, ReduceOp op, const ReduceParams& params = {}) {
  std::vector<double> results(tensors.size(), 0);
  each(tensors, [&](std::size_t i) {
    const Tensor& t = tensors[i];
    if (t.numel() == 0) return;
    reduce(ReducePlan(t.impl(), (1U << t.dim()) - 1), op, params,
           [&](int64_t, const double* v, int64_t) { results[i] = *v; });
  });
  return results;
}

double sum(const std::vector<double>& numbers) {
  double s = 0;
  for (const double v : numbers) s += v;
  return s;
}
/// NaN if there is one.
double largest_magnitude(const std::vector<Tensor>& tensors) {
  double m = 0;
  for (const double v : reduced(tensors, ReduceOp::largest_magnitude))
    if (std::isnan(v) || v > m) m = v;
  return m;
}

double total_norm(const std::vector<Tensor>& tensors, double p) {
  if (std::isinf(p)) return largest_magnitude(tensors);
  if (p == 1 || p == 2) {
    const double s = sum(reduced(tensors, p == 1 ? ReduceOp::magnitude : ReduceOp::square));
    // What lies outside may have lost digits or overflowed, and is scaled below.
    if (s >= 1e-270 && s <= 1e300) return p == 1 ? s : std::sqrt(s);
  }
  const double scale = largest_magnitude(tensors);
  if (!(scale > 0) || std::isinf(scale)) return scale;
  // One scale for all tensors. Reading it as a reduction over all dimensions does: it has one output.
  const double s =
      sum(reduced(tensors, p == 2 ? ReduceOp::scaled_square : ReduceOp::scaled_power, {.p = p, .c = &scale}));
  return scale * (p == 1 ? s : p == 2 ? std::sqrt(s) : std::pow(s, 1 / p));
}

void require_floating(const char* op, const std::vector<Tensor>& tensors, SourceLoc loc) {
  for (const Tensor& t : tensors) {
    if (!t.defined()) throw ValueError(concat(op, ": one of the tensors is undefined"), loc);
    if (!t.is_floating_point())
      throw DTypeError(concat(op, ": needs floating tensors, got one of ", dtype_name(t.dtype())), loc);
  }
}
void require_limit(const char* op, const char* name, double limit, SourceLoc loc) {
  if (!(limit >= 0)) throw ValueError(concat(op, ": ", name, " must not be negative or NaN, got ", limit), loc);
}

/// Those that are there, each once.
std::vector<Tensor> gradients(const char* op, const ParameterTensors& parameters, SourceLoc loc) {
  std::vector<Tensor> found;
  std::unordered_set<const TensorImpl*> seen;
  for (const Tensor& p : parameters.tensors) {
    if (!p.defined()) throw ValueError(concat(op, ": one of the parameters is undefined"), loc);
    const Tensor g = p.grad();
    if (!g.defined() || !seen.insert(&g.impl()).second) continue;
    slope::detail::check_in_place(g, op, loc);
    found.push_back(g);
  }
  require_floating(op, found, loc);
  return found;
}

DType common_dtype(const std::vector<Tensor>& tensors) {
  if (tensors.empty()) return default_dtype();
  const auto wide = [](const Tensor& t) { return t.dtype() == DType::float64; };
  return std::ranges::any_of(tensors, wide) ? DType::float64 : DType::float32;
}

double checked_norm(const char* op, const std::vector<Tensor>& tensors, const ClipGradNormOptions& options,
                    SourceLoc loc) {
  if (!(options.norm_type > 0))
    throw ValueError(concat(op, ": norm_type must be positive, may be infinite, got ", options.norm_type), loc);
  const double total = total_norm(tensors, options.norm_type);
  if (options.error_if_nonfinite && !std::isfinite(total))
    throw ValueError(concat(op, ": The total norm of order ", nn::detail::number(options.norm_type),
                            " for gradients from `parameters` is non-finite, so it cannot be clipped. To disable this "
                            "error and scale the gradients by the non-finite norm anyway, set "
                            "`error_if_nonfinite=false`"),
                     loc);
  return total;
}

void scale(const std::vector<Tensor>& grads, double max_norm, double total) {
  const double factor = max_norm / (total + 1e-6);
  const double limited = factor > 1 ? 1 : factor;  // NaN stays
  each(grads, [&](std::size_t i) { grads[i].mul_(limited); });
}

}  // namespace

Tensor get_total_norm(const std::vector<Tensor>& tensors, const ClipGradNormOptions& options, SourceLoc loc) {
  const CallerScope caller(loc);
  require_floating("get_total_norm", tensors, loc);
  const double total = checked_norm("get_total_norm", tensors, options, loc);
  return full({}, total, {.dtype = common_dtype(tensors)});
}

Tensor clip_grad_norm_(const ParameterTensors& parameters, double max_norm, const ClipGradNormOptions& options,
                       SourceLoc loc) {
  const CallerScope caller(loc);
  const NoGradGuard no_grad;
  require_limit("clip_grad_norm_", "max_norm", max_norm, loc);
  const std::vector<Tensor> grads = gradients("clip_grad_norm_", parameters, loc);
  const double total = checked_norm("clip_grad_norm_", grads, options, loc);
  const Tensor result = full({}, total, {.dtype = common_dtype(grads)});
  scale(grads, max_norm, total);
  return result;
}

void clip_grads_with_norm_(const ParameterTensors& parameters, double max_norm, const Tensor& total_norm,
                           SourceLoc loc) {
  const CallerScope caller(loc);
  const NoGradGuard no_grad;
  require_limit("clip_grads_with_norm_", "max_norm", max_norm, loc);
  if (!total_norm.defined()) throw ValueError("clip_grads_with_norm_: total_norm is undefined", loc);
  const std::vector<Tensor> grads = gradients("clip_grads_with_norm_", parameters, loc);
  scale(grads, max_norm, total_norm.item<double>(loc));
}

void clip_grad_value_(const ParameterTensors& parameters, double clip_value, SourceLoc loc) {
  const CallerScope caller(loc);
  const NoGradGuard no_grad;
  require_limit("clip_grad_value_", "clip_value", clip_value, loc);
  const std::vector<Tensor> grads = gradients("clip_grad_value_", parameters, loc);
  each(grads, [&](std::size_t i) { grads[i].clamp_(-clip_value, clip_value); });
}

Tensor parameters_to_vector(const ParameterTensors& parameters, SourceLoc loc) {
  const CallerScope caller(loc);
  require_floating("parameters_to_vector", parameters.tensors, loc);
  if (parameters.tensors.empty()) throw ValueError("parameters_to_vector: there are no parameters", loc);
  std::vector<Tensor> flat;
  for (const Tensor& p : parameters.tensors) flat.push_back(reshape({p, loc}, {-1}));
  return cat(flat, 0, loc);
}

void vector_to_parameters(In vector, const ParameterTensors& parameters) {
  const SourceLoc loc = vector.loc;
  const CallerScope caller(loc);
  const NoGradGuard no_grad;
  require_floating("vector_to_parameters", {vector.tensor}, loc);
  require_floating("vector_to_parameters", parameters.tensors, loc);
  int64_t needed = 0;
  for (const Tensor& p : parameters.tensors) {
    slope::detail::check_in_place(p, "vector_to_parameters", loc);
    needed += p.numel();
  }
  if (vector->dim() != 1 || vector->numel() != needed)
    throw ShapeError(concat("vector_to_parameters: the parameters have ", needed,
                            " elements, so the vector has shape [", needed, "], but got ", vector->shape()),
                     loc);
  Tensor from = vector.tensor;
  const auto shares = [&](const Tensor& p) { return p.shares_storage(from); };
  if (std::ranges::any_of(parameters.tensors, shares)) from = from.clone();
  int64_t at = 0;
  for (const Tensor& p : parameters.tensors) {
    p.copy_(reshape({narrow({from, loc}, 0, at, p.numel()), loc}, p.shape()));
    at += p.numel();
  }
}

}  // namespace slope::nn::utils
