#include <map>

#include "elementwise.h"
#include "torch_data.h"

using namespace compare::elementwise;
using torch::Tensor;

namespace {

struct Forms {
  Tensor (*fresh)(const Tensor& x, const Tensor& other);
  void (*in_place)(Tensor x, const Tensor& other) = nullptr;
};

const std::map<std::string, Forms>& forms() {
  using In = const Tensor&;
  static const std::map<std::string, Forms> all = {
      {"exp", {[](In x, In) { return x.exp(); }, [](Tensor x, In) { torch::exp_out(x, x); }}},
      {"sigmoid", {[](In x, In) { return x.sigmoid(); }, [](Tensor x, In) { torch::sigmoid_out(x, x); }}},
      {"tanh", {[](In x, In) { return x.tanh(); }, [](Tensor x, In) { torch::tanh_out(x, x); }}},
      {"relu", {[](In x, In) { return x.relu(); }, [](Tensor x, In) { x.relu_(); }}},
      {"add", {[](In x, In y) { return x + y; }, [](Tensor x, In y) { torch::add_out(x, x, y); }}},
      {"sum", {[](In x, In) { return x.sum(); }}},
      {"log", {[](In x, In) { return x.log(); }}},
      {"log1p", {[](In x, In) { return x.log1p(); }}},
      {"expm1", {[](In x, In) { return x.expm1(); }}},
      {"erf", {[](In x, In) { return x.erf(); }}},
  };
  return all;
}

compare::Work fresh(const Op& op, std::int64_t n) {
  const Tensor x = compare::torch_tensor(input(op, n), {n}), other = compare::torch_tensor(input(op, n, true), {n});
  const auto run = [x, other, f = forms().at(op.name).fresh] {
    torch::NoGradGuard no_grad;
    return f(x, other);
  };
  return {.run = [=] { (void)run(); }, .check = [=] { return compare::magnitude(run()); }};
}

compare::Work in_place(const Op& op, std::int64_t n) {
  const Tensor original = compare::torch_tensor(input(op, n), {n}),
               other = compare::torch_tensor(input(op, n, true), {n});
  const Tensor x = original.clone();
  const auto run = [x, other, f = forms().at(op.name).in_place] {
    torch::NoGradGuard no_grad;
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
      compare::torch_works().add(name_of(op, n, false), [=] { return fresh(op, n); });
      if (op.in_place) compare::torch_works().add(name_of(op, n, true), [=] { return in_place(op, n); });
    }
});

}  // namespace
