#include "oracle/module_support.h"
#include "oracle/window_options.h"
#include "slope/nn/nn.h"

// Convolutions, as modules and as functions.

using namespace slope;
using oracle::Arguments;
using oracle::Record;
using oracle::Tensors;

namespace {

nn::ConvOptions conv_options(const Record& r) {
  nn::ConvOptions o;
  o.stride = oracle::numbers(r, "stride", 1);
  if (r.has("padding") && r.json().at("options").at("padding").is_string())
    o.padding = r.word("padding", "");
  else
    o.padding = Shape(oracle::numbers(r, "padding", 0));
  o.dilation = oracle::numbers(r, "dilation", 1);
  o.groups = r.integer("groups", 1);
  o.bias = r.flag("bias", true);
  o.padding_mode = r.word("padding_mode", "zeros");
  return o;
}

nn::ConvTransposeOptions transpose_options(const Record& r) {
  nn::ConvTransposeOptions o;
  o.stride = oracle::numbers(r, "stride", 1);
  o.padding = oracle::numbers(r, "padding", 0);
  o.output_padding = oracle::numbers(r, "output_padding", 0);
  o.groups = r.integer("groups", 1);
  o.bias = r.flag("bias", true);
  o.dilation = oracle::numbers(r, "dilation", 1);
  o.padding_mode = r.word("padding_mode", "zeros");
  return o;
}

template <class Module, class Options>
oracle::Forms module(Options (*options)(const Record&)) {
  return {oracle::module_form([options](const Record& r, const Arguments& in) {
    oracle::check_class<Module>(r);
    const Tensor x = in.get("input");
    const std::int64_t from = r.integer("in_channels", 0), to = r.integer("out_channels", 0);
    const IntArray kernel = oracle::numbers(r, "kernel_size", 1);
    Shape size;
    if (r.contains("call")) size = r.at("call").at("output_size").integers();
    Module m(from, to, kernel, options(r));
    std::map<std::string, nn::Parameter*> parameters = {{"weight", &m.weight}};
    if (m.bias.defined()) parameters["bias"] = &m.bias;
    oracle::set_up(m, r, in, parameters);
    if constexpr (std::is_base_of_v<nn::ConvTransposeModule, Module>)
      if (!size.empty()) return Tensors{{"", m(x, size)}};
    return Tensors{{"", m(x)}};
  })};
}

template <class Options, class F>
oracle::Forms function(F f, Options (*options)(const Record&)) {
  return {oracle::function_form([=](const Record& r, const Arguments& in) {
    const Tensor x = in.at("input"), weight = in.at("weight"), bias = in.get("bias");
    return Tensors{{"", f(x, weight, bias, options(r))}};
  })};
}

}  // namespace

void oracle::add_convolutions(Drivers& drivers) {
  drivers[{"module", "Conv1d"}] = module<nn::Conv1d>(conv_options);
  drivers[{"module", "Conv2d"}] = module<nn::Conv2d>(conv_options);
  drivers[{"module", "Conv3d"}] = module<nn::Conv3d>(conv_options);
  drivers[{"module", "ConvTranspose1d"}] = module<nn::ConvTranspose1d>(transpose_options);
  drivers[{"module", "ConvTranspose2d"}] = module<nn::ConvTranspose2d>(transpose_options);
  drivers[{"module", "ConvTranspose3d"}] = module<nn::ConvTranspose3d>(transpose_options);
  drivers[{"functional", "conv1d"}] = function(F::conv1d, conv_options);
  drivers[{"functional", "conv2d"}] = function(F::conv2d, conv_options);
  drivers[{"functional", "conv3d"}] = function(F::conv3d, conv_options);
  drivers[{"functional", "conv_transpose1d"}] = function(F::conv_transpose1d, transpose_options);
  drivers[{"functional", "conv_transpose2d"}] = function(F::conv_transpose2d, transpose_options);
  drivers[{"functional", "conv_transpose3d"}] = function(F::conv_transpose3d, transpose_options);
}
