#include "misuse/row.h"

// Pooling, padding, resampling and folding.

namespace misuse {

using namespace slope;
namespace F = slope::nn::functional;

static Cases<RealArray> make_cases(Type<RealArray>) {
  Cases<RealArray> all;
  const auto add = [](auto& to, const char* text, const RealArray& a) { to.push_back({text, [a] { return a; }}); };
  add(all.plain, "{}", {});
  add(all.plain, "2", 2);
  add(all.plain, "0.5", 0.5);
  add(all.plain, "{0.5, 2}", {0.5, 2.0});
  for (const double v :
       {0.0, -1.0, 1e-320, 1e308, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
    add(all.bad, "a number out of range", v);
  add(all.bad, "nine numbers", std::vector<double>(9, 2.0));
  add(all.bad, "{1, 1e18}", {1.0, 1e18});
  return all;
}
static Cases<nn::AdaptiveSize> make_cases(Type<nn::AdaptiveSize>) {
  Cases<nn::AdaptiveSize> all;
  const auto add = [](auto& to, const char* text, const nn::AdaptiveSize& a) {
    to.push_back({text, [a] { return a; }});
  };
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                         most = std::numeric_limits<std::int64_t>::max();
  add(all.plain, "1", 1);
  add(all.plain, "2", 2);
  add(all.plain, "{none, 2}", {std::nullopt, 2});
  add(all.plain, "0", 0);
  add(all.plain, "{1, 2, 2}", {1, 2, 2});
  add(all.bad, "-1", -1);
  add(all.bad, "least", least);
  add(all.bad, "most", most);
  add(all.bad, "{most, most}", {most, most});
  add(all.bad, "{}", std::vector<std::optional<std::int64_t>>());
  add(all.bad, "2^40", std::int64_t{1} << 40);
  add(all.bad, "nine numbers", std::vector<std::optional<std::int64_t>>(9, 2));
  return all;
}

namespace {

using Size = std::int64_t;
using Loc = SourceLoc;

/// Samples that fit, or none.
Tensor samples(In x, int dims, double u, bool given) {
  return given ? full({x->dim() == dims + 2 ? x->size(0) : 1, x->size(-dims - 1), dims}, u) : Tensor();
}

struct OpenPad : nn::PadModule<1, F::PadMode::replicate> {
  OpenPad(const IntArray& padding, Scalar value, Loc loc) : PadModule(padding, value, loc) {}
};

}  // namespace

std::vector<Row> pool_rows() {
  using Indexed = nn::MaxUnpoolOptions;
  using Fractional = nn::FractionalMaxPoolOptions;
  return {
      row("RealArray::RealArray", [] { return RealArray({0.5, 1.0}).empty(); }),
      made<RealArray(std::vector<double>)>("RealArray::RealArray"),
      made<RealArray(double)>("RealArray::RealArray"),
      row("RealArray::empty", &RealArray::empty),
      row("RealArray::values", &RealArray::values),
      row("RealArray::expanded",
          [](const RealArray& a, int dims, Loc loc) { return a.expanded(dims, "op", "option", loc); }),
      made<nn::AdaptiveSize(Size)>("AdaptiveSize::AdaptiveSize"),
      row("AdaptiveSize::AdaptiveSize", [] { return nn::AdaptiveSize({1, std::nullopt}).sizes(); }),
      made<nn::AdaptiveSize(std::vector<std::optional<Size>>)>("AdaptiveSize::AdaptiveSize"),
      row("AdaptiveSize::sizes", &nn::AdaptiveSize::sizes),
      // ---- functions
      row("max_pool1d", F::max_pool1d),
      row("max_pool2d", F::max_pool2d),
      row("max_pool3d", F::max_pool3d),
      row("max_pool1d_with_indices", F::max_pool1d_with_indices),
      row("max_pool2d_with_indices", F::max_pool2d_with_indices),
      row("max_pool3d_with_indices", F::max_pool3d_with_indices),
      row("avg_pool1d", F::avg_pool1d),
      row("avg_pool2d", F::avg_pool2d),
      row("avg_pool3d", F::avg_pool3d),
      row("lp_pool1d", F::lp_pool1d),
      row("lp_pool2d", F::lp_pool2d),
      row("lp_pool3d", F::lp_pool3d),
      row("adaptive_avg_pool1d", F::adaptive_avg_pool1d),
      row("adaptive_avg_pool2d", F::adaptive_avg_pool2d),
      row("adaptive_avg_pool3d", F::adaptive_avg_pool3d),
      row("adaptive_max_pool1d", F::adaptive_max_pool1d),
      row("adaptive_max_pool2d", F::adaptive_max_pool2d),
      row("adaptive_max_pool3d", F::adaptive_max_pool3d),
      row("adaptive_max_pool1d_with_indices", F::adaptive_max_pool1d_with_indices),
      row("adaptive_max_pool2d_with_indices", F::adaptive_max_pool2d_with_indices),
      row("adaptive_max_pool3d_with_indices", F::adaptive_max_pool3d_with_indices),
      row("max_unpool1d",
          [](In x, const Tensor& indices, const IntArray& kernel, const Indexed& o, const IntArray& size, bool sized) {
            return F::max_unpool1d(x, indices, kernel, o, sized ? size : IntArray());
          }),
      // Indices of a shape that fits, or any.
      row("max_unpool2d",
          [](In x, const Tensor& indices, bool any, Size at, const IntArray& kernel, const Indexed& o,
             const IntArray& size, bool sized) {
            const Tensor same = any ? indices : full(x->shape(), at, {.dtype = int64});
            return F::max_unpool2d(x, same, kernel, o, sized ? size : IntArray());
          }),
      row("max_unpool3d",
          [](In x, const Tensor& indices, bool any, Size at, const IntArray& kernel, const Indexed& o,
             const IntArray& size, bool sized) {
            const Tensor same = any ? indices : full(x->shape(), at, {.dtype = int64});
            return F::max_unpool3d(x, same, kernel, o, sized ? size : IntArray());
          }),
      row("fractional_max_pool2d",
          [](In x, const IntArray& kernel, const Fractional& o, double u, bool given) {
            return F::fractional_max_pool2d(x, kernel, o, samples(x, 2, u, given));
          }),
      row("fractional_max_pool3d",
          [](In x, const IntArray& kernel, const Fractional& o, double u, bool given) {
            return F::fractional_max_pool3d(x, kernel, o, samples(x, 3, u, given));
          }),
      row("fractional_max_pool2d_with_indices",
          [](In x, const IntArray& kernel, const Fractional& o, double u, bool given) {
            return F::fractional_max_pool2d_with_indices(x, kernel, o, samples(x, 2, u, given));
          }),
      row("fractional_max_pool3d_with_indices",
          [](In x, const IntArray& kernel, const Fractional& o, double u, bool given) {
            return F::fractional_max_pool3d_with_indices(x, kernel, o, samples(x, 3, u, given));
          }),
      row("pad", F::pad),
      row("interpolate", F::interpolate),
      row("grid_sample",
          [](In x, const Tensor& grid, bool any, double at, F::GridSampleMode mode, F::GridPadding padding,
             bool align) {
            const Tensor same = any ? grid : full({x->size(0), 2, 2, 2}, at);
            return F::grid_sample(x, same, {mode, padding, align});
          }),
      row("affine_grid",
          [](In theta, const Shape& size, bool any, bool align) {
            return any ? F::affine_grid(theta, size, align)
                       : F::affine_grid({ones({2, 2, 3}), theta.loc}, {2, 1, 2, 3});
          }),
      row("unfold", [](In x, const IntArray& kernel, const nn::FoldOptions& o) { return F::unfold(x, kernel, o); }),
      row("fold", F::fold),
      // ---- modules
      made<nn::MaxPool1d(const IntArray&, const nn::MaxPoolOptions&)>("MaxPoolModule::MaxPoolModule"),
      row("MaxPoolModule::forward", [](In x) { return nn::MaxPool1d(2)(x); }),
      row("MaxPoolModule::forward_with_indices", [](In x) { return nn::MaxPool2d(2).forward_with_indices(x); }),
      row("MaxPoolModule::extra_repr",
          [](const IntArray& k, const nn::MaxPoolOptions& o) { return nn::MaxPool1d(k, o).extra_repr(); }),
      made<nn::AvgPool1d(const IntArray&, const nn::AvgPoolOptions&)>("AvgPoolModule::AvgPoolModule"),
      row("AvgPoolModule::forward", [](In x) { return nn::AvgPool1d(2)(x); }),
      row("AvgPoolModule::extra_repr",
          [](const IntArray& k, const nn::AvgPoolOptions& o) { return nn::AvgPool1d(k, o).extra_repr(); }),
      made<nn::LPPool1d(double, const IntArray&, const nn::LPPoolOptions&)>("LPPoolModule::LPPoolModule"),
      row("LPPoolModule::forward", [](In x) { return nn::LPPool1d(2, 2)(x); }),
      row("LPPoolModule::extra_repr",
          [](double p, const IntArray& k, const nn::LPPoolOptions& o) { return nn::LPPool1d(p, k, o).extra_repr(); }),
      made<nn::AdaptiveAvgPool1d(nn::AdaptiveSize)>("AdaptiveAvgPoolModule::AdaptiveAvgPoolModule"),
      row("AdaptiveAvgPoolModule::forward", [](In x) { return nn::AdaptiveAvgPool1d(2)(x); }),
      row("AdaptiveAvgPoolModule::extra_repr",
          [](const nn::AdaptiveSize& size) { return nn::AdaptiveAvgPool1d(size).extra_repr(); }),
      made<nn::AdaptiveMaxPool1d(nn::AdaptiveSize)>("AdaptiveMaxPoolModule::AdaptiveMaxPoolModule"),
      row("AdaptiveMaxPoolModule::forward", [](In x) { return nn::AdaptiveMaxPool1d(2)(x); }),
      row("AdaptiveMaxPoolModule::forward_with_indices",
          [](In x) { return nn::AdaptiveMaxPool2d(2).forward_with_indices(x); }),
      row("AdaptiveMaxPoolModule::extra_repr",
          [](const nn::AdaptiveSize& size) { return nn::AdaptiveMaxPool1d(size).extra_repr(); }),
      made<nn::MaxUnpool1d(const IntArray&, const Indexed&)>("MaxUnpoolModule::MaxUnpoolModule"),
      row("MaxUnpoolModule::forward", [](In x, const Tensor& indices) { return nn::MaxUnpool1d(3)(x, indices); }),
      row("MaxUnpoolModule::operator()",
          [](In x, const Tensor& indices, const IntArray& size, bool sized) {
            return nn::MaxUnpool1d(2)(x, indices, sized ? size : IntArray());
          }),
      row("MaxUnpoolModule::extra_repr",
          [](const IntArray& k, const Indexed& o) { return nn::MaxUnpool1d(k, o).extra_repr(); }),
      row("FractionalMaxPoolModule::FractionalMaxPoolModule",
          [](const IntArray& k, const Fractional& o, Loc loc) { nn::FractionalMaxPool2d(k, o, loc); }),
      row("FractionalMaxPoolModule::forward", [](In x) { return nn::FractionalMaxPool2d(2, {.output_size = 2})(x); }),
      row("FractionalMaxPoolModule::forward",
          [](In x, double u) { return nn::FractionalMaxPool2d(2, {.output_size = 2})(x, samples(x, 2, u, true)); }),
      row("FractionalMaxPoolModule::operator()",
          [](In x, double u, bool given) {
            return nn::FractionalMaxPool2d(1, {.output_ratio = 0.7})(x, samples(x, 2, u, given));
          }),
      row("FractionalMaxPoolModule::forward_with_indices",
          [](In x, double u, bool given) {
            nn::FractionalMaxPool2d pool(2, {.output_size = 2});
            return pool.forward_with_indices(x, samples(x, 2, u, given));
          }),
      row("PadModule::PadModule", [](const IntArray& p, Scalar value, Loc loc) { OpenPad(p, value, loc); }),
      row("PadModule::forward", [](In x) { return nn::ReflectionPad1d(1)(x); }),
      row("PadModule::extra_repr", [] { return nn::ReflectionPad1d(1).extra_repr(); }),
      made<nn::ZeroPad2d(const IntArray&)>("ZeroPadModule::ZeroPadModule"),
      made<nn::ConstantPad2d(const IntArray&, Scalar)>("ConstantPadModule::ConstantPadModule"),
      row("ConstantPadModule::extra_repr", [](Scalar value) { return nn::ConstantPad1d(1, value).extra_repr(); }),
      made<nn::CircularPad1d(const IntArray&)>("CopyPadModule::CopyPadModule"),
      row("Upsample::Upsample", [](const nn::InterpolateOptions& o) { nn::Upsample u(o); }),
      row("Upsample::forward", [](In x, const nn::InterpolateOptions& o) { return nn::Upsample(o)(x); }),
      row("Upsample::extra_repr", [](const nn::InterpolateOptions& o) { return nn::Upsample(o).extra_repr(); }),
      row("UpsamplingNearest2d::UpsamplingNearest2d",
          [](In x, const nn::UpsamplingOptions& o) { return nn::UpsamplingNearest2d(o)(x); }),
      row("UpsamplingBilinear2d::UpsamplingBilinear2d",
          [](In x, const nn::UpsamplingOptions& o) { return nn::UpsamplingBilinear2d(o)(x); }),
      row("Unfold::Unfold", [](const IntArray& k, const nn::FoldOptions& o) { nn::Unfold u(k, o); }),
      row("Unfold::forward", [](In x, const IntArray& k) { return nn::Unfold(k)(x); }),
      row("Unfold::extra_repr",
          [](const IntArray& k, const nn::FoldOptions& o) { return nn::Unfold(k, o).extra_repr(); }),
      row("Fold::Fold",
          [](const IntArray& size, const IntArray& k, const nn::FoldOptions& o) { nn::Fold f(size, k, o); }),
      row("Fold::forward", [](In x, const IntArray& size, const IntArray& k) { return nn::Fold(size, k)(x); }),
      row("Fold::extra_repr", [](const IntArray& size, const IntArray& k,
                                 const nn::FoldOptions& o) { return nn::Fold(size, k, o).extra_repr(); }),
  };
}

}  // namespace misuse
