#include "slope/train/plot/contour.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <unordered_map>

#include "slope/autograd/core/error.h"

namespace slope::train {
namespace {

using EdgeId = std::size_t;
constexpr EdgeId none = static_cast<EdgeId>(-1);

// Edges of the grid that the contour crosses, each linked to the crossed edges it is joined with: one in every cell it
// borders.
class CrossingGraph {
 public:
  void join(EdgeId a, EdgeId b) {
    add(a, b);
    add(b, a);
  }

  // Takes one line out of the graph; empty when nothing is left. Open lines come first, so that a walk never starts in
  // their middle.
  std::vector<EdgeId> take_line() {
    const auto open = [this](EdgeId id) { return count(id) == 1; };
    const auto left = [this](EdgeId id) { return count(id) > 0; };
    while (next_open_ < order_.size() && !open(order_[next_open_])) ++next_open_;
    if (next_open_ < order_.size()) return walk(order_[next_open_]);
    while (next_closed_ < order_.size() && !left(order_[next_closed_])) ++next_closed_;
    if (next_closed_ < order_.size()) return walk(order_[next_closed_]);
    return {};
  }

 private:
  using Neighbours = std::array<EdgeId, 2>;

  void add(EdgeId from, EdgeId to) {
    const auto [entry, fresh] = links_.try_emplace(from, Neighbours{none, none});
    if (fresh) order_.push_back(from);
    entry->second[entry->second[0] == none ? 0 : 1] = to;
  }
  int count(EdgeId id) const {
    const Neighbours& n = links_.at(id);
    return (n[0] != none ? 1 : 0) + (n[1] != none ? 1 : 0);
  }
  EdgeId unlink_any(EdgeId from) {
    Neighbours& n = links_.at(from);
    EdgeId& slot = n[0] != none ? n[0] : n[1];
    const EdgeId to = slot;
    slot = none;
    if (to == none) return none;
    Neighbours& back = links_.at(to);
    back[back[0] == from ? 0 : 1] = none;
    return to;
  }
  std::vector<EdgeId> walk(EdgeId start) {
    std::vector<EdgeId> line;
    for (EdgeId at = start; at != none; at = unlink_any(at)) line.push_back(at);
    return line;
  }

  std::unordered_map<EdgeId, Neighbours> links_;
  std::vector<EdgeId> order_;  // of first appearance: the result must not depend on hashing
  std::size_t next_open_ = 0;
  std::size_t next_closed_ = 0;
};

// Horizontal edges are even, vertical ones odd; an edge is numbered by its lower left point.
EdgeId horizontal(std::size_t point) { return 2 * point; }
EdgeId vertical(std::size_t point) { return 2 * point + 1; }

std::pair<double, double> crossing_point(const Grid& grid, EdgeId edge, double level) {
  const std::size_t width = grid.x.size();
  const std::size_t from = edge / 2;
  const bool upright = edge % 2 == 1;
  const std::size_t to = upright ? from + width : from + 1;
  const double t = (level - grid.z[from]) / (grid.z[to] - grid.z[from]);
  const double x0 = grid.x[from % width], x1 = grid.x[to % width];
  const double y0 = grid.y[from / width], y1 = grid.y[to / width];
  return {x0 + t * (x1 - x0), y0 + t * (y1 - y0)};
}

void join_cell(const Grid& grid, std::size_t i, std::size_t j, double level, CrossingGraph& graph) {
  const std::size_t width = grid.x.size();
  const std::size_t p00 = j * width + i;
  const std::size_t p01 = p00 + width;
  const std::array<double, 4> corner = {grid.z[p00], grid.z[p00 + 1], grid.z[p01 + 1],
                                        grid.z[p01]};  // counterclockwise
  if (!std::all_of(corner.begin(), corner.end(), [](double z) { return std::isfinite(z); })) return;
  const std::array<EdgeId, 4> edge = {horizontal(p00), vertical(p00 + 1), horizontal(p01), vertical(p00)};
  std::array<bool, 4> above{};
  for (std::size_t k = 0; k < 4; ++k) above[k] = corner[k] >= level;
  std::vector<EdgeId> crossed;
  for (std::size_t k = 0; k < 4; ++k) {
    if (above[k] != above[(k + 1) % 4]) crossed.push_back(edge[k]);
  }
  if (crossed.size() == 2) {
    graph.join(crossed[0], crossed[1]);
  } else if (crossed.size() == 4) {
    const double middle = (corner[0] + corner[1] + corner[2] + corner[3]) / 4;
    if (above[0] == (middle >= level)) {
      graph.join(edge[0], edge[1]);
      graph.join(edge[2], edge[3]);
    } else {
      graph.join(edge[3], edge[0]);
      graph.join(edge[1], edge[2]);
    }
  }
}

std::vector<double> evenly_spaced(double low, double high, int count) {
  if (count < 2 || !(low < high) || !std::isfinite(low) || !std::isfinite(high)) {
    throw ValueError(concat("Grid::over: needs at least 2 points and low < high on each side, got ", count,
                            " points over [", low, ", ", high, "]"));
  }
  if (count > 20'000)
    throw ValueError(concat("Grid::over: ", count, " points on one side are more than a picture shows; at most 20000"));
  std::vector<double> out;
  for (int i = 0; i < count; ++i) {
    const double t = static_cast<double>(i) / (count - 1);
    out.push_back(low + t * (high - low));
  }
  return out;
}

}  // namespace

Grid Grid::over(double x_low, double x_high, int x_count, double y_low, double y_high, int y_count, SourceLoc loc) {
  const CallerScope scope(loc);
  return {evenly_spaced(x_low, x_high, x_count), evenly_spaced(y_low, y_high, y_count), {}};
}

std::vector<std::pair<double, double>> Grid::points() const {
  std::vector<std::pair<double, double>> out;
  out.reserve(x.size() * y.size());
  for (const double row : y) {
    for (const double column : x) out.emplace_back(column, row);
  }
  return out;
}

std::vector<Polyline> contour_lines(const Grid& grid, double level, SourceLoc loc) {
  const CallerScope scope(loc);
  if (grid.z.size() != grid.x.size() * grid.y.size()) {
    throw ValueError(concat("contour_lines: ", grid.z.size(), " values do not fill a grid of ", grid.x.size(), " x ",
                            grid.y.size(), " points"));
  }
  CrossingGraph graph;
  for (std::size_t j = 0; j + 1 < grid.y.size(); ++j) {
    for (std::size_t i = 0; i + 1 < grid.x.size(); ++i) join_cell(grid, i, j, level, graph);
  }
  std::vector<Polyline> lines;
  for (auto edges = graph.take_line(); !edges.empty(); edges = graph.take_line()) {
    Polyline line;
    for (const EdgeId edge : edges) line.push_back(crossing_point(grid, edge, level));
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace slope::train
