#include "slope/autograd/ops/linalg/matmul.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "support/checks.h"
#include "support/numeric_gradient.h"

using namespace slope;

namespace {

std::string shape_of(const Tensor& t) { return to_text(t.shape()); }

/// a·b by the definition, element by element; both at least 2-d with broadcasting batch dimensions.
Tensor by_definition(const Tensor& a, const Tensor& b) {
  Shape left = a.shape(), right = b.shape();
  for (int i = 0; i < 2; ++i) left.erase(left.size() - 1), right.erase(right.size() - 1);
  const Shape batch = broadcast_shapes(left, right);
  const std::int64_t m = a.size(-2), k = a.size(-1), n = b.size(-1);
  Shape as = batch, bs = batch, os = batch;
  as.push_back(m), as.push_back(k);
  bs.push_back(k), bs.push_back(n);
  os.push_back(m), os.push_back(n);
  const auto x = a.expand(as).to_vector<double>(), y = b.expand(bs).to_vector<double>();
  std::int64_t count = 1;
  for (std::int64_t s : batch) count *= s;
  std::vector<double> out;
  for (std::int64_t c = 0; c < count; ++c)
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::int64_t p = 0; p < k; ++p)
          sum += x[static_cast<std::size_t>((c * m + i) * k + p)] * y[static_cast<std::size_t>((c * k + p) * n + j)];
        out.push_back(sum);
      }
  return tensor(out).view(os);
}

void check_same(const Tensor& got, const Tensor& expected, double tolerance = 1e-12) {
  BOOST_REQUIRE_EQUAL(shape_of(got), shape_of(expected));
  const auto x = got.to_vector<double>(), y = expected.to_vector<double>();
  for (std::size_t i = 0; i < x.size(); ++i)
    BOOST_TEST((same_number(x[i], y[i]) || std::abs(x[i] - y[i]) <= tolerance * std::max(1.0, std::abs(y[i]))),
               "element " << i << ": " << x[i] << " != " << y[i]);
}

/// The same values in another memory layout.
std::vector<Tensor> layouts(const Tensor& t) {
  std::vector<Tensor> out = {t};
  const int n = t.dim();
  if (n >= 2) out.push_back(t.transpose(n - 1, n - 2).contiguous().transpose(n - 1, n - 2));
  if (n >= 3) out.push_back(t.transpose(0, n - 1).contiguous().transpose(0, n - 1));
  for (int d = 0; d < n; ++d) {  // every second element, and an offset
    Shape wide = t.shape();
    wide[d] = 2 * wide[d] + 1;
    const Tensor room = full(wide, std::numeric_limits<double>::quiet_NaN(), {.dtype = t.dtype()});
    const Tensor part = room.slice(d, 1, {}, 2);
    part.copy_(t);
    out.push_back(part);
  }
  return out;
}

struct RestoreThreads {
  int before = get_num_threads();
  ~RestoreThreads() { set_num_threads(before); }
};

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.numel() == b.numel() && a.dtype() == b.dtype() &&
         std::memcmp(a.raw_data(), b.raw_data(), static_cast<std::size_t>(a.numel()) * itemsize(a.dtype())) == 0;
}

Tensor constant(const Shape& shape, double seed) { return sample(shape, seed).detach(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(matmul_family)

// ---- values

BOOST_AUTO_TEST_CASE(matmul_takes_vectors_as_rows_on_the_left_and_columns_on_the_right) {
  const Tensor m = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}), v = tensor({1.0, 0.0, -1.0}), w = tensor({2.0, 1.0});
  check_values(matmul(m, v), {-2, -2});
  BOOST_TEST(shape_of(matmul(m, v)) == "[2]");
  check_values(matmul(w, m), {6, 9, 12});
  BOOST_TEST(shape_of(matmul(w, m)) == "[3]");
  check_values(matmul(v, v), {2});
  BOOST_TEST(shape_of(matmul(v, v)) == "[]");
  check_values(matmul(m, m.t()), {14, 32, 32, 77});
  check_values(m.matmul(v), {-2, -2});
  check_values(m.mm(m.t()), {14, 32, 32, 77});
  check_values(v.dot(v), {2});
}

BOOST_AUTO_TEST_CASE(matmul_equals_its_definition_for_all_shapes_and_layouts) {
  const std::vector<std::pair<Shape, Shape>> cases = {
      {{2, 3}, {3, 4}},       {{1, 1}, {1, 1}},          {{5, 1}, {1, 7}},
      {{1, 9}, {9, 1}},       {{2, 4, 3}, {3, 2}},       {{4, 3}, {5, 3, 2}},
      {{2, 4, 3}, {2, 3, 5}}, {{2, 1, 4, 3}, {3, 3, 5}}, {{3, 1, 2, 3}, {1, 4, 3, 2}},
      {{1, 2, 3}, {4, 3, 2}}, {{17, 33}, {33, 9}},       {{40, 60}, {60, 50}}};
  for (const auto& [left, right] : cases) {
    const Tensor a = constant(left, 1), b = constant(right, 2);
    const Tensor expected = by_definition(a, b);
    for (const Tensor& x : layouts(a))
      for (const Tensor& y : layouts(b)) {
        check_same(matmul(x, y), expected);
        check_same(matmul(x.to(float32), y.to(float32)), expected, 1e-4);
      }
  }
}

BOOST_AUTO_TEST_CASE(vectors_multiply_batches_of_matrices_on_both_sides) {
  const Tensor batch = constant({2, 3, 4, 5}, 1), row = constant({4}, 2), column = constant({5}, 3);
  check_same(matmul(batch, column), by_definition(batch, column.view({5, 1})).squeeze(-1));
  check_same(matmul(row, batch), by_definition(row.view({1, 4}), batch).squeeze(-2));
  for (const Tensor& x : layouts(batch)) {
    check_same(matmul(x, column), matmul(batch, column));
    check_same(matmul(row, x), matmul(row, batch));
  }
}

BOOST_AUTO_TEST_CASE(expanded_operands_are_read_with_stride_zero) {
  const Tensor a = constant({1, 6}, 1).expand({5, 6}), b = constant({6, 1}, 2).expand({6, 40});
  check_same(matmul(a, b), by_definition(a, b));
  const Tensor scalar = constant({1, 1}, 3).expand({30, 30}), m = constant({30, 30}, 4);
  check_same(matmul(scalar, m), by_definition(scalar, m));
  check_same(matmul(m, scalar), by_definition(m, scalar));
  check_same(matmul(m, constant({1}, 3).expand({30})), by_definition(m, scalar.narrow(1, 0, 1)).squeeze(-1));
  const Tensor windows = constant({40}, 5).unfold(0, 20, 1);  // rows overlap
  check_same(matmul(windows, windows.t()), by_definition(windows, windows.t()));
}

BOOST_AUTO_TEST_CASE(an_inner_size_of_zero_gives_zeros_and_empty_results_stay_empty) {
  check_values(matmul(zeros({2, 0}), zeros({0, 3})), {0, 0, 0, 0, 0, 0});
  check_values(matmul(zeros({2, 0}), zeros({0})), {0, 0});
  check_values(matmul(zeros({0}), zeros({0})), {0});
  check_values(bmm(zeros({2, 1, 0}), zeros({2, 0, 1})), {0, 0});
  check_values(matmul(zeros({2, 1, 0}), zeros({0, 1})), {0, 0});
  BOOST_TEST(shape_of(matmul(zeros({0, 4}), zeros({4, 3}))) == "[0, 3]");
  BOOST_TEST(shape_of(matmul(zeros({2, 0, 4}), zeros({4, 3}))) == "[2, 0, 3]");
  BOOST_TEST(shape_of(matmul(zeros({0, 2, 4}), zeros({1, 4, 3}))) == "[0, 2, 3]");
  BOOST_TEST(shape_of(mv(zeros({0, 4}), zeros({4}))) == "[0]");
  BOOST_TEST(shape_of(outer(zeros({0}), zeros({4}))) == "[0, 4]");
  check_values(addmm(ones({2, 1}), zeros({2, 0}), zeros({0, 1})), {1, 1});
  check_values(linear(zeros({2, 0}), zeros({3, 0}), tensor({1.0, 2.0, 3.0})), {1, 2, 3, 1, 2, 3});
}

BOOST_AUTO_TEST_CASE(integers_multiply_exactly_and_wrap_around) {
  const Tensor a = tensor({{1, 2}, {3, 4}}), b = tensor({{5, 6}, {7, 8}});
  BOOST_TEST((matmul(a, b).dtype() == int64));
  check_values(matmul(a, b), {19, 22, 43, 50});
  check_values(matmul(a, b.t()), {17, 23, 39, 53});
  check_values(matmul(a, tensor({1, -1})), {-1, -1});
  check_values(dot(tensor({1, 2}), tensor({3, 4})), {11});
  check_values(addmm(tensor({1, 1}), a, b, {.beta = 2, .alpha = 3}), {59, 68, 131, 152});
  const Tensor big = full({1, 1}, std::int64_t{1} << 62);
  BOOST_TEST(matmul(big, tensor({{4}})).item<std::int64_t>() == 0);
  BOOST_TEST(matmul(full({1, 1}, (std::int64_t{1} << 53) + 1), tensor({{3}})).item<std::int64_t>() ==
             3 * ((std::int64_t{1} << 53) + 1));
}

BOOST_AUTO_TEST_CASE(addmm_and_its_kin_scale_and_add) {
  const Tensor c = tensor({10.0, 20.0}), a = tensor({{1.0, 2.0}, {3.0, 4.0}}), b = tensor({{1.0, 0.0}, {0.0, 1.0}});
  check_values(addmm(c, a, b), {11, 22, 13, 24});
  check_values(addmm(c, a, b, {.beta = 0.5, .alpha = 2}), {7, 14, 11, 18});
  check_values(addmm(tensor(1.0), a, b), {2, 3, 4, 5});
  check_values(addmm(tensor({{1.0}, {2.0}}), a, b), {2, 3, 5, 6});
  check_values(addmv(c, a, tensor({1.0, 1.0}), {.beta = 2, .alpha = -1}), {17, 33});
  check_values(addmv(tensor(1.0), a, tensor({1.0, 1.0})), {4, 8});
  check_values(baddbmm(c, stack({a, b}), stack({b, a})), {11, 22, 13, 24, 11, 22, 13, 24});
}

BOOST_AUTO_TEST_CASE(beta_zero_ignores_the_added_tensor_even_when_it_is_nan) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (std::int64_t n : {2, 70}) {  // the direct kernel and BLAS
    const Tensor a = constant({n, n}, 1), b = constant({n, n}, 2), c = full({n}, nan, {.dtype = float64});
    check_same(addmm(c, a, b, {.beta = 0}), by_definition(a, b));
    check_same(addmv(c, a, b.select(1, 0), {.beta = 0}), mv(a, b.select(1, 0)));
    check_same(baddbmm(c, a.unsqueeze(0), b.unsqueeze(0), {.beta = 0}), by_definition(a, b).unsqueeze(0));
  }
  Tensor c = full({2}, nan, {.dtype = float64, .requires_grad = true});
  addmm(c, constant({2, 2}, 1), constant({2, 2}, 2), {.beta = 0}).sum().backward();
  check_values(c.grad(), {0, 0});
}

BOOST_AUTO_TEST_CASE(nan_and_infinity_in_the_factors_reach_the_result) {
  const double inf = std::numeric_limits<double>::infinity();
  for (std::int64_t n : {3, 40}) {
    Tensor a = zeros({n, n}, {.dtype = float64}), b = zeros({n, n}, {.dtype = float64});
    a.data_ptr<double>()[0] = inf;
    BOOST_TEST(std::isnan(matmul(a, b)[0][0].item()));
    BOOST_TEST(matmul(a, b)[1][1].item() == 0);
  }
}

BOOST_AUTO_TEST_CASE(long_float32_dot_products_stay_accurate) {
  manual_seed(3);
  const Tensor a = randn({1 << 20}), b = randn({1 << 20});
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  long double sum = 0, magnitude = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    sum += static_cast<long double>(x[i]) * y[i], magnitude += std::abs(x[i] * y[i]);
  BOOST_TEST(std::abs(dot(a, b).item() - static_cast<double>(sum)) <= 1e-7 * static_cast<double>(magnitude));
}

BOOST_AUTO_TEST_CASE(products_have_the_same_bits_for_every_thread_count) {
  const RestoreThreads restore;
  manual_seed(1);
  const std::vector<std::pair<Shape, Shape>> cases = {
      {{128, 784}, {784, 512}}, {{300, 40}, {40, 1000}},  {{1000, 900}, {900}},         {{900}, {900, 1000}},
      {{100000}, {100000}},     {{64, 20, 30}, {30, 10}}, {{40, 50, 60}, {40, 60, 70}}, {{2, 300, 200}, {2, 200, 300}},
      {{5000, 10}, {10, 7}},    {{1, 2000}, {2000, 3000}}};
  for (DType dtype : {float32, float64})
    for (const auto& [left, right] : cases) {
      const Tensor a = randn(left, {.dtype = dtype}), b = randn(right, {.dtype = dtype});
      set_num_threads(1);
      const Tensor one = matmul(a, b);
      for (int threads : {2, 3, 8}) {
        set_num_threads(threads);
        BOOST_TEST(same_bits(matmul(a, b), one));
      }
    }
}

BOOST_AUTO_TEST_CASE(products_inside_parallel_loops_have_the_same_bits) {
  const Tensor a = constant({70, 80}, 1), b = constant({80, 90}, 2);
  const Tensor expected = matmul(a, b);
  std::vector<Tensor> results(8);
  parallel_for(8, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) results[static_cast<std::size_t>(i)] = matmul(a, b);
  });
  for (const Tensor& r : results) BOOST_TEST(same_bits(r, expected));
}

BOOST_AUTO_TEST_CASE(outer_trace_and_kron_follow_their_definitions) {
  check_values(outer(tensor({1.0, 2.0}), tensor({3.0, 4.0, 5.0})), {3, 4, 5, 6, 8, 10});
  BOOST_TEST((outer(tensor({1, 2}), tensor({0.5})).dtype() == float32));
  check_values(trace(tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})), {6});
  check_values(kron(tensor({{1.0, 2.0}}), tensor({{1.0}, {3.0}})), {1, 2, 3, 6});
  BOOST_TEST(shape_of(kron(zeros({2, 3}), zeros({4}))) == "[2, 12]");
}

// ---- linear

BOOST_AUTO_TEST_CASE(linear_equals_the_product_with_the_transpose_plus_bias_for_any_leading_dimensions) {
  for (const Shape& lead : std::vector<Shape>{{}, {4}, {2, 3}, {1, 2, 5}, {130}})
    for (std::int64_t in : {1, 3, 65})
      for (std::int64_t out : {1, 5, 70}) {
        Shape shape = lead;
        shape.push_back(in);
        const Tensor x = constant(shape, 1), w = constant({out, in}, 2), b = constant({out}, 3);
        const Tensor expected = matmul(x, w.t());
        for (const Tensor& xl : layouts(x))
          for (const Tensor& wl : layouts(w)) {
            check_same(linear(xl, wl), expected);
            check_same(linear(xl, wl, b), expected + b);
          }
        check_same(linear(x, w, layouts(b).back()), expected + b);
      }
}

BOOST_AUTO_TEST_CASE(linear_has_the_gradients_of_the_composed_expression) {
  for (const Shape& lead : std::vector<Shape>{{}, {4}, {2, 3}, {0}}) {
    Shape shape = lead;
    shape.push_back(3);
    const auto run = [&](auto forward) {
      const std::vector<Tensor> in = {sample(shape, 1), sample({2, 3}, 2), sample({2}, 3)};
      const Tensor y = forward(in);
      return autograd::grad({(y * y * constant(y.shape(), 4)).sum()}, in);
    };
    const auto fused = run([](const auto& in) { return linear(in[0], in[1], in[2]); });
    const auto composed = run([](const auto& in) { return matmul(in[0], in[1].t()) + in[2]; });
    for (std::size_t i = 0; i < 3; ++i) check_same(fused[i], composed[i]);
  }
}

// ---- einsum

BOOST_AUTO_TEST_CASE(einsum_writes_products_sums_diagonals_and_transposes) {
  const Tensor a = constant({2, 3}, 1), b = constant({3, 4}, 2), s = constant({3, 3}, 3), v = constant({3}, 4);
  const Tensor q = constant({2, 5, 3}, 5), k = constant({2, 4, 3}, 6);
  check_same(einsum("ij,jk->ik", {a, b}), matmul(a, b));
  check_same(einsum("ij,jk", {a, b}), matmul(a, b));
  check_same(einsum(" i j , j k -> k i ", {a, b}), matmul(a, b).t());
  check_same(einsum("ij->ji", {a}), a.t());
  check_same(einsum("ba", {a}), a.t());
  check_same(einsum("ij->", {a}), a.sum());
  check_same(einsum("ij->j", {a}), a.sum(Shape{0}));
  check_same(einsum("ii", {s}), trace(s));
  check_same(einsum("ii->i", {s}), s.diagonal());
  check_same(einsum("ij,j->i", {a, v}), mv(a, v));
  check_same(einsum("i,i", {v, v}), dot(v, v));
  check_same(einsum("i,j->ij", {v, v}), outer(v, v));
  check_same(einsum("ij,ij->ij", {s, s}), s * s);
  check_same(einsum("bij,bkj->bik", {q, k}), bmm(q, k.transpose(1, 2)));
  check_same(einsum("...ij,...kj->...ik", {q, k}), bmm(q, k.transpose(1, 2)));
  check_same(einsum("...ij->...ji", {q}), q.transpose(1, 2));
  check_same(einsum("...j,j", {q, v}), matmul(q, v));
  check_same(einsum("...,...", {q, v}), q * v);
  check_same(einsum("i...->...", {q}), q.sum(Shape{0}));
  check_same(einsum("...i->i", {q}), q.sum(Shape{0, 1}));
  check_same(einsum("...i,...i->", {q, q}), (q * q).sum());
  check_same(einsum("ij,jk,kl->il", {a, b, constant({4, 2}, 7)}), matmul(matmul(a, b), constant({4, 2}, 7)));
  check_same(einsum("ij,kl->", {a, b}), a.sum() * b.sum());
  check_same(einsum("iij->ji", {constant({3, 3, 2}, 8)}), constant({3, 3, 2}, 8).diagonal(0, 0, 1));
  check_same(einsum("iji->ij", {constant({3, 2, 3}, 8)}), constant({3, 2, 3}, 8).diagonal(0, 0, 2).t());
  check_same(einsum(",i->i", {tensor(2.0, {.dtype = float64}), v}), v * 2.0);
  check_same(einsum("ij,ij->ij", {constant({1, 3}, 1), s}), constant({1, 3}, 1) * s);
  check_same(einsum("ij,ij", {constant({1, 3}, 1), s}), (constant({1, 3}, 1) * s).sum());
  check_same(einsum("i,i->i", {zeros({0}), zeros({0})}), zeros({0}));
  check_same(einsum("Ab,bA->", {a, a.t()}), (a * a).sum());
}

BOOST_AUTO_TEST_CASE(einsum_says_what_is_wrong_with_an_equation) {
  const Tensor a = zeros({2, 3}), b = zeros({4, 5});
  check_error<ValueError>([&] { einsum("ij", {}); }, "einsum: at least one operand must be given");
  check_error<ValueError>([&] { einsum("ij,jk->ik", {a}); }, "has more than the 1 operands given");
  check_error<ValueError>([&] { einsum("ij", {a, b}); }, "has 1 operands, but 2 were given");
  check_error<ShapeError>([&] { einsum("ijk", {a}); },
                          "operand 0 of \"ijk\" has 3 letters, but the tensor has 2 dimensions");
  check_error<ShapeError>([&] { einsum("ij,jk", {a, b}); }, "'j' of \"ij,jk\" has size 4 in operand 1 but 3 before");
  check_error<ShapeError>([&] { einsum("ii", {a}); },
                          "'i' of \"ii\" is repeated in one operand with the sizes 2 and 3");
  check_error<ValueError>([&] { einsum("ij->ik", {a}); }, "has 'k' in the output, which no operand has");
  check_error<ValueError>([&] { einsum("ij->ii", {a}); }, "has 'i' more than once in the output");
  check_error<ValueError>([&] { einsum("i1", {a}); }, "has the character '1' in operand 0");
  check_error<ValueError>([&] { einsum("i..j", {a}); }, "a '.' that is not part of an ellipsis");
  check_error<ValueError>([&] { einsum("...i...", {a}); }, "two ellipses");
  check_error<DTypeError>([&] { einsum("ij,ij", {a, a.to(float64)}); },
                          "must have one dtype, but are float32 and float64");
}

// ---- derivatives

BOOST_AUTO_TEST_CASE(derivatives_of_first_and_second_order_agree_with_differences) {
  using In = const std::vector<Tensor>&;
  const auto product = [](In in) { return matmul(in[0], in[1]); };
  check_derivatives(product, {sample({2, 3}, 1), sample({3, 2}, 2)});
  check_derivatives(product, {sample({3}, 1), sample({3, 2}, 2)});
  check_derivatives(product, {sample({2, 3}, 1), sample({3}, 2)});
  check_derivatives(product, {sample({3}, 1), sample({3}, 2)});
  check_derivatives(product, {sample({2, 2, 3}, 1), sample({3, 2}, 2)});
  check_derivatives(product, {sample({2, 3}, 1), sample({2, 3, 1}, 2)});
  check_derivatives(product, {sample({2, 1, 2, 3}, 1), sample({2, 3, 1}, 2)});
  check_derivatives(product, {sample({2, 2, 3}, 1), sample({3}, 2)});
  check_derivatives(product, {sample({2}, 1), sample({2, 2, 3}, 2)});
  check_derivatives([](In in) { return matmul(in[0].t(), in[1].t()); }, {sample({3, 2}, 1), sample({2, 3}, 2)});
  check_derivatives([](In in) { return matmul(in[0].transpose(1, 2), in[1]); },
                    {sample({2, 3, 2}, 1), sample({3, 2}, 2)});
  check_derivatives([](In in) { return matmul(in[0], in[0]); }, {sample({2, 2}, 1)});
  check_derivatives([](In in) { return bmm(in[0], in[1]); }, {sample({2, 2, 3}, 1), sample({2, 3, 2}, 2)});
  check_derivatives([](In in) { return outer(in[0], in[1]); }, {sample({2}, 1), sample({3}, 2)});
  check_derivatives([](In in) { return addmm(in[0], in[1], in[2], {.beta = 0.5, .alpha = -2}); },
                    {sample({2}, 1), sample({3, 2}, 2), sample({2, 2}, 3)});
  check_derivatives([](In in) { return addmv(in[0], in[1], in[2], {.beta = 0.5, .alpha = -2}); },
                    {sample({1}, 1), sample({3, 2}, 2), sample({2}, 3)});
  check_derivatives([](In in) { return baddbmm(in[0], in[1], in[2]); },
                    {sample({2, 1, 2}, 1), sample({2, 2, 2}, 2), sample({2, 2, 2}, 3)});
  check_derivatives([](In in) { return linear(in[0], in[1], in[2]); },
                    {sample({2, 3}, 1), sample({2, 3}, 2), sample({2}, 3)});
  check_derivatives([](In in) { return linear(in[0], in[1]); }, {sample({2, 2, 3}, 1), sample({2, 3}, 2)});
  check_derivatives([](In in) { return linear(in[0], in[1], in[2]); },
                    {sample({3}, 1), sample({2, 3}, 2), sample({2}, 3)});
  check_derivatives([](In in) { return trace(in[0]) * in[0]; }, {sample({2, 3}, 1)});
  check_derivatives([](In in) { return kron(in[0], in[1]); }, {sample({2, 1}, 1), sample({1, 2}, 2)});
  check_derivatives([](In in) { return einsum("bij,bjk,k->bi", in); },
                    {sample({2, 2, 2}, 1), sample({2, 2, 2}, 2), sample({2}, 3)});
  check_derivatives([](In in) { return einsum("iij,j->i", in); }, {sample({2, 2, 2}, 1), sample({2}, 2)});
}

BOOST_AUTO_TEST_CASE(gradients_not_asked_for_are_not_computed_and_their_factors_not_kept) {
  Tensor x = sample({2, 3}, 1);
  Tensor w = constant({3, 2}, 2);
  Tensor y = matmul(x, w);
  x.detach().mul_(2.0);  // only w is needed for the gradient of x, so changing x does no harm
  y.sum().backward();
  check_same(x.grad(), matmul(ones({2, 2}, {.dtype = float64}), w.t()));
  BOOST_TEST(!w.grad().defined());
  Tensor v = matmul(x, w);
  w.mul_(2.0);
  BOOST_CHECK_THROW(v.sum().backward(), AutogradError);
}

BOOST_AUTO_TEST_CASE(nodes_bear_the_names_of_the_operations) {
  const Tensor x = sample({2, 2}, 1), v = sample({2}, 2);
  BOOST_TEST(matmul(x, x).grad_fn() == "MmBackward");
  BOOST_TEST(matmul(x, v).grad_fn() == "MvBackward");
  BOOST_TEST(matmul(v, v).grad_fn() == "DotBackward");
  BOOST_TEST(bmm(x.unsqueeze(0), x.unsqueeze(0)).grad_fn() == "BmmBackward");
  BOOST_TEST(addmm(v, x, x).grad_fn() == "AddmmBackward");
  BOOST_TEST(linear(x, x, v).grad_fn() == "LinearBackward");
}

// ---- errors

BOOST_AUTO_TEST_CASE(sizes_that_do_not_fit_are_named) {
  const Tensor m = zeros({2, 3}), v3 = zeros({3}), v4 = zeros({4});
  check_error<ShapeError>([&] { matmul(m, m); },
                          "matmul: [2, 3] and [2, 3] do not fit: 3 columns against 2 rows; transpose one of them");
  check_error<ShapeError>([&] { m.matmul(m); },
                          "[2, 3] and [2, 3] do not fit: 3 columns against 2 rows; transpose one of them");
  check_error<ShapeError>([&] { mm(m, m); },
                          "mm: [2, 3] and [2, 3] do not fit: 3 columns against 2 rows; transpose one of them");
  check_error<ShapeError>([&] { matmul(v4, zeros({3, 2})); }, "[1, 4] and [3, 2] do not fit: 4 columns against 3 rows");
  check_error<ShapeError>([&] { matmul(zeros({5, 2, 3}), zeros({2, 3})); },
                          "[10, 3] and [2, 3] do not fit: 3 columns against 2 rows; transpose one of them");
  check_error<ShapeError>([&] { dot(v3, v4); },
                          "dot: the vectors must have the same number of elements, but have 3 and 4");
  check_error<ShapeError>([&] { matmul(v3, v4); },
                          "matmul: the vectors must have the same number of elements, but have 3 and 4");
  check_error<ShapeError>([&] { bmm(zeros({2, 3, 4}), zeros({3, 4, 5})); },
                          "needs a second one that begins with [2, 4], but it has shape [3, 4, ");
  check_error<ShapeError>([&] { mv(m, v4); }, "mv: a matrix of shape [2, 3] needs a vector of 3 elements, got 4");
  check_error<ShapeError>([&] { matmul(zeros({2, 4, 3}), zeros({3, 3, 2})); },
                          "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0");
  check_error<ShapeError>(
      [&] { linear(zeros({2, 4}), m); },
      "linear: the input of shape [2, 4] must have 3 features in its last dimension, as the weight of shape [2, 3]");
  check_error<ShapeError>([&] { linear(m, zeros({5, 3}), v4); }, "linear: the bias must have shape [5]");
  check_error<ShapeError>([&] { addmm(zeros({3, 3}), m, zeros({3, 2})); },
                          "does not broadcast to the product's shape [2, 2]");
}

BOOST_AUTO_TEST_CASE(wrong_numbers_of_dimensions_are_named) {
  const Tensor m = zeros({2, 3}), v = zeros({3}), s = zeros({});
  check_error<ShapeError>([&] { matmul(s, m); },
                          "both arguments need at least one dimension, but have shapes [] and [");
  check_error<ShapeError>([&] { matmul(v, s); }, "both arguments need at least one dimension, but have shapes [");
  check_error<ShapeError>([&] { mm(v, m); }, "mm: the first factor must be a matrix, but has shape [3]");
  check_error<ShapeError>([&] { bmm(m, m); },
                          "bmm: the first factor must be a batch of matrices, but has shape [2, 3]");
  check_error<ShapeError>([&] { dot(m, v); }, "dot: takes two vectors, got shapes [2, 3] and [");
  check_error<ShapeError>([&] { mv(m, m); }, "mv: the second factor must be a vector, but has shape [2, 3]");
  check_error<ShapeError>([&] { outer(m, v); }, "outer: both arguments must be vectors");
  check_error<ShapeError>([&] { trace(v); }, "trace: input must be a matrix");
  check_error<ShapeError>([&] { linear(s, m); }, "linear: the input must have at least one dimension");
  check_error<ShapeError>([&] { linear(v, v); }, "linear: the weight must be a matrix [out, in], but has shape [3]");
  BOOST_CHECK_THROW(matmul(Tensor(), m), ValueError);
  BOOST_CHECK_THROW(matmul(m, Tensor()), ValueError);
}

BOOST_AUTO_TEST_CASE(dtypes_are_not_promoted) {
  const Tensor f = zeros({2, 2}), d = f.to(float64), i = f.to(int64), b = f.to(boolean);
  check_error<DTypeError>([&] { matmul(f, d); }, "the factors must have one dtype, but are float32 and float64");
  check_error<DTypeError>([&] { mm(i, f); }, "mm: the factors must have one dtype, but are int64 and float32");
  check_error<DTypeError>([&] { bmm(f.unsqueeze(0), d.unsqueeze(0)); },
                          "must have one dtype, but are float32 and float64");
  check_error<DTypeError>([&] { matmul(f, d[0]); }, "must have one dtype, but are float32 and float64");
  check_error<DTypeError>([&] { dot(f[0], d[0]); }, "must have one dtype, but are float32 and float64");
  check_error<DTypeError>([&] { matmul(b, b); }, "matmul: not implemented for bool tensors");
  check_error<DTypeError>([&] { linear(f, f, d[0]); }, "linear: the bias is float64 but the input is float32");
  check_error<DTypeError>([&] { addmm(d, f, f); }, "addmm: the added tensor and the factors must have one dtype");
  check_error<ValueError>([&] { addmm(i, i, i, {.alpha = 0.5}); }, "addmm: of integers, alpha must be an integer, too");
}

BOOST_AUTO_TEST_SUITE_END()
