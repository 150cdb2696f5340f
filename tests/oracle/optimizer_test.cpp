#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <set>

#include "oracle/oracle.h"
#include "slope/autograd.h"
#include "slope/optim.h"

using namespace slope;

// Trajectories of whole optimizers: 10 steps to a relative 1e-9.
BOOST_AUTO_TEST_SUITE(optimizers)

namespace {

using oracle::Json;
constexpr oracle::Tolerance tight{1e-12, 1e-9};

bool read(const Json& j, bool) { return j.get<bool>(); }
double read(const Json& j, double) { return oracle::number(j); }
std::array<double, 2> read(const Json& j, std::array<double, 2>) {
  return {oracle::number(j.at(0)), oracle::number(j.at(1))};
}

/// Sets `member`, an option or the std::optional of one, when the record has it.
template <class T>
void set(const Json& options, std::set<std::string>& left, const char* name, T& member) {
  if (!options.contains(name)) return;
  if constexpr (requires { member.value(); })
    member = read(options.at(name), typename T::value_type{});
  else
    member = read(options.at(name), T{});
  left.erase(name);
}

template <class Options>
void read_options(const Json& json, Options& o) {
  std::set<std::string> left;
  for (const auto& item : json.items()) left.insert(item.key());
  set(json, left, "lr", o.lr);
  set(json, left, "weight_decay", o.weight_decay);
  set(json, left, "maximize", o.maximize);
  if constexpr (requires { o.momentum; }) {
    set(json, left, "momentum", o.momentum);
    set(json, left, "dampening", o.dampening);
    set(json, left, "nesterov", o.nesterov);
  }
  if constexpr (requires { o.betas; }) {
    set(json, left, "betas", o.betas);
    set(json, left, "eps", o.eps);
    set(json, left, "amsgrad", o.amsgrad);
  }
  for (const auto& name : left) BOOST_ERROR("the record has an option this test does not know: " + name);
}

Tensor loss_of(const Json& problem, const oracle::Tensors& p) {
  if (problem.at("type") == "quadratic") {
    Tensor total;
    for (const auto& [name, param] : p) {
      const Tensor d = param - oracle::tensor(problem.at("target").at(name));
      const Tensor part = (0.5 * oracle::tensor(problem.at("coef").at(name)) * d * d).sum();
      total = total.defined() ? total + part : part;
    }
    return total;
  }
  const Tensor d =
      (oracle::tensor(problem.at("x")).matmul(p.at("w")) + p.at("b")).tanh() - oracle::tensor(problem.at("y"));
  return (d * d).mean();
}

void check_tensor(const Tensor& got, const Json& expected, const std::string& what) {
  const std::string difference = oracle::difference(got.detach(), oracle::tensor(expected), tight);
  BOOST_TEST(difference.empty(), what << ": " << difference);
}

template <class Optimizer>
std::unique_ptr<Optimizer> make(const Json& json, const oracle::Tensors& params) {
  typename Optimizer::Options options;
  read_options(json.at("options"), options);
  std::vector<typename Optimizer::Group> groups;
  if (!json.contains("groups")) {
    groups.emplace_back();
    groups.back().params = {zeros({1}, {.requires_grad = true})};
  } else {
    for (const Json& g : json.at("groups")) {
      groups.emplace_back();
      for (const Json& name : g.at("params")) groups.back().params.push_back(params.at(name.get<std::string>()));
      read_options(g.at("options"), groups.back());
    }
  }
  return std::make_unique<Optimizer>(groups, options);
}

template <class Optimizer>
void run(const oracle::Record& record) {
  const Json& json = record.json();
  if (record.expects_error()) {
    BOOST_CHECK_THROW((void)make<Optimizer>(json, {}), ValueError);
    return;
  }
  oracle::Tensors params;
  for (const auto& item : json.at("init").items()) params[item.key()] = oracle::tensor(item.value()).requires_grad_();
  const auto optimizer = make<Optimizer>(json, params);
  const Json& problem = json.at("problem");
  const bool fixed = problem.at("type") == "fixed_grads";
  const auto steps = json.at("steps").get<std::size_t>();
  BOOST_REQUIRE_EQUAL(json.at("trajectory").size(), steps);
  for (std::size_t i = 0; i < steps; ++i) {
    if (fixed) {
      for (const auto& [name, p] : params) {
        p.zero_grad();
        const Json& g = problem.at("grads").at(i).at(name);
        if (!g.is_null()) p.set_grad(oracle::tensor(g));
      }
      optimizer->step();
    } else {
      const Tensor loss = optimizer->step([&] {
        optimizer->zero_grad();
        const Tensor value = loss_of(problem, params);
        value.backward();
        return value;
      });
      const double expected = oracle::number(json.at("losses").at(i));
      BOOST_TEST(std::abs(loss.item() - expected) <= 1e-12 + 1e-9 * std::abs(expected), "loss of step " << i);
    }
    for (const auto& [name, p] : params)
      check_tensor(p, json.at("trajectory").at(i).at(name), name + " after step " + std::to_string(i + 1));
  }

  const optim::OptimizerState state = optimizer->state_dict();
  for (const auto& [name, p] : params) {
    const Json& expected = json.at("final_state").value(name, Json::object());
    std::int64_t index = 0, found = -1;
    for (std::size_t g = 0; g < optimizer->group_count(); ++g)
      for (const Tensor& q : optimizer->group_params(g)) {
        if (q.is(p)) found = index;
        ++index;
      }
    for (const auto& item : expected.items()) {
      if (item.value().is_null()) continue;
      bool seen = false;
      for (const auto& [i, entry] : state.state) {
        if (i != found) continue;
        if (item.key() == "step") {
          seen = true;
          BOOST_TEST(static_cast<double>(entry.step) == oracle::tensor(item.value()).item());
        }
        for (const auto& [slot, value] : entry.tensors)
          if (slot == item.key()) {
            seen = true;
            check_tensor(value, item.value(), "state " + slot + " of " + name);
          }
      }
      BOOST_TEST(seen, "the state of " << name << " lacks " << item.key());
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(sgd_adam_and_adamw_follow_the_recorded_trajectories) {
  std::map<std::string, int> done;
  for (const oracle::Record& record : oracle::records("optimizer")) {
    BOOST_TEST_CONTEXT(record.title()) {
      if (record.name() == "SGD")
        run<optim::SGD>(record);
      else if (record.name() == "Adam")
        run<optim::Adam>(record);
      else if (record.name() == "AdamW")
        run<optim::AdamW>(record);
      else
        continue;
      ++done[record.name()];
    }
  }
  BOOST_TEST(done["SGD"] == 12);
  BOOST_TEST(done["Adam"] == 11);
  BOOST_TEST(done["AdamW"] == 8);
}

BOOST_AUTO_TEST_SUITE_END()
