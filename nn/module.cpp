#include "slope/nn/module.h"

#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <ostream>
#include <typeinfo>
#include <unordered_map>
#include <unordered_set>

#include "slope/autograd/core/internal/throw_alike.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/inplace.h"
#include "slope/nn/internal/computed_parameters.h"

namespace slope::nn {

namespace {

/// Grows whenever a module or parameter anywhere comes, goes or becomes another: what a walk found stays true while it
/// does not.
std::atomic<std::uint64_t> structure{0};

/// The parameters a module was found to have, with their names. Penalties ask for them in every step.
struct FoundParameters {
  const void* module = nullptr;
  std::uint64_t structure = 0;
  std::vector<std::pair<std::string, const Tensor*>> all;
};
/// Those that this thread asked for last.
std::array<FoundParameters, 4>& found_parameters() {
  static thread_local std::unique_ptr<std::array<FoundParameters, 4>> last;  // thread-local variables are to be small
  if (!last) last = std::make_unique<std::array<FoundParameters, 4>>();
  return *last;
}

}  // namespace

void detail::structure_changed() { structure.fetch_add(1, std::memory_order_relaxed); }

// ---- life

Module::Module() : state_(std::make_unique<State>()) {}

Module::Module(Module&& other) noexcept : state_(std::move(other.state_)), slot_(std::exchange(other.slot_, nullptr)) {
  if (slot_) slot_->module = this;
}

Module& Module::operator=(Module&& other) noexcept {
  if (this == &other) return *this;
  detail::structure_changed();
  release_children();
  state_ = std::move(other.state_);
  // When a whole net is assigned, its children lost their places just now and take those of the other net's children.
  if (!slot_ && other.slot_) {
    slot_ = std::exchange(other.slot_, nullptr);
    slot_->module = this;
  }
  return *this;
}

Module::~Module() {
  detail::structure_changed();
  leave_parent();
  release_children();
}

void Module::release_children() noexcept {
  if (!state_) return;
  for (auto& c : state_->children) c->module->slot_ = nullptr;
}

void Module::leave_parent() noexcept {
  if (!slot_) return;
  detail::structure_changed();
  std::erase_if(slot_->owner->children, [this](const auto& c) { return c.get() == slot_; });
  slot_ = nullptr;
}

void Module::moved_from(SourceLoc loc) const {
  throw ValueError(concat(class_name(), ": this module was moved from; use the one it went to"), loc);
}

// ---- registration

void Module::check_name(const std::string& name, SourceLoc loc) const {
  if (name.empty())
    throw ValueError(
        concat(class_name(), ": a child, parameter or buffer can't have the empty string \"\" as its name"), loc);
  if (name.find('.') != std::string::npos)
    throw ValueError(concat(class_name(), ": the name '", name, "' can't contain \".\"; nested modules make the dots"),
                     loc);
  const auto has_name = [&](const auto& e) { return e.name == name; };
  const bool taken = std::ranges::any_of(state(loc).parameters, has_name) ||
                     std::ranges::any_of(state().buffers, has_name) ||
                     std::ranges::any_of(state().children, [&](const auto& c) { return c->name == name; }) ||
                     (state().hooks && state().hooks->computed && state().hooks->computed->find(name));
  if (taken)
    throw ValueError(concat(class_name(), ": the name '", name,
                            "' already exists; each child, parameter and buffer needs a name of its own"),
                     loc);
}

void Module::link(std::string name, Module& child, SourceLoc loc) {
  check_name(name, loc);
  child.state(loc);
  if (&child == this) throw ValueError(concat(class_name(), ": a module can't be its own child '", name, "'"), loc);
  if (child.slot_)
    throw ValueError(concat(class_name(), ": the module added as '", name, "' is registered as '", child.slot_->name,
                            "' already; a module has one parent"),
                     loc);
  detail::structure_changed();
  state().children.push_back(std::make_unique<Slot>(std::move(name), &child, state_.get()));
  child.slot_ = state().children.back().get();
}

Parameter Module::parameter(std::string name, const Tensor& value, SourceLoc loc) {
  check_name(name, loc);
  const std::string what = concat(class_name(), ": parameter '", name, "'");
  if (!value.defined()) throw ValueError(what + ": the tensor is undefined", loc);
  detail::become_parameter(what, concat(class_name(), ".", name), value, loc);
  detail::structure_changed();
  state().parameters.push_back({std::move(name), std::make_shared<detail::Registered>(value), true});
  return Parameter(state().parameters.back().tensor);
}

Tensor Module::buffer(std::string name, const Tensor& value, bool persistent, SourceLoc loc) {
  check_name(name, loc);
  if (!value.defined()) throw ValueError(concat(class_name(), ": buffer '", name, "': the tensor is undefined"), loc);
  state().buffers.push_back({std::move(name), std::make_shared<Tensor>(value), persistent});
  return value;
}

// ---- calling

Tensor Module::forward(const Tensor&) {
  throw ValueError(concat(class_name(),
                          ": has no forward for one tensor; define `Tensor forward(const Tensor& x) override`, or "
                          "call the overload for the inputs it takes"));
}

void Module::rethrow_with_path(const Error& e) const {
  if (!slot_) throw;
  // The text last thrown from here on this thread: an error that says the same has its path already.
  static thread_local std::string named;
  std::string text = e.what();
  if (text == named) throw;
  if (const SourceLoc where = e.where(); where.file) {
    const std::string line = concat(" (", where.file, ":", where.line, ")");
    if (text.ends_with(line)) text.resize(text.size() - line.size());
  }
  text.insert(0, concat(slope::detail::path_text(slope::detail::call_path), " (", class_name(), "): "));
  try {
    slope::detail::throw_alike(e, text, e.where());
  } catch (const Error& changed) {
    named = changed.what();
    throw;
  }
  throw;
}

Tensor Module::operator()(In x) {
  return run(x, [this](const Tensor& t) { return forward(t); });
}

slope::detail::CallPath Module::find_call_path(slope::detail::CallPath outer) const {
  const slope::detail::CallPath path = slope::detail::extend_path(outer, slot_->name);
  slot_->path.store(std::uint64_t{outer} << 32 | path, std::memory_order_relaxed);
  return path;
}

Tensor Module::before_forward(const detail::ForwardHooks& hooks, const Tensor& x) {
  Tensor input = x;
  for (const auto& [id, hook] : std::vector(hooks.before))  // a copy: a hook may remove itself
    if (Tensor t = hook(*this, input); t.defined()) input = std::move(t);
  return input;
}

void Module::after_forward(const detail::ForwardHooks& hooks, const Tensor& input, Tensor& output) {
  for (const auto& [id, hook] : std::vector(hooks.after))
    if (Tensor t = hook(*this, input, output); t.defined()) output = std::move(t);
}

ForwardHookHandle Module::add_pre_hook(ForwardPreHook hook, SourceLoc loc) {
  auto& hooks = state(loc).hooks;
  if (!hooks) hooks = std::make_shared<detail::ForwardHooks>();
  hooks->before.emplace_back(hooks->next, std::move(hook));
  return {hooks, hooks->next++};
}

ForwardHookHandle Module::add_hook(ForwardHook hook, SourceLoc loc) {
  auto& hooks = state(loc).hooks;
  if (!hooks) hooks = std::make_shared<detail::ForwardHooks>();
  hooks->after.emplace_back(hooks->next, std::move(hook));
  return {hooks, hooks->next++};
}

void ForwardHookHandle::remove() {
  const auto hooks = hooks_.lock();
  if (!hooks) return;
  std::erase_if(hooks->before, [this](const auto& h) { return h.first == id_; });
  std::erase_if(hooks->after, [this](const auto& h) { return h.first == id_; });
  hooks_.reset();
}

// ---- walks

namespace {
constexpr int everything = std::numeric_limits<int>::max();

std::string joined(const std::string& path, const std::string& name) {
  std::string s;
  s.reserve(path.size() + 1 + name.size());
  if (!path.empty()) s.append(path).push_back('.');
  return s.append(name);
}

/// Tensors met for the first time. Few are looked up in a list, for penalties walk over them in every step.
class Unique {
 public:
  bool insert(const Tensor& t) {
    const TensorImpl* const x = &t.impl();
    if (count_ > few) return many_.insert(x).second;
    if (std::find(first_, first_ + count_, x) != first_ + count_) return false;
    if (count_ < few) {
      first_[count_++] = x;
      return true;
    }
    ++count_;
    many_.insert(first_, first_ + few);
    return many_.insert(x).second;
  }

 private:
  static constexpr std::size_t few = 24;
  const TensorImpl* first_[few];
  std::size_t count_ = 0;
  std::unordered_set<const TensorImpl*> many_;
};

template <class Named>
auto without_names(const std::vector<Named>& named) {
  std::vector<typename Named::second_type> out;
  for (const auto& [name, item] : named) out.push_back(item);
  return out;
}
}  // namespace

void Module::visit(const std::string& path, const Function<void(const std::string&, Module&)>& f, int depth,
                   Order order) const {
  std::string at = path;  // one string serves the whole walk
  const auto walk = [&](const auto& self, const Module& m, int levels) -> void {
    if (order == Order::parents_first) f(at, const_cast<Module&>(m));
    const auto& below = m.state().children;
    const std::size_t length = at.size();
    for (std::size_t i = 0; levels > 0 && i < below.size(); ++i) {
      if (length > 0) at += '.';
      at += below[i]->name;
      self(self, *below[i]->module, levels - 1);
      at.resize(length);
    }
    if (order == Order::children_first) f(at, const_cast<Module&>(m));
  };
  walk(walk, *this, depth);
}

void Module::each_tensor(const std::string& prefix, bool recurse, std::vector<Entry> State::* kind,
                         const Function<void(const std::string&, const Tensor&)>& f) const {
  struct {
    Unique unique;
    std::string name;  // one string for all of them
  } walk;
  visit(
      prefix,
      [&walk, &f, kind](const std::string& path, Module& m) {
        for (const Entry& e : m.state().*kind) {
          if (!walk.unique.insert(*e.tensor)) continue;
          walk.name = path;
          if (!path.empty()) walk.name += '.';
          walk.name += e.name;
          f(walk.name, *e.tensor);
        }
      },
      recurse ? everything : 0);
}

std::vector<Module::NamedTensor> Module::named_tensors(const std::string& prefix, bool recurse,
                                                       std::vector<Entry> State::* kind) const {
  std::vector<NamedTensor> out;
  out.reserve(16);
  each_tensor(prefix, recurse, kind, [&](const std::string& name, const Tensor& t) { out.emplace_back(name, t); });
  return out;
}

void Module::each_parameter(const Function<void(const std::string&, const Tensor&)>& f, SourceLoc loc) const {
  const CallerScope scope(loc);
  const State* const own = &state();
  const std::uint64_t now = structure.load(std::memory_order_relaxed);
  auto& last = found_parameters();
  const auto known = std::ranges::find(last, own, &FoundParameters::module);
  FoundParameters found;  // in nobody's hands while `f` runs, which may ask for parameters itself
  if (known != last.end() && known->structure == now) {
    found = std::move(*known);
    known->module = nullptr;
  } else {
    found = {own, now, {}};
    each_tensor("", true, &State::parameters,
                [&](const std::string& name, const Tensor& t) { found.all.emplace_back(name, &t); });
  }
  for (const auto& [name, parameter] : found.all) f(name, *parameter);
  auto place = std::ranges::find(last, nullptr, &FoundParameters::module);
  if (place == last.end()) place = std::ranges::min_element(last, {}, &FoundParameters::structure);
  *place = std::move(found);
}
std::vector<Module::NamedTensor> Module::named_parameters(const std::string& prefix, bool recurse,
                                                          SourceLoc loc) const {
  const CallerScope scope(loc);
  return named_tensors(prefix, recurse, &State::parameters);
}
std::vector<Tensor> Module::parameters(bool recurse, SourceLoc loc) const {
  return without_names(named_parameters("", recurse, loc));
}
std::vector<Module::NamedTensor> Module::named_buffers(const std::string& prefix, bool recurse, SourceLoc loc) const {
  const CallerScope scope(loc);
  return named_tensors(prefix, recurse, &State::buffers);
}
std::vector<Tensor> Module::buffers(bool recurse, SourceLoc loc) const {
  return without_names(named_buffers("", recurse, loc));
}

std::vector<Module::NamedModule> Module::named_modules(const std::string& prefix, SourceLoc loc) {
  const CallerScope scope(loc);
  std::vector<NamedModule> out;
  visit(prefix, [&](const std::string& path, Module& m) { out.emplace_back(path, &m); }, everything);
  return out;
}
std::vector<Module*> Module::modules(SourceLoc loc) { return without_names(named_modules("", loc)); }

std::vector<Module::NamedModule> Module::named_children(SourceLoc loc) const {
  const CallerScope scope(loc);
  std::vector<NamedModule> out;
  visit(
      "",
      [&](const std::string& path, Module& m) {
        if (&m != this) out.emplace_back(path, &m);
      },
      1);
  return out;
}
std::vector<Module*> Module::children(SourceLoc loc) const { return without_names(named_children(loc)); }

Module& Module::apply(const Function<void(Module&)>& f, SourceLoc loc) {
  const CallerScope scope(loc);
  visit("", [&](const std::string&, Module& m) { f(m); }, everything, Order::children_first);
  return *this;
}

// ---- modes

Module& Module::train(bool mode, SourceLoc loc) {
  const CallerScope scope(loc);
  visit("", [&](const std::string&, Module& m) { m.state().training = mode; }, everything);
  return *this;
}

void Module::zero_grad(bool set_to_none, SourceLoc loc) {
  for (const Tensor& p : parameters(true, loc)) p.zero_grad(set_to_none);
}

Module& Module::requires_grad_(bool on, SourceLoc loc) {
  for (const Tensor& p : parameters(true, loc)) p.requires_grad_(on);
  return *this;
}

namespace {

/// Gives a tensor other values, also of another dtype, under all its handles.
void replace_data(const Tensor& t, const Tensor& with) {
  TensorImpl& a = t.impl();
  TensorImpl& b = with.impl();
  TensorImpl::swap_data(a, b);
  // Values saved for a backward still running notice the exchange as they notice any change in place.
  a.storage->version.store(b.storage->current_version() + 1, std::memory_order_relaxed);
}

}  // namespace

Module& Module::to(DType dtype, SourceLoc loc) {
  if (!is_floating(dtype))
    throw DTypeError(concat(class_name(), ".to: only accepts floating point dtypes, got ", dtype_name(dtype)), loc);
  const CallerScope scope(loc);
  NoGradGuard no_grad;
  auto convert = [&](const Tensor& t) {
    if (!t.is_floating_point() || t.dtype() == dtype) return;
    const Tensor grad = t.grad();
    replace_data(t, t.detach().to(dtype));
    if (grad.defined()) t.set_grad(grad.to(dtype));
  };
  for (const Tensor& p : parameters()) convert(p);
  for (const Tensor& b : buffers()) convert(b);
  for (const Module* m : modules())
    if (const auto computed = detail::ModuleAccess::computed(*m)) computed->convert(dtype);
  return *this;
}

// ---- saving and loading

StateDict Module::state_dict(const std::string& prefix, SourceLoc loc) const {
  const CallerScope scope(loc);
  return tensors(prefix, false);
}

StateDict Module::tensors(const std::string& prefix, bool also_not_persistent) const {
  StateDict dict;
  visit(
      prefix,
      [&](const std::string& path, Module& m) {
        for (const Entry& p : m.state().parameters) dict.append(joined(path, p.name), p.tensor->detach());
        for (const Entry& b : m.state().buffers)
          if (b.persistent || also_not_persistent) dict.append(joined(path, b.name), b.tensor->detach());
      },
      everything);
  return dict;
}

LoadResult Module::load_state_dict(const StateDict& dict, bool strict, SourceLoc loc) {
  return load_into(state_dict("", loc), dict, strict, loc);
}

namespace {
bool same_bits(const Tensor& a, const Tensor& b, DType dtype) {
  if (a.shape() != b.shape()) return true;  // refused for its shape
  const Tensor x = a.to(dtype).contiguous(), y = b.to(dtype).contiguous();
  return std::memcmp(x.raw_data(), y.raw_data(), static_cast<std::size_t>(x.numel()) * itemsize(dtype)) == 0;
}
}  // namespace

LoadResult Module::load_into(const StateDict& own, const StateDict& dict, bool strict, SourceLoc loc) const {
  CallerScope scope(loc);
  NoGradGuard no_grad;
  LoadResult result;
  std::string mismatches;
  std::vector<std::pair<Tensor, Tensor>> copies;
  std::unordered_set<const Storage*> written;
  struct Met {
    const std::string* name;
    const Tensor* value;
  };
  std::unordered_map<const void*, Met> met;                // by their memory
  std::unordered_map<std::string, std::string> spellings;  // other names under which a dictionary may hold ours
  const auto note = [&](const std::string& path, Module& m) {
    if (const auto computed = detail::ModuleAccess::computed(m))
      for (const auto& one : computed->all)
        for (const auto& [own_name, other] : one.spellings) spellings[joined(path, own_name)] = joined(path, other);
  };
  visit("", note, everything);
  std::unordered_set<std::string> read;
  for (const auto& [name, tensor] : own) written.insert(tensor.impl().storage);
  for (const auto& [name, tensor] : own) {
    const Tensor* value = dict.find(name);
    if (const auto other = spellings.find(name); !value && other != spellings.end()) {
      value = dict.find(other->second);
      read.insert(other->second);
    }
    if (!value) {
      result.missing_keys.push_back(name);
    } else if (!value->defined()) {
      mismatches += concat("\n  undefined tensor for ", name, ".");
    } else if (value->shape() != tensor.shape()) {
      mismatches +=
          concat("\n  size mismatch for ", name, ": copying a param with shape ", slope::to_text(value->shape()),
                 " from checkpoint, the shape in current model is ", slope::to_text(tensor.shape()), ".");
    } else {
      slope::detail::check_in_place(tensor, "load_state_dict", loc);
      // A dictionary of this very module, or of one that shares tensors with it, is read before anything is written.
      copies.emplace_back(tensor, written.contains(value->impl().storage) ? value->clone() : *value);
      // Tied parameters are one tensor under several names: whichever came last would win.
      const auto [first, is_first] = met.emplace(tensor.raw_data(), Met{&name, value});
      if (!is_first && tensor.numel() > 0 && !same_bits(*first->second.value, *value, tensor.dtype()))
        mismatches += concat("\n  ", *first->second.name, " and ", name,
                             " are one tensor in this model, but the state dict holds two different values for it.");
    }
  }
  for (const auto& [name, value] : dict)
    if (!own.contains(name) && !read.contains(name)) result.unexpected_keys.push_back(name);

  const auto listed = [](const char* what, const std::vector<std::string>& names) {
    std::string out;
    for (const auto& n : names) out += (out.empty() ? "\"" : ", \"") + n + "\"";
    return names.empty() ? out : concat("\n  ", what, " key(s) in state_dict: ", out, ".");
  };
  std::string problems;
  if (strict) problems = listed("Missing", result.missing_keys) + listed("Unexpected", result.unexpected_keys);
  problems += mismatches;
  if (!problems.empty())
    throw ValueError(concat("load_state_dict: Error(s) in loading state_dict for ", class_name(), ":", problems), loc);
  for (const auto& [to, from] : copies) to.copy_(from);
  const auto refresh = [](const std::string&, Module& m) {
    if (const auto computed = detail::ModuleAccess::computed(m)) computed->refresh();
  };
  visit("", refresh, everything);
  return result;
}

void clone_into(Module& to, const Module& from, SourceLoc loc) {
  const CallerScope scope(loc);
  to.load_into(to.tensors("", true), from.tensors("", true), true, loc);
}

// ---- description

std::string Module::class_name() const {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(typeid(*this).name(), nullptr, nullptr, &status), std::free);
  // "test()::Block<slope::nn::Linear>" is a Block: arguments of templates and functions are dropped, then what encloses
  // it.
  const std::string full = status == 0 ? text.get() : typeid(*this).name();
  std::string name;
  int depth = 0;
  for (const char c : full) {
    if (c == '<' || c == '(') ++depth;
    if (depth == 0) name += c;
    if (c == '>' || c == ')') --depth;
  }
  if (depth != 0) name = full;  // a class inside an operator<
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

std::string Module::to_string(SourceLoc loc) const {
  const CallerScope scope(loc);
  std::string out;
  describe(out, 0);
  return out;
}

std::ostream& operator<<(std::ostream& out, const Module& m) { return out << m.to_string(); }

}  // namespace slope::nn
