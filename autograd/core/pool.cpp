#include "slope/autograd/core/pool.h"

#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#include "slope/autograd/core/internal/fork.h"
#include "slope/autograd/core/internal/run_out.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOPE_PLAIN_ALLOCATOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SLOPE_PLAIN_ALLOCATOR 1
#endif
#endif

namespace slope::memory {

namespace {

constexpr std::size_t alignment = 64;

std::atomic<std::int64_t> g_in_use{0}, g_peak{0}, g_cached{0};
std::atomic<std::uint64_t> g_limit{0};

void note_large(std::int64_t bytes) {
  const std::int64_t now = g_in_use.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  std::int64_t peak = g_peak.load(std::memory_order_relaxed);
  while (now > peak && !g_peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

std::atomic<std::int64_t> g_blocks_left{-1};  // negative: no end

void* system_allocate(std::size_t bytes) {
  if (g_blocks_left.load(std::memory_order_relaxed) >= 0) [[unlikely]] {
    if (g_blocks_left.load(std::memory_order_relaxed) == 0) throw std::bad_alloc();
    g_blocks_left.fetch_sub(1, std::memory_order_relaxed);
  }
  void* p = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (!p) throw std::bad_alloc();
  return p;
}

#ifndef SLOPE_PLAIN_ALLOCATOR

// Small blocks: classes of 64 bytes up to 4 KiB, then eighths of a power of two up to 64 KiB, in lists per thread.
constexpr std::size_t linear_limit = 4096, small_limit = 65536;
constexpr int linear_classes = linear_limit / 64 + 1;
constexpr int classes = linear_classes + 4 * 8 + 1;

// Eighths of a power of two: at most 12.5 % unused.
constexpr std::size_t round_eighth(std::size_t bytes) {
  if (bytes <= linear_limit) __builtin_unreachable();  // smaller ones have classes of 64 bytes
  const std::size_t step = std::bit_floor(bytes) / 8;
  return (bytes + step - 1) / step * step;
}

// What is rare stays out of line, so that allocate() and deallocate() need no registers but their arguments'.
[[gnu::noinline]] int class_by_eighths(std::size_t bytes) {
  const std::size_t r = round_eighth(bytes);
  const int log = static_cast<int>(std::bit_width(r - 1)) - 13;  // 4097..8192 is 0
  const std::size_t low = std::size_t{4096} << log, step = low / 8;
  return linear_classes + log * 8 + static_cast<int>((r - low) / step) - 1;
}

inline int class_of(std::size_t bytes) {
  return bytes <= linear_limit ? static_cast<int>((bytes + 63) / 64) : class_by_eighths(bytes);
}

constexpr std::size_t class_bytes(int c) {
  if (c < linear_classes) return static_cast<std::size_t>(c < 1 ? 1 : c) * 64;
  const int k = c - linear_classes + 1, log = (k - 1) / 8, eighth = (k - 1) % 8 + 1;
  const std::size_t low = std::size_t{4096} << log;
  return low + low / 8 * static_cast<std::size_t>(eighth);
}

struct FreeBlock {
  FreeBlock* next;
};

struct ThreadLists {
  FreeBlock* lists[classes];
  std::uint32_t counts[classes];
  ThreadLists* next_spare;
};

struct Depot {  // what threads that ended handed over
  std::mutex mutex;
  FreeBlock* lists[classes] = {};
  ThreadLists* spare = nullptr;
};
// Without the guard of a function's static variable, which another thread might hold when the process forks.
constinit slope::detail::Immortal<Depot> g_depot;
Depot& depot() { return g_depot.value; }
[[maybe_unused]] const bool depot_survives_fork =
    slope::detail::hold_across_fork(g_depot->mutex, slope::detail::ForkOrder::inner);

// This thread's lists, null before its first block. They are no thread-local variable themselves: those are to be small.
[[gnu::tls_model("initial-exec")]] thread_local constinit ThreadLists* t_own = nullptr;

void give_to_depot(FreeBlock* b, int c) {  // the mutex is held
  b->next = depot().lists[c];
  depot().lists[c] = b;
}

struct ThreadExit {
  ~ThreadExit() {
    ThreadLists* const own = t_own;
    if (!own) return;
    t_own = nullptr;
    std::lock_guard lock(depot().mutex);
    for (int c = 0; c < classes; ++c) {
      while (FreeBlock* b = own->lists[c]) {
        own->lists[c] = b->next;
        give_to_depot(b, c);
      }
      own->counts[c] = 0;
    }
    own->next_spare = depot().spare;
    depot().spare = own;
  }
};

/// Null where there is not the memory for them. A thread whose other variables free blocks while it ends gets lists
/// again, which nobody takes over then.
[[gnu::noinline]] ThreadLists* register_thread() noexcept {
  ThreadLists* own = nullptr;
  {
    std::lock_guard lock(depot().mutex);
    own = depot().spare;
    if (own) depot().spare = own->next_spare;
  }
  if (!own) own = static_cast<ThreadLists*>(std::calloc(1, sizeof(ThreadLists)));
  if (!own) return nullptr;
  static thread_local ThreadExit on_exit;
  (void)&on_exit;
  return t_own = own;
}

// A thread that frees what others allocate must not hoard: beyond this many it hands half to the depot.
struct HoardLimits {
  std::uint32_t of[classes];
  constexpr HoardLimits() : of() {
    for (int c = 0; c < classes; ++c) {
      const std::size_t fit = (std::size_t{1} << 20) / class_bytes(c);
      of[c] = static_cast<std::uint32_t>(fit < 64 ? 64 : fit);
    }
  }
  constexpr std::uint32_t operator[](int c) const { return of[c]; }
};
constexpr HoardLimits hoard_limits;

[[gnu::noinline]] void hand_over(ThreadLists& own, int c) {
  std::lock_guard lock(depot().mutex);
  for (std::uint32_t i = hoard_limits[c] / 2; i > 0; --i) {
    FreeBlock* b = own.lists[c];
    own.lists[c] = b->next;
    --own.counts[c];
    give_to_depot(b, c);
  }
}

[[gnu::noinline]] void* refill(int c) {
  ThreadLists* const lists = t_own ? t_own : register_thread();
  if (!lists) throw std::bad_alloc();
  ThreadLists& own = *lists;
  const std::size_t bytes = class_bytes(c);
  {
    std::lock_guard lock(depot().mutex);
    for (std::uint32_t i = hoard_limits[c] / 4 + 1; i > 0 && depot().lists[c]; --i) {
      FreeBlock* b = depot().lists[c];
      depot().lists[c] = b->next;
      b->next = own.lists[c];
      own.lists[c] = b;
      ++own.counts[c];
    }
  }
  if (FreeBlock* b = own.lists[c]) {
    own.lists[c] = b->next;
    --own.counts[c];
    return b;
  }
  if (bytes > 2048) return system_allocate(bytes);
  const std::size_t count = 16384 / bytes;  // one slab, never given back: it serves this class for good
  char* slab = static_cast<char*>(system_allocate(bytes * count));
  for (std::size_t i = count - 1; i >= 1; --i) {
    auto* b = reinterpret_cast<FreeBlock*>(slab + i * bytes);
    b->next = own.lists[c];
    own.lists[c] = b;
    ++own.counts[c];
  }
  return slab;
}

// Large blocks: shared bins by exact rounded size.
struct LargeCache {
  std::mutex mutex;
  struct Bin {
    std::size_t bytes;
    std::vector<void*> blocks;
  };
  std::vector<Bin> bins;
};
constinit slope::detail::Immortal<LargeCache> g_large;
LargeCache& large() { return g_large.value; }
[[maybe_unused]] const bool large_survives_fork =
    slope::detail::hold_across_fork(g_large->mutex, slope::detail::ForkOrder::inner);

std::size_t cache_limit() {
  std::uint64_t limit = g_limit.load(std::memory_order_relaxed);
  if (limit == 0) {
    limit = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) / 4;
    g_limit.store(limit, std::memory_order_relaxed);
  }
  return limit;
}

[[gnu::noinline]] void* allocate_large(std::size_t bytes) {
  const std::size_t rounded = round_eighth(bytes);
  note_large(static_cast<std::int64_t>(rounded));
  LargeCache& cache = large();
  {
    std::lock_guard lock(cache.mutex);
    for (auto& bin : cache.bins)
      if (bin.bytes == rounded && !bin.blocks.empty()) {
        void* p = bin.blocks.back();
        bin.blocks.pop_back();
        g_cached.fetch_sub(static_cast<std::int64_t>(rounded), std::memory_order_relaxed);
        return p;
      }
  }
  try {
    return system_allocate(rounded);
  } catch (const std::bad_alloc&) {
    empty_cache();
  }
  try {
    return system_allocate(rounded);
  } catch (...) {
    note_large(-static_cast<std::int64_t>(rounded));
    throw;
  }
}

[[gnu::noinline]] void deallocate_large(void* p, std::size_t bytes) noexcept {
  const std::size_t rounded = round_eighth(bytes);
  note_large(-static_cast<std::int64_t>(rounded));
  if (static_cast<std::size_t>(g_cached.load(std::memory_order_relaxed)) + rounded > cache_limit()) return std::free(p);
  LargeCache& cache = large();
  std::lock_guard lock(cache.mutex);
  try {
    for (auto& bin : cache.bins)
      if (bin.bytes == rounded) {
        bin.blocks.push_back(p);
        g_cached.fetch_add(static_cast<std::int64_t>(rounded), std::memory_order_relaxed);
        return;
      }
    cache.bins.push_back({rounded, {p}});
    g_cached.fetch_add(static_cast<std::int64_t>(rounded), std::memory_order_relaxed);
  } catch (...) {
    std::free(p);
  }
}

#endif

}  // namespace

#ifdef SLOPE_PLAIN_ALLOCATOR

// Under a sanitizer every block comes from and returns to the system, so that it can watch each one.
void* allocate(std::size_t bytes) {
  void* p = system_allocate(bytes ? bytes : 1);
  note_large(static_cast<std::int64_t>(bytes));
  return p;
}
void deallocate(void* p, std::size_t bytes) noexcept {
  note_large(-static_cast<std::int64_t>(bytes));
  std::free(p);
}
void empty_cache() {}

#else

void* allocate(std::size_t bytes) {
  if (bytes <= small_limit) [[likely]] {
    const int c = class_of(bytes);
    if (ThreadLists* const own = t_own) [[likely]]
      if (FreeBlock* b = own->lists[c]) [[likely]] {
        own->lists[c] = b->next;
        --own->counts[c];
        return b;
      }
    return refill(c);
  }
  return allocate_large(bytes);
}

void deallocate(void* p, std::size_t bytes) noexcept {
  if (bytes > small_limit) [[unlikely]]
    return deallocate_large(p, bytes);
  const int c = class_of(bytes);
  auto* b = static_cast<FreeBlock*>(p);
  ThreadLists* own = t_own;
  if (!own) [[unlikely]] {
    own = register_thread();
    if (!own) {
      std::lock_guard lock(depot().mutex);
      return give_to_depot(b, c);
    }
  }
  b->next = own->lists[c];
  own->lists[c] = b;
  if (++own->counts[c] > hoard_limits[c]) [[unlikely]]
    return hand_over(*own, c);
}

void empty_cache() {
  LargeCache& cache = large();
  std::lock_guard lock(cache.mutex);
  for (auto& bin : cache.bins) {
    for (void* p : bin.blocks) std::free(p);
    g_cached.fetch_sub(static_cast<std::int64_t>(bin.bytes * bin.blocks.size()), std::memory_order_relaxed);
    bin.blocks.clear();
  }
}

#endif

void set_cache_limit(std::size_t bytes) { g_limit.store(bytes ? bytes : 1, std::memory_order_relaxed); }

MemoryStats stats() {
  auto read = [](const std::atomic<std::int64_t>& a) {
    return static_cast<std::uint64_t>(a.load(std::memory_order_relaxed));
  };
  return {read(g_in_use), read(g_peak), read(g_cached)};
}

void reset_peak() { g_peak.store(g_in_use.load(std::memory_order_relaxed), std::memory_order_relaxed); }

void set_poison(bool on) { detail::poison_state.store(on, std::memory_order_relaxed); }

void detail::run_out_after(std::int64_t blocks) { g_blocks_left.store(blocks, std::memory_order_relaxed); }

bool detail::ask_poison() {
  const char* env = std::getenv("SLOPE_POISON");
  const bool on = env && *env == '1';
  set_poison(on);
  return on;
}

}  // namespace slope::memory
