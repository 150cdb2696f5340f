#pragma once

#include "slope/nn/module.h"

namespace slope::nn {

/// Modules called one after the other, named "0", "1", ... or as given.
///
///     nn::Sequential net(nn::Linear(2, 8), nn::ReLU(), nn::Linear(8, 1));
///     Tensor y = net(x);
class Sequential : public Module {
 public:
  Sequential() = default;
  template <class... Modules>
    requires(sizeof...(Modules) > 0 && (std::derived_from<std::remove_cvref_t<Modules>, Module> && ...) &&
             !(sizeof...(Modules) == 1 && (std::same_as<std::remove_cvref_t<Modules>, Sequential> && ...)))
  explicit Sequential(Modules... modules) {
    (push_back(std::move(modules)), ...);
  }
  template <std::derived_from<Module> M>
  Sequential& push_back(M module) {
    return push_back(std::to_string(modules_.size()), std::move(module));
  }
  /// Throws ValueError for a name that is empty, dotted or taken.
  template <std::derived_from<Module> M>
  Sequential& push_back(std::string name, M module, SourceLoc loc = SourceLoc::here()) {
    return append(std::move(name), std::make_unique<M>(std::move(module)), loc);
  }
  Sequential& append(std::string name, std::unique_ptr<Module> module, SourceLoc loc = SourceLoc::here());

  Tensor forward(const Tensor& x) override;
  std::size_t size() const { return modules_.size(); }
  /// Throws IndexError.
  Module& operator[](std::int64_t i);

 private:
  std::vector<std::unique_ptr<Module>> modules_;
};

/// A list of modules that are parameters of their owner; not callable itself.
///
///     nn::ModuleList layers = add("layers", nn::ModuleList());
///     layers.push_back(nn::Linear(8, 8));
class ModuleList : public Module {
 public:
  ModuleList() = default;
  template <class... Modules>
    requires(sizeof...(Modules) > 0 && (std::derived_from<std::remove_cvref_t<Modules>, Module> && ...) &&
             !(sizeof...(Modules) == 1 && (std::same_as<std::remove_cvref_t<Modules>, ModuleList> && ...)))
  explicit ModuleList(Modules... modules) {
    (push_back(std::move(modules)), ...);
  }
  template <std::derived_from<Module> M>
  M& push_back(M module) {
    auto owned = std::make_unique<M>(std::move(module));
    M& result = *owned;
    append(std::move(owned));
    return result;
  }
  Module& append(std::unique_ptr<Module> module, SourceLoc loc = SourceLoc::here());

  std::size_t size() const { return modules_.size(); }
  /// Throws IndexError; negative indices count from the end.
  Module& operator[](std::int64_t i);
  auto begin() const { return modules_.begin(); }
  auto end() const { return modules_.end(); }

 private:
  std::vector<std::unique_ptr<Module>> modules_;
};

}  // namespace slope::nn
