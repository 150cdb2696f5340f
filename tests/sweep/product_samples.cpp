// Matrix products.
#include "op_table.h"
#include "slope/autograd/ops/ops.h"

using namespace slope;

void add_products(OpTable& table) {
  auto row = [&](std::string name, OpSample::Function f, std::vector<Shape> shapes) {
    table.push_back({std::move(name), std::move(f), std::move(shapes), -2, 2, true, false, false});
  };
  const OpSample::Function product = [](const Inputs& in) { return matmul(in[0], in[1]); };
  row("matmul", product, {{2, 3}, {3, 4}});
  row("matmul/dot", product, {{3}, {3}});
  row("matmul/vector", product, {{2, 3}, {3}});
  row("matmul/vector_left", product, {{3}, {3, 2}});
  row("matmul/batched", product, {{2, 2, 3}, {2, 3, 2}});
  row("matmul/broadcast", product, {{2, 1, 2, 3}, {3, 3, 2}});
  row("matmul/batch_times_matrix", product, {{2, 2, 3}, {3, 2}});
  row("matmul/matrix_times_batch", product, {{2, 3}, {2, 3, 2}});
  row("matmul/batch_times_vector", product, {{2, 2, 3}, {3}});
  row("matmul/vector_times_batch", product, {{3}, {2, 3, 2}});
  row("matmul/no_inner", product, {{2, 0}, {0, 3}});
  row("matmul/no_rows", product, {{0, 2}, {2, 3}});
  row("matmul/no_batch", product, {{0, 2, 3}, {3, 2}});
  row("mm", [](const Inputs& in) { return mm(in[0], in[1]); }, {{2, 3}, {3, 2}});
  row("bmm", [](const Inputs& in) { return bmm(in[0], in[1]); }, {{2, 1, 3}, {2, 3, 2}});
  row("mv", [](const Inputs& in) { return mv(in[0], in[1]); }, {{2, 3}, {3}});
  row("mv/empty", [](const Inputs& in) { return mv(in[0], in[1]); }, {{2, 0}, {0}});
  row("dot", [](const Inputs& in) { return dot(in[0], in[1]); }, {{3}, {3}});
  row("dot/empty", [](const Inputs& in) { return dot(in[0], in[1]); }, {{0}, {0}});
  row("vdot", [](const Inputs& in) { return vdot(in[0], in[1]); }, {{3}, {3}});
  row("outer", [](const Inputs& in) { return outer(in[0], in[1]); }, {{3}, {2}});
  row("trace", [](const Inputs& in) { return square(trace(in[0])); }, {{3, 2}});
  row("kron", [](const Inputs& in) { return kron(in[0], in[1]); }, {{2, 2}, {3}});
  const OpSample::Function fully_connected = [](const Inputs& in) { return linear(in[0], in[1], in[2]); };
  row("linear", fully_connected, {{2, 3}, {4, 3}, {4}});
  row("linear/vector", fully_connected, {{3}, {4, 3}, {4}});
  row("linear/deep", fully_connected, {{2, 1, 2, 3}, {4, 3}, {4}});
  row("linear/empty", fully_connected, {{0, 3}, {4, 3}, {4}});
  row("linear/no_inputs", fully_connected, {{2, 0}, {4, 0}, {4}});
  row("linear/without_bias", [](const Inputs& in) { return linear(in[0], in[1]); }, {{2, 2, 3}, {4, 3}});
  const AddProductOptions scaled = {.beta = 0.5, .alpha = 2.0};
  row("addmm", [=](const Inputs& in) { return addmm(in[0], in[1], in[2], scaled); }, {{2, 2}, {2, 3}, {3, 2}});
  row("addmm/broadcast", [=](const Inputs& in) { return addmm(in[0], in[1], in[2]); }, {{2}, {2, 3}, {3, 2}});
  row("addmm/ignored", [=](const Inputs& in) { return addmm(in[0], in[1], in[2], {.beta = 0}); },
      {{2, 2}, {2, 3}, {3, 2}});
  row("addmv", [=](const Inputs& in) { return addmv(in[0], in[1], in[2], scaled); }, {{2}, {2, 3}, {3}});
  row("baddbmm", [=](const Inputs& in) { return baddbmm(in[0], in[1], in[2], scaled); },
      {{1, 2}, {2, 2, 3}, {2, 3, 2}});
  row("einsum", [](const Inputs& in) { return einsum("bij,bjk->ik", {in[0], in[1]}); }, {{2, 2, 3}, {2, 3, 2}});
  row("einsum/diagonal", [](const Inputs& in) { return einsum("ii,i->i", {in[0], in[1]}); }, {{3, 3}, {3}});
  row("einsum/ellipsis", [](const Inputs& in) { return einsum("...ij,jk->...ki", {in[0], in[1]}); },
      {{2, 2, 3}, {3, 2}});
  row("einsum/three", [](const Inputs& in) { return einsum("bi,oij,bj->bo", {in[0], in[1], in[2]}); },
      {{2, 2}, {3, 2, 2}, {2, 2}});
}
