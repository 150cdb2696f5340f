#pragma once

#include <cstddef>
#include <type_traits>
#include <vector>

#include "slope/autograd/engine/node.h"

/// Walks the members of an operation's `Saved`, so that what it keeps can be shown without a line in each operation.
namespace slope::detail {

struct AnyField {
  template <class T>
  operator T() const;
};

/// Number of members of an aggregate without base classes and C arrays.
template <class S, class... Fields>
constexpr std::size_t field_count() {
  if constexpr (requires { S{Fields{}..., AnyField{}}; })
    return field_count<S, Fields..., AnyField>();
  else
    return sizeof...(Fields);
}

inline void collect_field(const SavedTensor& s, std::vector<SavedTensor>& into) {
  if (s) into.push_back(s);
}
template <class T>
void collect_field(const T& field, std::vector<SavedTensor>& into) {
  if constexpr (requires { collect_field(*field.begin(), into); })
    for (const auto& item : field) collect_field(item, into);
}

/// Appends every value in `saved`: members that are a SavedTensor or a std::array or std::vector of them.
template <class S>
void collect_fields(const S& saved, std::vector<SavedTensor>& into) {
  if constexpr (std::is_aggregate_v<S> && !std::is_empty_v<S>) {
    constexpr std::size_t n = field_count<S>();
    static_assert(n <= 8, "Saved has more than 8 members; put some into a std::vector<SavedTensor>");
    const auto each = [&](const auto&... fields) { (collect_field(fields, into), ...); };
    if constexpr (n == 1) {
      const auto& [a] = saved;
      each(a);
    } else if constexpr (n == 2) {
      const auto& [a, b] = saved;
      each(a, b);
    } else if constexpr (n == 3) {
      const auto& [a, b, c] = saved;
      each(a, b, c);
    } else if constexpr (n == 4) {
      const auto& [a, b, c, d] = saved;
      each(a, b, c, d);
    } else if constexpr (n == 5) {
      const auto& [a, b, c, d, e] = saved;
      each(a, b, c, d, e);
    } else if constexpr (n == 6) {
      const auto& [a, b, c, d, e, f] = saved;
      each(a, b, c, d, e, f);
    } else if constexpr (n == 7) {
      const auto& [a, b, c, d, e, f, g] = saved;
      each(a, b, c, d, e, f, g);
    } else if constexpr (n == 8) {
      const auto& [a, b, c, d, e, f, g, h] = saved;
      each(a, b, c, d, e, f, g, h);
    }
  }
}

}  // namespace slope::detail
