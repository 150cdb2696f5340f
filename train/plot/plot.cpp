#include "slope/train/plot/plot.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <utility>

#include "slope/autograd/core/error.h"
#include "slope/io/internal/text_file.h"
#include "slope/train/history.h"
#include "slope/train/plot/internal/plot_script.h"
#include "slope/train/plot/internal/process.h"

namespace slope::train {
namespace {

bool has_control_character(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

std::string first_line(const std::string& text) {
  const std::size_t start = text.find_first_not_of(" \n\r\t");
  if (start == std::string::npos) return "";
  const std::size_t end = text.find('\n', start);
  return text.substr(start, end == std::string::npos ? end : end - start);
}

}  // namespace

Series scatter(std::string label, std::vector<double> x, std::vector<double> y, std::string color) {
  Series series;
  series.label = std::move(label);
  series.x = std::move(x);
  series.y = std::move(y);
  series.color = std::move(color);
  return series;
}

Series curve(std::string label, std::vector<double> x, std::vector<double> y, std::string color, Stroke stroke,
             Marker marker) {
  Series series = scatter(std::move(label), std::move(x), std::move(y), std::move(color));
  series.stroke = stroke;
  series.marker = marker;
  series.marker_size = 0.7;
  return series;
}

Series histogram(std::string label, const std::vector<double>& values, int bins, std::string color, SourceLoc loc) {
  const CallerScope scope(loc);
  if (bins < 1) throw ValueError(concat("histogram: bins must be at least 1, got ", bins));
  if (bins > 1000000) throw ValueError(concat("histogram: bins must be at most 1000000, got ", bins));
  std::vector<double> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite), [](double v) { return std::isfinite(v); });
  Series series;
  series.label = std::move(label);
  series.color = std::move(color);
  series.bars = true;
  if (finite.empty()) return series;
  const auto [least, greatest] = std::minmax_element(finite.begin(), finite.end());
  const double low = *least;
  const double span = *greatest - low;  // infinite when the values lie at both ends of what a double holds
  // All values equal: one bin of width 1 around them.
  const double width = !(span > 0) ? 1.0 : std::isfinite(span) ? span / bins : *greatest / bins - low / bins;
  const double start = *greatest > low ? low : low - 0.5;
  const int used = *greatest > low ? bins : 1;
  series.y.assign(static_cast<std::size_t>(used), 0.0);
  for (int i = 0; i < used; ++i)
    series.x.push_back(std::isfinite(span) ? start + (i + 0.5) * width : 2 * (start / 2 + (i + 0.5) * (width / 2)));
  for (const double value : finite) {
    const int bin = std::min(used - 1, static_cast<int>((value / 2 - start / 2) / (width / 2)));
    series.y[static_cast<std::size_t>(bin)] += 1;
  }
  return series;
}

Panel metric_panel(const History& history, const std::string& metric, SourceLoc loc) {
  const CallerScope scope(loc);
  std::vector<double> epochs;
  for (std::size_t e = 1; e <= history.size(); ++e) epochs.push_back(static_cast<double>(e));
  const std::string valid = "val_" + metric;
  Panel panel;
  panel.x_label = "Epochs";
  panel.y_label = metric;
  panel.whole_x = true;
  panel.series.push_back(curve("train_" + metric, epochs, history[metric], "blue", Stroke::dashed, Marker::circle));
  if (history.contains(valid)) {
    panel.title = "Training and validation " + metric;
    panel.series.push_back(curve(valid, epochs, history[valid], "red", Stroke::solid, Marker::circle));
  } else {
    panel.title = "Training " + metric;
  }
  return panel;
}

PlotResult save_figure(const Figure& figure, const std::string& stem, const PlotOptions& options, SourceLoc loc) {
  const CallerScope scope(loc);
  namespace fs = std::filesystem;
  const std::string folder = fs::path(stem).parent_path().string();
  const std::string name = fs::path(stem).filename().string();
  if (name.empty() || name == "." || name == "..") {
    throw ValueError("save_figure: '" + stem + "' names no file; give a path without ending, as out/curves");
  }
  if (has_control_character(name)) throw ValueError("save_figure: the file name holds a control character");
  const detail::PlotScript script = detail::plot_script(figure, name, options);

  PlotResult result;
  io::write_text_file(stem + ".csv", script.data);
  io::write_text_file(stem + ".gp", script.commands);
  result.files = {stem + ".csv", stem + ".gp"};
  // A picture of earlier data must not pass for one of these.
  for (const char* const ending : {".svg", ".png"}) {
    std::error_code ignored;
    fs::remove(stem + ending, ignored);
  }

  const std::string program = find_program(options.program);
  std::string problem;
  if (program.empty()) {
    problem = options.program + " was not found; install it (Debian: gnuplot-nox)";
  } else {
    // The folder is the working folder and every name starts with ./, so that none is taken for a command or an option.
    const auto draw = [&](const std::string& formats) {
      const ProcessResult run = run_process(
          {program, "--default-settings", "-e", "formats = '" + formats + "'", "./" + name + ".gp"}, folder);
      if (run.exit_code != 0 && problem.empty()) {
        problem = "gnuplot failed with exit code " + std::to_string(run.exit_code) + ": " + first_line(run.message);
      }
      return run;
    };
    for (const auto& [wanted, format] : {std::pair(options.svg, "svg"), std::pair(options.png, "png")}) {
      if (!wanted) continue;
      const std::string picture = stem + "." + format;
      draw(format);
      std::error_code error;
      if (fs::file_size(picture, error) > 0 && !error) {
        result.files.push_back(picture);
      } else if (problem.empty()) {
        problem = "gnuplot wrote no " + picture;
      }
    }
    if (options.text) *options.text << draw("dumb").output << std::flush;
  }
  result.drawn = problem.empty();
  if (!result.drawn) {
    result.note = "plot " + stem + ": " + problem + ". Data and script are left: run `gnuplot " + name + ".gp` in " +
                  (folder.empty() ? std::string("this folder") : folder);
    (options.notes ? *options.notes : std::cerr) << result.note << '\n' << std::flush;
  }
  return result;
}

}  // namespace slope::train
