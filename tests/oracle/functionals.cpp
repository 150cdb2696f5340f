#include "oracle/function_support.h"
#include "slope/autograd/ops/ops.h"
#include "slope/nn/functional.h"

// F::name(inputs, options).

using namespace slope;
using oracle::Arguments;
using oracle::Record;
using oracle::Tensors;
namespace F = slope::nn::functional;

namespace {

F::PadMode pad_mode(const std::string& name) {
  if (name == "constant") return F::PadMode::constant;
  if (name == "reflect") return F::PadMode::reflect;
  if (name == "replicate") return F::PadMode::replicate;
  if (name == "circular") return F::PadMode::circular;
  throw ValueError("F::pad: no such mode: " + name, SourceLoc::here());
}

}  // namespace

void oracle::add_functionals(Drivers& drivers) {
  const std::map<std::string, Function> all = {
      {"normalize", unary([](const Record& r, const Tensor& x) {
         return F::normalize(x, {.p = r.real("p", 2), .dim = r.integer("dim", 1), .eps = r.real("eps", 1e-12)});
       })},
      {"one_hot", unary([](const Record& r, const Tensor& x) { return F::one_hot(x, r.integer("num_classes", -1)); })},
      {"embedding", binary(
                        [](const Record& r, const Tensor& x, const Tensor& weight) {
                          nn::EmbeddingOptions o;
                          if (r.has("padding_idx")) o.padding_idx = r.integer("padding_idx", 0);
                          return F::embedding(x, weight, o);
                        },
                        "input", "weight")},
      {"pad", unary([](const Record& r, const Tensor& x) {
         const std::vector<std::int64_t> pads = r.integers("pad");
         F::PadOptions o;
         if (r.has("value")) o.value = r.real("value", 0);
         o.mode = pad_mode(r.word("mode", "constant"));
         return F::pad(x, pads, o);
       })},
  };
  for (const auto& [name, function] : all) drivers[{"functional", name}] = {function_form(function)};
}
