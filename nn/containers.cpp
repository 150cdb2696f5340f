#include "slope/nn/containers.h"

namespace slope::nn {

namespace {
Module& element(const char* type, const std::vector<std::unique_ptr<Module>>& modules, std::int64_t i) {
  const auto n = static_cast<std::int64_t>(modules.size());
  if (i < -n || i >= n) throw IndexError(concat(type, ": index ", i, " is out of range for ", n, " modules"));
  return *modules[static_cast<std::size_t>(i < 0 ? i + n : i)];
}
}  // namespace

Sequential& Sequential::append(std::string name, std::unique_ptr<Module> module, SourceLoc loc) {
  if (!module) throw ValueError("Sequential: the module is null", loc);
  link(std::move(name), *module, loc);
  modules_.push_back(std::move(module));
  return *this;
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (auto& m : modules_) y = (*m)(y);
  return y;
}

Module& Sequential::operator[](std::int64_t i) { return element("Sequential", modules_, i); }

Module& ModuleList::append(std::unique_ptr<Module> module, SourceLoc loc) {
  if (!module) throw ValueError("ModuleList: the module is null", loc);
  link(std::to_string(modules_.size()), *module, loc);
  modules_.push_back(std::move(module));
  return *modules_.back();
}

Module& ModuleList::operator[](std::int64_t i) { return element("ModuleList", modules_, i); }

}  // namespace slope::nn
