// Elementwise operations and fused formulas.
#include "op_table.h"
#include "slope/autograd/ops/ops.h"
#include "slope/pointwise.h"

using namespace slope;

void add_unary(OpTable& table) {
  struct Row {
    const char* name;
    Tensor (*function)(In);
    double low, high;
  };
  const Row rows[] = {
#define SLOPE_UNARY(name, Name, kind, value, derivative, low, high, text) {#name, name, low, high},
#include "slope/autograd/tensor/tensor-unary.h"
      {"abs/negative", abs, -2, -0.1},
      {"relu/negative", relu, -2, -0.1},
      {"relu6", relu6, 0.5, 5.5},
      {"relu6/above", relu6, 6.5, 8},
      {"selu", selu, -2, -0.1},
      {"selu/positive", selu, 0.1, 2},
      {"silu", silu, -3, 3},
      {"mish", mish, -3, 3},
      {"hardsigmoid", hardsigmoid, -2.5, 2.5},
      {"hardsigmoid/above", hardsigmoid, 3.1, 5},
      {"hardswish", hardswish, -2.5, 2.5},
      {"hardswish/above", hardswish, 3.1, 5},
      {"hardswish/below", hardswish, -5, -3.1},
      {"softsign", softsign, 0.1, 3},
      {"softsign/negative", softsign, -3, -0.1},
      {"tanhshrink", tanhshrink, -2, 2},
      {"clone", clone, -2, 2},
      {"contiguous", contiguous, -2, 2},
  };
  for (const Row& r : rows)
    table.push_back(
        {r.name, [f = r.function](const Inputs& in) { return f(in[0]); }, {{2, 3}}, r.low, r.high, true, true});

  auto row = [&](std::string name, OpSample::Function f, double low, double high) {
    table.push_back({std::move(name), std::move(f), {{2, 3}}, low, high, true, true});
  };
  row("leaky_relu", [](const Inputs& in) { return leaky_relu(in[0], 0.3); }, -2, -0.1);
  row("leaky_relu/positive", [](const Inputs& in) { return leaky_relu(in[0], 0.3); }, 0.1, 2);
  row("elu", [](const Inputs& in) { return elu(in[0], 0.7); }, -2, -0.1);
  row("elu/positive", [](const Inputs& in) { return elu(in[0], 0.7); }, 0.1, 2);
  row("celu", [](const Inputs& in) { return celu(in[0], 0.7); }, -2, -0.1);
  row("celu/positive", [](const Inputs& in) { return celu(in[0], 0.7); }, 0.1, 2);
  row("gelu", [](const Inputs& in) { return gelu(in[0]); }, -3, 3);
  row("gelu/tanh", [](const Inputs& in) { return gelu(in[0], GeluApproximation::tanh); }, -3, 3);
  row("hardtanh", [](const Inputs& in) { return hardtanh(in[0], -3, 3); }, -2, 2);
  row("hardtanh/below", [](const Inputs& in) { return hardtanh(in[0], -3, 3); }, -6, -3.1);
  row("softplus", [](const Inputs& in) { return softplus(in[0], 2.0, 5.0); }, -3, 2);
  row("softplus/beyond", [](const Inputs& in) { return softplus(in[0], 2.0, 5.0); }, 2.6, 4);
  row("softshrink", [](const Inputs& in) { return softshrink(in[0], 0.2); }, 0.3, 2);
  row("softshrink/below", [](const Inputs& in) { return softshrink(in[0], 0.2); }, -2, -0.3);
  row("softshrink/inside", [](const Inputs& in) { return softshrink(in[0], 0.2); }, -0.1, 0.1);
  row("hardshrink", [](const Inputs& in) { return hardshrink(in[0], 0.2); }, 0.3, 2);
  row("hardshrink/inside", [](const Inputs& in) { return hardshrink(in[0], 0.2); }, -0.1, 0.1);
  row("threshold", [](const Inputs& in) { return threshold(in[0], 0.1, 5); }, 0.2, 2);
  row("threshold/below", [](const Inputs& in) { return threshold(in[0], 0.1, 5); }, -2, 0);
  row("clamp", [](const Inputs& in) { return clamp(in[0], -1.5, 1.5); }, -1.4, 1.4);
  row("clamp/above", [](const Inputs& in) { return clamp(in[0], -1.5, 1.5); }, 1.6, 3);
  row("clamp_min", [](const Inputs& in) { return clamp_min(in[0], 0.5); }, 0.6, 2);
  row("clamp_max", [](const Inputs& in) { return clamp_max(in[0], 0.5); }, -2, 0.4);
  row("pow/0", [](const Inputs& in) { return pow(in[0], 0.0); }, -2, 2);
  row("pow/1", [](const Inputs& in) { return pow(in[0], 1); }, -2, 2);
  row("pow/2", [](const Inputs& in) { return pow(in[0], 2.0); }, -2, 2);
  row("pow/3", [](const Inputs& in) { return pow(in[0], 3); }, -2, 2);
  row("pow/half", [](const Inputs& in) { return pow(in[0], 0.5); }, 0.2, 3);
  row("pow/minus_1.5", [](const Inputs& in) { return pow(in[0], -1.5); }, 0.3, 3);
  row("pow/of_number", [](const Inputs& in) { return pow(2.5, in[0]); }, -2, 2);
  row("add/number", [](const Inputs& in) { return 3.0 + in[0]; }, -2, 2);
  row("sub/from_number", [](const Inputs& in) { return 3.0 - in[0]; }, -2, 2);
  row("mul/number", [](const Inputs& in) { return in[0] * 3.0; }, -2, 2);
  row("div/number", [](const Inputs& in) { return in[0] / 3.0; }, -2, 2);
  row("div/of_number", [](const Inputs& in) { return 3.0 / in[0]; }, 0.3, 2);
  row("maximum/number", [](const Inputs& in) { return maximum(in[0], 0.0); }, 0.1, 2);
  row("minimum/number", [](const Inputs& in) { return minimum(0.0, in[0]); }, -2, -0.1);
  row("xlogy/number", [](const Inputs& in) { return xlogy(in[0], 3.0); }, 0.1, 2);
  row("where/number", [](const Inputs& in) { return where(in[0] > 0.0, in[0] * in[0], 3.0); }, -2, 2);
  row("to/float64", [](const Inputs& in) { return in[0].to(float64) * 2.0; }, -2, 2);
  row("to/there_and_back", [](const Inputs& in) { return in[0].to(float64).to(in[0].dtype()) * 2.0; }, -2, 2);
  auto glu_row = [&](const char* name, Shape shape, std::int64_t dim) {
    table.push_back({name, [dim](const Inputs& in) { return glu(in[0], dim); }, {std::move(shape)}});
  };
  glu_row("glu", {3, 4}, -1);
  glu_row("glu/first", {4, 3}, 0);
  glu_row("glu/empty", {0, 3}, 0);
}

void add_binary(OpTable& table) {
  struct Row {
    const char* name;
    Tensor (*function)(const Operand&, const Operand&);
    double low, high;
  };
  const Row rows[] = {
      {"mul", mul, -2, 2},
      {"div", div, 0.3, 3},
      {"pow", pow, 0.3, 2.5},
      {"maximum", maximum, -2, 2},
      {"minimum", minimum, -2, 2},
      {"atan2", atan2, 0.3, 2},
      {"atan2/left", atan2, -2, -0.3},
      {"xlogy", xlogy, 0.3, 3},
      {"scale_cotangent", scale_cotangent, 0.2, 2},
      {"copysign", [](const Operand& a, const Operand& b) { return copysign(a, 0.0 - b) * b; }, -2, 2},
      {"add", [](const Operand& a, const Operand& b) { return add(a, b); }, -2, 2},
      {"add/alpha", [](const Operand& a, const Operand& b) { return add(a, b, 0.3); }, -2, 2},
      {"sub", [](const Operand& a, const Operand& b) { return sub(a, b); }, -2, 2},
      {"sub/alpha", [](const Operand& a, const Operand& b) { return sub(a, b, 0.3); }, -2, 2},
      {"fmod", [](const Operand& a, const Operand& b) { return fmod(a, b * 0.25); }, 0.5, 1},
      {"remainder", [](const Operand& a, const Operand& b) { return remainder(0.0 - a, b * 0.25); }, 0.5, 1},
      {"floor_divide", floor_divide, 0.5, 0.9},
      {"where", [](const Operand& a, const Operand& b) { return where(*a.tensor > *b.tensor, a * b, b * 2.0); }, -2, 2},
  };
  // Equal shapes, a row, a column, a 0-d tensor, both broadcasting against each other, on the left, and nothing at all.
  const std::vector<Shape> pairs[] = {{{2, 3}, {2, 3}}, {{2, 3}, {3}},    {{2, 3}, {2, 1}}, {{2, 3}, Shape{}},
                                      {{2, 1}, {1, 3}}, {{3}, {2, 1, 3}}, {Shape{}, {2}},   {Shape{}, Shape{}},
                                      {{0}, {0}},       {{2, 0}, {2, 1}}, {{0, 3}, Shape{}}};
  for (const Row& r : rows)
    for (const auto& shapes : pairs)
      table.push_back(
          {r.name, [f = r.function](const Inputs& in) { return f(in[0], in[1]); }, shapes, r.low, r.high, true, false});
  auto row = [&](const char* name, OpSample::Function f, std::vector<Shape> shapes, double low = -2, double high = 2) {
    table.push_back({name, std::move(f), std::move(shapes), low, high});
  };
  const OpSample::Function lerp3 = [](const Inputs& in) { return lerp(in[0], in[1], in[2]); };
  row("lerp", lerp3, {{2, 3}, {2, 3}, {2, 3}});
  row("lerp", lerp3, {{2, 3}, {2, 1}, {3}});
  row("lerp/number", [](const Inputs& in) { return lerp(in[0], in[1], 0.3); }, {{2, 3}, {3}});
  row("lerp", lerp3, {{0, 3}, {1}, Shape{}});
  const OpSample::Function prelu2 = [](const Inputs& in) { return prelu(in[0], in[1]); };
  row("prelu", prelu2, {{2, 3, 2}, {3}});
  row("prelu/one_weight", prelu2, {{2, 3}, {1}});
  row("prelu/vector", prelu2, {{4}, {1}});
  row("prelu/0d", prelu2, {Shape{}, Shape{}});
  row("prelu/empty", prelu2, {{0, 3}, {3}});
  row("fma", [](const Inputs& in) { return fma(in[0], in[1], in[2]); }, {{2, 3}, {3}, {2, 1}});
  row("mul/by_itself", [](const Inputs& in) { return in[0] * in[0]; }, {{2, 3}});
  // The bounds are active on some elements only.
  row("clamp/tensors", [](const Inputs& in) { return clamp(in[0], in[1] - 1.0, in[2] + 1.0) * in[0]; },
      {{2, 3}, {2, 3}, {3}});
  row("clamp/lower_tensor", [](const Inputs& in) { return clamp(in[0], in[1], Tensor()) * in[0]; }, {{2, 3}, {2, 1}});
}

void add_formulas(OpTable& table) {
  table.push_back({"pointwise/focal",
                   [](const Inputs& in) {
                     static const auto focal = pointwise([](auto p, auto y) {
                       auto p_t = y * p + (1.0 - y) * (1.0 - p);
                       return (y * 0.75 + (1.0 - y) * 0.25) * pow(1.0 - p_t, 2.0) *
                              -(y * log(p) + (1.0 - y) * log(1.0 - p));
                     });
                     return focal(in[0], in[1]);
                   },
                   {{2, 3}, {2, 3}},
                   0.1,
                   0.9});
  table.push_back({"pointwise/mean_of_three",
                   [](const Inputs& in) {
                     static const auto f =
                         pointwise([](auto a, auto b, auto c) { return tanh(a * b) + where(a > b, c * c, c * a); });
                     return f.mean(in[0], in[1], in[2]);
                   },
                   {{2, 3}, {3}, Shape{}}});
  table.push_back({"pointwise/sum",
                   [](const Inputs& in) {
                     static const auto f = pointwise([](auto a, auto b) { return sqrt(a * a + b * b); });
                     return f.sum(in[0], in[1]);
                   },
                   {{4}, {4}},
                   0.3,
                   2});
  table.push_back({"pointwise/sum_of_nothing",
                   [](const Inputs& in) {
                     static const auto f = pointwise([](auto a, auto b) { return a * b; });
                     return f.sum(in[0], in[1]);
                   },
                   {{0, 3}, {3}}});
  // The whole vocabulary by dual numbers: each function once inside a chain.
  table.push_back({"pointwise/vocabulary",
                   [](const Inputs& in) {
                     static const auto f = pointwise([](auto x, auto y) {
                       auto a = exp(x) + exp2(x) + expm1(x) + log(x) + log2(x) + log10(x) + log1p(x);
                       auto b = sin(x) + cos(x) + tan(x) + asin(x) + acos(x) + atan(x) + atan2(x, y);
                       auto c = sinh(x) + cosh(x) + tanh(x) + asinh(x) + acosh(x + 1.0) + atanh(x);
                       auto d = erf(x) + erfc(x) + sigmoid(x) + logsigmoid(x) + softplus1(x);
                       auto e =
                           sqrt(x) + rsqrt(x) + reciprocal(x) + square(x) + abs(x) + neg(x) + pow(x, y) + pow(x, 1.5);
                       auto g = xlogy(x, y) + maximum(x, y) + minimum(x, y) + fmod(x, y + 1.0) + remainder(x, y + 1.0);
                       auto k = pow(2.0, x) + copysign(x, y - 0.75) + fma(x, y, x) + fma(y, y, 1.0);
                       auto h = k + sign(x) + floor(x) + ceil(x) + trunc(x) + round(x) + x / y + 2.0 / x - x * y;
                       return a * b + c * d + e * g + h;
                     });
                     return f(in[0], in[1]);
                   },
                   {{5}, {5}},
                   0.55,
                   0.95});
}
