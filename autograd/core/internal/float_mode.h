#pragma once

#include <cfenv>
#include <cstdint>

namespace slope::detail {

/// How this thread rounds, whether it flushes denormal numbers to zero, and which exceptions trap: what decides the bits
/// of a result besides the operands. The flags that operations raise are no part of it.
class FloatMode {
 public:
  static FloatMode current() {
    FloatMode m;
    m.rounding_ = std::fegetround();
#if defined(__x86_64__)
    m.control_ = __builtin_ia32_stmxcsr() & control_bits;
#elif defined(__aarch64__)
    asm volatile("mrs %0, fpcr" : "=r"(m.control_));
#endif
    return m;
  }

  /// Makes it the mode of this thread; costs little when it is already.
  void apply() const {
    if (*this == current()) return;
    std::fesetround(rounding_);
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr((__builtin_ia32_stmxcsr() & ~control_bits) | static_cast<unsigned>(control_));
#elif defined(__aarch64__)
    asm volatile("msr fpcr, %0" : : "r"(control_));
#endif
  }

  friend bool operator==(const FloatMode&, const FloatMode&) = default;

 private:
  static constexpr unsigned control_bits = 0xffc0;  // the lower six are the flags

  int rounding_ = 0;
  std::uint64_t control_ = 0;
};

}  // namespace slope::detail
