#pragma once

#include <string>
#include <type_traits>
#include <typeinfo>

#include "slope/autograd/core/error.h"

namespace slope::detail {

/// Throws an error of the same type with another text and line; returns when it is none of slope's own types.
inline void throw_alike(const Error& e, const std::string& text, SourceLoc loc) {
  const auto as = [&]<class T>(std::type_identity<T>) {
    if (typeid(e) == typeid(T)) throw T(text, loc);
  };
  const auto all = [&]<class... T>(std::type_identity<T>... types) { (as(types), ...); };
  all(std::type_identity<ShapeError>(), std::type_identity<DTypeError>(), std::type_identity<IndexError>(),
      std::type_identity<ValueError>(), std::type_identity<AutogradError>(), std::type_identity<MemoryError>(),
      std::type_identity<IoError>(), std::type_identity<Error>());
}

}  // namespace slope::detail
