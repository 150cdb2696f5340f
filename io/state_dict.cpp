#include "slope/io/state_dict.h"

#include <algorithm>

namespace slope::io {

StateDict::StateDict(std::initializer_list<Entry> entries, SourceLoc loc) {
  for (const auto& [name, tensor] : entries) append(name, tensor, loc);
}

StateDict::StateDict(const std::vector<Entry>& entries, SourceLoc loc) {
  for (const auto& [name, tensor] : entries) append(name, tensor, loc);
}

std::size_t StateDict::rank(std::string_view name) const {
  const auto before = [this](std::size_t position, std::string_view n) { return entries_[position].first < n; };
  return static_cast<std::size_t>(std::lower_bound(by_name_.begin(), by_name_.end(), name, before) - by_name_.begin());
}

bool StateDict::is_at(std::size_t rank, std::string_view name) const {
  return rank < by_name_.size() && entries_[by_name_[rank]].first == name;
}

const Tensor* StateDict::find(std::string_view name) const {
  const std::size_t r = rank(name);
  return is_at(r, name) ? &entries_[by_name_[r]].second : nullptr;
}

const Tensor& StateDict::at(std::string_view name, SourceLoc loc) const {
  if (const Tensor* t = find(name)) return *t;
  throw IndexError(concat("StateDict: there is no entry \"", name, "\" among the ", size(), " entries"), loc);
}

Tensor& StateDict::operator[](const std::string& name) {
  const std::size_t r = rank(name);
  if (!is_at(r, name)) {
    if (by_name_.size() == by_name_.capacity())
      by_name_.reserve(2 * by_name_.size() + 1);  // the insertion shall not throw
    entries_.emplace_back(name, Tensor());
    by_name_.insert(by_name_.begin() + static_cast<std::ptrdiff_t>(r), entries_.size() - 1);
  }
  return entries_[by_name_[r]].second;
}

void StateDict::append(const std::string& name, Tensor tensor, SourceLoc loc) {
  if (contains(name)) throw ValueError(concat("StateDict: the name \"", name, "\" is already in use"), loc);
  (*this)[name] = std::move(tensor);
}

bool StateDict::erase(std::string_view name) {
  const std::size_t r = rank(name);
  if (!is_at(r, name)) return false;
  const std::size_t at = by_name_[r];
  by_name_.erase(by_name_.begin() + static_cast<std::ptrdiff_t>(r));
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(at));
  for (std::size_t& position : by_name_)
    if (position > at) --position;
  return true;
}

std::vector<std::string> StateDict::keys() const {
  std::vector<std::string> names;
  for (const auto& entry : entries_) names.push_back(entry.first);
  return names;
}

}  // namespace slope::io
