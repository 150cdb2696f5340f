#include "slope/nn/state_dict.h"

namespace slope::nn {

StateDict::StateDict(std::initializer_list<Entry> entries, SourceLoc loc) {
  for (const auto& [name, tensor] : entries) append(name, tensor, loc);
}

StateDict::StateDict(const std::vector<Entry>& entries, SourceLoc loc) {
  for (const auto& [name, tensor] : entries) append(name, tensor, loc);
}

const Tensor* StateDict::find(std::string_view name) const {
  const auto it = positions_.find(std::string(name));
  return it == positions_.end() ? nullptr : &entries_[it->second].second;
}

const Tensor& StateDict::at(std::string_view name, SourceLoc loc) const {
  if (const Tensor* t = find(name)) return *t;
  throw IndexError(concat("StateDict: there is no entry \"", name, "\" among the ", size(), " entries"), loc);
}

Tensor& StateDict::operator[](const std::string& name) {
  const auto [it, is_new] = positions_.try_emplace(name, entries_.size());
  if (is_new) entries_.emplace_back(name, Tensor());
  return entries_[it->second].second;
}

void StateDict::append(const std::string& name, Tensor tensor, SourceLoc loc) {
  if (contains(name)) throw ValueError(concat("StateDict: the name \"", name, "\" is already in use"), loc);
  (*this)[name] = std::move(tensor);
}

bool StateDict::erase(std::string_view name) {
  const auto it = positions_.find(std::string(name));
  if (it == positions_.end()) return false;
  const std::size_t at = it->second;
  positions_.erase(it);
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(at));
  for (auto& [key, position] : positions_)
    if (position > at) --position;
  return true;
}

std::vector<std::string> StateDict::keys() const {
  std::vector<std::string> names;
  for (const auto& entry : entries_) names.push_back(entry.first);
  return names;
}

}  // namespace slope::nn
