#pragma once

#include <cstddef>
#include <type_traits>
#include <vector>

#include "slope/autograd/engine/node.h"

/// Walks the members of an operation's `Saved`, so that what it keeps can be shown and checked without a line in each
/// operation.
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

template <class T, class F>
void visit_field(const T& field, const F& f) {
  if constexpr (std::is_same_v<T, SavedTensor> || std::is_same_v<T, Tensor>) {
    f(field);
  } else if constexpr (requires {
                         field.begin();
                         field.end();
                       }) {
    using Item = std::remove_cvref_t<decltype(*field.begin())>;
    if constexpr (std::is_same_v<Item, SavedTensor> || std::is_same_v<Item, Tensor>)
      for (const auto& item : field) f(item);
  }
}

/// f(field) for every member of `saved` that is a SavedTensor or Tensor, or for each in a std::array or std::vector of them.
template <class S, class F>
void visit_fields(const S& saved, const F& f) {
  if constexpr (std::is_aggregate_v<S> && !std::is_empty_v<S>) {
    constexpr std::size_t n = field_count<S>();
    static_assert(n <= 8, "Saved has more than 8 members; put some into a std::vector<SavedTensor>");
    const auto each = [&](const auto&... fields) { (visit_field(fields, f), ...); };
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
      const auto& [a, b, c, d, e, g] = saved;
      each(a, b, c, d, e, g);
    } else if constexpr (n == 7) {
      const auto& [a, b, c, d, e, g, h] = saved;
      each(a, b, c, d, e, g, h);
    } else if constexpr (n == 8) {
      const auto& [a, b, c, d, e, g, h, i] = saved;
      each(a, b, c, d, e, g, h, i);
    }
  }
}

inline const Tensor& tensor_in(const SavedTensor& s) { return s.peek(); }
inline const Tensor& tensor_in(const Tensor& t) { return t; }

/// Appends every value in `saved`.
template <class S>
void collect_fields(const S& saved, std::vector<SavedTensor>& into) {
  visit_fields(saved, [&](const auto& field) {
    if (tensor_in(field).defined()) into.push_back(SavedTensor(field));
  });
}

/// Whether `saved` keeps any value.
template <class S>
bool holds_tensors(const S& saved) {
  bool any = false;
  visit_fields(saved, [&](const auto& field) { any = any || tensor_in(field).defined(); });
  return any;
}

/// Whether `saved` keeps the handle `t` itself.
template <class S>
bool holds_tensor(const S& saved, const Tensor& t) {
  bool any = false;
  visit_fields(saved,
               [&](const auto& field) { any = any || (t.defined() && tensor_in(field).ref().get() == t.ref().get()); });
  return any;
}

}  // namespace slope::detail
