#include "oracle/check.h"
#include "oracle/function_support.h"
#include "slope/autograd/ops/ops.h"
#include "slope/nn/functional.h"

using namespace slope;
using oracle::Arguments;
using oracle::Record;
using oracle::Tensors;

namespace {

Dims dims_of(const Record& r) { return r.has("dim") ? Dims(r.integer("dim", 0)) : Dims(); }
VarOptions spread_of(const Record& r) {
  return {.correction = r.flag("unbiased", true) ? 1.0 : 0.0, .keepdim = r.flag("keepdim", false)};
}
std::optional<Scalar> bound(const Record& r, const char* name) {
  if (!r.has(name)) return std::nullopt;
  return Scalar(r.real(name, 0));
}

using Functions = std::map<std::string, oracle::Function>;

}  // namespace

void oracle::add_operations(Drivers& drivers) {
  const Functions all = {
      ORACLE_UNARY(abs),
      ORACLE_UNARY(sqrt),
      ORACLE_UNARY(log),
      ORACLE_UNARY(log1p),
      ORACLE_UNARY(expm1),
      ORACLE_UNARY(rsqrt),
      ORACLE_UNARY(reciprocal),
      ORACLE_UNARY(sign),
      ORACLE_UNARY(round),
      ORACLE_UNARY(max),
      ORACLE_UNARY(min),
      ORACLE_UNARY(argmax),
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
      {"amax", unary([](const Record& r, const Tensor& x) { return amax(x, dims_of(r), r.flag("keepdim", false)); })},
      {"sum", unary([](const Record& r, const Tensor& x) { return sum(x, dims_of(r), r.flag("keepdim", false)); })},
      {"mean", unary([](const Record& r, const Tensor& x) { return mean(x, dims_of(r), r.flag("keepdim", false)); })},
      {"prod", unary([](const Record& r, const Tensor& x) { return prod(x, dims_of(r), r.flag("keepdim", false)); })},
      {"logsumexp",
       unary([](const Record& r, const Tensor& x) { return logsumexp(x, dims_of(r), r.flag("keepdim", false)); })},
      {"var", unary([](const Record& r, const Tensor& x) { return var(x, dims_of(r), spread_of(r)); })},
      {"std", unary([](const Record& r, const Tensor& x) { return slope::std(x, dims_of(r), spread_of(r)); })},
      {"norm", unary([](const Record& r, const Tensor& x) {
         return norm(x, r.real("p", 2), dims_of(r), r.flag("keepdim", false));
       })},
      {"normalize", unary([](const Record& r, const Tensor& x) {
         return nn::functional::normalize(
             x, {.p = r.real("p", 2), .dim = r.integer("dim", 1), .eps = r.real("eps", 1e-12)});
       })},
      {"max_dim",
       [](const Record& r, const Arguments& in) {
         const Tensor x = in.at("input");
         const auto [values, indices] = max(x, r.integer("dim", 0), r.flag("keepdim", false));
         return Tensors{{"values", values}, {"indices", indices}};
       }},
      {"gather", binary([](const Record& r, const Tensor& x,
                           const Tensor& index) { return gather(x, r.integer("dim", 0), index); },
                        "input", "index")},
      {"index_select", binary([](const Record& r, const Tensor& x,
                                 const Tensor& index) { return index_select(x, r.integer("dim", 0), index); },
                              "input", "index")},
      {"masked_select",
       binary([](const Record&, const Tensor& x, const Tensor& mask) { return masked_select(x, mask); }, "input",
              "mask")},
      {"scatter_add",
       [](const Record& r, const Arguments& in) {
         const Tensor x = in.at("input"), index = in.at("index"), src = in.at("src");
         return Tensors{{"", scatter_add(x, r.integer("dim", 0), index, src)}};
       }},
      {"where",
       [](const Record&, const Arguments& in) {
         const Tensor condition = in.at("condition"), x = in.at("input"), other = in.at("other");
         return Tensors{{"", where(condition, x, other)}};
       }},
  };
  for (const auto& [name, function] : all) drivers[{"op", name}] = {function_form(function)};
}
