#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/gradcheck.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/functional.h"

// First, second and third derivatives of every convolution by its input, weight and bias, in all layouts.

using namespace slope;

namespace {

using Inputs = std::vector<Tensor>;

struct Sample {
  std::string name;
  std::function<Tensor(const Inputs&)> function;
  std::vector<Shape> shapes;  // input, weight and perhaps bias
};

std::vector<Sample> samples() {
  std::vector<Sample> all;
  const auto add = [&](const char* name, auto f, const auto& options, std::vector<Shape> shapes) {
    all.push_back({name, [=](const Inputs& in) { return f(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), options); },
                   std::move(shapes)});
  };
  const auto conv = [&](const char* name, auto f, std::vector<Shape> shapes, const nn::ConvOptions& o = {}) {
    add(name, f, o, std::move(shapes));
  };
  const auto transposed = [&](const char* name, auto f, std::vector<Shape> shapes,
                              const nn::ConvTransposeOptions& o = {}) { add(name, f, o, std::move(shapes)); };

  conv("conv1d", F::conv1d, {{2, 2, 6}, {3, 2, 3}, {3}});
  conv("conv1d/unbatched", F::conv1d, {{2, 6}, {3, 2, 3}, {3}}, {.stride = 2, .padding = 1});
  conv("conv1d/same", F::conv1d, {{1, 2, 5}, {2, 2, 4}}, {.padding = "same", .dilation = 2});
  conv("conv1d/circular", F::conv1d, {{1, 2, 5}, {2, 2, 3}, {2}}, {.padding = 2, .padding_mode = "circular"});
  conv("conv2d", F::conv2d, {{2, 2, 4, 5}, {3, 2, 2, 3}, {3}}, {.padding = {0, 1}});
  conv("conv2d/strided", F::conv2d, {{1, 2, 6, 7}, {2, 2, 3, 2}, {2}}, {.stride = {2, 3}, .padding = 1});
  conv("conv2d/dilated", F::conv2d, {{1, 1, 6, 7}, {2, 1, 2, 3}}, {.stride = 2, .padding = 2, .dilation = {2, 3}});
  conv("conv2d/groups", F::conv2d, {{2, 4, 4, 4}, {6, 2, 3, 3}, {6}}, {.padding = 1, .groups = 2});
  conv("conv2d/depthwise", F::conv2d, {{2, 3, 4, 4}, {3, 1, 3, 3}, {3}}, {.padding = 1, .groups = 3});
  conv("conv2d/pointwise", F::conv2d, {{2, 3, 3, 4}, {4, 3, 1, 1}, {4}});
  conv("conv2d/reflect", F::conv2d, {{1, 1, 4, 4}, {2, 1, 3, 3}}, {.padding = {1, 2}, .padding_mode = "reflect"});
  conv("conv2d/replicate", F::conv2d, {{1, 1, 3, 4}, {2, 1, 3, 3}}, {.padding = "same", .padding_mode = "replicate"});
  conv("conv3d", F::conv3d, {{1, 2, 3, 3, 4}, {2, 2, 2, 2, 2}, {2}}, {.stride = {1, 2, 1}, .padding = {1, 0, 1}});
  conv("conv3d/flat", F::conv3d, {{1, 2, 3, 2, 2}, {2, 2, 3, 1, 1}, {2}});
  transposed("conv_transpose1d", F::conv_transpose1d, {{2, 2, 4}, {2, 3, 3}, {3}},
             {.stride = 2, .padding = 1, .output_padding = 1});
  transposed("conv_transpose1d/unbatched", F::conv_transpose1d, {{2, 4}, {2, 1, 2}}, {.groups = 2, .dilation = 3});
  transposed("conv_transpose2d", F::conv_transpose2d, {{1, 2, 3, 4}, {2, 2, 3, 2}, {2}},
             {.stride = {2, 3}, .padding = {1, 0}});
  transposed("conv_transpose2d/groups", F::conv_transpose2d, {{2, 4, 3, 3}, {4, 2, 2, 2}, {4}}, {.groups = 2});
  transposed("conv_transpose3d", F::conv_transpose3d, {{1, 1, 2, 2, 3}, {1, 2, 2, 3, 2}, {2}},
             {.stride = 2, .padding = {0, 1, 0}});
  return all;
}

/// The same numbers, laid out in other ways.
std::vector<std::pair<std::string, Tensor>> layouts(const Tensor& x) {
  std::vector<std::pair<std::string, Tensor>> all;
  const int last = x.dim() - 1;
  {
    const Tensor turned = x.transpose(0, last).contiguous();
    all.emplace_back("transposed", turned.transpose(0, last));
  }
  {
    Shape wide = x.shape();
    wide[last] = 2 * wide[last] + 1;
    const Tensor memory = full(wide, 7, {.dtype = float64});
    Tensor part = memory.slice(last, 1, {}, 2);
    part.copy_(x);
    all.emplace_back("sliced", part);
  }
  if (x.dim() > 2) {
    const Tensor moved = movedim(x, Shape{1}, Shape{-1}).contiguous();
    all.emplace_back("channels last", movedim(moved, Shape{-1}, Shape{1}));
  }
  return all;
}

Inputs inputs_of(const Sample& s, bool requires_grad = true) {
  manual_seed(3);
  Inputs in;
  for (const Shape& shape : s.shapes) in.push_back(randn(shape, {.dtype = float64, .requires_grad = requires_grad}));
  return in;
}

/// Of Σ y·g, or of y alone where it is one number.
std::vector<Tensor> gradients(const Tensor& y, const Inputs& in, const Tensor& g = {}, bool create_graph = false) {
  autograd::GradOptions o{.create_graph = create_graph};
  if (g.defined()) o.grad_outputs = {g};
  return autograd::grad({y}, in, o);
}

bool same_bits(const Tensor& a, const Tensor& b) { return a.shape() == b.shape() && (a == b).all().item<bool>(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(derivatives)

BOOST_AUTO_TEST_CASE(of_first_and_second_order_agree_with_differences) {
  for (const Sample& s : samples()) {
    const auto first = autograd::gradcheck(s.function, inputs_of(s));
    BOOST_TEST(first.ok, s.name << ": " << first.message);
    const auto second = autograd::gradgradcheck(s.function, inputs_of(s));
    BOOST_TEST(second.ok, s.name << ": " << second.message);
  }
}

BOOST_AUTO_TEST_CASE(of_third_order_agree_with_differences) {
  // The gradient of the squared gradient, as a function of its own.
  for (const Sample& s : samples()) {
    if (s.name != "conv1d" && s.name != "conv2d/groups" && s.name != "conv_transpose1d") continue;
    const auto squared = [&](const Inputs& in) {
      const Tensor loss = square(s.function(in)).sum();
      Tensor sum = zeros({}, {.dtype = float64});
      for (const Tensor& g : gradients(loss, in, {}, true)) sum = sum + square(g).sum();
      return sum;
    };
    const auto third = autograd::gradgradcheck(squared, inputs_of(s));
    BOOST_TEST(third.ok, s.name << ": " << third.message);
  }
}

BOOST_AUTO_TEST_CASE(have_the_same_bits_in_every_layout) {
  for (const Sample& s : samples()) {
    const Inputs in = inputs_of(s);
    const Tensor y = s.function(in), g = randn(y.shape(), {.dtype = float64});
    const std::vector<Tensor> expected = gradients(y, in, g);
    for (std::size_t i = 0; i < in.size(); ++i)
      for (const auto& [layout, other] : layouts(in[i].detach())) {
        Inputs changed = in;
        changed[i] = other.requires_grad_();
        const Tensor again = s.function(changed);
        BOOST_TEST(same_bits(again, y), s.name << ", input " << i << " " << layout);
        const std::vector<Tensor> got = gradients(again, changed, g);
        for (std::size_t j = 0; j < in.size(); ++j)
          BOOST_TEST(same_bits(got[j], expected[j]), s.name << ", input " << i << " " << layout << ": gradient " << j);
      }
    for (const auto& [layout, other] : layouts(g)) {
      const Tensor again = s.function(in);
      const std::vector<Tensor> got = gradients(again, in, other);
      for (std::size_t j = 0; j < in.size(); ++j)
        BOOST_TEST(same_bits(got[j], expected[j]), s.name << ", cotangent " << layout << ": gradient " << j);
    }
  }
}

BOOST_AUTO_TEST_CASE(of_an_expanded_input_are_those_of_its_copy) {
  const Tensor row = randn({1, 2, 1, 6}, {.dtype = float64}),
               weight = randn({3, 2, 2, 3}, {.dtype = float64, .requires_grad = true});
  const Tensor wide = expand(row, {4, 2, 5, 6}).requires_grad_(), copy = wide.detach().contiguous().requires_grad_();
  const Tensor a = F::conv2d(wide, weight), b = F::conv2d(copy, weight);
  BOOST_TEST(same_bits(a, b));
  // sum() hands back one number for all.
  const std::vector<Tensor> ga = gradients(a.sum(), {wide, weight}), gb = gradients(b.sum(), {copy, weight});
  for (std::size_t i = 0; i < 2; ++i) BOOST_TEST(same_bits(ga[i], gb[i]));
}

BOOST_AUTO_TEST_CASE(of_an_empty_batch_are_empty_or_zero) {
  for (const Sample& s : samples()) {
    if (s.name.find("unbatched") != std::string::npos) continue;
    Inputs in = inputs_of(s);
    Shape none = s.shapes[0];
    none[0] = 0;
    const Shape whole = s.function(in).shape();
    in[0] = zeros(none, {.dtype = float64, .requires_grad = true});
    const Tensor y = s.function(in);
    BOOST_TEST(y.shape()[0] == 0);
    for (int d = 1; d < whole.size(); ++d) BOOST_TEST(y.shape()[d] == whole[d], s.name);
    const std::vector<Tensor> g = gradients(y.sum(), in);
    BOOST_TEST((g[0].shape() == none), s.name);
    for (std::size_t i = 1; i < g.size(); ++i) BOOST_TEST(g[i].abs().sum().item() == 0, s.name);
  }
}

BOOST_AUTO_TEST_CASE(are_only_computed_for_who_wants_them) {
  const Tensor x = randn({1, 1, 4}), weight = randn({1, 1, 2});
  BOOST_TEST(!F::conv1d(x, weight).requires_grad());
  const Tensor leaf = randn({1, 1, 2}, {.requires_grad = true});
  F::conv1d(x, leaf).sum().backward();
  BOOST_TEST(!x.grad().defined());
  BOOST_TEST((leaf.grad().shape() == Shape{1, 1, 2}));
}

BOOST_AUTO_TEST_CASE(stay_zero_for_a_zero_cotangent) {
  const Tensor x = randn({2, 3, 5}, {.requires_grad = true}), weight = randn({4, 3, 3}, {.requires_grad = true}),
               bias = randn({4}, {.requires_grad = true});
  for (const Tensor& g : gradients(F::conv1d(x, weight, bias), {x, weight, bias}, zeros({2, 4, 3})))
    BOOST_TEST(g.abs().sum().item() == 0);
}

BOOST_AUTO_TEST_CASE(notice_that_what_they_need_was_overwritten) {
  const Tensor x = randn({1, 1, 4}, {.requires_grad = true}), weight = randn({1, 1, 2}, {.requires_grad = true});
  const Tensor y = F::conv1d(x, weight);
  {
    NoGradGuard no_grad;
    weight.mul_(2);
  }
  BOOST_CHECK_THROW(y.sum().backward(), AutogradError);
}

BOOST_AUTO_TEST_SUITE_END()
