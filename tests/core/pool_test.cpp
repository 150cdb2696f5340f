#include "slope/autograd/core/pool.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <set>
#include <thread>

using namespace slope;

BOOST_AUTO_TEST_SUITE(pool)

namespace {

/// Made before a thread's first block, so gone after the thread's lists.
struct Late {
  void* block = nullptr;
  ~Late() {
    if (!block) return;
    memory::deallocate(block, 256);
    void* another = memory::allocate(100);
    std::memset(another, 1, 100);
    memory::deallocate(another, 100);
  }
};
thread_local Late late;

}  // namespace

BOOST_AUTO_TEST_CASE(blocks_may_be_freed_and_asked_for_after_a_threads_lists_are_gone) {
  for (int i = 0; i < 50; ++i)
    std::thread([] {
      late.block = nullptr;
      late.block = memory::allocate(256);
      std::memset(late.block, 2, 256);
    }).join();
  // No block is handed out twice.
  std::set<void*> held;
  for (int i = 0; i < 500; ++i) BOOST_TEST(held.insert(memory::allocate(256)).second);
  for (void* block : held) memory::deallocate(block, 256);
}

// Under the sanitizers each block is the system's, and kept from being used again.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POOL_IS_OFF
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define POOL_IS_OFF
#endif
#endif
#ifndef POOL_IS_OFF
BOOST_AUTO_TEST_CASE(blocks_of_a_thread_that_ended_are_used_again) {
  std::set<void*> first, second;
  const auto take = [](std::set<void*>& blocks) {
    std::thread([&] {
      for (int i = 0; i < 20; ++i) blocks.insert(memory::allocate(3000));
      for (void* block : blocks) memory::deallocate(block, 3000);
    }).join();
  };
  take(first);
  take(second);
  std::size_t again = 0;
  for (void* block : second) again += first.contains(block);
  BOOST_TEST(again == first.size());
}
#endif

BOOST_AUTO_TEST_SUITE_END()
