#include <algorithm>
#include <set>

#include "oracle/check.h"

namespace oracle {

namespace {

using Names = std::set<std::string>;

// The fields of a record by kind. Those after "|" may be absent.
struct Fields {
  Names required, optional;
};
Fields fields_of(const std::string& kind) {
  const Names function = {"id", "kind", "name", "options", "inputs"};
  const Names results = {"tags",        "rtol",         "pre",          "params", "requires_grad", "output", "grads",
                         "grad_output", "second_order", "expect_error", "why"};
  const auto with = [](Names a, const Names& b) {
    a.insert(b.begin(), b.end());
    return a;
  };
  if (kind == "loss" || kind == "activation") return {with(function, {"class"}), results};
  if (kind == "op" || kind == "functional" || kind == "util") return {function, results};
  if (kind == "module")
    return {function,
            with(results, {"class", "training", "buffers", "buffers_after", "params_after", "packed", "call"})};
  if (kind == "optimizer")
    return {{"id", "kind", "name", "class", "options"},
            {"groups", "init", "problem", "steps", "trajectory", "final_state", "losses", "expect_error", "why"}};
  if (kind == "scheduler")
    return {{"id", "kind", "name", "options", "optimizer", "lrs"}, {"group_lrs", "momenta", "metrics", "tags"}};
  return {};
}

Names keys(const Json& j) {
  Names all;
  for (const auto& item : j.items()) all.insert(item.key());
  return all;
}

bool is_floating(const Json& t) { return t.at("dtype").get<std::string>().starts_with("float"); }

// Names of the outputs that are floating; one output is called "".
Names floating(const Json& output) {
  if (is_tensor(output)) return is_floating(output) ? Names{""} : Names{};
  Names all;
  for (const auto& [name, t] : output.items())
    if (!is_tensor(t) || is_floating(t)) all.insert(name);
  return all;
}

class Format {
 public:
  Format(const Json& json, Problems& problems) : json_(json), problems_(problems) {}

  void check() {
    const std::string kind = json_.at("kind");
    const Fields fields = fields_of(kind);
    if (fields.required.empty()) return fault("a kind that nothing reads: " + kind);
    for (const std::string& name : keys(json_))
      if (!fields.required.contains(name) && !fields.optional.contains(name))
        fault("a field that nothing reads: " + name);
    for (const std::string& name : fields.required)
      if (!json_.contains(name)) fault("no field " + name);
    if (!problems_.empty()) return;
    const bool fails = json_.value("expect_error", false);
    if (fails != json_.contains("why")) fault("expect_error and why stand together");
    if (kind == "scheduler") return;
    if (kind == "optimizer") {
      for (const char* name : {"groups", "init", "problem", "steps", "trajectory", "final_state"})
        if (json_.contains(name) == fails) fault(std::string(name) + " stands where no error is expected");
      return;
    }
    if (json_.contains("output") == fails) fault("an output stands where no error is expected");
    if (problems_.empty() && !fails) results();
  }

 private:
  void fault(const std::string& text) { problems_.push_back(json_.value("id", json_.dump()) + ": " + text); }

  void results() {
    Names differentiated;
    if (json_.contains("requires_grad"))
      for (const Json& name : json_.at("requires_grad")) differentiated.insert(name);
    const Names outputs = floating(json_.at("output"));
    // Every name that is differentiated has a gradient, and nothing else has.
    if (outputs.empty()) differentiated.clear();
    if (keys(json_.value("grads", Json::object())) != differentiated)
      fault("grads does not hold a gradient of each name in requires_grad");
    if (json_.contains("second_order")) {
      const Json& second = json_.at("second_order");
      if (keys(second) != Names{"grad_norm_sq", "grads"}) fault("second_order has other fields than it should have");
      if (keys(second.value("grads", Json::object())) != differentiated)
        fault("second_order does not hold a gradient of each name in requires_grad");
    }
    if (json_.contains("grad_output")) {
      const Json& upstream = json_.at("grad_output");
      if ((is_tensor(upstream) ? Names{""} : keys(upstream)) != outputs)
        fault("grad_output does not hold a gradient of each floating output");
    } else if (!differentiated.empty() && (!is_tensor(json_.at("output")) || !json_.at("output").at("shape").empty())) {
      fault("without grad_output the output is one number");
    }
  }

  const Json& json_;
  Problems& problems_;
};

}  // namespace

Problems format_problems(const Json& json) {
  Problems problems;
  Format(json, problems).check();
  return problems;
}

}  // namespace oracle
