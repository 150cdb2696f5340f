// Pooling, padding, resampling and folding. Linear ones are squared, so that the second derivative is not zero.
#include "op_table.h"
#include "slope/autograd/ops/ops.h"
#include "slope/nn/functional.h"

using namespace slope;

void add_pooling(OpTable& table) {
  const auto row = [&](std::string name, Shape shape, std::function<Tensor(In)> f) {
    table.push_back({std::move(name), [f = std::move(f)](const Inputs& in) { return square(f(in[0])); }, {shape}});
  };
  using Mode = F::InterpolateMode;
  const Shape signal = {2, 2, 5}, image = {1, 2, 4, 4}, volume = {1, 1, 2, 3, 3};
  row("max_pool1d", signal, [](In x) { return F::max_pool1d(x, 2, {.stride = 1}); });
  row("max_pool2d", image, [](In x) { return F::max_pool2d(x, 2, {.padding = 1}); });
  row("max_pool3d", volume, [](In x) { return F::max_pool3d(x, 2, {.stride = 1}); });
  row("max_pool2d/empty", {0, 2, 4, 4}, [](In x) { return F::max_pool2d(x, 2); });
  row("avg_pool1d", signal, [](In x) { return F::avg_pool1d(x, 3, {.stride = 1, .padding = 1}); });
  row("avg_pool2d", image, [](In x) { return F::avg_pool2d(x, 2); });
  row("avg_pool3d", volume, [](In x) { return F::avg_pool3d(x, 2, {.stride = 1}); });
  row("avg_pool2d/empty", {0, 2, 4, 4}, [](In x) { return F::avg_pool2d(x, 2); });
  row("lp_pool1d", signal, [](In x) { return F::lp_pool1d(x, 2, 2); });
  row("lp_pool2d", image, [](In x) { return F::lp_pool2d(x, 2, 2); });
  row("lp_pool3d", volume, [](In x) { return F::lp_pool3d(x, 2, 2); });
  row("adaptive_avg_pool1d", signal, [](In x) { return F::adaptive_avg_pool1d(x, 3); });
  row("adaptive_avg_pool2d", image, [](In x) { return F::adaptive_avg_pool2d(x, {3, 1}); });
  row("adaptive_avg_pool3d", volume, [](In x) { return F::adaptive_avg_pool3d(x, 2); });
  row("adaptive_max_pool1d", signal, [](In x) { return F::adaptive_max_pool1d(x, 3); });
  row("adaptive_max_pool2d", image, [](In x) { return F::adaptive_max_pool2d(x, {3, 1}); });
  row("adaptive_max_pool3d", volume, [](In x) { return F::adaptive_max_pool3d(x, 2); });
  row("max_unpool1d", {1, 1, 2}, [](In x) { return F::max_unpool1d(x, tensor({{{3, 1}}}), 2); });
  row("fractional_max_pool2d", image,
      [](In x) { return F::fractional_max_pool2d(x, 2, {.output_size = 2}, full({1, 2, 2}, 0.5)); });
  row("pad", signal, [](In x) { return F::pad(x, {1, -1}, {.value = 2}); });
  row("pad/reflect", signal, [](In x) { return F::pad(x, {2, 1}, {.mode = F::PadMode::reflect}); });
  row("interpolate", image, [](In x) { return F::interpolate(x, {.size = {6, 3}}); });
  row("interpolate/linear", signal, [](In x) { return F::interpolate(x, {.size = 8, .mode = Mode::linear}); });
  row("interpolate/bicubic", image, [](In x) { return F::interpolate(x, {.size = {6, 3}, .mode = Mode::bicubic}); });
  row("interpolate/empty", {0, 1, 3}, [](In x) { return F::interpolate(x, {.size = 5}); });
  row("unfold", image, [](In x) { return F::unfold(x, 2, {.padding = 1}); });
  row("fold", {1, 4, 9}, [](In x) { return F::fold(x, 4, 2); });
  row("affine_grid", {1, 2, 3}, [](In x) { return F::affine_grid(x, {1, 1, 2, 2}); });
  table.push_back({"grid_sample",
                   [](const Inputs& in) { return F::grid_sample(in[0], in[1]); },
                   {{1, 2, 3, 3}, {1, 2, 2, 2}},
                   -0.9,
                   0.9});
}
