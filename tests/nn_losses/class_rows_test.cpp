#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "slope/autograd.h"
#include "slope/nn/losses/losses.h"
#include "support/checks.h"

using namespace slope;
namespace F = slope::nn::functional;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Outcome {
  Tensor value, dx, dt;
};

Outcome outcome(const Tensor& logits, const Tensor& target, const nn::CrossEntropyLossOptions& options) {
  const Tensor x = logits.detach().clone().requires_grad_();
  const bool both = target.is_floating_point();
  const Tensor t = both ? target.detach().clone().requires_grad_() : target;
  F::cross_entropy(x, t, options).sum().backward();
  return {F::cross_entropy(x, t, options).detach(), x.grad(), both ? t.grad() : Tensor()};
}

// -Σ q·ln softmax in long double, the definition.
double written_out(const float* x, std::int64_t n, std::int64_t label) {
  double largest = x[0];
  for (std::int64_t j = 1; j < n; ++j) largest = std::max<double>(largest, x[j]);
  double sum = 0;
  for (std::int64_t j = 0; j < n; ++j) sum += std::exp(x[j] - largest);
  return std::log(sum) + largest - x[label];
}

bool same_bits(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [](double p, double q) { return p == q || (std::isnan(p) && std::isnan(q)); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rows_of_classes)

BOOST_AUTO_TEST_CASE(short_rows_side_by_side_agree_with_the_same_rows_made_long) {
  // Classes that are impossible change nothing, but make the rows too long for the kernel of short rows.
  for (const DType dtype : {float64, float32})
    for (const std::int64_t classes : {1, 2, 3, 10, 31, 48})
      for (const std::int64_t rows : {1, 7, 8, 16, 33}) {
        Generator g(3);
        const Tensor x = randn({rows, classes}, {.dtype = dtype}, g) * 3.0;
        const Tensor padded = cat({x, full({rows, 60}, -infinity, {.dtype = dtype})}, 1);
        const Tensor t = randint(0, classes, Shape{rows}, {}, g);
        const Tensor w = rand({classes}, {.dtype = dtype}, g), long_w = cat({w, zeros({60}, {.dtype = dtype})}, 0);
        for (const bool weighted : {false, true})
          for (const Reduction r : {Reduction::none, Reduction::mean}) {
            const auto with = [&](const Tensor& weight) {
              return nn::CrossEntropyLossOptions{
                  .weight = weighted ? weight : Tensor(), .ignore_index = 1, .reduction = r};
            };
            const Outcome a = outcome(x, t, with(w)), b = outcome(padded, t, with(long_w));
            const double tolerance = dtype == float64 ? 1e-14 : 2e-6;
            const std::string title = concat(dtype_name(dtype), " ", x.shape());
            const bool nothing_counts = r == Reduction::mean && (t == 1).all().item<bool>();
            if (!nothing_counts) BOOST_TEST(allclose(a.value, b.value, tolerance, tolerance), title);
            BOOST_TEST(allclose(a.dx, b.dx.narrow(1, 0, classes), tolerance, tolerance * 1e-2), title);
          }
        const Outcome a = outcome(x, t, {.reduction = Reduction::none});
        BOOST_TEST(allclose(softmax(x, 1), softmax(padded, 1).narrow(1, 0, classes), 1e-6, 0));
        BOOST_TEST(allclose(log_softmax(x, 1), log_softmax(padded, 1).narrow(1, 0, classes), 1e-6, 1e-6));
        BOOST_TEST((a.value.shape() == Shape{rows}));
      }
}

BOOST_AUTO_TEST_CASE(short_rows_of_probabilities_agree_with_the_same_rows_made_long) {
  // Classes of probability 0, which nobody targets, make the rows too long for the kernel of short rows.
  for (const DType dtype : {float64, float32})
    for (const std::int64_t classes : {1, 2, 3, 10, 31, 48})
      for (const std::int64_t rows : {1, 7, 8, 16, 33}) {
        Generator g(3);
        const Tensor x = randn({rows, classes}, {.dtype = dtype}, g) * 3.0;
        const Tensor t = softmax(randn({rows, classes}, {.dtype = dtype}, g) * 2.0, 1);
        if (rows > 3) x.narrow(0, 3, 1).mul_(20.0);  // one class has nearly all of the probability
        const Tensor padded = cat({x, full({rows, 60}, -2000, {.dtype = dtype})}, 1);
        const Tensor long_t = cat({t, zeros({rows, 60}, {.dtype = dtype})}, 1);
        Tensor w = rand({classes}, {.dtype = dtype}, g);
        if (classes > 2) w.narrow(0, 1, 1).fill_(0);
        const Tensor long_w = cat({w, zeros({60}, {.dtype = dtype})}, 0);
        for (const bool weighted : {false, true})
          for (const Reduction r : {Reduction::none, Reduction::mean}) {
            const auto with = [&](const Tensor& weight) {
              return nn::CrossEntropyLossOptions{.weight = weighted ? weight : Tensor(), .reduction = r};
            };
            const Outcome a = outcome(x, t, with(w)), b = outcome(padded, long_t, with(long_w));
            const double tolerance = dtype == float64 ? 1e-14 : 2e-6;
            const std::string title = concat(dtype_name(dtype), " ", x.shape(), weighted ? " weighted" : "");
            BOOST_TEST(allclose(a.value, b.value, tolerance, tolerance), title);
            BOOST_TEST(allclose(a.dx, b.dx.narrow(1, 0, classes), tolerance, tolerance), title);
            BOOST_TEST(allclose(a.dt, b.dt.narrow(1, 0, classes), tolerance, tolerance), title);
          }
        // A row has the same bits alone.
        const nn::CrossEntropyLossOptions smooth{.weight = w, .reduction = Reduction::none, .label_smoothing = 0.1};
        const Outcome all = outcome(x, t, smooth);
        for (const std::int64_t i : {std::int64_t{0}, rows - 1}) {
          const Outcome one = outcome(x.narrow(0, i, 1), t.narrow(0, i, 1), smooth);
          BOOST_TEST(same_bits(one.value, all.value.narrow(0, i, 1)));
          BOOST_TEST(same_bits(one.dx, all.dx.narrow(0, i, 1)));
          BOOST_TEST(same_bits(one.dt, all.dt.narrow(0, i, 1)));
        }
        const Tensor q = (t * 0.9 + 0.1 / static_cast<double>(classes)) * w;
        const double tolerance = dtype == float64 ? 1e-13 : 5e-6;
        BOOST_TEST(allclose(all.value, -(q * log_softmax(x, 1)).sum(1), tolerance, tolerance));
        BOOST_TEST(allclose(all.dx, softmax(x, 1) * q.sum(1, true) - q, tolerance, tolerance));
      }
}

BOOST_AUTO_TEST_CASE(the_tail_of_a_confident_row_of_probabilities_survives) {
  for (const std::int64_t classes : {3, 100}) {
    Tensor x = full({1, classes}, -1000, {.dtype = float64}), t = zeros({1, classes}, {.dtype = float64});
    x.narrow(1, 0, 2).copy_(tensor({{0.0, -40.0}}, {.dtype = float64}));
    t.narrow(1, 0, 1).fill_(1);
    const Outcome o = outcome(x, t, {});
    const double p = std::exp(-40.0);  // of the second class, far below the rounding of 1
    BOOST_TEST(std::abs(o.value.item<double>() - p) < 1e-12 * p);
    const auto dx = o.dx.to_vector<double>();
    BOOST_TEST(std::abs(dx[0] + p) < 1e-6 * p, "the gradient is " << dx[0] << ", not " << -p);
    BOOST_TEST(std::abs(dx[1] - p) < 1e-6 * p);
  }
}

BOOST_AUTO_TEST_CASE(the_tail_of_a_confident_row_survives) {
  for (const std::int64_t classes : {3, 100}) {
    Tensor x = full({1, classes}, -1000, {.dtype = float64});
    x.narrow(1, 0, 2).copy_(tensor({{0.0, -40.0}}, {.dtype = float64}));
    const Outcome o = outcome(x, tensor({0}), {});
    BOOST_TEST(std::abs(o.value.item() / std::exp(-40.0) - 1) < 1e-14);
    BOOST_TEST(std::abs(o.dx[0][0].item() / -std::exp(-40.0) - 1) < 1e-14);
    BOOST_TEST(std::abs(o.dx[0][1].item() / std::exp(-40.0) - 1) < 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(infinite_logits_give_what_the_formula_gives) {
  for (const std::int64_t classes : {3, 100}) {
    const auto row = [&](double a, double b) {
      Tensor x = zeros({1, classes}, {.dtype = float64});
      x.narrow(1, 0, 2).copy_(tensor({{a, b}}, {.dtype = float64}));
      return outcome(x, tensor({0}), {});
    };
    const Outcome impossible = row(-infinity, 0), elsewhere = row(0, -infinity);
    BOOST_TEST(impossible.value.item() == infinity);
    BOOST_TEST(impossible.dx[0][0].item() == -1);
    BOOST_TEST(std::abs(elsewhere.value.item() - std::log(static_cast<double>(classes - 1))) < 1e-14);
    BOOST_TEST(elsewhere.dx[0][1].item() == 0);
    BOOST_TEST(std::isnan(row(infinity, 0).value.item()));
    BOOST_TEST(std::isnan(row(0, infinity).value.item()));
    BOOST_TEST(std::isnan(row(0, std::nan("")).value.item()));
  }
}

BOOST_AUTO_TEST_CASE(wide_rows_agree_with_the_definition_and_for_every_thread_count) {
  const std::int64_t n = 120'001;
  const int before = get_num_threads();
  for (const std::int64_t rows : {1, 3, 20}) {
    Generator g(9);
    const Tensor x = randn({rows, n}, {}, g), t = randint(0, n, Shape{rows}, {}, g), w = rand({n}, {}, g);
    const Tensor p = softmax(randn({rows, n}, {}, g), 1);
    set_num_threads(1);
    const auto all = [&] {
      const Tensor y = x.detach().clone().requires_grad_();
      (log_softmax(y, 1) * p).sum().backward();
      const Outcome a = outcome(x, t, {}), b = outcome(x, t, {.weight = w, .label_smoothing = 0.1}),
                    c = outcome(x, p, {.weight = w});
      return std::vector<Tensor>{a.value, a.dx,          b.value,           b.dx,    c.value, c.dx,
                                 c.dt,    softmax(x, 1), log_softmax(x, 1), y.grad()};
    };
    const auto serial = all();
    double expected = 0;
    for (std::int64_t r = 0; r < rows; ++r)
      expected +=
          written_out(x.data_ptr<float>() + r * n, n, t.data_ptr<std::int64_t>()[r]) / static_cast<double>(rows);
    BOOST_TEST(std::abs(serial[0].item() - expected) < 2e-6);
    BOOST_TEST(std::abs(serial[1].sum().item()) < 1e-5);
    BOOST_TEST(allclose(serial[9], p - serial[7], 1e-4, 1e-9));
    for (const int threads : {2, 3, 8}) {
      set_num_threads(threads);
      const auto parallel = all();
      for (std::size_t i = 0; i < serial.size(); ++i)
        BOOST_TEST(same_bits(parallel[i], serial[i]),
                   "result " << i << " of " << rows << " rows with " << threads << " threads");
    }
  }
  set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(the_mean_over_a_hundred_million_float32_logits_is_right_to_a_millionth) {
  // A thousand different rows, each a hundred times with other labels.
  const std::int64_t different = 1000, rows = 100'000, classes = 1000;
  Generator g(11);
  const Tensor few = rand({different, classes}, {}, g).mul_(8.0), x = few.repeat({rows / different, 1});
  const Tensor t = randint(0, classes, Shape{rows}, {}, g);
  double expected = 0;
  for (std::int64_t r = 0; r < different; ++r) {
    const float* row = few.data_ptr<float>() + r * classes;
    const double first = written_out(row, classes, 0) + row[0];
    for (std::int64_t k = r; k < rows; k += different) expected += first - row[t.data_ptr<std::int64_t>()[k]];
  }
  expected /= static_cast<double>(rows);
  BOOST_TEST(std::abs(F::cross_entropy(x, t).item() - expected) < 1e-6 * expected);
}

BOOST_AUTO_TEST_SUITE_END()
