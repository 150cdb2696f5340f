#include "slope/nn/init.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "slope/autograd/core/random.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/layers/conv.h"
#include "slope/nn/layers/linear.h"
#include "support/checks.h"

using namespace slope;
namespace init = slope::nn::init;

namespace {

struct Moments {
  double mean, deviation, low, high;
};

Moments moments(const Tensor& t) {
  const std::vector<double> v = t.to_vector<double>();
  Moments m{0, 0, v[0], v[0]};
  for (double x : v) {
    m.mean += x;
    m.low = std::min(m.low, x);
    m.high = std::max(m.high, x);
  }
  m.mean /= static_cast<double>(v.size());
  for (double x : v) m.deviation += (x - m.mean) * (x - m.mean);
  m.deviation = std::sqrt(m.deviation / static_cast<double>(v.size()));
  return m;
}

/// Mean and deviation within five standard errors (taking those of a normal variable, which bound a uniform's).
void check_moments(const Tensor& t, double mean, double deviation) {
  const Moments m = moments(t);
  const double error = deviation / std::sqrt(static_cast<double>(t.numel()));
  BOOST_TEST(std::abs(m.mean - mean) < 5 * error, "mean " << m.mean << ", expected " << mean);
  BOOST_TEST(std::abs(m.deviation - deviation) < 5 * error, "deviation " << m.deviation << ", expected " << deviation);
}

void check_uniform(const Tensor& t, double bound) {
  check_moments(t, 0, bound / std::sqrt(3.0));
  const Moments m = moments(t);
  BOOST_TEST(m.low >= -bound);
  BOOST_TEST(m.high <= bound);
  BOOST_TEST(m.high > 0.99 * bound);
  BOOST_TEST(m.low < -0.99 * bound);
}

struct Seeded {
  Seeded() { manual_seed(11); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(initialisers, Seeded)

BOOST_AUTO_TEST_CASE(fans_count_inputs_and_outputs_of_a_unit) {
  const init::Fans matrix = init::fans(zeros({5, 3})), kernel = init::fans(zeros({5, 3, 2, 4}));
  BOOST_TEST(matrix.in == 3);
  BOOST_TEST(matrix.out == 5);
  BOOST_TEST(kernel.in == 24);
  BOOST_TEST(kernel.out == 40);
  const init::Fans transposed = init::fans(nn::ConvTranspose2d(6, 4, {3, 5}, {.groups = 2}).weight);
  BOOST_TEST(transposed.in == 2 * 15);
  BOOST_TEST(transposed.out == 6 * 15);
  const std::string text = "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions";
  const Tensor v = zeros({3});
  check_error<ShapeError>([&] { init::xavier_uniform_(v); }, text);
  check_error<ShapeError>([&] { init::xavier_normal_(v); }, text);
  check_error<ShapeError>([&] { init::kaiming_uniform_(v); }, text);
  check_error<ShapeError>([&] { init::kaiming_normal_(v); }, text);
  check_values(v, {0, 0, 0});
}

BOOST_AUTO_TEST_CASE(gains_are_those_of_pytorch) {
  for (const char* name :
       {"linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid"})
    BOOST_TEST(init::calculate_gain(name) == 1.0);
  BOOST_TEST(init::calculate_gain("tanh") == 5.0 / 3);
  BOOST_TEST(init::calculate_gain("relu") == std::sqrt(2.0));
  BOOST_TEST(init::calculate_gain("leaky_relu") == std::sqrt(2.0 / (1 + 1e-4)));
  BOOST_TEST(init::calculate_gain("leaky_relu", 2) == std::sqrt(0.4));
  BOOST_TEST(init::calculate_gain("selu") == 0.75);
  check_error<ValueError>([] { init::calculate_gain("softmax"); }, "Unsupported nonlinearity softmax");
  check_error<ValueError>([] { init::calculate_gain("conv4d"); }, "Unsupported nonlinearity conv4d");
}

BOOST_AUTO_TEST_CASE(initialisers_write_parameters_without_recording) {
  const Tensor w = zeros({64, 32}, {.requires_grad = true});
  const std::uint32_t version = w.version();
  const Tensor& returned = init::kaiming_uniform_(w);
  BOOST_TEST(returned.is(w));
  BOOST_TEST(w.is_leaf());
  BOOST_TEST(w.requires_grad());
  BOOST_TEST(w.version() > version);
  for (const auto& fill : std::vector<std::function<void()>>{
           [&] { init::uniform_(w); }, [&] { init::normal_(w); }, [&] { init::constant_(w, 3); },
           [&] { init::eye_(w); }, [&] { init::orthogonal_(w); }, [&] { init::sparse_(w, 0.5); },
           [&] { init::trunc_normal_(w); }, [&] { init::xavier_uniform_(w); }, [&] { init::xavier_normal_(w); },
           [&] { init::kaiming_normal_(w); }}) {
    fill();
    BOOST_TEST(w.is_leaf());
  }
}

BOOST_AUTO_TEST_CASE(uniform_and_normal_have_their_moments) {
  const Tensor t = zeros({200, 250});
  init::uniform_(t, 2, 6);
  check_moments(t, 4, 4 / std::sqrt(12.0));
  BOOST_TEST(moments(t).low >= 2);
  BOOST_TEST(moments(t).high < 6);
  init::normal_(t, -3, 0.5);
  check_moments(t, -3, 0.5);
  check_error<ValueError>([&] { init::uniform_(t, 2, 1); }, "uniform");
  check_error<ValueError>([&] { init::normal_(t, 0, -1); }, "normal");
}

BOOST_AUTO_TEST_CASE(xavier_and_kaiming_have_their_scales) {
  const Tensor t = zeros({300, 200});
  init::xavier_uniform_(t, 2);
  check_uniform(t, 2 * std::sqrt(6.0 / 500));
  init::xavier_normal_(t, 2);
  check_moments(t, 0, 2 * std::sqrt(2.0 / 500));
  init::kaiming_uniform_(t);
  check_uniform(t, std::sqrt(3.0) * std::sqrt(2.0) / std::sqrt(200.0));
  init::kaiming_uniform_(t, {.a = std::sqrt(5.0)});
  check_uniform(t, 1 / std::sqrt(200.0));
  init::kaiming_normal_(t, {.mode = init::FanMode::fan_out, .nonlinearity = "relu"});
  check_moments(t, 0, std::sqrt(2.0 / 300));
  check_error<ValueError>([&] { init::kaiming_normal_(t, {.nonlinearity = "cubic"}); },
                          "Unsupported nonlinearity cubic");
}

BOOST_AUTO_TEST_CASE(weights_of_convolutions_have_the_scale_of_their_fans) {
  nn::Conv2d forward(30, 40, {3, 5});
  init::kaiming_normal_(forward.weight, {.nonlinearity = "relu"});
  check_moments(forward.weight, 0, std::sqrt(2.0 / (30 * 15)));
  nn::ConvTranspose2d back(30, 40, {3, 5}, {.groups = 2});
  init::kaiming_normal_(back.weight, {.nonlinearity = "linear"});
  check_moments(back.weight, 0, std::sqrt(1.0 / (20 * 15)));
  init::xavier_uniform_(back.weight);
  check_uniform(back.weight, std::sqrt(6.0 / ((20 + 30) * 15)));
  // Orthogonal: the rows of (out, in·kernel), as long as there are not more of them than columns.
  init::orthogonal_(forward.weight, std::sqrt(2.0));
  const Tensor w = forward.weight.detach().reshape({40, -1}).to(float64);
  BOOST_TEST(allclose(matmul(w, w.t()), eye(40, {.dtype = float64}) * 2, 0, 1e-5));
  // Dirac: a convolution that hands its channels through, in each group.
  for (const std::int64_t groups : {1, 2}) {
    nn::Conv2d identity(4, 4, 3, {.padding = 1, .groups = groups, .bias = false});
    init::dirac_(identity.weight, groups);
    const Tensor x = randn({2, 4, 5, 6});
    BOOST_TEST(equal(identity(x), x));
  }
}

BOOST_AUTO_TEST_CASE(linear_layers_start_within_one_over_root_of_inputs) {
  nn::Linear layer(100, 400);
  check_uniform(layer.weight, 0.1);
  check_moments(layer.bias, 0, 0.1 / std::sqrt(3.0));
  BOOST_TEST(moments(layer.bias).high <= 0.1);
  BOOST_TEST(moments(layer.bias).low >= -0.1);
}

BOOST_AUTO_TEST_CASE(truncated_normals_stay_within_their_bounds) {
  const Tensor t = zeros({200, 250}, {.dtype = float64});
  init::trunc_normal_(t);
  const Moments m = moments(t);
  BOOST_TEST(m.low >= -2);
  BOOST_TEST(m.high <= 2);
  check_moments(t, 0, 0.8796256610342398);  // of N(0, 1) given |z| <= 2
  init::trunc_normal_(t, 1, 2, 0, 2);
  check_moments(t, 1, 2 * 0.2838822900443272);  // of N(0, 1) given |z| <= 1/2
  // Far out in either tail, where the distribution function is 0 or 1 in double.
  init::trunc_normal_(t, 0, 1, 20, 21);
  BOOST_TEST(moments(t).low >= 20);
  BOOST_TEST(std::abs(moments(t).mean - 20.049753) < 1e-3);
  init::trunc_normal_(t, 0, 1, -21, -20);
  BOOST_TEST(std::abs(moments(t).mean + 20.049753) < 1e-3);
  check_error<ValueError>([&] { init::trunc_normal_(t, 0, 1, 2, 1); }, "the bounds must satisfy a < b, got 2 and 1");
  check_error<ValueError>([&] { init::trunc_normal_(t, 0, 0); }, "std must be positive, got 0");
  check_error<ValueError>([&] { init::trunc_normal_(t, 0, 1, 100, 101); }, "holds no number of N(0, 1");
}

BOOST_AUTO_TEST_CASE(orthogonal_matrices_are_orthogonal) {
  for (const Shape& shape : {Shape{40, 40}, Shape{17, 60}, Shape{60, 17}, Shape{6, 2, 3, 4}}) {
    const Tensor t = zeros(shape, {.dtype = float64});
    init::orthogonal_(t, 3);
    const Tensor w = t.reshape({shape[0], -1});
    const bool wide = w.size(0) <= w.size(1);
    const Tensor product = wide ? matmul(w, w.t()) : matmul(w.t(), w);
    BOOST_TEST(allclose(product, eye(product.size(0), {.dtype = float64}) * 9, 0, 1e-12));
  }
  check_error<ShapeError>([] { init::orthogonal_(zeros({4})); },
                          "Only tensors with 2 or more dimensions are supported");
}

BOOST_AUTO_TEST_CASE(orthogonal_matrices_have_no_preferred_sign) {
  // The first entry of a uniformly distributed orthogonal matrix is symmetric about 0.
  int positive = 0;
  for (int i = 0; i < 400; ++i) {
    const Tensor t = zeros({3, 3});
    init::orthogonal_(t);
    positive += t.select(0, 0).select(0, 0).item() > 0;
  }
  BOOST_TEST(std::abs(positive - 200) < 50);
}

BOOST_AUTO_TEST_CASE(eye_and_dirac_hand_values_through) {
  const Tensor t = full({2, 3}, 7.0);
  init::eye_(t);
  check_values(t, {1, 0, 0, 0, 1, 0});
  check_error<ShapeError>([] { init::eye_(zeros({2, 2, 2})); }, "Only tensors with 2 dimensions are supported");
  const Tensor k = full({4, 2, 3}, 7.0);
  init::dirac_(k);
  check_values(k, {0, 1, 0, 0, 0, 0, /**/ 0, 0, 0, 0, 1, 0, /**/ 0, 0, 0, 0, 0, 0, /**/ 0, 0, 0, 0, 0, 0});
  init::dirac_(k, 2);
  check_values(k, {0, 1, 0, 0, 0, 0, /**/ 0, 0, 0, 0, 1, 0, /**/ 0, 1, 0, 0, 0, 0, /**/ 0, 0, 0, 0, 1, 0});
  const Tensor image = zeros({1, 1, 3, 2});
  init::dirac_(image);
  check_values(image, {0, 0, 0, 1, 0, 0});
  check_error<ShapeError>([] { init::dirac_(zeros({2, 2})); }, "Only tensors with 3, 4, or 5 dimensions are supported");
  check_error<ValueError>([&] { init::dirac_(k, 3); }, "dim 0 must be divisible by groups");
}

BOOST_AUTO_TEST_CASE(sparse_zeroes_a_share_of_each_column) {
  const Tensor t = zeros({200, 30});
  init::sparse_(t, 0.305, 0.1);
  const std::vector<double> v = t.to_vector<double>();
  bool columns_differ = false;
  for (std::size_t c = 0; c < 30; ++c) {
    int zeros_in_column = 0;
    for (std::size_t r = 0; r < 200; ++r) {
      zeros_in_column += v[r * 30 + c] == 0;
      columns_differ |= (v[r * 30 + c] == 0) != (v[r * 30] == 0);
    }
    BOOST_TEST(zeros_in_column == 61);
  }
  BOOST_TEST(columns_differ);
  check_error<ValueError>([&] { init::sparse_(t, 1.5); }, "sparsity must be between 0 and 1, got 1.5");
  check_error<ShapeError>([] { init::sparse_(zeros({3}), 0.5); }, "Only tensors with 2 dimensions are supported");
}

BOOST_AUTO_TEST_CASE(an_own_generator_is_used_instead_of_the_default_one) {
  const auto own = [](const std::function<void(const Tensor&, Generator&)>& fill) {
    const Tensor a = zeros({6, 4}), b = zeros({6, 4});
    Generator g(5), same(5);
    manual_seed(1);
    fill(a, g);
    BOOST_TEST(default_generator().next_u64() == Generator(1).next_u64());
    fill(b, same);
    BOOST_TEST(equal(a, b));
    fill(b, same);
    BOOST_TEST(!equal(a, b));
  };
  own([](const Tensor& t, Generator& g) { init::uniform_(t, 0, 1, g); });
  own([](const Tensor& t, Generator& g) { init::normal_(t, 0, 1, g); });
  own([](const Tensor& t, Generator& g) { init::trunc_normal_(t, 0, 1, -2, 2, g); });
  own([](const Tensor& t, Generator& g) { init::xavier_uniform_(t, 1, g); });
  own([](const Tensor& t, Generator& g) { init::xavier_normal_(t, 1, g); });
  own([](const Tensor& t, Generator& g) { init::kaiming_uniform_(t, {}, g); });
  own([](const Tensor& t, Generator& g) { init::kaiming_normal_(t, {}, g); });
  own([](const Tensor& t, Generator& g) { init::orthogonal_(t, 1, g); });
  own([](const Tensor& t, Generator& g) { init::sparse_(t, 0.5, 0.01, g); });
}

BOOST_AUTO_TEST_CASE(any_layout_receives_the_same_numbers) {
  const auto same = [](const std::function<void(const Tensor&)>& fill) {
    const Tensor dense = zeros({6, 4}, {.dtype = float64}), other = zeros({4, 6}, {.dtype = float64}).t();
    manual_seed(5);
    fill(dense);
    manual_seed(5);
    fill(other);
    BOOST_TEST(equal(dense, other));
    BOOST_TEST(dense.abs().sum().item() > 0.0);
  };
  same([](const Tensor& t) { init::uniform_(t); });
  same([](const Tensor& t) { init::normal_(t); });
  same([](const Tensor& t) { init::orthogonal_(t); });
  same([](const Tensor& t) { init::trunc_normal_(t); });
  same([](const Tensor& t) { t.exponential_(2); });
  same([](const Tensor& t) { t.bernoulli_(0.5); });
}

BOOST_AUTO_TEST_CASE(tensors_without_elements_stay_as_they_are) {
  for (const Shape& shape : {Shape{0, 3}, Shape{3, 0}}) {
    const Tensor t = zeros(shape);
    init::kaiming_uniform_(t);
    init::kaiming_normal_(t);
    init::xavier_uniform_(t);
    init::xavier_normal_(t);
    init::orthogonal_(t);
    init::trunc_normal_(t);
    BOOST_TEST(t.numel() == 0);
  }
  nn::Linear layer(0, 3);
  check_values(layer(zeros({2, 0})), {0, 0, 0, 0, 0, 0});
}

BOOST_AUTO_TEST_SUITE_END()
