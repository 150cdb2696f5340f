#include "oracle/embedding_options.h"
#include "oracle/function_support.h"
#include "slope/autograd/ops/ops.h"
#include "slope/nn/functional.h"
#include "slope/nn/losses/losses.h"

// F::name(inputs, options).

using namespace slope;
using oracle::Arguments;
using oracle::Record;
using oracle::Tensors;
namespace F = slope::nn::functional;

void oracle::add_functionals(Drivers& drivers) {
  const std::map<std::string, Function> all = {
      {"normalize", unary([](const Record& r, const Tensor& x) {
         return F::normalize(x, {.p = r.real("p", 2), .dim = r.integer("dim", 1), .eps = r.real("eps", 1e-12)});
       })},
      {"one_hot", unary([](const Record& r, const Tensor& x) { return F::one_hot(x, r.integer("num_classes", -1)); })},
      {"embedding", binary([](const Record& r, const Tensor& x,
                              const Tensor& weight) { return F::embedding(x, weight, oracle::embedding_options(r)); },
                           "input", "weight")},
      {"embedding_bag",
       [](const Record& r, const Arguments& in) {
         const Tensor x = in.at("input"), weight = in.at("weight");
         const Tensor offsets = in.get("offsets"), weights = in.get("per_sample_weights");
         const nn::EmbeddingBagOptions o = oracle::bag_options(r);
         return Tensors{{"", F::embedding_bag(x, weight, offsets, weights, o)}};
       }},
      {"pdist", unary([](const Record& r, const Tensor& x) { return F::pdist(x, r.real("p", 2)); })},
      {"pixel_shuffle",
       unary([](const Record& r, const Tensor& x) { return F::pixel_shuffle(x, r.integer("upscale_factor", 1)); })},
      {"pixel_unshuffle",
       unary([](const Record& r, const Tensor& x) { return F::pixel_unshuffle(x, r.integer("downscale_factor", 1)); })},
  };
  for (const auto& [name, function] : all) drivers[{"functional", name}] = {function_form(function)};
}
