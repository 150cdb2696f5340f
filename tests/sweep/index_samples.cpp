// Reading and writing by index and by mask.
#include "op_table.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"

using namespace slope;

void add_indexing(OpTable& table) {
  auto row = [&](std::string name, OpSample::Function f, std::vector<Shape> shapes = {{2, 3, 4}}) {
    table.push_back(
        {std::move(name), [f = std::move(f)](const Inputs& in) { return square(f(in)); }, std::move(shapes)});
  };
  const Tensor none = zeros({0}, {.dtype = int64});
  row("index_select", [](const Inputs& in) { return index_select(in[0], 1, tensor({2, 0, 2})); });
  row("index_select/none", [none](const Inputs& in) { return index_select(in[0], 0, none); });
  row("index_select/0d", [](const Inputs& in) { return index_select(in[0], 0, tensor({0})); }, {Shape{}});
  row("gather",
      [](const Inputs& in) { return gather(in[0], 2, tensor({{{0, 3}, {1, 1}, {2, 0}}, {{3, 3}, {0, 1}, {2, 2}}})); });
  row("gather/0d", [](const Inputs& in) { return gather(in[0], 0, tensor(0)); }, {Shape{}});
  row("take", [](const Inputs& in) { return take(in[0], tensor({{0, 23}, {5, 5}})); });
  row("take_along_dim", [](const Inputs& in) { return take_along_dim(in[0], tensor({{{2}, {0}}}), 1); });
  row("take_along_dim/flat", [](const Inputs& in) { return take_along_dim(in[0], tensor({3, 3, 9})); });
  row("scatter", [](const Inputs& in) { return scatter(in[0], 1, tensor({{0, 2}, {3, 1}}), in[1]); }, {{2, 4}, {2, 3}});
  row("scatter/number", [](const Inputs& in) { return scatter(in[0], 1, tensor({{0, 2}, {3, 1}}), 2.5); }, {{2, 4}});
  row("scatter_add", [](const Inputs& in) { return scatter_add(in[0], 1, tensor({{0, 0, 2}, {3, 1, 3}}), in[1]); },
      {{2, 4}, {2, 3}});
  row("scatter_add/0d", [](const Inputs& in) { return scatter_add(in[0], 0, tensor(0), in[1]); }, {Shape{}, Shape{}});
  row("index_add", [](const Inputs& in) { return index_add(in[0], 0, tensor({1, 1}), in[1], 0.5); }, {{3, 2}, {2, 2}});
  row("index_add/long_rows", [](const Inputs& in) { return index_add(in[0], 0, tensor({1, 1}), in[1], 0.5); },
      {{3, 9}, {2, 9}});
  row("index_add/none", [none](const Inputs& in) { return index_add(in[0], 0, none, in[1]); }, {{3, 2}, {0, 2}});
  row("index_copy", [](const Inputs& in) { return index_copy(in[0], 1, tensor({2, 0}), in[1]); }, {{2, 3}, {2, 2}});
  row("index_fill", [](const Inputs& in) { return index_fill(in[0], 1, tensor({2, 0}), 1.5); });
  row("index", [](const Inputs& in) { return in[0].index({tensor({1, 0, 1}), Slice{}, tensor({3, -1, 3})}); });
  row("index/adjacent",
      [](const Inputs& in) { return in[0].index({Slice{1}, tensor({{0, 2}}), tensor({{-1}, {1}})}); });
  row("index/mask", [](const Inputs& in) { return in[0].index({Ellipsis, tensor({true, false, true, true})}); });
  row("index/basic", [](const Inputs& in) { return in[0].index({1, None, Slice{None, None, 2}, Ellipsis}); });
  row("index_put", [](const Inputs& in) { return in[0].index_put({tensor({1, 0}), tensor({2, 2})}, in[1]); },
      {{2, 3, 4}, {2, 4}});
  row("index_put/accumulate", [](const Inputs& in) { return in[0].index_put({tensor({1, 1})}, in[1], true); },
      {{2, 3}, {3}});
  const Tensor mask = tensor({{true, false, true}, {false, false, true}});
  row("masked_select", [](const Inputs& in) { return masked_select(in[0], gt(in[0], 0.0)); });
  row("masked_select/broadcast", [mask](const Inputs& in) { return masked_select(in[0], mask); }, {{3}});
  row("masked_select/0d", [](const Inputs& in) { return masked_select(in[0], tensor(true)); }, {Shape{}});
  row("masked_fill", [](const Inputs& in) { return masked_fill(in[0], gt(in[0], 0.0), 3.0); });
  row("masked_fill/tensor", [mask](const Inputs& in) { return masked_fill(in[0], mask, in[1]); }, {{2, 3}, Shape{}});
  row("masked_scatter", [mask](const Inputs& in) { return masked_scatter(in[0], mask, in[1]); }, {{2, 3}, {4}});
  row("where/condition_broadcasts", [mask](const Inputs& in) { return where(mask, in[0], in[1]); }, {{3}, {2, 1}});
}
