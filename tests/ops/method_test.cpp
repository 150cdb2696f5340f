// Functions of tensors as methods: the table of unary functions, and which free functions have none.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "slope/autograd.h"
#include "support/test_data.h"

using namespace slope;

namespace {

const std::filesystem::path root = source_root();

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void add_matches(std::set<std::string>& found, const std::string& text, const char* pattern) {
  const std::regex expression(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it) found.insert((*it)[1]);
}

bool same(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() && allclose(a, b, 0, 0, true);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(methods)

BOOST_AUTO_TEST_CASE(every_unary_function_is_a_method_out_of_place_and_in_place) {
  struct Row {
    const char* name;
    Tensor (*function)(In);
    Tensor (Tensor::*method)(SourceLoc) const;
    TensorAlias (Tensor::*in_place)(SourceLoc) const;
    double low, high;
  };
  const Row rows[] = {
#define SLOPE_UNARY(name, Name, kind, value, derivative, low, high, text) \
  {#name, name, &Tensor::name, &Tensor::name##_, low, high},
#include "slope/autograd/tensor/tensor-unary.h"
  };
  for (const Row& row : rows)
    for (const DType dtype : {float32, float64}) {
      const Tensor x = linspace(row.low, row.high, 7, {.dtype = dtype});
      const Tensor expected = row.function(x);
      const Tensor y = x.clone();
      BOOST_TEST(same((x.*row.method)(SourceLoc::here()), expected), row.name);
      BOOST_TEST((y.*row.in_place)(SourceLoc::here()).is(y), row.name);
      BOOST_TEST(same(y, expected), row.name << "_");
      BOOST_TEST(y.version() == 1u, row.name << "_");
      const Tensor undefined;
      for (const bool in_place : {false, true}) {
        std::string message;
        try {
          if (in_place)
            (void)(undefined.*row.in_place)(SourceLoc::here());
          else
            (void)(undefined.*row.method)(SourceLoc::here());
        } catch (const Error& e) {
          message = e.what();
        }
        BOOST_TEST(message.find("(tests/ops/method_test.cpp:") != std::string::npos, row.name << ": " << message);
      }
    }
}

BOOST_AUTO_TEST_CASE(what_is_exact_keeps_integers_and_refuses_bools) {
#define SLOPE_KIND_real(name) BOOST_TEST(name(tensor({1})).dtype() == float32, #name);
#define SLOPE_KIND_exact(name)                                                                          \
  BOOST_TEST(name(tensor({1, 2})).dtype() == int64, #name);                                             \
  BOOST_CHECK_EXCEPTION(name(tensor({true})), DTypeError, [](const Error& e) {                          \
    return std::string(e.what()).find(                                                                  \
               #name ": bool tensors are not supported; convert with .to(int64) or .to(float32)") == 0; \
  });
#define SLOPE_KIND_gate SLOPE_KIND_exact
#define SLOPE_UNARY(name, Name, kind, ...) SLOPE_KIND_##kind(name)
#include "slope/autograd/tensor/tensor-unary.h"
}

BOOST_AUTO_TEST_CASE(the_page_of_functions_has_the_row_of_every_unary_function) {
  const std::string page = text_of(root / "docs/functions.md");
  std::size_t rows = 0;
  const auto has_row = [&](const std::string& name, const std::string& text) {
    const std::string line = "| `" + name + "` | " + std::regex_replace(text, std::regex(R"(\|)"), R"(\|)") + " |\n";
    BOOST_TEST(page.find(line) != std::string::npos, "docs/functions.md lacks the line " << line);
    ++rows;
  };
#define SLOPE_UNARY(name, Name, kind, value, derivative, low, high, text) has_row(#name, text);
#include "slope/autograd/tensor/tensor-unary.h"
  std::set<std::string> lines;
  add_matches(lines, page, R"(\n\| `(\w+)` \|)");
  BOOST_TEST(lines.size() == rows, "docs/functions.md has rows for what is no unary function");
}

BOOST_AUTO_TEST_CASE(every_function_of_a_tensor_has_a_method_unless_pytorch_has_none) {
  // Those that torch.Tensor lacks, and slope's own.
  const std::set<std::string> none = {
      "celu",       "elu",      "fma",         "gelu",     "glu",    "hardsigmoid",     "hardswish", "hardtanh",
      "leaky_relu", "linear",   "matrix_norm", "mish",     "relu6",  "scale_cotangent", "selu",      "silu",
      "softmin",    "softplus", "softshrink",  "softsign", "sum_to", "tanhshrink",      "threshold", "vector_norm"};
  std::set<std::string> functions, methods;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "autograd/ops")) {
    if (entry.path().extension() != ".h" || entry.path().parent_path().filename() == "internal") continue;
    const std::string text = text_of(entry.path());
    add_matches(
        functions, text.substr(0, text.find("namespace detail")),
        R"(\n(?:\[\[nodiscard\]\] )?(?:Tensor|std::pair<Tensor, Tensor>|std::vector<Tensor>|UniqueResult|bool) (\w+)\((?:In|const Operand&) )");
  }
  const std::string tensor = text_of(root / "autograd/tensor/tensor.h");
  add_matches(
      methods, tensor,
      R"(\n  (?:\[\[nodiscard\]\] )?(?:Tensor|TensorAlias|std::pair<Tensor, Tensor>|std::vector<Tensor>|UniqueResult|bool) (\w+)\()");
  add_matches(methods, tensor, R"(SLOPE_REDUCTION_METHOD\((\w+)\))");
  BOOST_TEST(functions.size() > 120u);
  for (const std::string& f : functions)
    BOOST_TEST(
        methods.contains(f) != none.contains(f),
        f << (methods.contains(f) ? " has a method and stands in the list of those without"
                                  : " is no method of Tensor; if PyTorch has none either, add it to the list here"));
  for (const std::string& f : none) BOOST_TEST(functions.contains(f), f << " is no function of the headers");
}

BOOST_AUTO_TEST_CASE(methods_give_what_the_functions_give) {
  const Tensor x = tensor({{0.5, -1.5, 2.0}, {3.5, 0.25, -0.75}}), y = tensor({{1.0, 2.0, -0.5}, {0.5, 0.75, 4.0}});
  const Tensor m = tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}}), v = tensor({1.0, -2.0, 3.0}), w = tensor({2.0, 0.5});
  const Tensor batch = stack({x, y}), other = stack({m, m}), square = tensor({{1.0, 2.0}, {3.0, 4.0}});
  const Tensor yes = x > 0.0, no = y > 0.6, c = tensor({{1.0, 1.0}, {2.0, 2.0}});
  const std::pair<const char*, std::pair<Tensor, Tensor>> rows[] = {
      {"floor_divide", {x.floor_divide(y), floor_divide(x, y)}},
      {"remainder", {x.remainder(y), remainder(x, y)}},
      {"fmod", {x.fmod(y), fmod(x, y)}},
      {"maximum", {x.maximum(y), maximum(x, y)}},
      {"minimum", {x.minimum(y), minimum(x, y)}},
      {"atan2", {x.atan2(y), atan2(x, y)}},
      {"xlogy", {x.xlogy(y), xlogy(x, y)}},
      {"copysign", {x.copysign(y), copysign(x, y)}},
      {"lerp", {x.lerp(y, 0.25), lerp(x, y, 0.25)}},
      {"where", {x.where(yes, y), where(yes, x, y)}},
      {"logical_and", {yes.logical_and(no), logical_and(yes, no)}},
      {"logical_or", {yes.logical_or(no), logical_or(yes, no)}},
      {"logical_xor", {yes.logical_xor(no), logical_xor(yes, no)}},
      {"isclose", {x.isclose(y, 0.5, 0.5), isclose(x, y, 0.5, 0.5)}},
      {"clamp", {x.clamp(y - 1.0, y), clamp(x, y - 1.0, y)}},
      {"clamp_min", {x.clamp_min(0.5), clamp_min(x, 0.5)}},
      {"clamp_max", {x.clamp_max(0.5), clamp_max(x, 0.5)}},
      {"hardshrink", {x.hardshrink(0.6), hardshrink(x, 0.6)}},
      {"prelu", {x.prelu(tensor({0.5f})), prelu(x, tensor({0.5f}))}},
      {"bmm", {batch.bmm(other), bmm(batch, other)}},
      {"mv", {x.mv(v), mv(x, v)}},
      {"vdot", {v.vdot(v), vdot(v, v)}},
      {"outer", {v.outer(w), outer(v, w)}},
      {"kron", {x.kron(m), kron(x, m)}},
      {"trace", {square.trace(), trace(square)}},
      {"addmm", {c.addmm(x, m, {.beta = 2.0, .alpha = 0.5}), addmm(c, x, m, {.beta = 2.0, .alpha = 0.5})}},
      {"addmv", {w.addmv(x, v, {.beta = 2.0, .alpha = 0.5}), addmv(w, x, v, {.beta = 2.0, .alpha = 0.5})}},
      {"baddbmm", {c.baddbmm(batch, other, {.alpha = 0.5}), baddbmm(c, batch, other, {.alpha = 0.5})}},
      {"broadcast_to", {v.broadcast_to({2, 3}), broadcast_to(v, {2, 3})}},
      {"as_strided", {x.as_strided({2, 2}, {1, 2}, 1), as_strided(x, {2, 2}, {1, 2}, 1)}},
      {"swapaxes", {x.swapaxes(0, 1), swapaxes(x, 0, 1)}},
      {"diag_embed", {x.diag_embed(1), diag_embed(x, 1)}},
      {"tile", {x.tile({2, 1, 2}), tile(x, {2, 1, 2})}},
      {"repeat_interleave", {x.repeat_interleave(2), repeat_interleave(x, 2)}},
      {"repeat_interleave/dim", {x.repeat_interleave(2, 0), repeat_interleave(x, 2, 0)}},
      {"nansum", {x.log().nansum(0), nansum(log(x), 0)}},
      {"var_mean/var", {x.var_mean(1, 0).first, var_mean(x, 1, {.correction = 0}).first}},
      {"var_mean/mean", {x.var_mean(1, 0).second, var_mean(x, 1, {.correction = 0}).second}},
      {"std_mean/std", {x.std_mean(1, 0, true).first, std_mean(x, 1, {.correction = 0, .keepdim = true}).first}},
      {"std_mean/mean", {x.std_mean(1, 0, true).second, std_mean(x, 1, {.correction = 0, .keepdim = true}).second}},
      {"kthvalue/values", {x.kthvalue(2).first, kthvalue(x, 2).first}},
      {"kthvalue/indices", {x.kthvalue(2, 0, true).second, kthvalue(x, 2, 0, true).second}},
      {"mode/values", {c.mode().first, mode(c).first}},
      {"mode/indices", {c.mode(0).second, mode(c, 0).second}},
      {"unique", {c.unique().counts, unique(c).counts}},
      {"floor_divide_", {x.clone().floor_divide_(y), floor_divide(x, y)}},
      {"fmod_", {x.clone().fmod_(y), fmod(x, y)}},
      {"clamp_min_", {x.clone().clamp_min_(0.5), clamp_min(x, 0.5)}},
      {"clamp_max_", {x.clone().clamp_max_(0.5), clamp_max(x, 0.5)}},
  };
  for (const auto& [name, pair] : rows) BOOST_TEST(same(pair.first, pair.second), name);
  BOOST_TEST(x.equal(x.clone()));
  BOOST_TEST(!x.equal(y));
  BOOST_TEST(x.allclose(x + 1e-9));
  BOOST_TEST(!x.allclose(y));
}

BOOST_AUTO_TEST_CASE(what_a_method_in_place_returns_outlives_a_temporary) {
  const Tensor x = tensor({-1.0, 2.0});
  const Tensor& y = relu(x).add_(1.0);
  const Tensor& z = zeros({2}).fill_(3.0).mul_(x);
  const Shape& shape = relu(x).shape();
  const Shape& strides = relu(x).strides();
  const Tensor& leaf = relu(x).requires_grad_();
  const Tensor churn = zeros({2}) + zeros({2});  // takes the memory of what died
  BOOST_TEST(y.equal(tensor({1.0, 3.0})));
  BOOST_TEST(z.equal(tensor({-3.0, 6.0})));
  BOOST_TEST(shape == Shape{2});
  BOOST_TEST(strides == Shape{1});
  BOOST_TEST(leaf.requires_grad());
  BOOST_TEST(churn.equal(zeros({2})));
}

BOOST_AUTO_TEST_CASE(a_part_of_a_tensor_is_added_to) {
  const Tensor x = zeros({2, 2});
  x[0] += 1.0;
  x[1][0] -= 2.0;
  x.index({Slice(), 1}) *= 5.0;
  BOOST_TEST(x.equal(tensor({{1.0, 5.0}, {-2.0, 0.0}})));
  auto row = x[0];  // a handle as any other
  row = x[1];
  row = row + 1.0;
  BOOST_TEST(row.equal(tensor({-1.0, 1.0})));
  BOOST_TEST(x.equal(tensor({{1.0, 5.0}, {-2.0, 0.0}})));
  const Tensor w = ones({2}, {.requires_grad = true});
  const Tensor y = w * 2.0;
  y[0] *= 3.0;
  y.sum().backward();
  BOOST_TEST(w.grad().equal(tensor({6.0, 2.0})));
}

BOOST_AUTO_TEST_SUITE_END()
