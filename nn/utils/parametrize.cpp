#include "slope/nn/utils/parametrize.h"

#include <algorithm>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/nn/internal/computed_parameters.h"
#include "slope/nn/utils/internal/parametrize.h"

namespace slope::nn::utils {

namespace {

using nn::detail::ComputedBy;
using nn::detail::ComputedParameter;
using nn::detail::ModuleAccess;
using nn::detail::RegisteredPtr;

/// What a parameter is computed from, and by which modules, one after the other.
class ParametrizationList : public Module {
 public:
  explicit ParametrizationList(bool training) { train(training); }
  std::string class_name() const override { return "ParametrizationList"; }

  /// The parameter itself where it is the only one, so that it stays what optimizers know.
  void set_originals(const RegisteredPtr& parameter, const std::vector<Tensor>& inverse, SourceLoc loc) {
    if (inverse.size() == 1) {
      ModuleAccess::put_parameter(*this, "original", parameter);
      originals_.push_back(parameter);
      return;
    }
    for (std::size_t i = 0; i < inverse.size(); ++i) {
      const std::string name = concat("original", i);
      (void)ModuleAccess::add_parameter(*this, name, inverse[i], loc);
      originals_.push_back(ModuleAccess::find_parameter(*this, name));
    }
  }
  void append(std::unique_ptr<Module> rule, SourceLoc loc) {
    rule->train(is_training());
    ModuleAccess::link(*this, std::to_string(rules_.size()), *rule, loc);
    rules_.push_back(std::move(rule));
  }
  void drop_last() { rules_.pop_back(); }
  const std::vector<RegisteredPtr>& originals() const { return originals_; }
  Module& first() const { return *rules_.front(); }

  /// `training` false: without changing what the rules remember.
  Tensor compute(bool training) {
    if (training || !is_training()) return computed();
    struct Restore {
      explicit Restore(Module& list) {
        for (Module* m : list.modules()) modes.emplace_back(m, m->is_training());
      }
      ~Restore() {
        for (const auto& [m, mode] : modes) ModuleAccess::set_mode(*m, mode);
      }
      Restore(const Restore&) = delete;
      Restore& operator=(const Restore&) = delete;
      std::vector<std::pair<Module*, bool>> modes;
    };
    const Restore restore(*this);
    eval();
    return computed();
  }

 private:
  Tensor computed() {
    std::vector<Tensor> from;
    for (const auto& o : originals_) from.push_back(*o);
    Tensor value = detail::computed_from(*rules_.front(), from);
    for (std::size_t i = 1; i < rules_.size(); ++i) value = (*rules_[i])(value);
    return value;
  }
  std::vector<RegisteredPtr> originals_;
  std::vector<std::unique_ptr<Module>> rules_;
};

ParametrizationList& list_of(const Module& m, const std::string& name, SourceLoc loc) {
  return static_cast<ParametrizationList&>(ModuleAccess::computed(m)->parametrizations->at(name, loc));
}

void require_alike(const Module& m, const std::string& name, const Tensor& value, const Tensor& result,
                   const char* what, SourceLoc loc) {
  const auto text = [&] {
    return concat("register_parametrization: ", what, " of the parametrization of '", name, "' of ", m.class_name());
  };
  if (!result.defined()) throw ValueError(text() + " is undefined", loc);
  if (result.dtype() != value.dtype())
    throw DTypeError(concat(text(), " is of ", dtype_name(result.dtype()), ", the parameter of ",
                            dtype_name(value.dtype()), "; `unsafe` allows that"),
                     loc);
  if (result.shape() != value.shape())
    throw ShapeError(
        concat(text(), " has shape ", result.shape(), ", the parameter has ", value.shape(), "; `unsafe` allows that"),
        loc);
}

}  // namespace

namespace detail {

Tensor computed_from(Module& rule, const std::vector<Tensor>& originals) {
  if (auto* p = dynamic_cast<parametrize::Parametrization*>(&rule)) return p->compute(originals);
  return rule(originals.front());
}

void require_parameter(const char* op, const Module& m, const std::string& name, SourceLoc loc) {
  if (const auto computed = ModuleAccess::computed(m))
    if (const auto* one = computed->find(name))
      throw ValueError(concat(op, ": the parameter '", name, "' of ", m.class_name(), " is computed by ",
                              one->target->computed_by, " already; remove that first"),
                       loc);
  (void)m.is_training(loc);
  if (ModuleAccess::find_parameter(m, name)) return;
  std::string names;
  for (const auto& n : ModuleAccess::parameter_names(m)) names += (names.empty() ? "it has " : ", ") + n;
  throw ValueError(concat(op, ": ", m.class_name(), " does not have a parameter or a parametrized element with name '",
                          name, "'; ", names.empty() ? "it has none" : names),
                   loc);
}

void start_computing(Module& m, ComputedParameter one, const char* by, const Tensor& value) {
  one.target->computed_by = by;
  const auto computed = ModuleAccess::make_computed(m);
  computed->all.push_back(std::move(one));
  computed->all.back().target->set(value);
}

void also_spelled(Module& m, const std::string& name, std::vector<std::pair<std::string, std::string>> spellings) {
  for (ComputedParameter& one : ModuleAccess::computed(m)->all)
    if (one.name == name) one.spellings = std::move(spellings);
}

}  // namespace detail

namespace parametrize {

Tensor Parametrization::compute(const std::vector<Tensor>& originals) {
  if (originals.size() != 1)
    throw ValueError(concat(class_name(), ": computes from one tensor, not from ", originals.size(),
                            "; define `Tensor compute(const std::vector<Tensor>& originals) override`"));
  return (*this)(originals.front());
}

void register_parametrization(Module& module, const std::string& name, std::unique_ptr<Module> parametrization,
                              bool unsafe, SourceLoc loc) {
  const CallerScope caller(loc);
  const char* const op = "register_parametrization";
  if (!parametrization) throw ValueError(concat(op, ": the parametrization of '", name, "' is null"), loc);
  (void)parametrization->is_training(loc);
  auto* const rule = dynamic_cast<Parametrization*>(parametrization.get());
  const bool training = module.is_training(loc);
  parametrization->train(training);

  if (is_parametrized(module, name)) {
    ParametrizationList& list = list_of(module, name, loc);
    const RegisteredPtr target = ModuleAccess::computed(module)->find(name)->target;
    const Tensor before = list.compute(false), after = (*parametrization)(before);
    if (!unsafe) {
      require_alike(module, name, before, after, "the result", loc);
      if (rule) {
        const std::vector<Tensor> inverse = rule->right_inverse(after.detach());
        if (inverse.size() != 1)
          throw ValueError(concat(op, ": a parametrization of several tensors must be the first one of '", name, "'"),
                           loc);
        require_alike(module, name, before, inverse[0], "the right inverse", loc);
      }
    }
    list.append(std::move(parametrization), loc);
    target->set(after);
    return;
  }

  detail::require_parameter(op, module, name, loc);
  const RegisteredPtr parameter = ModuleAccess::find_parameter(module, name);
  if (const auto computed = ModuleAccess::computed(module); !computed || !computed->parametrizations)
    ModuleAccess::check_name(module, "parametrizations", loc);
  const Tensor value = parameter->detach();
  std::vector<Tensor> inverse = {value};
  if (rule) {
    const NoGradGuard no_grad;
    inverse = rule->right_inverse(value);
    if (inverse.empty()) throw ValueError(concat(op, ": the right inverse for '", name, "' gives no tensors"), loc);
    for (Tensor& t : inverse) {
      if (!t.defined() || !t.is_floating_point())
        throw ValueError(concat(op, ": the right inverse for '", name, "' gives a tensor that cannot be a parameter"),
                         loc);
      t = t.detach();
      if (inverse.size() > 1) t = t.clone();
    }
    if (inverse.size() == 1 && !unsafe) require_alike(module, name, value, inverse[0], "the right inverse", loc);
  }
  parametrization->eval();
  const Tensor result = detail::computed_from(*parametrization, inverse);
  if (!result.defined() || !unsafe) require_alike(module, name, value, result, "the result", loc);
  parametrization->train(training);

  auto list = std::make_unique<ParametrizationList>(training);
  auto target = std::make_shared<nn::detail::Registered>(value);
  ParametrizationList& made = *list;
  const bool keeps = inverse.size() == 1 && inverse[0].shape() == value.shape() && inverse[0].dtype() == value.dtype();
  RegisteredPtr original = keeps ? std::make_shared<nn::detail::Registered>(Tensor(*parameter))
                                 : std::make_shared<nn::detail::Registered>(inverse[0].clone());
  if (!keeps && inverse.size() == 1) nn::detail::become_parameter(op, name, *original, loc);
  if (keeps && inverse[0].raw_data() != original->raw_data()) {
    const NoGradGuard no_grad;
    original->copy_(inverse[0]);
  }
  made.set_originals(original, inverse, loc);
  made.append(std::move(parametrization), loc);
  const Tensor now = made.compute(false);
  const auto computed = ModuleAccess::make_computed(module);
  if (!computed->parametrizations) {
    computed->parametrizations = std::make_unique<ModuleDict>();
    computed->parametrizations->train(training);
    ModuleAccess::link(module, "parametrizations", *computed->parametrizations, loc);
  }
  computed->parametrizations->insert(name, std::unique_ptr<Module>(std::move(list)), loc);
  ModuleAccess::drop_parameter(module, name);
  detail::start_computing(module,
                          {name, ComputedBy::parametrizations, parameter,
                           [list = &made](bool train_mode) { return list->compute(train_mode); }},
                          "a parametrization", now);
}

bool is_parametrized(const Module& module, const std::string& name, SourceLoc loc) {
  (void)module.is_training(loc);
  const auto computed = ModuleAccess::computed(module);
  return computed && computed->parametrizations && std::ranges::any_of(computed->all, [&](const ComputedParameter& c) {
           return c.by == ComputedBy::parametrizations && (name.empty() || c.name == name);
         });
}

void remove_parametrizations(Module& module, const std::string& name, bool leave_parametrized, SourceLoc loc) {
  const CallerScope caller(loc);
  const char* const op = "remove_parametrizations";
  if (name.empty() || !is_parametrized(module, name, loc))
    throw ValueError(concat(op, ": the parameter '", name, "' of ", module.class_name(), " is not parametrized"), loc);
  ParametrizationList& list = list_of(module, name, loc);
  if (!leave_parametrized && list.originals().size() > 1)
    throw ValueError(concat(op, ": '", name, "' is computed from ", list.originals().size(),
                            " tensors, so there is no one to leave; use leave_parametrized=true"),
                     loc);
  const NoGradGuard no_grad;
  Tensor plain(*list.originals().front());
  if (leave_parametrized) {
    const Tensor value = list.compute(false).detach().clone();
    if (list.originals().size() == 1 && value.shape() == plain.shape() && value.dtype() == plain.dtype()) {
      plain.copy_(value);
    } else {
      plain = value;
      nn::detail::become_parameter(op, concat(module.class_name(), ".", name), plain, loc);
    }
  }
  const auto computed = ModuleAccess::computed(module);
  (void)computed->parametrizations->pop(name, loc);
  const RegisteredPtr parameter = ModuleAccess::forget_computed(module, name);
  parameter->set(plain);
  ModuleAccess::put_parameter(module, name, parameter);
}

Cached::Cached(Module& module, SourceLoc loc) {
  const CallerScope caller(loc);
  for (const Module* m : module.modules(loc))
    if (const auto computed = ModuleAccess::computed(*m))
      scopes_.push_back(std::make_unique<nn::detail::ComputedScope>(computed, m->is_training()));
}
Cached::~Cached() {
  while (!scopes_.empty()) scopes_.pop_back();
}

}  // namespace parametrize

}  // namespace slope::nn::utils
