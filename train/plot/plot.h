#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "slope/train/plot/contour.h"

namespace slope::train {

class History;

enum class Marker { none, circle, ring, square, triangle, diamond, cross, star };
enum class Stroke { none, solid, dashed, dotted };

/// Points (x[i], y[i]) with a name in the legend. A colour is `#rrggbb` or one of red, green, blue, orange, purple,
/// cyan, gray, black; empty takes the next of a fixed sequence.
struct Series {
  std::string label = {};  // empty: not in the legend
  std::vector<double> x = {};
  std::vector<double> y = {};
  std::string color = {};
  Marker marker = Marker::circle;
  Stroke stroke = Stroke::none;
  double marker_size = 0.5;
  double line_width = 1.5;
  double opacity = 1.0;
  bool bars = false;  // upright bars of height y around x, as wide as the points are apart
};

enum class Palette { diverging, sequential };  // blue - white - red; white - dark blue

/// A grid drawn in colours, with contour lines on top.
struct HeatMap {
  Grid grid = {};
  double low = 0;  // values of the two ends of the palette
  double high = 1;
  std::string label = {};  // beside the colour scale
  Palette palette = Palette::diverging;
  std::vector<double> levels = {};  // contour lines, e.g. {0.5}
  std::string level_label = {};     // of the contour lines in the legend; empty: not in the legend
};

/// One coordinate system.
struct Panel {
  std::string title = {};
  std::string x_label = {};
  std::string y_label = {};
  std::vector<Series> series = {};
  std::vector<HeatMap> heat_maps = {};
  bool equal_axes = false;  // one unit is as long on x as on y
  bool whole_x = false;     // x counts something: no ticks between whole numbers
  bool grid_lines = true;
};

/// A picture of panels side by side.
struct Figure {
  std::string title = {};
  std::vector<Panel> panels = {};
  int panels_per_row = 2;
  int panel_width = 0;   // pixels; 0: 480
  int panel_height = 0;  // pixels; 0: 480 with equal axes, else 360
};

/// A class of points: no line, small filled circles.
Series scatter(std::string label, std::vector<double> x, std::vector<double> y, std::string color = "");

/// A line with markers.
Series curve(std::string label, std::vector<double> x, std::vector<double> y, std::string color = "",
             Stroke stroke = Stroke::solid, Marker marker = Marker::none);

/// Bars that count how many of `values` fall into each of `bins` equal intervals from the least to the greatest of
/// them; values that are not finite are not counted. Throws ValueError unless bins is 1 to
/// 1,000,000.
Series histogram(std::string label, const std::vector<double>& values, int bins = 30, std::string color = "",
                 SourceLoc loc = SourceLoc::here());

/// The curves of one quantity over the epochs: `metric` as blue dashed circles and, when the history has it,
/// `val_<metric>` as red solid circles, titled `Training and validation <metric>`. Throws ValueError when the history
/// lacks the column.
Panel metric_panel(const History& history, const std::string& metric, SourceLoc loc = SourceLoc::here());

struct PlotOptions {
  bool svg = true;
  bool png = true;
  double png_scale = 1.5;           // pixels of the PNG per pixel of the SVG
  std::ostream* text = nullptr;     // also draw the figure in characters into this stream
  int text_columns = 0;             // 0: 79, or less where equal axes need less
  int text_rows = 24;               // per row of panels
  std::ostream* notes = nullptr;    // where problems are told; null: std::cerr
  std::string program = "gnuplot";  // name on PATH, or a path
};

/// What save_figure left.
struct PlotResult {
  bool drawn = false;              // every picture asked for exists
  std::vector<std::string> files;  // everything written: data, script, pictures
  std::string note;                // what went wrong and what to do; empty when drawn
};

/// Draws the figure into `<stem>.svg` and `<stem>.png` with the external program gnuplot. `<stem>.csv` (columns x, y,
/// z, panel, series) and `<stem>.gp` stay beside the pictures: `gnuplot <name>.gp` in that folder redraws them. When gnuplot is missing or
/// fails, a note says so and data and script are left. No shell is involved and no text of the figure can act as a
/// command. Throws ValueError, before anything is written, for a figure without panels, series of unequal lengths, a
/// grid that is not full, an unknown colour, a size out of range or a file name with control characters; IoError when a file cannot be
/// written.
///
///     Figure figure = {.title = "", .panels = {{.title = "data", .series = {scatter("positive", xp, yp, "red")}}}};
///     save_figure(figure, "out/data", {.text = &std::cout});
PlotResult save_figure(const Figure& figure, const std::string& stem, const PlotOptions& options = {},
                       SourceLoc loc = SourceLoc::here());

}  // namespace slope::train
