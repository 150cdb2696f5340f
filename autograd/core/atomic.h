#pragma once

/// An integer that threads share: the part of std::atomic that slope's headers need, without the 1,600 lines that <atomic> adds to
/// every program.
///
///     Atomic<int> count{0};
///     count.fetch_add(1, count.relaxed);
namespace slope {

template <class T>
class Atomic {
 public:
  /// How other memory is ordered around an access.
  enum Order : int {
    relaxed = __ATOMIC_RELAXED,
    acquire = __ATOMIC_ACQUIRE,
    acq_rel = __ATOMIC_ACQ_REL,
    seq_cst = __ATOMIC_SEQ_CST
  };

  constexpr Atomic() = default;
  constexpr Atomic(T value) : value_(value) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  /// The value, and changes of it; the latter return what it was.
  T load(Order order = seq_cst) const { return __atomic_load_n(&value_, order); }
  void store(T value, Order order = seq_cst) { __atomic_store_n(&value_, value, order); }
  T fetch_add(T n, Order order = seq_cst) { return __atomic_fetch_add(&value_, n, order); }
  T fetch_sub(T n, Order order = seq_cst) { return __atomic_fetch_sub(&value_, n, order); }
  /// Writes `value` if it holds `expected`, else reads it into `expected`.
  bool compare_exchange_strong(T& expected, T value) {
    return __atomic_compare_exchange_n(&value_, &expected, value, false, seq_cst, seq_cst);
  }

 private:
  alignas(sizeof(T)) T value_{};
};

}  // namespace slope
