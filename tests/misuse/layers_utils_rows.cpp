#include <algorithm>

#include "misuse/row.h"

// nn::utils: gradients of all parameters, parametrizations, pruning, fused layers.

namespace misuse {

using namespace slope;
using nn::Module;

namespace {

using Size = std::int64_t;
using Loc = SourceLoc;
using Tensors = std::vector<Tensor>;
using Dim = std::optional<Size>;
namespace utils = nn::utils;
namespace prune = nn::utils::prune;
namespace parametrize = nn::utils::parametrize;
namespace parametrizations = nn::utils::parametrizations;

/// Leaves whose gradients these are.
Tensors with_gradients(const Tensors& grads) {
  Tensors leaves;
  for (const Tensor& g : grads) {
    if (!g.defined()) {
      leaves.push_back(g);
      continue;
    }
    leaves.push_back(zeros(g.shape(), {.dtype = g.dtype()}));
    leaves.back().set_grad(g.detach().clone());
  }
  return leaves;
}

/// A layer with one parameter, two matrices long; `as_is` false names it.
const std::string& parameter(const std::string& name, bool as_is) {
  static const std::string weight = "weight";
  return as_is ? name : weight;
}
nn::Linear layer() { return nn::Linear(3, 3); }

struct Shifted : parametrize::Parametrization {
  explicit Shifted(Tensor by) : shift(std::move(by)) {}
  Tensor forward(const Tensor& x) override { return x + shift; }
  Tensor shift;
};

prune::Amount amount(double fraction, Size count, bool counts) {
  return counts ? prune::Amount(count) : prune::Amount(fraction);
}

nn::BatchNorm1d norm(Size channels, bool training) {
  nn::BatchNorm1d bn(channels < 0 || channels > 9 ? 3 : channels);
  bn.train(training);
  return bn;
}

}  // namespace

std::vector<Row> utils_rows() {
  return {
      row("ParameterTensors::ParameterTensors",
          [](const Module& m, Loc loc) { return utils::ParameterTensors(m, loc).tensors; }),
      row("ParameterTensors::ParameterTensors", [](const Tensors& t) { return utils::ParameterTensors(t).tensors; }),
      row("ParameterTensors::ParameterTensors",
          [](const Tensor& a, const Tensor& b) { return utils::ParameterTensors({a, b}).tensors; }),
      row("get_total_norm", utils::get_total_norm),
      row("clip_grad_norm_", [](const Tensors& grads, double max_norm, const utils::ClipGradNormOptions& o,
                                Loc loc) { return utils::clip_grad_norm_(with_gradients(grads), max_norm, o, loc); }),
      row("clip_grads_with_norm_",
          [](const Tensors& grads, double max_norm, const Tensor& total, Loc loc) {
            utils::clip_grads_with_norm_(with_gradients(grads), max_norm, total, loc);
          }),
      row("clip_grad_value_", [](const Tensors& grads, double limit,
                                 Loc loc) { utils::clip_grad_value_(with_gradients(grads), limit, loc); }),
      row("parameters_to_vector", [](const Tensors& p, Loc loc) { return utils::parameters_to_vector(p, loc); }),
      row("vector_to_parameters",
          [](In vector, bool fits) {
            const Size count = fits && vector.tensor.defined() ? std::min<Size>(vector->numel(), 64) : 5;
            utils::vector_to_parameters(vector, {zeros({count})});
          }),
      // ---- parametrizations
      row("Parametrization::compute", [](const Tensors& originals) { return Shifted(zeros({1})).compute(originals); }),
      row("Parametrization::right_inverse",
          [](const Tensor& value) { return Shifted(zeros({1})).right_inverse(value); }),
      row("register_parametrization",
          [](const std::string& name, bool as_is, const Tensor& shift, bool unsafe, Loc loc) {
            nn::Linear m = layer();
            parametrize::register_parametrization(m, parameter(name, as_is), Shifted(shift), unsafe, loc);
          }),
      row("register_parametrization",
          [](std::unique_ptr<Module> rule, bool unsafe, Loc loc) {
            nn::Linear m = layer();
            parametrize::register_parametrization(m, "weight", std::move(rule), unsafe, loc);
          }),
      row("is_parametrized",
          [](const Module& m, const std::string& name, Loc loc) { (void)parametrize::is_parametrized(m, name, loc); }),
      row("remove_parametrizations",
          [](const std::string& name, bool as_is, bool keep, bool several, Loc loc) {
            nn::Linear m = layer();
            if (several)
              parametrizations::weight_norm(m);
            else
              parametrize::register_parametrization(m, "weight", Shifted(zeros({1})));
            parametrize::remove_parametrizations(m, parameter(name, as_is), keep, loc);
          }),
      row("Cached::Cached", [](Module& m, Loc loc) { const parametrize::Cached cached(m, loc); }),
      row("weight_norm",
          [](const std::string& name, bool as_is, Dim dim, In x, Loc loc) {
            nn::Linear m = layer();
            parametrizations::weight_norm(m, parameter(name, as_is), dim, loc);
            return m(x);
          }),
      row("weight_norm",
          [](const std::string& name, bool as_is, Dim dim, In x, Loc loc) {
            nn::Linear m = layer();
            utils::weight_norm(m, parameter(name, as_is), dim, loc);
            return m(x);
          }),
      row("spectral_norm",
          [](const std::string& name, bool as_is, Dim dim, double eps, bool none, In x, Loc loc) {
            nn::Linear m = layer();
            parametrizations::spectral_norm(m, parameter(name, as_is), {none ? 0 : 1, eps, dim}, loc);
            return m(x);
          }),
      row("spectral_norm",
          [](const std::string& name, bool as_is, Dim dim, double eps, bool none, In x, Loc loc) {
            nn::Linear m = layer();
            utils::spectral_norm(m, parameter(name, as_is), {none ? 0 : 1, eps, dim}, loc);
            return m(x);
          }),
      row("remove_weight_norm",
          [](const std::string& name, bool as_is, Loc loc) {
            nn::Linear m = layer();
            utils::weight_norm(m);
            utils::remove_weight_norm(m, parameter(name, as_is), loc);
          }),
      row("remove_spectral_norm",
          [](const std::string& name, bool as_is, Loc loc) {
            nn::Linear m = layer();
            utils::spectral_norm(m);
            utils::remove_spectral_norm(m, parameter(name, as_is), loc);
          }),
      // ---- pruning
      row("Amount::Amount",
          [](Size count, Loc loc) {
            nn::Linear m = layer();
            prune::l1_unstructured(m, "weight", count, {}, loc);
          }),
      row("Amount::Amount",
          [](double part, Loc loc) {
            nn::Linear m = layer();
            prune::l1_unstructured(m, "weight", part, {}, loc);
          }),
      row("identity",
          [](const std::string& name, bool as_is, Loc loc) {
            nn::Linear m = layer();
            prune::identity(m, parameter(name, as_is), loc);
          }),
      row("l1_unstructured",
          [](const std::string& name, bool as_is, double part, Size n, bool counts, const Tensor& scores, Loc loc) {
            nn::Linear m = layer();
            prune::l1_unstructured(m, parameter(name, as_is), amount(part, n, counts), scores, loc);
          }),
      row("random_unstructured",
          [](const std::string& name, bool as_is, double part, Size n, bool counts, Loc loc) {
            nn::Linear m = layer();
            prune::random_unstructured(m, parameter(name, as_is), amount(part, n, counts), loc);
          }),
      row("ln_structured",
          [](const std::string& name, bool as_is, Size n, double order, Size dim, const Tensor& scores, Loc loc) {
            nn::Linear m = layer();
            prune::ln_structured(m, parameter(name, as_is), n, order, dim, scores, loc);
          }),
      row("random_structured",
          [](const std::string& name, bool as_is, double part, Size dim, Loc loc) {
            nn::Linear m = layer();
            prune::random_structured(m, parameter(name, as_is), part, dim, loc);
          }),
      row("custom_from_mask",
          [](const std::string& name, bool as_is, const Tensor& mask, Loc loc) {
            nn::Linear m = layer();
            prune::custom_from_mask(m, parameter(name, as_is), mask, loc);
          }),
      row("global_unstructured",
          [](const std::string& name, bool as_is, double part, Size n, bool counts, bool random, bool null, Loc loc) {
            nn::Linear a = layer(), b = layer();
            prune::global_unstructured({{&a, "weight"}, {null ? nullptr : &b, parameter(name, as_is)}},
                                       random ? prune::Method::random_unstructured : prune::Method::l1_unstructured,
                                       amount(part, n, counts), loc);
          }),
      row("remove",
          [](const std::string& name, bool as_is, Loc loc) {
            nn::Linear m = layer();
            prune::identity(m, "weight");
            prune::remove(m, parameter(name, as_is), loc);
          }),
      row("is_pruned", [](const Module& m, Loc loc) { (void)prune::is_pruned(m, loc); }),
      // ---- fused layers
      row("fuse_conv_bn_eval",
          [](Size channels, bool conv_trains, bool norm_trains, Loc loc) {
            nn::Conv1d conv(2, 3, 2);
            conv.train(conv_trains);
            return utils::fuse_conv_bn_eval(conv, norm(channels, norm_trains), loc).weight.detach();
          }),
      row("fuse_linear_bn_eval",
          [](Size channels, bool linear_trains, bool norm_trains, Loc loc) {
            nn::Linear linear(2, 3);
            linear.train(linear_trains);
            return utils::fuse_linear_bn_eval(linear, norm(channels, norm_trains), loc).weight.detach();
          }),
      row("ConvModule::options", [] { (void)nn::Conv1d(1, 1, 1).options(); }),
      row("ConvTransposeModule::options", [] { (void)nn::ConvTranspose1d(1, 1, 1).options(); }),
      row("BatchNormModule::options", [] { (void)nn::BatchNorm1d(1).options(); }),
  };
}

}  // namespace misuse
