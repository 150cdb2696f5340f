#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "slope/autograd/core/call_path.h"
#include "slope/autograd/core/function.h"
#include "slope/autograd/tensor/tensor.h"
#include "slope/io/state_dict.h"

namespace slope::nn {

using io::LoadResult;
using io::StateDict;

class Module;

/// May replace what passes by returning a defined tensor. `input` is the first one of modules with several.
using ForwardPreHook = Function<Tensor(Module&, const Tensor& input)>;
using ForwardHook = Function<Tensor(Module&, const Tensor& input, const Tensor& output)>;

namespace detail {
class ComputedParameters;
struct ModuleAccess;
/// Hooks by the number that removes them, and parameters that are computed from others before each forward.
struct ForwardHooks {
  std::vector<std::pair<int, ForwardPreHook>> before;
  std::vector<std::pair<int, ForwardHook>> after;
  int next = 0;
  std::shared_ptr<ComputedParameters> computed;
};

/// Computes the parameters of a module that are computed from others, unless an outer scope has, and keeps other threads from
/// doing so while it lives.
class [[nodiscard]] ComputedScope {
 public:
  ComputedScope(const std::shared_ptr<ComputedParameters>& computed, bool training) : computed_(computed) {
    if (computed_) begin(training);
  }
  ~ComputedScope() {
    if (computed_) end();
  }
  ComputedScope(const ComputedScope&) = delete;
  ComputedScope& operator=(const ComputedScope&) = delete;

 private:
  void begin(bool training);
  void end() noexcept;
  std::shared_ptr<ComputedParameters> computed_;
};

/// What hooks see of a module's result.
template <class Result>
Tensor& first_tensor_of(Result& result) {
  if constexpr (std::is_same_v<Result, Tensor>)
    return result;
  else if constexpr (requires { first_tensor(result); })
    return first_tensor(result);
  else
    return first_tensor_of(std::get<0>(result));
}
}  // namespace detail

/// Removes a forward hook; does nothing once the module is gone.
class ForwardHookHandle {
 public:
  ForwardHookHandle() = default;
  ForwardHookHandle(std::weak_ptr<detail::ForwardHooks> hooks, int id) : hooks_(std::move(hooks)), id_(id) {}
  /// Takes the hook away.
  void remove();

 private:
  std::weak_ptr<detail::ForwardHooks> hooks_;
  int id_ = -1;
};

/// A parameter as a module keeps it: the tensor itself, but for assignment. Assigning would leave the module with the old
/// tensor, so it does not compile: write through it with `copy_`, or share another one with `tie`.
///
///     decoder.weight.tie(encoder.weight);      // one tensor under two names
///
/// A copy is another name of the same parameter: it follows `tie` and parametrizations. Keep a `Tensor` to have what it is now.
class Parameter : public Tensor {
 public:
  Parameter() = default;
  Parameter(const Parameter& other);
  Parameter(Parameter&& other) noexcept;
  ~Parameter() { leave(); }
  Parameter& operator=(const Parameter&) = delete;  // use copy_() or tie()
  Parameter& operator=(const Tensor&) = delete;     // use copy_() or tie()
  Parameter& operator=(Parameter&& other) & noexcept;

  /// From now on this is `other`, for the module that registered it, too: listed once by parameters(), saved under both
  /// names. Call it before an optimizer is made. Throws ShapeError or DTypeError when the two differ, AutogradError when
  /// `other` is not a leaf, ValueError for a parameter that is computed from others.
  void tie(const Tensor& other, SourceLoc loc = SourceLoc::here());

 private:
  friend class Module;
  friend struct detail::ModuleAccess;
  explicit Parameter(const std::shared_ptr<Tensor>& registered);
  void leave() noexcept;
  std::weak_ptr<Tensor> registered_;
};

/// Base of everything that holds parameters. Modules are plain values that register themselves:
///
///     struct Net : nn::Module {
///       nn::Linear fc1 = add("fc1", nn::Linear(2, 4));
///       nn::Linear fc2 = add("fc2", nn::Linear(4, 1));
///       Tensor forward(const Tensor& x) override { return sigmoid(fc2(relu(fc1(x)))); }
///     };
///     Net net;
///     for (auto& [name, p] : net.named_parameters()) ...      // fc1.weight, fc1.bias, fc2.weight, fc2.bias
///
/// `add` links the child to a slot of its parent, and moving a child re-points the slot, so nets can be moved, returned and
/// kept in vectors. A child that dies is forgotten; a child that outlives its parent is free. Copies are explicit:
/// `nn::clone_into(copy, net)`. A member without `add` is legal C++ but unknown to the parent; the first `step()` after its
/// parameters received a gradient says so. Using a module that was moved from throws ValueError.
class Module {
 public:
  Module(Module&& other) noexcept;
  /// Takes over what `other` holds. A child that is assigned to stays the child it is.
  Module& operator=(Module&& other) noexcept;
  // Copying would alias or silently duplicate parameters: use nn::clone_into.
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module();

  /// The computation. Modules with several inputs declare overloads of their own, and call operators made of `run`. Throws
  /// ValueError unless overridden.
  virtual Tensor forward(const Tensor& x);  // with another result, name it otherwise and call it by run()
  /// Calls forward with its hooks; errors inside name this line, and the path of the module among its parents:
  /// `net.3 (Linear): linear: ...`.
  Tensor operator()(In x);
  /// Does not compile: says what a module with several inputs lacks.
  template <class... Rest>
    requires(sizeof...(Rest) > 0)
  Tensor operator()(In, const Rest&...) {
    static_assert(
        sizeof...(Rest) == 0,
        "this module has no call operator for several inputs; declare one in it: Tensor operator()(In a, const "
        "Tensor& b) { return run(a, [&](const Tensor& x) { return forward(x, b); }); }");
    return {};
  }

  // ---- the tree: in order of registration, a module before its descendants, names as dotted paths
  /// A dotted path and what it names.
  using NamedTensor = std::pair<std::string, Tensor>;
  using NamedModule = std::pair<std::string, Module*>;
  /// Every parameter once, under the first of its names.
  std::vector<NamedTensor> named_parameters(const std::string& prefix = "", bool recurse = true,
                                            SourceLoc loc = SourceLoc::here()) const;
  std::vector<Tensor> parameters(bool recurse = true, SourceLoc loc = SourceLoc::here()) const;
  /// Calls `f` with each of named_parameters(), without a list of them: for what is done in every training step.
  void each_parameter(const Function<void(const std::string& name, const Tensor& parameter)>& f,
                      SourceLoc loc = SourceLoc::here()) const;
  std::vector<NamedTensor> named_buffers(const std::string& prefix = "", bool recurse = true,
                                         SourceLoc loc = SourceLoc::here()) const;
  std::vector<Tensor> buffers(bool recurse = true, SourceLoc loc = SourceLoc::here()) const;
  std::vector<NamedModule> named_children(SourceLoc loc = SourceLoc::here()) const;
  std::vector<Module*> children(SourceLoc loc = SourceLoc::here()) const;
  /// This module first.
  std::vector<NamedModule> named_modules(const std::string& prefix = "", SourceLoc loc = SourceLoc::here());
  std::vector<Module*> modules(SourceLoc loc = SourceLoc::here());
  /// Calls `f` on all descendants, then on this module. Returns the module.
  Module& apply(const Function<void(Module&)>& f, SourceLoc loc = SourceLoc::here());

  // ---- modes
  /// Sets the mode of this module and all below it.
  Module& train(bool mode = true, SourceLoc loc = SourceLoc::here());
  Module& eval(SourceLoc loc = SourceLoc::here()) { return train(false, loc); }
  /// Whether it is in training mode.
  bool is_training(SourceLoc loc = SourceLoc::here()) const { return state(loc).training; }
  /// Drops all gradients, or zeroes them in place.
  void zero_grad(bool set_to_none = true, SourceLoc loc = SourceLoc::here());
  /// Whether parameters want gradients: `requires_grad_(false)` freezes.
  Module& requires_grad_(bool on = true, SourceLoc loc = SourceLoc::here());
  /// Converts floating parameters and buffers in place: handles held elsewhere see the new dtype.
  Module& to(DType dtype, SourceLoc loc = SourceLoc::here());

  // ---- saving and loading
  /// Parameters, then persistent buffers, then children; detached, sharing memory with the module. Shared tensors appear
  /// under each of their names.
  StateDict state_dict(const std::string& prefix = "", SourceLoc loc = SourceLoc::here()) const;
  /// Copies values into the existing tensors, so that optimizers and tied names stay right. Throws one ValueError listing
  /// every missing key, unexpected key and size mismatch, having changed nothing; without `strict`, missing and unexpected
  /// keys are returned instead.
  LoadResult load_state_dict(const StateDict& dict, bool strict = true, SourceLoc loc = SourceLoc::here());

  // ---- hooks
  /// `hook(module, input)` before every forward through operator(), in order of registration.
  template <class F>
  ForwardHookHandle register_forward_pre_hook(F hook, SourceLoc loc = SourceLoc::here()) {
    return add_pre_hook(with_result<Module&, const Tensor&>(std::move(hook)), loc);
  }
  /// `hook(module, input, output)` after every forward through operator(), in order of registration. A hook that returns a
  /// tensor replaces the output, one of `register_forward_pre_hook` the input.
  template <class F>
  ForwardHookHandle register_forward_hook(F hook, SourceLoc loc = SourceLoc::here()) {
    return add_hook(with_result<Module&, const Tensor&, const Tensor&>(std::move(hook)), loc);
  }

  // ---- description
  /// "Linear": the type without namespaces.
  virtual std::string class_name() const;
  /// What stands in the parentheses of the printed form.
  virtual std::string extra_repr() const { return {}; }
  /// The tree as PyTorch prints it.
  std::string to_string(SourceLoc loc = SourceLoc::here()) const;
  /// Multiply-accumulates for one output of this shape; 0 for layers without products.
  virtual std::int64_t macs(const Shape& output_shape) const {
    (void)output_shape;
    return 0;
  }

 protected:
  Module();

  /// Registers a child and returns it by value; a child of another module leaves that one. Throws ValueError for a name that
  /// is empty, dotted or taken by a child, parameter or buffer.
  template <std::derived_from<Module> M>
  [[nodiscard]] M add(std::string name, M child, SourceLoc loc = SourceLoc::here()) {
    check_name(name, loc);
    static_cast<Module&>(child).leave_parent();
    link(std::move(name), child, loc);
    return child;
  }
  /// The same for a child behind a pointer.
  template <std::derived_from<Module> M>
  [[nodiscard]] std::unique_ptr<M> add(std::string name, std::unique_ptr<M> child, SourceLoc loc = SourceLoc::here()) {
    if (child) link(std::move(name), *child, loc);
    return child;
  }
  /// Registers a child that lives elsewhere, such as behind a pointer of a container. Throws ValueError for a bad name, as
  /// `add`, and for a module that has a parent.
  void link(std::string name, Module& child, SourceLoc loc = SourceLoc::here());
  /// Forgets a child.
  void unlink(Module& child) noexcept {
    if (child.slot_ && child.slot_->owner == state_.get()) child.leave_parent();
  }
  /// Registers a parameter: a leaf, which then requires grad. Returns the handle to keep. Throws ValueError for a bad name or
  /// an undefined tensor, AutogradError for a dtype that is not floating or a tensor that was computed.
  [[nodiscard]] Parameter parameter(std::string name, const Tensor& value, SourceLoc loc = SourceLoc::here());
  /// Registers state that is saved (if `persistent`) and converted, but not trained. Change it in place.
  [[nodiscard]] Tensor buffer(std::string name, const Tensor& value, bool persistent = true,
                              SourceLoc loc = SourceLoc::here());
  /// `f(x)` as this module's forward: between the hooks, and with errors that name the caller's line. The call operator of
  /// a module with several inputs is
  ///
  ///     Tensor operator()(In query, const Tensor& key) {
  ///       return run(query, [&](const Tensor& q) { return forward(q, key); });
  ///     }
  ///
  /// `f` returns a tensor, a pair or tuple that begins with one, or what has a function `Tensor& first_tensor(T&)` beside
  /// it: hooks see that tensor.
  template <class F>
  std::invoke_result_t<const F&, const Tensor&> run(In x, const F& f) {
    const CallerScope scope(x.loc);
    const slope::detail::CallPathScope path(call_path());
    try {
      if (!state().hooks) [[likely]]
        return f(x.tensor);
      const auto hooks = state().hooks;  // stays while they run, whatever they do
      const Tensor input = before_forward(*hooks, x.tensor);
      const detail::ComputedScope computed(hooks->computed, state().training);
      auto output = f(input);
      if constexpr (std::is_same_v<decltype(output), Tensor>)
        after_forward(*hooks, input, output);
      else
        after_forward(*hooks, input, detail::first_tensor_of(output));
      return output;
    } catch (const Error& e) {
      rethrow_with_path(e);
    }
  }

 private:
  struct State;
  struct Slot {
    Slot(std::string n, Module* m, State* o) : name(std::move(n)), module(m), owner(o) {}
    std::string name;
    Module* module;
    State* owner;
    std::atomic<std::uint64_t> path{0};  // the path it was called on last, and that of the caller above it
  };
  struct Entry {
    std::string name;
    std::shared_ptr<Tensor> tensor;
    bool persistent;
  };
  struct State {
    std::vector<Entry> parameters, buffers;
    std::vector<std::unique_ptr<Slot>> children;
    std::shared_ptr<detail::ForwardHooks> hooks;
    bool training = true;
  };
  enum class Order { parents_first, children_first };

  State& state(SourceLoc loc = {}) const {
    if (!state_) [[unlikely]]
      moved_from(loc);
    return *state_;
  }
  [[noreturn]] void moved_from(SourceLoc loc) const;

  /// That of the forward which runs on this thread, continued with this module's name.
  slope::detail::CallPath call_path() const {
    const slope::detail::CallPath outer = slope::detail::call_path;
    if (!slot_) return outer;
    const std::uint64_t known = slot_->path.load(std::memory_order_relaxed);
    if (known != 0 && known >> 32 == outer) [[likely]]
      return static_cast<slope::detail::CallPath>(known);
    return find_call_path(outer);
  }
  slope::detail::CallPath find_call_path(slope::detail::CallPath outer) const;

  template <class... Args, class F>
  static Function<Tensor(Args...)> with_result(F f) {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, Args...>>)
      return [f = std::move(f)](Args... args) mutable {
        f(args...);
        return Tensor();
      };
    else
      return f;
  }
  ForwardHookHandle add_pre_hook(ForwardPreHook hook, SourceLoc loc);
  ForwardHookHandle add_hook(ForwardHook hook, SourceLoc loc);
  Tensor before_forward(const detail::ForwardHooks& hooks, const Tensor& x);
  void after_forward(const detail::ForwardHooks& hooks, const Tensor& input, Tensor& output);

  /// Throws the error that is being handled on, with this module's name before its text.
  [[noreturn]] void rethrow_with_path(const Error& e) const;
  void check_name(const std::string& name, SourceLoc loc) const;
  void release_children() noexcept;
  void leave_parent() noexcept;

  /// The one walk that all others are made of. `depth` counts the levels below this module that are visited.
  void visit(const std::string& path, const Function<void(const std::string&, Module&)>& f, int depth,
             Order order = Order::parents_first) const;
  /// Every tensor once, under the first of its names.
  void each_tensor(const std::string& prefix, bool recurse, std::vector<Entry> State::* kind,
                   const Function<void(const std::string&, const Tensor&)>& f) const;
  std::vector<NamedTensor> named_tensors(const std::string& prefix, bool recurse,
                                         std::vector<Entry> State::* kind) const;
  StateDict tensors(const std::string& prefix, bool also_not_persistent) const;
  LoadResult load_into(const StateDict& own, const StateDict& dict, bool strict, SourceLoc loc) const;
  friend void clone_into(Module& to, const Module& from, SourceLoc loc);
  friend struct detail::ModuleAccess;
  void describe(std::string& out, int indent) const;

  std::unique_ptr<State> state_;  // on the heap: slots keep their addresses when the module moves
  Slot* slot_ = nullptr;          // this module's entry in its parent
};

std::ostream& operator<<(std::ostream& out, const Module& m);

/// Copies all parameters and buffers of `from`, also those that are not persistent, into `to`, which must have the same
/// structure. Throws ValueError as load_state_dict does, having changed nothing.
void clone_into(Module& to, const Module& from, SourceLoc loc = SourceLoc::here());

}  // namespace slope::nn
