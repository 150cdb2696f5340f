#include <pthread.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <thread>
#include <vector>

#include "slope/autograd.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(backward)

namespace {

/// Runs `body` on a thread with a stack of 256 KiB.
template <class F>
void on_small_stack(const F& body) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  pthread_t thread;
  BOOST_REQUIRE_EQUAL(pthread_create(
                          &thread, &attributes,
                          [](void* f) -> void* {
                            (*static_cast<const F*>(f))();
                            return nullptr;
                          },
                          const_cast<void*>(static_cast<const void*>(&body))),
                      0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

Tensor leaf(std::initializer_list<double> values) {
  return tensor(std::vector<double>(values), {.requires_grad = true});
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_product_gives_each_factor_the_other) {
  const Tensor x = leaf({2, 3}), y = leaf({5, 7});
  (x * y).sum().backward();
  check_values(x.grad(), {5, 7});
  check_values(y.grad(), {2, 3});
}

BOOST_AUTO_TEST_CASE(a_tensor_used_twice_receives_the_sum) {
  const Tensor x = leaf({3});
  (x * x + x).sum().backward();
  check_values(x.grad(), {7});
}

BOOST_AUTO_TEST_CASE(gradients_accumulate_over_backwards) {
  const Tensor x = leaf({3});
  for (int i = 0; i < 3; ++i) (x * 2.0).sum().backward();
  check_values(x.grad(), {6});
  x.zero_grad();
  BOOST_TEST(!x.grad().defined());
}

BOOST_AUTO_TEST_CASE(the_first_gradient_does_not_alias_what_the_user_passed) {
  const Tensor x = leaf({1, 2}), seed = tensor({3.0, 4.0}, {.dtype = float64});
  const Tensor y = x + 0.0;
  y.backward(seed);
  seed.fill_(9);
  check_values(x.grad(), {3, 4});
}

BOOST_AUTO_TEST_CASE(two_leaves_fed_by_one_gradient_do_not_share_it) {
  const Tensor x = leaf({1}), y = leaf({1});
  (x + y).sum().backward();
  x.grad().add_(5.0);
  check_values(y.grad(), {1});
}

BOOST_AUTO_TEST_CASE(a_ladder_of_sixty_diamonds_takes_linear_time) {
  const Tensor x = leaf({1});
  Tensor y = x;
  for (int i = 0; i < 60; ++i) y = y + y;
  y.sum().backward();
  check_values(x.grad(), {1152921504606846976.0});
}

BOOST_AUTO_TEST_CASE(nodes_run_in_reverse_order_of_their_creation) {
  const Tensor x = leaf({1});
  std::vector<int> order;
  std::vector<Tensor> made{x};
  const auto make = [&](const std::vector<int>& from) {
    const int number = static_cast<int>(made.size());
    std::vector<Tensor> inputs;
    Tensor sum = zeros({1});
    for (const int i : from) {
      inputs.push_back(made[static_cast<std::size_t>(i)]);
      sum = sum + inputs.back().detach();
    }
    made.push_back(custom("Step", inputs, sum, [&order, number, n = inputs.size()](const Tensor& g) {
      order.push_back(number);
      return std::vector<Tensor>(n, g);
    }));
  };
  // Short and long ways to the same producers: what is handed on first is not what runs next.
  const std::vector<std::vector<int>> inputs_of = {{0}, {1}, {1}, {2, 3}, {1, 4}, {2}, {5, 3}, {6, 7, 1}, {8, 4}};
  for (const auto& from : inputs_of) make(from);
  made.back().backward();
  BOOST_TEST(order == (std::vector{9, 8, 7, 6, 5, 4, 3, 2, 1}), boost::test_tools::per_element());
  BOOST_TEST(x.grad().item() == made.back().item());  // each is the number of ways to x
}

BOOST_AUTO_TEST_CASE(a_million_operations_build_run_and_free_on_a_small_stack) {
  double gradient = 0;
  on_small_stack([&] {
    const Tensor x = leaf({1});
    Tensor y = x;
    for (int i = 0; i < 1'000'000; ++i) y = y + 1.0;
    y.sum().backward();
    gradient = x.grad().item();
  });
  BOOST_TEST(gradient == 1.0);
}

BOOST_AUTO_TEST_CASE(a_million_operations_are_freed_without_backward_on_a_small_stack) {
  on_small_stack([&] {
    const Tensor x = leaf({1});
    Tensor y = x;
    for (int i = 0; i < 1'000'000; ++i) y = y * 1.0000001;
  });
  BOOST_TEST(true);  // reached only without a stack overflow
}

BOOST_AUTO_TEST_CASE(a_million_saved_inputs_are_freed_on_a_small_stack) {
  double gradient = 0;
  on_small_stack([&] {
    const Tensor x = leaf({1});
    Tensor y = x * 1.0;
    for (int i = 0; i < 1'000'000; ++i) y = y * y;  // saves its input, whose history hangs on it alone
    gradient = y.item();
  });
  BOOST_TEST(gradient == 1.0);
}

BOOST_AUTO_TEST_CASE(a_leaf_used_a_million_times_counts_exactly) {
  const Tensor x = leaf({1});
  Tensor total = x * 0.0;
  for (int i = 0; i < 1'000'000; ++i) total = total + x;
  total.sum().backward();
  check_values(x.grad(), {1e6});
}

BOOST_AUTO_TEST_CASE(a_second_backward_says_that_the_graph_was_freed) {
  const Tensor x = leaf({2});
  const Tensor y = (x * x).sum();
  y.backward();
  check_error<AutogradError>(
      [&] { y.backward(); },
      "the values that MulBackward had saved were freed by an earlier backward; pass retain_graph = true to that one");
  check_values(x.grad(), {4});  // the failed call changed nothing
}

BOOST_AUTO_TEST_CASE(a_second_backward_works_when_nothing_was_saved) {
  const Tensor x = leaf({2});
  const Tensor y = (x + x).sum();
  y.backward();
  y.backward();
  check_values(x.grad(), {4});
}

BOOST_AUTO_TEST_CASE(retain_graph_allows_another_backward) {
  const Tensor x = leaf({2});
  const Tensor y = (x * x).sum();
  y.backward({}, true);
  y.backward();
  check_values(x.grad(), {8});
}

BOOST_AUTO_TEST_CASE(backward_needs_one_element_or_a_gradient) {
  const Tensor x = leaf({1, 2});
  const Tensor y = x * 2.0;
  check_error<AutogradError>([&] { y.backward(); },
                             "only an output of one element can go without a gradient, this one has shape [2]");
  check_error<ShapeError>([&] { y.backward(ones({3}, {.dtype = float64})); }, "the gradient has shape [3]");
  check_error<AutogradError>([&] { x.detach().sum().backward(); },
                             "output 0 does not require grad: nothing it was computed from did");
  BOOST_TEST(!x.grad().defined());
}

BOOST_AUTO_TEST_CASE(grad_touches_no_leaf_and_takes_inner_tensors) {
  const Tensor x = leaf({3});
  const Tensor y = x * x, z = (y * y).sum();
  const auto grads = autograd::grad({z}, {x, y});
  check_values(grads[0], {108});
  check_values(grads[1], {18});
  BOOST_TEST(!x.grad().defined());
}

BOOST_AUTO_TEST_CASE(grad_leaves_what_lies_behind_its_inputs_for_a_later_backward) {
  const Tensor x = leaf({1, 2});
  const Tensor y = exp(x), z = (y * y).sum();
  const Tensor gy = autograd::grad({z}, {y})[0];  // needs the product, not the exponential
  y.backward(gy);
  check_close(x.grad(), {2 * std::exp(2.0), 2 * std::exp(4.0)}, 1e-6);
  check_error<AutogradError>([&] { y.backward(gy); }, "freed by an earlier backward");
  const Tensor a = x * 2.0, b = exp(a), c = b.sum();
  const auto both = autograd::grad({c}, {a, b});  // one behind the other
  check_close(both[0], {std::exp(2.0), std::exp(4.0)}, 1e-6);
  check_values(both[1], {1, 1});
}

BOOST_AUTO_TEST_CASE(grad_runs_each_hook_once_and_keeps_nothing) {
  const Tensor x = leaf({3});
  const Tensor y = x * 2.0;
  y.retain_grad();
  int leaf_calls = 0, inner_calls = 0;
  x.register_hook([&](const Tensor& g) {
    ++leaf_calls;
    return g * 10.0;
  });
  y.register_hook([&](const Tensor&) { ++inner_calls; });
  const auto grads = autograd::grad({(y * y).sum()}, {x, y, x, y});
  check_values(grads[0], {240});
  check_values(grads[1], {12});
  check_values(grads[2], {240});
  check_values(grads[3], {12});
  BOOST_TEST(leaf_calls == 1);
  BOOST_TEST(inner_calls == 1);
  BOOST_TEST(!y.grad().defined());
}

BOOST_AUTO_TEST_CASE(grad_reports_inputs_that_were_not_used) {
  const Tensor x = leaf({3}), other = leaf({1});
  check_error<AutogradError>([&] { autograd::grad({(x * x).sum()}, {other}); },
                             "the outputs do not depend on input 0; pass {.allow_unused = true}");
  const auto grads = autograd::grad({(x * x).sum()}, {x, other}, {.allow_unused = true});
  check_values(grads[0], {6});
  BOOST_TEST(!grads[1].defined());
}

BOOST_AUTO_TEST_CASE(create_graph_gives_derivatives_of_any_order) {
  const Tensor x = leaf({2});
  Tensor y = (x * x * x * x).sum();  // derivatives 4x³, 12x², 24x, 24
  const double expected[] = {32, 48, 48, 24};
  for (double e : expected) {
    y = autograd::grad({y}, {x}, {.create_graph = true})[0].sum();
    BOOST_TEST(y.item() == e, boost::test_tools::tolerance(1e-12));
  }
}

BOOST_AUTO_TEST_CASE(create_graph_puts_a_differentiable_gradient_into_grad) {
  const Tensor x = leaf({3});
  (x * x * x).sum().backward({}, {}, true);
  const Tensor first = x.grad();
  check_values(first, {27});
  BOOST_TEST(first.requires_grad());
  check_values(autograd::grad({first.sum()}, {x})[0], {18});
  x.zero_grad();  // the gradient's graph refers to x: dropping the gradient breaks the cycle
}

BOOST_AUTO_TEST_CASE(a_recorded_gradient_does_not_alias_what_the_user_passed_either) {
  const Tensor x = leaf({1, 2}), g = tensor({5.0, 7.0});
  x.backward(g, {}, true);
  const Tensor y = leaf({1, 2}), h = tensor({5.0, 7.0});
  y.reshape({2, 1}).backward(h.view({2, 1}), {}, true);
  g.zero_();
  h.zero_();
  check_values(x.grad(), {5, 7});
  check_values(y.grad(), {5, 7});
}

BOOST_AUTO_TEST_CASE(no_grad_records_nothing_and_is_restored_by_exceptions) {
  const Tensor x = leaf({3});
  try {
    NoGradGuard no_grad;
    BOOST_TEST(!(x * 2.0).requires_grad());
    {
      EnableGradGuard grad;
      BOOST_TEST((x * 2.0).requires_grad());
    }
    throw 1;
  } catch (int) {
  }
  BOOST_TEST(grad_enabled());
  BOOST_TEST((x * 2.0).requires_grad());
}

BOOST_AUTO_TEST_CASE(grad_mode_belongs_to_a_thread) {
  NoGradGuard no_grad;
  bool other = false;
  std::thread([&] { other = grad_enabled(); }).join();
  BOOST_TEST(other);
  BOOST_TEST(!grad_enabled());
}

BOOST_AUTO_TEST_CASE(inner_tensors_keep_their_gradient_only_on_request) {
  const Tensor x = leaf({3});
  const Tensor y = x * 2.0, z = x * 3.0;
  z.retain_grad();
  (y * z).sum().backward();
  BOOST_TEST(!y.grad().defined());
  check_values(z.grad(), {6});
}

BOOST_AUTO_TEST_CASE(hooks_run_in_order_once_and_may_replace_the_gradient) {
  const Tensor x = leaf({3});
  const Tensor y = x * 2.0;
  std::vector<int> order;
  y.register_hook([&](const Tensor& g) {
    order.push_back(1);
    return g * 10.0;
  });
  auto second = y.register_hook([&](const Tensor&) { order.push_back(2); });
  x.register_hook([&](const Tensor& g) {
    order.push_back(3);
    return g + 1.0;
  });
  (y + y).sum().backward({}, true);
  check_values(x.grad(), {41});
  BOOST_TEST(order == (std::vector<int>{1, 2, 3}), boost::test_tools::per_element());
  second.remove();
  second.remove();
  order.clear();
  (y + y).sum().backward();
  BOOST_TEST(order == (std::vector<int>{1, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(hooks_need_a_gradient_and_keep_its_shape_and_dtype) {
  const Tensor plain = tensor({1.0}), x = leaf({1, 2});
  check_error<AutogradError>([&] { plain.register_hook([](const Tensor&) {}); },
                             "register_hook: the tensor does not require grad");
  check_error<AutogradError>([&] { (x * 2.0).register_post_accumulate_grad_hook([](const Tensor&) {}); },
                             "register_post_accumulate_grad_hook: only leaf tensors that require grad");
  auto shape = x.register_hook([](const Tensor& g) { return g.sum(); });
  check_error<ShapeError>([&] { (x * x).sum().backward(); },
                          "backward: a hook returned a gradient of shape [], expected [2]");
  shape.remove();
  x.register_hook([](const Tensor& g) { return g.to(float32); });
  check_error<DTypeError>([&] { (x * x).sum().backward(); },
                          "backward: a hook returned a gradient of float32, expected float64");
  BOOST_TEST(!x.grad().defined());
}

BOOST_AUTO_TEST_CASE(an_operation_takes_more_inputs_than_sixteen_bits_count) {
  constexpr std::size_t n = 70'000;
  const Tensor x = leaf({1, 2});
  std::vector<Tensor> parts;
  for (std::size_t i = 0; i < n; ++i) parts.push_back(x[i % 2]);
  stack(parts).sum().backward();
  check_values(x.grad(), {n / 2, n / 2});
  x.zero_grad();
  for (Tensor& t : parts) t = t.view({1});
  cat(parts).sum().backward();
  check_values(x.grad(), {n / 2, n / 2});
  x.zero_grad();
  custom("Many", parts, tensor(1.0, {.dtype = float64}), [](const Tensor& g) {
    return std::vector<Tensor>(n, g.view({1}));
  }).backward();
  check_values(x.grad(), {n / 2, n / 2});
  const std::vector<Tensor> outputs(n, tensor(1.0));
  check_error<ValueError>(
      [&] { custom("Many", {x}, outputs, [](const std::vector<Tensor>&) { return std::vector<Tensor>(1); }); },
      "Many: a custom operation has at most 65535 outputs, got 70000");
}

BOOST_AUTO_TEST_CASE(a_hook_runs_after_the_gradient_is_accumulated) {
  const Tensor x = leaf({3});
  double seen = 0;
  x.register_post_accumulate_grad_hook([&](const Tensor& t) { seen = t.grad().item(); });
  (x * 2.0).sum().backward();
  (x * 2.0).sum().backward();
  BOOST_TEST(seen == 4.0);
}

BOOST_AUTO_TEST_CASE(a_throwing_hook_propagates_and_changes_no_gradient) {
  const Tensor x = leaf({3}), w = leaf({2});
  const Tensor y = x * w;
  x.register_hook([](const Tensor&) { throw std::runtime_error("from the hook"); });
  BOOST_CHECK_THROW(y.sum().backward(), std::runtime_error);
  BOOST_TEST(!w.grad().defined());
  BOOST_TEST(!x.grad().defined());
}

BOOST_AUTO_TEST_CASE(only_floating_leaves_require_gradients) {
  check_error<AutogradError>([] { tensor({1, 2}).requires_grad_(); }, "only floating point tensors can require grad");
  const Tensor y = leaf({1}) * 2.0;
  check_error<AutogradError>([&] { y.requires_grad_(false); }, "only leaves can stop requiring it");
}

BOOST_AUTO_TEST_CASE(detached_tensors_share_data_but_no_history) {
  const Tensor x = leaf({1, 2});
  const Tensor d = x.detach();
  BOOST_TEST(!d.requires_grad());
  BOOST_TEST(d.shares_storage(x));
  d.fill_(5);
  check_values(x, {5, 5});
  BOOST_TEST(x.version() == 1u);
}

BOOST_AUTO_TEST_CASE(threads_may_run_backward_over_shared_leaves) {
  const Tensor w = leaf({1, 2, 3});
  constexpr int threads = 8, rounds = 200;
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t)
    pool.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) (w * w).sum().backward();
    });
  for (auto& t : pool) t.join();
  check_values(w.grad(), {2.0 * threads * rounds, 4.0 * threads * rounds, 6.0 * threads * rounds});
}

BOOST_AUTO_TEST_CASE(a_backward_may_start_another_one) {
  const Tensor x = leaf({3});
  Tensor y;
  {
    NoGradGuard no_grad;
    y = x * x;
  }
  const Tensor out = custom("Outer", {x}, y, [x](const Tensor& g) {
    EnableGradGuard grad;
    const Tensor inner = x.detach().requires_grad_();
    (inner * inner).sum().backward();
    return std::vector<Tensor>{g * inner.grad()};
  });
  out.sum().backward();
  check_values(x.grad(), {6});
}

BOOST_AUTO_TEST_CASE(anomaly_mode_names_the_operation_and_its_line) {
  const Tensor x = leaf({-1.0});
  AnomalyGuard anomaly;
  const Tensor y = sqrt(x).sum();
  try {
    y.backward();
    BOOST_ERROR("expected an error");
  } catch (const AutogradError& e) {
    BOOST_TEST(std::string(e.what()).find("SqrtBackward returned NaN") != std::string::npos);
    BOOST_TEST(std::string(e.what()).find("backward_test.cpp:" + std::to_string(__LINE__ - 6)) != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(an_operation_defined_by_a_closure_is_differentiable_twice) {
  const Tensor x = leaf({2});
  auto cube = [](const Tensor& t) {
    Tensor y;
    {
      NoGradGuard no_grad;
      y = t * t * t;
    }
    return custom("Cube", {t}, y, [t](const Tensor& g) { return std::vector<Tensor>{g * 3.0 * t * t}; });
  };
  const Tensor first = autograd::grad({cube(x).sum()}, {x}, {.create_graph = true})[0];
  check_values(first, {12});
  check_values(autograd::grad({first.sum()}, {x})[0], {12});
}

BOOST_AUTO_TEST_CASE(a_custom_backward_is_checked) {
  const Tensor x = leaf({2, 3});
  const Tensor bad_count =
      custom("Bad", {x}, zeros({2}, {.dtype = float64}), [](const Tensor&) { return std::vector<Tensor>{}; });
  check_error<AutogradError>([&] { bad_count.sum().backward(); }, "Bad: backward returned 0 gradients for 1 inputs");
  const Tensor bad_shape = custom("Bad", {x}, zeros({2}, {.dtype = float64}),
                                  [](const Tensor&) { return std::vector<Tensor>{zeros({3}, {.dtype = float64})}; });
  check_error<ShapeError>([&] { bad_shape.sum().backward(); }, "a gradient of shape [3]");
  const Tensor once = custom("Once", {x}, zeros({2}, {.dtype = float64}),
                             [](const Tensor& g) { return std::vector<Tensor>{g}; }, {.once_differentiable = true});
  check_error<AutogradError>([&] { once.sum().backward({}, {}, true); }, "Once: this operation is once differentiable");
}

BOOST_AUTO_TEST_CASE(a_custom_backward_gives_the_dtype_of_its_input) {
  const Tensor x = leaf({1, 2}).to(float64).detach().requires_grad_();
  const Tensor narrow = custom("Narrow", {x}, zeros({2}, {.dtype = float64}),
                               [](const Tensor& g) { return std::vector<Tensor>{g.to(float32)}; });
  check_error<DTypeError>([&] { narrow.sum().backward(); },
                          "Narrow: backward returned a gradient of float32 for input 0, which is float64");
  const Tensor whole = custom("Whole", {x}, zeros({2}, {.dtype = float64}),
                              [](const Tensor&) { return std::vector<Tensor>{arange(2)}; });
  check_error<DTypeError>([&] { whole.sum().backward(); }, "a gradient of int64 for input 0");
  BOOST_TEST(!x.grad().defined());
}

BOOST_AUTO_TEST_CASE(a_gradient_that_is_set_has_the_shape_and_dtype_of_the_tensor) {
  const Tensor x = zeros({2, 3}, {.requires_grad = true});
  check_error<ShapeError>([&] { x.set_grad(zeros({3, 2})); }, "set_grad: the gradient has shape [3, 2]");
  check_error<ShapeError>([&] { x.set_grad(zeros({6})); }, "but the tensor has shape [2, 3]");
  check_error<DTypeError>([&] { x.set_grad(zeros({2, 3}, {.dtype = float64})); }, "set_grad: the gradient is float64");
  BOOST_TEST(!x.grad().defined());
  x.set_grad(ones({2, 3}));
  check_error<ShapeError>([&] { x.set_grad(zeros({3, 2})); }, "set_grad");
  check_values(x.grad(), {1, 1, 1, 1, 1, 1});
}

BOOST_AUTO_TEST_CASE(several_outputs_of_one_operation_each_carry_their_gradient) {
  const Tensor x = leaf({2, 3});
  std::vector<Tensor> values;
  {
    NoGradGuard no_grad;
    values = {x * 2.0, x * 3.0};
  }
  const auto outs = custom("Pair", {x}, values, [](const std::vector<Tensor>& g) {
    Tensor sum = zeros({2}, {.dtype = float64});
    if (g[0].defined()) sum = sum + g[0] * 2.0;
    if (g[1].defined()) sum = sum + g[1] * 3.0;
    return std::vector<Tensor>{sum};
  });
  outs[1].sum().backward({}, true);
  check_values(x.grad(), {3, 3});
  (outs[0] + outs[1] * 10.0).sum().backward();
  check_values(x.grad(), {35, 35});
}

BOOST_AUTO_TEST_SUITE_END()
