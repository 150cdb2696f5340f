// Normalisation, shuffles of channels and space, embeddings.
#include "op_table.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/nn.h"

using namespace slope;

void add_normalization(OpTable& table) {
  const auto row = [&](std::string name, OpSample::Function f, std::vector<Shape> shapes) {
    table.push_back({std::move(name), std::move(f), std::move(shapes)});
  };
  const auto batch_norm = [](const Inputs& in) { return F::batch_norm(in[0], {}, {}, in[1], in[2], true); };
  row("batch_norm", batch_norm, {{4, 3}, {3}, {3}});
  row("batch_norm/space", batch_norm, {{2, 2, 3}, {2}, {2}});
  row("batch_norm/runs", batch_norm, {{2, 2, 17}, {2}, {2}});
  row("batch_norm/plain", [](const Inputs& in) { return F::batch_norm(in[0], {}, {}, {}, {}, true); }, {{3, 2, 2}});
  row("batch_norm/empty", batch_norm, {{0, 2, 3}, {2}, {2}});
  row("batch_norm/constant_moments",
      [](const Inputs& in) {
        return F::batch_norm(in[0], full({2}, 0.5, {.dtype = in[0].dtype()}), full({2}, 2.0, {.dtype = in[0].dtype()}),
                             in[1], in[2]);
      },
      {{3, 2}, {2}, {2}});
  row("instance_norm", [](const Inputs& in) { return F::instance_norm(in[0], {}, {}, in[1], in[2]); },
      {{2, 2, 3}, {2}, {2}});
  const auto group_norm = [](const Inputs& in) { return F::group_norm(in[0], 2, in[1], in[2]); };
  row("group_norm", group_norm, {{2, 6}, {6}, {6}});
  row("group_norm/space", group_norm, {{1, 4, 3}, {4}, {4}});
  row("group_norm/runs", group_norm, {{1, 2, 17}, {2}, {2}});
  row("layer_norm", [](const Inputs& in) { return F::layer_norm(in[0], 3, in[1], in[2]); }, {{4, 3}, {3}, {3}});
  row("layer_norm/two_dims", [](const Inputs& in) { return F::layer_norm(in[0], {2, 2}, in[1], in[2]); },
      {{3, 2, 2}, {2, 2}, {2, 2}});
  row("layer_norm/plain", [](const Inputs& in) { return F::layer_norm(in[0], 4); }, {{2, 4}});
  row("rms_norm", [](const Inputs& in) { return F::rms_norm(in[0], 3, in[1]); }, {{3, 3}, {3}});
  row("local_response_norm", [](const Inputs& in) { return F::local_response_norm(in[0], 3, 0.5); }, {{2, 3, 2}});
  row("pixel_shuffle", [](const Inputs& in) { return square(F::pixel_shuffle(in[0], 2)); }, {{4, 2, 1}});
  row("pixel_unshuffle", [](const Inputs& in) { return square(F::pixel_unshuffle(in[0], 2)); }, {{1, 2, 2, 4}});
  row("channel_shuffle", [](const Inputs& in) { return square(F::channel_shuffle(in[0], 2)); }, {{2, 4, 2}});
  row("embedding", [](const Inputs& in) { return F::embedding(tensor({{2, 0}, {2, 1}}), in[0]); }, {{3, 2}});
  for (const char* mode : {"sum", "mean", "max"})
    row(std::string("embedding_bag/") + mode,
        [mode](const Inputs& in) {
          return F::embedding_bag(tensor({2, 0, 2, 1}), in[0], tensor({0, 1, 1}), {}, {.mode = mode});
        },
        {{3, 2}});
  row("embedding_bag/weighted",
      [](const Inputs& in) {
        return F::embedding_bag(tensor({{2, 0}, {2, 1}}), in[0], {}, in[1], {.mode = "sum", .padding_idx = 1});
      },
      {{3, 2}, {2, 2}});
  row("pdist", [](const Inputs& in) { return F::pdist(in[0]); }, {{4, 2}});
}
