#pragma once

#include <atomic>
#include <cstdint>

#include "slope/autograd/core/source_loc.h"

/// Threads: one knob, one `parallel_for`.
///
/// A range [0, n) is cut into chunks whose boundaries depend only on `n` and `grain`. The thread count decides who runs
/// a chunk, never what a chunk is, so a kernel that stores one partial result per chunk and combines them in chunk
/// order gives the same bits on 1 thread and on 64.
///
///     parallel_for(n, 16384, [&](std::int64_t begin, std::int64_t end) {
///       for (std::int64_t i = begin; i < end; ++i) y[i] = f(x[i]);
///     });
///
///     std::vector<double> partial(chunk_count(n, 16384));
///     parallel_chunks(n, 16384, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
///       partial[chunk] = std::accumulate(x + begin, x + end, 0.0);
///     });
///     double sum = std::accumulate(partial.begin(), partial.end(), 0.0);   // same bits for every thread count
///
/// Rules:
///  - A loop runs in the calling thread when it has one chunk, when one thread is set, inside another parallel loop,
///    under a `SerialGuard`, and while another thread's loop occupies the pool. The chunks are the same in each case.
///  - When bodies throw, the exception of the lowest-numbered chunk that throws reaches the caller; chunks before it
///    have all run, of those after it some may have.
///  - The other threads compute in the caller's floating-point mode (rounding, denormal numbers), and errors in them name
///    the caller's line. Nothing else of its thread-local state goes along, such as grad mode: bodies are plain kernels.
///  - fork(): the child may compute, and starts threads of its own when it needs them. What another thread of the parent
///    was writing at that moment (a tensor, a `.grad`) is of no use to it. A child forked from inside a body may compute,
///    in its one thread, and must end with exec or _exit.
///  - A loop ends when its chunks are done. It never waits for a thread that has not begun one, so a loop on a machine that
///    is busy with other things takes little longer than on one thread.
///
/// The threads are slope's own, started by the first loop that needs them; between loops they look out for the next one
/// for some milliseconds, leaving the core to whoever wants it, then sleep.
namespace slope {

namespace detail {
/// 0 until first asked for.
extern std::atomic<int> num_threads;
int resolve_num_threads();
/// What the environment asks for.
int default_num_threads();

using ChunkFn = void (*)(const void* context, std::int64_t chunk);
void run_chunks(std::int64_t chunks, ChunkFn run, const void* context);
}  // namespace detail

/// The most threads a parallel loop uses, the caller included. Initially SLOPE_NUM_THREADS, else OMP_NUM_THREADS, else
/// the number of processors this process may run on; a variable that is not a positive number counts as absent.
inline int get_num_threads() {
  const int n = detail::num_threads.load(std::memory_order_relaxed);
  return n > 0 ? n : detail::resolve_num_threads();
}

/// The largest thread count that may be set.
inline constexpr int max_num_threads = 1024;

/// Sets the thread count of slope and, through `on_num_threads_changed`, of BLAS. May exceed the number of processors.
/// Throws ValueError unless 1 <= n <= max_num_threads.
void set_num_threads(int n, SourceLoc loc = SourceLoc::here());

/// Calls `callback(n)` now and whenever the thread count changes: how a library with threads of its own follows slope's
/// knob. Callbacks stay registered; one registered twice is called once. Throws ValueError when `callback` is null.
void on_num_threads_changed(void (*callback)(int), SourceLoc loc = SourceLoc::here());

/// True inside a body of `parallel_for` that runs on several threads: loops started here run in this thread.
bool in_parallel_region();

/// While it lives, parallel loops started by this thread run in this thread: for threads that are themselves one of
/// many, such as data loading workers.
class [[nodiscard]] SerialGuard {
 public:
  [[nodiscard]] SerialGuard();
  ~SerialGuard();
  SerialGuard(const SerialGuard&) = delete;
  SerialGuard& operator=(const SerialGuard&) = delete;
};

/// No loop is cut into more chunks than this, so per-chunk partial results need little memory however large n is.
inline constexpr std::int64_t max_chunks = 1024;

/// Elements per chunk: the smallest multiple of `grain` that gives at most `max_chunks` chunks. A grain below 1 counts
/// as 1.
constexpr std::int64_t chunk_size(std::int64_t n, std::int64_t grain) {
  const std::int64_t unit = grain > 0 ? grain : 1;
  if (n <= unit) return unit;
  const std::int64_t units = (n - 1) / unit + 1;
  return unit * ((units - 1) / max_chunks + 1);
}

/// Number of chunks [0, n) is cut into; 0 when n <= 0. Depends on nothing but its arguments.
constexpr std::int64_t chunk_count(std::int64_t n, std::int64_t grain) {
  return n > 0 ? (n - 1) / chunk_size(n, grain) + 1 : 0;
}

/// Calls `body(chunk, begin, end)` for chunk = 0, 1, ..., chunk_count(n, grain) - 1, on up to `get_num_threads()`
/// threads.
template <class F>
void parallel_chunks(std::int64_t n, std::int64_t grain, const F& body) {
  if (n <= grain) {
    if (n > 0) body(std::int64_t{0}, std::int64_t{0}, n);
    return;
  }
  struct Context {
    const F& body;
    std::int64_t n, size;
  };
  const Context context{body, n, chunk_size(n, grain)};
  detail::run_chunks(
      chunk_count(n, grain),
      [](const void* opaque, std::int64_t chunk) {
        const Context& c = *static_cast<const Context*>(opaque);
        const std::int64_t begin = chunk * c.size;
        c.body(chunk, begin, c.n - begin < c.size ? c.n : begin + c.size);
      },
      &context);
}

/// Calls `body(begin, end)` on consecutive pieces that cover [0, n), on up to `get_num_threads()` threads. `grain` is
/// the number of elements below which another thread does not pay: about 10 us of work.
template <class F>
void parallel_for(std::int64_t n, std::int64_t grain, const F& body) {
  parallel_chunks(n, grain, [&body](std::int64_t, std::int64_t begin, std::int64_t end) { body(begin, end); });
}

}  // namespace slope
