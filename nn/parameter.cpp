#include <algorithm>
#include <ranges>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/engine/internal/parameter.h"
#include "slope/nn/internal/computed_parameters.h"
#include "slope/nn/module.h"

namespace slope::nn {

namespace detail {

// ---- a parameter and its handles

void Registered::set(const Tensor& t) {
  const std::lock_guard lock(mutex_);
  static_cast<Tensor&>(*this) = t;
  for (Parameter* p : handles_) static_cast<Tensor&>(*p) = t;
}
void Registered::join(Parameter& p) {
  const std::lock_guard lock(mutex_);
  handles_.push_back(&p);
}
void Registered::leave(const Parameter& p) noexcept {
  const std::lock_guard lock(mutex_);
  std::erase(handles_, &p);
}
void Registered::move(const Parameter& from, Parameter& to) noexcept {
  const std::lock_guard lock(mutex_);
  std::ranges::replace(handles_, const_cast<Parameter*>(&from), &to);
}

namespace {
Registered& registered(Tensor& entry) { return static_cast<Registered&>(entry); }
}  // namespace

void become_parameter(const std::string& what, std::string name, const Tensor& value, SourceLoc loc) {
  if (!value.is_floating_point())
    throw AutogradError(concat(what, ": only floating point tensors can require grad, got ", dtype_name(value.dtype())),
                        loc);
  if (!value.is_leaf())
    throw AutogradError(
        concat(what, ": the tensor was computed by ", value.grad_fn(), "; a parameter must be a leaf, use detach()"),
        loc);
  value.requires_grad_(true, loc);
  slope::detail::mark_parameter(value, std::move(name), user_line(loc));
}

// ---- parameters that are computed from others

const ComputedParameter* ComputedParameters::find(const std::string& name) const {
  const auto found = std::ranges::find(all, name, &ComputedParameter::name);
  return found == all.end() ? nullptr : &*found;
}

void ComputedParameters::compute(bool training) {
  for (std::size_t i = all.size(); i-- > 0;) all[i].target->set(all[i].compute(training));
}

void ComputedParameters::begin(bool training) {
  mutex_.lock();
  if (depth_ == 0) {
    std::vector<Tensor> before;
    try {
      for (const auto& one : all) before.push_back(*one.target);
      compute(training);
    } catch (...) {
      for (std::size_t i = 0; i < before.size(); ++i) all[i].target->set(before[i]);
      mutex_.unlock();
      throw;
    }
  }
  ++depth_;
}

void ComputedParameters::end() noexcept {
  --depth_;
  mutex_.unlock();
}

void ComputedParameters::refresh() {
  const std::lock_guard lock(mutex_);
  const NoGradGuard no_grad;
  if (depth_ == 0) compute(false);
}

void ComputedParameters::convert(DType dtype) {
  const std::lock_guard lock(mutex_);
  for (const auto& one : all) one.target->set(one.target->detach().to(dtype));
}

void ComputedScope::begin(bool training) { computed_->begin(training); }
void ComputedScope::end() noexcept { computed_->end(); }

// ---- from outside

ModuleAccess::Computed ModuleAccess::make_computed(Module& m) {
  auto& hooks = m.state().hooks;
  if (!hooks) hooks = std::make_shared<ForwardHooks>();
  if (!hooks->computed) hooks->computed = std::make_shared<ComputedParameters>();
  return hooks->computed;
}

RegisteredPtr ModuleAccess::forget_computed(Module& m, const std::string& name) {
  const auto computed = m.state().hooks->computed;
  const auto found = std::ranges::find(computed->all, name, &ComputedParameter::name);
  RegisteredPtr target = found->target;
  target->computed_by.clear();
  computed->all.erase(found);
  const auto parametrized = [](const ComputedParameter& c) { return c.by == ComputedBy::parametrizations; };
  if (computed->parametrizations && std::ranges::none_of(computed->all, parametrized))
    computed->parametrizations.reset();
  if (computed->all.empty()) m.state().hooks->computed.reset();
  return target;
}

RegisteredPtr ModuleAccess::find_parameter(const Module& m, const std::string& name) {
  for (const auto& e : m.state().parameters)
    if (e.name == name) return std::static_pointer_cast<Registered>(e.tensor);
  return nullptr;
}

std::shared_ptr<Tensor> ModuleAccess::find_buffer(const Module& m, const std::string& name) {
  for (const auto& e : m.state().buffers)
    if (e.name == name) return e.tensor;
  return nullptr;
}

std::vector<std::string> ModuleAccess::parameter_names(const Module& m) {
  std::vector<std::string> names;
  for (const auto& e : m.state().parameters) names.push_back(e.name);
  return names;
}

void ModuleAccess::put_parameter(Module& m, std::string name, RegisteredPtr parameter) {
  structure_changed();
  m.state().parameters.push_back({std::move(name), std::move(parameter), true});
}

void ModuleAccess::drop_parameter(Module& m, const std::string& name) {
  structure_changed();
  std::erase_if(m.state().parameters, [&](const auto& e) { return e.name == name; });
}

void ModuleAccess::drop_buffer(Module& m, const std::string& name) {
  structure_changed();
  std::erase_if(m.state().buffers, [&](const auto& e) { return e.name == name; });
}

}  // namespace detail

// ---- Parameter

Parameter::Parameter(const std::shared_ptr<Tensor>& registered) : Tensor(*registered), registered_(registered) {
  detail::registered(*registered).join(*this);
}

Parameter::Parameter(const Parameter& other) : Tensor(other), registered_(other.registered_) {
  if (const auto r = registered_.lock()) detail::registered(*r).join(*this);
}

Parameter::Parameter(Parameter&& other) noexcept
    : Tensor(static_cast<Tensor&&>(other)), registered_(std::move(other.registered_)) {
  if (const auto r = registered_.lock()) detail::registered(*r).move(other, *this);
}

Parameter& Parameter::operator=(Parameter&& other) & noexcept {
  if (this == &other) return *this;
  leave();
  static_cast<Tensor&>(*this) = static_cast<Tensor&&>(other);
  registered_ = std::move(other.registered_);
  if (const auto r = registered_.lock()) detail::registered(*r).move(other, *this);
  return *this;
}

void Parameter::leave() noexcept {
  if (const auto r = registered_.lock()) detail::registered(*r).leave(*this);
}

void Parameter::tie(const Tensor& other, SourceLoc loc) {
  const auto entry = registered_.lock();
  if (!entry) throw ValueError("tie: this parameter belongs to no living module", loc);
  auto& registered = detail::registered(*entry);
  if (!registered.computed_by.empty())
    throw ValueError(concat("tie: this parameter is computed by ", registered.computed_by,
                            "; tie what it is computed from, or remove that first"),
                     loc);
  if (!other.defined()) throw ValueError("tie: the other tensor is undefined", loc);
  if (other.shape() != shape())
    throw ShapeError(concat("tie: a parameter of shape ", slope::to_text(shape()), " can't share a tensor of shape ",
                            slope::to_text(other.shape())),
                     loc);
  if (other.dtype() != dtype())
    throw DTypeError(
        concat("tie: a parameter of ", dtype_name(dtype()), " can't share a tensor of ", dtype_name(other.dtype())),
        loc);
  detail::become_parameter("tie", "a tied tensor", other, loc);
  detail::structure_changed();
  registered.set(Tensor(other));
}

}  // namespace slope::nn
