#pragma once

#include <utility>
#include <vector>

#include "slope/autograd/core/source_loc.h"

namespace slope::train {

/// Values on a rectangular grid: `z[j * x.size() + i]` belongs to the point (x[i], y[j]).
struct Grid {
  /// Coordinates of the columns and rows, and the values, row by row.
  std::vector<double> x;
  std::vector<double> y;
  std::vector<double> z;

  /// A grid of evenly spaced points with both ends included; z is left empty. Throws ValueError for fewer than 2 or
  /// more than 20,000 points a side, or an empty range.
  ///
  ///     Grid grid = Grid::over(-12, 12, 120, -12, 12, 120);
  ///     for (auto [x, y] : grid.points()) inputs.push_back(...);   // in the order z has
  ///     grid.z = probabilities;
  static Grid over(double x_low, double x_high, int x_count, double y_low, double y_high, int y_count,
                   SourceLoc loc = SourceLoc::here());

  /// Every point in the order of z: x runs fastest.
  std::vector<std::pair<double, double>> points() const;
};

/// Points of a line; the first repeats as the last when it is closed.
using Polyline = std::vector<std::pair<double, double>>;

/// The lines on which the grid, interpolated linearly along cell edges, takes the value `level` (marching squares; a
/// saddle is resolved by the mean of its cell's corners). Cells with a value that is not finite are left out. Empty
/// when the level is not crossed. Throws ValueError when the grid's sizes do not match.
std::vector<Polyline> contour_lines(const Grid& grid, double level, SourceLoc loc = SourceLoc::here());

}  // namespace slope::train
