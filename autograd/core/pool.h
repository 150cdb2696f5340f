#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace slope {

/// Memory that slope asked for and what it keeps for reuse, in bytes, over all threads.
struct MemoryStats {
  /// What tensors hold now, the most they ever held, and what is kept for reuse.
  std::uint64_t in_use = 0;
  std::uint64_t peak = 0;
  std::uint64_t cached = 0;
};

namespace memory {

/// A 64-byte aligned block of at least `bytes`, from this thread's free list (small) or the shared cache (large).
/// Freed blocks are kept, so that a large result written again does not fault its pages in again.
/// Throws std::bad_alloc.
void* allocate(std::size_t bytes);
/// Gives back what `allocate(bytes)` returned; any thread may.
void deallocate(void* p, std::size_t bytes) noexcept;

/// Large blocks beyond this many cached bytes go back to the system. Default: a quarter of the machine's memory.
void set_cache_limit(std::size_t bytes);
/// Returns every cached large block to the system.
void empty_cache();
MemoryStats stats();
void reset_peak();

/// When on, fresh tensor storage is filled with signalling NaN bytes, so that reading what was never written shows.
/// Also switched on by SLOPE_POISON=1 in the environment.
void set_poison(bool on);
namespace detail {
inline std::atomic<int> poison_state{-1};  // -1: the environment was not asked yet
bool ask_poison();
}  // namespace detail
inline bool poison() {
  const int p = detail::poison_state.load(std::memory_order_relaxed);
  return p < 0 ? detail::ask_poison() : p != 0;
}

}  // namespace memory
}  // namespace slope
