#include "slope/autograd/core/parallel.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cfenv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "slope/autograd/core/error.h"
#include "slope/autograd/core/pool.h"
#include "support/sanitizers.h"

namespace {

using namespace slope;
using std::int64_t;
using Chunk = std::pair<int64_t, int64_t>;

struct RestoreThreads {
  int before = get_num_threads();
  ~RestoreThreads() { set_num_threads(before); }
};

std::set<Chunk> chunks_of(int64_t n, int64_t grain) {
  std::mutex mutex;
  std::set<Chunk> seen;
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    const std::lock_guard lock(mutex);
    BOOST_TEST(seen.emplace(begin, end).second);
  });
  return seen;
}

// Bodies that leave no chunk to latecomers until every member of the team has arrived, so a loop is known to be shared.
std::set<std::thread::id> threads_that_meet(int team) {
  std::mutex mutex;
  std::set<std::thread::id> ids;
  std::atomic<int> arrived{0};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  parallel_for(team, 1, [&](int64_t, int64_t) {
    {
      const std::lock_guard lock(mutex);
      ids.insert(std::this_thread::get_id());
    }
    ++arrived;
    while (arrived < team && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  });
  return ids;
}

std::vector<int> heard;
void hear(int n) { heard.push_back(n); }

}  // namespace

BOOST_AUTO_TEST_SUITE(parallel)

BOOST_AUTO_TEST_CASE(every_index_is_visited_once_for_any_size_grain_and_thread_count) {
  const RestoreThreads restore;
  for (const int threads : {1, 2, 3, 5, 8}) {
    set_num_threads(threads);
    for (const int64_t n : {0, 1, 2, 63, 64, 65, 1000, 1023, 4096, 100'003}) {
      for (const int64_t grain : {1, 2, 64, 1000, 5000, 200'000}) {
        std::vector<std::atomic<int>> visits(static_cast<std::size_t>(n));
        parallel_for(n, grain, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i)
            visits[static_cast<std::size_t>(i)].fetch_add(1, std::memory_order_relaxed);
        });
        int64_t wrong = 0;
        for (const auto& v : visits) wrong += v != 1;
        BOOST_TEST(wrong == 0, "n " << n << " grain " << grain << " threads " << threads);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(chunk_boundaries_do_not_depend_on_the_thread_count) {
  const RestoreThreads restore;
  for (const auto& [n, grain] : {Chunk{1000, 7}, Chunk{100'000, 3}, Chunk{65, 64}, Chunk{4097, 1}}) {
    set_num_threads(1);
    const std::set<Chunk> serial = chunks_of(n, grain);
    BOOST_TEST(static_cast<int64_t>(serial.size()) == chunk_count(n, grain));
    for (const int threads : {2, 3, 5, 8}) {
      set_num_threads(threads);
      BOOST_TEST((chunks_of(n, grain) == serial));
    }
    const SerialGuard guard;
    BOOST_TEST((chunks_of(n, grain) == serial));
  }
}

BOOST_AUTO_TEST_CASE(chunks_are_multiples_of_the_grain_and_never_more_than_the_maximum) {
  const int64_t huge = std::numeric_limits<int64_t>::max();
  for (const int64_t n : {int64_t{1}, int64_t{1023}, int64_t{1024}, int64_t{1025}, int64_t{10'000'000}, huge / 4}) {
    for (const int64_t grain : {int64_t{1}, int64_t{3}, int64_t{4096}, int64_t{1} << 40}) {
      const int64_t size = chunk_size(n, grain);
      const int64_t count = chunk_count(n, grain);
      BOOST_TEST(size % grain == 0);
      BOOST_TEST(count >= 1);
      BOOST_TEST(count <= max_chunks);
      BOOST_TEST((count - 1) * size < n);
      BOOST_TEST((n - 1) / size + 1 == count);
    }
  }
  BOOST_TEST(chunk_count(1024, 1) == 1024);
  BOOST_TEST(chunk_count(1025, 1) == 513);
  BOOST_TEST(chunk_count(0, 8) == 0);
  BOOST_TEST(chunk_count(-5, 8) == 0);
  BOOST_TEST(chunk_count(8, 8) == 1);
  BOOST_TEST(chunk_count(9, 8) == 2);
  BOOST_TEST(chunk_count(10, 0) == 10);
  BOOST_TEST(chunk_count(10, -3) == 10);
  BOOST_TEST(chunk_count(huge, huge) == 1);
}

BOOST_AUTO_TEST_CASE(an_empty_range_calls_nothing) {
  int calls = 0;
  for (const int64_t n : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
    for (const int64_t grain : {0, 1, 100}) parallel_for(n, grain, [&](int64_t, int64_t) { ++calls; });
  }
  BOOST_TEST(calls == 0);
}

BOOST_AUTO_TEST_CASE(chunk_numbers_belong_to_their_ranges) {
  const RestoreThreads restore;
  set_num_threads(4);
  std::vector<Chunk> range(static_cast<std::size_t>(chunk_count(999, 10)));
  parallel_chunks(999, 10, [&](int64_t chunk, int64_t begin, int64_t end) {
    range[static_cast<std::size_t>(chunk)] = {begin, end};
  });
  int64_t expected = 0;
  for (const auto& [begin, end] : range) {
    BOOST_TEST(begin == expected);
    expected = end;
  }
  BOOST_TEST(expected == 999);
}

BOOST_AUTO_TEST_CASE(a_chunked_sum_has_the_same_bits_for_every_thread_count) {
  const RestoreThreads restore;
  const int64_t n = 300'007;
  std::vector<float> x(static_cast<std::size_t>(n));
  for (int64_t i = 0; i < n; ++i)
    x[static_cast<std::size_t>(i)] = 1.0f / static_cast<float>(i % 977 + 1) - 0.003f * static_cast<float>(i % 31);
  const auto sum = [&] {
    std::vector<float> partial(static_cast<std::size_t>(chunk_count(n, 1000)));
    parallel_chunks(n, 1000, [&](int64_t chunk, int64_t begin, int64_t end) {
      partial[static_cast<std::size_t>(chunk)] = std::accumulate(x.begin() + begin, x.begin() + end, 0.0f);
    });
    return std::accumulate(partial.begin(), partial.end(), 0.0f);
  };
  set_num_threads(1);
  const float serial = sum();
  BOOST_TEST(serial != std::accumulate(x.begin(), x.end(), 0.0f));  // Else the order of additions would not show.
  for (const int threads : {2, 3, 5, 8}) {
    set_num_threads(threads);
    for (int repeat = 0; repeat < 5; ++repeat) BOOST_TEST(sum() == serial);
  }
}

BOOST_AUTO_TEST_CASE(a_loop_runs_on_as_many_threads_as_were_set) {
  const RestoreThreads restore;
  for (const int threads : {2, 4, 3}) {
    set_num_threads(threads);
    BOOST_TEST(threads_that_meet(threads).size() == static_cast<std::size_t>(threads));
  }
}

BOOST_AUTO_TEST_CASE(one_thread_a_small_range_a_nested_loop_and_a_guard_stay_in_the_calling_thread) {
  const RestoreThreads restore;
  const auto stays = [](int64_t n, int64_t grain) {
    const auto self = std::this_thread::get_id();
    bool same = true;
    parallel_for(n, grain, [&](int64_t, int64_t) { same = same && std::this_thread::get_id() == self; });
    return same;
  };
  set_num_threads(1);
  BOOST_TEST(stays(1000, 1));
  set_num_threads(4);
  BOOST_TEST(stays(1000, 1000));
  {
    const SerialGuard outer;
    {
      const SerialGuard inner;
    }
    BOOST_TEST(stays(1000, 1));
  }
  std::atomic<int> moved{0}, outside{0};
  BOOST_TEST(!in_parallel_region());
  parallel_for(64, 1, [&](int64_t, int64_t) {
    if (!in_parallel_region()) ++outside;
    if (!stays(100, 1)) ++moved;
  });
  BOOST_TEST(!in_parallel_region());
  BOOST_TEST(moved == 0);
  BOOST_TEST(outside == 0);
  BOOST_TEST(threads_that_meet(4).size() == 4u);
}

BOOST_AUTO_TEST_CASE(the_exception_of_the_lowest_failing_chunk_reaches_the_caller) {
  const RestoreThreads restore;
  for (const int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    for (int repeat = 0; repeat < 50; ++repeat) {
      const int64_t first = (repeat * 37) % 200;
      std::vector<std::atomic<int>> ran(200);
      std::string message;
      try {
        parallel_for(200, 1, [&](int64_t begin, int64_t) {
          ran[static_cast<std::size_t>(begin)] = 1;
          if (begin >= first && (begin - first) % 3 == 0) throw std::out_of_range("chunk " + std::to_string(begin));
        });
      } catch (const std::out_of_range& e) {
        message = e.what();
      }
      BOOST_TEST(message == "chunk " + std::to_string(first));
      for (int64_t i = 0; i <= first; ++i) BOOST_TEST(ran[static_cast<std::size_t>(i)] == 1);
      BOOST_TEST(!in_parallel_region());
    }
    BOOST_CHECK_THROW(parallel_for(100, 1, [](int64_t, int64_t) { throw 7; }), int);
    BOOST_TEST(threads_that_meet(threads).size() == static_cast<std::size_t>(threads));
  }
}

BOOST_AUTO_TEST_CASE(an_error_thrown_on_any_thread_names_the_users_line) {
  const RestoreThreads restore;
  set_num_threads(3);
  const CallerScope scope(SourceLoc{"user.cpp", 12});
  std::atomic<int> arrived{0}, named{0};
  parallel_for(3, 1, [&](int64_t, int64_t) {
    ++arrived;
    while (arrived < 3) std::this_thread::yield();
    if (std::string(ValueError("bad").what()) == "bad (user.cpp:12)") ++named;
  });
  BOOST_TEST(named == 3);
}

BOOST_AUTO_TEST_CASE(many_threads_may_start_loops_at_once) {
  const RestoreThreads restore;
  set_num_threads(3);
  std::atomic<int64_t> wrong{0};
  std::vector<std::thread> users;
  for (int u = 0; u < 8; ++u) {
    users.emplace_back([&, u] {
      for (int repeat = 0; repeat < 200; ++repeat) {
        const int64_t n = 500 + 13 * u + repeat;
        std::vector<int64_t> squares(static_cast<std::size_t>(n));
        parallel_for(n, 16, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) squares[static_cast<std::size_t>(i)] = i * i;
        });
        for (int64_t i = 0; i < n; ++i) wrong += squares[static_cast<std::size_t>(i)] != i * i;
      }
    });
  }
  for (std::thread& t : users) t.join();
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(a_thread_count_outside_its_range_throws_and_changes_nothing) {
  const RestoreThreads restore;
  set_num_threads(3);
  for (const int bad : {0, -1, std::numeric_limits<int>::min(), max_num_threads + 1}) {
    BOOST_CHECK_EXCEPTION(set_num_threads(bad), ValueError, [&](const ValueError& e) {
      return std::string(e.what()).find("must be between 1 and 1024, but is " + std::to_string(bad)) !=
             std::string::npos;
    });
    BOOST_TEST(get_num_threads() == 3);
  }
}

BOOST_AUTO_TEST_CASE(the_initial_thread_count_comes_from_the_environment) {
  struct Variable {
    const char* name;
    std::optional<std::string> before;
    explicit Variable(const char* n) : name(n) {
      if (const char* value = std::getenv(n)) before = value;
    }
    void set(const char* value) const { value == nullptr ? unsetenv(name) : setenv(name, value, 1); }
    ~Variable() { set(before ? before->c_str() : nullptr); }
  };
  const Variable own("SLOPE_NUM_THREADS"), omp("OMP_NUM_THREADS");
  const auto count = [&](const char* own_value, const char* omp_value) {
    own.set(own_value);
    omp.set(omp_value);
    return detail::default_num_threads();
  };
  const int processors = count(nullptr, nullptr);
  BOOST_TEST(processors >= 1);
  BOOST_TEST(count("3", nullptr) == 3);
  BOOST_TEST(count("3", "5") == 3);
  BOOST_TEST(count(nullptr, "5") == 5);
  BOOST_TEST(count(nullptr, "6,2") == 6);
  BOOST_TEST(count("999999", nullptr) == max_num_threads);
  for (const char* absent : {"", "0", "-2", "many", "3x", " 3", "99999999999999999999"}) {
    BOOST_TEST(count(absent, "5") == 5, "SLOPE_NUM_THREADS=" << absent);
    BOOST_TEST(count(nullptr, absent) == processors, "OMP_NUM_THREADS=" << absent);
  }
}

BOOST_AUTO_TEST_CASE(listeners_hear_the_count_at_once_and_at_every_change) {
  const RestoreThreads restore;
  set_num_threads(2);
  heard.clear();
  on_num_threads_changed(hear);
  BOOST_TEST(heard == std::vector<int>({2}));
  set_num_threads(5);
  on_num_threads_changed(hear);
  BOOST_TEST(heard == std::vector<int>({2, 5, 5}));
  set_num_threads(1);
  BOOST_TEST(heard == std::vector<int>({2, 5, 5, 1}));
  BOOST_CHECK_THROW(set_num_threads(0), ValueError);
  BOOST_TEST(heard.size() == 4u);
  BOOST_CHECK_THROW(on_num_threads_changed(nullptr), ValueError);
}

#if !defined(SLOPE_UNDER_TSAN)  // ThreadSanitizer ends a forked child that starts threads.
BOOST_AUTO_TEST_CASE(a_forked_child_and_its_parent_still_run_loops_on_several_threads) {
  const RestoreThreads restore;
  set_num_threads(3);
  BOOST_TEST(threads_that_meet(3).size() == 3u);
  for (int repeat = 0; repeat < 5; ++repeat) {
    // A second user of the pool makes its locks and flags likely to be held at the moment of the fork.
    std::atomic<bool> stop{false};
    std::thread other([&] {
      while (!stop) parallel_for(1000, 1, [](int64_t, int64_t) {});
    });
    const pid_t child = fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
      alarm(30);
      std::atomic<int64_t> sum{0};
      parallel_for(1000, 1, [&](int64_t begin, int64_t) { sum += begin; });
      set_num_threads(4);
      _exit(sum == 499'500 && threads_that_meet(4).size() == 4u ? 0 : 1);
    }
    int status = -1;
    BOOST_REQUIRE(waitpid(child, &status, 0) == child);
    BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 0), "child ended with status " << status);
    stop = true;
    other.join();
    BOOST_TEST(threads_that_meet(3).size() == 3u);
  }
}

// A child has the locks as they stood at the fork: one held by another thread, say by an allocation, stays held.
BOOST_AUTO_TEST_CASE(a_child_forked_while_other_threads_allocate_computes) {
  const RestoreThreads restore;
  set_num_threads(2);
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  for (const std::size_t bytes : {std::size_t{192}, std::size_t{1} << 20}) {  // lists that threads share; large blocks
    others.emplace_back([&stop, bytes] {
      std::vector<void*> blocks;
      while (!stop) {
        for (int i = 0; i < 6000 && !stop; ++i)
          blocks.push_back(memory::allocate(bytes < 4096 ? bytes : bytes + i % 7));
        for (std::size_t i = 0; i < blocks.size(); ++i)
          memory::deallocate(blocks[i], bytes < 4096 ? bytes : bytes + i % 7);
        blocks.clear();
      }
    });
  }
  others.emplace_back([&stop] {
    while (!stop) set_num_threads(2);
  });
  for (int repeat = 0; repeat < 60; ++repeat) {
    const pid_t child = fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
      alarm(20);
      for (int i = 0; i < 200; ++i) (void)memory::allocate(192), (void)memory::allocate(100'000);
      set_num_threads(2);
      std::atomic<int64_t> sum{0};
      parallel_for(1000, 1, [&](int64_t begin, int64_t) { sum += begin; });
      _exit(sum == 499'500 ? 0 : 1);
    }
    int status = -1;
    BOOST_REQUIRE(waitpid(child, &status, 0) == child);
    BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 0), "child " << repeat << " ended with status " << status);
    if (status != 0) break;
  }
  stop = true;
  for (auto& t : others) t.join();
}

BOOST_AUTO_TEST_CASE(a_child_forked_inside_a_loop_computes_in_its_one_thread) {
  const RestoreThreads restore;
  set_num_threads(2);
  std::atomic<int> status{-1};
  parallel_for(2, 1, [&](int64_t begin, int64_t) {
    if (begin != 0) return;
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      int64_t sum = 0;
      parallel_for(1000, 1, [&](int64_t i, int64_t) { sum += i; });
      _exit(sum == 499'500 ? 0 : 1);
    }
    int ended = -1;
    if (waitpid(child, &ended, 0) == child) status = ended;
  });
  BOOST_TEST(status == 0);
}
#endif

namespace {
/// What an addition that rounds, and a product in the denormal range, give in every chunk. As bits, since comparisons follow the
/// mode, too.
using Results = std::set<std::pair<std::uint64_t, std::uint64_t>>;
Results results_of_chunks() {
  std::mutex mutex;
  Results seen;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::atomic<int> arrived{0};
  parallel_for(4, 1, [&](int64_t, int64_t) {
    ++arrived;
    while (arrived < get_num_threads() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    volatile double one = 1, small = 1e-30, tiny = 1e-157;
    const double rounded = one + small, denormal = tiny * tiny;
    const std::lock_guard lock(mutex);
    seen.emplace(std::bit_cast<std::uint64_t>(rounded), std::bit_cast<std::uint64_t>(denormal));
  });
  return seen;
}
struct RestoreFloatMode {
  std::fenv_t before;
  RestoreFloatMode() { std::fegetenv(&before); }
  ~RestoreFloatMode() { std::fesetenv(&before); }
};
}  // namespace

BOOST_AUTO_TEST_CASE(all_threads_compute_in_the_floating_point_mode_of_the_caller_of_this_loop) {
  const RestoreThreads restore;
  const RestoreFloatMode restore_mode;
  set_num_threads(4);
  const auto one = std::bit_cast<std::uint64_t>(1.0);
  BOOST_TEST(results_of_chunks().size() == 1u);  // starts the threads, which take over the mode they start in
  for (int repeat = 0; repeat < 3; ++repeat) {
    std::fesetround(FE_UPWARD);
    BOOST_TEST(results_of_chunks().size() == 1u);
    BOOST_TEST(results_of_chunks().begin()->first == one + 1);
    std::fesetround(FE_TONEAREST);
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);  // flush to zero, denormals are zero
    BOOST_TEST((results_of_chunks() == Results{{one, 0u}}));
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() & ~0x8040u);
#endif
    BOOST_TEST(results_of_chunks().size() == 1u);
    BOOST_TEST(results_of_chunks().begin()->first == one);
    BOOST_TEST(results_of_chunks().begin()->second > 0u);
  }
}

BOOST_AUTO_TEST_SUITE_END()
