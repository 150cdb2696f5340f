#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>

#include "data_loading/support.h"
#include "slope/autograd/core/parallel.h"
#include "support/checks.h"
#include "support/sanitizers.h"

using namespace slope;

// Threads that load: what happens when the dataset fails, hangs, or nobody wants the rest.
BOOST_AUTO_TEST_SUITE(workers)

namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct OwnError : std::runtime_error {
  using std::runtime_error::runtime_error;
  int position = 0;
};

/// Fails at one sample, the way `fail` throws.
data::FunctionDataset failing_at(std::int64_t n, std::int64_t position, void (*fail)(std::int64_t)) {
  return {n, [position, fail](std::int64_t i) {
            if (i == position) fail(i);
            return data::Sample{tensor({static_cast<double>(i), 0.0}), tensor(0.0)};
          }};
}

/// Loops until an exception of type E; the number of batches before it, -1 when there was none.
template <class E>
int batches_before(data::DataLoader& loader, int expected_position = -1) {
  int seen = 0;
  try {
    for (auto& batch : loader) {
      (void)batch;
      ++seen;
    }
  } catch (const E& e) {
    if constexpr (std::is_same_v<E, OwnError>) BOOST_TEST(e.position == expected_position);
    return seen;
  }
  return -1;
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_exception_of_the_dataset_arrives_with_its_type_when_its_batch_is_due) {
  for (int workers : {0, 1, 2, 4})
    for (std::int64_t at : {0, 17, 29}) {
      data::DataLoader loader(failing_at(30, at,
                                         [](std::int64_t i) {
                                           OwnError e("bad sample");
                                           e.position = static_cast<int>(i);
                                           throw e;
                                         }),
                              {.batch_size = 4, .num_workers = workers});
      BOOST_TEST(batches_before<OwnError>(loader, static_cast<int>(at)) == at / 4);
      BOOST_TEST(batches_before<OwnError>(loader, static_cast<int>(at)) == at / 4);  // the loader stays usable
    }
}

BOOST_AUTO_TEST_CASE(exceptions_that_are_no_std_exceptions_arrive_too) {
  for (int workers : {0, 3}) {
    data::DataLoader loader(failing_at(9, 4, [](std::int64_t) { throw 42; }),
                            {.batch_size = 2, .num_workers = workers});
    BOOST_TEST(batches_before<int>(loader) == 2);
  }
}

BOOST_AUTO_TEST_CASE(errors_of_slope_keep_their_type_and_text) {
  data::DataLoader loader(failing_at(9, 8, [](std::int64_t) { (void)zeros({2}).view({3}); }),
                          {.batch_size = 3, .num_workers = 2});
  BOOST_TEST(batches_before<ShapeError>(loader) == 2);
}

BOOST_AUTO_TEST_CASE(an_exception_of_the_collate_function_arrives) {
  for (int workers : {0, 2}) {
    std::atomic<int> calls{0};
    data::DataLoader loader(
        numbered(9),
        {.batch_size = 3, .num_workers = workers, .collate = [&](std::vector<data::Sample> s) -> data::Batch {
           if (s[0][0].select(0, 0).item() == 3) throw OwnError("collate");
           ++calls;
           return data::default_collate(s);
         }});
    BOOST_TEST(batches_before<OwnError>(loader, 0) == 1);
    BOOST_TEST(calls >= 1);
  }
}

BOOST_AUTO_TEST_CASE(when_every_worker_fails_the_first_batchs_exception_arrives) {
  for (int round = 0; round < 50; ++round) {
    data::DataLoader loader(data::FunctionDataset(40,
                                                  [](std::int64_t i) -> data::Sample {
                                                    OwnError e("all fail");
                                                    e.position = static_cast<int>(i);
                                                    throw e;
                                                  }),
                            {.batch_size = 1, .num_workers = 4});
    BOOST_TEST(batches_before<OwnError>(loader, 0) == 0);
  }
}

BOOST_AUTO_TEST_CASE(an_iteration_is_over_after_an_exception) {
  for (int workers : {0, 2}) {
    data::DataLoader loader(failing_at(4, 1, [](std::int64_t) { throw OwnError("once"); }),
                            {.batch_size = 1, .num_workers = workers});
    auto it = loader.begin();
    BOOST_CHECK_THROW(++it, OwnError);
    BOOST_CHECK_NO_THROW(++it);
    BOOST_TEST((it == loader.end()));
  }
}

BOOST_AUTO_TEST_CASE(leaving_a_loop_early_ends_the_workers_a_hundred_times) {
  data::DataLoader loader(numbered(1000), {.batch_size = 1, .shuffle = true, .num_workers = 4});
  const auto before = thread_count();
  const auto start = Clock::now();
  for (int i = 0; i < 100; ++i) {
    int seen = 0;
    for (auto& batch : loader) {
      BOOST_TEST(batch.x().size(0) == 1);
      if (++seen == i % 7 + 1) break;
    }
    BOOST_TEST(seen == i % 7 + 1);
  }
  BOOST_TEST(thread_count() == before);
  BOOST_TEST(seconds_since(start) < 5);
}

BOOST_AUTO_TEST_CASE(a_consumer_that_throws_ends_the_workers) {
  data::DataLoader loader(numbered(100), {.batch_size = 1, .num_workers = 3});
  const auto before = thread_count();
  auto consume = [&] {
    for (auto& batch : loader) {
      (void)batch;
      throw OwnError("consumer");
    }
  };
  BOOST_CHECK_THROW(consume(), OwnError);
  BOOST_TEST(thread_count() == before);
}

BOOST_AUTO_TEST_CASE(an_iteration_is_destroyed_with_a_full_queue_and_with_an_empty_one) {
  const auto before = thread_count();
  for (int i = 0; i < 20; ++i) {
    {
      data::DataLoader full(numbered(100), {.batch_size = 1, .num_workers = 2, .prefetch = 4});
      auto it = full.begin();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));  // workers fill the queue and wait for room
    }
    {
      data::DataLoader slow(data::FunctionDataset(50,
                                                  [](std::int64_t) {
                                                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
                                                    return data::Sample{tensor(0.0)};
                                                  }),
                            {.batch_size = 1, .num_workers = 2});
      auto it = slow.begin();  // the queue is empty: the consumer outpaces the workers
      ++it;
    }
  }
  BOOST_TEST(thread_count() == before);
}

BOOST_AUTO_TEST_CASE(leaving_early_does_not_wait_for_the_rest_of_a_batch) {
  std::atomic<bool> go{false};
  data::DataLoader loader(data::FunctionDataset(1000,
                                                [&](std::int64_t i) {
                                                  if (i >= 10) {
                                                    go = true;
                                                    std::this_thread::sleep_for(std::chrono::milliseconds(20));
                                                  }
                                                  return data::Sample{tensor(0.0)};
                                                }),
                          {.batch_size = 500,
                           .num_workers = 1,
                           .sampler = std::make_shared<data::SequentialSampler>(1000),
                           .timeout = 0.05});
  const auto start = Clock::now();
  BOOST_CHECK_THROW((void)loader.begin(), Error);  // a whole batch takes 10 s
  BOOST_TEST(go.load());
  BOOST_TEST(seconds_since(start) < 3);
}

BOOST_AUTO_TEST_CASE(three_hundred_loaders_leave_no_thread_behind) {
  {
    data::DataLoader warm(numbered(4), {.num_workers = 2});
    (void)epoch_of(warm);
  }
  const auto before = thread_count();
  for (int i = 0; i < 300; ++i) {
    data::DataLoader loader(numbered(6), {.batch_size = 2, .num_workers = 1 + i % 4});
    auto it = loader.begin();
    if (i % 3 == 0) continue;
    while (it != loader.end()) ++it;
  }
  BOOST_TEST(thread_count() == before);
}

BOOST_AUTO_TEST_CASE(a_loader_that_waits_longer_than_its_timeout_says_so) {
  data::DataLoader loader(data::FunctionDataset(2,
                                                [](std::int64_t i) {
                                                  if (i == 1)
                                                    std::this_thread::sleep_for(std::chrono::milliseconds(400));
                                                  return data::Sample{tensor({static_cast<double>(i), 0.0}),
                                                                      tensor(0.0)};
                                                }),
                          {.num_workers = 1, .timeout = 0.05});
  int seen = 0;
  auto run = [&] {
    for (auto& batch : loader) {
      (void)batch;
      ++seen;
    }
  };
  BOOST_CHECK_EXCEPTION(run(), Error, [](const Error& e) {
    return std::string(e.what()).starts_with(
        "DataLoader: timed out after 0.05 seconds waiting for a batch; a worker may hang in the dataset (tests/data_");
  });
  BOOST_TEST(seen == 1);
}

BOOST_AUTO_TEST_CASE(a_loader_within_its_timeout_delivers_everything) {
  data::DataLoader loader(numbered(10), {.batch_size = 3, .num_workers = 2, .timeout = 30});
  BOOST_TEST(flat(epoch_of(loader)) == std::vector<int>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

BOOST_AUTO_TEST_CASE(several_workers_load_at_the_same_time_but_start_no_parallel_loops) {
  std::atomic<int> inside{0}, most{0}, threads_of_loops{0};
  data::DataLoader loader(data::FunctionDataset(16,
                                                [&](std::int64_t) {
                                                  const int now = ++inside;
                                                  int seen = most.load();
                                                  while (now > seen && !most.compare_exchange_weak(seen, now)) {
                                                  }
                                                  const auto self = std::this_thread::get_id();
                                                  parallel_for(1 << 20, 1 << 10, [&](std::int64_t, std::int64_t) {
                                                    if (std::this_thread::get_id() != self) ++threads_of_loops;
                                                  });
                                                  std::this_thread::sleep_for(std::chrono::milliseconds(20));
                                                  --inside;
                                                  return data::Sample{tensor({0.0, 0.0}), tensor(0.0)};
                                                }),
                          {.batch_size = 1, .num_workers = 4});
  (void)epoch_of(loader);
  BOOST_TEST(most > 1);
  BOOST_TEST(most <= 4);
  BOOST_TEST(threads_of_loops == 0);
}

BOOST_AUTO_TEST_CASE(workers_stay_within_their_prefetch) {
  std::atomic<int> loaded{0};
  data::DataLoader loader(data::FunctionDataset(100,
                                                [&](std::int64_t) {
                                                  ++loaded;
                                                  return data::Sample{tensor(0.0)};
                                                }),
                          {.batch_size = 1, .num_workers = 2, .prefetch = 3});
  auto it = loader.begin();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  BOOST_TEST(loaded <= 1 + 2 * 3);
  BOOST_TEST(loaded >= 2);
}

BOOST_AUTO_TEST_CASE(many_random_ends_of_loops_never_hang) {
  Generator g(2);
  const auto before = thread_count();
  const auto start = Clock::now();
  for (int round = 0; round < 200; ++round) {
    const auto n = static_cast<std::int64_t>(g.next_below(40));
    const auto fail = static_cast<std::int64_t>(g.next_below(60));
    const int stop = static_cast<int>(g.next_below(20));
    data::DataLoader loader(failing_at(n, fail, [](std::int64_t) { throw OwnError("random"); }),
                            {.batch_size = 1 + static_cast<std::int64_t>(g.next_below(5)),
                             .num_workers = static_cast<int>(g.next_below(5)),
                             .drop_last = g.next_below(2) == 1,
                             .prefetch = 1 + static_cast<int>(g.next_below(3))});
    int seen = 0;
    try {
      for (auto& batch : loader) {
        (void)batch;
        if (++seen == stop) break;
      }
    } catch (const OwnError&) {
      BOOST_TEST(fail < n);
    }
  }
  BOOST_TEST(thread_count() == before);
  BOOST_TEST(seconds_since(start) < 20);
}

#if !defined(SLOPE_UNDER_TSAN)  // ThreadSanitizer ends a forked child that starts threads.
namespace {
/// How a child that runs `body` ends: what body returned, or -1 when it was killed (after 20 seconds at the latest).
template <class F>
int status_of_child(const F& body) {
  const pid_t child = fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    alarm(20);
    int result = 99;
    try {
      result = body();
    } catch (...) {
    }
    _exit(result);
  }
  int status = -1;
  BOOST_REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_child_cannot_continue_the_loop_of_its_parent_but_start_its_own) {
  for (int repeat = 0; repeat < 5; ++repeat) {
    data::DataLoader loader(numbered_one_by_one(2000), {.batch_size = 2, .num_workers = 2});
    std::optional<data::DataLoader::Iterator> it = loader.begin();
    const int status = status_of_child([&] {
      try {
        ++*it;
        return 1;
      } catch (const Error& e) {
        if (std::string(e.what()).find("threads of the parent process") == std::string::npos) return 2;
      }
      if (it->operator*().x().size(0) != 2) return 3;  // the batch it has stays usable
      it.reset();
      int batches = 0;
      for (auto& batch : loader) batches += batch.x().size(0) == 2;
      return batches == 1000 ? 0 : 4;
    });
    BOOST_TEST(status == 0);
    int rest = 1;
    for (++*it; *it != loader.end(); ++*it) ++rest;
    BOOST_TEST(rest == 1000);  // the parent's goes on
  }
}

BOOST_AUTO_TEST_CASE(a_child_continues_a_loop_without_workers) {
  data::DataLoader loader(numbered(9), {.batch_size = 3});
  auto it = loader.begin();
  const int status = status_of_child([&] {
    int rest = 0;
    for (++it; it != loader.end(); ++it) ++rest;
    return rest;
  });
  BOOST_TEST(status == 2);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
