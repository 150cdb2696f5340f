#include "oracle/function_support.h"
#include "oracle/module_support.h"
#include "slope/autograd/ops/ops.h"
#include "slope/nn/functional.h"

// Activations, each as a function and as a module.

using namespace slope;
using oracle::Arguments;
using oracle::Forms;
using oracle::Record;
using oracle::Tensors;

namespace {

/// A module made by `make(record)`, applied to "input".
template <class Module, class Make>
oracle::Form module_of(Make make) {
  return oracle::module_form([make](const Record& r, const Arguments& in) {
    oracle::check_class<Module>(r);
    const Tensor x = in.at("input");
    Module m = make(r);
    return Tensors{{"", m(x)}};
  });
}

template <class Module, class F>
Forms plain(F function) {
  return {oracle::function_form(unary([=](const Record&, const Tensor& x) { return function(x); })),
          module_of<Module>([](const Record&) { return Module(); })};
}
template <class Module, class F>
Forms along(F function) {
  return {
      oracle::function_form(unary([=](const Record& r, const Tensor& x) { return function(x, r.integer("dim", -1)); })),
      module_of<Module>([](const Record& r) { return Module(r.integer("dim", -1)); })};
}
/// With options: `read(record)` gives them, `call(x, options)` is the function.
template <class Module, class Read, class Call>
Forms with_options(Read read, Call call) {
  return {oracle::function_form(unary([=](const Record& r, const Tensor& x) { return call(x, read(r)); })),
          module_of<Module>([=](const Record& r) { return Module(read(r)); })};
}
#define PLAIN(Module, function) {#function, plain<nn::Module>([](const Tensor& x) { return slope::function(x); })}
#define ALONG(Module, function) \
  {#function, along<nn::Module>([](const Tensor& x, std::int64_t dim) { return slope::function(x, dim); })}

GeluApproximation approximation(const std::string& name) {
  if (name == "tanh") return GeluApproximation::tanh;
  if (name == "none") return GeluApproximation::none;
  throw std::runtime_error("unknown approximation: " + name);
}

Forms prelu_forms() {
  return {oracle::function_form([](const Record& r, const Arguments& in) {
            const Tensor x = in.at("input"), weight = in.at("weight");
            if (r.integer("num_parameters", 1) != weight.numel()) throw std::runtime_error("num_parameters and weight");
            return Tensors{{"", prelu(x, weight)}};
          }),
          oracle::module_form([](const Record& r, const Arguments& in) {
            oracle::check_class<nn::PReLU>(r);
            const Tensor x = in.at("input");
            nn::PReLU m(r.integer("num_parameters", 1));
            oracle::set_up(m, r, in, {{"weight", &m.weight}});
            return Tensors{{"", m(x)}};
          })};
}

}  // namespace

void oracle::add_activations(Drivers& drivers) {
  const std::map<std::string, Forms> all = {
      PLAIN(ReLU, relu),
      PLAIN(ReLU6, relu6),
      PLAIN(SELU, selu),
      PLAIN(SiLU, silu),
      PLAIN(Mish, mish),
      PLAIN(Sigmoid, sigmoid),
      PLAIN(LogSigmoid, logsigmoid),
      PLAIN(Tanh, tanh),
      PLAIN(Hardsigmoid, hardsigmoid),
      PLAIN(Hardswish, hardswish),
      PLAIN(Softsign, softsign),
      PLAIN(Tanhshrink, tanhshrink),
      ALONG(Softmax, softmax),
      ALONG(LogSoftmax, log_softmax),
      ALONG(Softmin, softmin),
      ALONG(GLU, glu),
      {"leaky_relu",
       with_options<nn::LeakyReLU>([](const Record& r) { return nn::LeakyReLUOptions{r.real("negative_slope", 0.01)}; },
                                   [](const Tensor& x, const auto& o) { return leaky_relu(x, o.negative_slope); })},
      {"elu", with_options<nn::ELU>([](const Record& r) { return nn::ELUOptions{r.real("alpha", 1)}; },
                                    [](const Tensor& x, const auto& o) { return elu(x, o.alpha); })},
      {"celu", with_options<nn::CELU>([](const Record& r) { return nn::CELUOptions{r.real("alpha", 1)}; },
                                      [](const Tensor& x, const auto& o) { return celu(x, o.alpha); })},
      {"gelu", with_options<nn::GELU>(
                   [](const Record& r) { return nn::GELUOptions{approximation(r.word("approximate", "none"))}; },
                   [](const Tensor& x, const auto& o) { return gelu(x, o.approximate); })},
      {"hardtanh", with_options<nn::Hardtanh>(
                       [](const Record& r) { return nn::HardtanhOptions{r.real("min_val", -1), r.real("max_val", 1)}; },
                       [](const Tensor& x, const auto& o) { return hardtanh(x, o.min_val, o.max_val); })},
      {"softplus", with_options<nn::Softplus>(
                       [](const Record& r) { return nn::SoftplusOptions{r.real("beta", 1), r.real("threshold", 20)}; },
                       [](const Tensor& x, const auto& o) { return softplus(x, o.beta, o.threshold); })},
      {"softshrink",
       with_options<nn::Softshrink>([](const Record& r) { return nn::SoftshrinkOptions{r.real("lambda", 0.5)}; },
                                    [](const Tensor& x, const auto& o) { return softshrink(x, o.lambda); })},
      {"hardshrink",
       with_options<nn::Hardshrink>([](const Record& r) { return nn::HardshrinkOptions{r.real("lambda", 0.5)}; },
                                    [](const Tensor& x, const auto& o) { return hardshrink(x, o.lambda); })},
      {"threshold",
       with_options<nn::Threshold>(
           [](const Record& r) { return nn::ThresholdOptions{r.real("threshold", 0), r.real("value", 0)}; },
           [](const Tensor& x, const auto& o) { return threshold(x, o.threshold, o.value); })},
      {"prelu", prelu_forms()},
  };
  for (const auto& [name, forms] : all) drivers[{"activation", name}] = forms;
}
