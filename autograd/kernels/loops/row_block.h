#pragma once

#include <algorithm>
#include <cstdint>

/// Short rows turned so that each lane holds one of them: what reduces a row then needs no reduction over lanes, and
/// one vector of exponentials serves as many rows as it has lanes.
namespace slope {

/// Rows up to this length are worked on side by side.
inline constexpr std::int64_t narrow_row = 48;

/// As many rows as V has lanes, of up to `narrow_row` elements; column j of all of them is one vector.
template <class V>
class RowBlock {
 public:
  using T = typename V::value_type;

  /// Reads `rows` rows of n elements, `step` bytes apart. Lanes without a row hold zeros.
  template <class Element = T>
  void load(const char* from, std::int64_t step, std::int64_t n, int rows) {
    for (int r = 0; r < rows; ++r) {
      const Element* x = reinterpret_cast<const Element*>(from + r * step);
      for (std::int64_t j = 0; j < n; ++j) data_[j * V::size + r] = static_cast<T>(x[j]);
    }
    for (int r = rows; r < V::size; ++r)
      for (std::int64_t j = 0; j < n; ++j) data_[j * V::size + r] = 0;
  }
  template <class Element = T>
  void store(char* to, std::int64_t step, std::int64_t n, int rows) const {
    for (int r = 0; r < rows; ++r) {
      Element* y = reinterpret_cast<Element*>(to + r * step);
      for (std::int64_t j = 0; j < n; ++j) y[j] = static_cast<Element>(data_[j * V::size + r]);
    }
  }
  V column(std::int64_t j) const { return V::load(data_ + j * V::size); }
  void set_column(std::int64_t j, const V& v) { v.store(data_ + j * V::size); }
  T& at(int row, std::int64_t j) { return data_[j * V::size + row]; }

  /// Replaces every element x by e^(x - m), m being the largest of its row; `others` is the sum of all but one that is
  /// the largest: ln Σ e^x = m + log1p(others) keeps the tail where one element nearly has it all. NaN where a row
  /// holds NaN or +∞, or nothing but -∞ (unless it is alone).
  void exponentiate(std::int64_t n, V& largest, V& others) { set_exponentials(*this, n, largest, others); }
  /// The same of the elements of another block, or of this one.
  void set_exponentials(const RowBlock& from, std::int64_t n, V& largest, V& others) {
    largest = from.column(0);
    for (std::int64_t j = 1; j < n; ++j) largest = maximum(largest, from.column(j));
    others = V(0);
    auto found = largest != largest;
    for (std::int64_t j = 0; j < n; ++j) {
      const V x = from.column(j), e = exp(x - largest);
      const auto first = (x == largest) & !found;
      others += where(first, e - 1, e);  // 0, or NaN from an infinity
      found = found | first;
      set_column(j, e);
    }
  }

 private:
  alignas(64) T data_[narrow_row * V::size];
};

}  // namespace slope
