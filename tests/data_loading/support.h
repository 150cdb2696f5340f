#pragma once

#include <filesystem>
#include <thread>
#include <vector>

#include "slope/autograd/tensor/factory.h"
#include "slope/data/data.h"

// What the tests of loading share: a dataset whose samples say who they are, and what a loader made of it.

/// Sample i is {(i, -i), (10·i)}, float32.
inline slope::data::TensorDataset numbered(std::int64_t n) {
  std::vector<float> x, y;
  for (std::int64_t i = 0; i < n; ++i) {
    x.push_back(static_cast<float>(i));
    x.push_back(static_cast<float>(-i));
    y.push_back(static_cast<float>(10 * i));
  }
  return {slope::tensor(x).view({n, 2}), slope::tensor(y).view({n, 1})};
}

/// The same samples one by one, so that batches are stacked.
inline slope::data::FunctionDataset numbered_one_by_one(std::int64_t n) {
  return {n, [](std::int64_t i) {
            const auto v = static_cast<double>(i);
            return slope::data::Sample{slope::tensor({v, -v}), slope::tensor({10 * v})};
          }};
}

/// The indices of one epoch, batch by batch.
inline std::vector<std::vector<int>> epoch_of(slope::data::DataLoader& loader) {
  std::vector<std::vector<int>> out;
  for (auto& [x, y] : loader) {
    out.emplace_back();
    for (double v : x.select(1, 0).to_vector<double>()) out.back().push_back(static_cast<int>(v));
  }
  return out;
}

inline std::vector<int> flat(const std::vector<std::vector<int>>& batches) {
  std::vector<int> out;
  for (const auto& b : batches) out.insert(out.end(), b.begin(), b.end());
  return out;
}

/// Threads of this process.
inline std::ptrdiff_t thread_count() {
  static const bool warm =
      (std::thread([] {}).join(), true);  // a sanitizer starts a thread of its own with the first one
  (void)warm;
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}
