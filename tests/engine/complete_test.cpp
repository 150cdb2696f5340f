// on_gradient_complete: leaves that are told of their gradient while backward still runs; nested backwards.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "slope/autograd.h"
#include "slope/autograd/engine/internal/extras.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(gradient_complete)

namespace {

Tensor leaf(std::initializer_list<double> values) {
  return tensor(std::vector<double>(values), {.dtype = float64, .requires_grad = true});
}

/// x, with a note in `log` when backward passes.
Tensor noted(const Tensor& x, std::vector<std::string>& log, const std::string& name) {
  Tensor y;
  {
    NoGradGuard no_grad;
    y = x.clone();
  }
  return custom(name, {x}, y, [&log, name](const Tensor& g) {
    log.push_back(name);
    return std::vector<Tensor>{g};
  });
}

Tensor failing(const Tensor& x) {
  NoGradGuard no_grad;
  const Tensor y = x.clone();
  EnableGradGuard grad;
  return custom("Failing", {x}, y,
                [](const Tensor&) -> std::vector<Tensor> { throw ValueError("Failing: on purpose"); });
}

}  // namespace

BOOST_AUTO_TEST_CASE(leaves_are_complete_as_soon_as_their_first_use_has_run) {
  const Tensor early = leaf({2}), late = leaf({3}), unasked = leaf({5});
  std::vector<std::string> log;
  for (const auto& [name, w] : {std::pair("late", late), std::pair("early", early)})
    autograd::on_gradient_complete(w, [&log, who = std::string(name), &unasked](const Tensor& p) {
      log.push_back(who + " " + std::to_string(static_cast<int>(p.grad().item<double>())));
      BOOST_TEST(!unasked.grad().defined());  // it waits for the end
    });
  const Tensor first = noted(late * unasked, log, "first");   // 15
  const Tensor second = noted(first * early, log, "second");  // 30
  const Tensor third = noted(second * 1.0, log, "third");
  third.sum().backward();
  const std::vector<std::string> expected = {"third", "second", "early 15", "first", "late 10"};
  BOOST_TEST(log == expected, boost::test_tools::per_element());
  check_values(unasked.grad(), {6});
}

BOOST_AUTO_TEST_CASE(a_leaf_used_many_times_is_told_once_with_the_sum) {
  const Tensor w = leaf({2});
  int calls = 0;
  autograd::on_gradient_complete(w, [&](const Tensor& p) {
    ++calls;
    BOOST_TEST(p.grad().item<double>() == (calls == 3 ? 201 : 100 * calls));
  });
  for (int round = 0; round < 2; ++round) {
    Tensor total = w * 1.0;
    for (int i = 1; i < 100; ++i) total = total + w;
    total.backward();
  }
  BOOST_TEST(calls == 2);
  w.backward();  // the leaf is the output itself
  BOOST_TEST(calls == 3);
}

BOOST_AUTO_TEST_CASE(a_use_that_gets_no_gradient_does_not_hold_a_leaf_back) {
  const Tensor w = leaf({2, 3});
  std::vector<std::string> log;
  autograd::on_gradient_complete(w, [&](const Tensor& p) {
    log.push_back("complete");
    check_values(p.grad(), {1, 1});
  });
  const Tensor deep = noted(w * 1.0, log, "deep");
  // Reachable, but nothing comes: the operation gives its second input no gradient.
  Tensor value;
  {
    NoGradGuard no_grad;
    value = w.clone();
  }
  const Tensor y = custom("First", {w, deep}, value, [](const Tensor& g) { return std::vector<Tensor>{g, Tensor()}; });
  y.sum().backward();
  BOOST_TEST(log.size() == 1u);
  const Tensor untouched = leaf({1});
  int calls = 0;
  autograd::on_gradient_complete(untouched, [&](const Tensor&) { ++calls; });
  custom("First", {leaf({2, 3}), untouched}, value, [](const Tensor& g) { return std::vector<Tensor>{g, Tensor()}; })
      .sum()
      .backward();
  BOOST_TEST(calls == 0);
  BOOST_TEST(!untouched.grad().defined());
}

BOOST_AUTO_TEST_CASE(it_comes_after_the_other_hooks_and_in_order) {
  const Tensor w = leaf({2});
  std::vector<std::string> log;
  w.register_hook([&](const Tensor& g) {
    log.push_back("gradient");
    return g * 10.0;
  });
  w.register_post_accumulate_grad_hook([&](const Tensor&) { log.push_back("accumulated"); });
  autograd::on_gradient_complete(w, [&](const Tensor& p) {
    log.push_back("complete");
    check_values(p.grad(), {30});
  });
  HookHandle second = autograd::on_gradient_complete(w, [&](const Tensor&) { log.push_back("second"); });
  (w * 3.0).sum().backward();
  const std::vector<std::string> expected = {"gradient", "accumulated", "complete", "second"};
  BOOST_TEST(log == expected, boost::test_tools::per_element());
  second.remove();
  w.zero_grad();
  (w * 3.0).sum().backward();
  BOOST_TEST(log.back() == "complete");
  w.zero_grad();
  (void)autograd::grad({(w * 3.0).sum()}, {w});
  BOOST_TEST(log.size() == 8u);  // grad() runs the gradient's hooks alone
}

BOOST_AUTO_TEST_CASE(an_update_in_the_hook_is_the_same_as_one_after_backward) {
  const auto train = [](bool fused) {
    std::vector<Tensor> w = {leaf({0.5, -1}), leaf({2, 0.25})};
    const auto update = [](const Tensor& p) {
      NoGradGuard no_grad;
      p.sub_(p.grad() * 0.1);
      p.zero_grad();
    };
    if (fused)
      for (const Tensor& p : w) autograd::on_gradient_complete(p, update);
    for (int step = 0; step < 5; ++step) {
      (w[0] * w[1]).tanh().sum().backward();
      if (!fused)
        for (const Tensor& p : w) update(p);
      for (const Tensor& p : w) BOOST_TEST(!p.grad().defined());
    }
    return cat(w).detach();
  };
  BOOST_TEST(equal(train(true), train(false)));
}

BOOST_AUTO_TEST_CASE(a_failing_backward_has_changed_only_leaves_that_asked) {
  const Tensor asked = leaf({2}), not_asked = leaf({3}), behind = leaf({4});
  autograd::on_gradient_complete(asked, [](const Tensor&) {});
  autograd::on_gradient_complete(behind, [](const Tensor&) { BOOST_ERROR("its gradient never came"); });
  const Tensor y = failing(behind * 1.0) * asked * not_asked;
  BOOST_CHECK_THROW(y.sum().backward(), ValueError);
  check_values(asked.grad(), {12});
  BOOST_TEST(!not_asked.grad().defined());
  BOOST_TEST(!behind.grad().defined());
}

BOOST_AUTO_TEST_CASE(an_exception_of_the_hook_ends_backward) {
  const Tensor asked = leaf({2}), not_asked = leaf({3});
  HookHandle hook = autograd::on_gradient_complete(asked, [](const Tensor&) { throw ValueError("hook: on purpose"); });
  const auto run = [&] { (not_asked * 2.0 * asked).sum().backward(); };
  BOOST_CHECK_THROW(run(), ValueError);
  BOOST_TEST(!not_asked.grad().defined());
  hook.remove();
  asked.zero_grad();
  run();
  check_values(asked.grad(), {6});
  check_values(not_asked.grad(), {4});
}

BOOST_AUTO_TEST_CASE(with_create_graph_the_gradient_has_a_history) {
  const Tensor w = leaf({3});
  Tensor seen;
  autograd::on_gradient_complete(w, [&](const Tensor& p) { seen = p.grad(); });
  (w * w * w).sum().backward({}, {}, true);
  BOOST_REQUIRE(seen.requires_grad());
  check_values(autograd::grad({seen.sum()}, {w})[0], {18});
  w.zero_grad();
}

BOOST_AUTO_TEST_CASE(more_leaves_than_are_searched_one_by_one_all_complete) {
  std::vector<Tensor> w;
  std::vector<int> order;
  for (int i = 0; i < 40; ++i) {
    w.push_back(leaf({1}));
    autograd::on_gradient_complete(w.back(), [&order, i](const Tensor& p) {
      BOOST_TEST(p.grad().defined());
      order.push_back(i);
    });
  }
  Tensor y = w[0] * 1.0;
  for (int i = 1; i < 40; ++i) y = y * w[static_cast<std::size_t>(i)];
  y.backward();
  BOOST_REQUIRE_EQUAL(order.size(), 40u);
  for (int i = 0; i < 40; ++i) BOOST_TEST(order[static_cast<std::size_t>(i)] == 39 - i);
}

BOOST_AUTO_TEST_CASE(threads_each_call_the_hook_of_a_shared_leaf) {
  const Tensor w = leaf({1, 2});
  std::atomic<int> calls{0};
  autograd::on_gradient_complete(w, [&](const Tensor& p) {
    BOOST_TEST(p.grad().defined());
    ++calls;
  });
  constexpr int threads = 4, rounds = 50;
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t)
    pool.emplace_back([&] {
      for (int r = 0; r < rounds; ++r) (w * 2.0).sum().backward();
    });
  for (auto& t : pool) t.join();
  BOOST_TEST(calls == threads * rounds);
  check_values(w.grad(), {2.0 * threads * rounds, 2.0 * threads * rounds});
}

BOOST_AUTO_TEST_CASE(only_leaves_have_a_gradient_to_complete) {
  const auto nothing = [](const Tensor&) {};
  check_error<AutogradError>([&] { autograd::on_gradient_complete(leaf({1}) * 2.0, nothing); },
                             "on_gradient_complete: only leaf tensors that require grad");
  check_error<AutogradError>([&] { autograd::on_gradient_complete(zeros({1}), nothing); }, "only leaf tensors");
  check_error<AutogradError>([&] { autograd::on_gradient_complete(Tensor(), nothing); }, "only leaf tensors");
}

// ---- backwards inside each other

namespace {

constexpr int limit = 1000;

/// Starts backwards inside each other, `depth` deep, by one of the ways there are. Returns how many ran.
struct Nest {
  int way, depth, running = 0;

  void run() {
    if (++running == depth) return (leaf({1}) * 1.0).sum().backward();
    const Tensor w = leaf({1});
    const auto again = [this](const Tensor&) {
      EnableGradGuard grad;
      run();
    };
    Tensor y = w * 2.0;
    switch (way) {
      case 0: w.register_hook(again); break;
      case 1: w.register_post_accumulate_grad_hook(again); break;
      case 2: autograd::on_gradient_complete(w, again); break;
      case 3: y.register_hook(again); break;
      case 4:
        y = custom("Nested", {w}, y.detach(), [again](const Tensor& g) {
          again(g);
          return std::vector<Tensor>{g};
        });
        break;
      default:
        w.register_hook(again);
        (void)autograd::grad({y}, {w});
        return;
    }
    y.sum().backward();
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_thousand_backwards_run_inside_each_other_and_one_more_is_an_error) {
  for (int way = 0; way < 6; ++way) {
    Nest nest{way, limit};
    nest.run();
    BOOST_TEST(nest.running == limit, "way " << way);
    Nest deeper{way, limit + 1};
    try {
      deeper.run();
      BOOST_ERROR("nothing was thrown by way " << way);
    } catch (const AutogradError& e) {
      BOOST_TEST(std::string(e.what()).find("backward: more than 1000 backwards are running inside each other") !=
                     std::string::npos,
                 e.what());
    }
    Nest after{way, 2};
    after.run();
    BOOST_TEST(after.running == 2);
  }
}

BOOST_AUTO_TEST_CASE(a_gradient_that_refers_to_its_leaf_is_mentioned_once) {
  detail::cycle_mentioned = false;
  std::ostringstream heard;
  std::streambuf* const before = std::cerr.rdbuf(heard.rdbuf());
  const Tensor flat = leaf({3});
  (flat * 2.0).sum().backward({}, {}, true);  // the gradient is a constant: nothing refers back
  BOOST_TEST(heard.str() == "");
  for (int i = 0; i < 3; ++i) {
    const Tensor w = leaf({3});
    (w * w).sum().backward({}, {}, true);
    w.zero_grad();
    BOOST_TEST(w.impl().refs.unique());
  }
  std::cerr.rdbuf(before);
  const std::string text = heard.str();
  const std::string said = "backward: with create_graph a leaf holds a gradient whose graph refers to the leaf";
  BOOST_TEST(text.find(said) == 0u, text);
  BOOST_TEST(text.find("complete_test.cpp:") != std::string::npos, text);
  BOOST_TEST(text.find(said, 1) == std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(grad_with_create_graph_leaves_nothing_behind) {
  const Tensor w = leaf({3});
  for (int i = 0; i < 3; ++i) {
    const Tensor g = autograd::grad({(w * w).sum()}, {w}, {.create_graph = true})[0];
    check_values(g, {6});
  }
  BOOST_TEST(w.impl().refs.unique());
}

BOOST_AUTO_TEST_SUITE_END()
