// Views, joins and rearrangements. What they give is squared, so that the second derivative is not zero.
#include "op_table.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/ops/pointwise/inplace.h"
#include "slope/autograd/tensor/factory.h"

using namespace slope;

namespace {

/// The pieces as one sum, each with a factor of its own.
Tensor weighted(const std::vector<Tensor>& pieces) {
  Tensor total = pieces[0].square().sum();
  for (std::size_t i = 1; i < pieces.size(); ++i)
    total = total + pieces[i].square().sum() * (1.0 + static_cast<double>(i));
  return total;
}

}  // namespace

void add_movement(OpTable& table) {
  auto shaped = [&](std::string name, OpSample::Function f, std::vector<Shape> shapes) {
    table.push_back(
        {std::move(name), [f = std::move(f)](const Inputs& in) { return square(f(in)); }, std::move(shapes)});
  };
  auto row = [&](std::string name, OpSample::Function f) { shaped(std::move(name), std::move(f), {{2, 3, 4}}); };
  row("view", [](const Inputs& in) { return view(in[0] * 1.0, {6, -1}); });
  row("view_as", [](const Inputs& in) { return view_as(in[0] * 1.0, zeros({4, 6})); });
  row("reshape", [](const Inputs& in) { return reshape(in[0], {4, 6}); });
  row("reshape/copy", [](const Inputs& in) { return reshape(in[0].transpose(0, 2), {4, 6}); });
  row("reshape_as", [](const Inputs& in) { return reshape_as(in[0], zeros({24})); });
  shaped("reshape/0d", [](const Inputs& in) { return reshape(in[0], {1, 1}); }, {Shape{}});
  shaped("reshape/empty", [](const Inputs& in) { return reshape(in[0], {3, 0}); }, {{0, 2}});
  row("flatten", [](const Inputs& in) { return flatten(in[0], 1); });
  shaped("flatten/0d", [](const Inputs& in) { return flatten(in[0]); }, {Shape{}});
  row("unflatten", [](const Inputs& in) { return unflatten(in[0], -1, {2, -1}); });
  shaped("squeeze", [](const Inputs& in) { return squeeze(in[0]); }, {{1, 3, 1}});
  shaped("squeeze/dim", [](const Inputs& in) { return squeeze(in[0], -1); }, {{1, 3, 1}});
  row("squeeze/nothing", [](const Inputs& in) { return squeeze(in[0], 1); });
  row("unsqueeze", [](const Inputs& in) { return unsqueeze(in[0], -2); });
  shaped("unsqueeze/0d", [](const Inputs& in) { return unsqueeze(in[0], 0); }, {Shape{}});
  row("permute", [](const Inputs& in) { return permute(in[0], {2, 0, 1}); });
  row("transpose", [](const Inputs& in) { return transpose(in[0], 0, 2); });
  shaped("transpose/0d", [](const Inputs& in) { return transpose(in[0], 0, -1); }, {Shape{}});
  row("swapaxes", [](const Inputs& in) { return swapaxes(in[0], 0, 1); });
  row("movedim", [](const Inputs& in) { return movedim(in[0], {0, 1}, {-1, 0}); });
  row("expand", [](const Inputs& in) { return expand(unsqueeze(in[0], 1), {2, 5, -1, 4}); });
  shaped("expand/0d", [](const Inputs& in) { return expand(in[0], {2, 3}); }, {Shape{}});
  shaped("expand/to_nothing", [](const Inputs& in) { return expand(in[0], {0, 3}); }, {{1, 3}});
  row("expand_as", [](const Inputs& in) { return expand_as(in[0], zeros({2, 2, 3, 4})); });
  row("broadcast_to", [](const Inputs& in) { return broadcast_to(in[0], {2, 2, 3, 4}); });
  row("sum_to", [](const Inputs& in) { return sum_to(in[0], {3, 1}); });
  row("narrow", [](const Inputs& in) { return narrow(in[0], 2, 1, 2); });
  row("narrow/nothing", [](const Inputs& in) { return narrow(in[0], 2, 1, 0); });
  row("slice", [](const Inputs& in) { return slice(in[0], 1, -2, {}); });
  row("slice/step", [](const Inputs& in) { return slice(in[0], 2, 0, 4, 3); });
  row("select", [](const Inputs& in) { return select(in[0], 1, -1); });
  row("diagonal", [](const Inputs& in) { return diagonal(in[0], 1, 1, 2); });
  row("diagonal/below", [](const Inputs& in) { return diagonal(in[0], -1, 2, 0); });
  row("unfold", [](const Inputs& in) { return unfold(in[0], 2, 3, 1); });
  row("unfold/gaps", [](const Inputs& in) { return unfold(in[0], 2, 1, 2); });
  shaped("unfold/0d", [](const Inputs& in) { return unfold(in[0], 0, 1, 1); }, {Shape{}});
  row("as_strided", [](const Inputs& in) { return as_strided(in[0] * 1.0, {3, 3}, {4, 2}, 1); });
  row("as_strided/overlapping", [](const Inputs& in) { return as_strided(in[0] * 1.0, {3, 3}, {1, 1}, 2); });

  auto pieces = [&](std::string name, std::function<std::vector<Tensor>(In)> f) {
    table.push_back(
        {std::move(name), [f = std::move(f)](const Inputs& in) { return weighted(f(in[0])); }, {{2, 3, 4}}});
  };
  pieces("split", [](In x) { return split(x, 3, 2); });
  pieces("split/sizes", [](In x) { return split(x, std::vector<std::int64_t>{1, 0, 2}, 1); });
  pieces("chunk", [](In x) { return chunk(x, 3, -1); });
  pieces("unbind", [](In x) { return unbind(x, 1); });
  row("split/one_piece", [](const Inputs& in) { return split(in[0], 2, 1)[1]; });
  row("unbind/one_piece", [](const Inputs& in) { return unbind(in[0])[1]; });
  table.push_back({"broadcast_tensors",
                   [](const Inputs& in) {
                     const auto out = broadcast_tensors({in[0], in[1]});
                     return out[0] * out[1];
                   },
                   {{2, 1}, {3}}});
}

void add_joins(OpTable& table) {
  auto row = [&](std::string name, OpSample::Function f, std::vector<Shape> shapes = {{2, 3, 4}}) {
    table.push_back(
        {std::move(name), [f = std::move(f)](const Inputs& in) { return square(f(in)); }, std::move(shapes)});
  };
  const auto list = [](const Inputs& in) { return std::vector<Tensor>(in.begin(), in.end()); };
  row("cat", [=](const Inputs& in) { return cat(list(in), 1); }, {{2, 3}, {2, 1}, {2, 2}});
  row("cat/empty_vector", [=](const Inputs& in) { return cat(list(in)); }, {{2, 3}, {0}, {1, 3}});
  row("cat/nothing", [=](const Inputs& in) { return cat(list(in)); }, {{0}, {0}});
  row("cat/twice_the_same", [](const Inputs& in) { return cat({in[0], in[0]}, 1); });
  row("stack", [=](const Inputs& in) { return stack(list(in), -1); }, {{2, 3}, {2, 3}});
  row("stack/0d", [=](const Inputs& in) { return stack(list(in)); }, {Shape{}, Shape{}});
  row("hstack", [=](const Inputs& in) { return hstack(list(in)); }, {{2, 3}, {2, 1}});
  row("hstack/0d", [=](const Inputs& in) { return hstack(list(in)); }, {Shape{}, {3}});
  row("vstack", [=](const Inputs& in) { return vstack(list(in)); }, {{3}, {2, 3}});
  row("repeat", [](const Inputs& in) { return repeat(in[0], {2, 1, 2}); });
  row("repeat/new_dims", [](const Inputs& in) { return repeat(in[0], {3, 1, 1, 2}); });
  row("repeat/0d", [](const Inputs& in) { return repeat(in[0], {3}); }, {Shape{}});
  row("repeat/no_times", [](const Inputs& in) { return repeat(in[0], {0, 1, 1}); });
  row("tile", [](const Inputs& in) { return tile(in[0], {2}); });
  row("repeat_interleave", [](const Inputs& in) { return repeat_interleave(in[0], 2); });
  row("repeat_interleave/dim", [](const Inputs& in) { return repeat_interleave(in[0], 3, 1); });
  row("flip", [](const Inputs& in) { return flip(in[0], {0, 2}); });
  row("flip/0d", [](const Inputs& in) { return flip(in[0], {0}); }, {Shape{}});
  row("roll", [](const Inputs& in) { return roll(in[0], {1, -2}, {2, 0}); });
  row("roll/flat", [](const Inputs& in) { return roll(in[0], {5}); });
  row("roll/empty", [](const Inputs& in) { return roll(in[0], {5}); }, {{0, 2}});
  row("tril", [](const Inputs& in) { return tril(in[0], 1); });
  row("triu", [](const Inputs& in) { return triu(in[0], -1); });
  row("diag", [](const Inputs& in) { return diag(in[0], 1); }, {{3}});
  row("diag/of_matrix", [](const Inputs& in) { return diag(in[0], -1); }, {{3, 4}});
  row("diag_embed", [](const Inputs& in) { return diag_embed(in[0], -2); }, {{2, 3}});
}
