#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <set>
#include <vector>

#include "edges/loss_calls.h"
#include "kernels/isa_support.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "support/test_data.h"

using namespace slope;
using edges::Json;
using edges::Tensors;

// Reads tests/data/loss_edges.jsonl; tests/reference/loss_edges.py, which writes it, tells what it holds.

namespace {

constexpr int least_cells = 2000;

double number(const Json& j) {
  if (!j.is_string()) return j.get<double>();
  const auto s = j.get<std::string>();
  if (s == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (s == "inf") return std::numeric_limits<double>::infinity();
  if (s == "-inf") return -std::numeric_limits<double>::infinity();
  throw std::runtime_error("not a number: " + s);
}

/// One tensor of a cell: numbers, which may be expectations.
struct Data {
  Shape shape;
  std::vector<Json> items;
  bool integral = false;
};

struct Cell {
  Cell(const Json& of, std::size_t i) : group(&of), index(i) {}

  const Json* group;
  std::size_t index;
  std::map<std::string, Data> inputs;
  Data value;
  std::map<std::string, Data> grads;
  std::vector<Json> upstream;
  std::string throws;

  std::string loss() const { return group->at("loss"); }
  bool is_float() const { return group->at("dtype") == "float32"; }
  double value_tolerance() const { return group->value("slack", 1.0) * (is_float() ? 1e-6 : 1e-14); }
  double grad_tolerance() const { return group->value("slack", 1.0) * (is_float() ? 3e-6 : 1e-13); }
  std::vector<std::string> wrt() const { return group->at("wrt"); }
  std::string title() const {
    std::string s = loss() + " " + group->at("options").dump() + " " + group->at("reduction").get<std::string>() + " " +
                    group->at("dtype").get<std::string>() + " cell " + std::to_string(index);
    return s + " " + group->at("cells").at(index).at(group->contains("n") ? 1 : 0).dump();
  }
};

Data tiled(const Json& tile, std::int64_t n) {
  Data d{n == 0 ? Shape{} : Shape{n}, {}};
  for (std::int64_t i = 0; i < std::max<std::int64_t>(n, 1); ++i)
    d.items.push_back(n == 0 ? Json(0.0) : tile.at(static_cast<std::size_t>(i % 5)));
  return d;
}

Cell elementwise_cell(const Json& group, std::size_t index) {
  Cell c(group, index);
  const Json& cell = group.at("cells").at(index);
  const auto n = group.at("n").get<std::int64_t>();
  const auto at = cell.at(0).get<std::size_t>();
  const auto tile = [&](const char* field, std::size_t k) {
    return tiled(n == 0 ? Json() : k == std::string::npos ? group.at(field) : group.at(field).at(k), n);
  };
  const auto names = group.at("arguments").get<std::vector<std::string>>();
  for (std::size_t k = 0; k < names.size(); ++k) {
    c.inputs[names[k]] = tile("tile", k);
    c.inputs[names[k]].items[at] = cell.at(1).at(k);
  }
  if (cell.at(2).is_string() && cell.at(2).get<std::string>().starts_with("!")) {
    c.throws = cell.at(2).get<std::string>().substr(1);
    return c;
  }
  const bool reduced = group.at("reduction") != "none";
  c.value = reduced ? Data{Shape{}, {cell.at(2)}} : tile("value", std::string::npos);
  if (!reduced) {
    c.value.items[at] = cell.at(2);
    c.upstream = tiled(group.at("upstream"), n).items;
    if (n == 0) c.upstream[0] = group.at("upstream").at(0);
  }
  const std::vector<std::string> wrt = c.wrt();
  for (std::size_t k = 0; k < wrt.size(); ++k) {
    c.grads[wrt[k]] = tile("grads", k);
    c.grads[wrt[k]].items[at] = cell.at(3).at(k);
  }
  return c;
}

void replace(std::vector<Json>& items, const Json& by_index) {
  for (const auto& [i, v] : by_index.items()) items.at(std::stoul(i)) = v;
}

Cell cell_of_rows(const Json& group, std::size_t index) {
  Cell c(group, index);
  const Json& cell = group.at("cells").at(index);
  for (const auto& [name, input] : group.at("inputs").items())
    c.inputs[name] = {Shape(input.at("shape").get<std::vector<std::int64_t>>()), input.at("data"),
                      input.value("dtype", "") == "int64"};
  for (const auto& [name, set] : cell.at(0).items()) replace(c.inputs.at(name).items, set);
  c.value.items = group.at("value").get<std::vector<Json>>();
  replace(c.value.items, cell.at(1));
  for (const auto& [name, grad] : group.at("grads").items()) c.grads[name] = {c.inputs.at(name).shape, grad};
  for (const auto& [name, change] : cell.at(2).items()) replace(c.grads.at(name).items, change);
  if (group.contains("upstream")) c.upstream = group.at("upstream").get<std::vector<Json>>();
  return c;
}

const std::vector<Json>& groups() {
  static const std::vector<Json> all = [] {
    std::vector<Json> read;
    std::ifstream file(test_data() / "loss_edges.jsonl");
    for (std::string line; std::getline(file, line);) read.push_back(Json::parse(line));
    return read;
  }();
  return all;
}

template <class Visit>
void each_cell(const Visit& visit) {
  for (const Json& group : groups()) {
    if (!edges::loss_calls().contains(group.at("loss"))) continue;  // the first test says so
    for (std::size_t i = 0; i < group.at("cells").size(); ++i)
      visit(group.contains("n") ? elementwise_cell(group, i) : cell_of_rows(group, i));
  }
}

Tensor tensor_of(const Data& data, DType dtype) {
  const Tensor t = zeros(data.shape, {.dtype = data.integral ? int64 : dtype});
  visit_dtype(t.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::size_t i = 0; i < data.items.size(); ++i)
      t.data_ptr<T>()[i] =
          data.integral ? static_cast<T>(data.items[i].get<std::int64_t>()) : static_cast<T>(number(data.items[i]));
  });
  return t;
}

Tensors inputs_of(const Cell& c, const std::vector<std::string>& differentiated) {
  Tensors all;
  for (const auto& [name, data] : c.inputs) all[name] = tensor_of(data, c.is_float() ? float32 : float64);
  for (const std::string& name : differentiated) all.at(name).requires_grad_();
  return all;
}

Tensor run(const Cell& c, const Tensors& in) {
  return edges::loss_calls().at(c.loss())(c.group->at("options"), c.group->at("reduction"), in);
}

bool fits(double got, double expected, double relative, double smallest) {
  if (std::isnan(expected)) return std::isnan(got);
  if (expected == 0 || !std::isfinite(expected)) return got == expected;
  return std::abs(got - expected) <= std::max(relative * std::abs(expected), 4 * smallest);
}

/// "" when all elements are as expected.
std::string difference(const Tensor& got, const Data& expected, double relative, double smallest) {
  const std::vector<double> values = got.to_vector<double>();
  if (values.size() != expected.items.size()) return "shape " + to_text(got.shape());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Json& e = expected.items[i];
    bool ok = e.is_null();
    for (const Json& one : e.is_array() ? e : Json::array({e}))
      ok = ok || fits(values[i], number(one), relative, smallest);
    if (ok) continue;
    char text[64];
    std::snprintf(text, sizeof text, "element %zu is %.9g instead of ", i, values[i]);
    return text + e.dump();
  }
  return "";
}

bool holds_only_finite(const Cell& c) {
  for (const auto& [name, data] : c.inputs)
    if (!data.integral && !std::ranges::all_of(data.items, [](const Json& v) { return std::isfinite(number(v)); }))
      return false;
  return true;
}

/// Counts what is checked and what fails, and tells the first failures of each loss.
class Failures {
 public:
  void checked() { ++checked_; }
  int cells() const { return checked_; }
  void add(const Cell& c, const std::string& what) {
    const int seen = ++by_loss_[c.loss()];
    if (seen <= shown_) BOOST_ERROR(c.title() + ": " + what);
  }
  ~Failures() {
    for (const auto& [loss, count] : by_loss_)
      if (count > shown_) BOOST_TEST_MESSAGE(loss << ": " << count << " cells in all");
  }

 private:
  static constexpr int shown_ = 12;
  int checked_ = 0;
  std::map<std::string, int> by_loss_;
};

void check_value(const Cell& c, const Tensor& out, Failures& failures) {
  const double smallest = c.is_float() ? 0x1p-149 : 0x1p-1074;
  if (const std::string d = difference(out.detach(), c.value, c.value_tolerance(), smallest); !d.empty())
    failures.add(c, "value: " + d);
}

void check_gradients(const Cell& c, const std::vector<std::string>& wrt, bool recorded, Failures& failures) {
  const Tensors in = inputs_of(c, wrt);
  const Tensor out = run(c, in);
  check_value(c, out, failures);
  std::vector<Tensor> leaves, upstream;
  for (const std::string& name : wrt) leaves.push_back(in.at(name));
  if (!c.upstream.empty()) upstream.push_back(tensor_of({out.shape(), c.upstream}, out.dtype()));
  const std::vector<Tensor> grads = autograd::grad({out}, leaves, {.grad_outputs = upstream, .create_graph = recorded});
  const double smallest = c.is_float() ? 0x1p-149 : 0x1p-1074;
  for (std::size_t k = 0; k < wrt.size(); ++k)
    if (const std::string d = difference(grads[k].detach(), c.grads.at(wrt[k]), c.grad_tolerance(), smallest);
        !d.empty())
      failures.add(c, "gradient of " + wrt[k] + ": " + d);
}

template <class Check>
void guarded(const Cell& c, Failures& failures, const Check& check) {
  failures.checked();
  try {
    check();
    if (!c.throws.empty()) failures.add(c, "does not throw");
  } catch (const Error& e) {
    if (c.throws.empty() || std::string(e.what()).find(c.throws) == std::string::npos)
      failures.add(c, std::string("throws ") + e.what());
  }
}

int cells_in_the_table() {
  int cells = 0;
  for (const Json& group : groups()) cells += static_cast<int>(group.at("cells").size());
  return cells;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(loss_edges)

BOOST_AUTO_TEST_CASE(the_table_is_of_losses_that_are_built_and_has_2000_cells_or_more) {
  int cells = 0, unspecified = 0;
  std::map<std::string, int> by_loss;
  for (const Json& group : groups()) by_loss[group.at("loss")] += static_cast<int>(group.at("cells").size());
  for (const auto& [name, count] : by_loss) BOOST_TEST(edges::loss_calls().contains(name), name << " is not built");
  each_cell([&](const Cell& c) {
    ++cells;
    for (const Json& v : c.value.items) unspecified += v.is_null();
  });
  for (const auto& [name, call] : edges::loss_calls()) BOOST_TEST(by_loss[name] > 0, "no cell is of " << name);
  for (const auto& [name, count] : by_loss) BOOST_TEST_MESSAGE(name << ": " << count << " cells");
  BOOST_TEST_MESSAGE(cells << " cells, " << unspecified << " values of them unspecified");
  BOOST_TEST(cells >= least_cells);
  BOOST_TEST(unspecified * 10 < cells);
}

BOOST_AUTO_TEST_CASE(values_and_gradients_are_those_of_the_reference_on_every_instruction_set) {
  tests::for_each_isa([] {
    Failures failures;
    each_cell([&](const Cell& c) { guarded(c, failures, [&] { check_gradients(c, c.wrt(), false, failures); }); });
    BOOST_TEST(failures.cells() == cells_in_the_table());
  });
}

BOOST_AUTO_TEST_CASE(gradients_recorded_for_a_second_derivative_are_the_same) {
  Failures failures;
  each_cell([&](const Cell& c) { guarded(c, failures, [&] { check_gradients(c, c.wrt(), true, failures); }); });
  BOOST_TEST(failures.cells() == cells_in_the_table());
}

BOOST_AUTO_TEST_CASE(values_without_a_gradient_and_gradients_of_one_argument_are_the_same) {
  Failures failures;
  each_cell([&](const Cell& c) {
    guarded(c, failures, [&] {
      check_value(c, run(c, inputs_of(c, {})), failures);
      const std::vector<std::string> wrt = c.wrt();
      if (wrt.size() == 1) return;
      for (const std::string& name : wrt) check_gradients(c, {name}, false, failures);
    });
  });
  BOOST_TEST(failures.cells() == cells_in_the_table());
}

BOOST_AUTO_TEST_CASE(where_nothing_comes_in_the_gradient_is_exactly_0) {
  Failures failures;
  each_cell([&](const Cell& c) {
    guarded(c, failures, [&] {
      // A matrix product multiplies by 0 like by any other number.
      const bool may_be_nan = c.group->value("products", false) && !holds_only_finite(c);
      for (const bool recorded : {false, true}) {
        const Tensors in = inputs_of(c, c.wrt());
        const Tensor out = run(c, in);
        std::vector<Tensor> leaves;
        for (const std::string& name : c.wrt()) leaves.push_back(in.at(name));
        const auto grads = autograd::grad(
            {out}, leaves, {.grad_outputs = {zeros(out.shape(), {.dtype = out.dtype()})}, .create_graph = recorded});
        for (std::size_t k = 0; k < leaves.size(); ++k)
          for (const double v : grads[k].to_vector<double>())
            if (v != 0 && !(may_be_nan && std::isnan(v)))
              return failures.add(
                  c, "gradient of " + c.wrt()[k] + " is " + std::to_string(v) + (recorded ? ", recorded" : ""));
      }
    });
  });
  BOOST_TEST(failures.cells() == cells_in_the_table());
}

BOOST_AUTO_TEST_SUITE_END()
