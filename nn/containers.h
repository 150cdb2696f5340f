#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "slope/autograd/core/key.h"
#include "slope/nn/module.h"

/// Modules that hold modules. They own what is put into them; everything else sees it through parameters(), state_dict()
/// and the other walks of Module.
namespace slope::nn {

/// A module together with its name in a container: `nn::Sequential(nn::named("fc", nn::Linear(2, 1)), nn::ReLU())`.
template <std::derived_from<Module> M>
struct Named {
  /// The name, and the module.
  std::string name;
  M module;
  SourceLoc loc{};  // where it was named
};
/// Gives a module a name.
template <std::derived_from<Module> M>
Named<M> named(std::string name, M module, SourceLoc loc = SourceLoc::here()) {
  return {std::move(name), std::move(module), loc};
}

/// What Sequential and ModuleList share: modules by position. Each is named by its position unless it was given a name;
/// negative positions count from the end. Throws ValueError for names that are empty, dotted or taken, IndexError for positions
/// out of range.
class ModuleSequence : public Module {
 public:
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  /// The module at a position.
  Module& operator[](At position) const;
  /// The module as the type it was put in with: `list.at<nn::Linear>(0).weight`. Throws ValueError for another type.
  template <std::derived_from<Module> M>
  M& at(At position) const {
    Module& m = (*this)[position];
    if (M* typed = dynamic_cast<M*>(&m)) return *typed;
    wrong_type(position, m);
  }

  /// Adds a module at the end, with a name of its own or named by its position. Returns it.
  template <std::derived_from<Module> M>
  M& push_back(M module, SourceLoc loc = SourceLoc::here()) {
    return push_back(std::string(), std::move(module), loc);
  }
  template <std::derived_from<Module> M>
  M& push_back(std::string name, M module, SourceLoc loc = SourceLoc::here()) {
    auto owned = std::make_unique<M>(std::move(module));
    M& result = *owned;
    put(static_cast<std::int64_t>(size()), std::move(name), std::move(owned), loc);
    return result;
  }
  void push_back(std::unique_ptr<Module> module, SourceLoc loc = SourceLoc::here()) {
    put(static_cast<std::int64_t>(size()), {}, std::move(module), loc);
  }
  void push_back(std::string name, std::unique_ptr<Module> module, SourceLoc loc = SourceLoc::here()) {
    put(static_cast<std::int64_t>(size()), std::move(name), std::move(module), loc);
  }
  /// Puts the module before position `position`; those behind it move up.
  template <std::derived_from<Module> M>
  M& insert(std::int64_t position, M module, SourceLoc loc = SourceLoc::here()) {
    auto owned = std::make_unique<M>(std::move(module));
    M& result = *owned;
    put(position, {}, std::move(owned), loc);
    return result;
  }
  /// Takes a module out.
  std::unique_ptr<Module> pop(std::int64_t position = -1, SourceLoc loc = SourceLoc::here());

  /// Goes over the modules.
  class Iterator {
   public:
    /// What it is made of.
    using Inner = std::vector<std::pair<std::string, std::unique_ptr<Module>>>::const_iterator;
    explicit Iterator(Inner at) : at_(at) {}
    /// The module at hand; the next one.
    Module& operator*() const { return *at_->second; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }

   private:
    Inner at_;
  };
  Iterator begin() const { return Iterator(items_.begin()); }
  Iterator end() const { return Iterator(items_.end()); }

 protected:
  ModuleSequence() = default;
  /// Adds what a constructor or `append` was given.
  template <std::derived_from<Module> M>
  void take(M module, SourceLoc loc) {
    push_back(std::move(module), loc);
  }
  template <std::derived_from<Module> M>
  void take(Named<M> named, SourceLoc loc) {
    push_back(std::move(named.name), std::move(named.module), loc.in_library() ? named.loc : loc);
  }
  void take(std::unique_ptr<Module> module, SourceLoc loc) { push_back(std::move(module), loc); }
  /// Moves all modules of `other` behind the own ones.
  void take_all(ModuleSequence& other, SourceLoc loc);

 private:
  void put(std::int64_t position, std::string name, std::unique_ptr<Module> module, SourceLoc loc);
  std::size_t checked(At position) const;
  std::vector<std::string> names() const;
  void require_distinct(const std::vector<std::string>& names, SourceLoc loc) const;
  /// Registers the entries from `from` on again, in their order and under the names of their positions.
  void relink(std::size_t from, SourceLoc loc);
  [[noreturn]] void wrong_type(At position, const Module& m) const;

  std::vector<std::pair<std::string, std::unique_ptr<Module>>> items_;  // an empty name: the position
};

namespace detail {
template <class T>
struct FitsContainer : std::is_base_of<Module, T> {};
template <class M>
struct FitsContainer<Named<M>> : std::true_type {};
template <class M>
struct FitsContainer<std::unique_ptr<M>> : std::is_base_of<Module, M> {};
/// What the constructor of `Container` takes: modules, but not the one container that would be moved from.
template <class Container, class... Items>
concept FitContainer = sizeof...(Items) > 0 && (FitsContainer<Items>::value && ...) &&
                       !(sizeof...(Items) == 1 && (std::is_same_v<Items, Container> && ...));
}  // namespace detail

/// Modules called one after the other, each with the output of the one before. Without modules it gives back its input.
///
///     nn::Sequential net(nn::Linear(2, 8), nn::ReLU(), nn::Linear(8, 1));
///     Tensor y = net(x);                       // parameters 0.weight, 0.bias, 2.weight, 2.bias
class Sequential : public ModuleSequence {
 public:
  Sequential() = default;
  template <class... Items>
    requires detail::FitContainer<Sequential, Items...>
  explicit Sequential(Items... items) {
    (take(std::move(items), SourceLoc::here()), ...);
  }
  template <class Item>
    requires detail::FitsContainer<Item>::value
  Sequential& append(Item item, SourceLoc loc = SourceLoc::here()) {
    take(std::move(item), loc);
    return *this;
  }
  Sequential& extend(Sequential other, SourceLoc loc = SourceLoc::here()) {
    take_all(other, loc);
    return *this;
  }
  Tensor forward(const Tensor& x) override;
};

/// A list of modules that its owner calls as it likes; not callable itself.
///
///     struct Deep : nn::Module {
///       nn::ModuleList layers = add("layers", nn::ModuleList());
///       Deep() { for (int i = 0; i < 3; ++i) layers.push_back(nn::Linear(8, 8)); }
///       Tensor forward(const Tensor& x) override {
///         Tensor y = x;
///         for (nn::Module& layer : layers) y = relu(layer(y));
///         return y;
///       }
///     };
class ModuleList : public ModuleSequence {
 public:
  ModuleList() = default;
  template <class... Items>
    requires detail::FitContainer<ModuleList, Items...>
  explicit ModuleList(Items... items) {
    (take(std::move(items), SourceLoc::here()), ...);
  }
  template <class Item>
    requires detail::FitsContainer<Item>::value
  ModuleList& append(Item item, SourceLoc loc = SourceLoc::here()) {
    take(std::move(item), loc);
    return *this;
  }
  ModuleList& extend(ModuleList other, SourceLoc loc = SourceLoc::here()) {
    take_all(other, loc);
    return *this;
  }
};

/// Modules by name, in order of insertion; not callable itself. Throws ValueError for a bad name, IndexError for one that is
/// missing.
///
///     nn::ModuleDict heads = add("heads", nn::ModuleDict());
///     heads.insert("mean", nn::Linear(8, 1));
///     Tensor y = heads["mean"](x);
class ModuleDict : public Module {
 public:
  ModuleDict() = default;
  /// Adds a module under a name. Returns it.
  template <std::derived_from<Module> M>
  M& insert(std::string name, M module, SourceLoc loc = SourceLoc::here()) {
    auto owned = std::make_unique<M>(std::move(module));
    M& result = *owned;
    insert(std::move(name), std::unique_ptr<Module>(std::move(owned)), loc);
    return result;
  }
  /// Adds a module under a name.
  void insert(std::string name, std::unique_ptr<Module> module, SourceLoc loc = SourceLoc::here());
  std::size_t size() const { return items_.size(); }
  bool contains(std::string_view name) const;
  Module& at(std::string_view name, SourceLoc loc = SourceLoc::here()) const;
  Module& operator[](slope::detail::Key name) const { return at(name.name, name.loc); }
  std::vector<std::string> keys() const;
  /// Takes a module out.
  std::unique_ptr<Module> pop(std::string_view name, SourceLoc loc = SourceLoc::here());

 private:
  std::vector<std::pair<std::string, std::unique_ptr<Module>>> items_;
};

/// Parameters by position, named "0", "1", ... Throws IndexError for positions out of range.
///
///     nn::ParameterList scales = add("scales", nn::ParameterList({ones({3}), ones({5})}));
class ParameterList : public Module {
 public:
  explicit ParameterList(const std::vector<Tensor>& values = {}, SourceLoc loc = SourceLoc::here());
  /// Adds a parameter at the end.
  ParameterList& append(const Tensor& value, SourceLoc loc = SourceLoc::here());
  std::size_t size() const { return items_.size(); }
  /// The parameter at a position.
  const Parameter& operator[](At position) const;
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

 private:
  std::vector<Parameter> items_;
};

/// Parameters by name, in order of insertion. Throws ValueError for a bad name, IndexError for one that is missing.
class ParameterDict : public Module {
 public:
  ParameterDict() = default;
  /// Adds a parameter under a name.
  ParameterDict& insert(const std::string& name, const Tensor& value, SourceLoc loc = SourceLoc::here());
  std::size_t size() const { return items_.size(); }
  bool contains(std::string_view name) const;
  const Parameter& at(std::string_view name, SourceLoc loc = SourceLoc::here()) const;
  const Parameter& operator[](slope::detail::Key name) const { return at(name.name, name.loc); }
  std::vector<std::string> keys() const;

 private:
  std::vector<std::pair<std::string, Parameter>> items_;
};

}  // namespace slope::nn
