#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "data.h"

/// The main job: training a 2-4-8-1 net (61 parameters) with focal loss and L1 and L2 penalties by Adam, in batches of
/// 100 that are gathered, in random order, from the training part (4340) of 6200 points. A call of the work is an epoch
/// of 44 steps, the shuffling included.
namespace compare::focal {

inline constexpr std::int64_t positive = 200, negative = 6000, points = positive + negative, training = 4340,
                              batch = 100;
inline constexpr std::int64_t steps = (training + batch - 1) / batch;
inline constexpr double coefficient = 1e-3, learning_rate = 0.01;
inline constexpr std::int64_t parameters = 2 * 4 + 4 + 4 * 8 + 8 + 8 + 1;
/// How far the sums of the losses of an epoch may be apart: all do the same steps, in float32.
inline constexpr double tolerance = 1e-4;

/// The ways to write it, and the works: one beside the fastest loop we know, one beside the loop one would write.
inline constexpr const char* forms[] = {"composed", "pointwise", "built_in"};
inline std::string step_name(const char* form) { return std::string("focal/step/") + form; }
inline std::string plain_name(const char* form) { return std::string("focal/plain/") + form; }

struct Points {
  std::vector<float> x, y;  // (points, 2) and (points, 1)
  std::vector<std::int64_t> training_rows;
};
/// Rings of radius 5 and 8 with normal noise, as in the tutorial.
inline Points make_points() {
  Points p;
  const std::vector<float> noise = normals(points, 1), angle = uniforms(points, 2, 0, 6.2831853f);
  for (std::size_t i = 0; i < points; ++i) {
    const float radius = (i < positive ? 5.f : 8.f) + noise[i];
    p.x.push_back(radius * std::cos(angle[i]));
    p.x.push_back(radius * std::sin(angle[i]));
    p.y.push_back(i < positive ? 1.f : 0.f);
    p.training_rows.push_back(static_cast<std::int64_t>(i));
  }
  std::mt19937 random(3);
  std::shuffle(p.training_rows.begin(), p.training_rows.end(), random);
  p.training_rows.resize(training);
  return p;
}

/// Weight [out, in] and bias of each layer in turn.
inline std::vector<float> initial_parameters() {
  std::vector<float> all;
  unsigned seed = 10;
  for (const auto& [in, out] : {std::pair{2, 4}, {4, 8}, {8, 1}}) {
    const float bound = 1 / std::sqrt(static_cast<float>(in));
    const std::vector<float> layer = uniforms(in * out + out, seed++, -bound, bound);
    all.insert(all.end(), layer.begin(), layer.end());
  }
  return all;
}

}  // namespace compare::focal
