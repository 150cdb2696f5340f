#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slope/autograd/tensor/tensor.h"

namespace slope::io {

/// Names and tensors in the order of insertion: what a module is saved as.
///
///     StateDict dict = net.state_dict();
///     for (const auto& [name, tensor] : dict) std::cout << name << ' ' << to_text(tensor.shape()) << '\n';
///     Tensor w = dict.at("fc1.weight");
class StateDict {
 public:
  /// A name and its tensor.
  using Entry = std::pair<std::string, Tensor>;
  using const_iterator = std::vector<Entry>::const_iterator;

  StateDict() = default;
  /// Throws ValueError when a name occurs twice.
  StateDict(std::initializer_list<Entry> entries, SourceLoc loc = SourceLoc::here());
  explicit StateDict(const std::vector<Entry>& entries, SourceLoc loc = SourceLoc::here());

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  const_iterator begin() const { return entries_.begin(); }
  const_iterator end() const { return entries_.end(); }

  bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// Null when there is no such name.
  const Tensor* find(std::string_view name) const;
  /// Throws IndexError, naming the entry that is missing.
  const Tensor& at(std::string_view name, SourceLoc loc = SourceLoc::here()) const;
  /// The tensor of that name, a new undefined one at the end when there is none.
  Tensor& operator[](const std::string& name);
  /// Throws ValueError when the name exists.
  void append(const std::string& name, Tensor tensor, SourceLoc loc = SourceLoc::here());
  /// Whether there was such a name.
  bool erase(std::string_view name);
  std::vector<std::string> keys() const;

 private:
  /// Where in `by_name_` the name stands or would stand.
  std::size_t rank(std::string_view name) const;
  bool is_at(std::size_t rank, std::string_view name) const;

  std::vector<Entry> entries_;
  std::vector<std::size_t> by_name_;  // positions of the entries in the order of their names
};

/// What a lenient load_state_dict left out.
struct LoadResult {
  /// Names that the module has and the dict has not, and the other way round.
  std::vector<std::string> missing_keys{}, unexpected_keys{};
};

}  // namespace slope::io
