#include <atomic>
#include <cstdlib>

#include "slope/autograd/core/internal/fork.h"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define SLOPE_HAS_FORK 1
#endif

namespace slope::detail {
namespace {

struct Held {
  std::mutex* mutexes[32];
  std::atomic<int> count;
};
constinit Held held[2] = {};  // by ForkOrder
constinit std::atomic<std::uint64_t> generation{0};

#if defined(SLOPE_HAS_FORK)
void before_fork() {
  for (Held& h : held)
    for (int i = 0; i < h.count.load(std::memory_order_acquire); ++i) h.mutexes[i]->lock();
}

void release_all() {
  for (int order = 1; order >= 0; --order)
    for (int i = held[order].count.load(std::memory_order_acquire) - 1; i >= 0; --i) held[order].mutexes[i]->unlock();
}

void after_fork_in_child() {
  generation.fetch_add(1, std::memory_order_relaxed);
  release_all();
}

[[maybe_unused]] const int handlers = pthread_atfork(before_fork, release_all, after_fork_in_child);
#endif

}  // namespace

// Called by static initializers, one after the other.
bool hold_across_fork(std::mutex& mutex, ForkOrder order) {
  Held& h = held[static_cast<int>(order)];
  const int n = h.count.load(std::memory_order_relaxed);
  for (int i = 0; i < n; ++i)
    if (h.mutexes[i] == &mutex) std::abort();
  if (n == 32) std::abort();
  h.mutexes[n] = &mutex;
  h.count.store(n + 1, std::memory_order_release);
  return true;
}

std::uint64_t fork_generation() { return generation.load(std::memory_order_relaxed); }

}  // namespace slope::detail
