#include "slope/nn/losses/classes/kl_div.h"

#include <atomic>
#include <iostream>

#include "slope/autograd/ops/pointwise/pointwise.h"

namespace slope::nn::functional {

namespace {

template <bool log_target>
struct KlDiv {
  static constexpr const char* name = "KlDiv";
  static constexpr const char* arguments[] = {"input", "target"};
  template <class T>
  T operator()(const T& x, const T& t) const {
    return log_target ? exp(t) * (t - x) : xlogy(t, t) - t * x;
  }
  template <class T>
  T d0(const T&, const T& t, const T&) const {
    return log_target ? -exp(t) : -t;
  }
  template <class T>
  T d1(const T& x, const T& t, const T&) const {
    return log_target ? exp(t) * (t - x + 1.0) : log(t) + 1.0 - x;
  }
};

void warn_of_mean(SourceLoc loc) {
  static std::atomic<bool> warned{false};
  if (warned.exchange(true)) return;
  std::cerr << concat(
      "kl_div: reduction \"mean\" divides by the number of elements, which is not the Kullback-Leibler "
      "divergence; \"batchmean\" is (",
      user_line(loc).file, ":", user_line(loc).line, ")\n");
}

}  // namespace

Tensor kl_div(In y_pred, const Tensor& y_true, const KLDivLossOptions& options) {
  constexpr const char* op = "kl_div";
  CallerScope scope(y_pred.loc);
  detail::require_broadcastable(op, "target", y_pred, y_true);
  for (const Tensor* t : {&y_pred.tensor, &y_true})
    if (!t->is_floating_point())
      throw DTypeError(concat(op, ": Integral inputs not supported. The ", t == &y_true ? "target" : "input", " is ",
                              dtype_name(t->dtype()), "; convert it with .to(float32)"),
                       y_pred.loc);
  const Reduction reduction = options.reduction.of(op, y_pred.loc);
  if (reduction == Reduction::mean) warn_of_mean(y_pred.loc);
  if (options.log_target) return slope::detail::pointwise_loss(KlDiv<true>{}, reduction, y_pred, y_true);
  return slope::detail::pointwise_loss(KlDiv<false>{}, reduction, y_pred, y_true);
}

}  // namespace slope::nn::functional
