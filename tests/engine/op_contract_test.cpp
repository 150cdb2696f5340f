// What the types in an operation's forward and backward mean.
#include <boost/test/unit_test.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "slope/autograd.h"
#include "slope/explain.h"
#include "slope/gradcheck.h"
#include "slope/op.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(op_contract)

namespace {

using Inputs = std::vector<Tensor>;

Tensor leaf(std::initializer_list<double> values) {
  return tensor(std::vector<double>(values), {.dtype = float64, .requires_grad = true});
}
Tensor plain(std::initializer_list<double> values) { return tensor(std::vector<double>(values), {.dtype = float64}); }

/// a·x + b, where either term may be missing.
struct Affine {
  static constexpr std::string_view name = "Affine";
  double a;
  struct Saved {};
  Tensor forward(Saved&, const Tensor& x, const Tensor& b) {
    if (!x.defined()) return b.clone();
    return b.defined() ? x * a + b : x * a;
  }
  Grads<2> backward(const Saved&, const Tensor& g) const {
    Grads<2> grads;
    if (needs_grad(0)) grads[0] = g * a;
    if (needs_grad(1)) grads[1] = g;
    return grads;
  }
};

/// x·factor, where the factor is a constant.
struct Weighted {
  static constexpr std::string_view name = "Weighted";
  struct Saved {
    SavedTensor factor;
  };
  Tensor forward(Saved& s, const Tensor& x, NoGrad factor) {
    s.factor = save(factor);
    return factor.defined() ? x * factor : x.clone();
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const { return {s.factor ? g * s.factor.get() : g}; }
};

/// The largest element and its place, as a pool gives them.
struct Largest {
  static constexpr std::string_view name = "Largest";
  Shape in{};
  struct Saved {
    SavedTensor place;
  };
  std::pair<Tensor, NoGrad> forward(Saved& s, const Tensor& x) {
    in = x.shape();
    const Tensor place = argmax(x);
    s.place = save(place);
    return {x[place.item<std::int64_t>()].clone(), place};
  }
  Grads<1> backward(const Saved& s, std::span<const Tensor, 2> g) const {
    BOOST_TEST(!g[1].defined());
    return {index_add(zeros(in, {.dtype = g[0].dtype()}), 0, s.place.get().reshape({1}), g[0].reshape({1}))};
  }
};

/// exp(x), sin(y) and their product: three results, of which backward reads two.
struct Three {
  static constexpr std::string_view name = "Three";
  struct Saved {
    SavedTensor e, s, y;
  };
  std::tuple<Tensor, Tensor, Tensor> forward(Saved& saved, const Tensor& x, const Tensor& y) {
    Tensor e = exp(x), s = sin(y);
    saved = {save_output(e), save_output(s, 1), save(y)};
    Tensor product = e * s;
    return {std::move(e), std::move(s), std::move(product)};
  }
  Grads<2> backward(const Saved& saved, std::span<const Tensor, 3> g) const {
    const Tensor e = saved.e.get(), s = saved.s.get(), c = cos(saved.y.get());
    Grads<2> grads;
    const auto add = [](Tensor& to, const Tensor& part) { to = to.defined() ? to + part : part; };
    if (g[0].defined()) add(grads[0], g[0] * e);
    if (g[2].defined()) add(grads[0], g[2] * s * e);
    if (g[1].defined()) add(grads[1], g[1] * c);
    if (g[2].defined()) add(grads[1], g[2] * e * c);
    return grads;
  }
};

Inputs three(const Inputs& in) {
  auto [e, s, product] = apply(SourceLoc::here(), Three{}, in[0], in[1]);
  return {e, s, product};
}

/// The halves of a vector, as views.
struct Halves {
  static constexpr std::string_view name = "Halves";
  struct Saved {};
  std::array<View, 2> forward(Saved&, const Tensor& x) {
    const std::int64_t n = x.size(0) / 2;
    return {narrow(x, 0, 0, n), narrow(x, 0, n, n)};
  }
  Grads<1> backward(const Saved&, std::span<const Tensor> g) const {
    const Tensor& some = g[0].defined() ? g[0] : g[1];
    return {cat({g[0].defined() ? g[0] : zeros_like(some), g[1].defined() ? g[1] : zeros_like(some)})};
  }
};

/// Each input times its number, for any number of inputs; the last result counts them.
struct Numbered {
  static constexpr std::string_view name = "Numbered";
  struct Saved {};
  std::vector<Tensor> forward(Saved&, const std::vector<Tensor>& in, NoGrad scale) {
    std::vector<Tensor> out;
    for (std::size_t i = 0; i < in.size(); ++i)
      out.push_back(in[i] * (static_cast<double>(i + 1) * scale.item<double>()));
    out.push_back(tensor({std::int64_t(in.size())}));
    return out;
  }
  std::vector<Tensor> backward(const Saved&, std::span<const Tensor> g) const {
    std::vector<Tensor> grads(g.size() - 1);
    for (std::size_t i = 0; i + 1 < g.size(); ++i)
      if (g[i].defined()) grads[i] = g[i] * static_cast<double>(i + 1);
    return grads;
  }
};

/// Normalised by statistics that forward updates, and returns without a derivative.
struct Running {
  static constexpr std::string_view name = "Running";
  struct Saved {
    SavedTensor scale;
  };
  std::tuple<Tensor, NoGrad> forward(Saved& s, const Tensor& x, NoGrad running) {
    running.copy_(running * 0.5 + x.abs().mean() * 0.5);
    Tensor scale = running.clone();
    s.scale = save(scale);
    return {x / scale, scale};
  }
  Grads<1> backward(const Saved& s, std::span<const Tensor, 2> g) const { return {g[0] / s.scale.get()}; }
};

/// Keeps a tensor of its own making only.
struct OwnMask {
  static constexpr std::string_view name = "OwnMask";
  struct Saved {
    Tensor mask;
  };
  Tensor forward(Saved& s, const Tensor& x) {
    s.mask = (x > 0.0).to(x.dtype());
    return x * s.mask;
  }
  Grads<1> backward(const Saved& s, const Tensor& g) const { return {g * s.mask}; }
};

struct ReturnsInput {
  static constexpr std::string_view name = "ReturnsInput";
  struct Saved {};
  Tensor forward(Saved&, const Tensor&, const Tensor& y) { return y; }
  Grads<2> backward(const Saved&, const Tensor& g) const { return {Tensor(), g}; }
};

template <bool Plain>
struct SavesResult {
  static constexpr std::string_view name = "SavesResult";
  struct Saved {
    std::conditional_t<Plain, Tensor, SavedTensor> y;
  };
  Tensor forward(Saved& s, const Tensor& x) {
    Tensor y = exp(x);
    if constexpr (Plain)
      s.y = y;
    else
      s.y = save(y);
    return y;
  }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {g}; }
};

struct LosesGradients {
  static constexpr std::string_view name = "LosesGradients";
  struct Saved {};
  Tensor forward(Saved&, const std::vector<Tensor>& in) { return in[0] + in[1]; }
  std::vector<Tensor> backward(const Saved&, const Tensor& g) const { return {g}; }
};

struct TooMany {
  static constexpr std::string_view name = "TooMany";
  struct Saved {};
  std::vector<Tensor> forward(Saved&, const Tensor& x) {
    std::vector<Tensor> out;
    for (int i = 0; i <= UINT16_MAX; ++i) out.push_back(x.clone());
    return out;
  }
  Grads<1> backward(const Saved&, std::span<const Tensor> g) const { return {g[0]}; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(an_undefined_input_is_legal_wherever_it_stands) {
  const auto affine = [](const Tensor& x, const Tensor& b) { return apply(SourceLoc::here(), Affine{3}, x, b); };
  const Tensor x = leaf({1, 2}), b = leaf({5, 6});
  affine(x, {}).sum().backward();
  check_values(x.grad(), {3, 3});
  affine({}, b).sum().backward();
  check_values(b.grad(), {1, 1});
  BOOST_TEST(!affine(plain({1}), {}).requires_grad());
  BOOST_TEST(!affine({}, plain({1})).requires_grad());
  affine(x, plain({1, 1})).sum().backward();
  check_values(x.grad(), {6, 6});
}

BOOST_AUTO_TEST_CASE(linear_records_one_operation_with_and_without_a_bias) {
  const Tensor w = randn({3, 2}, {.dtype = float64, .requires_grad = true}), x = randn({4, 2}, {.dtype = float64});
  BOOST_TEST(linear(x, w, {}).grad_fn() == "LinearBackward");
  BOOST_TEST(linear(x, w, zeros({3}, {.dtype = float64})).grad_fn() == "LinearBackward");
  linear(x, w, {}).sum().backward();
  const Tensor without = w.grad();
  w.zero_grad();
  linear(x, w, zeros({3}, {.dtype = float64})).sum().backward();
  BOOST_TEST(equal(without, w.grad()));
}

BOOST_AUTO_TEST_CASE(a_constant_gets_no_gradient_even_when_it_asks_for_one) {
  const Tensor x = leaf({1, 2}), w = leaf({3, 4});
  const Tensor y = apply(SourceLoc::here(), Weighted{}, x, w);
  y.sum().backward();
  check_values(x.grad(), {3, 4});
  BOOST_TEST(!w.grad().defined());
  BOOST_TEST(!apply(SourceLoc::here(), Weighted{}, plain({1, 2}), w).requires_grad());
  x.zero_grad();
  apply(SourceLoc::here(), Weighted{}, x, Tensor()).sum().backward();
  check_values(x.grad(), {1, 1});
}

BOOST_AUTO_TEST_CASE(a_constant_overwritten_before_backward_is_noticed) {
  const Tensor x = leaf({1, 2}), w = plain({3, 4});
  const Tensor y = apply(SourceLoc::here(), Weighted{}, x, w);
  w.mul_(2.0);
  check_error<AutogradError>([&] { y.sum().backward(); }, "was at version 0 and is at version 1");
}

BOOST_AUTO_TEST_CASE(a_result_without_derivative_stands_beside_one_with) {
  const Tensor x = leaf({1, 5, 3});
  auto [value, place] = apply(SourceLoc::here(), Largest{}, x);
  BOOST_TEST(value.requires_grad());
  BOOST_TEST(!place.requires_grad());
  BOOST_TEST(place.item<std::int64_t>() == 1);
  (value * 2.0).backward();
  check_values(x.grad(), {0, 2, 0});
}

BOOST_AUTO_TEST_CASE(a_floating_result_marked_no_grad_has_no_history_and_may_be_saved) {
  const Tensor x = leaf({1, 3}), running = plain({2});
  auto [y, scale] = apply(SourceLoc::here(), Running{}, x, running);
  check_values(running, {2});
  check_values(scale, {2});
  BOOST_TEST(!scale.requires_grad());
  BOOST_TEST(running.version() == 1u);
  y.sum().backward();
  check_values(x.grad(), {0.5, 0.5});
  BOOST_TEST(scale.impl().refs.unique());
}

BOOST_AUTO_TEST_CASE(several_results_are_right_to_second_order_whichever_arrive) {
  const Inputs in = {leaf({0.3, -0.2}), leaf({0.7, 1.1})};
  for (unsigned wanted = 1; wanted < 8; ++wanted) {
    const auto f = [wanted](const Inputs& at) {
      const Inputs all = three(at);
      Inputs some;
      for (unsigned i = 0; i < 3; ++i)
        if (wanted >> i & 1) some.push_back(all[i]);
      return some;
    };
    const auto first = autograd::gradcheck(f, in), second = autograd::gradgradcheck(f, in);
    BOOST_TEST(first.ok, first.message);
    BOOST_TEST(second.ok, second.message);
  }
  const Tensor product = three(in)[2];
  BOOST_TEST(product.grad_fn() == "ThreeBackward");
}

BOOST_AUTO_TEST_CASE(views_among_several_results_share_memory_and_history) {
  const Tensor x = leaf({1, 2, 3, 4});
  const Tensor y = x * 1.0;
  auto [low, high] = apply(SourceLoc::here(), Halves{}, y);
  low.mul_(10.0);
  check_values(y, {10, 20, 3, 4});
  (y.sum() + (high * 2.0).sum()).backward();
  check_values(x.grad(), {10, 10, 3, 3});
}

BOOST_AUTO_TEST_CASE(a_list_of_inputs_takes_constants_and_gives_as_many_results) {
  const Inputs in = {leaf({1}), leaf({2}), leaf({3})};
  const Inputs out = apply(SourceLoc::here(), Numbered{}, in, plain({1}));
  BOOST_REQUIRE_EQUAL(out.size(), 4u);
  BOOST_TEST(!out[3].requires_grad());
  (out[0] + out[2] * 10.0).backward();
  check_values(in[0].grad(), {1});
  BOOST_TEST(!in[1].grad().defined());
  check_values(in[2].grad(), {30});
  const Inputs with_gap = {Tensor(), leaf({2})};
  struct FirstDefined : Numbered {
    std::vector<Tensor> forward(Saved&, const std::vector<Tensor>& all, NoGrad) { return {all[1] * 2.0, all[1] * 1.0}; }
    std::vector<Tensor> backward(const Saved&, std::span<const Tensor> g) const { return {Tensor(), g[0] * 2.0}; }
  };
  apply(SourceLoc::here(), FirstDefined{}, with_gap, Tensor())[0].backward();
  check_values(with_gap[1].grad(), {2});
}

BOOST_AUTO_TEST_CASE(whatever_was_saved_a_second_backward_says_that_it_was_freed) {
  const Tensor x = leaf({1, -2});
  const Tensor own = apply(SourceLoc::here(), OwnMask{}, x).sum();
  own.backward();
  check_error<AutogradError>([&] { own.backward(); }, "freed by an earlier backward");
  const Tensor nothing = apply(SourceLoc::here(), Affine{2}, x, Tensor()).sum();
  nothing.backward();
  nothing.backward();
}

BOOST_AUTO_TEST_CASE(what_forward_may_not_do_is_refused) {
  const Tensor x = leaf({1}), y = leaf({2}), constant = plain({2});
  for (const Tensor& given : {y, constant})
    check_error<AutogradError>([&] { (void)apply(SourceLoc::here(), ReturnsInput{}, x, given); },
                               "ReturnsInput: forward returned one of its inputs");
  BOOST_TEST(!constant.requires_grad());
  check_error<AutogradError>([&] { (void)apply(SourceLoc::here(), SavesResult<false>{}, x); },
                             "forward saved its own result");
  check_error<AutogradError>([&] { (void)apply(SourceLoc::here(), SavesResult<true>{}, x); }, "use save_output()");
  check_error<AutogradError>([&] { apply(SourceLoc::here(), LosesGradients{}, Inputs{x, y}).backward(); },
                             "LosesGradients: backward returned 1 gradients for 2 inputs");
  BOOST_TEST(!x.grad().defined());
  check_error<ValueError>([&] { (void)apply(SourceLoc::here(), TooMany{}, x); }, "at most 65535 results, got 65536");
}

BOOST_AUTO_TEST_CASE(explain_counts_what_an_operation_made_for_itself) {
  const std::string text = autograd::explain(apply(SourceLoc::here(), OwnMask{}, leaf({1, -2})));
  BOOST_TEST(text.find("16 bytes kept for backward") != std::string::npos, text);
}

BOOST_AUTO_TEST_SUITE_END()
