// In-place operations on a copy of the first input: once on the whole, once through a view of it.
#include "op_table.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"

using namespace slope;

void add_in_place(OpTable& table) {
  using Change = std::function<void(const Tensor& y, const Inputs& in)>;
  auto row = [&](const std::string& name, const Change& change, std::vector<Shape> shapes = {{2, 3}}, double low = -2,
                 double high = 2) {
    table.push_back({name,
                     [change](const Inputs& in) {
                       const Tensor y = in[0] * 1.0;
                       change(y, in);
                       return square(y);
                     },
                     shapes, low, high});
    // The same on a column of a larger tensor, whose other elements keep their history.
    table.push_back({name + "/through_a_view",
                     [change](const Inputs& in) {
                       const Tensor all = stack({in[0] * 2.0, in[0]}, -1) * 1.0;
                       change(all.select(-1, 1), in);
                       return square(all);
                     },
                     std::move(shapes), low, high});
  };
  row("add_", [](const Tensor& y, const Inputs& in) { y.add_(in[1]); }, {{2, 3}, {3}});
  row("add_/alpha", [](const Tensor& y, const Inputs& in) { y.add_(in[1], 0.3); }, {{2, 3}, {2, 1}});
  row("add_/number", [](const Tensor& y, const Inputs&) { y += 2.0; });
  row("add_/itself", [](const Tensor& y, const Inputs&) { y += y; });
  row("sub_", [](const Tensor& y, const Inputs& in) { y -= in[1]; }, {{2, 3}, Shape{}});
  row("mul_", [](const Tensor& y, const Inputs& in) { y *= in[1]; }, {{2, 3}, {3}});
  row("div_", [](const Tensor& y, const Inputs& in) { y /= in[1]; }, {{2, 3}, {2, 3}}, 0.3, 2);
  row("pow_", [](const Tensor& y, const Inputs& in) { y.pow_(in[1]); }, {{2, 3}, {3}}, 0.3, 2);
  row("remainder_", [](const Tensor& y, const Inputs&) { y %= 5.0; }, {{2, 3}}, 0.2, 2);
  row("lerp_", [](const Tensor& y, const Inputs& in) { y.lerp_(in[1], 0.3); }, {{2, 3}, {3}});
  row("copy_", [](const Tensor& y, const Inputs& in) { y.copy_(in[1]); }, {{2, 3}, {3}});
  row("fill_", [](const Tensor& y, const Inputs&) { y.fill_(1.5); });
  row("zero_", [](const Tensor& y, const Inputs&) { y.zero_(); });
  row("floor_divide_", [](const Tensor& y, const Inputs&) { y.floor_divide_(5.0); }, {{2, 3}}, 0.2, 2);
  row("fmod_", [](const Tensor& y, const Inputs&) { y.fmod_(5.0); }, {{2, 3}}, 0.2, 2);
  row("clamp_", [](const Tensor& y, const Inputs&) { y.clamp_(-5.0, 5.0); });
  row("clamp_min_", [](const Tensor& y, const Inputs&) { y.clamp_min_(-5.0); });
  row("clamp_max_", [](const Tensor& y, const Inputs&) { y.clamp_max_(5.0); });

  struct Unary {
    const char* name;
    TensorAlias (Tensor::*change)(SourceLoc) const;
    double low, high;
  };
  const Unary unary[] = {
#define SLOPE_UNARY(name, Name, kind, value, derivative, low, high, text) {#name "_", &Tensor::name##_, low, high},
#include "slope/autograd/tensor/tensor-unary.h"
  };
  for (const Unary& u : unary)
    row(u.name, [f = u.change](const Tensor& y, const Inputs&) { (y.*f)(SourceLoc::here()); }, {{2, 3}}, u.low, u.high);

  const Tensor mask = tensor({{true, false, true}, {false, false, true}});
  row("masked_fill_", [mask](const Tensor& y, const Inputs& in) { y.masked_fill_(mask, in[1]); }, {{2, 3}, Shape{}});
  row("masked_scatter_", [mask](const Tensor& y, const Inputs& in) { y.masked_scatter_(mask, in[1]); }, {{2, 3}, {4}});
  row("scatter_", [](const Tensor& y, const Inputs& in) { y.scatter_(1, tensor({{0, 2}, {1, 0}}), in[1]); },
      {{2, 3}, {2, 2}});
  row("scatter_add_", [](const Tensor& y, const Inputs& in) { y.scatter_add_(1, tensor({{0, 0}, {1, 0}}), in[1]); },
      {{2, 3}, {2, 2}});
  row("index_add_", [](const Tensor& y, const Inputs& in) { y.index_add_(1, tensor({2, 2}), in[1], 0.5); },
      {{2, 3}, {2, 2}});
  row("index_copy_", [](const Tensor& y, const Inputs& in) { y.index_copy_(1, tensor({2, 0}), in[1]); },
      {{2, 3}, {2, 2}});
  row("index_fill_", [](const Tensor& y, const Inputs&) { y.index_fill_(1, tensor({2, 0}), 1.5); });
  row("index_put_", [](const Tensor& y, const Inputs& in) { y.index_put_({tensor({1, 0}), 2}, in[1]); }, {{2, 3}, {2}});
  row("index_put_/accumulate", [](const Tensor& y, const Inputs& in) { y.index_put_({tensor({1, 1})}, in[1], true); },
      {{2, 3}, {3}});
  row("index_put_/slice", [](const Tensor& y, const Inputs& in) { y.index_put_({Slice{}, Slice{1, 3}}, in[1]); },
      {{2, 3}, {2}});
  // A draw ends the gradient of what was there.
  row("uniform_", [](const Tensor& y, const Inputs&) {
    Generator g(3);
    y.uniform_(0, 1, g);
  });
  row("normal_", [](const Tensor& y, const Inputs&) {
    Generator g(3);
    y.normal_(0, 1, g);
  });
  row("exponential_", [](const Tensor& y, const Inputs&) {
    Generator g(3);
    y.exponential_(1, g);
  });
  row("bernoulli_", [](const Tensor& y, const Inputs&) {
    Generator g(3);
    y.bernoulli_(0.5, g);
  });
  table.push_back({"mul_/one_view_by_another",
                   [](const Inputs& in) {
                     const Tensor y = in[0] * 1.0;
                     y.select(1, 1).mul_(y.select(1, 0).clone());
                     return square(y);
                   },
                   {{2, 3, 4}}});
}
