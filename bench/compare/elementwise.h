#pragma once

#include <string>

#include "data.h"

/// Functions of every element of a large tensor, without a graph: into a fresh result ("new"), or over their input
/// ("out"), which is brought back before each call, outside of what is timed.
namespace compare::elementwise {

struct Op {
  const char* name;
  bool in_place;
  bool positive;  ///< takes inputs in (0.1, 2) instead of normal ones
  std::vector<std::int64_t> sizes;
};

inline const std::vector<Op>& ops() {
  static const std::vector<std::int64_t> million{1'000'000}, both{1'000'000, 16'000'000};
  static const std::vector<Op> all = {
      {"exp", true, false, both},     {"sigmoid", true, false, both},  {"tanh", true, false, both},
      {"relu", true, false, both},    {"add", true, false, both},      {"sum", false, false, both},
      {"log", false, true, million},  {"log1p", false, true, million}, {"expm1", false, false, million},
      {"erf", false, false, million},
  };
  return all;
}

inline std::string name_of(const Op& op, std::int64_t n, bool in_place) {
  return std::string("elementwise/") + op.name + "/" + std::to_string(n / 1'000'000) + "M/" +
         (in_place ? "out" : "new");
}

/// The input; `second` is the other term of a sum.
inline std::vector<float> input(const Op& op, std::int64_t n, bool second = false) {
  const unsigned seed = second ? 2 : 1;
  const std::int64_t distinct = 1'000'000;
  std::vector<float> x = op.positive ? uniforms(distinct, seed, 0.1f, 2) : normals(distinct, seed);
  x.resize(static_cast<std::size_t>(n));
  for (std::size_t i = distinct; i < x.size(); ++i) x[i] = x[i - distinct];
  return x;
}

}  // namespace compare::elementwise
