// The rows copied one after the other, and a table of zeros to which those of the gradient are added.
#include <algorithm>
#include <memory>

#include "embedding.h"
#include "harness.h"

using namespace compare::embedding;

namespace {

struct Loops {
  std::vector<float> weight = table(), y = std::vector<float>(static_cast<std::size_t>(indices * width)), dy = grad(),
                     dw = weight;
  std::vector<std::int64_t> index = chosen();

  void forward() {
#pragma omp parallel for num_threads(compare::limit_threads())
    for (std::int64_t i = 0; i < indices; ++i)
      std::copy_n(weight.data() + index[static_cast<std::size_t>(i)] * width, width, y.data() + i * width);
  }
  void backward() {
#pragma omp parallel for num_threads(compare::limit_threads())
    for (std::int64_t r = 0; r < rows; ++r) std::fill_n(dw.data() + r * width, width, 0.F);
    for (std::int64_t i = 0; i < indices; ++i) {
      float* row = dw.data() + index[static_cast<std::size_t>(i)] * width;
      const float* from = dy.data() + i * width;
      for (std::int64_t k = 0; k < width; ++k) row[k] += from[k];
    }
  }
};

const compare::Registered registered([] {
  compare::limit_works().add(forward_name, []() -> compare::Work {
    const auto loops = std::make_shared<Loops>();
    return {.run = [=] { loops->forward(); },
            .check =
                [=] {
                  loops->forward();
                  return compare::magnitude(loops->y);
                }};
  });
  compare::limit_works().add(backward_name, []() -> compare::Work {
    const auto loops = std::make_shared<Loops>();
    const auto run = [=] {
      loops->forward();
      loops->backward();
    };
    return {.run = run, .check = [=] {
              run();
              return compare::magnitude(loops->dw);
            }};
  });
});

}  // namespace
