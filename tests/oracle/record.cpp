#include "oracle/record.h"

#include <cmath>
#include <fstream>
#include <limits>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "support/test_data.h"

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

void collect_unread(const Json& j, const Reads& reads, const std::string& path, std::vector<std::string>& into) {
  if (reads.contains(&j)) return;
  if (!j.is_structured() || is_tensor(j)) return into.push_back(path);
  for (const auto& [key, item] : j.items()) collect_unread(item, reads, path.empty() ? key : path + "." + key, into);
}

}  // namespace

bool is_tensor(const Json& j) { return j.is_object() && j.contains("dtype") && j.contains("shape"); }

Tensor tensor(const Json& j) {
  if (j.size() != 3) throw std::runtime_error("a tensor has dtype, shape and data, got " + j.dump());
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

std::vector<std::string> Value::keys() const {
  std::vector<std::string> all;
  for (const auto& item : json_->items()) all.push_back(item.key());
  return all;
}

bool Value::is_null() const {
  if (json_->is_null()) reads_->insert(json_);
  return json_->is_null();
}

Tensors Value::tensors() const {
  if (is_tensor()) return {{"", tensor()}};
  Tensors all;
  for (const std::string& name : keys()) all[name] = at(name).tensor();
  return all;
}

std::string Record::title() const { return id() + " " + name() + " " + json_.at("options").dump(); }

bool Record::tagged(const std::string& tag) const {
  if (!contains("tags")) return false;
  for (const std::string& t : at("tags").words())
    if (t == tag) return true;
  return false;
}

Tolerance Record::tolerance() const {
  Tolerance t;
  if (tagged("float32")) t = {1e-5, 1e-5};
  if (contains("rtol")) t.relative = at("rtol").real();
  return t;
}

bool Record::has(const char* option) const {
  const Value options = at("options");
  return options.contains(option) && !options.at(option).is_null();
}

std::vector<std::string> Record::differentiated() const {
  return contains("requires_grad") ? at("requires_grad").words() : std::vector<std::string>();
}

Tensors Record::leaves(bool strided) const {
  Tensors all;
  for (const char* field : {"inputs", "params"})
    if (contains(field))
      for (const auto& [name, value] : json_.at(field).items())
        all[name] = strided ? with_gaps(tensor(value)) : tensor(value);
  for (const std::string& name : differentiated()) all.at(name).requires_grad_();
  return all;
}

std::vector<std::string> Record::unread() const {
  std::vector<std::string> all;
  collect_unread(json_, reads_, "", all);
  return all;
}

Arguments::Arguments(const Record& record, const Tensors& leaves) : record_(&record), tensors_(leaves) {
  if (!record.contains("pre")) return;
  const Value before = record.at("pre");
  for (const std::string& name : before.keys()) {
    const Value step = before.at(name);
    const std::string op = step.at("op").text();
    if (op == "log_softmax")
      tensors_[name] = leaves.at(name).log_softmax(step.at("dim").integer());
    else if (op == "softmax")
      tensors_[name] = leaves.at(name).softmax(step.at("dim").integer());
    else if (op == "sigmoid")
      tensors_[name] = leaves.at(name).sigmoid();
    else
      throw std::runtime_error("unknown step before: " + op);
  }
}

const Tensor& Arguments::at(const std::string& name) const {
  const Tensor& t = tensors_.at(name);
  for (const char* field : {"inputs", "params"})
    if (record_->contains(field) && record_->json().at(field).contains(name))
      record_->reads_.insert(&record_->json().at(field).at(name));
  return t;
}

const std::vector<Json>& records() {
  static const std::vector<Json> all = [] {
    std::vector<Json> read;
    for (const char* name : {"oracle.jsonl", "oracle_layers.jsonl"}) {
      const std::string path = (test_data() / name).string();
      std::ifstream file(path);
      const std::size_t before = read.size();
      for (std::string line; std::getline(file, line);) read.push_back(Json::parse(line));
      if (read.size() == before) throw std::runtime_error(std::string("no records in ") + path);
    }
    return read;
  }();
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

}  // namespace oracle
