#pragma once

#include "data.h"

/// Losses whose inputs fit into no row of losses.h: sequences, parameters, boxes, and those sorted by their errors.
namespace compare::other {

inline constexpr std::int64_t ctc_steps = 50, ctc_rows = 16, ctc_classes = 20, ctc_labels = 15;
inline std::vector<float> ctc_scores() { return normals(ctc_steps * ctc_rows * ctc_classes, 1); }
inline std::vector<std::int64_t> ctc_targets() { return integers(ctc_rows * ctc_labels, 2, 1, ctc_classes); }

/// Features of rows, and classes for them.
inline constexpr std::int64_t rows = 128, features = 256, many_classes = 10000, arcface_classes = 1000;
inline std::vector<float> row_features() { return normals(rows * features, 3); }
inline std::vector<std::int64_t> row_classes(std::int64_t classes) { return integers(rows, 4, 0, classes); }
/// Parameter i of a module.
inline std::vector<float> parameter(std::int64_t n, std::size_t i) {
  return normals(n, static_cast<unsigned>(5 + i), 0.05f);
}

inline constexpr std::int64_t sce_rows = 4096, sce_classes = 1000;
inline std::vector<float> sce_scores() { return normals(sce_rows * sce_classes, 20); }
inline std::vector<std::int64_t> sce_targets() { return integers(sce_rows, 21, 0, sce_classes); }

inline constexpr std::int64_t boxes = 10000;
/// (x1, y1, x2, y2), with positive width and height.
inline std::vector<float> make_boxes(unsigned seed) {
  std::vector<float> b = uniforms(boxes * 4, seed);
  for (std::size_t i = 0; i < b.size(); i += 4) b[i + 2] += b[i], b[i + 3] += b[i + 1];
  return b;
}

inline constexpr std::int64_t pixels = 10000, pixel_classes = 10;
inline std::vector<float> pixel_scores() { return normals(pixels * pixel_classes, 30); }
inline std::vector<std::int64_t> pixel_labels(std::int64_t classes) { return integers(pixels, 31, 0, classes); }

}  // namespace compare::other
