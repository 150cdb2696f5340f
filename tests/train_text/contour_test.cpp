#include "slope/train/plot/contour.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "slope/autograd/core/error.h"
#include "test_support.h"

using namespace slope::train;
using train_text::error_of;

namespace {

template <class F>
Grid sampled(Grid grid, F f) {
  for (const auto& [x, y] : grid.points()) grid.z.push_back(f(x, y));
  return grid;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(contour)

BOOST_AUTO_TEST_CASE(a_grid_lists_its_points_with_x_running_fastest) {
  const Grid grid = Grid::over(0, 2, 3, 10, 11, 2);
  const std::vector<std::pair<double, double>> expected = {{0, 10}, {1, 10}, {2, 10}, {0, 11}, {1, 11}, {2, 11}};
  BOOST_TEST((grid.points() == expected));
  BOOST_TEST(Grid::over(-12, 12, 121, -1, 1, 2).x.back() == 12);
}

BOOST_AUTO_TEST_CASE(a_cone_is_cut_in_one_closed_circle) {
  const Grid grid = sampled(Grid::over(-10, 10, 81, -10, 10, 81), [](double x, double y) { return std::hypot(x, y); });
  const auto lines = contour_lines(grid, 6.1);
  BOOST_TEST_REQUIRE(lines.size() == 1U);
  BOOST_TEST((lines[0].front() == lines[0].back()));
  double length = 0;
  for (std::size_t i = 0; i < lines[0].size(); ++i) {
    const auto [x, y] = lines[0][i];
    BOOST_TEST(std::hypot(x, y) == 6.1, boost::test_tools::tolerance(1e-3));
    if (i > 0) length += std::hypot(x - lines[0][i - 1].first, y - lines[0][i - 1].second);
  }
  BOOST_TEST(length == 2 * std::acos(-1.0) * 6.1, boost::test_tools::tolerance(1e-3));
}

BOOST_AUTO_TEST_CASE(a_closed_line_sets_out_into_the_first_cell_that_it_crosses) {
  Grid grid = Grid::over(0, 2, 3, 0, 2, 3);
  grid.z = {0, 0, 0, 0, 1, 0, 0, 0, 0};
  const Polyline expected = {{1, 0.5}, {0.5, 1}, {1, 1.5}, {1.5, 1}, {1, 0.5}};
  const auto lines = contour_lines(grid, 0.5);
  BOOST_TEST_REQUIRE(lines.size() == 1U);
  BOOST_TEST((lines[0] == expected));
}

BOOST_AUTO_TEST_CASE(a_plane_is_cut_in_one_straight_line_from_edge_to_edge) {
  const Grid grid = sampled(Grid::over(0, 1, 11, 0, 2, 7), [](double x, double y) { return x + 0 * y; });
  const auto lines = contour_lines(grid, 0.33);
  BOOST_TEST_REQUIRE(lines.size() == 1U);
  BOOST_TEST(lines[0].size() == 7U);
  for (const auto& [x, y] : lines[0]) BOOST_TEST(x == 0.33, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(std::abs(lines[0].front().second - lines[0].back().second) == 2.0);
}

BOOST_AUTO_TEST_CASE(two_rings_give_four_circles) {
  const Grid grid = sampled(Grid::over(-10, 10, 161, -5, 5, 81), [](double x, double y) {
    const double r = std::hypot(std::abs(x) - 5, y);
    return std::exp(-(r - 3) * (r - 3));
  });
  const auto lines = contour_lines(grid, 0.6);
  BOOST_TEST(lines.size() == 4U);
  for (const Polyline& line : lines) BOOST_TEST((line.front() == line.back()));
}

BOOST_AUTO_TEST_CASE(a_saddle_is_cut_in_two_lines_that_do_not_cross) {
  const Grid grid = {{0, 1}, {0, 1}, {1, 0, 0, 1}};
  const auto low = contour_lines(grid, 0.25);  // the middle, 0.5, is above: the two high corners hang together
  BOOST_TEST_REQUIRE(low.size() == 2U);
  for (const Polyline& line : low) {
    BOOST_TEST_REQUIRE(line.size() == 2U);
    const double side = line[0].first - line[0].second;
    BOOST_TEST(side * (line[1].first - line[1].second) > 0);
  }
  const auto high = contour_lines(grid, 0.75);
  BOOST_TEST_REQUIRE(high.size() == 2U);
  for (const Polyline& line : high) {
    const double side = line[0].first + line[0].second - 1;
    BOOST_TEST(side * (line[1].first + line[1].second - 1) > 0);
  }
}

BOOST_AUTO_TEST_CASE(a_level_that_is_not_crossed_has_no_line) {
  const Grid grid = sampled(Grid::over(0, 1, 5, 0, 1, 5), [](double x, double y) { return 0.1 * x * y; });
  BOOST_TEST(contour_lines(grid, 0.5).empty());
  BOOST_TEST(contour_lines(grid, -0.5).empty());
}

BOOST_AUTO_TEST_CASE(cells_with_a_value_that_is_no_number_are_left_out) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    const Grid grid =
        sampled(Grid::over(0, 4, 5, 0, 4, 5), [&](double x, double y) { return x == 2 && y == 2 ? bad : x; });
    const auto lines = contour_lines(grid, 1.5);
    BOOST_TEST(lines.size() == 2U);
    for (const Polyline& line : lines) {
      for (const auto& [x, y] : line) BOOST_TEST(x == 1.5);
    }
  }
}

BOOST_AUTO_TEST_CASE(grids_that_are_none_are_refused) {
  BOOST_TEST(error_of<slope::ValueError>([] { contour_lines({{0, 1}, {0, 1}, {1, 2, 3}}, 0); }) ==
             "contour_lines: 3 values do not fill a grid of 2 x 2 points");
  BOOST_TEST(error_of<slope::ValueError>([] { Grid::over(0, 1, 1, 0, 1, 2); }) ==
             "Grid::over: needs at least 2 points and low < high on each side, got 1 points over [0, 1]");
  BOOST_TEST(error_of<slope::ValueError>([] { Grid::over(0, 1, 2, 3, 3, 2); }) ==
             "Grid::over: needs at least 2 points and low < high on each side, got 2 points over [3, 3]");
}

BOOST_AUTO_TEST_SUITE_END()
