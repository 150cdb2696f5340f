#include "oracle/oracle.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <limits>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"

namespace oracle {

using slope::DType;
using slope::Shape;
using slope::Tensor;

double number(const Json& j) {
  if (!j.is_string()) return j.is_boolean() ? (j.get<bool>() ? 1.0 : 0.0) : j.get<double>();
  const auto s = j.get<std::string>();
  if (s == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (s == "inf") return std::numeric_limits<double>::infinity();
  if (s == "-inf") return -std::numeric_limits<double>::infinity();
  throw std::runtime_error("not a number: " + s);
}

namespace {

DType dtype(const std::string& name) {
  for (const DType d : {slope::float32, slope::float64, slope::int64, slope::boolean})
    if (slope::dtype_name(d) == name) return d;
  throw std::runtime_error("unknown dtype: " + name);
}

void flatten(const Json& data, std::vector<Json>& into) {
  if (!data.is_array()) return into.push_back(data);
  for (const Json& item : data) flatten(item, into);
}

bool is_tensor(const Json& j) { return j.is_object() && j.contains("dtype") && j.contains("shape"); }

// One tensor or several by name.
Tensors named(const Json& j) {
  if (is_tensor(j)) return {{"", tensor(j)}};
  Tensors all;
  for (const auto& [name, value] : j.items()) all[name] = tensor(value);
  return all;
}

Tensor with_gaps(const Tensor& t) {
  if (t.dim() == slope::max_dims) return t;
  Shape shape = t.shape();
  shape.push_back(2);
  const Tensor wide = slope::full(shape, 1, {.dtype = t.dtype()});
  const Tensor view = wide.select(-1, 0).detach();
  slope::NoGradGuard no_grad;
  view.copy_(t);
  return view;
}

void expect_same(const Tensor& got, const Tensor& expected, Tolerance tolerance, const std::string& what) {
  const std::string difference = oracle::difference(got, expected, tolerance);
  BOOST_TEST(difference.empty(), what << ": " << difference);
}

struct Run {
  Tensors leaves, outputs;
  Tensor total;  // Σ outputs·grad_output, or the only output
};

Run run(const Record& record, const Function& function, bool strided) {
  Run r;
  r.leaves = record.leaves(strided);
  r.outputs = function(record, record.prepared(r.leaves));
  if (record.json().contains("grad_output")) {
    for (const auto& [name, g] : named(record.json().at("grad_output"))) {
      const Tensor part = (r.outputs.at(name) * g).sum();
      r.total = r.total.defined() ? r.total + part : part;
    }
  } else if (r.outputs.size() == 1) {
    r.total = r.outputs.begin()->second;
  } else {
    for (const auto& [name, out] : r.outputs)
      if (out.is_floating_point() && out.dim() == 0) r.total = out;
  }
  return r;
}

std::vector<Tensor> wanted(const Record& record, const Run& r) {
  std::vector<Tensor> all;
  for (const std::string& name : record.differentiated()) all.push_back(r.leaves.at(name));
  return all;
}

void check_gradients(const Record& record, const Tensors& expected, const Function& function, bool strided,
                     bool recorded) {
  const Run r = run(record, function, strided);
  const std::vector<std::string> names = record.differentiated();
  const std::vector<Tensor> grads =
      slope::autograd::grad({r.total}, wanted(record, r), {.create_graph = recorded, .allow_unused = true});
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!expected.contains(names[i])) continue;
    const Tensor got = grads[i].defined() ? grads[i] : slope::zeros_like(r.leaves.at(names[i]));
    expect_same(
        got, expected.at(names[i]), record.tolerance(),
        record.title() + (strided ? " strided" : "") + (recorded ? " recorded" : "") + " gradient of " + names[i]);
  }
}

void check_second_order(const Record& record, const Function& function) {
  const Json& expected = record.json().at("second_order");
  const Run r = run(record, function, false);
  const std::vector<Tensor> inputs = wanted(record, r);
  // The reference left out gradients that do not depend on any input, such as that of a bias.
  Tensor squares = slope::zeros({}, {.dtype = inputs.front().dtype()});
  Tensor depending = squares;
  for (const Tensor& g : slope::autograd::grad({r.total}, inputs, {.create_graph = true, .allow_unused = true})) {
    if (!g.defined()) continue;
    const Tensor part = (g * g).sum();
    squares = squares + part;
    if (part.requires_grad()) depending = depending + part;
  }
  const Tolerance tolerance{1e-7, 1e-7};
  const Tensor recorded = slope::full({}, number(expected.at("grad_norm_sq")), {.dtype = squares.dtype()});
  if (!difference(squares.detach(), recorded, tolerance).empty()) squares = depending;
  expect_same(squares.detach(), recorded, tolerance, record.title() + " squared gradient");
  if (!squares.requires_grad()) {  // gradients that are constant
    for (const auto& [name, g] : named(expected.at("grads")))
      expect_same(slope::zeros_like(g), g, tolerance, record.title() + " second derivative by " + name);
    return;
  }
  const std::vector<Tensor> grads = slope::autograd::grad({squares}, inputs, {.allow_unused = true});
  const std::vector<std::string> names = record.differentiated();
  const Tensors all = named(expected.at("grads"));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!all.contains(names[i])) continue;
    expect_same(grads[i].defined() ? grads[i] : slope::zeros_like(inputs[i]), all.at(names[i]), tolerance,
                record.title() + " second derivative by " + names[i]);
  }
}

void check_error(const Record& record, const Function& function) {
  const Tensors leaves = record.leaves();
  try {
    (void)function(record, record.prepared(leaves));
    BOOST_ERROR(record.title() + ": expected an error, because " + record.text("why"));
  } catch (const slope::Error& e) {
    BOOST_TEST(std::string(e.what()).size() > 20, record.title() << ": too short to help: " << e.what());
  }
  const Tensors again = record.leaves();
  for (const auto& [name, t] : leaves)
    BOOST_TEST(difference(t.detach(), again.at(name).detach(), {0, 0}).empty(), record.title() << " changed " << name);
}

}  // namespace

Tensor tensor(const Json& j) {
  std::vector<Json> flat;
  flatten(j.at("data"), flat);
  const DType d = dtype(j.at("dtype").get<std::string>());
  const Tensor t = slope::zeros(Shape(j.at("shape").get<std::vector<std::int64_t>>()), {.dtype = d});
  if (static_cast<std::size_t>(t.numel()) != flat.size()) throw std::runtime_error("data do not fill the shape");
  slope::visit_dtype(d, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* to = t.data_ptr<T>();
    for (std::size_t i = 0; i < flat.size(); ++i)
      to[i] =
          flat[i].is_number_integer() ? static_cast<T>(flat[i].get<std::int64_t>()) : static_cast<T>(number(flat[i]));
  });
  return t;
}

std::string Record::title() const { return id() + " " + name() + " " + options().dump(); }

std::vector<std::string> Record::differentiated() const {
  return json_.value("requires_grad", std::vector<std::string>());
}

Tolerance Record::tolerance() const {
  Tolerance t;
  const auto tags = json_.value("tags", std::vector<std::string>());
  for (const std::string& tag : tags)
    if (tag == "float32") t = {1e-5, 1e-5};
  if (json_.contains("rtol")) t.relative = json_.at("rtol").get<double>();
  return t;
}

Tensors Record::leaves(bool strided) const {
  Tensors all;
  for (const char* field : {"inputs", "params"})
    if (json_.contains(field))
      for (const auto& [name, value] : json_.at(field).items())
        all[name] = strided ? with_gaps(tensor(value)) : tensor(value);
  for (const std::string& name : differentiated()) all.at(name).requires_grad_();
  return all;
}

Tensors Record::prepared(const Tensors& leaves) const {
  Tensors all = leaves;
  if (json_.contains("pre"))
    for (const auto& [name, step] : json_.at("pre").items()) {
      const auto op = step.at("op").get<std::string>();
      if (op == "log_softmax")
        all[name] = all.at(name).log_softmax(step.at("dim").get<std::int64_t>());
      else if (op == "softmax")
        all[name] = all.at(name).softmax(step.at("dim").get<std::int64_t>());
      else if (op == "sigmoid")
        all[name] = all.at(name).sigmoid();
      else
        throw std::runtime_error("unknown step before: " + op);
    }
  return all;
}

std::vector<Record> records(const std::string& kind) {
  std::ifstream file(SLOPE_TEST_DATA "/oracle.jsonl");
  std::vector<Record> all;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    Record record(Json::parse(line));
    if (record.kind() == kind) all.push_back(std::move(record));
  }
  if (all.empty()) throw std::runtime_error("no records of kind " + kind + " in " SLOPE_TEST_DATA "/oracle.jsonl");
  return all;
}

std::string difference(const Tensor& got, const Tensor& expected, Tolerance tolerance) {
  if (!got.defined()) return "undefined";
  if (got.dtype() != expected.dtype())
    return slope::concat("dtype ", slope::dtype_name(got.dtype()), " instead of ", slope::dtype_name(expected.dtype()));
  if (got.shape() != expected.shape())
    return slope::concat("shape ", slope::to_text(got.shape()), " instead of ", slope::to_text(expected.shape()));
  const auto a = got.to_vector<double>(), b = expected.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (a[i] == b[i]) continue;
    if (std::isfinite(a[i]) && std::isfinite(b[i]) &&
        std::abs(a[i] - b[i]) <= tolerance.absolute + tolerance.relative * std::abs(b[i]))
      continue;
    char text[96];
    std::snprintf(text, sizeof text, "element %zu is %.17g instead of %.17g", i, a[i], b[i]);
    return text;
  }
  return "";
}

void check(const Record& record, const Function& function) {
  if (record.expects_error()) return check_error(record, function);
  try {
    const Tensors expected = named(record.json().at("output"));
    for (const bool strided : {false, true}) {
      const Run r = run(record, function, strided);
      for (const auto& [name, value] : expected) {
        BOOST_TEST(r.outputs.contains(name), record.title() << " has no output " << name);
        if (r.outputs.contains(name))
          expect_same(r.outputs.at(name).detach(), value, record.tolerance(),
                      record.title() + (strided ? " strided" : "") + " output " + name);
      }
    }
    if (record.json().contains("grads")) {
      const Tensors grads = named(record.json().at("grads"));
      check_gradients(record, grads, function, false, false);
      check_gradients(record, grads, function, true, false);
      check_gradients(record, grads, function, false, true);
      check_gradients(record, grads, function, true, true);
    }
    if (record.json().contains("second_order")) check_second_order(record, function);
  } catch (const std::exception& e) {
    BOOST_ERROR(record.title() + ": " + e.what());
  }
}

}  // namespace oracle
