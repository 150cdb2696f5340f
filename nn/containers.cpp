#include "slope/nn/containers.h"

#include <algorithm>
#include <unordered_set>

namespace slope::nn {

namespace {

std::size_t checked_position(const Module& container, At position, std::size_t size) {
  const auto n = static_cast<std::int64_t>(size);
  if (position.index < -n || position.index >= n)
    throw IndexError(concat(container.class_name(), ": index ", position.index, " is out of range for ", n, " entries"),
                     position.loc);
  return static_cast<std::size_t>(position.index < 0 ? position.index + n : position.index);
}

template <class Items>
auto find_name(const Items& items, std::string_view name) {
  return std::ranges::find_if(items, [&](const auto& item) { return item.first == name; });
}

template <class Items>
std::vector<std::string> names_of(const Items& items) {
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(item.first);
  return names;
}

template <class Items>
auto require_name(const Module& container, const Items& items, std::string_view name, SourceLoc loc) {
  const auto it = find_name(items, name);
  if (it == items.end()) {
    std::string known;
    for (const auto& key : names_of(items)) known += (known.empty() ? "" : ", ") + key;
    throw IndexError(concat(container.class_name(), ": there is no entry '", name, "'; entries are: ", known), loc);
  }
  return it;
}

}  // namespace

// ---- by position

std::size_t ModuleSequence::checked(At position) const { return checked_position(*this, position, size()); }

Module& ModuleSequence::operator[](At position) const { return *items_[checked(position)].second; }

void ModuleSequence::wrong_type(At position, const Module& m) const {
  throw ValueError(
      concat(class_name(), ": entry ", position.index, " is a ", m.class_name(), ", not what at<> asks for"),
      position.loc);
}

void ModuleSequence::put(std::int64_t position, std::string name, std::unique_ptr<Module> module, SourceLoc loc) {
  const auto n = static_cast<std::int64_t>(size());
  if (!module) throw ValueError(concat(class_name(), ": the module is null"), loc);
  if (position < -n || position > n)
    throw IndexError(concat(class_name(), ": position ", position, " is out of range for ", n, " entries"), loc);
  const auto at = static_cast<std::size_t>(position < 0 ? position + n : position);
  if (at == size()) {
    link(name.empty() ? std::to_string(at) : name, *module, loc);
    items_.emplace_back(std::move(name), std::move(module));
    return;
  }
  auto rearranged = names();
  rearranged.insert(rearranged.begin() + static_cast<std::ptrdiff_t>(at), name);
  require_distinct(rearranged, loc);
  link("(new)", *module, loc);
  items_.insert(items_.begin() + static_cast<std::ptrdiff_t>(at), {std::move(name), std::move(module)});
  relink(at, loc);
}

std::unique_ptr<Module> ModuleSequence::pop(std::int64_t position, SourceLoc loc) {
  const std::size_t at = checked({position, loc});
  auto rearranged = names();
  rearranged.erase(rearranged.begin() + static_cast<std::ptrdiff_t>(at));
  require_distinct(rearranged, loc);
  std::unique_ptr<Module> taken = std::move(items_[at].second);
  unlink(*taken);
  items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(at));
  relink(at, loc);
  return taken;
}

std::vector<std::string> ModuleSequence::names() const { return names_of(items_); }

void ModuleSequence::require_distinct(const std::vector<std::string>& names, SourceLoc loc) const {
  std::unordered_set<std::string> seen;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (const std::string name = names[i].empty() ? std::to_string(i) : names[i]; !seen.insert(name).second)
      throw ValueError(
          concat(class_name(), ": the name '", name, "' would occur twice; given names must differ from positions"),
          loc);
}

void ModuleSequence::relink(std::size_t from, SourceLoc loc) {
  for (std::size_t i = from; i < size(); ++i) unlink(*items_[i].second);
  for (std::size_t i = from; i < size(); ++i)
    link(items_[i].first.empty() ? std::to_string(i) : items_[i].first, *items_[i].second, loc);
}

void ModuleSequence::take_all(ModuleSequence& other, SourceLoc loc) {
  for (auto& [name, module] : other.items_) {
    other.unlink(*module);
    put(static_cast<std::int64_t>(size()), std::move(name), std::move(module), loc);
  }
  other.items_.clear();
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (Module& m : *this) y = m(y);
  return y;
}

// ---- by name

void ModuleDict::insert(std::string name, std::unique_ptr<Module> module, SourceLoc loc) {
  if (!module) throw ValueError("ModuleDict: the module is null", loc);
  link(name, *module, loc);
  items_.emplace_back(std::move(name), std::move(module));
}

bool ModuleDict::contains(std::string_view name) const { return find_name(items_, name) != items_.end(); }
std::vector<std::string> ModuleDict::keys() const { return names_of(items_); }
Module& ModuleDict::at(std::string_view name, SourceLoc loc) const {
  return *require_name(*this, items_, name, loc)->second;
}

std::unique_ptr<Module> ModuleDict::pop(std::string_view name, SourceLoc loc) {
  const auto at = items_.begin() + (require_name(*this, items_, name, loc) - items_.cbegin());
  std::unique_ptr<Module> taken = std::move(at->second);
  items_.erase(at);
  unlink(*taken);
  return taken;
}

// ---- parameters

ParameterList::ParameterList(const std::vector<Tensor>& values, SourceLoc loc) {
  std::vector<Tensor> changed;
  try {
    for (const Tensor& t : values) {
      const bool leaf = t.defined() && !t.requires_grad();
      append(t, loc);
      if (leaf) changed.push_back(t);
    }
  } catch (...) {
    for (const Tensor& t : changed) t.requires_grad_(false);
    throw;
  }
}

ParameterList& ParameterList::append(const Tensor& value, SourceLoc loc) {
  items_.push_back(parameter(std::to_string(size()), value, loc));
  return *this;
}

const Parameter& ParameterList::operator[](At position) const {
  return items_[checked_position(*this, position, size())];
}

ParameterDict& ParameterDict::insert(const std::string& name, const Tensor& value, SourceLoc loc) {
  items_.emplace_back(name, parameter(name, value, loc));
  return *this;
}

bool ParameterDict::contains(std::string_view name) const { return find_name(items_, name) != items_.end(); }
std::vector<std::string> ParameterDict::keys() const { return names_of(items_); }
const Parameter& ParameterDict::at(std::string_view name, SourceLoc loc) const {
  return require_name(*this, items_, name, loc)->second;
}

}  // namespace slope::nn
