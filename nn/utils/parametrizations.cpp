#include "slope/nn/utils/parametrizations.h"

#include <vector>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/layers/conv.h"
#include "slope/nn/utils/internal/parametrize.h"
#include "slope/nn/utils/parametrize.h"

namespace slope::nn::utils {

namespace {

using nn::detail::ComputedBy;
using nn::detail::ComputedParameter;
using nn::detail::ModuleAccess;
using nn::detail::Registered;
using nn::detail::RegisteredPtr;
using std::int64_t;
using Dim = std::optional<int64_t>;

// ---- weight_norm

/// The norms of all that share an index of `dim`, spread as v is; without it, of everything.
Tensor norm_but(const Tensor& v, Dim dim) {
  if (!dim) return norm(v);
  std::vector<int64_t> others;
  for (int64_t d = 0; d < v.dim(); ++d)
    if (d != *dim) others.push_back(d);
  return others.empty() ? abs(v) : norm(v, 2, others, true);
}
Tensor normed(const Tensor& g, const Tensor& v, Dim dim) { return v * (g / norm_but(v, dim)); }

/// -1 means everything.
Dim checked_dim(const char* op, const Tensor& w, Dim dim, SourceLoc loc) {
  if (!dim || *dim == -1) return {};
  if (*dim < 0 || *dim >= w.dim())
    throw IndexError(concat(op, ": dim ", *dim, " is out of range for a parameter of shape ", w.shape(),
                            "; -1 and none mean all dimensions"),
                     loc);
  return dim;
}

class WeightNorm : public parametrize::Parametrization {
 public:
  explicit WeightNorm(Dim dim) : dim_(dim) {}
  std::string class_name() const override { return "_WeightNorm"; }
  Tensor compute(const std::vector<Tensor>& originals) override { return normed(originals[0], originals[1], dim_); }
  std::vector<Tensor> right_inverse(const Tensor& value) override { return {norm_but(value, dim_), value}; }

 private:
  Dim dim_;
};

// ---- spectral_norm

Tensor unit(const Tensor& x, double eps) { return x / clamp_min(norm(x), eps); }

/// What is remembered beside the weight.
struct PowerIteration {
  int64_t steps = 1;
  double eps = 1e-12;
  int64_t dim = 0;
  Tensor u{}, v{};

  Tensor matrix(const Tensor& w) const {
    if (w.dim() <= 1) return w.reshape({w.numel(), 1});
    return flatten(movedim(w, {dim}, {0}), 1);
  }
  void begin(const Tensor& w) {
    const NoGradGuard no_grad;
    const Tensor m = matrix(w.detach());
    u = unit(randn({m.size(0)}, {.dtype = w.dtype()}), eps);
    v = unit(randn({m.size(1)}, {.dtype = w.dtype()}), eps);
    iterate(m, 15);
  }
  void iterate(const Tensor& m, int64_t times) const {
    for (int64_t k = 0; k < times; ++k) {
      u.copy_(unit(matmul(m, v), eps));
      v.copy_(unit(matmul(m.t(), u), eps));
    }
  }
  Tensor normed(const Tensor& w, bool training) const {
    const Tensor m = matrix(w);
    if (training) {
      const NoGradGuard no_grad;
      iterate(m.detach(), steps);
    }
    // Later steps change u and v, which a backward may still need.
    return w / matmul(u.clone(), matmul(m, v.clone()));
  }
};

PowerIteration power_iteration(const char* op, const Module& m, const Tensor& w, const SpectralNormOptions& o,
                               SourceLoc loc) {
  if (o.n_power_iterations <= 0)
    throw ValueError(
        concat(op, ": Expected n_power_iterations to be positive, but got n_power_iterations=", o.n_power_iterations),
        loc);
  if (!(o.eps >= 0)) throw ValueError(concat(op, ": eps must not be negative or NaN, got ", o.eps), loc);
  const int64_t rank = w.dim() == 0 ? 1 : w.dim();
  int64_t dim = o.dim.value_or(dynamic_cast<const ConvTransposeModule*>(&m) && rank > 1 ? 1 : 0);
  if (dim < -rank || dim >= rank)
    throw IndexError(concat(op, ": dim ", dim, " is out of range for a parameter of shape ", w.shape()), loc);
  return {.steps = o.n_power_iterations, .eps = o.eps, .dim = dim < 0 ? dim + rank : dim};
}

class SpectralNorm : public parametrize::Parametrization {
 public:
  SpectralNorm(PowerIteration rule, const Tensor& w) : rule_(std::move(rule)), vector_(w.dim() <= 1) {
    if (vector_) return;
    rule_.begin(w);
    rule_.u = buffer("_u", rule_.u);
    rule_.v = buffer("_v", rule_.v);
  }
  std::string class_name() const override { return "_SpectralNorm"; }
  Tensor forward(const Tensor& w) override { return vector_ ? unit(w, rule_.eps) : rule_.normed(w, is_training()); }

 private:
  PowerIteration rule_;
  bool vector_;
};

// ---- the older form

RegisteredPtr without_computation(const Tensor& t) { return std::make_shared<Registered>(t); }

void remove_older(const char* op, Module& m, const std::string& name, ComputedBy by,
                  std::initializer_list<const char*> endings, SourceLoc loc) {
  const CallerScope caller(loc);
  (void)m.is_training(loc);
  const auto computed = ModuleAccess::computed(m);
  const ComputedParameter* const one = computed ? computed->find(name) : nullptr;
  if (!one || one->by != by)
    throw ValueError(concat(op, ": the parameter '", name, "' of ", m.class_name(), " is not computed that way"), loc);
  for (const char* ending : endings)
    if (computed->find(name + ending))
      throw ValueError(concat(op, ": '", name, ending, "' is itself computed from others; remove that first"), loc);
  const NoGradGuard no_grad;
  const Tensor value = one->compute(false).detach().clone();
  nn::detail::become_parameter(op, concat(m.class_name(), ".", name), value, loc);
  const RegisteredPtr parameter = ModuleAccess::forget_computed(m, name);
  for (const char* ending : endings) {
    ModuleAccess::drop_parameter(m, name + ending);
    ModuleAccess::drop_buffer(m, name + ending);
  }
  parameter->set(value);
  ModuleAccess::put_parameter(m, name, parameter);
}

}  // namespace

namespace parametrizations {

void weight_norm(Module& module, const std::string& name, std::optional<std::int64_t> dim, SourceLoc loc) {
  const CallerScope caller(loc);
  const char* const op = "weight_norm";
  detail::require_parameter(op, module, name, loc);
  const Dim over = checked_dim(op, *ModuleAccess::find_parameter(module, name), dim, loc);
  parametrize::register_parametrization(module, name, WeightNorm(over), false, loc);
  detail::also_spelled(module, name,
                       {{concat("parametrizations.", name, ".original0"), name + "_g"},
                        {concat("parametrizations.", name, ".original1"), name + "_v"}});
}

void spectral_norm(Module& module, const std::string& name, const SpectralNormOptions& options, SourceLoc loc) {
  const CallerScope caller(loc);
  const char* const op = "spectral_norm";
  const bool stacked = parametrize::is_parametrized(module, name, loc) && !name.empty();
  if (!stacked) detail::require_parameter(op, module, name, loc);
  const Tensor w = stacked ? Tensor(*ModuleAccess::computed(module)->find(name)->target)
                           : Tensor(*ModuleAccess::find_parameter(module, name));
  parametrize::register_parametrization(module, name, SpectralNorm(power_iteration(op, module, w, options, loc), w),
                                        false, loc);
  if (!stacked)
    detail::also_spelled(module, name,
                         {{concat("parametrizations.", name, ".original"), name + "_orig"},
                          {concat("parametrizations.", name, ".0._u"), name + "_u"},
                          {concat("parametrizations.", name, ".0._v"), name + "_v"}});
}

}  // namespace parametrizations

void weight_norm(Module& module, const std::string& name, std::optional<std::int64_t> dim, SourceLoc loc) {
  const CallerScope caller(loc);
  const char* const op = "weight_norm";
  detail::require_parameter(op, module, name, loc);
  const RegisteredPtr parameter = ModuleAccess::find_parameter(module, name);
  const Dim over = checked_dim(op, *parameter, dim, loc);
  for (const char* ending : {"_g", "_v"}) ModuleAccess::check_name(module, name + ending, loc);
  Tensor length;
  {
    const NoGradGuard no_grad;
    length = norm_but(*parameter, over).clone();
  }
  const RegisteredPtr v = without_computation(*parameter);
  ModuleAccess::drop_parameter(module, name);
  (void)ModuleAccess::add_parameter(module, name + "_g", length, loc);
  ModuleAccess::put_parameter(module, name + "_v", v);
  const RegisteredPtr g = ModuleAccess::find_parameter(module, name + "_g");
  detail::start_computing(module,
                          {name,
                           ComputedBy::weight_norm,
                           parameter,
                           [g, v, over](bool) { return normed(*g, *v, over); },
                           {{name + "_g", concat("parametrizations.", name, ".original0")},
                            {name + "_v", concat("parametrizations.", name, ".original1")}}},
                          op, normed(*g, *v, over));
}

void remove_weight_norm(Module& module, const std::string& name, SourceLoc loc) {
  remove_older("remove_weight_norm", module, name, ComputedBy::weight_norm, {"_g", "_v"}, loc);
}

void spectral_norm(Module& module, const std::string& name, const SpectralNormOptions& options, SourceLoc loc) {
  const CallerScope caller(loc);
  const char* const op = "spectral_norm";
  detail::require_parameter(op, module, name, loc);
  const RegisteredPtr parameter = ModuleAccess::find_parameter(module, name);
  PowerIteration rule = power_iteration(op, module, *parameter, options, loc);
  for (const char* ending : {"_orig", "_u", "_v"}) ModuleAccess::check_name(module, name + ending, loc);
  rule.begin(*parameter);
  const RegisteredPtr original = without_computation(*parameter);
  const Tensor value = rule.normed(*original, false);
  ModuleAccess::drop_parameter(module, name);
  ModuleAccess::put_parameter(module, name + "_orig", original);
  rule.u = ModuleAccess::add_buffer(module, name + "_u", rule.u, loc);
  rule.v = ModuleAccess::add_buffer(module, name + "_v", rule.v, loc);
  detail::start_computing(module,
                          {name,
                           ComputedBy::spectral_norm,
                           parameter,
                           [original, rule](bool training) { return rule.normed(*original, training); },
                           {{name + "_orig", concat("parametrizations.", name, ".original")},
                            {name + "_u", concat("parametrizations.", name, ".0._u")},
                            {name + "_v", concat("parametrizations.", name, ".0._v")}}},
                          op, value);
}

void remove_spectral_norm(Module& module, const std::string& name, SourceLoc loc) {
  remove_older("remove_spectral_norm", module, name, ComputedBy::spectral_norm, {"_orig", "_u", "_v"}, loc);
}

}  // namespace slope::nn::utils
