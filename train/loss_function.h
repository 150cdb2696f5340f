#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "slope/autograd/core/function.h"
#include "slope/nn/module.h"

namespace slope::train {

namespace detail {
/// A plain function with options last, as those of slope::nn::functional are: called with none, it uses their defaults.
template <class F>
struct TakesOptions : std::false_type {};
template <class First, class Second, class Options>
struct TakesOptions<Tensor (*)(First, Second, Options)> : std::is_default_constructible<std::remove_cvref_t<Options>> {
  static Tensor call(Tensor (*f)(First, Second, Options), const Tensor& p, const Tensor& t) { return f(p, t, {}); }
};
}  // namespace detail

/// A loss: any function of (prediction, target), a function of `F`, which then uses its default options, or a loss module
/// (borrowed when it is a variable, kept when a temporary).
///
///     model.compile(F::mse_loss);
///     model.compile(nn::HuberLoss({.delta = 0.5}));
///     model.compile([](const Tensor& p, const Tensor& t) { return F::mse_loss(p, t, {.reduction = "sum"}); });
class LossFunction {
 public:
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, LossFunction>)
  LossFunction(F&& f) {
    using Plain = std::remove_cvref_t<F>;
    using Held = std::decay_t<F>;
    if constexpr (std::derived_from<Plain, nn::Module>) {
      static_assert(std::is_invocable_r_v<Tensor, Plain&, const Tensor&, const Tensor&>,
                    "a loss module is called with (prediction, target); wrap one that takes other arguments: "
                    "[&](const Tensor& y_pred, const Tensor& y_true) { return loss(...); }");
      if constexpr (std::is_lvalue_reference_v<F>)
        call_ = [&f](const Tensor& p, const Tensor& t) { return f(p, t); };
      else
        call_ = [m = std::make_shared<Plain>(std::forward<F>(f))](const Tensor& p, const Tensor& t) {
          return (*m)(p, t);
        };
    } else if constexpr (detail::TakesOptions<Held>::value) {
      const Held function = f;
      call_ = [function](const Tensor& p, const Tensor& t) { return detail::TakesOptions<Held>::call(function, p, t); };
    } else {
      static_assert(std::is_invocable_r_v<Tensor, Held&, const Tensor&, const Tensor&>,
                    "a loss is called with (prediction, target) and returns a Tensor; wrap other functions: "
                    "[](const Tensor& y_pred, const Tensor& y_true) { return ...; }");
      call_ = std::forward<F>(f);
    }
  }
  Tensor operator()(const Tensor& y_pred, const Tensor& y_true) const { return call_(y_pred, y_true); }

 private:
  Function<Tensor(const Tensor&, const Tensor&)> call_;
};

}  // namespace slope::train
