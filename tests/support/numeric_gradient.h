#pragma once

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <vector>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"

// Derivatives of first and second order against central differences, for operations that move values about. Such
// operations are linear, so they are looked at through Σ wᵢ·yᵢ², whose second derivative is not zero.

using TensorFunction = std::function<slope::Tensor(const std::vector<slope::Tensor>&)>;

/// A dense float64 leaf with distinct values that follow no pattern.
inline slope::Tensor sample(const slope::Shape& shape, double seed = 1) {
  slope::Tensor t = slope::zeros(shape, {.dtype = slope::float64});
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data_ptr<double>()[i] = std::cos(1.7 * static_cast<double>(i) + seed);
  t.requires_grad_();
  return t;
}

inline std::vector<double> central_differences(const std::function<double()>& value, const slope::Tensor& x) {
  constexpr double step = 1e-4;
  std::vector<double> slopes;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    double& element = x.data_ptr<double>()[i];
    const double kept = element;
    element = kept + step;
    const double up = value();
    element = kept - step;
    const double down = value();
    element = kept;
    slopes.push_back((up - down) / (2 * step));
  }
  return slopes;
}

inline void check_slopes(const slope::Tensor& gradient, const std::vector<double>& expected, const char* what) {
  const std::vector<double> got = gradient.to_vector<double>();
  BOOST_REQUIRE_EQUAL(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    BOOST_TEST(std::abs(got[i] - expected[i]) <= 1e-6 * std::max(1.0, std::abs(expected[i])),
               what << " derivative, element " << i << ": " << got[i] << " != " << expected[i]);
}

/// `inputs` are leaves made by `sample`; `f` may depend on them in any way that is smooth.
inline void check_derivatives(const TensorFunction& f, const std::vector<slope::Tensor>& inputs) {
  using namespace slope;
  const auto weighted = [&] {
    const Tensor y = f(inputs);
    const Tensor w = sample(y.shape(), 0.3).detach();
    return (y * y * w).sum();
  };
  const auto gradients = [&] {
    return autograd::grad({weighted()}, inputs, {.create_graph = true, .allow_unused = true});
  };
  const auto directional = [&] {
    Tensor total = zeros({}, {.dtype = float64});
    double seed = 2;
    for (const Tensor& g : gradients())
      if (g.defined()) total = total + (g * sample(g.shape(), seed += 1).detach()).sum();
    return total;
  };
  const std::vector<Tensor> first = gradients();
  const std::vector<Tensor> second = autograd::grad({directional()}, inputs, {.allow_unused = true});
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto or_zero = [&](const Tensor& g) {
      return g.defined() ? g : zeros(inputs[i].shape(), {.dtype = float64});
    };
    BOOST_TEST(to_text(or_zero(first[i]).shape()) == to_text(inputs[i].shape()));
    check_slopes(or_zero(first[i]), central_differences([&] { return weighted().item(); }, inputs[i]), "first");
    check_slopes(or_zero(second[i]), central_differences([&] { return directional().item(); }, inputs[i]), "second");
  }
}
