// The same custom loss three ways: a function of tensors, a module, and one fused operation from a lambda.
#include <iostream>

#include "slope/pointwise.h"
#include "slope/slope.h"

using namespace slope;

namespace {

/// As the tutorial writes it: about ten operations, each with a node of its own.
Tensor focal_function(const Tensor& y_pred, const Tensor& y_true) {
  const Tensor bce = F::binary_cross_entropy(y_pred, y_true, {.reduction = "none"});
  const Tensor p_t = (y_true * y_pred) + ((1 - y_true) * (1 - y_pred));
  const Tensor alpha_factor = y_true * 0.75 + (1 - y_true) * (1 - 0.75);
  const Tensor modulating_factor = pow(1.0 - p_t, 2.0);
  return mean(alpha_factor * modulating_factor * bce);
}

struct FocalModule : nn::Module {
  double gamma = 2.0, alpha = 0.75;
  using Module::forward;
  Tensor forward(const Tensor& y_pred, const Tensor& y_true) const {
    const Tensor p_t = y_true * y_pred + (1 - y_true) * (1 - y_pred);
    const Tensor alpha_factor = y_true * alpha + (1 - y_true) * (1 - alpha);
    return mean(alpha_factor * pow(1.0 - p_t, gamma) * -log(p_t));
  }
};

/// One node, one pass over memory, vectorized, with its gradient computed on the way.
const auto focal_lambda = pointwise([](auto p, auto y) {
  auto p_t = y * p + (1.0 - y) * (1.0 - p);
  auto alpha_factor = y * 0.75 + (1.0 - y) * 0.25;
  return alpha_factor * pow(1.0 - p_t, 2.0) * -log(p_t);
});

/// The loss, and its gradient by the predictions.
template <class Loss>
std::pair<Tensor, Tensor> evaluate(const Loss& loss, const Tensor& y_true) {
  Generator g(1);
  const Tensor y_pred = (rand({64, 1}, {.dtype = float64}, g) * 0.98 + 0.01).detach().requires_grad_();
  const Tensor value = loss(y_pred, y_true);
  value.backward();
  return {value, y_pred.grad()};
}

}  // namespace

int main() {
  Generator g(2);
  const Tensor y_true = (rand({64, 1}, {}, g) > 0.5).to(float64);
  FocalModule module;
  const auto [f, df] = evaluate(focal_function, y_true);
  const auto [m, dm] = evaluate([&](const Tensor& p, const Tensor& y) { return module.forward(p, y); }, y_true);
  const auto [l, dl] = evaluate([](const Tensor& p, const Tensor& y) { return focal_lambda.mean(p, y); }, y_true);
  const auto [b, db] = evaluate([](const Tensor& p, const Tensor& y) { return F::focal_loss(p, y); }, y_true);

  std::cout << "function  " << f.item() << "\nmodule    " << m.item() << "\npointwise " << l.item() << "\nbuilt in  "
            << b.item() << "\n";
  const bool same_values = allclose(f, m) && allclose(f, l) && allclose(f, b);
  const bool same_gradients = allclose(df, dm) && allclose(df, dl) && allclose(df, db);
  std::cout << (same_values && same_gradients ? "equal values and gradients\n" : "THEY DIFFER\n");
  return same_values && same_gradients ? 0 : 1;
}
