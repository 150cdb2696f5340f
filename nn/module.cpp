#include "slope/nn/module.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <set>
#include <typeinfo>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/engine/parameter.h"

namespace slope::nn {

// ---- life

Module::Module() : state_(std::make_unique<State>()) {}

Module::Module(Module&& other) noexcept
    : state_(std::move(other.state_)), slot_(std::exchange(other.slot_, nullptr)) {
  if (slot_) slot_->module = this;
}

Module& Module::operator=(Module&& other) noexcept {
  if (this == &other) return *this;
  // The place in the parent stays: a layer that is assigned to remains the member it was.
  if (state_)
    for (auto& c : state_->children)
      if (c->module) c->module->slot_ = nullptr;
  state_ = std::move(other.state_);
  other.unlink();
  return *this;
}

void Module::unlink() noexcept {
  if (slot_) slot_->module = nullptr;
  slot_ = nullptr;
}

Module::~Module() {
  unlink();
  if (state_)
    for (auto& c : state_->children)
      if (c->module) c->module->slot_ = nullptr;
}

// ---- registration

void Module::check_name(const std::string& name, SourceLoc loc) const {
  if (name.empty()) throw ValueError(concat(class_name(), ": a child, parameter or buffer needs a name"), loc);
  if (name.find('.') != std::string::npos)
    throw ValueError(concat(class_name(), ": the name '", name, "' can't contain \".\"; nested modules make the dots"), loc);
  bool taken = false;
  for (const auto& c : state_->children) taken |= c->name == name;
  for (const auto& p : state_->parameters) taken |= p.name == name;
  for (const auto& b : state_->buffers) taken |= b.name == name;
  if (taken) throw ValueError(concat(class_name(), ": the name '", name, "' already exists"), loc);
}

void Module::link(std::string name, Module& child, SourceLoc loc) {
  check_name(name, loc);
  if (child.slot_)
    throw ValueError(concat(class_name(), ": the module added as '", name, "' is registered as '", child.slot_->name, "' already"),
                     loc);
  state_->children.push_back(std::make_unique<Slot>(Slot{std::move(name), &child}));
  child.slot_ = state_->children.back().get();
}

Tensor Module::parameter(std::string name, const Tensor& value, SourceLoc loc) {
  check_name(name, loc);
  if (!value.defined()) throw ValueError(concat(class_name(), ": the parameter '", name, "' is an undefined tensor"), loc);
  if (!value.is_leaf())
    throw AutogradError(concat(class_name(), ": cannot assign a non-leaf tensor to parameter '", name, "'; detach() it"), loc);
  value.requires_grad_(true, loc);
  slope::detail::mark_parameter(value, user_line(loc));
  state_->parameters.push_back({std::move(name), value, true});
  return value;
}

Tensor Module::buffer(std::string name, const Tensor& value, bool persistent, SourceLoc loc) {
  check_name(name, loc);
  if (!value.defined()) throw ValueError(concat(class_name(), ": the buffer '", name, "' is an undefined tensor"), loc);
  state_->buffers.push_back({std::move(name), value, persistent});
  return value;
}

// ---- calling

Tensor Module::forward(const Tensor&) {
  throw Error(concat(class_name(), ": has no forward for one tensor; define `Tensor forward(const Tensor& x) override`"));
}

Tensor Module::operator()(In x) {
  CallerScope scope(x.loc);
  const auto hooks = state_->hooks;  // keeps them while they run, whatever they do
  if (!hooks) [[likely]]
    return forward(x.tensor);
  Tensor input = x.tensor;
  for (const auto& [id, hook] : std::vector(hooks->before))
    if (Tensor t = hook(*this, input); t.defined()) input = std::move(t);
  Tensor output = forward(input);
  for (const auto& [id, hook] : std::vector(hooks->after))
    if (Tensor t = hook(*this, input, output); t.defined()) output = std::move(t);
  return output;
}

ForwardHookHandle Module::add_pre_hook(ForwardPreHook hook) {
  if (!state_->hooks) state_->hooks = std::make_shared<Hooks>();
  Hooks* h = state_->hooks.get();
  const int id = h->next++;
  h->before.emplace_back(id, std::move(hook));
  return {state_->hooks, [h, id] { std::erase_if(h->before, [id](const auto& e) { return e.first == id; }); }};
}

ForwardHookHandle Module::add_hook(ForwardHook hook) {
  if (!state_->hooks) state_->hooks = std::make_shared<Hooks>();
  Hooks* h = state_->hooks.get();
  const int id = h->next++;
  h->after.emplace_back(id, std::move(hook));
  return {state_->hooks, [h, id] { std::erase_if(h->after, [id](const auto& e) { return e.first == id; }); }};
}

// ---- walks

void Module::visit(const std::string& path, const std::function<void(const std::string&, Module&)>& f) const {
  f(path, const_cast<Module&>(*this));
  for (const auto& c : state_->children)
    if (c->module) c->module->visit(path.empty() ? c->name : path + "." + c->name, f);
}

namespace {
std::string joined(const std::string& path, const std::string& name) { return path.empty() ? name : path + "." + name; }
}  // namespace

std::vector<Module::NamedTensor> Module::named_parameters(const std::string& prefix) const {
  std::vector<NamedTensor> out;
  std::set<const TensorImpl*> seen;
  visit(prefix, [&](const std::string& path, Module& m) {
    for (const Entry& p : m.state_->parameters)
      if (seen.insert(&p.tensor.impl()).second) out.emplace_back(joined(path, p.name), p.tensor);
  });
  return out;
}

std::vector<Tensor> Module::parameters(bool recurse) const {
  std::vector<Tensor> out;
  if (recurse)
    for (auto& [name, p] : named_parameters()) out.push_back(p);
  else
    for (const Entry& p : state_->parameters) out.push_back(p.tensor);
  return out;
}

std::vector<Module::NamedTensor> Module::named_buffers(const std::string& prefix) const {
  std::vector<NamedTensor> out;
  std::set<const TensorImpl*> seen;
  visit(prefix, [&](const std::string& path, Module& m) {
    for (const Entry& b : m.state_->buffers)
      if (seen.insert(&b.tensor.impl()).second) out.emplace_back(joined(path, b.name), b.tensor);
  });
  return out;
}

std::vector<Tensor> Module::buffers() const {
  std::vector<Tensor> out;
  for (auto& [name, b] : named_buffers()) out.push_back(b);
  return out;
}

std::vector<Module::NamedModule> Module::named_children() const {
  std::vector<NamedModule> out;
  for (const auto& c : state_->children)
    if (c->module) out.emplace_back(c->name, c->module);
  return out;
}

std::vector<Module*> Module::children() const {
  std::vector<Module*> out;
  for (auto& [name, m] : named_children()) out.push_back(m);
  return out;
}

std::vector<Module::NamedModule> Module::named_modules(const std::string& prefix) {
  std::vector<NamedModule> out;
  std::set<const Module*> seen;
  visit(prefix, [&](const std::string& path, Module& m) {
    if (seen.insert(&m).second) out.emplace_back(path, &m);
  });
  return out;
}

std::vector<Module*> Module::modules() {
  std::vector<Module*> out;
  for (auto& [name, m] : named_modules()) out.push_back(m);
  return out;
}

void Module::apply(const std::function<void(Module&)>& f) {
  for (Module* c : children()) c->apply(f);
  f(*this);
}

// ---- modes

Module& Module::train(bool mode) {
  visit("", [&](const std::string&, Module& m) { m.state_->training = mode; });
  return *this;
}

void Module::zero_grad(bool set_to_none) {
  for (const Tensor& p : parameters()) p.zero_grad(set_to_none);
}

Module& Module::requires_grad_(bool on) {
  for (const Tensor& p : parameters()) p.requires_grad_(on);
  return *this;
}

namespace {

/// Gives a tensor other values, also of another dtype, under all its handles.
void replace_data(const Tensor& t, const Tensor& with) {
  TensorImpl& a = t.impl();
  TensorImpl& b = with.impl();
  std::swap(a.storage, b.storage);
  std::swap(a.data, b.data);
  std::swap(a.dtype, b.dtype);
  std::swap(a.strides, b.strides);
  std::swap(a.contiguous, b.contiguous);
}

}  // namespace

Module& Module::to(DType dtype, SourceLoc loc) {
  if (!is_floating(dtype))
    throw DTypeError(concat(class_name(), ".to: only accepts floating point dtypes, got ", dtype_name(dtype)), loc);
  NoGradGuard no_grad;
  auto convert = [&](const Tensor& t) {
    if (!t.is_floating_point() || t.dtype() == dtype) return;
    const Tensor grad = t.grad();
    replace_data(t, t.detach().to(dtype));
    if (grad.defined()) t.set_grad(grad.to(dtype));
  };
  for (const Tensor& p : parameters()) convert(p);
  for (const Tensor& b : buffers()) convert(b);
  return *this;
}

// ---- saving and loading

StateDict Module::state_dict(const std::string& prefix) const {
  StateDict dict;
  visit(prefix, [&](const std::string& path, Module& m) {
    for (const Entry& p : m.state_->parameters) dict.append(joined(path, p.name), p.tensor.detach());
    for (const Entry& b : m.state_->buffers)
      if (b.persistent) dict.append(joined(path, b.name), b.tensor.detach());
  });
  return dict;
}

LoadResult Module::load_state_dict(const StateDict& dict, bool strict, SourceLoc loc) {
  LoadResult result;
  std::string mismatches;
  std::vector<std::pair<Tensor, Tensor>> copies;
  std::set<std::string> known;
  visit("", [&](const std::string& path, Module& m) {
    auto load = [&](const Entry& e) {
      const std::string name = joined(path, e.name);
      known.insert(name);
      const Tensor* value = dict.find(name);
      if (!value)
        result.missing_keys.push_back(name);
      else if (value->shape() != e.tensor.shape())
        mismatches += concat("\n  size mismatch for ", name, ": copying a param with shape ", slope::to_text(value->shape()),
                             " from checkpoint, the shape in current model is ", slope::to_text(e.tensor.shape()), ".");
      else
        copies.emplace_back(e.tensor, *value);
    };
    for (const Entry& p : m.state_->parameters) load(p);
    for (const Entry& b : m.state_->buffers)
      if (b.persistent) load(b);
  });
  for (const auto& [name, value] : dict)
    if (!known.contains(name)) result.unexpected_keys.push_back(name);

  auto listed = [](const std::vector<std::string>& names) {
    std::string out;
    for (const auto& n : names) out += (out.empty() ? "\"" : ", \"") + n + "\"";
    return out;
  };
  std::string problems;
  if (strict && !result.missing_keys.empty()) problems += "\n  Missing key(s) in state_dict: " + listed(result.missing_keys) + ".";
  if (strict && !result.unexpected_keys.empty())
    problems += "\n  Unexpected key(s) in state_dict: " + listed(result.unexpected_keys) + ".";
  problems += mismatches;
  if (!problems.empty()) throw ShapeError(concat("load_state_dict: Error(s) in loading state_dict for ", class_name(), ":", problems), loc);
  NoGradGuard no_grad;
  for (const auto& [to, from] : copies) to.copy_(from);
  return result;
}

void clone_into(Module& to, const Module& from, SourceLoc loc) {
  CallerScope scope(loc);
  to.load_state_dict(from.state_dict(), true, loc);
}

// ---- description

std::string Module::class_name() const {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(typeid(*this).name(), nullptr, nullptr, &status),
                                                    std::free);
  std::string name = status == 0 ? text.get() : typeid(*this).name();
  if (const auto angle = name.find('<'); angle != std::string::npos) name.resize(angle);
  if (const auto colon = name.rfind("::"); colon != std::string::npos) name.erase(0, colon + 2);
  return name;
}

void Module::describe(std::string& out, int indent) const {
  out += class_name() + "(";
  const auto kids = named_children();
  const std::string extra = extra_repr();
  if (kids.empty()) {
    out += extra + ")";
    return;
  }
  const std::string pad(static_cast<std::size_t>(indent) + 2, ' ');
  out += "\n";
  if (!extra.empty()) out += pad + extra + "\n";
  for (const auto& [name, m] : kids) {
    out += pad + "(" + name + "): ";
    m->describe(out, indent + 2);
    out += "\n";
  }
  out += std::string(static_cast<std::size_t>(indent), ' ') + ")";
}

std::string Module::to_string() const {
  std::string out;
  describe(out, 0);
  return out;
}

std::ostream& operator<<(std::ostream& out, const Module& m) { return out << m.to_string(); }

}  // namespace slope::nn
