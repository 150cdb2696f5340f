#pragma once

#include <string>

#include "slope/train/plot/plot.h"

namespace slope::train::detail {

/// The two texts gnuplot draws a figure from.
struct PlotScript {
  std::string data;      // CSV; blocks parted by two blank lines, lines within a block by one
  std::string commands;  // draws every format named in the variable `formats`, by default those asked for
};

/// Builds both for pictures called `name` (without folder and ending). Throws ValueError as save_figure does.
PlotScript plot_script(const Figure& figure, const std::string& name, const PlotOptions& options);

/// `text` as a gnuplot string in double quotes with octal codes for every character that could be special somewhere (in
/// single quotes gnuplot misreads a quote at the start); line breaks and control characters become spaces.
std::string gnuplot_quoted(const std::string& text);

}  // namespace slope::train::detail
