#include "slope/train/interrupt.h"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <optional>
#include <thread>

using slope::train::InterruptGuard;

namespace {

volatile std::sig_atomic_t custom_calls = 0;
void custom_handler(int) { custom_calls = custom_calls + 1; }

using Handler = void (*)(int);

Handler present_handler() {
  struct sigaction action = {};
  sigaction(SIGINT, nullptr, &action);
  return action.sa_handler;
}

// A handler for SIGINT for the length of a test.
class ScopedHandler {
 public:
  explicit ScopedHandler(Handler handler) {
    struct sigaction action = {};
    action.sa_handler = handler;
    sigaction(SIGINT, &action, &old_);
  }
  ~ScopedHandler() { sigaction(SIGINT, &old_, nullptr); }
  ScopedHandler(const ScopedHandler&) = delete;
  ScopedHandler& operator=(const ScopedHandler&) = delete;

 private:
  struct sigaction old_ = {};
};

// How a copy of this process ends that runs `action`.
template <class Action>
int status_of(Action action) {
  const pid_t child = fork();
  if (child == 0) {
    action();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(interrupt)

BOOST_AUTO_TEST_CASE(the_first_ctrl_c_is_a_request) {
  const ScopedHandler handler(custom_handler);
  custom_calls = 0;
  const InterruptGuard guard;
  BOOST_TEST(!guard.requested());
  std::raise(SIGINT);
  BOOST_TEST(guard.requested());
  BOOST_TEST(custom_calls == 0);
}

BOOST_AUTO_TEST_CASE(the_second_ctrl_c_ends_the_program) {
  const ScopedHandler handler(SIG_DFL);
  const int status = status_of([] {
    const InterruptGuard guard;
    std::raise(SIGINT);
    std::raise(SIGINT);
  });
  BOOST_TEST(WIFSIGNALED(status));
  BOOST_TEST(WTERMSIG(status) == SIGINT);
  const int one_only = status_of([] {
    const InterruptGuard guard;
    std::raise(SIGINT);
  });
  BOOST_TEST(WIFEXITED(one_only));
}

BOOST_AUTO_TEST_CASE(the_previous_handler_comes_back) {
  const ScopedHandler handler(custom_handler);
  custom_calls = 0;
  {
    const InterruptGuard guard;
    std::raise(SIGINT);
    BOOST_TEST(present_handler() != custom_handler);
  }
  BOOST_TEST((present_handler() == custom_handler));
  std::raise(SIGINT);
  BOOST_TEST(custom_calls == 1);
}

BOOST_AUTO_TEST_CASE(a_new_guard_starts_without_a_request) {
  const ScopedHandler handler(SIG_DFL);
  {
    const InterruptGuard guard;
    std::raise(SIGINT);
  }
  const InterruptGuard guard;
  BOOST_TEST(!guard.requested());
}

BOOST_AUTO_TEST_CASE(a_request_in_an_inner_loop_stops_the_outer_one_too) {
  const ScopedHandler handler(custom_handler);
  const InterruptGuard outer;
  {
    const InterruptGuard inner;
    std::raise(SIGINT);
    BOOST_TEST(inner.requested());
  }
  BOOST_TEST(outer.requested());
  BOOST_TEST((present_handler() != custom_handler));
}

BOOST_AUTO_TEST_CASE(guards_of_two_threads_may_end_in_any_order) {
  const ScopedHandler handler(custom_handler);
  std::optional<InterruptGuard> first(std::in_place);
  std::thread other([&] {
    const InterruptGuard second;
    first.reset();
    std::raise(SIGINT);
    BOOST_TEST(second.requested());
  });
  other.join();
  BOOST_TEST((present_handler() == custom_handler));
}

BOOST_AUTO_TEST_CASE(an_ignored_signal_stays_ignored) {
  const ScopedHandler handler(SIG_IGN);
  const InterruptGuard guard;
  std::raise(SIGINT);
  BOOST_TEST(!guard.requested());
  BOOST_TEST((present_handler() == SIG_IGN));
}

BOOST_AUTO_TEST_CASE(a_handler_installed_meanwhile_stays) {
  const ScopedHandler handler(SIG_DFL);
  {
    const InterruptGuard guard;
    std::signal(SIGINT, custom_handler);
  }
  BOOST_TEST((present_handler() == custom_handler));
}

BOOST_AUTO_TEST_SUITE_END()
