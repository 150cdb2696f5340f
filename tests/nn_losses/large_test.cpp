#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <string>

#include "slope/autograd.h"
#include "slope/nn/losses/losses.h"

using namespace slope;
namespace F = slope::nn::functional;

namespace {

/// A loss of two arguments and what a plain loop makes of it: the value and its derivative by the prediction.
struct Plain {
  std::string name;
  std::function<Tensor(const Tensor&, const Tensor&, Reduction)> loss;
  std::function<double(double x, double t)> value, slope;
  double low = -2, high = 2;  // of predictions
  double target_low = -2, target_high = 2;
  bool signs = false, labels = false;  // targets are -1 and 1, or 0 and 1
};

double sigma(double x) { return 1 / (1 + std::exp(-x)); }
double sign_of(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }
double bce(double x, double t) { return t > 0.5 ? -std::log(x) : -std::log1p(-x); }

std::vector<Plain> plain_losses() {
  return {
      {"l1_loss", [](auto& x, auto& t, Reduction r) { return F::l1_loss(x, t, {.reduction = r}); },
       [](double x, double t) { return std::abs(x - t); }, [](double x, double t) { return sign_of(x - t); }},
      {"mse_loss", [](auto& x, auto& t, Reduction r) { return F::mse_loss(x, t, {.reduction = r}); },
       [](double x, double t) { return (x - t) * (x - t); }, [](double x, double t) { return 2 * (x - t); }},
      {"smooth_l1_loss",
       [](auto& x, auto& t, Reduction r) { return F::smooth_l1_loss(x, t, {.reduction = r, .beta = 0.7}); },
       [](double x, double t) {
         const double a = std::abs(x - t);
         return a < 0.7 ? a * a / 1.4 : a - 0.35;
       },
       [](double x, double t) { return std::abs(x - t) < 0.7 ? (x - t) / 0.7 : sign_of(x - t); }},
      {"huber_loss", [](auto& x, auto& t, Reduction r) { return F::huber_loss(x, t, {.reduction = r, .delta = 0.7}); },
       [](double x, double t) {
         const double a = std::abs(x - t);
         return a < 0.7 ? a * a / 2 : 0.7 * (a - 0.35);
       },
       [](double x, double t) { return std::clamp(x - t, -0.7, 0.7); }},
      {"log_cosh_loss", [](auto& x, auto& t, Reduction r) { return F::log_cosh_loss(x, t, {.reduction = r}); },
       [](double x, double t) { return std::log(std::cosh(x - t)); },
       [](double x, double t) { return std::tanh(x - t); }},
      {"quantile_loss",
       [](auto& x, auto& t, Reduction r) { return F::quantile_loss(x, t, {.q = 0.9, .reduction = r}); },
       [](double x, double t) { return std::max(0.9 * (t - x), -0.1 * (t - x)); },
       [](double x, double t) { return t > x   ? -0.9
                                       : t < x ? 0.1
                                               : 0; }},
      {"charbonnier_loss",
       [](auto& x, auto& t, Reduction r) { return F::charbonnier_loss(x, t, {.eps = 0.1, .reduction = r}); },
       [](double x, double t) { return std::hypot(x - t, 0.1); },
       [](double x, double t) { return (x - t) / std::hypot(x - t, 0.1); }},
      {"msle_loss", [](auto& x, auto& t, Reduction r) { return F::msle_loss(x, t, {.reduction = r}); },
       [](double x, double t) { return std::pow(std::log1p(x) - std::log1p(t), 2); },
       [](double x, double t) { return 2 * (std::log1p(x) - std::log1p(t)) / (1 + x); }, 0, 9, 0, 9},
      {"mape_loss", [](auto& x, auto& t, Reduction r) { return F::mape_loss(x, t, {.eps = 0.1, .reduction = r}); },
       [](double x, double t) { return std::abs(x - t) / std::max(std::abs(t), 0.1); },
       [](double x, double t) { return sign_of(x - t) / std::max(std::abs(t), 0.1); }},
      {"poisson_nll_loss",
       [](auto& x, auto& t, Reduction r) { return F::poisson_nll_loss(x, t, {.full = true, .reduction = r}); },
       [](double x, double t) {
         return std::exp(x) - t * x +
                (t > 1 ? t * std::log(t) - t + 0.5 * std::log(2 * 3.14159265358979323846 * t) : 0);
       },
       [](double x, double t) { return std::exp(x) - t; }, -2, 2, 0, 9},
      {"gaussian_nll_loss",
       [](auto& x, auto& t, Reduction r) { return F::gaussian_nll_loss(x, t, 0.3, {.reduction = r}); },
       [](double x, double t) { return 0.5 * (std::log(0.3) + (x - t) * (x - t) / 0.3); },
       [](double x, double t) { return (x - t) / 0.3; }},
      {"binary_cross_entropy",
       [](auto& x, auto& t, Reduction r) { return F::binary_cross_entropy(x, t, {.reduction = r}); }, bce,
       [](double x, double t) { return (x - t) / (x * (1 - x)); }, 0.01, 0.99, 0, 1, false, true},
      {"binary_cross_entropy_with_logits",
       [](auto& x, auto& t, Reduction r) { return F::binary_cross_entropy_with_logits(x, t, {.reduction = r}); },
       [](double x, double t) { return std::log1p(std::exp(x)) - t * x; },
       [](double x, double t) { return sigma(x) - t; }, -9, 9, 0, 1},
      {"focal_loss", [](auto& x, auto& t, Reduction r) { return F::focal_loss(x, t, {.reduction = r}); },
       [](double x, double t) { return t > 0.5 ? 0.75 * (1 - x) * (1 - x) * bce(x, t) : 0.25 * x * x * bce(x, t); },
       [](double x, double t) {
         return t > 0.5 ? 0.75 * (-2 * (1 - x) * bce(x, t) - (1 - x) * (1 - x) / x)
                        : 0.25 * (2 * x * bce(x, t) + x * x / (1 - x));
       },
       0.01, 0.99, 0, 1, false, true},
      {"sigmoid_focal_loss",
       [](auto& x, auto& t, Reduction r) { return F::sigmoid_focal_loss(x, t, {.reduction = r}); },
       [](double x, double t) {
         const double q = t > 0.5 ? sigma(-x) : sigma(x);
         return (t > 0.5 ? 0.25 : 0.75) * q * q * -std::log1p(-q);
       },
       [](double x, double t) {
         const double q = t > 0.5 ? sigma(-x) : sigma(x), l = -std::log1p(-q);
         return (t > 0.5 ? -0.25 : 0.75) * q * q * (2 * (1 - q) * l + q);
       },
       -5, 5, 0, 1, false, true},
      {"kl_div", [](auto& x, auto& t, Reduction r) { return F::kl_div(x, t, {.reduction = r}); },
       [](double x, double t) { return t * (std::log(t) - x); }, [](double, double t) { return -t; }, -3, 0, 0.01, 1},
      {"margin_ranking_loss",
       [](auto& x, auto& t, Reduction r) {
         return F::margin_ranking_loss(x, zeros_like(x.detach()), t, {.margin = 0.5, .reduction = r});
       },
       [](double x, double t) { return std::max(0.0, 0.5 - t * x); },
       [](double x, double t) { return 0.5 - t * x >= 0 ? -t : 0; }, -2, 2, -1, 1, true},
      {"hinge_embedding_loss",
       [](auto& x, auto& t, Reduction r) { return F::hinge_embedding_loss(x, t, {.reduction = r}); },
       [](double x, double t) { return t > 0 ? x : std::max(0.0, 1 - x); },
       [](double x, double t) { return t > 0        ? 1
                                       : 1 - x >= 0 ? -1
                                                    : 0; }, -2, 2, -1, 1, true},
      {"soft_margin_loss", [](auto& x, auto& t, Reduction r) { return F::soft_margin_loss(x, t, {.reduction = r}); },
       [](double x, double t) { return std::log1p(std::exp(-t * x)); },
       [](double x, double t) { return -t * sigma(-t * x); }, -9, 9, -1, 1, true},
  };
}

Tensor drawn(std::int64_t n, double low, double high, DType dtype, std::uint64_t seed) {
  Generator g(seed);
  return (rand({n}, {.dtype = float64}, g) * (high - low) + low).to(dtype);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(large_losses)

BOOST_AUTO_TEST_CASE(equal_a_plain_loop_on_every_number_of_threads) {
  constexpr std::int64_t n = 150'001;
  const int before = get_num_threads();
  for (const Plain& p : plain_losses())
    for (const DType dtype : {float64, float32}) {
      const Tensor x = drawn(n, p.low, p.high, dtype, 1).requires_grad_();
      Tensor t = drawn(n, p.target_low, p.target_high, dtype, 2);
      if (p.signs) t = (t >= 0.0).to(dtype) * 2.0 - 1.0;
      if (p.labels) t = (t >= 0.5).to(dtype);
      const std::vector<double> xs = x.detach().to_vector<double>(), ts = t.to_vector<double>();
      double sum = 0, magnitude = 0;
      for (std::size_t i = 0; i < xs.size(); ++i) {
        const double l = p.value(xs[i], ts[i]);
        sum += l;
        magnitude += std::abs(l);
      }
      const double tolerance = dtype == float64 ? 1e-12 : 2e-5;
      double first = 0;
      for (const int threads : {1, 2, 3}) {
        set_num_threads(threads);
        const Tensor none = p.loss(x, t, Reduction::none), total = p.loss(x, t, Reduction::sum),
                     mean = p.loss(x, t, Reduction::mean);
        BOOST_TEST(std::abs(total.item() - sum) <= (dtype == float64 ? 1e-12 : 1e-6) * magnitude, p.name << " sum");
        BOOST_TEST(std::abs(mean.item() - sum / n) <= (dtype == float64 ? 1e-12 : 1e-6) * magnitude / n,
                   p.name << " mean");
        if (threads == 1) first = total.item();
        BOOST_TEST(total.item() == first, p.name << " with " << threads << " threads");
        const std::vector<double> values = none.detach().to_vector<double>(),
                                  of_none = autograd::grad({none.sum()}, {x})[0].to_vector<double>(),
                                  of_sum = autograd::grad({total}, {x})[0].to_vector<double>();
        double worst = 0;
        for (std::size_t i = 0; i < xs.size(); ++i) {
          const double slope = p.slope(xs[i], ts[i]), scale = std::max(1.0, std::abs(slope));
          worst = std::max({worst, std::abs(values[i] - p.value(xs[i], ts[i])) / std::max(1.0, std::abs(values[i])),
                            std::abs(of_none[i] - slope) / scale, std::abs(of_sum[i] - slope) / scale});
        }
        BOOST_TEST(worst <= tolerance, p.name << " " << dtype_name(dtype) << " is off by " << worst);
      }
    }
  set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(of_boxes_equal_a_plain_loop) {
  constexpr std::int64_t n = 30'001;
  for (const DType dtype : {float64, float32}) {
    const auto boxes = [&](std::uint64_t seed) {
      const Tensor corners = drawn(2 * n, 0, 2, dtype, seed).view({n, 2}),
                   sizes = drawn(2 * n, 0.1, 2, dtype, seed + 1).view({n, 2});
      return cat({corners, corners + sizes}, -1).requires_grad_();
    };
    const Tensor a = boxes(1), b = boxes(3);
    const std::vector<double> p = a.detach().to_vector<double>(), q = b.detach().to_vector<double>();
    const auto plain = [&](std::size_t i) {
      const double *u = &p[4 * i], *v = &q[4 * i];
      const double w = std::min(u[2], v[2]) - std::max(u[0], v[0]), h = std::min(u[3], v[3]) - std::max(u[1], v[1]);
      const double shared = w > 0 && h > 0 ? w * h : 0;
      const double united = (u[2] - u[0]) * (u[3] - u[1]) + (v[2] - v[0]) * (v[3] - v[1]) - shared;
      const double around =
          (std::max(u[2], v[2]) - std::min(u[0], v[0])) * (std::max(u[3], v[3]) - std::min(u[1], v[1]));
      return 1 - shared / (united + 1e-7) + (around - united) / (around + 1e-7);
    };
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += plain(i);
    const int before = get_num_threads();
    std::vector<double> first;
    for (const int threads : {1, 2, 3}) {
      set_num_threads(threads);
      const Tensor none = F::generalized_box_iou_loss(a, b),
                   mean = F::generalized_box_iou_loss(a, b, {.reduction = Reduction::mean});
      const std::vector<double> values = none.detach().to_vector<double>();
      double worst = 0;
      for (std::size_t i = 0; i < n; ++i) worst = std::max(worst, std::abs(values[i] - plain(i)));
      BOOST_TEST(worst <= (dtype == float64 ? 1e-13 : 1e-5), "off by " << worst);
      BOOST_TEST(std::abs(mean.item() - sum / n) <= (dtype == float64 ? 1e-13 : 1e-6));
      std::vector<double> bits = {mean.item()};
      for (const Tensor& g : autograd::grad({mean}, {a, b}))
        for (const double v : g.to_vector<double>()) bits.push_back(v);
      if (threads == 1) first = bits;
      BOOST_TEST((bits == first), threads << " threads give other bits");
    }
    set_num_threads(before);
  }
}

BOOST_AUTO_TEST_SUITE_END()
