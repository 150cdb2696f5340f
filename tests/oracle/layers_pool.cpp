#include "oracle/function_support.h"
#include "oracle/module_support.h"
#include "slope/nn/nn.h"

// Pooling, padding, resampling and folding, as modules and as functions.

using namespace slope;
using oracle::Arguments;
using oracle::Record;
using oracle::Tensors;
namespace F = slope::nn::functional;

namespace {

// ---- options

/// An integer or a list of them; empty where there is none.
IntArray sizes(const Record& r, const char* option) {
  if (!r.has(option)) return {};
  if (!r.json().at("options").at(option).is_array()) return r.integer(option, 0);
  return Shape(r.integers(option));
}
IntArray sizes(const Record& r, const char* option, std::int64_t otherwise) {
  return r.has(option) ? sizes(r, option) : IntArray(otherwise);
}
RealArray reals(const Record& r, const char* option) {
  if (!r.has(option)) return {};
  if (!r.json().at("options").at(option).is_array()) return r.real(option, 0);
  std::vector<double> all;
  const oracle::Value list = r.at("options").at(option);
  for (std::size_t i = 0; i < list.size(); ++i) all.push_back(list.at(i).real());
  return all;
}
nn::AdaptiveSize adaptive(const Record& r) {
  if (!r.json().at("options").at("output_size").is_array()) return r.integer("output_size", 0);
  std::vector<std::optional<std::int64_t>> all;
  const oracle::Value list = r.at("options").at("output_size");
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list.at(i).is_null())
      all.emplace_back();
    else
      all.emplace_back(list.at(i).integer());
  }
  return all;
}

nn::MaxPoolOptions max_pool_options(const Record& r) {
  return {.stride = sizes(r, "stride"),
          .padding = sizes(r, "padding", 0),
          .dilation = sizes(r, "dilation", 1),
          .ceil_mode = r.flag("ceil_mode", false)};
}
nn::AvgPoolOptions avg_pool_options(const Record& r) {
  nn::AvgPoolOptions o{.stride = sizes(r, "stride"),
                       .padding = sizes(r, "padding", 0),
                       .ceil_mode = r.flag("ceil_mode", false),
                       .count_include_pad = r.flag("count_include_pad", true)};
  if (r.has("divisor_override")) o.divisor_override = r.integer("divisor_override", 0);
  return o;
}
nn::LPPoolOptions lp_pool_options(const Record& r) {
  return {.stride = sizes(r, "stride"), .ceil_mode = r.flag("ceil_mode", false)};
}
nn::FoldOptions fold_options(const Record& r) {
  return {.dilation = sizes(r, "dilation", 1), .padding = sizes(r, "padding", 0), .stride = sizes(r, "stride", 1)};
}

template <class Enum>
Enum named(const std::string& name, const std::map<std::string, Enum>& all) {
  const auto found = all.find(name);
  if (found == all.end()) throw ValueError("there is no mode " + name, SourceLoc::here());
  return found->second;
}
F::PadMode pad_mode(const std::string& name) {
  using enum F::PadMode;
  return named<F::PadMode>(
      name, {{"constant", constant}, {"reflect", reflect}, {"replicate", replicate}, {"circular", circular}});
}
F::InterpolateOptions interpolate_options(const Record& r) {
  F::InterpolateOptions o{.size = sizes(r, "size"), .scale_factor = reals(r, "scale_factor")};
  if (r.has("align_corners")) o.align_corners = r.flag("align_corners", false);
  if (r.has("recompute_scale_factor")) o.recompute_scale_factor = r.flag("recompute_scale_factor", false);
  o.antialias = r.flag("antialias", false);
  using enum F::InterpolateMode;
  o.mode = named<F::InterpolateMode>(r.word("mode", "nearest"), {{"nearest", nearest},
                                                                 {"nearest-exact", nearest_exact},
                                                                 {"linear", linear},
                                                                 {"bilinear", bilinear},
                                                                 {"bicubic", bicubic},
                                                                 {"trilinear", trilinear},
                                                                 {"area", area}});
  return o;
}
F::GridSampleOptions grid_options(const Record& r) {
  F::GridSampleOptions o;
  o.align_corners = r.flag("align_corners", false);
  o.padding_mode = named<F::GridPadding>(r.word("padding_mode", "zeros"), {{"zeros", F::GridPadding::zeros},
                                                                           {"border", F::GridPadding::border},
                                                                           {"reflection", F::GridPadding::reflection}});
  o.mode = named<F::GridSampleMode>(r.word("mode", "bilinear"), {{"bilinear", F::GridSampleMode::bilinear},
                                                                 {"nearest", F::GridSampleMode::nearest},
                                                                 {"bicubic", F::GridSampleMode::bicubic}});
  return o;
}

// ---- modules

/// A module of one input, made by `make(record)`.
template <class Module, class Make>
oracle::Forms module(Make make) {
  return {oracle::module_form([=](const Record& r, const Arguments& in) {
    oracle::check_class<Module>(r);
    const Tensor x = in.get("input");
    Module m = make(r);
    oracle::set_up(m, r, in, {});
    return Tensors{{"", m(x)}};
  })};
}

/// What a call gives that may be asked for indices.
template <class Plain, class Both>
Tensors with_indices(const Record& r, const Plain& plain, const Both& both) {
  if (!r.flag("return_indices", false)) return {{"", plain()}};
  const auto [y, places] = both();
  return {{"output", y}, {"indices", places}};
}
template <class Module, class Make>
oracle::Forms picking_module(Make make) {
  return {oracle::module_form([=](const Record& r, const Arguments& in) {
    oracle::check_class<Module>(r);
    const Tensor x = in.get("input");
    const bool wanted = r.flag("return_indices", false);
    Module m = make(r);
    oracle::set_up(m, r, in, {});
    (void)wanted;
    return with_indices(r, [&] { return m(x); }, [&] { return m.forward_with_indices(x); });
  })};
}

template <class Module>
oracle::Forms max_pool() {
  return picking_module<Module>([](const Record& r) {
    const auto o = max_pool_options(r);
    return Module(sizes(r, "kernel_size"), o);
  });
}
template <class Module>
oracle::Forms avg_pool() {
  return module<Module>([](const Record& r) { return Module(sizes(r, "kernel_size"), avg_pool_options(r)); });
}
template <class Module>
oracle::Forms lp_pool() {
  return module<Module>(
      [](const Record& r) { return Module(r.real("norm_type", 2), sizes(r, "kernel_size"), lp_pool_options(r)); });
}
template <class Module>
oracle::Forms adaptive_avg_pool() {
  return module<Module>([](const Record& r) { return Module(adaptive(r)); });
}
template <class Module>
oracle::Forms adaptive_max_pool() {
  return picking_module<Module>([](const Record& r) { return Module(adaptive(r)); });
}
template <class Module>
oracle::Forms fractional_max_pool() {
  return {oracle::module_form([](const Record& r, const Arguments& in) {
    oracle::check_class<Module>(r);
    const Tensor x = in.get("input"), samples = in.get("random_samples");
    const nn::FractionalMaxPoolOptions o{.output_size = sizes(r, "output_size"),
                                         .output_ratio = reals(r, "output_ratio")};
    const IntArray kernel = sizes(r, "kernel_size");
    const bool wanted = r.flag("return_indices", false);
    (void)wanted;
    Module m(kernel, o);
    oracle::set_up(m, r, in, {});
    return with_indices(r, [&] { return m(x, samples); }, [&] { return m.forward_with_indices(x, samples); });
  })};
}
template <class Module>
oracle::Forms max_unpool() {
  return {oracle::module_form([](const Record& r, const Arguments& in) {
    oracle::check_class<Module>(r);
    const Tensor x = in.at("input"), indices = in.at("indices");
    const nn::MaxUnpoolOptions o{.stride = sizes(r, "stride"), .padding = sizes(r, "padding", 0)};
    const IntArray kernel = sizes(r, "kernel_size");
    const IntArray size = r.contains("call") ? IntArray(Shape(r.at("call").at("output_size").integers())) : IntArray();
    Module m(kernel, o);
    oracle::set_up(m, r, in, {});
    return Tensors{{"", m(x, indices, size)}};
  })};
}
template <class Module>
oracle::Forms pad() {
  return module<Module>([](const Record& r) { return Module(sizes(r, "padding")); });
}
template <class Module>
oracle::Forms constant_pad() {
  return module<Module>([](const Record& r) {
    const IntArray padding = sizes(r, "padding");
    return Module(padding, r.real("value", 0));
  });
}
template <class Module>
oracle::Forms upsampling() {
  return module<Module>(
      [](const Record& r) { return Module({.size = sizes(r, "size"), .scale_factor = reals(r, "scale_factor")}); });
}

template <class Plain, class Both>
oracle::Function picking(Plain plain, Both both) {
  return [=](const Record& r, const Arguments& in) {
    const Tensor x = in.at("input");
    const IntArray kernel = sizes(r, "kernel_size");
    const nn::MaxPoolOptions o = max_pool_options(r);
    return with_indices(r, [&] { return plain(x, kernel, o); }, [&] { return both(x, kernel, o); });
  };
}
template <class Pool>
oracle::Function averaging(Pool f) {
  return unary([f](const Record& r, const Tensor& x) {
    const IntArray kernel = sizes(r, "kernel_size");
    return f(x, kernel, avg_pool_options(r));
  });
}

}  // namespace

void oracle::add_pool_layers(Drivers& drivers) {
  const std::map<std::string, Forms> modules = {
      {"MaxPool1d", max_pool<nn::MaxPool1d>()},
      {"MaxPool2d", max_pool<nn::MaxPool2d>()},
      {"MaxPool3d", max_pool<nn::MaxPool3d>()},
      {"AvgPool1d", avg_pool<nn::AvgPool1d>()},
      {"AvgPool2d", avg_pool<nn::AvgPool2d>()},
      {"AvgPool3d", avg_pool<nn::AvgPool3d>()},
      {"LPPool1d", lp_pool<nn::LPPool1d>()},
      {"LPPool2d", lp_pool<nn::LPPool2d>()},
      {"LPPool3d", lp_pool<nn::LPPool3d>()},
      {"AdaptiveAvgPool1d", adaptive_avg_pool<nn::AdaptiveAvgPool1d>()},
      {"AdaptiveAvgPool2d", adaptive_avg_pool<nn::AdaptiveAvgPool2d>()},
      {"AdaptiveAvgPool3d", adaptive_avg_pool<nn::AdaptiveAvgPool3d>()},
      {"AdaptiveMaxPool1d", adaptive_max_pool<nn::AdaptiveMaxPool1d>()},
      {"AdaptiveMaxPool2d", adaptive_max_pool<nn::AdaptiveMaxPool2d>()},
      {"AdaptiveMaxPool3d", adaptive_max_pool<nn::AdaptiveMaxPool3d>()},
      {"FractionalMaxPool2d", fractional_max_pool<nn::FractionalMaxPool2d>()},
      {"FractionalMaxPool3d", fractional_max_pool<nn::FractionalMaxPool3d>()},
      {"MaxUnpool1d", max_unpool<nn::MaxUnpool1d>()},
      {"MaxUnpool2d", max_unpool<nn::MaxUnpool2d>()},
      {"MaxUnpool3d", max_unpool<nn::MaxUnpool3d>()},
      {"ZeroPad1d", pad<nn::ZeroPad1d>()},
      {"ZeroPad2d", pad<nn::ZeroPad2d>()},
      {"ZeroPad3d", pad<nn::ZeroPad3d>()},
      {"ConstantPad1d", constant_pad<nn::ConstantPad1d>()},
      {"ConstantPad2d", constant_pad<nn::ConstantPad2d>()},
      {"ConstantPad3d", constant_pad<nn::ConstantPad3d>()},
      {"ReflectionPad1d", pad<nn::ReflectionPad1d>()},
      {"ReflectionPad2d", pad<nn::ReflectionPad2d>()},
      {"ReflectionPad3d", pad<nn::ReflectionPad3d>()},
      {"ReplicationPad1d", pad<nn::ReplicationPad1d>()},
      {"ReplicationPad2d", pad<nn::ReplicationPad2d>()},
      {"ReplicationPad3d", pad<nn::ReplicationPad3d>()},
      {"CircularPad1d", pad<nn::CircularPad1d>()},
      {"CircularPad2d", pad<nn::CircularPad2d>()},
      {"CircularPad3d", pad<nn::CircularPad3d>()},
      {"Upsample", module<nn::Upsample>([](const Record& r) { return nn::Upsample(interpolate_options(r)); })},
      {"UpsamplingNearest2d", upsampling<nn::UpsamplingNearest2d>()},
      {"UpsamplingBilinear2d", upsampling<nn::UpsamplingBilinear2d>()},
      {"Unfold", module<nn::Unfold>([](const Record& r) {
         const IntArray kernel = sizes(r, "kernel_size");
         return nn::Unfold(kernel, fold_options(r));
       })},
      {"Fold", module<nn::Fold>([](const Record& r) {
         const IntArray size = sizes(r, "output_size"), kernel = sizes(r, "kernel_size");
         return nn::Fold(size, kernel, fold_options(r));
       })},
  };
  for (const auto& [name, forms] : modules) drivers[{"module", name}] = forms;

  const std::map<std::string, Function> functions = {
      {"max_pool1d", picking(F::max_pool1d, F::max_pool1d_with_indices)},
      {"max_pool2d", picking(F::max_pool2d, F::max_pool2d_with_indices)},
      {"max_pool3d", picking(F::max_pool3d, F::max_pool3d_with_indices)},
      {"avg_pool1d", averaging(F::avg_pool1d)},
      {"avg_pool2d", averaging(F::avg_pool2d)},
      {"avg_pool3d", averaging(F::avg_pool3d)},
      {"lp_pool2d", unary([](const Record& r, const Tensor& x) {
         const double p = r.real("norm_type", 2);
         const IntArray kernel = sizes(r, "kernel_size");
         return F::lp_pool2d(x, p, kernel, lp_pool_options(r));
       })},
      {"adaptive_avg_pool2d",
       unary([](const Record& r, const Tensor& x) { return F::adaptive_avg_pool2d(x, adaptive(r)); })},
      {"adaptive_max_pool2d",
       [](const Record& r, const Arguments& in) {
         const Tensor x = in.at("input");
         const nn::AdaptiveSize size = adaptive(r);
         return with_indices(
             r, [&] { return F::adaptive_max_pool2d(x, size); },
             [&] { return F::adaptive_max_pool2d_with_indices(x, size); });
       }},
      {"pad", unary([](const Record& r, const Tensor& x) {
         const std::vector<std::int64_t> pads = r.integers("pad");
         F::PadOptions o;
         if (r.has("value")) o.value = r.real("value", 0);
         o.mode = pad_mode(r.word("mode", "constant"));
         return F::pad(x, pads, o);
       })},
      {"interpolate",
       unary([](const Record& r, const Tensor& x) { return F::interpolate(x, interpolate_options(r)); })},
      {"grid_sample", binary([](const Record& r, const Tensor& x,
                                const Tensor& grid) { return F::grid_sample(x, grid, grid_options(r)); },
                             "input", "grid")},
      {"affine_grid",
       [](const Record& r, const Arguments& in) {
         const Tensor theta = in.at("theta");
         const Shape size(r.integers("size"));
         return Tensors{{"", F::affine_grid(theta, size, r.flag("align_corners", false))}};
       }},
  };
  for (const auto& [name, function] : functions) drivers[{"functional", name}] = {function_form(function)};
}
