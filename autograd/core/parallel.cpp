#include "slope/autograd/core/parallel.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "slope/autograd/core/error.h"
#include "slope/autograd/core/internal/float_mode.h"
#include "slope/autograd/core/internal/fork.h"

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define SLOPE_HAS_FORK 1
#endif

namespace slope {
namespace {

// ---------------------------------------------------------------------------------------------------------------------
// The knob

int positive_number(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return 0;
  int value = 0;
  const auto [rest, error] = std::from_chars(text, text + std::strlen(text), value);
  // OMP_NUM_THREADS may list one count per nesting level ("4,2"): the first is ours.
  if (error != std::errc{} || value < 1 || (*rest != '\0' && *rest != ',')) return 0;
  return std::min(value, max_num_threads);
}

int available_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::clamp(CPU_COUNT(&set), 1, max_num_threads);
#endif
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, max_num_threads);
}

struct Listeners {
  std::mutex mutex;
  std::vector<void (*)(int)> callbacks;
};

// Never destroyed: thread counts may be changed from destructors of static objects.
constinit detail::Immortal<Listeners> g_listeners;
Listeners& listeners() { return g_listeners.value; }
[[maybe_unused]] const bool listeners_survive_fork =
    detail::hold_across_fork(g_listeners->mutex, detail::ForkOrder::outer);

// ---------------------------------------------------------------------------------------------------------------------
// Who runs a chunk

// The pool serves one loop at a time; a loop that finds it taken runs in its own thread, for then the machine is busy
// anyway.
std::atomic<bool> pool_taken{false};
[[gnu::tls_model("initial-exec")]] thread_local constinit bool in_loop = false;
[[gnu::tls_model("initial-exec")]] thread_local constinit int serial_guards = 0;

// Each team member owns a contiguous range of chunks, so that successive loops over the same arrays find them in the
// same core's cache; whoever finishes early takes chunks from the ranges of others.
class Job {
 public:
  Job(std::int64_t chunks, int team, detail::ChunkFn run, const void* context)
      : run_(run), context_(context), ranges_(static_cast<int>(std::min<std::int64_t>({team, chunks, max_ranges}))) {
    for (int r = 0; r < ranges_; ++r) {
      range_[r].next.store(boundary(r, chunks), std::memory_order_relaxed);
      range_[r].end = boundary(r + 1, chunks);
    }
  }

  void work(int member) noexcept {
    in_loop = true;
    mode_.apply();
    const CallerScope errors_name_the_line_of(caller_);
    for (int i = 0; i < ranges_; ++i) {
      Range& range = range_[(member + i) % ranges_];
      while (range.next.load(std::memory_order_relaxed) < range.end) {
        const std::int64_t chunk = range.next.fetch_add(1, std::memory_order_relaxed);
        if (chunk >= range.end) break;
        // A chunk above one that threw is dropped, one below still runs: which exception the caller sees must not
        // depend on timing.
        if (chunk > first_failed_.load(std::memory_order_relaxed)) break;
        run_one(chunk);
      }
    }
    in_loop = false;
  }

  void rethrow() {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  static constexpr std::int64_t max_ranges = 64;
  struct alignas(64) Range {
    std::atomic<std::int64_t> next;
    std::int64_t end;
  };

  std::int64_t boundary(int range, std::int64_t chunks) const { return chunks * range / ranges_; }

  void run_one(std::int64_t chunk) noexcept {
    try {
      run_(context_, chunk);
    } catch (...) {
      const std::lock_guard lock(error_mutex_);
      if (chunk < first_failed_.load(std::memory_order_relaxed)) {
        first_failed_.store(chunk, std::memory_order_relaxed);
        error_ = std::current_exception();
      }
    }
  }

  const detail::ChunkFn run_;
  const void* const context_;
  const SourceLoc caller_ = CallerScope::current();
  const detail::FloatMode mode_ = detail::FloatMode::current();
  const int ranges_;
  std::atomic<std::int64_t> first_failed_{std::numeric_limits<std::int64_t>::max()};
  std::mutex error_mutex_;
  std::exception_ptr error_;
  std::array<Range, max_ranges> range_;
};

// ---------------------------------------------------------------------------------------------------------------------
// The pool

// A loop ends when its chunks are done, not when every thread has come: on a busy machine a worker may get its core
// only after milliseconds, when the caller has long done the work itself.
class Pool {
 public:
  void run(Job& job, int team) {
    grow(team - 1);
    job_ = &job;
    team_ = team;
    gate_.store(open, std::memory_order_release);
    loops_.fetch_add(1, std::memory_order_release);
    loops_.notify_all();
    job.work(0);
    // Who comes from now on finds the gate closed and goes back to sleep.
    std::uint32_t inside = gate_.fetch_and(~open, std::memory_order_acq_rel) & ~open;
    for (int spin = 0; inside != 0 && spin < patience; ++spin, inside = gate_.load(std::memory_order_acquire)) relax();
    // A worker in the midst of a chunk may be waiting for this very core.
    for (; inside != 0; inside = gate_.load(std::memory_order_acquire)) gate_.wait(inside, std::memory_order_acquire);
  }

 private:
  static constexpr std::uint32_t open = std::uint32_t{1} << 31;
  static constexpr int patience = 1000;      // looks without a break: some 50 us
  static constexpr int good_manners = 8000;  // then looks that leave the core to others: some milliseconds

  static void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  // Workers are detached and the pool is never destroyed: loops may still run in destructors of static objects. A
  // smaller team leaves the surplus asleep.
  void grow(int workers) {
    while (workers_ < workers) {
      try {
        std::thread(&Pool::serve, this, workers_ + 1).detach();
      } catch (const std::exception&) {
        return;  // No more threads, or no memory for one: those that exist do the work.
      }
      ++workers_;
    }
  }

  void serve(int member) {
    for (std::uint32_t seen = 0;; seen = wait_for_loop(seen)) {
      std::uint32_t gate = gate_.load(std::memory_order_acquire);
      while ((gate & open) != 0 && !gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel)) {
      }
      if ((gate & open) == 0) continue;
      if (member < team_) job_->work(member);
      if (gate_.fetch_sub(1, std::memory_order_acq_rel) == 1) gate_.notify_one();  // closed, and the last to leave
    }
  }

  // Loops often follow each other at once: a look around saves the sleep and the wake-up.
  std::uint32_t wait_for_loop(std::uint32_t seen) const {
    for (int spin = 0; spin < patience + good_manners; ++spin) {
      if (const std::uint32_t now = loops_.load(std::memory_order_acquire); now != seen) return now;
      if (spin < patience)
        relax();
      else
        std::this_thread::yield();
    }
    loops_.wait(seen, std::memory_order_acquire);
    return loops_.load(std::memory_order_acquire);
  }

  alignas(64) std::atomic<std::uint32_t> loops_{0};  // how many there have been
  alignas(64) std::atomic<std::uint32_t> gate_{0};   // `open` while a loop takes workers, plus the number inside
  Job* job_ = nullptr;                               // written while the gate is closed and nobody inside
  int team_ = 0;
  int workers_ = 0;
};

std::atomic<Pool*> pool{nullptr};

/// Returns when every chunk is done.
void run_team(Job& job, int team) {
  Pool* p = pool.load(std::memory_order_acquire);
  if (p == nullptr) {
    p = new (std::nothrow) Pool;  // Only the thread that took the pool comes here.
    if (p == nullptr) return job.work(0);
    pool.store(p, std::memory_order_release);
  }
  p->run(job, team);
}

#if defined(SLOPE_HAS_FORK)
// The threads of the old pool do not exist in the child: leave it behind.
void after_fork_in_child() {
  if (in_loop) return;
  pool.store(nullptr, std::memory_order_relaxed);
  pool_taken.store(false, std::memory_order_relaxed);
}
[[maybe_unused]] const int fork_handlers = pthread_atfork(nullptr, nullptr, after_fork_in_child);
#endif

bool must_stay_here() {
  if (in_loop || serial_guards > 0) return true;
  return pool_taken.exchange(true, std::memory_order_acquire);
}

struct ReleasePool {
  ~ReleasePool() { pool_taken.store(false, std::memory_order_release); }
};

}  // namespace

namespace detail {

constinit std::atomic<int> num_threads{0};

int default_num_threads() {
  int n = positive_number("SLOPE_NUM_THREADS");
  if (n == 0) n = positive_number("OMP_NUM_THREADS");
  return n > 0 ? n : available_processors();
}

int resolve_num_threads() {
  const int n = default_num_threads();
  int unset = 0;
  return num_threads.compare_exchange_strong(unset, n) ? n : unset;
}

void run_chunks(std::int64_t chunks, ChunkFn run, const void* context) {
  const int team = get_num_threads();
  if (team == 1 || chunks <= 1 || must_stay_here()) {
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) run(context, chunk);
    return;
  }
  const ReleasePool release;
  Job job(chunks, team, run, context);
  run_team(job, team);
  job.rethrow();
}

}  // namespace detail

void set_num_threads(int n, SourceLoc loc) {
  if (n < 1 || n > max_num_threads) {
    throw ValueError(
        concat("set_num_threads: the number of threads must be between 1 and ", max_num_threads, ", but is ", n), loc);
  }
  Listeners& all = listeners();
  const std::lock_guard lock(all.mutex);
  detail::num_threads.store(n, std::memory_order_relaxed);
  for (const auto callback : all.callbacks) callback(n);
}

void on_num_threads_changed(void (*callback)(int), SourceLoc loc) {
  if (callback == nullptr) throw ValueError("on_num_threads_changed: the callback is null; pass a function", loc);
  Listeners& all = listeners();
  const std::lock_guard lock(all.mutex);
  if (std::find(all.callbacks.begin(), all.callbacks.end(), callback) == all.callbacks.end())
    all.callbacks.push_back(callback);
  callback(get_num_threads());
}

bool in_parallel_region() { return in_loop; }

SerialGuard::SerialGuard() { ++serial_guards; }
SerialGuard::~SerialGuard() { --serial_guards; }

}  // namespace slope
