#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "slope/slope.h"

/// The handwritten digits of digits.csv, and pictures of them.
struct Digits {
  slope::Tensor images;  ///< (N, 1, 8, 8), from 0 to 1
  slope::Tensor labels;  ///< (N), int64

  /// Rows `from` up to, not including, `to`.
  Digits rows(std::int64_t from, std::int64_t to) const {
    return {slope::narrow(images, 0, from, to - from), slope::narrow(labels, 0, from, to - from)};
  }
};

/// Throws slope::IoError for a file that is absent or no table of 65 numbers a line.
inline Digits read_digits(const std::string& path) {
  std::ifstream file(path);
  if (!file)
    throw slope::IoError("digits: cannot read " + path + "; run from the project's folder, or name it by --data");
  std::vector<float> pixels;
  std::vector<std::int64_t> labels;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    const char* at = line.c_str();
    for (int i = 0; i < 65; ++i) {
      char* end = nullptr;
      number = static_cast<int>(std::strtol(at, &end, 10));
      if (end == at || *end != (i < 64 ? ',' : '\0'))
        throw slope::IoError("digits: " + path + " has a line that is no digit");
      if (i < 64) pixels.push_back(static_cast<float>(number) / 16);
      at = end + 1;
    }
    labels.push_back(number);
  }
  const auto n = static_cast<std::int64_t>(labels.size());
  return {slope::tensor(pixels).reshape({n, 1, 8, 8}), slope::tensor(labels)};
}

/// Images (N, 1, 8, 8) beside and below each other, `per_row` in a row; what is left over stays white.
inline slope::train::Panel mosaic(const slope::Tensor& images, int per_row, std::string title) {
  const auto n = static_cast<int>(images.size(0));
  const int rows = (n + per_row - 1) / per_row, width = per_row * 9 - 1, height = rows * 9 - 1;
  slope::train::Grid grid = slope::train::Grid::over(0, width - 1, width, 1 - height, 0, height);
  grid.z.assign(static_cast<std::size_t>(width * height), 0);
  const std::vector<double> pixels = images.to_vector<double>();
  for (int i = 0; i < n * 64; ++i) {
    const int image = i / 64, y = image / per_row * 9 + i % 64 / 8, x = image % per_row * 9 + i % 8;
    grid.z[static_cast<std::size_t>((height - 1 - y) * width + x)] =
        pixels[static_cast<std::size_t>(i)];  // y grows upwards
  }
  return {.title = std::move(title),
          .heat_maps = {{.grid = std::move(grid), .palette = slope::train::Palette::sequential}},
          .equal_axes = true,
          .grid_lines = false};
}
