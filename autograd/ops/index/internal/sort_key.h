#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace slope::detail {

/// An unsigned number that orders as the element does: NaN last, -0 equal to 0.
template <class T>
auto sort_key(T v) {
  if constexpr (std::is_same_v<T, bool>) {
    return static_cast<std::uint32_t>(v);
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return static_cast<std::uint64_t>(v) ^ (std::uint64_t{1} << 63);
  } else {
    using U = std::conditional_t<std::is_same_v<T, float>, std::uint32_t, std::uint64_t>;
    constexpr U sign = U{1} << (sizeof(U) * 8 - 1);
    if (v != v) return ~U{0};
    const U bits = std::bit_cast<U>(v == 0 ? T(0) : v);
    return bits & sign ? static_cast<U>(~bits) : static_cast<U>(bits | sign);
  }
}

}  // namespace slope::detail
