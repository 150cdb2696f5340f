#include "oracle/check.h"

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"

namespace oracle {

using slope::Tensor;

namespace {

struct Run {
  Tensors leaves, outputs;
  Tensor total;  // Σ outputs·grad_output, or the only output
};

Run run(const Record& record, const Function& function, bool strided) {
  Run r;
  r.leaves = record.leaves(strided);
  r.outputs = function(record, Arguments(record, r.leaves));
  if (record.contains("grad_output")) {
    for (const auto& [name, g] : record.at("grad_output").tensors()) {
      const Tensor part = (r.outputs.at(name) * g).sum();
      r.total = r.total.defined() ? r.total + part : part;
    }
  } else if (r.outputs.size() == 1) {
    r.total = r.outputs.begin()->second;
  }
  return r;
}

std::vector<Tensor> wanted(const Record& record, const Run& r) {
  std::vector<Tensor> all;
  for (const std::string& name : record.differentiated()) all.push_back(r.leaves.at(name));
  return all;
}

class Check {
 public:
  Check(const Record& record, const Function& function, Problems& problems)
      : record_(record), function_(function), problems_(problems) {}

  void all() const {
    if (record_.expects_error()) return error();
    for (const bool strided : {false, true}) outputs(strided);
    if (!record_.contains("grads")) return;
    for (const bool strided : {false, true})
      for (const bool recorded : {false, true}) gradients(strided, recorded);
    if (record_.contains("second_order")) second_order();
  }

 private:
  void same(const Tensor& got, const Tensor& expected, Tolerance tolerance, const std::string& what) const {
    expect_same(got, expected, tolerance, record_.title() + what, problems_);
  }

  void outputs(bool strided) const {
    const Tensors expected = record_.at("output").tensors();
    const Run r = run(record_, function_, strided);
    const std::string how = strided ? " strided" : "";
    for (const auto& [name, value] : expected) {
      if (r.outputs.contains(name))
        same(r.outputs.at(name).detach(), value, record_.tolerance(), how + " output " + name);
      else
        problems_.push_back(record_.title() + " has no output " + name);
    }
    if (record_.contains("params_after"))
      for (const auto& [name, value] : record_.at("params_after").tensors())
        same(r.leaves.at(name).detach(), value, record_.tolerance(), how + " afterwards, parameter " + name);
    for (const auto& [name, value] : r.outputs)
      if (!expected.contains(name))
        problems_.push_back(record_.title() + " does not say what the output " + name + " is");
  }

  void gradients(bool strided, bool recorded) const {
    const Tensors expected = record_.at("grads").tensors();
    const Run r = run(record_, function_, strided);
    const std::vector<std::string> names = record_.differentiated();
    const std::vector<Tensor> grads =
        slope::autograd::grad({r.total}, wanted(record_, r), {.create_graph = recorded, .allow_unused = true});
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string what =
          (strided ? " strided" : "") + std::string(recorded ? " recorded" : "") + " gradient of " + names[i];
      const Tensor value = expected.at(names[i]);
      same(grads[i].defined() ? grads[i] : slope::zeros_like(r.leaves.at(names[i])), value, record_.tolerance(), what);
    }
  }

  // S = Σ of the squares of all gradients, and its derivatives.
  void second_order() const {
    const Value expected = record_.at("second_order");
    const double sum = expected.at("grad_norm_sq").real();
    const Tensors derivatives = expected.at("grads").tensors();
    const std::vector<std::string> names = record_.differentiated();
    const Run r = run(record_, function_, false);
    const std::vector<Tensor> inputs = wanted(record_, r);
    Tensor squares = slope::zeros({}, {.dtype = inputs.front().dtype()});
    Tensor depending = squares;
    for (const Tensor& g : slope::autograd::grad({r.total}, inputs, {.create_graph = true, .allow_unused = true})) {
      if (!g.defined()) continue;
      const Tensor part = (g * g).sum();
      squares = squares + part;
      if (part.requires_grad()) depending = depending + part;
    }
    const Tolerance tolerance{1e-7, 1e-7};
    const Tensor wanted_sum = slope::full({}, sum, {.dtype = squares.dtype()});
    // Three records of modules leave out gradients that do not depend on any input, such as that of a bias.
    const bool may_leave_out = record_.kind() == "module" && record_.id().starts_with("v-");
    if (may_leave_out && !difference(squares.detach(), wanted_sum, tolerance).empty()) squares = depending;
    same(squares.detach(), wanted_sum, tolerance, " squared gradient");
    std::vector<Tensor> grads(inputs.size());
    if (squares.requires_grad()) grads = slope::autograd::grad({squares}, inputs, {.allow_unused = true});
    for (std::size_t i = 0; i < names.size(); ++i)
      same(grads[i].defined() ? grads[i] : slope::zeros_like(inputs[i]), derivatives.at(names[i]), tolerance,
           " second derivative by " + names[i]);
  }

  void error() const {
    const Tensors leaves = record_.leaves();
    const Arguments arguments(record_, leaves);
    expect_error(record_, [&] { (void)function_(record_, arguments); }, problems_);
    const Tensors again = record_.leaves();
    for (const auto& [name, t] : leaves) same(t.detach(), again.at(name).detach(), {0, 0}, " after the error, " + name);
  }

  const Record& record_;
  const Function& function_;
  Problems& problems_;
};

}  // namespace

void expect_same(const Tensor& got, const Tensor& expected, Tolerance tolerance, const std::string& what,
                 Problems& problems) {
  const std::string text = difference(got, expected, tolerance);
  if (!text.empty()) problems.push_back(what + ": " + text);
}

void expect_error(const Record& record, const std::function<void()>& call, Problems& problems) {
  const std::string why = record.at("why").text();
  try {
    call();
    problems.push_back(record.title() + ": expected an error, because " + why);
  } catch (const slope::Error& e) {
    const std::string text = e.what();
    if (text.size() < 30 || text.find(" (tests/oracle/") == std::string::npos)
      problems.push_back(record.title() + ": the error is no sentence, or does not name the line: " + text);
  }
}

Form function_form(Function function) {
  return [function = std::move(function)](const Record& record, Problems& problems) {
    if (record.contains("class")) (void)record.at("class").text();  // module_form compares it
    Check(record, function, problems).all();
  };
}

Form module_form(Function function) {
  return [function = std::move(function)](const Record& record, Problems& problems) {
    Check(record, function, problems).all();
  };
}

Problems problems_of(const Json& json, const Form& form) {
  const Record record(json);
  Problems problems;
  try {
    (void)(record.kind() + record.title());  // chose the form
    (void)record.tagged("");
    form(record, problems);
  } catch (const std::exception& e) {
    problems.push_back(record.title() + ": " + e.what());
  }
  for (const std::string& path : record.unread())
    problems.push_back(record.title() + ": nothing reads " + path + " of the record");
  return problems;
}

Problems problems_of(const Json& json) {
  Problems problems = format_problems(json);
  if (!problems.empty()) return problems;
  const std::pair<std::string, std::string> key(json.at("kind"), json.at("name"));
  const auto found = drivers().find(key);
  if (found == drivers().end()) {
    for (const auto& entry : not_built_yet())
      if (entry == key) return {};
    return {json.at("id").get<std::string>() + ": nothing runs the " + key.first + " " + key.second +
            ", and it is not in the list of what is not built yet"};
  }
  for (const Form& form : found->second)
    for (std::string& text : problems_of(json, form)) problems.push_back(std::move(text));
  return problems;
}

const Drivers& drivers() {
  static const Drivers all = [] {
    Drivers map;
    for (const auto add :
         {add_losses, add_activations, add_operations, add_modules, add_functionals, add_convolutions,
          add_normalization, add_attention, add_optimizers, add_pool_layers, add_recurrence, add_utils}) {
      Drivers more;
      add(more);
      const std::size_t sum = map.size() + more.size();
      map.merge(more);
      if (map.size() != sum) throw std::runtime_error("two drivers for " + more.begin()->first.second);
    }
    return map;
  }();
  return all;
}

}  // namespace oracle
