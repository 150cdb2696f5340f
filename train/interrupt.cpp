#include "slope/train/interrupt.h"

#include <atomic>
#include <csignal>
#include <mutex>

#include "slope/autograd/core/internal/fork.h"

namespace slope::train {
namespace {

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

std::mutex guards_mutex;
[[maybe_unused]] const bool survives_fork =
    slope::detail::hold_across_fork(guards_mutex, slope::detail::ForkOrder::outer);
int guards = 0;
bool installed = false;
struct sigaction previous_action = {};

extern "C" void slope_note_interrupt(int signal_number) {
  if (interrupted.exchange(true)) {
    // SIGINT is blocked while this runs: the raised one is delivered, with its default effect, right afterwards.
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
  }
}

bool ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == slope_note_interrupt;
}

bool ignores(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  const std::lock_guard lock(guards_mutex);
  if (guards++ > 0) return;
  interrupted = false;
  sigaction(SIGINT, nullptr, &previous_action);
  if (ignores(previous_action)) return;
  struct sigaction action = {};
  action.sa_handler = slope_note_interrupt;
  action.sa_flags = SA_RESTART;  // reads and waits elsewhere in the program go on
  sigemptyset(&action.sa_mask);
  installed = sigaction(SIGINT, &action, nullptr) == 0;
}

InterruptGuard::~InterruptGuard() {
  const std::lock_guard lock(guards_mutex);
  if (--guards > 0) return;
  struct sigaction present = {};
  sigaction(SIGINT, nullptr, &present);
  // A handler the program installed meanwhile is the program's wish and stays.
  if (installed && ours(present)) sigaction(SIGINT, &previous_action, nullptr);
  installed = false;
  interrupted = false;
}

bool InterruptGuard::requested() const noexcept { return interrupted.load(std::memory_order_relaxed); }

}  // namespace slope::train
