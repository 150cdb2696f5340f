#pragma once

#include <initializer_list>
#include <type_traits>
#include <vector>

#include "slope/autograd/core/source_loc.h"

namespace slope {

/// What an option holds that takes one real number for all dimensions or one for each:
///
///     F::interpolate(x, {.scale_factor = 2});      F::interpolate(x, {.scale_factor = {2, 0.5}});
///
/// A list of one number stands for one dimension. Empty (`{}`) means that nothing was given.
class RealArray {
 public:
  RealArray() = default;
  RealArray(std::initializer_list<double> values) : values_(values) {}
  RealArray(std::vector<double> values) : values_(std::move(values)) {}
  template <class T>
    requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
  RealArray(T everywhere) : values_{static_cast<double>(everywhere)}, everywhere_(true) {}

  bool empty() const { return values_.empty(); }
  /// The numbers as they were given.
  const std::vector<double>& values() const { return values_; }
  /// One number for each of `dims` dimensions. Throws ValueError, with the names of operation and option, for a list of
  /// another length.
  std::vector<double> expanded(int dims, const char* op, const char* option, SourceLoc loc = SourceLoc::here()) const;

 private:
  std::vector<double> values_;
  bool everywhere_ = false;
};

}  // namespace slope
