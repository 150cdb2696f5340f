#include <boost/test/unit_test.hpp>
#include <map>
#include <set>

#include "oracle/oracle.h"
#include "slope/autograd/ops/ops.h"
#include "slope/nn/functional.h"

using namespace slope;
using oracle::Record;
using oracle::Tensors;

namespace {

using Ops = std::map<std::string, oracle::Function>;

template <class F>
oracle::Function unary(F f) {
  return [f](const Record& r, const Tensors& in) { return Tensors{{"", f(r, in.at("input"))}}; };
}
template <class F>
oracle::Function binary(F f) {
  return [f](const Record& r, const Tensors& in) { return Tensors{{"", f(r, in.at("input"), in.at("other"))}}; };
}
#define SLOPE_UNARY(name) {#name, unary([](const Record&, const Tensor& x) { return slope::name(x); })}
#define SLOPE_BINARY(name) \
  {#name, binary([](const Record&, const Tensor& a, const Tensor& b) { return slope::name(a, b); })}
#define SLOPE_ALONG(name) \
  {#name, unary([](const Record& r, const Tensor& x) { return slope::name(x, r.integer("dim", 0)); })}

Dims dims_of(const Record& r) { return r.has("dim") ? Dims(r.integer("dim", 0)) : Dims(); }
VarOptions spread_of(const Record& r) {
  return {.correction = r.flag("unbiased", true) ? 1.0 : 0.0, .keepdim = r.flag("keepdim", false)};
}
std::optional<Scalar> bound(const Record& r, const char* name) {
  if (!r.has(name)) return std::nullopt;
  return Scalar(r.real(name, 0));
}

const Ops& ops() {
  static const Ops all = {
      SLOPE_UNARY(abs),
      SLOPE_UNARY(sqrt),
      SLOPE_UNARY(log),
      SLOPE_UNARY(log1p),
      SLOPE_UNARY(expm1),
      SLOPE_UNARY(rsqrt),
      SLOPE_UNARY(reciprocal),
      SLOPE_UNARY(sign),
      SLOPE_UNARY(round),
      SLOPE_UNARY(max),
      SLOPE_UNARY(min),
      SLOPE_UNARY(argmax),
      SLOPE_BINARY(add),
      SLOPE_BINARY(sub),
      SLOPE_BINARY(mul),
      SLOPE_BINARY(div),
      SLOPE_BINARY(pow),
      SLOPE_BINARY(maximum),
      SLOPE_BINARY(minimum),
      SLOPE_BINARY(matmul),
      SLOPE_BINARY(xlogy),
      SLOPE_ALONG(cumsum),
      SLOPE_ALONG(cumprod),
      {"pow_scalar", unary([](const Record& r, const Tensor& x) { return pow(x, r.real("exponent", 1)); })},
      {"clamp", unary([](const Record& r, const Tensor& x) { return clamp(x, bound(r, "min"), bound(r, "max")); })},
      {"amax", unary([](const Record& r, const Tensor& x) { return amax(x, dims_of(r)); })},
      {"sum", unary([](const Record& r, const Tensor& x) { return sum(x, dims_of(r)); })},
      {"mean", unary([](const Record& r, const Tensor& x) { return mean(x, dims_of(r)); })},
      {"prod", unary([](const Record& r, const Tensor& x) { return prod(x, dims_of(r)); })},
      {"logsumexp", unary([](const Record& r, const Tensor& x) { return logsumexp(x, dims_of(r)); })},
      {"var", unary([](const Record& r, const Tensor& x) { return var(x, dims_of(r), spread_of(r)); })},
      {"std", unary([](const Record& r, const Tensor& x) { return slope::std(x, dims_of(r), spread_of(r)); })},
      {"norm", unary([](const Record& r, const Tensor& x) { return norm(x, r.real("p", 2)); })},
      {"normalize", unary([](const Record& r, const Tensor& x) {
         return nn::functional::normalize(
             x, {.p = r.real("p", 2), .dim = r.integer("dim", 1), .eps = r.real("eps", 1e-12)});
       })},
      {"max_dim",
       [](const Record& r, const Tensors& in) {
         const auto [values, indices] = max(in.at("input"), r.integer("dim", 0));
         return Tensors{{"values", values}, {"indices", indices}};
       }},
      {"gather",
       [](const Record& r, const Tensors& in) {
         return Tensors{{"", gather(in.at("input"), r.integer("dim", 0), in.at("index"))}};
       }},
      {"index_select",
       [](const Record& r, const Tensors& in) {
         return Tensors{{"", index_select(in.at("input"), r.integer("dim", 0), in.at("index"))}};
       }},
      {"scatter_add",
       [](const Record& r, const Tensors& in) {
         return Tensors{{"", scatter_add(in.at("input"), r.integer("dim", 0), in.at("index"), in.at("src"))}};
       }},
      {"masked_select",
       [](const Record&, const Tensors& in) { return Tensors{{"", masked_select(in.at("input"), in.at("mask"))}}; }},
      {"where",
       [](const Record&, const Tensors& in) {
         return Tensors{{"", where(in.at("condition"), in.at("input"), in.at("other"))}};
       }},
  };
  return all;
}

const Ops& activations() {
  static const Ops all = {
      SLOPE_UNARY(relu),
      SLOPE_UNARY(relu6),
      SLOPE_UNARY(selu),
      SLOPE_UNARY(silu),
      SLOPE_UNARY(mish),
      SLOPE_UNARY(sigmoid),
      SLOPE_UNARY(logsigmoid),
      SLOPE_UNARY(tanh),
      SLOPE_UNARY(hardsigmoid),
      SLOPE_UNARY(hardswish),
      SLOPE_UNARY(softsign),
      SLOPE_UNARY(tanhshrink),
      SLOPE_ALONG(softmax),
      SLOPE_ALONG(log_softmax),
      SLOPE_ALONG(softmin),
      SLOPE_ALONG(glu),
      {"leaky_relu",
       unary([](const Record& r, const Tensor& x) { return leaky_relu(x, r.real("negative_slope", 0.01)); })},
      {"elu", unary([](const Record& r, const Tensor& x) { return elu(x, r.real("alpha", 1)); })},
      {"celu", unary([](const Record& r, const Tensor& x) { return celu(x, r.real("alpha", 1)); })},
      {"gelu", unary([](const Record& r, const Tensor& x) {
         return gelu(x, r.word("approximate", "none") == "tanh" ? GeluApproximation::tanh : GeluApproximation::none);
       })},
      {"hardtanh", unary([](const Record& r, const Tensor& x) {
         return hardtanh(x, r.real("min_val", -1), r.real("max_val", 1));
       })},
      {"softplus",
       unary([](const Record& r, const Tensor& x) { return softplus(x, r.real("beta", 1), r.real("threshold", 20)); })},
      {"softshrink", unary([](const Record& r, const Tensor& x) { return softshrink(x, r.real("lambda", 0.5)); })},
      {"hardshrink", unary([](const Record& r, const Tensor& x) { return hardshrink(x, r.real("lambda", 0.5)); })},
      {"threshold", unary([](const Record& r, const Tensor& x) {
         return threshold(x, r.real("threshold", 0), r.real("value", 0));
       })},
      {"prelu", [](const Record&, const Tensors& in) { return Tensors{{"", prelu(in.at("input"), in.at("weight"))}}; }},
  };
  return all;
}

void check_all(const char* kind, const Ops& functions) {
  for (const Record& r : oracle::records(kind)) {
    const auto found = functions.find(r.name());
    BOOST_TEST((found != functions.end()), r.title() << " is not built");
    if (found != functions.end()) oracle::check(r, found->second);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(op_records)

BOOST_AUTO_TEST_CASE(operations_agree_with_the_reference) { check_all("op", ops()); }
BOOST_AUTO_TEST_CASE(activations_agree_with_the_reference) { check_all("activation", activations()); }

BOOST_AUTO_TEST_SUITE_END()
