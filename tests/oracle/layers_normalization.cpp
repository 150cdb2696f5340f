#include "oracle/module_support.h"
#include "slope/nn/nn.h"

// Normalisation, as modules and as functions.

using namespace slope;
using oracle::Arguments;
using oracle::Record;
using oracle::Tensors;

namespace {

/// A module that `make` makes of the options, with weight and bias where it has them.
template <class Module, class Make>
oracle::Forms module(Make make) {
  return {oracle::module_form([make](const Record& r, const Arguments& in) {
    oracle::check_class<Module>(r);
    const Tensor x = in.get("input");
    Module m = make(r);
    std::map<std::string, nn::Parameter*> parameters;
    if constexpr (requires { m.weight; })
      if (m.weight.defined()) parameters["weight"] = &m.weight;
    if constexpr (requires { m.bias; })
      if (m.bias.defined()) parameters["bias"] = &m.bias;
    oracle::set_up(m, r, in, parameters);
    Tensors out = {{"", m(x)}};
    oracle::expect_buffers(m, r);
    return out;
  })};
}

template <class Options>
Options moments_options(const Record& r) {
  Options o;
  o.eps = r.real("eps", o.eps);
  if (r.json().at("options").contains("momentum")) {
    o.momentum.reset();
    if (r.has("momentum")) o.momentum = r.real("momentum", 0);
  }
  o.affine = r.flag("affine", o.affine);
  o.track_running_stats = r.flag("track_running_stats", o.track_running_stats);
  return o;
}

template <class Module>
oracle::Forms batch_norm() {
  return module<Module>([](const Record& r) {
    const std::int64_t features = r.integer("num_features", 0);
    return Module(features, moments_options<nn::BatchNormOptions>(r));
  });
}
template <class Module>
oracle::Forms instance_norm() {
  return module<Module>([](const Record& r) {
    const std::int64_t features = r.integer("num_features", 0);
    return Module(features, moments_options<nn::InstanceNormOptions>(r));
  });
}

/// One number, or a list of them.
IntArray normalized_shape(const Record& r) {
  if (r.json().at("options").at("normalized_shape").is_number()) return r.integer("normalized_shape", 0);
  return Shape(r.integers("normalized_shape"));
}

std::optional<double> optional_eps(const Record& r) {
  return r.has("eps") ? std::optional(r.real("eps", 0)) : std::nullopt;
}

}  // namespace

void oracle::add_normalization(Drivers& drivers) {
  const std::map<std::string, Forms> modules = {
      {"BatchNorm1d", batch_norm<nn::BatchNorm1d>()},
      {"BatchNorm2d", batch_norm<nn::BatchNorm2d>()},
      {"BatchNorm3d", batch_norm<nn::BatchNorm3d>()},
      {"InstanceNorm1d", instance_norm<nn::InstanceNorm1d>()},
      {"InstanceNorm2d", instance_norm<nn::InstanceNorm2d>()},
      {"InstanceNorm3d", instance_norm<nn::InstanceNorm3d>()},
      {"GroupNorm", module<nn::GroupNorm>([](const Record& r) {
         const std::int64_t groups = r.integer("num_groups", 0), channels = r.integer("num_channels", 0);
         return nn::GroupNorm(groups, channels, {.eps = r.real("eps", 1e-5), .affine = r.flag("affine", true)});
       })},
      {"LayerNorm", module<nn::LayerNorm>([](const Record& r) {
         const IntArray shape = normalized_shape(r);
         return nn::LayerNorm(shape, {.eps = r.real("eps", 1e-5),
                                      .elementwise_affine = r.flag("elementwise_affine", true),
                                      .bias = r.flag("bias", true)});
       })},
      {"RMSNorm", module<nn::RMSNorm>([](const Record& r) {
         const IntArray shape = normalized_shape(r);
         return nn::RMSNorm(shape, {.eps = optional_eps(r), .elementwise_affine = r.flag("elementwise_affine", true)});
       })},
      {"LocalResponseNorm", module<nn::LocalResponseNorm>([](const Record& r) {
         const std::int64_t size = r.integer("size", 0);
         return nn::LocalResponseNorm(
             size, {.alpha = r.real("alpha", 1e-4), .beta = r.real("beta", 0.75), .k = r.real("k", 1)});
       })},
  };
  for (const auto& [name, forms] : modules) drivers[{"module", name}] = forms;

  const std::map<std::string, Function> functions = {
      {"batch_norm",
       [](const Record& r, const Arguments& in) {
         const Tensor x = in.at("input"), mean = in.get("running_mean"), var = in.get("running_var");
         const Tensor weight = in.get("weight"), bias = in.get("bias");
         const double momentum = r.real("momentum", 0.1), eps = r.real("eps", 1e-5);
         return Tensors{{"", F::batch_norm(x, mean, var, weight, bias, r.flag("training", false), momentum, eps)}};
       }},
      {"instance_norm",
       [](const Record& r, const Arguments& in) {
         const Tensor x = in.at("input"), mean = in.get("running_mean"), var = in.get("running_var");
         const Tensor weight = in.get("weight"), bias = in.get("bias");
         const double momentum = r.real("momentum", 0.1), eps = r.real("eps", 1e-5);
         return Tensors{
             {"", F::instance_norm(x, mean, var, weight, bias, r.flag("use_input_stats", true), momentum, eps)}};
       }},
      {"group_norm",
       [](const Record& r, const Arguments& in) {
         const Tensor x = in.at("input"), weight = in.get("weight"), bias = in.get("bias");
         const double eps = r.real("eps", 1e-5);
         return Tensors{{"", F::group_norm(x, r.integer("num_groups", 1), weight, bias, eps)}};
       }},
      {"layer_norm",
       [](const Record& r, const Arguments& in) {
         const Tensor x = in.at("input"), weight = in.get("weight"), bias = in.get("bias");
         const double eps = r.real("eps", 1e-5);
         return Tensors{{"", F::layer_norm(x, normalized_shape(r), weight, bias, eps)}};
       }},
      {"rms_norm",
       [](const Record& r, const Arguments& in) {
         const Tensor x = in.at("input"), weight = in.get("weight");
         const std::optional<double> eps = optional_eps(r);
         return Tensors{{"", F::rms_norm(x, normalized_shape(r), weight, eps)}};
       }},
      {"local_response_norm",
       [](const Record& r, const Arguments& in) {
         const Tensor x = in.at("input");
         const double alpha = r.real("alpha", 1e-4), beta = r.real("beta", 0.75), k = r.real("k", 1);
         return Tensors{{"", F::local_response_norm(x, r.integer("size", 1), alpha, beta, k)}};
       }},
  };
  for (const auto& [name, function] : functions) drivers[{"functional", name}] = {function_form(function)};
}
