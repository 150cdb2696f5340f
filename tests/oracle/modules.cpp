#include "oracle/embedding_options.h"
#include "oracle/module_support.h"
#include "slope/autograd/ops/ops.h"
#include "slope/nn/nn.h"

// Modules of one or two inputs, made from the options of a record.

using namespace slope;
using oracle::Arguments;
using oracle::Record;
using oracle::Tensors;

namespace {

using Names = std::map<std::string, nn::Parameter*>;

/// `make(record)` gives the module, `names(module)` its parameters; called with the inputs of these names.
template <class Module, class Make, class Parameters, class... Inputs>
oracle::Forms module_with(Make make, Parameters names, Inputs... inputs) {
  return {oracle::module_form([=](const Record& r, const Arguments& in) {
    oracle::check_class<Module>(r);
    const std::tuple given{in.get(inputs)...};
    Module m = make(r);
    oracle::set_up(m, r, in, names(m));
    return Tensors{{"", std::apply([&](const auto&... x) { return m(x...); }, given)}};
  })};
}
/// Without parameters, of one input.
template <class Module, class Make>
oracle::Forms module(Make make) {
  return module_with<Module>(make, [](Module&) { return Names(); }, "input");
}
template <class Module>
oracle::Forms dropout() {
  return module<Module>([](const Record& r) { return Module(r.real("p", 0.5)); });
}

template <class Module>
Names weight_and_bias(Module& m) {
  Names names = {{"weight", &m.weight}};
  if (m.bias.defined()) names["bias"] = &m.bias;
  return names;
}

Shape sizes(const Record& r, const char* option) { return Shape(r.integers(option)); }

}  // namespace

void oracle::add_modules(Drivers& drivers) {
  const std::map<std::string, Forms> all = {
      {"Linear", module_with<nn::Linear>(
                     [](const Record& r) {
                       const std::int64_t in = r.integer("in_features", 0), out = r.integer("out_features", 0);
                       return nn::Linear(in, out, {.bias = r.flag("bias", true)});
                     },
                     weight_and_bias<nn::Linear>, "input")},
      {"Bilinear", module_with<nn::Bilinear>(
                       [](const Record& r) {
                         const std::int64_t in1 = r.integer("in1_features", 0), in2 = r.integer("in2_features", 0);
                         return nn::Bilinear(in1, in2, r.integer("out_features", 0), {.bias = r.flag("bias", true)});
                       },
                       weight_and_bias<nn::Bilinear>, "input1", "input2")},
      {"Embedding", module_with<nn::Embedding>(
                        [](const Record& r) {
                          const std::int64_t rows = r.integer("num_embeddings", 0), dim = r.integer("embedding_dim", 0);
                          return nn::Embedding(rows, dim, oracle::embedding_options(r));
                        },
                        [](nn::Embedding& m) { return Names{{"weight", &m.weight}}; }, "input")},
      {"EmbeddingBag",
       module_with<nn::EmbeddingBag>(
           [](const Record& r) {
             const std::int64_t rows = r.integer("num_embeddings", 0), dim = r.integer("embedding_dim", 0);
             return nn::EmbeddingBag(rows, dim, oracle::bag_options(r));
           },
           [](nn::EmbeddingBag& m) { return Names{{"weight", &m.weight}}; }, "input", "offsets", "per_sample_weights")},
      {"PReLU", module_with<nn::PReLU>(
                    [](const Record& r) {
                      return nn::PReLU(
                          {.num_parameters = r.integer("num_parameters", 1), .init = r.real("init", 0.25)});
                    },
                    [](nn::PReLU& m) { return Names{{"weight", &m.weight}}; }, "input")},
      {"Identity", module<nn::Identity>([](const Record&) { return nn::Identity(); })},
      {"Flatten", module<nn::Flatten>([](const Record& r) {
         const std::int64_t from = r.integer("start_dim", 1), to = r.integer("end_dim", -1);
         return nn::Flatten(from, to);
       })},
      {"Unflatten", module<nn::Unflatten>([](const Record& r) {
         const Shape shape = sizes(r, "unflattened_size");
         return nn::Unflatten(r.integer("dim", 0), shape);
       })},
      {"GLU", module<nn::GLU>([](const Record& r) { return nn::GLU(r.integer("dim", -1)); })},
      {"Hardtanh", module<nn::Hardtanh>([](const Record& r) {
         const double low = r.real("min_val", -1), high = r.real("max_val", 1);
         return nn::Hardtanh(low, high);
       })},
      {"RReLU", module<nn::RReLU>([](const Record& r) {
         const double lower = r.real("lower", 1.0 / 8), upper = r.real("upper", 1.0 / 3);
         return nn::RReLU(lower, upper);
       })},
      {"Dropout", dropout<nn::Dropout>()},
      {"Dropout1d", dropout<nn::Dropout1d>()},
      {"Dropout2d", dropout<nn::Dropout2d>()},
      {"Dropout3d", dropout<nn::Dropout3d>()},
      {"AlphaDropout", dropout<nn::AlphaDropout>()},
      {"FeatureAlphaDropout", dropout<nn::FeatureAlphaDropout>()},
      {"Softmax2d", module<nn::Softmax2d>([](const Record&) { return nn::Softmax2d(); })},
      {"PixelShuffle",
       module<nn::PixelShuffle>([](const Record& r) { return nn::PixelShuffle(r.integer("upscale_factor", 1)); })},
      {"PixelUnshuffle", module<nn::PixelUnshuffle>(
                             [](const Record& r) { return nn::PixelUnshuffle(r.integer("downscale_factor", 1)); })},
      {"ChannelShuffle",
       module<nn::ChannelShuffle>([](const Record& r) { return nn::ChannelShuffle(r.integer("groups", 1)); })},
      {"CosineSimilarity", module_with<nn::CosineSimilarity>(
                               [](const Record& r) {
                                 return nn::CosineSimilarity({.dim = r.integer("dim", 1), .eps = r.real("eps", 1e-8)});
                               },
                               [](nn::CosineSimilarity&) { return Names(); }, "x1", "x2")},
      {"PairwiseDistance", module_with<nn::PairwiseDistance>(
                               [](const Record& r) {
                                 return nn::PairwiseDistance({.p = r.real("p", 2),
                                                              .eps = r.real("eps", 1e-6),
                                                              .keepdim = r.flag("keepdim", false)});
                               },
                               [](nn::PairwiseDistance&) { return Names(); }, "x1", "x2")},
  };
  for (const auto& [name, forms] : all) drivers[{"module", name}] = forms;
}
