#include "slope/train/plot/internal/plot_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "slope/autograd/core/error.h"
#include "slope/io/internal/text_file.h"
#include "slope/train/console/format.h"

namespace slope::train::detail {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 8> named_colors = {{{"red", "#d62728"},
                                                                              {"green", "#2ca02c"},
                                                                              {"blue", "#1f77b4"},
                                                                              {"orange", "#ff7f0e"},
                                                                              {"purple", "#9467bd"},
                                                                              {"cyan", "#17becf"},
                                                                              {"gray", "#7f7f7f"},
                                                                              {"black", "#000000"}}};
constexpr std::array<const char*, 6> color_sequence = {"blue", "red", "green", "purple", "orange", "cyan"};

// Point types of gnuplot's cairo and svg terminals, and the character that stands for each in a text picture.
struct Glyph {
  int point_type;
  char text;
};

Glyph glyph_of(Marker marker) {
  switch (marker) {
    case Marker::none: return {0, ' '};
    case Marker::circle: return {7, 'o'};
    case Marker::ring: return {6, 'o'};
    case Marker::square: return {5, '#'};
    case Marker::triangle: return {9, '^'};
    case Marker::diamond: return {13, 'v'};
    case Marker::cross: return {2, 'x'};
    case Marker::star: return {3, '*'};
  }
  return {7, 'o'};
}

std::string rgb(const std::string& color, std::size_t position, double opacity) {
  const std::string wanted = color.empty() ? color_sequence[position % color_sequence.size()] : color;
  std::string hex;
  for (const auto& [name, value] : named_colors) {
    if (wanted == name) hex = value;
  }
  if (hex.empty() && wanted.size() == 7 && wanted[0] == '#' &&
      wanted.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string::npos) {
    hex = wanted;
  }
  if (hex.empty()) throw ValueError("save_figure: unknown colour '" + wanted + "'; use #rrggbb or a name as red");
  if (!(opacity >= 0 && opacity <= 1))
    throw ValueError(concat("save_figure: opacity must be in [0, 1], got ", opacity));
  if (opacity == 1) return "'" + hex + "'";
  return fmt::format("'#{:02x}{}'", std::lround(255 * (1 - opacity)), hex.substr(1));
}

// Nine digits bring back every float32 and keep the files short.
std::string number(double value) { return fmt::format("{:.9g}", value); }

// The extent of what a panel shows along one axis.
struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
  Extent padded(double share) const {
    if (empty()) return {0, 1};
    const double width = high - low;
    const double pad = width > 0 ? width * share : std::max(0.5, std::abs(low) * 0.05);
    return {low - pad, high + pad};
  }
  std::string text() const { return fmt::format("[{}:{}]", python_repr(low), python_repr(high)); }
};

class ScriptWriter {
 public:
  ScriptWriter(const Figure& figure, const PlotOptions& options) : figure_(figure), options_(options) {}

  PlotScript write(const std::string& name);

 private:
  // What one `plot` command draws, for pictures and for text.
  struct Elements {
    std::vector<std::string> picture;
    std::vector<std::string> text;
    void both(const std::string& element) {
      picture.push_back(element);
      text.push_back(element);
    }
  };

  std::size_t open_block(const std::string& panel, const std::string& series);
  void data_line(double x, double y, const std::string& z = "");
  void command(const std::string& line) { body_ += line + "\n"; }
  std::string text_variable(const std::string& text);

  void write_terminals(const std::string& name);
  void write_panel(const Panel& panel);
  void add_heat_map(const HeatMap& map, const std::string& panel, Elements& elements);
  void add_contours(const HeatMap& map, const std::string& panel, Elements& elements);
  void add_series(const Series& series, std::size_t position, const std::string& panel, Elements& elements);

  const Figure& figure_;
  const PlotOptions& options_;
  PlotScript script_;
  std::string body_;
  std::vector<std::string> texts_;
  std::size_t blocks_ = 0;
  std::string block_tail_;
};

// A variable of the script that holds `text`. gnuplot gathers the body of a loop up to its closing brace and misreads
// quotes, braces and backticks in strings on the way, so that every text is assigned before the loop.
std::string ScriptWriter::text_variable(const std::string& text) {
  const auto known = std::find(texts_.begin(), texts_.end(), text);
  const auto index = known - texts_.begin();
  if (known == texts_.end()) texts_.push_back(text);
  return fmt::format("text_{}", index);
}

std::size_t ScriptWriter::open_block(const std::string& panel, const std::string& series) {
  if (blocks_ > 0) script_.data += "\n\n";
  block_tail_ = "," + io::csv_field(panel) + "," + io::csv_field(series) + "\n";
  // A line break inside a quoted field would look like the end of a block.
  std::replace(block_tail_.begin(), block_tail_.end() - 1, '\n', ' ');
  return blocks_++;
}

void ScriptWriter::data_line(double x, double y, const std::string& z) {
  script_.data += number(x) + "," + number(y) + "," + z + block_tail_;
}

void ScriptWriter::add_heat_map(const HeatMap& map, const std::string& panel, Elements& elements) {
  const Grid& grid = map.grid;
  if (grid.x.size() < 2 || grid.y.size() < 2 || grid.z.size() != grid.x.size() * grid.y.size()) {
    throw ValueError(concat("save_figure: the heat map of panel '", panel, "' has ", grid.z.size(), " values for ",
                            grid.x.size(), " x ", grid.y.size(), " points"));
  }
  if (!(map.low < map.high)) {
    throw ValueError(concat("save_figure: the palette's ends must rise, got ", map.low, " to ", map.high));
  }
  const std::size_t block = open_block(panel, map.label.empty() ? "map" : map.label);
  for (std::size_t j = 0; j < grid.y.size(); ++j) {
    for (std::size_t i = 0; i < grid.x.size(); ++i) {
      data_line(grid.x[i], grid.y[j], number(grid.z[j * grid.x.size() + i]));
    }
    if (j + 1 < grid.y.size()) script_.data += "\n";
  }
  // Characters have no shades; a text picture shows the contours alone.
  elements.picture.push_back(fmt::format("data skip 1 index {} using 1:2:3 with image notitle", block));
}

void ScriptWriter::add_contours(const HeatMap& map, const std::string& panel, Elements& elements) {
  bool titled = map.level_label.empty();
  for (const double level : map.levels) {
    const std::vector<Polyline> lines = contour_lines(map.grid, level);
    if (lines.empty()) continue;
    const std::size_t block = open_block(panel, "contour " + python_repr(level));
    for (std::size_t k = 0; k < lines.size(); ++k) {
      if (k > 0) script_.data += "\n";
      for (const auto& [x, y] : lines[k]) data_line(x, y, python_repr(level));
    }
    const std::string title = titled ? "notitle" : "title " + text_variable(map.level_label);
    elements.both(fmt::format("data skip 1 index {} using 1:2 with lines lw 2 lc rgb '#000000' {}", block, title));
    titled = true;
  }
}

void ScriptWriter::add_series(const Series& series, std::size_t position, const std::string& panel,
                              Elements& elements) {
  if (series.x.size() != series.y.size()) {
    throw ValueError(concat("save_figure: series '", series.label, "' has ", series.x.size(), " x and ",
                            series.y.size(), " y values"));
  }
  if (series.marker == Marker::none && series.stroke == Stroke::none && !series.bars) {
    throw ValueError("save_figure: series '" + series.label + "' has neither markers nor a line");
  }
  const std::string color = rgb(series.color, position, series.opacity);
  const Glyph glyph = glyph_of(series.marker);
  const bool line = series.stroke != Stroke::none;
  const bool marks = series.marker != Marker::none;
  std::string style;
  std::string text_style;
  if (series.bars) {
    style = fmt::format("boxes fill solid 0.6 lc rgb {}", color);
    text_style = "boxes";
  } else {
    style = line && marks ? "linespoints" : line ? "lines" : "points";
    // A second class of points needs a character of its own where there are no colours.
    constexpr std::array<char, 4> classes = {'.', 'o', '+', 'x'};
    const char mark = line ? glyph.text : classes[position % classes.size()];
    text_style = line ? fmt::format("lines dt {}", position % 4 + 1) : fmt::format("points pt '{}'", mark);
    if (marks) style += fmt::format(" pt {} ps {}", glyph.point_type, python_repr(series.marker_size));
    style += fmt::format(" lc rgb {}", color);
    if (line) {
      const int dash = series.stroke == Stroke::dashed ? 2 : series.stroke == Stroke::dotted ? 3 : 1;
      style += fmt::format(" lw {} dt {}", python_repr(series.line_width), dash);
    }
  }
  const std::string title = series.label.empty() ? "notitle" : "title " + text_variable(series.label);
  // gnuplot refuses a plot of nothing; an empty class still belongs in the legend.
  std::string source = "keyentry";
  const auto finite = [&](std::size_t i) { return std::isfinite(series.x[i]) && std::isfinite(series.y[i]); };
  bool any = false;
  for (std::size_t i = 0; i < series.x.size() && !any; ++i) any = finite(i);
  if (any) {
    const std::size_t block = open_block(panel, series.label);
    for (std::size_t i = 0; i < series.x.size(); ++i) data_line(series.x[i], series.y[i]);
    source = fmt::format("data skip 1 index {} using 1:2", block);
  } else if (series.label.empty()) {
    return;
  }
  elements.picture.push_back(fmt::format("{} with {} {}", source, style, title));
  elements.text.push_back(fmt::format("{} with {} {}", source, text_style, title));
}

// The distance of ticks that are whole numbers, about eight of them.
double whole_step(const Extent& extent) {
  double step = 1;
  const std::array<double, 3> factors = {2, 2.5, 2};
  for (std::size_t i = 0; (extent.high - extent.low) / step > 8; i = (i + 1) % 3) {
    step *= factors[i];
    if (step == 5 || step >= 10) step = std::round(step);
  }
  return step;
}

void ScriptWriter::write_panel(const Panel& panel) {
  Elements elements;
  for (const HeatMap& map : panel.heat_maps) add_heat_map(map, panel.title, elements);
  for (std::size_t i = 0; i < panel.series.size(); ++i) add_series(panel.series[i], i, panel.title, elements);
  for (const HeatMap& map : panel.heat_maps) add_contours(map, panel.title, elements);

  Extent x;
  Extent y;
  for (const Series& series : panel.series) {
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (!std::isfinite(series.x[i]) || !std::isfinite(series.y[i])) continue;
      x.include(series.x[i]);
      y.include(series.y[i]);
      if (series.bars) y.include(0);
    }
  }
  x = x.padded(0.04);
  y = y.padded(0.04);
  if (!panel.heat_maps.empty()) {
    x = y = {};
    for (const HeatMap& map : panel.heat_maps) {
      for (const double value : map.grid.x) x.include(value);
      for (const double value : map.grid.y) y.include(value);
    }
  }

  command(panel.equal_axes ? "  if (!text) { set size ratio -1 }" : "  set size noratio");
  command("  set title " + text_variable(panel.title) + (panel.title.empty() ? "" : " offset 0,-0.4"));
  command("  set xlabel " + text_variable(panel.x_label) + " offset 0,(text ? 0 : 0.3)");
  command("  set ylabel " + text_variable(panel.y_label));
  command("  set xrange " + x.text());
  command("  set yrange " + y.text());
  command(panel.whole_x ? fmt::format("  set xtics {} nomirror", python_repr(whole_step(x)))
                        : std::string("  set xtics autofreq nomirror"));
  command(panel.grid_lines && panel.heat_maps.empty()
              ? "  if (text) { unset grid } else { set grid lc rgb '#e4e4e4' lt 1 }"
              : "  unset grid");
  const bool titled =
      std::any_of(panel.series.begin(), panel.series.end(), [](const Series& s) { return !s.label.empty(); }) ||
      std::any_of(panel.heat_maps.begin(), panel.heat_maps.end(),
                  [](const HeatMap& m) { return !m.level_label.empty(); });
  command(titled ? "  if (text) { set key outside bottom center horizontal Left reverse samplen 2 }\n"
                   "  if (!text) { set key bmargin center horizontal Left reverse samplen 2 }"
                 : "  unset key");
  const double bottom = 2.4 + (panel.x_label.empty() ? 0 : 1.3) + (titled ? 1.7 : 0);
  command(fmt::format("  if (text) {{ unset tmargin; unset bmargin }} else {{ set tmargin {}; set bmargin {} }}",
                      panel.title.empty() ? 1 : 2.6, bottom));
  if (!panel.heat_maps.empty()) {
    const HeatMap& map = panel.heat_maps.back();
    command(map.palette == Palette::diverging
                ? "  set palette defined (0 '#7fb2d6', 1 '#c3dbeb', 2 '#f7f7f7', 3 '#f9cdb8', 4 '#ec8f74')"
                : "  set palette defined (0 '#f7fbff', 1 '#c6dbef', 2 '#6baed6', 3 '#2171b5', 4 '#08306b')");
    command(fmt::format("  set cbrange [{}:{}]", python_repr(map.low), python_repr(map.high)));
    command("  set cblabel " + text_variable(map.label));
  }
  const auto plot = [](const std::vector<std::string>& list) {
    std::string out;
    for (const std::string& element : list) out += (out.empty() ? "" : ", \\\n      ") + element;
    // An axis frame still needs one thing to plot.
    return "plot " + (out.empty() ? std::string("NaN notitle") : "NaN notitle, \\\n      " + out);
  };
  if (elements.picture == elements.text) {
    command("  " + plot(elements.picture));
  } else {
    command("  if (text) {\n    " + plot(elements.text) + "\n  } else {\n    " + plot(elements.picture) + "\n  }");
  }
}

void ScriptWriter::write_terminals(const std::string& name) {
  const int count = static_cast<int>(figure_.panels.size());
  const int across = std::min(count, figure_.panels_per_row);
  const int down = (count + across - 1) / across;
  const bool equal =
      std::any_of(figure_.panels.begin(), figure_.panels.end(), [](const Panel& p) { return p.equal_axes; });
  const int width = across * (figure_.panel_width > 0 ? figure_.panel_width : 480);
  const int height = down * (figure_.panel_height > 0 ? figure_.panel_height
                             : equal                  ? 480
                                                      : 360) +
                     (figure_.title.empty() ? 0 : 30);
  // A character is about twice as high as wide.
  const int fitting = equal ? std::min(79, across * (2 * options_.text_rows - 4)) : 79;
  const int columns = options_.text_columns > 0 ? options_.text_columns : fitting;
  const double scale = options_.png_scale;

  command("  text = format eq 'dumb'");
  command(fmt::format(
      "  if (format eq 'svg') {{\n    set terminal svg size {},{} font 'Helvetica,Arial,sans-serif,12' noenhanced "
      "background rgb 'white'\n    set output {}\n  }}",
      width, height, text_variable("./" + name + ".svg")));
  command(fmt::format(
      "  if (format eq 'png') {{\n    if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) {{\n"
      "      set terminal pngcairo size {0},{1} font 'sans,12' fontscale {2} linewidth {2} pointscale {2} noenhanced "
      "background rgb 'white'\n    }} else {{\n      set terminal png size {0},{1} noenhanced\n    }}\n    set output "
      "{3}\n  }}",
      std::lround(width * scale), std::lround(height * scale), python_repr(scale),
      text_variable("./" + name + ".png")));
  command(fmt::format("  if (text) {{\n    set terminal dumb size {},{} noenhanced\n    set output\n  }}", columns,
                      options_.text_rows * down));
}

PlotScript ScriptWriter::write(const std::string& name) {
  if (figure_.panels.empty()) throw ValueError("save_figure: the figure has no panels");
  if (figure_.panels_per_row < 1) {
    throw ValueError(concat("save_figure: panels_per_row must be at least 1, got ", figure_.panels_per_row));
  }
  if (!(options_.png_scale > 0 && options_.png_scale <= 10)) {
    throw ValueError(concat("save_figure: png_scale must be in (0, 10], got ", options_.png_scale));
  }
  if (options_.text_rows < 5 || options_.text_columns < 0) {
    throw ValueError("save_figure: a text picture needs at least 5 rows and no negative width");
  }
  // Far beyond what is drawn, and no product of two of them leaves an int.
  constexpr int largest = 20000;
  if (options_.text_rows > largest || options_.text_columns > largest) {
    throw ValueError(concat("save_figure: a text picture has at most ", largest, " rows and columns"));
  }
  if (figure_.panel_width > largest || figure_.panel_height > largest || figure_.panels.size() > 1000) {
    throw ValueError(concat("save_figure: a figure has at most 1000 panels of ", largest, " x ", largest, " pixels"));
  }
  const bool several = figure_.panels.size() > 1 || !figure_.title.empty();
  const int count = static_cast<int>(figure_.panels.size());
  const int across = std::min(count, figure_.panels_per_row);

  script_.data = "x,y,z,panel,series\n";
  command("do for [format in formats] {");
  write_terminals(name);
  if (several) {
    command(fmt::format("  set multiplot layout {},{}{}", (count + across - 1) / across, across,
                        figure_.title.empty() ? "" : " title " + text_variable(figure_.title) + " font ',15'"));
  }
  for (const Panel& panel : figure_.panels) write_panel(panel);
  if (several) command("  unset multiplot");
  command("  set output\n}");

  const std::string formats = fmt::format("{}{}{}", options_.svg ? "svg" : "", options_.svg && options_.png ? " " : "",
                                          options_.png ? "png" : "");
  script_.commands = "# Redraw in this folder: gnuplot " + gnuplot_quoted(name + ".gp") + "\n";
  script_.commands += "if (!exists('formats')) { formats = '" + formats + "' }\n";
  script_.commands += "data = " + gnuplot_quoted("./" + name + ".csv") + "\n";
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    script_.commands += fmt::format("text_{} = {}\n", i, gnuplot_quoted(texts_[i]));
  }
  script_.commands +=
      "set datafile separator comma\n"
      "set encoding utf8\n"
      "set border 3 lc rgb '#555555'\n"
      "set tics textcolor rgb '#222222' nomirror format '%g'\n";
  script_.commands += body_;
  return std::move(script_);
}

}  // namespace

std::string gnuplot_quoted(const std::string& text) {
  constexpr std::string_view harmless = " _.,:/()[]+-=|%<>?*&~^";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      out += ' ';
    } else if (byte >= 0x80 || std::isalnum(byte) != 0 || harmless.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("\\{:03o}", byte);
    }
  }
  return out + "\"";
}

PlotScript plot_script(const Figure& figure, const std::string& name, const PlotOptions& options) {
  return ScriptWriter(figure, options).write(name);
}

}  // namespace slope::train::detail
