#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <regex>
#include <set>
#include <sstream>

#include "optim/support.h"
#include "slope/autograd/core/internal/run_out.h"
#include "slope/autograd/core/pool.h"
#include "slope/nn.h"
#include "support/checks.h"
#include "support/optimizer_table.h"
#include "support/sanitizers.h"
#include "support/test_data.h"

using namespace slope;
using optim::Optimizer;
using optim::OptimizerState;
using optim::ParamList;

// What holds for every optimizer there is, as tests/support/optimizer_table.h lists them.

// ---- memory that runs out: the n-th `new` of this thread fails (but under ThreadSanitizer, which brings its own)

namespace {
#if defined(SLOPE_UNDER_TSAN)
constexpr bool news_can_fail = false;
#else
constexpr bool news_can_fail = true;
#endif
thread_local std::int64_t news_left = -1;
[[maybe_unused]] void* counted_new(std::size_t bytes) {
  if (news_left == 0) {
    news_left = -1;
    throw std::bad_alloc();
  }
  if (news_left > 0) --news_left;
  if (void* p = std::malloc(bytes ? bytes : 1)) return p;
  throw std::bad_alloc();
}
}  // namespace
#if !defined(SLOPE_UNDER_TSAN)
void* operator new(std::size_t bytes) { return counted_new(bytes); }
void* operator new[](std::size_t bytes) { return counted_new(bytes); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
#endif

BOOST_AUTO_TEST_SUITE(every_optimizer)

namespace {

std::string bits(const Tensor& t) {
  if (!t.defined()) return "undefined";
  const Tensor dense = t.detach().contiguous();
  std::string out(dtype_name(t.dtype()));
  out.append(static_cast<const char*>(dense.raw_data()),
             static_cast<std::size_t>(dense.numel()) * itemsize(dense.dtype()));
  return out;
}

/// All an optimizer and its parameters are, as text: equal when everything is bit-equal.
std::string everything(const Optimizer& opt) {
  std::string out;
  const OptimizerState dict = opt.state_dict();
  for (const auto& group : dict.param_groups)
    for (const auto& [name, value] : group.options) out += concat(name, value, " ");
  for (const auto& [index, param] : dict.state) {
    out += concat("#", index, ":", param.step);
    for (const auto& [name, tensor] : param.tensors) out += name + bits(tensor);
    for (const auto& [name, value] : param.numbers) out += concat(name, value);
  }
  for (std::size_t g = 0; g < opt.group_count(); ++g)
    for (const Tensor& p : opt.group_params(g)) out += bits(p) + bits(p.grad());
  return out;
}

/// Parameters of both dtypes, one not contiguous, one large.
std::vector<Tensor> some_params() {
  const auto made = [](const Tensor& t) { return t.detach().requires_grad_(); };
  return {made(linspace(-1, 1, 6).view({2, 3})), made(linspace(-1, 2, 30'000, {.dtype = float64}).view({150, 200}).t()),
          made(linspace(0, 1, 20'000)), made(tensor(0.5))};
}

void give_gradients(const std::vector<Tensor>& params, int step) {
  for (const Tensor& p : params)
    p.set_grad(linspace(-1, 1 + 0.1 * step, p.numel(), {.dtype = p.dtype()}).view(p.shape()));
}

template <class F>
void for_each_row(const F& f) {
  for (const OptimizerRow& row : optimizer_table()) BOOST_TEST_CONTEXT(row.title()) f(row);
}

struct Net : nn::Module {
  nn::Linear fc1 = add("fc1", nn::Linear(3, 4));
  nn::Linear fc2 = add("fc2", nn::Linear(4, 1));
  Tensor forward(const Tensor& x) override { return fc2(fc1(x).tanh()); }
};

Tensor input(DType dtype) { return linspace(-1, 1, 15, {.dtype = dtype}).view({5, 3}); }

}  // namespace

BOOST_AUTO_TEST_CASE(one_whose_parameters_change_their_dtype_goes_on_with_its_state_converted) {
  for_each_row([](const OptimizerRow& row) {
    for (const bool gradient_is_older : {false, true}) {
      manual_seed(1);
      Net net;
      const auto opt = row.make(net.parameters());
      for (int i = 0; i < 3; ++i) {
        opt->zero_grad();
        net(input(float32)).square().mean().backward();
        opt->step();
      }
      // What a new optimizer does that is given the state.
      Net other;
      nn::clone_into(other, net);
      other.to(float64);
      const auto reference = row.make(other.parameters());
      reference->load_state_dict(opt->state_dict());

      opt->zero_grad();
      if (gradient_is_older) {
        // The sum saves nothing, so the graph of float32 outlives the change.
        Tensor total = zeros({});
        for (const Tensor& p : net.parameters()) total = total + p.sum() * 0.1F;
        net.to(float64);
        total.backward();
        for (const Tensor& p : net.parameters()) BOOST_TEST((p.grad().dtype() == float64));
        const std::vector<Tensor> from = net.parameters(), to = other.parameters();
        for (std::size_t i = 0; i < to.size(); ++i) to[i].set_grad(from[i].grad());
      } else {
        net.to(float64);
        net(input(float64)).square().mean().backward();
        other(input(float64)).square().mean().backward();
      }
      opt->step();
      reference->step();
      BOOST_TEST((everything(*opt) == everything(*reference)));
      for (const Tensor& p : net.parameters()) {
        BOOST_TEST(p.isfinite().all().item<bool>());
        for (const Tensor& slot : opt->state(p)->tensors) BOOST_TEST((!slot.defined() || slot.dtype() == float64));
      }
      net.to(float32);  // and back
      opt->zero_grad();
      net(input(float32)).square().mean().backward();
      opt->step();
      for (const Tensor& p : net.parameters()) BOOST_TEST(p.isfinite().all().item<bool>());
    }
  });
}

BOOST_AUTO_TEST_CASE(a_step_that_fails_for_want_of_memory_changes_nothing_and_can_be_repeated) {
  for_each_row([](const OptimizerRow& row) {
    for (const int steps_before : {0, 2}) {
      const std::vector<Tensor> params = some_params(), same = some_params();
      const auto opt = row.make(params), reference = row.make(same);
      for (int i = 0; i <= steps_before; ++i) {
        give_gradients(same, i);
        reference->step();
        if (i == steps_before) break;
        give_gradients(params, i);
        opt->step();
      }
      give_gradients(params, steps_before);
      const std::string before = everything(*opt);
      const auto attempts = [&](const std::function<void(std::int64_t)>& fail_after) {
        int failures = 0;
        for (std::int64_t n = 0;; ++n) {
          BOOST_REQUIRE(n < 10'000);
          memory::empty_cache();
          bool failed = false;
          fail_after(n);
          try {
            opt->step();
          } catch (const std::exception&) {
            failed = true;
          }
          news_left = -1;
          memory::detail::run_out_after(-1);
          if (!failed) return failures;
          ++failures;
          BOOST_REQUIRE((everything(*opt) == before));
        }
      };
      // Small and large blocks of tensors; then, once more from the start, each single `new`.
      const int without_blocks = attempts([](std::int64_t n) { memory::detail::run_out_after(n); });
      BOOST_TEST(without_blocks > 0);  // at least the copy of the parameter that is not contiguous
      BOOST_TEST((everything(*opt) == everything(*reference)));
    }
    const std::vector<Tensor> params = some_params(), same = some_params();
    const auto opt = row.make(params), reference = row.make(same);
    give_gradients(params, 0);
    give_gradients(same, 0);
    reference->step();
    const std::string before = everything(*opt);
    int failures = 0;
    for (std::int64_t n = 0; n < 10'000; ++n) {
      news_left = n;
      bool failed = false;
      try {
        opt->step();
      } catch (const std::bad_alloc&) {
        failed = true;
      }
      news_left = -1;
      if (!failed) break;
      ++failures;
      BOOST_REQUIRE((everything(*opt) == before));
    }
    BOOST_TEST((failures > 4 || !news_can_fail));
    BOOST_TEST((everything(*opt) == everything(*reference)));
  });
}

BOOST_AUTO_TEST_CASE(training_resumed_from_a_state_dict_is_bit_equal_by_position_and_by_name) {
  for_each_row([](const OptimizerRow& row) {
    for (const bool by_name : {false, true}) {
      const auto listed = [by_name](const std::vector<Tensor>& p, bool reversed) -> ParamList {
        std::vector<std::pair<std::string, Tensor>> named;
        for (std::size_t i = 0; i < p.size(); ++i) named.emplace_back(concat("p", i), p[i]);
        if (!by_name) return p;
        if (reversed) named = {named.rbegin(), named.rend()};
        return named;
      };
      const std::vector<Tensor> params = {param({1, 2}), param({3, 4}), param({5, 6})},
                                same = {param({1, 2}), param({3, 4}), param({5, 6})};
      auto opt = row.make(listed(params, false));
      const auto whole = row.make(listed(same, false));
      for (int i = 0; i < 8; ++i) {
        for (const auto* list : {&params, &same})
          for (std::size_t k = 0; k < list->size(); ++k)
            if (k != 1 || i > 5) give((*list)[k], {0.1 * i + static_cast<double>(k), -1.0});  // the second is late
        if (i == 4) {
          const OptimizerState saved = opt->state_dict();
          opt = row.make(listed(params, true));  // by name the order is free
          opt->load_state_dict(saved);
        }
        opt->step();
        whole->step();
      }
      for (std::size_t k = 0; k < params.size(); ++k) {
        BOOST_TEST((bits(params[k]) == bits(same[k])));
        const auto *a = opt->state(params[k]), *b = whole->state(same[k]);
        BOOST_TEST(a->step == b->step);
        for (std::size_t s = 0; s < a->tensors.size(); ++s) BOOST_TEST((bits(a->tensors[s]) == bits(b->tensors[s])));
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(
    a_state_dict_of_another_type_or_with_keys_missing_foreign_or_twice_is_refused_and_nothing_changes) {
  for_each_row([](const OptimizerRow& row) {
    const std::vector<Tensor> params = some_params();
    std::vector<std::pair<std::string, Tensor>> named;
    for (std::size_t i = 0; i < params.size(); ++i) named.emplace_back(concat("p", i), params[i]);
    const auto opt = row.make(named);
    give_gradients(params, 0);
    opt->step();
    const std::string before = everything(*opt);
    const OptimizerState own = opt->state_dict();
    const auto refused = [&](const OptimizerState& dict, const std::string& text) {
      check_error<Error>([&] { opt->load_state_dict(dict); }, text);
      BOOST_TEST((everything(*opt) == before));
    };
    for (const OptimizerRow& other : optimizer_table()) {
      if (other.name == row.name) continue;
      const std::vector<Tensor> others = some_params();
      const auto foreign = other.make(others);
      give_gradients(others, 0);
      foreign->step();
      refused(foreign->state_dict(), row.name + ": the loaded state dict is of " + other.name);
    }
    const auto spoilt = [&](const auto& spoil) {
      OptimizerState dict = own;
      spoil(dict);
      return dict;
    };
    refused(spoilt([](auto& d) { d.optimizer.clear(); }), "is of an optimizer it does not name");
    const auto& options = own.param_groups[0].options;
    refused(spoilt([](auto& d) { d.param_groups[0].options.pop_back(); }), "lacks '" + options.back().first + "'");
    refused(spoilt([](auto& d) { d.param_groups[0].options.emplace_back("gamma", 1); }), "holds 'gamma'");
    refused(spoilt([](auto& d) { d.param_groups[0].options.emplace_back("lr", 1); }), "holds 'lr' twice");
    refused(spoilt([](auto& d) { d.param_groups[0].options[0].second = -1; }), "Invalid learning rate: -1");
    for (std::size_t k = 0; k < options.size(); ++k)
      if (options[k].first == "maximize")
        refused(spoilt([k](auto& d) { d.param_groups[0].options[k].second = 2; }),
                "Invalid maximize value: 2; maximize must be between 0 and 1");
    refused(spoilt([](auto& d) { d.param_groups[0].names[1] = "stranger"; }), "holds parameter 'stranger'");
    refused(spoilt([](auto& d) { d.param_groups[0].names[1] = "p0"; }), "holds parameter 'p0'");
    refused(spoilt([](auto& d) { d.param_groups[0].params[1] = 0; }), "lists parameter 0 twice");
    refused(spoilt([](auto& d) { d.state.push_back(d.state[0]); }), "two states of parameter 0");
    refused(spoilt([](auto& d) { d.state[0].first = 99; }), "parameter 99, which is in no group");
    refused(spoilt([](auto& d) { d.state[0].second.step = -1; }), "counts -1 steps");
    refused(spoilt([](auto& d) { d.state[0].second.numbers.emplace_back("mu", 1); }), "holds 'mu'");
    refused(spoilt([](auto& d) { d.state[0].second.tensors.emplace_back("sum", zeros({2, 3})); }), "holds 'sum'");
    for (std::size_t k = 0; k < own.state[0].second.tensors.size(); ++k) {
      const std::string name = own.state[0].second.tensors[k].first;
      const auto at = [k](auto& d) -> auto& { return d.state[0].second.tensors[k]; };
      refused(spoilt([&](auto& d) {
                auto& tensors = d.state[0].second.tensors;
                tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(k));
              }),
              "parameter 'p0' of shape [2, 3] lacks '" + name + "'");
      refused(spoilt([&](auto& d) { d.state[0].second.tensors.push_back(at(d)); }), "holds '" + name + "' twice");
      refused(spoilt([&](auto& d) { at(d).second = zeros({3, 2}); }),
              "loaded " + name + " has shape [3, 2] but parameter 'p0' of shape [2, 3] needs [2, 3]");
      refused(spoilt([&](auto& d) { at(d).second = zeros({2, 3}, {.dtype = int64}); }), name + " is int64");
    }
    opt->load_state_dict(own);
    BOOST_TEST((everything(*opt) == before));
  });
}

BOOST_AUTO_TEST_CASE(one_can_be_moved_and_returned_and_what_was_moved_from_says_so) {
  for_each_row([](const OptimizerRow& row) {
    const std::vector<Tensor> params = some_params(), same = some_params();
    const auto moved = row.make_moved(params), reference = row.make(same);
    for (int i = 0; i < 2; ++i) {
      give_gradients(params, i);
      give_gradients(same, i);
      moved->step();
      reference->step();
    }
    BOOST_TEST((everything(*moved) == everything(*reference)));
    const auto gone = row.moved_from(some_params());
    check_error<ValueError>([&] { gone->step(); }, row.name + ": this optimizer was moved from");
    BOOST_CHECK_THROW(gone->zero_grad(), ValueError);
    BOOST_CHECK_THROW((void)gone->state_dict(), ValueError);
    BOOST_CHECK_THROW((void)gone->state(params[0]), ValueError);
    check_error<ValueError>([&] { gone->load_state_dict(reference->state_dict()); }, "was moved from");
    check_error<ValueError>([&] { gone->set_option(0, "lr", 1); }, "was moved from");
  });
}

BOOST_AUTO_TEST_CASE(options_are_read_and_set_by_name_within_their_domains) {
  for_each_row([](const OptimizerRow& row) {
    const std::vector<Tensor> params = some_params();
    const auto opt = row.make(params);
    const OptimizerState dict = opt->state_dict();
    for (const auto& [name, value] : dict.param_groups[0].options) {
      BOOST_TEST(opt->has_option(name));
      BOOST_TEST(opt->option(0, name) == value);
      opt->set_option(0, name, value);
      check_error<ValueError>([&, n = name] { opt->set_option(0, n, std::nan("")); }, row.name + ": Invalid ");
    }
    opt->set_option(0, "lr", 0.25);
    BOOST_TEST(opt->lr(0) == 0.25);
    const std::string before = everything(*opt);
    BOOST_TEST(!opt->has_option("gamma"));
    check_error<ValueError>([&] { (void)opt->option(0, "gamma"); },
                            "group 0 has no option 'gamma'; its options are lr, ");
    check_error<ValueError>([&] { opt->set_option(0, "lr", -2); }, "Invalid learning rate: -2");
    check_error<IndexError>([&] { opt->set_option(1, "lr", 1); }, "group 1 is out of range for 1 groups");
    BOOST_TEST((everything(*opt) == before));
  });
}

BOOST_AUTO_TEST_CASE(weight_decay_and_momentum_count_however_small_they_are) {
  for_each_row([](const OptimizerRow& row) {
    for (const char* const name : {"weight_decay", "momentum"}) {
      const auto stepped = [&](double value) {
        const Tensor p = linspace(1, 2, 5, {.dtype = float64}).requires_grad_();
        const auto opt = row.make(std::vector<Tensor>{p});
        if (!opt->has_option(name)) return Tensor();
        opt->set_option(0, name, value);
        for (int i = 0; i < 3; ++i) {
          p.set_grad(linspace(0.5 + i, 2 - 0.25 * i, 5, {.dtype = float64}));
          opt->step();
        }
        return p.detach();
      };
      for (const double small : {1e-3, 1e-6}) {
        const Tensor one = stepped(small), two = stepped(2 * small), three = stepped(3 * small);
        if (!one.defined()) continue;
        // The parameters depend on it smoothly, so that equal steps of it move them equally far.
        BOOST_TEST(((two - one) != 0).all().item<bool>(), name << " of " << small);
        BOOST_TEST(allclose(three - two, two - one, 0.02, 0), name << " of " << small);
      }
    }
  });
}

namespace {
std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  BOOST_REQUIRE_MESSAGE(in.good(), file << " can't be read");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}
}  // namespace

BOOST_AUTO_TEST_CASE(each_one_of_the_headers_is_in_the_tables_of_tests_documents_and_benchmarks) {
  const std::filesystem::path root = source_root();
  std::set<std::string> optimizers;
  const std::regex declaration("\nclass ([A-Za-z0-9]+) *: public (GroupedOptimizer<|Optimizer \\{)");
  for (const auto& entry : std::filesystem::directory_iterator(root / "optim")) {
    if (entry.path().extension() != ".h") continue;
    const std::string text = text_of(entry.path());
    for (std::sregex_iterator it(text.begin(), text.end(), declaration), end; it != end; ++it)
      if (it->str(1) != "GroupedOptimizer") optimizers.insert(it->str(1));
  }
  BOOST_TEST(optimizers.contains("SGD"));
  BOOST_TEST(optimizers.contains("Adam"));
  BOOST_TEST(optimizers.contains("AdamW"));
  std::set<std::string> rows;
  for (const OptimizerRow& row : optimizer_table()) rows.insert(row.name);
  for (const std::string& row : rows)
    BOOST_TEST(optimizers.contains(row), "the table has " << row << ", which no header declares");
  const std::string page = text_of(root / "docs/optimizers.md"), oracle = text_of(root / "tests/oracle/optimizers.cpp"),
                    bench = text_of(root / "bench/compare/slope_optim.cpp"),
                    limit = text_of(root / "bench/compare/limit_optim.cpp");
  for (const std::string& name : optimizers) {
    BOOST_TEST(rows.contains(name), name << " has no row in tests/support/optimizer_table.h");
    BOOST_TEST(page.find("\n| `" + name + "` |") != std::string::npos, name << " has no row in docs/optimizers.md");
    BOOST_TEST(oracle.find("optim::" + name + ">") != std::string::npos,
               name << " has no records in tests/oracle/optimizers.cpp");
    BOOST_TEST(bench.find("optim::" + name + ">") != std::string::npos,
               name << " is not measured in bench/compare/slope_optim.cpp");
    std::string lower;
    for (const char c : name) lower += static_cast<char>(std::tolower(c));
    BOOST_TEST(limit.find("add(\"" + lower) != std::string::npos,
               name << " has no limit in bench/compare/limit_optim.cpp");
  }
}

BOOST_AUTO_TEST_SUITE_END()
