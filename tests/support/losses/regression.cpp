#include <limits>

#include "slope/autograd/ops/ops.h"
#include "slope/nn/losses/losses.h"
#include "support/losses/families.h"
#include "support/losses/rows.h"

using namespace slope;
namespace F = slope::nn::functional;
using Kind = LossRefusal::Kind;

namespace {

template <class Options, auto function>
LossSample::Function weighted(Options options) {
  return [options](const LossInputs& in, Reduction r) {
    Options o = options;
    o.reduction = r;
    o.weight = in[2];
    return function(in[0], in[1], o);
  };
}

void samples(std::vector<LossSample>& table) {
  const Tensor x = numbers({3, 4}, 1), t = numbers({3, 4}, 2), w = numbers({3, 4}, 3);
  const Tensor x0 = numbers({}, 4), t0 = numbers({}, 5), images = numbers({2, 3, 2, 3}, 6),
               wanted = constants({2, 3, 2, 3}, 7);
  const auto row = [&](std::string name, const LossSample::Function& f, LossInputs inputs) {
    add_sample(table, std::move(name), f, std::move(inputs));
  };
  const auto alike = [&](const std::string& name, const LossSample::Function& f) {
    row(name, f, {x, t});
    row(name + ", 0-d", f, {x0, t0});
    row(name + ", 4-d, constant target", f, {images, wanted});
  };
  alike("mse_loss", with<F::mse_loss>(nn::MSELossOptions()));
  alike("l1_loss", with<F::l1_loss>(nn::L1LossOptions()));
  row("mse_loss, weight", weighted<nn::MSELossOptions, F::mse_loss>({}), {x, t, w});
  row("l1_loss, weight", weighted<nn::L1LossOptions, F::l1_loss>({}), {x, t, w});
  for (const double beta : {0.0, 0.3, 1.0})
    alike(concat("smooth_l1_loss, beta ", beta), with<F::smooth_l1_loss>(nn::SmoothL1LossOptions{.beta = beta}));
  for (const double delta : {0.1, 0.3, 1.0}) {
    alike(concat("huber_loss, delta ", delta), with<F::huber_loss>(nn::HuberLossOptions{.delta = delta}));
    row(concat("huber_loss, weight, delta ", delta), weighted<nn::HuberLossOptions, F::huber_loss>({.delta = delta}),
        {x, t, w});
  }
  alike("log_cosh_loss", with<F::log_cosh_loss>(nn::LogCoshLossOptions()));
  row("log_cosh_loss, far", with<F::log_cosh_loss>(nn::LogCoshLossOptions()),
      {numbers({3, 4}, 8, -5, 5), numbers({3, 4}, 9, -5, 5)});
  for (const double q : {0.5, 0.9})
    alike(concat("quantile_loss, q ", q), with<F::quantile_loss>(nn::QuantileLossOptions{.q = q}));
  for (const double eps : {1e-3, 0.3})
    alike(concat("charbonnier_loss, eps ", eps), with<F::charbonnier_loss>(nn::CharbonnierLossOptions{.eps = eps}));
  alike("msle_loss", with<F::msle_loss>(nn::MSLELossOptions()));
  for (const double eps : {1e-7, 0.4})
    alike(concat("mape_loss, eps ", eps), with<F::mape_loss>(nn::MAPELossOptions{.eps = eps}));

  for (const bool log_input : {true, false})
    for (const bool full : {false, true}) {
      const auto poisson =
          with<F::poisson_nll_loss>(nn::PoissonNLLLossOptions{.log_input = log_input, .full = full, .eps = 1e-3});
      const std::string name = concat("poisson_nll_loss", log_input ? ", log input" : "", full ? ", full" : "");
      const Tensor counts = numbers({3, 4}, 10, 0.2, 4);
      row(name, poisson, {x, counts});
      row(name + ", 0-d", poisson, {x0, numbers({}, 11, 4, 6)});
      row(name + ", row of targets", poisson, {x, numbers({4}, 12, 0.2, 4)});
      row(name + ", column of predictions", poisson, {numbers({3, 1}, 13), counts});
    }
  for (const bool full : {false, true}) {
    const auto gaussian = with<F::gaussian_nll_loss, 3>(nn::GaussianNLLLossOptions{.full = full});
    const std::string name = concat("gaussian_nll_loss", full ? ", full" : "");
    row(name, gaussian, {x, t, w});
    row(name + ", 0-d", gaussian, {x0, t0, numbers({}, 6)});
    row(name + ", variance per row", gaussian, {x, t, numbers({3}, 14)});
    row(name + ", column of variances", gaussian, {x, t, numbers({3, 1}, 15)});
    row(name + ", row of variances and targets", gaussian, {x, numbers({4}, 16), numbers({1, 4}, 17)});
    row(name + ", images", gaussian, {images, wanted, numbers({2, 1, 2, 3}, 18)});
    row(name + ", number",
        [full](const LossInputs& in, Reduction r) {
          return F::gaussian_nll_loss(in[0], in[1], 0.7, {.full = full, .reduction = r});
        },
        {x, t});
  }
}

template <class Options, auto function>
void refuse_as_regression(std::vector<LossRefusal>& table, const std::string& op) {
  refuse_unfit_arguments<Options, function>(table, op);
  refuse_shapes_that_differ<Options, function>(table, op);
}

// Weights of another shape.
template <class Options, auto function>
void refuse_weights(std::vector<LossRefusal>& table, const std::string& op) {
  const auto call = [](const LossInputs& in) {
    Options o;
    o.weight = in[2];
    function(in[0], in[1], o);
  };
  const Tensor x = numbers({2, 3}, 1), t = constants({2, 3}, 2);
  for (const Shape& shape : {Shape{3}, Shape{}, Shape{2, 1}, Shape{1, 2, 3}})
    add_refusal(
        table, Kind::shape,
        concat(op, ": Weights and input must have the same size. Got weight ", to_text(shape), " and input [2, 3]"),
        call, {x, t, constants(shape, 3)});
}

void refusals(std::vector<LossRefusal>& table) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = numbers({2, 3}, 1), t = constants({2, 3}, 2);
  const auto refuse = [&](Kind kind, std::string text, std::function<void(const LossInputs&)> call, LossInputs inputs) {
    add_refusal(table, kind, std::move(text), std::move(call), std::move(inputs));
  };
  refuse_as_regression<nn::MSELossOptions, F::mse_loss>(table, "mse_loss");
  refuse_as_regression<nn::L1LossOptions, F::l1_loss>(table, "l1_loss");
  refuse_as_regression<nn::SmoothL1LossOptions, F::smooth_l1_loss>(table, "smooth_l1_loss");
  refuse_as_regression<nn::HuberLossOptions, F::huber_loss>(table, "huber_loss");
  refuse_as_regression<nn::LogCoshLossOptions, F::log_cosh_loss>(table, "log_cosh_loss");
  refuse_as_regression<nn::QuantileLossOptions, F::quantile_loss>(table, "quantile_loss");
  refuse_as_regression<nn::CharbonnierLossOptions, F::charbonnier_loss>(table, "charbonnier_loss");
  refuse_as_regression<nn::MSLELossOptions, F::msle_loss>(table, "msle_loss");
  refuse_as_regression<nn::MAPELossOptions, F::mape_loss>(table, "mape_loss");
  refuse_weights<nn::MSELossOptions, F::mse_loss>(table, "mse_loss");
  refuse_weights<nn::L1LossOptions, F::l1_loss>(table, "l1_loss");
  refuse_weights<nn::HuberLossOptions, F::huber_loss>(table, "huber_loss");
  for (const double beta : {-1.0, -1e-30, nan})
    refuse(Kind::value, concat("smooth_l1_loss does not support negative values for beta. Got beta ", beta),
           [=](const LossInputs& in) { F::smooth_l1_loss(in[0], in[1], {.beta = beta}); }, {x, t});
  for (const double delta : {0.0, -1.0, nan})
    refuse(Kind::value, concat("huber_loss does not support non-positive values for delta. Got delta ", delta),
           [=](const LossInputs& in) { F::huber_loss(in[0], in[1], {.delta = delta}); }, {x, t});
  for (const double q : {0.0, 1.0, -0.5, 2.0, nan})
    refuse(Kind::value, concat("quantile_loss: q must lie between 0 and 1, both excluded. Got q ", q),
           [=](const LossInputs& in) { F::quantile_loss(in[0], in[1], {.q = q}); }, {x, t});
  for (const double eps : {0.0, -1.0, nan}) {
    refuse(Kind::value, concat("charbonnier_loss: eps must be positive, from 1e-30 to 1e30. Got eps ", eps),
           [=](const LossInputs& in) { F::charbonnier_loss(in[0], in[1], {.eps = eps}); }, {x, t});
    refuse(Kind::value, concat("mape_loss: eps must be positive. Got eps ", eps),
           [=](const LossInputs& in) { F::mape_loss(in[0], in[1], {.eps = eps}); }, {x, t});
  }

  refuse_unfit_arguments<nn::PoissonNLLLossOptions, F::poisson_nll_loss>(table, "poisson_nll_loss");
  refuse_shapes_that_do_not_broadcast<nn::PoissonNLLLossOptions, F::poisson_nll_loss>(table, "poisson_nll_loss");

  constexpr auto gaussian = [](const Tensor& in, const Tensor& target, const nn::GaussianNLLLossOptions& o) {
    return F::gaussian_nll_loss(in, target, 1.0, o);
  };
  refuse_unfit_arguments<nn::GaussianNLLLossOptions, gaussian>(table, "gaussian_nll_loss");
  refuse_shapes_that_do_not_broadcast<nn::GaussianNLLLossOptions, gaussian>(table, "gaussian_nll_loss");
  const auto with_var = [](const LossInputs& in) { F::gaussian_nll_loss(in[0], in[1], in[2]); };
  for (const Shape& shape : {Shape{3}, Shape{1}, Shape{}, Shape{1, 1}, Shape{3, 2}, Shape{2, 0}, Shape{1, 2, 3}})
    refuse(Kind::shape,
           concat("gaussian_nll_loss: var is of incorrect size. Got var ", to_text(shape), " for input [2, 3]"),
           with_var, {x, t, constants(shape, 3)});
  refuse(Kind::value, "gaussian_nll_loss: var is an undefined tensor", with_var, {x, t, Tensor()});
  refuse(Kind::value, "gaussian_nll_loss: var has negative entry/entries", with_var,
         {x, t, constants({2, 3}, 4, -0.9)});
  refuse(Kind::value, "gaussian_nll_loss: var has negative entry/entries", with_var,
         {x, t, constants({3, 2}, 5, -1, -0.5).transpose(0, 1)});
  refuse(Kind::value, "gaussian_nll_loss: var has negative entry/entries", with_var,
         {x, t, full({2, 1}, -1, {.dtype = int64})});
  refuse(Kind::value, "gaussian_nll_loss: var has negative entry/entries",
         [](const LossInputs& in) { F::gaussian_nll_loss(in[0], in[1], -0.5); }, {x, t});
}

}  // namespace

LossFamily regression_losses() { return {samples, refusals}; }
