#include <deque>

#include "oracle/module_support.h"
#include "slope/nn/internal/computed_parameters.h"
#include "slope/nn/nn.h"

// nn::utils: gradients of all parameters, parametrizations, pruning, fused layers.

using namespace slope;
using oracle::Arguments;
using oracle::Forms;
using oracle::Record;
using oracle::Tensors;
using oracle::Value;

namespace {

namespace utils = nn::utils;

// ---- gradients

/// Leaves with the gradients g0, g1, ... of the record, and one more without.
std::vector<Tensor> with_gradients(const Record& r, const Arguments& in) {
  std::vector<Tensor> parameters;
  for (int i = 0; in.contains("g" + std::to_string(i)); ++i) {
    const Tensor g = in.at("g" + std::to_string(i)).detach().clone();
    parameters.push_back(zeros(g.shape(), {.dtype = g.dtype(), .requires_grad = true}));
    parameters.back().set_grad(g);
  }
  if (r.tagged("one more parameter has no gradient"))
    parameters.push_back(zeros({3}, {.dtype = DType::float64, .requires_grad = true}));
  return parameters;
}
void put_gradients(Tensors& to, const std::vector<Tensor>& parameters) {
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (parameters[i].grad().defined()) to["g" + std::to_string(i)] = parameters[i].grad();
}
utils::ClipGradNormOptions norm_options(const Record& r) {
  return {.norm_type = r.real("norm_type", 2), .error_if_nonfinite = r.flag("error_if_nonfinite", false)};
}

void add_gradients(oracle::Drivers& drivers) {
  drivers[{"util", "clip_grad_norm_"}] = {oracle::function_form([](const Record& r, const Arguments& in) {
    const std::vector<Tensor> parameters = with_gradients(r, in);
    const double max_norm = r.real("max_norm", 0);
    const auto options = norm_options(r);
    Tensors out = {{"total_norm", utils::clip_grad_norm_(parameters, max_norm, options)}};
    put_gradients(out, parameters);
    return out;
  })};
  drivers[{"util", "clip_grad_value_"}] = {oracle::function_form([](const Record& r, const Arguments& in) {
    const std::vector<Tensor> parameters = with_gradients(r, in);
    utils::clip_grad_value_(parameters, r.real("clip_value", 0));
    Tensors out;
    put_gradients(out, parameters);
    return out;
  })};
  drivers[{"util", "get_total_norm"}] = {oracle::function_form([](const Record& r, const Arguments& in) {
    std::vector<Tensor> grads;
    for (const Tensor& p : with_gradients(r, in)) grads.push_back(p.grad());
    return Tensors{{"total_norm", utils::get_total_norm(grads, norm_options(r))}};
  })};
  drivers[{"util", "clip_grads_with_norm_"}] = {oracle::function_form([](const Record& r, const Arguments& in) {
    const std::vector<Tensor> parameters = with_gradients(r, in);
    utils::clip_grads_with_norm_(parameters, r.real("max_norm", 0), in.at("total_norm"));
    Tensors out;
    put_gradients(out, parameters);
    return out;
  })};
  drivers[{"util", "parameters_to_vector"}] = {oracle::function_form([](const Record&, const Arguments& in) {
    std::vector<Tensor> parameters;
    for (int i = 0; in.contains("p" + std::to_string(i)); ++i) parameters.push_back(in.at("p" + std::to_string(i)));
    return Tensors{{"vector", utils::parameters_to_vector(parameters)}};
  })};
  drivers[{"util", "vector_to_parameters"}] = {oracle::function_form([](const Record& r, const Arguments& in) {
    const Tensor vector = in.at("vector");
    const Value shapes = r.at("options").at("shapes");
    std::vector<Tensor> parameters;
    Tensors out;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const Tensor p = zeros(Shape(shapes.at(i).integers()), {.dtype = vector.dtype(), .requires_grad = true});
      parameters.push_back(p);
      out["p" + std::to_string(i)] = p;
    }
    utils::vector_to_parameters(vector, parameters);
    for (auto& [name, p] : out) p = p.detach();
    return out;
  })};
}

// ---- parametrizations

using Owned = std::unique_ptr<nn::Module>;

Owned layer(const Value& o) {
  const std::string name = o.at("class").text();
  const bool bias = !o.contains("bias") || o.at("bias").flag();
  if (name == "Linear")
    return std::make_unique<nn::Linear>(o.at("in_features").integer(), o.at("out_features").integer(),
                                        nn::LinearOptions{.bias = bias});
  const std::int64_t from = o.at("in_channels").integer(), to = o.at("out_channels").integer(),
                     kernel = o.at("kernel_size").integer();
  if (name == "Conv1d") return std::make_unique<nn::Conv1d>(from, to, kernel, nn::ConvOptions{.bias = bias});
  if (name == "Conv2d") return std::make_unique<nn::Conv2d>(from, to, kernel, nn::ConvOptions{.bias = bias});
  if (name == "ConvTranspose1d")
    return std::make_unique<nn::ConvTranspose1d>(from, to, kernel, nn::ConvTransposeOptions{.bias = bias});
  throw std::runtime_error("the test does not know the layer " + name);
}

/// Every parameter of a module and of those below it, as it stands there.
std::deque<std::pair<std::string, nn::Parameter>> all_parameters(nn::Module& m) {
  using Access = nn::detail::ModuleAccess;
  std::deque<std::pair<std::string, nn::Parameter>> all;
  for (auto& [path, module] : m.named_modules())
    for (const std::string& name : Access::parameter_names(*module))
      all.emplace_back(path.empty() ? name : path + "." + name, Access::handle(Access::find_parameter(*module, name)));
  return all;
}

/// `parametrize(module, name, record)`, then a call.
template <class Parametrize>
Forms parametrized(Parametrize parametrize) {
  return {oracle::module_form([parametrize](const Record& r, const Arguments& in) {
    if (r.contains("class") && r.at("class").text() != r.name()) throw std::runtime_error("the record is of a class");
    const Tensor x = in.get("input");
    const Owned m = layer(r.at("options").at("module"));
    parametrize(*m, r.word("name", "weight"), r);
    auto handles = all_parameters(*m);
    std::map<std::string, nn::Parameter*> parameters;
    for (auto& [name, parameter] : handles) parameters[name] = &parameter;
    oracle::set_up(*m, r, in, parameters);
    Tensors out = {{"", (*m)(x)}};
    oracle::expect_buffers(*m, r);
    return out;
  })};
}

std::optional<std::int64_t> dim_of(const Record& r) {
  if (!r.json().at("options").contains("dim")) return 0;
  if (!r.has("dim")) return {};
  return r.integer("dim", 0);
}
utils::SpectralNormOptions spectral_options(const Record& r) {
  utils::SpectralNormOptions o;
  o.n_power_iterations = r.integer("n_power_iterations", o.n_power_iterations);
  o.eps = r.real("eps", o.eps);
  if (r.has("dim")) o.dim = r.integer("dim", 0);
  return o;
}

void add_parametrizations(oracle::Drivers& drivers) {
  drivers[{"module", "weight_norm"}] = parametrized(
      [](nn::Module& m, const std::string& name, const Record& r) { utils::weight_norm(m, name, dim_of(r)); });
  drivers[{"module", "parametrizations.weight_norm"}] =
      parametrized([](nn::Module& m, const std::string& name, const Record& r) {
        utils::parametrizations::weight_norm(m, name, dim_of(r));
      });
  drivers[{"module", "parametrizations.spectral_norm"}] =
      parametrized([](nn::Module& m, const std::string& name, const Record& r) {
        utils::parametrizations::spectral_norm(m, name, spectral_options(r));
      });
  drivers[{"util", "parametrizations.spectral_norm"}] = {oracle::function_form([](const Record& r, const Arguments&) {
    nn::Linear m(3, 2);
    const std::string name = r.word("name", "weight");
    const auto options = spectral_options(r);
    utils::parametrizations::spectral_norm(m, name, options);
    return Tensors{{"", m.weight}};
  })};
}

// ---- pruning

utils::prune::Amount amount(const nlohmann::json& raw, const Value& value) {
  if (raw.is_number_integer()) return value.integer();
  return value.real();
}

Forms pruned(const std::function<void(nn::Module&, utils::prune::Amount, const Record&)>& prune) {
  return {oracle::function_form([prune](const Record& r, const Arguments& in) {
    const Tensor w = in.at("weight");
    nn::Linear m(w.size(1), w.size(0), {.bias = false});
    m.to(w.dtype());
    m.weight.tie(w.detach().clone());
    const auto& raw = r.json().at("options").at("amount");
    const Value value = r.at("options").at("amount");
    std::vector<utils::prune::Amount> amounts;
    if (raw.is_array())
      for (std::size_t i = 0; i < raw.size(); ++i) amounts.push_back(amount(raw[i], value.at(i)));
    else
      amounts.push_back(amount(raw, value));
    for (const auto& a : amounts) prune(m, a, r);
    Tensors out = {{"weight", m.weight.detach()}};
    const auto dict = m.state_dict();
    for (const auto& [name, t] : dict) out[name] = t;
    return out;
  })};
}

void add_pruning(oracle::Drivers& drivers) {
  drivers[{"util", "prune.l1_unstructured"}] = pruned(
      [](nn::Module& m, utils::prune::Amount a, const Record&) { utils::prune::l1_unstructured(m, "weight", a); });
  drivers[{"util", "prune.ln_structured"}] = pruned([](nn::Module& m, utils::prune::Amount a, const Record& r) {
    utils::prune::ln_structured(m, "weight", a, r.real("n", 2), r.integer("dim", 0));
  });
  drivers[{"util", "prune.global_unstructured"}] = {oracle::function_form([](const Record& r, const Arguments& in) {
    if (r.word("method", "") != "l1") throw std::runtime_error("the test knows the method l1 alone");
    std::deque<nn::Linear> layers;
    std::vector<std::pair<nn::Module*, std::string>> parameters;
    for (int i = 0; in.contains("w" + std::to_string(i)); ++i) {
      const Tensor w = in.at("w" + std::to_string(i));
      nn::Linear& m = layers.emplace_back(w.size(1), w.size(0), nn::LinearOptions{.bias = false});
      m.to(w.dtype());
      m.weight.tie(w.detach().clone());
      parameters.emplace_back(&m, "weight");
    }
    utils::prune::global_unstructured(parameters, utils::prune::Method::l1_unstructured,
                                      amount(r.json().at("options").at("amount"), r.at("options").at("amount")));
    Tensors out;
    for (std::size_t i = 0; i < layers.size(); ++i)
      out["mask" + std::to_string(i)] = layers[i].state_dict().at("weight_mask");
    return out;
  })};
}

// ---- fused layers

/// A batch normalisation with the record's parameters and moments.
nn::BatchNorm1d norm_of(const Record& r, const Arguments& in) {
  const Tensor mean = in.get("bn.running_mean"), var = in.get("bn.running_var"), weight = in.get("bn.weight"),
               bias = in.get("bn.bias"), count = in.get("bn.num_batches_tracked");
  nn::BatchNorm1d bn(mean.defined() ? mean.numel() : 3, {.eps = r.real("eps", 1e-5), .affine = weight.defined()});
  bn.to(DType::float64);
  const NoGradGuard no_grad;
  if (mean.defined()) bn.running_mean.copy_(mean);
  if (var.defined()) bn.running_var.copy_(var);
  if (count.defined()) bn.num_batches_tracked.copy_(count);
  if (weight.defined()) bn.weight.copy_(weight);
  if (bias.defined()) bn.bias.copy_(bias);
  bn.train(r.flag("training", false));
  return bn;
}

template <class Layer>
void fill(Layer& m, const Record& r, const Tensor& weight, const Tensor& bias) {
  m.to(DType::float64);
  const NoGradGuard no_grad;
  if (weight.defined()) m.weight.copy_(weight);
  if (bias.defined()) m.bias.copy_(bias);
  m.train(r.flag("training", false));
}

template <class Conv, class Options>
Tensors fused_conv(const Record& r, const Arguments& in) {
  constexpr bool transposed = std::is_same_v<Options, nn::ConvTransposeOptions>;
  if (r.flag("transpose", transposed) != transposed) throw std::runtime_error("the layer is not transposed");
  const Tensor weight = in.get("conv.weight"), bias = in.get("conv.bias");
  Options options;
  options.bias = bias.defined();
  Conv conv = weight.defined()
                  ? Conv(weight.size(transposed ? 0 : 1), weight.size(transposed ? 1 : 0), weight.size(2), options)
                  : Conv(2, 3, 2, options);
  fill(conv, r, weight, bias);
  const nn::BatchNorm1d bn = norm_of(r, in);
  const Conv fused = utils::fuse_conv_bn_eval(conv, bn);
  return {{"weight", fused.weight.detach()}, {"bias", fused.bias.detach()}};
}

void add_fusion(oracle::Drivers& drivers) {
  drivers[{"util", "fuse_conv_bn_eval"}] = {oracle::function_form([](const Record& r, const Arguments& in) {
    const std::string conv = r.word("conv", "");
    if (conv == "Conv1d") return fused_conv<nn::Conv1d, nn::ConvOptions>(r, in);
    if (conv == "Conv2d") return fused_conv<nn::Conv2d, nn::ConvOptions>(r, in);
    if (conv == "Conv3d") return fused_conv<nn::Conv3d, nn::ConvOptions>(r, in);
    if (conv == "ConvTranspose1d") return fused_conv<nn::ConvTranspose1d, nn::ConvTransposeOptions>(r, in);
    if (conv == "ConvTranspose2d") return fused_conv<nn::ConvTranspose2d, nn::ConvTransposeOptions>(r, in);
    if (conv == "ConvTranspose3d") return fused_conv<nn::ConvTranspose3d, nn::ConvTransposeOptions>(r, in);
    throw std::runtime_error("the test does not know the layer " + conv);
  })};
  drivers[{"util", "fuse_linear_bn_eval"}] = {oracle::function_form([](const Record& r, const Arguments& in) {
    const Tensor weight = in.at("linear.weight"), bias = in.get("linear.bias");
    nn::Linear linear(weight.size(1), weight.size(0), {.bias = bias.defined()});
    fill(linear, r, weight, bias);
    const nn::Linear fused = utils::fuse_linear_bn_eval(linear, norm_of(r, in));
    return Tensors{{"weight", fused.weight.detach()}, {"bias", fused.bias.detach()}};
  })};
}

}  // namespace

void oracle::add_utils(Drivers& drivers) {
  add_gradients(drivers);
  add_parametrizations(drivers);
  add_pruning(drivers);
  add_fusion(drivers);
}
