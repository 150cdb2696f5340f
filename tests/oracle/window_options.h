#pragma once

#include "oracle/record.h"
#include "slope/autograd/core/int_array.h"

namespace oracle {

/// An option that is a number or a list of them.
inline slope::IntArray numbers(const Record& r, const char* option, const slope::IntArray& otherwise) {
  if (!r.has(option)) return otherwise;
  if (r.json().at("options").at(option).is_array()) return slope::Shape(r.integers(option));
  return r.integer(option, 0);
}

}  // namespace oracle
