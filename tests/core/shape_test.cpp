#include "slope/autograd/core/shape.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>

#include "slope/autograd/core/error.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(shapes)

BOOST_AUTO_TEST_CASE(dimensions_count_from_both_ends) {
  for (const int ndim : {1, 2, 5})
    for (int d = 0; d < ndim; ++d) {
      BOOST_TEST(wrap_dim(d, ndim) == d);
      BOOST_TEST(wrap_dim(d - ndim, ndim) == d);
    }
  for (const int d : {-1, 0}) BOOST_TEST(wrap_dim(d, 0) == 0);
  for (const auto& [dim, ndim] : {std::pair{2, 2}, {-3, 2}, {1, 0}, {-2, 0}})
    BOOST_CHECK_THROW((void)wrap_dim(dim, ndim), IndexError);
  BOOST_CHECK_EXCEPTION((void)wrap_dim(-4, 3, "sum"), IndexError, [](const IndexError& e) {
    return std::string(e.what()).starts_with(
        "sum: Dimension out of range (expected to be in range of [-3, 2], but got -4)");
  });
}

BOOST_AUTO_TEST_CASE(sizes_of_one_broadcast_from_either_side_and_shapes_are_aligned_at_the_end) {
  BOOST_TEST((broadcast_shapes({2, 1, 4}, {3, 1}) == Shape{2, 3, 4}));
  BOOST_TEST((broadcast_shapes({3, 1}, {2, 1, 4}) == Shape{2, 3, 4}));
  BOOST_TEST((broadcast_shapes({}, {2, 3}) == Shape{2, 3}));
  BOOST_TEST((broadcast_shapes({0}, {1}) == Shape{0}));
  BOOST_CHECK_THROW((void)broadcast_shapes({0}, {2}), ShapeError);
  BOOST_CHECK_EXCEPTION((void)broadcast_shapes({5, 2, 3}, {4, 3}, "add"), ShapeError, [](const ShapeError& e) {
    return std::string(e.what()).starts_with(
        "add: The size of tensor a (2) must match the size of tensor b (4) at non-singleton dimension 1");
  });
}

BOOST_AUTO_TEST_SUITE_END()
