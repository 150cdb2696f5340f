#include <map>

#include "elementwise.h"
#include "slope_data.h"

using namespace slope;
using namespace compare::elementwise;

namespace {

struct Forms {
  Tensor (*fresh)(const Tensor& x, const Tensor& other);
  void (*in_place)(const Tensor& x, const Tensor& other) = nullptr;
};

const std::map<std::string, Forms>& forms() {
  using In = const Tensor&;
  static const std::map<std::string, Forms> all = {
      {"exp", {[](In x, In) { return exp(x); }, [](In x, In) { x.exp_(); }}},
      {"sigmoid", {[](In x, In) { return sigmoid(x); }, [](In x, In) { x.sigmoid_(); }}},
      {"tanh", {[](In x, In) { return tanh(x); }, [](In x, In) { x.tanh_(); }}},
      {"relu", {[](In x, In) { return relu(x); }, [](In x, In) { x.relu_(); }}},
      {"add", {[](In x, In y) { return x + y; }, [](In x, In y) { x.add_(y); }}},
      {"sum", {[](In x, In) { return x.sum(); }}},
      {"log", {[](In x, In) { return log(x); }}},
      {"log1p", {[](In x, In) { return log1p(x); }}},
      {"expm1", {[](In x, In) { return expm1(x); }}},
      {"erf", {[](In x, In) { return erf(x); }}},
  };
  return all;
}

compare::Work fresh(const Op& op, std::int64_t n) {
  const Tensor x = compare::slope_tensor(input(op, n), {n}), other = compare::slope_tensor(input(op, n, true), {n});
  const auto run = [x, other, f = forms().at(op.name).fresh] {
    NoGradGuard no_grad;
    return f(x, other);
  };
  return {.run = [=] { (void)run(); }, .check = [=] { return compare::magnitude(run()); }};
}

compare::Work in_place(const Op& op, std::int64_t n) {
  const Tensor original = compare::slope_tensor(input(op, n), {n}),
               other = compare::slope_tensor(input(op, n, true), {n});
  const Tensor x = original.clone();
  const auto run = [x, other, f = forms().at(op.name).in_place] {
    NoGradGuard no_grad;
    f(x, other);
  };
  const auto check = [=] {
    run();
    return compare::magnitude(x);
  };
  return {.run = run, .check = check, .before = [=] { x.copy_(original); }};
}

const compare::Registered registered([] {
  for (const Op& op : ops())
    for (const std::int64_t n : op.sizes) {
      compare::slope_works().add(name_of(op, n, false), [=] { return fresh(op, n); });
      if (op.in_place) compare::slope_works().add(name_of(op, n, true), [=] { return in_place(op, n); });
    }
});

}  // namespace
