#pragma once

#include <concepts>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slope/autograd/tensor/tensor.h"
#include "slope/nn/state_dict.h"

namespace slope::nn {

class Module;

/// May replace what passes by returning a defined tensor.
using ForwardPreHook = std::function<Tensor(Module&, const Tensor& input)>;
using ForwardHook = std::function<Tensor(Module&, const Tensor& input, const Tensor& output)>;

/// Removes a forward hook; does nothing once the module is gone.
class ForwardHookHandle {
 public:
  ForwardHookHandle() = default;
  ForwardHookHandle(std::weak_ptr<void> owner, std::function<void()> remove)
      : owner_(std::move(owner)), remove_(std::move(remove)) {}
  void remove() {
    if (!owner_.expired() && remove_) remove_();
    remove_ = nullptr;
  }

 private:
  std::weak_ptr<void> owner_;
  std::function<void()> remove_;
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
/// kept in vectors. Copies are explicit: `nn::clone_into(copy, net)`. A member without `add` is legal C++ but unknown to the
/// parent; the first `step()` after its parameters received a gradient says so.
class Module {
 public:
  Module(Module&& other) noexcept;
  Module& operator=(Module&& other) noexcept;
  // Copying would alias or silently duplicate parameters: use nn::clone_into.
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module();

  /// The computation. Modules with several inputs declare overloads of their own.
  virtual Tensor forward(const Tensor& x);
  /// Calls forward with its hooks; errors inside name this line.
  Tensor operator()(In x);

  // ---- the tree
  using NamedTensor = std::pair<std::string, Tensor>;
  using NamedModule = std::pair<std::string, Module*>;
  /// Every parameter once (the first of its names), in order of registration, with dotted paths.
  std::vector<NamedTensor> named_parameters(const std::string& prefix = "") const;
  std::vector<Tensor> parameters(bool recurse = true) const;
  std::vector<NamedTensor> named_buffers(const std::string& prefix = "") const;
  std::vector<Tensor> buffers() const;
  std::vector<NamedModule> named_children() const;
  std::vector<Module*> children() const;
  /// This module first, then its descendants; each once.
  std::vector<NamedModule> named_modules(const std::string& prefix = "");
  std::vector<Module*> modules();
  /// Calls `f` on all descendants, then on this module.
  void apply(const std::function<void(Module&)>& f);

  // ---- modes
  Module& train(bool mode = true);
  Module& eval() { return train(false); }
  bool is_training() const { return state_->training; }
  void zero_grad(bool set_to_none = true);
  Module& requires_grad_(bool on = true);
  /// Converts floating parameters and buffers in place: handles held elsewhere see the new dtype.
  Module& to(DType dtype, SourceLoc loc = SourceLoc::here());

  // ---- saving and loading
  /// Parameters, then persistent buffers, then children; detached, sharing memory with the module. Shared tensors appear
  /// under each of their names.
  StateDict state_dict(const std::string& prefix = "") const;
  /// Copies values into the existing tensors. Throws one ShapeError listing every missing key, unexpected key and size
  /// mismatch, having changed nothing; without `strict`, missing and unexpected keys are returned instead.
  LoadResult load_state_dict(const StateDict& dict, bool strict = true, SourceLoc loc = SourceLoc::here());

  // ---- hooks
  template <class F>
  ForwardHookHandle register_forward_pre_hook(F hook) {
    return add_pre_hook(with_result<Module&, const Tensor&>(std::move(hook)));
  }
  /// `hook(module, input, output)` after every forward through operator().
  template <class F>
  ForwardHookHandle register_forward_hook(F hook) {
    return add_hook(with_result<Module&, const Tensor&, const Tensor&>(std::move(hook)));
  }

  // ---- description
  /// "Linear": the type without namespaces.
  virtual std::string class_name() const;
  /// What stands in the parentheses of the printed form.
  virtual std::string extra_repr() const { return {}; }
  /// The tree as PyTorch prints it.
  std::string to_string() const;
  /// Multiply-accumulates for one output of this shape; 0 for layers without products.
  virtual std::int64_t macs(const Shape& output_shape) const {
    (void)output_shape;
    return 0;
  }

 protected:
  Module();

  /// Registers a child and returns it by value. Throws ValueError for a name that is empty, dotted or taken.
  template <std::derived_from<Module> M>
  [[nodiscard]] M add(std::string name, M child, SourceLoc loc = SourceLoc::here()) {
    link(std::move(name), child, loc);
    return child;
  }
  /// Registers a child that lives elsewhere, such as behind a pointer of a container.
  void link(std::string name, Module& child, SourceLoc loc);
  /// Registers a parameter: a leaf that requires grad. Returns the handle to keep.
  [[nodiscard]] Tensor parameter(std::string name, const Tensor& value, SourceLoc loc = SourceLoc::here());
  /// Registers state that is saved but not trained.
  [[nodiscard]] Tensor buffer(std::string name, const Tensor& value, bool persistent = true,
                              SourceLoc loc = SourceLoc::here());

 private:
  struct Slot {
    std::string name;
    Module* module;
  };
  struct Entry {
    std::string name;
    Tensor tensor;
    bool persistent;
  };
  struct Hooks {
    std::vector<std::pair<int, ForwardPreHook>> before;
    std::vector<std::pair<int, ForwardHook>> after;
    int next = 0;
  };
  struct State {
    std::vector<Entry> parameters, buffers;
    std::vector<std::unique_ptr<Slot>> children;
    std::shared_ptr<Hooks> hooks;
    bool training = true;
  };

  template <class... Args, class F>
  static std::function<Tensor(Args...)> with_result(F f) {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, Args...>>)
      return [f = std::move(f)](Args... args) mutable {
        f(args...);
        return Tensor();
      };
    else
      return f;
  }
  ForwardHookHandle add_pre_hook(ForwardPreHook hook);
  ForwardHookHandle add_hook(ForwardHook hook);
  void check_name(const std::string& name, SourceLoc loc) const;
  void unlink() noexcept;

  /// The one walk all others are made of: this module, then its descendants, with dotted paths; a module reached twice is
  /// visited twice.
  void visit(const std::string& path, const std::function<void(const std::string&, Module&)>& f) const;
  void describe(std::string& out, int indent) const;

  std::unique_ptr<State> state_;  // on the heap: slots keep their addresses when the module moves
  Slot* slot_ = nullptr;          // this module's entry in its parent
};

std::ostream& operator<<(std::ostream& out, const Module& m);

/// Copies all parameters and buffers of `from` into `to`, which must have the same structure.
void clone_into(Module& to, const Module& from, SourceLoc loc = SourceLoc::here());

}  // namespace slope::nn
