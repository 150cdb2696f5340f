#include "slope/autograd/core/stable_vector.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <iterator>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "support/checks.h"

namespace {

using namespace slope;
using Numbers = StableVector<int>;

static_assert(std::forward_iterator<Numbers::iterator> && std::forward_iterator<Numbers::const_iterator>);
static_assert(std::is_same_v<decltype(*std::declval<const Numbers&>().begin()), const int&>);

}  // namespace

BOOST_AUTO_TEST_SUITE(stable_vector)

BOOST_AUTO_TEST_CASE(elements_stay_where_they_are) {
  Numbers numbers;
  int& first = numbers.push_back(0);
  for (int i = 1; i < 100; ++i) BOOST_TEST(numbers.push_back(i) == i);
  BOOST_TEST(&first == &numbers[0]);
  BOOST_TEST(&first == &numbers.front());
  BOOST_TEST(numbers.back() == 99);
  const Numbers moved = std::move(numbers);
  BOOST_TEST(&first == &moved[0]);
  BOOST_TEST(moved.size() == 100u);
}

BOOST_AUTO_TEST_CASE(it_is_walked_in_order_and_elements_can_be_changed) {
  Numbers numbers;
  BOOST_TEST(numbers.empty());
  BOOST_TEST((numbers.begin() == numbers.end()));
  for (int i : {3, 1, 2}) numbers.push_back(i);
  for (int& i : numbers) i *= 10;
  const Numbers& same = numbers;
  std::string walk;
  for (const int& i : same) walk += std::to_string(i) + " ";
  BOOST_TEST(walk == "30 10 20 ");
  BOOST_TEST(*std::max_element(numbers.begin(), numbers.end()) == 30);
  BOOST_TEST(std::distance(same.begin(), same.end()) == 3);
  BOOST_TEST(*numbers.begin()++ == 30);
}

BOOST_AUTO_TEST_CASE(elements_need_not_be_copyable) {
  StableVector<std::unique_ptr<int>> pointers;
  pointers.push_back(std::make_unique<int>(4));
  BOOST_TEST(*pointers.begin()->get() == 4);
}

BOOST_AUTO_TEST_CASE(at_checks_its_index) {
  Numbers numbers;
  numbers.push_back(7);
  BOOST_TEST(numbers.at(0) == 7);
  BOOST_TEST(std::as_const(numbers).at(0) == 7);
  check_error<IndexError>([&] { numbers.at(1); }, "at: index 1 is out of range for 1 elements");
}

BOOST_AUTO_TEST_SUITE_END()
