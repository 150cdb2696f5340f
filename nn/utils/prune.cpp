#include "slope/nn/utils/prune.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/layers/internal/describe.h"
#include "slope/nn/utils/internal/parametrize.h"

namespace slope::nn::utils::prune {

namespace {

using nn::detail::ComputedBy;
using nn::detail::ComputedParameter;
using nn::detail::ModuleAccess;
using nn::detail::RegisteredPtr;
using std::int64_t;
using Numbers = std::vector<double>;

/// What there is of a pruned parameter, or null.
const ComputedParameter* pruned(const Module& m, const std::string& name) {
  const auto computed = ModuleAccess::computed(m);
  const ComputedParameter* const one = computed ? computed->find(name) : nullptr;
  return one && one->by == ComputedBy::prune ? one : nullptr;
}

/// A parameter to be pruned, and the mask it has.
struct Target {
  Target(const char* what, Module& m, const std::string& n, SourceLoc at) : op(what), module(m), name(n), loc(at) {
    (void)module.is_training(loc);
    if (pruned(module, name)) {
      weight = *ModuleAccess::find_parameter(module, name + "_orig");
      mask = *ModuleAccess::find_buffer(module, name + "_mask");
    } else {
      detail::require_parameter(op, module, name, loc);
      for (const char* ending : {"_orig", "_mask"}) ModuleAccess::check_name(module, name + ending, loc);
      weight = *ModuleAccess::find_parameter(module, name);
    }
  }

  Numbers kept() const { return mask.defined() ? mask.to_vector<double>() : Numbers(count(weight), 1.0); }
  /// The values the elements are ranked by.
  Numbers scores(const Tensor& importance) const {
    if (!importance.defined()) return weight.detach().to_vector<double>();
    if (importance.shape() != weight.shape())
      throw ShapeError(concat(op, ": importance_scores have shape ", importance.shape(), ", the parameter '", name,
                              "' has ", weight.shape()),
                       loc);
    return importance.detach().to_vector<double>();
  }

  /// Multiplies the mask by this one.
  void apply(const Numbers& by) const {
    Numbers product = kept();
    for (std::size_t i = 0; i < product.size(); ++i) product[i] *= by[i];
    const NoGradGuard no_grad;
    const Tensor fresh = tensor(product).reshape(weight.shape()).to(weight.dtype());
    if (mask.defined()) {
      mask.copy_(fresh);
      ModuleAccess::computed(module)->refresh();
      return;
    }
    const RegisteredPtr parameter = ModuleAccess::find_parameter(module, name);
    const RegisteredPtr original = std::make_shared<nn::detail::Registered>(weight);
    const Tensor value = weight * fresh;
    ModuleAccess::drop_parameter(module, name);
    ModuleAccess::put_parameter(module, name + "_orig", original);
    const Tensor buffer = ModuleAccess::add_buffer(module, name + "_mask", fresh, loc);
    detail::start_computing(
        module, {name, ComputedBy::prune, parameter, [original, buffer](bool) { return *original * buffer; }},
        "pruning", value);
  }

  static std::size_t count(const Tensor& t) { return static_cast<std::size_t>(t.numel()); }

  const char* op;
  Module& module;
  const std::string& name;
  SourceLoc loc;
  Tensor weight, mask;
};

std::size_t number_of(const char* op, Amount amount, std::size_t there, SourceLoc loc) {
  const std::string text = amount.is_count ? std::to_string(amount.count) : nn::detail::number(amount.fraction);
  if (amount.is_count ? amount.count < 0 : !(amount.fraction >= 0 && amount.fraction <= 1))
    throw ValueError(
        concat(op, ": amount=", text, " should either be a float in the range [0, 1] or a non-negative integer"), loc);
  if (!amount.is_count) return static_cast<std::size_t>(std::nearbyint(amount.fraction * static_cast<double>(there)));
  if (static_cast<std::uint64_t>(amount.count) > there)
    throw ValueError(concat(op, ": amount=", text, " should be smaller than the number of parameters to prune=", there),
                     loc);
  return static_cast<std::size_t>(amount.count);
}

/// The `n` of these indices with the smallest scores. NaN is larger than any number.
std::vector<std::size_t> least(std::vector<std::size_t> indices, const Numbers& scores, std::size_t n) {
  std::ranges::stable_sort(indices, [&](std::size_t a, std::size_t b) {
    return std::isnan(scores[b]) ? !std::isnan(scores[a]) : scores[a] < scores[b];
  });
  indices.resize(n);
  return indices;
}

Numbers magnitudes(Numbers values) {
  for (double& v : values) v = std::abs(v);
  return values;
}
Numbers random_numbers(std::size_t n) {
  return rand({static_cast<int64_t>(n)}, {.dtype = DType::float64}).to_vector<double>();
}

/// 0 at the least important elements among those kept.
Numbers unstructured(const char* op, const Numbers& kept, const Numbers& scores, Amount amount, SourceLoc loc) {
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < kept.size(); ++i)
    if (kept[i] != 0) left.push_back(i);
  const std::size_t n = number_of(op, amount, left.size(), loc);
  Numbers mask(kept.size(), 1.0);
  for (const std::size_t i : least(std::move(left), scores, n)) mask[i] = 0;
  return mask;
}

/// `score(slice)` for each slice along a dimension.
template <class Score>
void structured(const Target& t, Amount amount, int64_t dim, const Score& score) {
  const int rank = t.weight.dim();
  if (rank < 2)
    throw ShapeError(concat(t.op,
                            ": Structured pruning can only be applied to multidimensional tensors. Found tensor of "
                            "shape ",
                            t.weight.shape(), " with ", rank, " dims"),
                     t.loc);
  if (dim < -rank || dim >= rank)
    throw IndexError(concat(t.op, ": Invalid index ", dim, " for tensor of size ", t.weight.shape()), t.loc);
  const int64_t d = dim < 0 ? dim + rank : dim;
  const auto slices = static_cast<std::size_t>(t.weight.size(d));
  std::size_t inner = 1;
  for (int64_t k = d + 1; k < rank; ++k) inner *= static_cast<std::size_t>(t.weight.size(k));
  const auto slice_of = [&](std::size_t element) { return element / inner % slices; };
  const Numbers kept = t.kept();
  std::vector<bool> alive(slices, false);
  for (std::size_t i = 0; i < kept.size(); ++i)
    if (kept[i] != 0) alive[slice_of(i)] = true;
  std::vector<std::size_t> left;
  for (std::size_t s = 0; s < slices; ++s)
    if (alive[s]) left.push_back(s);
  const std::size_t n = number_of(t.op, amount, left.size(), t.loc);
  Numbers of_slices(slices, 1.0);
  for (const std::size_t s : least(std::move(left), score(d, slices), n)) of_slices[s] = 0;
  Numbers mask(kept.size());
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = of_slices[slice_of(i)];
  t.apply(mask);
}

}  // namespace

void identity(Module& module, const std::string& name, SourceLoc loc) {
  const CallerScope caller(loc);
  const Target t("identity", module, name, loc);
  t.apply(Numbers(Target::count(t.weight), 1.0));
}

void l1_unstructured(Module& module, const std::string& name, Amount amount, const Tensor& importance_scores,
                     SourceLoc loc) {
  const CallerScope caller(loc);
  const Target t("l1_unstructured", module, name, loc);
  t.apply(unstructured(t.op, t.kept(), magnitudes(t.scores(importance_scores)), amount, loc));
}

void random_unstructured(Module& module, const std::string& name, Amount amount, SourceLoc loc) {
  const CallerScope caller(loc);
  const Target t("random_unstructured", module, name, loc);
  const std::size_t count = Target::count(t.weight);
  (void)number_of(t.op, amount, count, loc);  // before numbers are drawn
  t.apply(unstructured(t.op, t.kept(), random_numbers(count), amount, loc));
}

void ln_structured(Module& module, const std::string& name, Amount amount, double n, std::int64_t dim,
                   const Tensor& importance_scores, SourceLoc loc) {
  const CallerScope caller(loc);
  const Target t("ln_structured", module, name, loc);
  const Numbers scores = t.scores(importance_scores);
  if (std::isnan(n)) throw ValueError("ln_structured: n must not be NaN", loc);
  structured(t, amount, dim, [&](int64_t d, std::size_t slices) {
    const NoGradGuard no_grad;
    std::vector<int64_t> others;
    for (int64_t k = 0; k < t.weight.dim(); ++k)
      if (k != d) others.push_back(k);
    if (scores.empty()) return Numbers(slices, 0.0);
    const Tensor ranked = tensor(scores).reshape(t.weight.shape());
    return norm(ranked, n, others).template to_vector<double>();
  });
}

void random_structured(Module& module, const std::string& name, Amount amount, std::int64_t dim, SourceLoc loc) {
  const CallerScope caller(loc);
  const Target t("random_structured", module, name, loc);
  structured(t, amount, dim, [](int64_t, std::size_t slices) { return random_numbers(slices); });
}

void custom_from_mask(Module& module, const std::string& name, const Tensor& mask, SourceLoc loc) {
  const CallerScope caller(loc);
  const Target t("custom_from_mask", module, name, loc);
  if (!mask.defined()) throw ValueError("custom_from_mask: the mask is undefined", loc);
  if (mask.shape() != t.weight.shape())
    throw ShapeError(concat("custom_from_mask: the mask has shape ", mask.shape(), ", the parameter '", name, "' has ",
                            t.weight.shape()),
                     loc);
  Numbers by = mask.to_vector<double>();
  for (double& v : by) v = v == 0 ? 0 : 1;
  t.apply(by);
}

void global_unstructured(const std::vector<std::pair<Module*, std::string>>& parameters, Method method, Amount amount,
                         SourceLoc loc) {
  const CallerScope caller(loc);
  const char* const op = "global_unstructured";
  if (parameters.empty()) throw ValueError(concat(op, ": there are no parameters to prune"), loc);
  std::vector<Target> targets;
  Numbers kept, scores;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [module, name] = parameters[i];
    if (!module) throw ValueError(concat(op, ": one of the modules is null"), loc);
    if (std::find(parameters.begin(), parameters.begin() + static_cast<std::ptrdiff_t>(i), parameters[i]) !=
        parameters.begin() + static_cast<std::ptrdiff_t>(i))
      throw ValueError(concat(op, ": the parameter '", name, "' of ", module->class_name(), " is listed twice"), loc);
    const Target& t = targets.emplace_back(op, *module, name, loc);
    const Numbers there = t.kept(), values = magnitudes(t.scores({}));
    kept.insert(kept.end(), there.begin(), there.end());
    scores.insert(scores.end(), values.begin(), values.end());
  }
  if (method == Method::random_unstructured) {
    (void)number_of(op, amount, kept.size(), loc);
    scores = random_numbers(kept.size());
  }
  const Numbers mask = unstructured(op, kept, scores, amount, loc);
  auto at = mask.begin();
  for (const Target& t : targets) {
    const auto end = at + t.weight.numel();
    t.apply(Numbers(at, end));
    at = end;
  }
}

void remove(Module& module, const std::string& name, SourceLoc loc) {
  const CallerScope caller(loc);
  (void)module.is_training(loc);
  const ComputedParameter* const one = pruned(module, name);
  if (!one)
    throw ValueError(concat("remove: Parameter '", name, "' of module ", module.class_name(),
                            " has to be pruned before pruning can be removed"),
                     loc);
  const RegisteredPtr original = ModuleAccess::find_parameter(module, name + "_orig");
  if (!original)
    throw ValueError(concat("remove: '", name, "_orig' is itself computed from others; remove that first"), loc);
  const NoGradGuard no_grad;
  original->copy_(one->compute(false));
  const RegisteredPtr parameter = nn::detail::ModuleAccess::forget_computed(module, name);
  ModuleAccess::drop_parameter(module, name + "_orig");
  ModuleAccess::drop_buffer(module, name + "_mask");
  parameter->set(Tensor(*original));
  ModuleAccess::put_parameter(module, name, parameter);
}

bool is_pruned(const Module& module, SourceLoc loc) {
  for (const Module* m : const_cast<Module&>(module).modules(loc))
    if (const auto computed = ModuleAccess::computed(*m))
      for (const ComputedParameter& one : computed->all)
        if (one.by == ComputedBy::prune) return true;
  return false;
}

}  // namespace slope::nn::utils::prune
