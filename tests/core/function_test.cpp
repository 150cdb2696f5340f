#include "slope/autograd/core/function.h"

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "slope/autograd/core/error.h"

namespace {

using namespace slope;

/// A callable that counts its copies and living instances, and can be made to throw when it is copied. `Words` sets its
/// size.
template <int Words>
struct Counted {
  struct Counts {
    int alive = 0, copies = 0;
    bool throws = false;
  };
  Counts* counts;
  std::array<void*, Words> payload{};

  explicit Counted(Counts& c) : counts(&c) { ++c.alive; }
  Counted(const Counted& o) : counts(o.counts), payload(o.payload) {
    if (counts->throws) throw std::runtime_error("copying failed");
    ++counts->copies;
    ++counts->alive;
  }
  Counted(Counted&& o) noexcept : counts(o.counts), payload(o.payload) { ++counts->alive; }
  ~Counted() { --counts->alive; }
  int operator()() const { return Words; }
};
static_assert(sizeof(Counted<1>) <= 3 * sizeof(void*) && sizeof(Counted<8>) > 3 * sizeof(void*));

int twice(int x) { return 2 * x; }
int twice_of_seven() { return twice(7); }

struct Box {
  int value = 0;
  int plus(int x) const { return value + x; }
  void set(int x) { value = x; }
};

static_assert(std::is_nothrow_move_constructible_v<Function<void()>>);
static_assert(!std::is_constructible_v<Function<int(int)>, int>);
static_assert(!std::is_constructible_v<Function<int(int)>, int (*)(std::string)>);
static_assert(!std::is_constructible_v<Function<int(std::string)>, decltype(twice)*>);
static_assert(std::is_convertible_v<decltype(twice)*, Function<int(int)>>);
static_assert(std::is_convertible_v<Function<int(int)>, std::function<int(int)>>);

}  // namespace

BOOST_AUTO_TEST_SUITE(function)

BOOST_AUTO_TEST_CASE(an_empty_one_is_false_and_throws_when_called) {
  Function<int(int)> none, null = nullptr, taken = twice;
  const Function<int(int)> moved = std::move(taken);
  for (const auto* f : {&none, &null, &taken}) {  // NOLINT(bugprone-use-after-move): a moved-from Function is empty
    BOOST_TEST(!*f);
    BOOST_TEST((*f == nullptr));
    BOOST_CHECK_EXCEPTION((*f)(1), ValueError, [](const ValueError& e) {
      return std::string(e.what()) == "Function: called while empty; assign a callable first";
    });
    const Function<int(int)> copy = *f;
    BOOST_TEST(!copy);
  }
  BOOST_TEST(static_cast<bool>(moved));
  BOOST_TEST((moved != nullptr));
  BOOST_TEST(moved(4) == 8);
}

BOOST_AUTO_TEST_CASE(what_std_function_takes_it_takes_too) {
  int offset = 10;
  const Function<int(int)> from_lambda = [](int x) { return x + 1; },
                           from_capture = [&offset](int x) { return x + offset; },
                           from_generic = [](auto x) { return x - 1; }, from_name = twice, from_address = &twice,
                           from_std = std::function<int(int)>(twice), from_object = std::negate<>(),
                           from_other = Function<long(long)>([](long x) { return 3 * x; });
  BOOST_TEST(from_lambda(5) == 6);
  BOOST_TEST(from_capture(5) == 15);
  BOOST_TEST(from_generic(5) == 4);
  BOOST_TEST(from_name(5) == 10);
  BOOST_TEST(from_address(5) == 10);
  BOOST_TEST(from_std(5) == 10);
  BOOST_TEST(from_object(5) == -5);
  BOOST_TEST(from_other(5) == 15);
  const std::function<int(int)> back = from_capture;
  BOOST_TEST(back(1) == 11);
}

BOOST_AUTO_TEST_CASE(member_pointers_take_objects_references_and_pointers) {
  Box box{.value = 2};
  const Function<int(const Box&, int)> plus = &Box::plus;
  const Function<int(Box*, int)> plus_of = &Box::plus;
  const Function<int(std::shared_ptr<Box>, int)> plus_shared = &Box::plus;
  const Function<void(Box&, int)> set = &Box::set;
  const Function<int&(Box&)> value = &Box::value;
  BOOST_TEST(plus(box, 1) == 3);
  BOOST_TEST(plus_of(&box, 2) == 4);
  BOOST_TEST(plus_shared(std::make_shared<Box>(box), 3) == 5);
  set(box, 7);
  BOOST_TEST(box.value == 7);
  value(box) = 9;
  BOOST_TEST(box.value == 9);
}

BOOST_AUTO_TEST_CASE(null_callables_make_an_empty_one) {
  int (*no_pointer)(int) = nullptr;
  int (Box::*no_member)(int) const = nullptr;
  BOOST_TEST(!Function<int(int)>(no_pointer));
  BOOST_TEST(!(Function<int(const Box&, int)>(no_member)));
  BOOST_TEST(!Function<int(int)>(std::function<int(int)>()));
  BOOST_TEST(!Function<int(int)>(Function<long(long)>()));
}

BOOST_AUTO_TEST_CASE(arguments_are_passed_on_as_they_came_and_results_convert) {
  const Function<std::size_t(std::unique_ptr<std::string>)> size = [](std::unique_ptr<std::string> s) {
    return s->size();
  };
  BOOST_TEST(size(std::make_unique<std::string>("four")) == 4u);
  std::vector<int> list;
  const Function<void(std::vector<int>&, int)> append = [](std::vector<int>& v, int x) {
    v.push_back(x);
    return 0.5;
  };
  append(list, 1);
  append(list, 2);
  BOOST_TEST(list == (std::vector<int>{1, 2}), boost::test_tools::per_element());
  const Function<const int*(const int&)> address = [](const int& x) { return &x; };
  BOOST_TEST(address(list[1]) == &list[1]);
  const Function<std::string(const char*)> text = [](const char* s) { return s; };
  BOOST_TEST(text("abc") == "abc");
}

BOOST_AUTO_TEST_CASE(copies_are_independent_and_calls_change_the_callable) {
  Function<int()> counter = [n = 0]() mutable { return ++n; };
  const Function<int()> as_const = counter;
  BOOST_TEST(as_const() == 1);
  BOOST_TEST(as_const() == 2);
  Function<int()> copy = as_const;
  BOOST_TEST(copy() == 3);
  BOOST_TEST(as_const() == 3);
  BOOST_TEST(counter() == 1);
  counter = as_const;
  BOOST_TEST(counter() == 4);
  counter = twice_of_seven;
  BOOST_TEST(counter() == 14);
  counter = nullptr;
  BOOST_TEST(!counter);
}

template <int Words>
void check_lifetimes(int copies_when_moved) {
  using Callable = Counted<Words>;
  typename Callable::Counts counts;
  {
    Function<int()> f = Callable(counts);
    BOOST_TEST(counts.alive == 1);
    BOOST_TEST(counts.copies == 0);
    Function<int()> moved = std::move(f);
    BOOST_TEST(counts.alive == 1);
    BOOST_TEST(counts.copies == copies_when_moved);
    BOOST_TEST(moved() == Words);
    Function<int()> copy = moved, other = twice_of_seven;
    BOOST_TEST(counts.alive == 2);
    BOOST_TEST(counts.copies == 1);
    std::swap(copy, other);
    BOOST_TEST(copy() == 14);
    BOOST_TEST(other() == Words);
    BOOST_TEST(counts.alive == 2);
    auto& self = moved;
    moved = self;
    moved = std::move(self);
    BOOST_TEST(moved() == Words);
    BOOST_TEST(counts.alive == 2);
    other = nullptr;
    BOOST_TEST(counts.alive == 1);
    std::vector<Function<int()>> many(5, moved);
    many.resize(50);
    BOOST_TEST(counts.alive == 6);
    BOOST_TEST(many[4]() == Words);
  }
  BOOST_TEST(counts.alive == 0);
}

BOOST_AUTO_TEST_CASE(small_and_large_callables_are_copied_moved_and_destroyed_once) {
  check_lifetimes<1>(0);
  check_lifetimes<8>(0);
}

template <int Words>
void check_failed_copies() {
  using Callable = Counted<Words>;
  typename Callable::Counts counts;
  {
    const Function<int()> f = Callable(counts);
    Function<int()> target = twice_of_seven;
    counts.throws = true;
    BOOST_CHECK_THROW(target = f, std::runtime_error);
    BOOST_TEST(target() == 14);
    BOOST_CHECK_THROW(Function<int()>{f}, std::runtime_error);
    const Callable callable(counts);
    BOOST_CHECK_THROW(target = callable, std::runtime_error);
    BOOST_TEST(target() == 14);
    BOOST_TEST(counts.alive == 2);
  }
  BOOST_TEST(counts.alive == 0);
}

BOOST_AUTO_TEST_CASE(a_copy_that_throws_changes_nothing) {
  check_failed_copies<1>();
  check_failed_copies<8>();
}

BOOST_AUTO_TEST_CASE(what_the_callable_throws_passes_through) {
  const Function<void(int)> f = [](int x) {
    if (x < 0) throw std::domain_error("negative");
  };
  BOOST_CHECK_NO_THROW(f(1));
  BOOST_CHECK_THROW(f(-1), std::domain_error);
  BOOST_CHECK_NO_THROW(f(1));
}

BOOST_AUTO_TEST_CASE(callables_that_need_more_alignment_get_it) {
  struct alignas(64) Wide {
    bool operator()() const { return reinterpret_cast<std::uintptr_t>(this) % 64 == 0; }
  };
  std::vector<Function<bool()>> many(7, Wide());
  for (const auto& f : many) BOOST_TEST(f());
}

BOOST_AUTO_TEST_CASE(the_old_callable_is_destroyed_when_the_new_one_is_in_place) {
  Function<int()> f;
  // Its destructor looks at the function, which already holds the new callable.
  struct Last {
    Function<int()>* owner;
    int* seen;
    ~Last() { *seen = (*owner)(); }
  };
  int seen = 0;
  f = [last = std::shared_ptr<Last>(new Last{&f, &seen})] { return 1; };
  f = twice_of_seven;
  BOOST_TEST(seen == 14);
}

BOOST_AUTO_TEST_SUITE_END()
