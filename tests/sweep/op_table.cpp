#include "op_table.h"

#include "slope/autograd/autograd.h"
#include "slope/autograd/ops/pointwise.h"

using namespace slope;

namespace {

using Inputs = std::vector<Tensor>;

void add_unary(std::vector<OpSample>& table) {
  struct Row {
    const char* name;
    Tensor (*function)(In);
    double low, high;
  };
  const Row rows[] = {
      {"neg", neg, -2, 2},           {"abs", abs, 0.1, 2},          {"sqrt", sqrt, 0.1, 4},       {"rsqrt", rsqrt, 0.2, 4},
      {"reciprocal", reciprocal, 0.3, 3}, {"square", square, -2, 2}, {"exp", exp, -2, 2},         {"exp2", exp2, -2, 2},
      {"expm1", expm1, -2, 2},       {"log", log, 0.2, 4},          {"log2", log2, 0.2, 4},       {"log10", log10, 0.2, 4},
      {"log1p", log1p, -0.7, 3},     {"sin", sin, -3, 3},           {"cos", cos, -3, 3},          {"tan", tan, -1.2, 1.2},
      {"asin", asin, -0.9, 0.9},     {"acos", acos, -0.9, 0.9},     {"atan", atan, -3, 3},        {"sinh", sinh, -2, 2},
      {"cosh", cosh, -2, 2},         {"tanh", tanh, -2, 2},         {"asinh", asinh, -3, 3},      {"acosh", acosh, 1.2, 4},
      {"atanh", atanh, -0.8, 0.8},   {"erf", erf, -2, 2},           {"erfc", erfc, -2, 2},        {"sigmoid", sigmoid, -4, 4},
      {"logsigmoid", logsigmoid, -4, 4}, {"softplus1", softplus1, -4, 4}, {"relu", relu, 0.1, 2}, {"relu6", relu6, 0.5, 5.5},
      {"selu", selu, -2, -0.1},      {"silu", silu, -3, 3},         {"mish", mish, -3, 3},        {"hardsigmoid", hardsigmoid, -2.5, 2.5},
      {"hardswish", hardswish, -2.5, 2.5}, {"softsign", softsign, 0.1, 3}, {"tanhshrink", tanhshrink, -2, 2}, {"floor", floor, 0.1, 0.9},
      {"ceil", ceil, 0.1, 0.9},      {"round", round, 0.1, 0.4},    {"trunc", trunc, 0.1, 0.9},   {"sign", sign, 0.1, 2},
      {"clone", clone, -2, 2},       {"contiguous", contiguous, -2, 2},
  };
  for (const Row& r : rows)
    table.push_back({r.name, [f = r.function](const Inputs& in) { return f(in[0]); }, {{2, 3}}, r.low, r.high, true, true});
}

void add_parametrised(std::vector<OpSample>& table) {
  auto row = [&](std::string name, OpSample::Function f, double low, double high, bool any = true) {
    table.push_back({std::move(name), std::move(f), {{2, 3}}, low, high, true, any});
  };
  row("leaky_relu", [](const Inputs& in) { return leaky_relu(in[0], 0.3); }, -2, -0.1);
  row("elu", [](const Inputs& in) { return elu(in[0], 0.7); }, -2, -0.1);
  row("celu", [](const Inputs& in) { return celu(in[0], 0.7); }, -2, -0.1);
  row("gelu", [](const Inputs& in) { return gelu(in[0]); }, -3, 3);
  row("gelu_tanh", [](const Inputs& in) { return gelu(in[0], GeluApproximation::tanh); }, -3, 3);
  row("hardtanh", [](const Inputs& in) { return hardtanh(in[0], -3, 3); }, -2, 2);
  row("softplus", [](const Inputs& in) { return softplus(in[0], 2.0, 5.0); }, -3, 2);
  row("softplus_beyond", [](const Inputs& in) { return softplus(in[0], 2.0, 5.0); }, 2.6, 4);
  row("softshrink", [](const Inputs& in) { return softshrink(in[0], 0.2); }, 0.3, 2);
  row("hardshrink", [](const Inputs& in) { return hardshrink(in[0], 0.2); }, 0.3, 2);
  row("threshold", [](const Inputs& in) { return threshold(in[0], 0.1, 5); }, 0.2, 2);
  row("clamp", [](const Inputs& in) { return clamp(in[0], -1.5, 1.5); }, -1.4, 1.4);
  row("pow_2", [](const Inputs& in) { return pow(in[0], 2.0); }, -2, 2);
  row("pow_3", [](const Inputs& in) { return pow(in[0], 3); }, -2, 2);
  row("pow_half", [](const Inputs& in) { return pow(in[0], 0.5); }, 0.2, 3);
  row("pow_minus_1.5", [](const Inputs& in) { return pow(in[0], -1.5); }, 0.3, 3);
  row("pow_of_number", [](const Inputs& in) { return pow(2.5, in[0]); }, -2, 2);
  row("number_minus", [](const Inputs& in) { return 3.0 - in[0]; }, -2, 2);
  row("number_over", [](const Inputs& in) { return 3.0 / in[0]; }, 0.3, 2);
  row("to_float64", [](const Inputs& in) { return in[0].to(float64) * 2.0; }, -2, 2);
  row("glu", [](const Inputs& in) { return glu(in[0].reshape({3, 2}), 1); }, -2, 2, false);
}

void add_binary(std::vector<OpSample>& table) {
  struct Row {
    const char* name;
    Tensor (*function)(const Operand&, const Operand&);
    double low, high;
  };
  const Row rows[] = {
      {"mul", mul, -2, 2},       {"div", div, 0.3, 3},         {"pow", pow, 0.3, 2.5},     {"maximum", maximum, -2, 2},
      {"minimum", minimum, -2, 2}, {"atan2", atan2, 0.3, 2},   {"xlogy", xlogy, 0.3, 3},   {"scale_cotangent", scale_cotangent, 0.2, 2},
  };
  // Equal shapes, a row, a column, a 0-d tensor, and both broadcasting against each other.
  const std::vector<Shape> pairs[] = {{{2, 3}, {2, 3}}, {{2, 3}, {3}}, {{2, 3}, {2, 1}}, {{2, 3}, Shape{}}, {{2, 1}, {1, 3}}};
  for (const Row& r : rows)
    for (const auto& shapes : pairs)
      table.push_back({r.name, [f = r.function](const Inputs& in) { return f(in[0], in[1]); }, shapes, r.low, r.high, true, false});
  for (const auto& shapes : pairs) {
    table.push_back({"add", [](const Inputs& in) { return add(in[0], in[1]); }, shapes});
    table.push_back({"add_alpha", [](const Inputs& in) { return add(in[0], in[1], 0.3); }, shapes});
    table.push_back({"sub", [](const Inputs& in) { return sub(in[0], in[1]); }, shapes});
    table.push_back({"where", [](const Inputs& in) { return where(in[0] > in[1], in[0] * in[1], in[1] * 2.0); }, shapes});
  }
  table.push_back({"lerp", [](const Inputs& in) { return lerp(in[0], in[1], in[2]); }, {{2, 3}, {2, 3}, {3}}});
  table.push_back({"fmod", [](const Inputs& in) { return fmod(in[0], in[1] + 3.0); }, {{2, 3}, {2, 3}}, 0.2, 1});
  table.push_back({"remainder", [](const Inputs& in) { return remainder(in[0], in[1] + 3.0); }, {{2, 3}, {2, 3}}, 0.2, 1});
  table.push_back({"prelu", [](const Inputs& in) { return prelu(in[0], in[1]); }, {{2, 3, 2}, {3}}});
  table.push_back({"mul_by_itself", [](const Inputs& in) { return in[0] * in[0]; }, {{2, 3}}});
}

void add_reductions(std::vector<OpSample>& table) {
  auto row = [&](std::string name, OpSample::Function f, double low = -2, double high = 2) {
    table.push_back({std::move(name), std::move(f), {{2, 3, 4}}, low, high});
  };
  row("sum", [](const Inputs& in) { return sum(in[0]); });
  row("sum_dims", [](const Inputs& in) { return sum(in[0], {0, 2}); });
  row("sum_keepdim", [](const Inputs& in) { return sum(in[0], {1}, true); });
  row("mean", [](const Inputs& in) { return mean(in[0]); });
  row("mean_dims", [](const Inputs& in) { return mean(in[0], {1}); });
  row("prod", [](const Inputs& in) { return prod(in[0].slice(2, 0, 2)); }, 0.5, 1.5);
  row("prod_dim", [](const Inputs& in) { return prod(in[0], {1}); });
  row("max", [](const Inputs& in) { return max(in[0]); });
  row("max_dim", [](const Inputs& in) { return max(in[0], 1).first; });
  row("min_dim", [](const Inputs& in) { return min(in[0], 2, true).first; });
  row("amax", [](const Inputs& in) { return amax(in[0], {0, 1}); });
  row("amin", [](const Inputs& in) { return amin(in[0], {2}); });
  row("var", [](const Inputs& in) { return var(in[0]); });
  row("var_dim", [](const Inputs& in) { return var(in[0], {1}); });
  row("std_dim", [](const Inputs& in) { return slope::std(in[0], {2}); });
  for (double p : {1.0, 2.0, 3.0, 0.5})
    row("norm_" + slope::to_text(p), [p](const Inputs& in) { return norm(in[0], p, {1}); }, 0.2, 2);
  row("norm_inf", [](const Inputs& in) { return norm(in[0], __builtin_inf(), {2}); });
  row("logsumexp", [](const Inputs& in) { return logsumexp(in[0], {1}); });
  row("cumsum", [](const Inputs& in) { return cumsum(in[0], 1); });
  row("cumprod", [](const Inputs& in) { return cumprod(in[0], 2); }, 0.5, 1.5);
  row("median_dim", [](const Inputs& in) { return median(in[0], 1).first; });
  row("sort", [](const Inputs& in) { return sort(in[0], 2).first; });
  row("topk", [](const Inputs& in) { return topk(in[0], 2, 1).first; });
  row("softmax", [](const Inputs& in) { return softmax(in[0], 1); });
  row("softmax_last", [](const Inputs& in) { return softmax(in[0], -1); });
  row("log_softmax", [](const Inputs& in) { return log_softmax(in[0], -1); });
  row("log_softmax_middle", [](const Inputs& in) { return log_softmax(in[0], 1); });
}

void add_movement(std::vector<OpSample>& table) {
  auto row = [&](std::string name, OpSample::Function f) { table.push_back({std::move(name), std::move(f), {{2, 3, 4}}}); };
  // Squared, so that the second derivative is not zero.
  row("reshape", [](const Inputs& in) { return square(in[0].reshape({4, 6})); });
  row("permute", [](const Inputs& in) { return square(in[0].permute({2, 0, 1})); });
  row("transpose", [](const Inputs& in) { return square(in[0].transpose(0, 2)); });
  row("expand", [](const Inputs& in) { return square(in[0].unsqueeze(1).expand({2, 5, 3, 4})); });
  row("narrow", [](const Inputs& in) { return square(in[0].narrow(2, 1, 2)); });
  row("slice_step", [](const Inputs& in) { return square(in[0].slice(2, 0, 4, 2)); });
  row("select", [](const Inputs& in) { return square(in[0].select(1, 2)); });
  row("diagonal", [](const Inputs& in) { return square(in[0].diagonal(1, 1, 2)); });
  row("unfold", [](const Inputs& in) { return square(in[0].unfold(2, 3, 1)); });
  row("split", [](const Inputs& in) { return in[0].split(3, 2)[0] * in[0].split(3, 2)[0]; });
  row("flip", [](const Inputs& in) { return square(flip(in[0], {0, 2})); });
  row("roll", [](const Inputs& in) { return square(roll(in[0], {1}, {2})); });
  row("tril", [](const Inputs& in) { return square(tril(in[0], 1)); });
  row("repeat", [](const Inputs& in) { return square(repeat(in[0], {2, 1, 2})); });
  row("cat", [](const Inputs& in) { return square(cat({in[0], in[0] * 2.0}, 1)); });
  row("stack", [](const Inputs& in) { return square(stack({in[0], sin(in[0])}, 2)); });
  row("as_strided", [](const Inputs& in) { return square(as_strided(in[0] * 1.0, {3, 3}, {4, 2}, 1)); });
  row("index_select", [](const Inputs& in) { return square(index_select(in[0], 1, tensor({2, 0, 2}))); });
  row("gather", [](const Inputs& in) { return square(gather(in[0], 2, tensor({{{0, 3}, {1, 1}, {2, 0}}, {{3, 3}, {0, 1}, {2, 2}}}))); });
  row("masked_select", [](const Inputs& in) { return square(masked_select(in[0], in[0].detach() > 0.0)); });
  row("masked_fill", [](const Inputs& in) { return square(masked_fill(in[0], in[0].detach() > 0.0, 3.0)); });
  row("in_place_through_a_view", [](const Inputs& in) {
    const Tensor y = in[0] * 1.0;
    y.select(1, 1).mul_(y.select(1, 0).clone());
    return square(y);
  });
  table.push_back({"scatter_add",
                   [](const Inputs& in) { return square(scatter_add(in[0], 1, tensor({{0, 0, 2}, {3, 1, 3}}), in[1])); },
                   {{2, 4}, {2, 3}}});
  table.push_back({"index_add", [](const Inputs& in) { return square(index_add(in[0], 0, tensor({1, 1}), in[1], 0.5)); }, {{3, 2}, {2, 2}}});
}

void add_products(std::vector<OpSample>& table) {
  auto row = [&](std::string name, OpSample::Function f, std::vector<Shape> shapes) {
    table.push_back({std::move(name), std::move(f), std::move(shapes)});
  };
  const OpSample::Function product = [](const Inputs& in) { return matmul(in[0], in[1]); };
  row("dot", product, {{3}, {3}});
  row("matmul", product, {{2, 3}, {3, 4}});
  row("matmul_vector", product, {{2, 3}, {3}});
  row("vector_matmul", product, {{3}, {3, 2}});
  row("matmul_batched", product, {{2, 2, 3}, {2, 3, 2}});
  row("matmul_broadcast", product, {{2, 1, 2, 3}, {3, 3, 2}});
  row("linear", [](const Inputs& in) { return linear(in[0], in[1], in[2]); }, {{2, 3}, {4, 3}, {4}});
  row("linear_without_bias", [](const Inputs& in) { return linear(in[0], in[1]); }, {{2, 2, 3}, {4, 3}});
  row("addmm", [](const Inputs& in) { return addmm(in[0], in[1], in[2], {.beta = 0.5, .alpha = 2.0}); }, {{2, 2}, {2, 3}, {3, 2}});
  row("outer", [](const Inputs& in) { return outer(in[0], in[1]); }, {{3}, {2}});
  row("einsum", [](const Inputs& in) { return einsum("bij,bjk->ik", {in[0], in[1]}); }, {{2, 2, 3}, {2, 3, 2}});
}

void add_formulas(std::vector<OpSample>& table) {
  table.push_back({"pointwise_focal",
                   [](const Inputs& in) {
                     static const auto focal = pointwise([](auto p, auto y) {
                       auto p_t = y * p + (1.0 - y) * (1.0 - p);
                       return (y * 0.75 + (1.0 - y) * 0.25) * pow(1.0 - p_t, 2.0) * -(y * log(p) + (1.0 - y) * log(1.0 - p));
                     });
                     return focal(in[0], in[1]);
                   },
                   {{2, 3}, {2, 3}}, 0.1, 0.9});
  table.push_back({"pointwise_mean_of_three",
                   [](const Inputs& in) {
                     static const auto f = pointwise([](auto a, auto b, auto c) { return tanh(a * b) + where(a > b, c * c, c * a); });
                     return f.mean(in[0], in[1], in[2]);
                   },
                   {{2, 3}, {3}, Shape{}}});
  table.push_back({"pointwise_sum",
                   [](const Inputs& in) {
                     static const auto f = pointwise([](auto a, auto b) { return sqrt(a * a + b * b); });
                     return f.sum(in[0], in[1]);
                   },
                   {{4}, {4}}, 0.3, 2});
}

}  // namespace

const std::vector<OpSample>& op_table() {
  static const std::vector<OpSample> table = [] {
    std::vector<OpSample> t;
    add_unary(t);
    add_parametrised(t);
    add_binary(t);
    add_reductions(t);
    add_movement(t);
    add_products(t);
    add_formulas(t);
    return t;
  }();
  return table;
}

std::vector<Tensor> sample_inputs(const OpSample& sample, std::uint64_t seed) {
  Generator g(seed);
  std::vector<Tensor> inputs;
  for (const Shape& shape : sample.shapes) {
    // Values in random order on a grid with jitter: away from each other, hence from ties.
    const std::int64_t n = checked_numel(shape, "sample");
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    fill_randperm(order.data(), n, g);
    std::vector<double> values;
    for (std::int64_t i : order)
      values.push_back(sample.low + (sample.high - sample.low) * (static_cast<double>(i) + 0.25 + 0.5 * g.next_double()) /
                                        static_cast<double>(n));
    inputs.push_back(tensor(values, {.dtype = float64}).reshape(shape).clone().requires_grad_());
  }
  return inputs;
}
