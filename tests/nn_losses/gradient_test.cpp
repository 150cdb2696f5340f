#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <string>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/gradcheck.h"
#include "slope/nn/losses/binary/internal/bce_formula.h"
#include "slope/nn/losses/losses.h"
#include "slope/nn/penalties.h"
#include "slope/pointwise.h"

using namespace slope;
namespace F = slope::nn::functional;
using Inputs = std::vector<Tensor>;

namespace {

// Numbers in (0.1, 0.9) without a pattern, far enough from each other and from kinks for differences.
Tensor numbers(const Shape& shape, double seed, bool requires_grad = true) {
  const Tensor t = zeros(shape, {.dtype = float64});
  for (std::int64_t i = 0; i < t.numel(); ++i)
    t.data_ptr<double>()[i] = 0.5 + 0.4 * std::sin(1.7 * static_cast<double>(i) + seed * 2.3);
  return t.requires_grad_(requires_grad);
}

void check_derivatives(const std::string& what, const std::function<Tensor(const Inputs&)>& f, const Inputs& inputs) {
  const auto first = autograd::gradcheck(f, inputs);
  BOOST_TEST(first.ok, what << ": " << first.message);
  const auto second = autograd::gradgradcheck(f, inputs);
  BOOST_TEST(second.ok, what << ", second order: " << second.message);
}

constexpr Reduction reductions[] = {Reduction::none, Reduction::mean, Reduction::sum};

}  // namespace

BOOST_AUTO_TEST_SUITE(loss_gradients)

BOOST_AUTO_TEST_CASE(elementwise_losses_have_right_derivatives_of_first_and_second_order) {
  const Tensor x = numbers({2, 3}, 1), t = numbers({2, 3}, 2), w = numbers({2, 3}, 3);
  const Tensor fixed = w.detach(), per_class = numbers({3}, 4, false);
  for (const Reduction r : reductions) {
    check_derivatives("mse", [=](const Inputs& in) { return F::mse_loss(in[0], in[1], {.reduction = r}); }, {x, t});
    check_derivatives("mse weighted",
                      [=](const Inputs& in) { return F::mse_loss(in[0], in[1], {.reduction = r, .weight = in[2]}); },
                      {x, t, w});
    check_derivatives("l1", [=](const Inputs& in) { return F::l1_loss(in[0], in[1], {.reduction = r}); }, {x, t});
    check_derivatives("l1 weighted",
                      [=](const Inputs& in) { return F::l1_loss(in[0], in[1], {.reduction = r, .weight = in[2]}); },
                      {x, t, w});
    check_derivatives("smooth l1",
                      [=](const Inputs& in) { return F::smooth_l1_loss(in[0], in[1], {.reduction = r, .beta = 0.3}); },
                      {x, t});
    check_derivatives("bce", [=](const Inputs& in) { return F::binary_cross_entropy(in[0], in[1], {.reduction = r}); },
                      {x, t});
    check_derivatives(
        "bce weighted",
        [=](const Inputs& in) { return F::binary_cross_entropy(in[0], in[1], {.weight = per_class, .reduction = r}); },
        {x, t});
    check_derivatives("bce with logits",
                      [=](const Inputs& in) {
                        return F::binary_cross_entropy_with_logits(in[0] * 4.0 - 2.0, in[1], {.reduction = r});
                      },
                      {x, t});
    check_derivatives("bce with logits weighted",
                      [=](const Inputs& in) {
                        return F::binary_cross_entropy_with_logits(
                            in[0] * 4.0 - 2.0, in[1], {.weight = fixed, .reduction = r, .pos_weight = per_class});
                      },
                      {x, t});
    for (const double gamma : {2.0, 0.0, 1.5})
      check_derivatives(
          "focal",
          [=](const Inputs& in) { return F::focal_loss(in[0], in[1], {.gamma = gamma, .alpha = 0.6, .reduction = r}); },
          {x, t});
  }
}

BOOST_AUTO_TEST_CASE(losses_over_classes_have_right_derivatives_of_first_and_second_order) {
  const Tensor labels = tensor({2, 0, 1, 2}), images = tensor({{0, 1}, {2, 1}}), w = numbers({3}, 5, false);
  const Tensor x = numbers({4, 3}, 1), k = numbers({2, 3, 2}, 2), single = numbers({3}, 3);
  for (const Reduction r : reductions) {
    for (const Tensor& weight : {Tensor(), w}) {
      const auto nll = [=](const Tensor& t, std::int64_t ignore) {
        return [=](const Inputs& in) {
          return F::nll_loss(in[0] * 1.5, t, {.weight = weight, .ignore_index = ignore, .reduction = r});
        };
      };
      check_derivatives("nll", nll(labels, -100), {x});
      check_derivatives("nll with ignored labels", nll(labels, 2), {x});
      check_derivatives("nll of images", nll(images, 1), {k});
      check_derivatives("nll of one", nll(tensor(1), -100), {single});
      for (const double smoothing : {0.0, 0.3}) {
        const auto ce = [=](const Tensor& t, std::int64_t ignore) {
          return [=](const Inputs& in) {
            return F::cross_entropy(
                in[0] * 3.0, t,
                {.weight = weight, .ignore_index = ignore, .reduction = r, .label_smoothing = smoothing});
          };
        };
        check_derivatives("cross entropy", ce(labels, -100), {x});
        check_derivatives("cross entropy with ignored labels", ce(labels, 2), {x});
        check_derivatives("cross entropy of images", ce(images, 1), {k});
        check_derivatives("cross entropy of one", ce(tensor(1), -100), {single});
        const auto probabilities = [=](const Inputs& in) {
          return F::cross_entropy(in[0] * 3.0, in[1], {.weight = weight, .reduction = r, .label_smoothing = smoothing});
        };
        check_derivatives("cross entropy of probabilities", probabilities, {x, numbers({4, 3}, 6)});
        check_derivatives("cross entropy of probabilities of images", probabilities, {k, numbers({2, 3, 2}, 7)});
        check_derivatives("cross entropy of probabilities of one", probabilities, {single, numbers({3}, 8)});
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(cosine_similarity_has_right_derivatives_of_first_and_second_order) {
  const auto along = [](std::int64_t dim) {
    return [dim](const Inputs& in) { return F::cosine_similarity(in[0], in[1], {.dim = dim}); };
  };
  check_derivatives("rows", along(1), {numbers({3, 4}, 1), numbers({3, 4}, 2)});
  check_derivatives("columns", along(0), {numbers({3, 4}, 1), numbers({3, 4}, 2)});
  check_derivatives("broadcast", along(1), {numbers({3, 4}, 1), numbers({1, 4}, 2)});
  check_derivatives("middle", along(1), {numbers({2, 3, 2}, 1), numbers({3, 1}, 2)});
}

BOOST_AUTO_TEST_CASE(penalties_have_right_derivatives_and_equal_what_is_written_out) {
  const Tensor a = numbers({2, 3}, 1), b = numbers({4}, 2);
  const Tensor shifted = (b.detach() - 0.5).requires_grad_();
  check_derivatives("l1", [](const Inputs& in) { return nn::l1_penalty({in[0], in[1]}, 0.3) * in[0].sum(); },
                    {a, shifted});
  check_derivatives("l2", [](const Inputs& in) { return nn::l2_penalty({in[0], in[1]}, 0.3) * in[0].sum(); },
                    {a, shifted});

  for (const DType dtype : {float64, float32}) {
    const Tensor u = a.detach().to(dtype).clone().requires_grad_(),
                 v = shifted.detach().to(dtype).clone().requires_grad_();
    const double tolerance = dtype == float64 ? 1e-15 : 1e-6;
    const auto agree = [&](const Tensor& built, const Tensor& written) {
      BOOST_TEST(std::abs(built.item() - written.item()) <= tolerance * std::abs(written.item()));
      const auto expected = autograd::grad({written}, {u, v}), got = autograd::grad({built}, {u, v});
      for (std::size_t i = 0; i < 2; ++i) BOOST_TEST(allclose(got[i], expected[i], tolerance, 0));
    };
    agree(nn::l1_penalty({u, v}, 0.01), 0.01 * u.abs().sum() + 0.01 * v.abs().sum());
    agree(nn::l2_penalty({u, v}, 0.01), 0.5 * 0.01 * (u * u).sum() + 0.5 * 0.01 * (v * v).sum());
  }
}

BOOST_AUTO_TEST_CASE(float32_gradients_agree_with_those_of_float64) {
  const Tensor labels = tensor({2, 0, 1, 2});
  const std::function<Tensor(const Tensor&, const Tensor&)> losses[] = {
      [](const Tensor& x, const Tensor& t) { return F::mse_loss(x, t); },
      [](const Tensor& x, const Tensor& t) { return F::smooth_l1_loss(x, t, {.beta = 0.25}); },
      [](const Tensor& x, const Tensor& t) { return F::binary_cross_entropy(x, t); },
      [](const Tensor& x, const Tensor& t) { return F::binary_cross_entropy_with_logits(x, t); },
      [](const Tensor& x, const Tensor& t) { return F::focal_loss(x, t); },
      [&](const Tensor& x, const Tensor&) { return F::nll_loss(x, labels); },
      [&](const Tensor& x, const Tensor&) { return F::cross_entropy(x, labels, {.label_smoothing = 0.1}); },
      [](const Tensor& x, const Tensor& t) { return F::cross_entropy(x, t); },
      [](const Tensor& x, const Tensor& t) { return F::cosine_similarity(x, t).sum(); }};
  int which = 0;
  for (const auto& loss : losses) {
    const Tensor x = numbers({4, 3}, 1), t = numbers({4, 3}, 2, false);
    const Tensor small = x.detach().to(float32).clone().requires_grad_();
    const Tensor wide = autograd::grad({loss(x, t)}, {x})[0],
                 narrow = autograd::grad({loss(small, t.to(float32))}, {small})[0];
    BOOST_TEST((narrow.dtype() == float32));
    BOOST_TEST(allclose(narrow.to(float64), wide, 1e-4, 1e-7), "loss " << which);
    ++which;
  }
}

BOOST_AUTO_TEST_CASE(a_users_formula_may_use_binary_cross_entropy) {
  const Tensor p = numbers({2, 3}, 1), y = numbers({2, 3}, 2);
  const auto focal = slope::pointwise([](auto q, auto t) {
    auto q_t = t * q + (1.0 - t) * (1.0 - q);
    return (t * 0.75 + (1.0 - t) * 0.25) * pow(1.0 - q_t, 2.0) * formula::call(formula::BinaryCrossEntropy{}, q, t);
  });
  const Tensor built = F::focal_loss(p, y), own = focal.mean(p, y);
  BOOST_TEST(std::abs(built.item() - own.item()) < 1e-15);
  BOOST_TEST(allclose(autograd::grad({own}, {p})[0], autograd::grad({built}, {p})[0], 1e-13, 0));
  check_derivatives("focal as a lambda", [&](const Inputs& in) { return focal(in[0], in[1]); }, {p, y});
}

BOOST_AUTO_TEST_SUITE_END()
