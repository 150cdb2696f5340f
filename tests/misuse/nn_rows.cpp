#include "misuse/row.h"

namespace misuse {

using namespace slope;
namespace F = slope::nn::functional;

namespace {
using Size = std::int64_t;
using Tensors = std::vector<Tensor>;

/// `t` with dimensions of size 1 put in; only a matrix, so that what is bad stays bad.
Tensor lifted(const Tensor& t, std::initializer_list<Size> at) {
  Tensor r = t;
  if (t.defined() && t.dim() == 2)
    for (const Size d : at) r = r.unsqueeze(d);
  return r;
}
/// What is optional: left out unless it is a vector, so that a call that succeeds is found.
Tensor vector_or_none(const Tensor& t) { return t.defined() && t.dim() == 1 ? t : Tensor(); }
/// A matrix as an image of one channel, or as a kernel that gives three.
template <int dims, class F>
auto convolution(F f) {
  return [f](In x, const Tensor& weight, const Tensor& bias, const nn::ConvOptions& o) {
    const Tensor image = dims == 1 ? x.tensor : dims == 2 ? lifted(x.tensor, {0}) : lifted(x.tensor, {0, 0});
    const Tensor kernel = dims == 1   ? lifted(weight, {2})
                          : dims == 2 ? lifted(weight, {1, 3})
                                      : lifted(weight, {1, 1, 4});
    return f({image, x.loc}, kernel, bias, o);
  };
}
template <int dims, class F>
auto transposed(F f) {
  return [f](In x, const Tensor& weight, const Tensor& bias, const nn::ConvTransposeOptions& o) {
    const Tensor image = dims == 1 ? x.tensor : dims == 2 ? lifted(x.tensor, {0}) : lifted(x.tensor, {0, 0});
    const Tensor kernel = dims == 1   ? lifted(weight, {2})
                          : dims == 2 ? lifted(weight, {0, 3})
                                      : lifted(weight, {0, 2, 4});
    return f({image, x.loc}, kernel, bias, o);
  };
}
template <class Module, class Options>
Tensor weight_of(Size in, Size out, const IntArray& kernel, const Options& o, SourceLoc loc) {
  return Module(in, out, kernel, o, loc).weight;
}
}  // namespace

// A layer's forward() is what its call runs, and the call names the line.
std::vector<Row> nn_rows() {
  return {
      row("normalize", F::normalize),
      row("fans", nn::init::fans),
      row("calculate_gain", nn::init::calculate_gain),
      row("uniform_", nn::init::uniform_),
      row("normal_", nn::init::normal_),
      row("trunc_normal_", nn::init::trunc_normal_),
      row("constant_", nn::init::constant_),
      row("zeros_", nn::init::zeros_),
      row("ones_", nn::init::ones_),
      row("eye_", nn::init::eye_),
      row("dirac_", nn::init::dirac_),
      row("xavier_uniform_", nn::init::xavier_uniform_),
      row("xavier_normal_", nn::init::xavier_normal_),
      row("kaiming_uniform_", nn::init::kaiming_uniform_),
      row("kaiming_normal_", nn::init::kaiming_normal_),
      row("orthogonal_", nn::init::orthogonal_),
      row("sparse_", nn::init::sparse_),
      row("PlainActivation::forward", [](In x) { return nn::ReLU()(x); }),
      made<nn::LeakyReLU(nn::LeakyReLUOptions)>("LeakyReLU::LeakyReLU"),
      made<nn::LeakyReLU(double)>("LeakyReLU::LeakyReLU"),
      row("LeakyReLU::forward", [](In x) { return nn::LeakyReLU()(x); }),
      row("LeakyReLU::extra_repr", [] { return nn::LeakyReLU().extra_repr(); }),
      made<nn::ELU(nn::ELUOptions)>("ELU::ELU"),
      made<nn::ELU(double)>("ELU::ELU"),
      row("ELU::forward", [](In x) { return nn::ELU()(x); }),
      row("ELU::extra_repr", [] { return nn::ELU().extra_repr(); }),
      made<nn::CELU(nn::CELUOptions)>("CELU::CELU"),
      made<nn::CELU(double)>("CELU::CELU"),
      row("CELU::forward", [](In x) { return nn::CELU()(x); }),
      row("CELU::extra_repr", [] { return nn::CELU().extra_repr(); }),
      made<nn::Hardtanh(nn::HardtanhOptions)>("Hardtanh::Hardtanh"),
      made<nn::Hardtanh(double, double)>("Hardtanh::Hardtanh"),
      row("Hardtanh::forward", [](In x) { return nn::Hardtanh()(x); }),
      row("Hardtanh::extra_repr", [] { return nn::Hardtanh().extra_repr(); }),
      made<nn::GELU(nn::GELUOptions)>("GELU::GELU"),
      made<nn::GELU(std::string_view)>("GELU::GELU"),
      row("GELU::forward", [](In x) { return nn::GELU()(x); }),
      row("GELU::extra_repr", [] { return nn::GELU().extra_repr(); }),
      made<nn::Softplus(nn::SoftplusOptions)>("Softplus::Softplus"),
      made<nn::Softplus(double, double)>("Softplus::Softplus"),
      row("Softplus::forward", [](In x) { return nn::Softplus()(x); }),
      row("Softplus::extra_repr", [] { return nn::Softplus().extra_repr(); }),
      made<nn::Softshrink(nn::SoftshrinkOptions)>("Softshrink::Softshrink"),
      made<nn::Softshrink(double)>("Softshrink::Softshrink"),
      row("Softshrink::forward", [](In x) { return nn::Softshrink()(x); }),
      row("Softshrink::extra_repr", [] { return nn::Softshrink().extra_repr(); }),
      made<nn::Hardshrink(nn::HardshrinkOptions)>("Hardshrink::Hardshrink"),
      made<nn::Hardshrink(double)>("Hardshrink::Hardshrink"),
      row("Hardshrink::forward", [](In x) { return nn::Hardshrink()(x); }),
      row("Hardshrink::extra_repr", [] { return nn::Hardshrink().extra_repr(); }),
      made<nn::Threshold(nn::ThresholdOptions)>("Threshold::Threshold"),
      made<nn::Threshold(double, double)>("Threshold::Threshold"),
      row("Threshold::forward", [](In x) { return nn::Threshold(0.5, 0.0)(x); }),
      row("Threshold::extra_repr", [] { return nn::Threshold(0.5, 0.0).extra_repr(); }),
      made<nn::Softmax(nn::DimOptions)>("DimActivation::DimActivation"),
      made<nn::Softmax(Size)>("DimActivation::DimActivation"),
      row("DimActivation::extra_repr", [] { return nn::Softmax(0).extra_repr(); }),
      row("Softmax::forward", [](In x) { return nn::Softmax(0)(x); }),
      row("LogSoftmax::forward", [](In x) { return nn::LogSoftmax(0)(x); }),
      row("Softmin::forward", [](In x) { return nn::Softmin(0)(x); }),
      made<nn::GLU()>("GLU::GLU"),
      row("GLU::forward", [](In x) { return nn::GLU()(x); }),
      made<nn::PReLU(nn::PReLUOptions)>("PReLU::PReLU"),
      made<nn::PReLU(Size)>("PReLU::PReLU"),
      row("PReLU::forward", [](In x) { return nn::PReLU()(x); }),
      row("PReLU::extra_repr", [] { return nn::PReLU().extra_repr(); }),
      made<nn::RReLU(nn::RReLUOptions)>("RReLU::RReLU"),
      made<nn::RReLU(double, double)>("RReLU::RReLU"),
      row("RReLU::forward", [](In x) { return nn::RReLU()(x); }),
      row("RReLU::extra_repr", [] { return nn::RReLU().extra_repr(); }),
      row("rrelu", F::rrelu),
      row("dropout", F::dropout),
      row("dropout1d", F::dropout1d),
      row("dropout2d", F::dropout2d),
      row("dropout3d", F::dropout3d),
      row("alpha_dropout", F::alpha_dropout),
      made<nn::Dropout(nn::DropoutOptions)>("DropoutModule::DropoutModule"),
      made<nn::Dropout(double)>("DropoutModule::DropoutModule"),
      row("DropoutModule::forward", [](In x) { return nn::Dropout()(x); }),
      row("DropoutModule::extra_repr", [] { return nn::Dropout().extra_repr(); }),
      row("embedding", F::embedding),
      row("embedding_bag",
          [](In x, const Tensor& weight, const Tensor& offsets, const Tensor& weights, nn::EmbeddingBagOptions o) {
            if (o.mode == "mean") o.mode = "sum";
            return F::embedding_bag(x, weight, vector_or_none(offsets), vector_or_none(weights), o);
          }),
      row("EmbeddingBag::EmbeddingBag", [](Size rows, Size size, const nn::EmbeddingBagOptions& o,
                                           SourceLoc loc) { return nn::EmbeddingBag(rows, size, o, loc).weight; }),
      row("EmbeddingBag::from_pretrained",
          [](const Tensor& rows, bool freeze, const nn::EmbeddingBagOptions& o, SourceLoc loc) {
            return nn::EmbeddingBag::from_pretrained(rows, freeze, o, loc).weight;
          }),
      row("EmbeddingBag::forward", [](In x) { return nn::EmbeddingBag(3, 3)(x); }),
      row("EmbeddingBag::forward", [](In x) { return nn::EmbeddingBag(3, 3)(x, tensor({0, 1})); }),
      row("EmbeddingBag::operator()",
          [](In x, const Tensor& offsets, const Tensor& weights) {
            return nn::EmbeddingBag(3, 3, {.mode = "sum"})(x, vector_or_none(offsets), vector_or_none(weights));
          }),
      row("EmbeddingBag::extra_repr", [] { return nn::EmbeddingBag(3, 3).extra_repr(); }),
      row("one_hot", F::one_hot),
      row("Embedding::Embedding", [](Size rows, Size size, const nn::EmbeddingOptions& o,
                                     SourceLoc loc) { return nn::Embedding(rows, size, o, loc).weight; }),
      row("Embedding::from_pretrained",
          [](const Tensor& rows, bool freeze, const nn::EmbeddingOptions& o, SourceLoc loc) {
            return nn::Embedding::from_pretrained(rows, freeze, o, loc).weight;
          }),
      row("Embedding::forward", [](In x) { return nn::Embedding(3, 3)(x); }),
      row("Embedding::extra_repr", [] { return nn::Embedding(3, 3).extra_repr(); }),
      row("bilinear", F::bilinear),
      made<nn::Linear(Size, Size, nn::LinearOptions)>("Linear::Linear"),
      row("Linear::forward", [](In x) { return nn::Linear(3, 3)(x); }),
      row("Linear::extra_repr", [] { return nn::Linear(3, 3).extra_repr(); }),
      row("Linear::macs", [](const Shape& output) { return nn::Linear(3, 3).macs(output); }),
      made<nn::Bilinear(Size, Size, Size, nn::LinearOptions)>("Bilinear::Bilinear"),
      row("Bilinear::forward", [](In x, const Tensor& y) { return nn::Bilinear(3, 3, 3)(x, y); }),
      row("Bilinear::operator()", [](In x, const Tensor& y) { return nn::Bilinear(3, 3, 3)(x, y); }),
      row("Bilinear::extra_repr", [] { return nn::Bilinear(3, 3, 3).extra_repr(); }),
      row("Bilinear::macs", [](const Shape& output) { return nn::Bilinear(3, 3, 3).macs(output); }),
      row("conv1d", convolution<1>(F::conv1d)),
      row("conv2d", convolution<2>(F::conv2d)),
      row("conv3d", convolution<3>(F::conv3d)),
      row("conv_transpose1d", transposed<1>(F::conv_transpose1d)),
      row("conv_transpose2d", transposed<2>(F::conv_transpose2d)),
      row("conv_transpose3d", transposed<3>(F::conv_transpose3d)),
      row("ConvModule::ConvModule", weight_of<nn::Conv2d, nn::ConvOptions>),
      row("Conv1d::Conv1d", weight_of<nn::Conv1d, nn::ConvOptions>),
      row("Conv2d::Conv2d", weight_of<nn::Conv2d, nn::ConvOptions>),
      row("Conv3d::Conv3d", weight_of<nn::Conv3d, nn::ConvOptions>),
      row("ConvModule::forward", [](In x) { return nn::Conv1d(2, 3, 2)(x); }),
      row("ConvModule::extra_repr", [](const nn::ConvOptions& o) { return nn::Conv2d(2, 2, 1, o).extra_repr(); }),
      row("ConvModule::macs", [](const Shape& output) { return nn::Conv2d(2, 2, 1).macs(output); }),
      row("ConvTransposeModule::ConvTransposeModule", weight_of<nn::ConvTranspose2d, nn::ConvTransposeOptions>),
      row("ConvTranspose1d::ConvTranspose1d", weight_of<nn::ConvTranspose1d, nn::ConvTransposeOptions>),
      row("ConvTranspose2d::ConvTranspose2d", weight_of<nn::ConvTranspose2d, nn::ConvTransposeOptions>),
      row("ConvTranspose3d::ConvTranspose3d", weight_of<nn::ConvTranspose3d, nn::ConvTransposeOptions>),
      row("ConvTransposeModule::forward", [](In x) { return nn::ConvTranspose1d(2, 3, 2)(x); }),
      row("ConvTransposeModule::forward",
          [](In x, std::int64_t length) { return nn::ConvTranspose1d(3, 3, 1)(x, Shape{length}); }),
      row("ConvTransposeModule::operator()", [](In x) { return nn::ConvTranspose1d(2, 3, 2)(x); }),
      row("ConvTransposeModule::operator()",
          [](In x, const Shape& size) { return nn::ConvTranspose1d(3, 3, 1)(x, size); }),
      row("ConvTransposeModule::extra_repr",
          [](const nn::ConvTransposeOptions& o) { return nn::ConvTranspose2d(2, 2, 1, o).extra_repr(); }),
      row("ConvTransposeModule::macs", [](const Shape& output) { return nn::ConvTranspose2d(2, 2, 1).macs(output); }),
      row("ConvPadding::ConvPadding", [](const std::string& word) { return nn::ConvPadding(word).word(); }),
      row("ConvPadding::ConvPadding", [](const std::string& word) { return nn::ConvPadding(word.c_str()).word(); }),
      row("ConvPadding::word", [] { return nn::ConvPadding("same").word(); }),
      row("IntArray::IntArray", [](const Shape& s) { return IntArray(s); }),
      row("IntArray::IntArray", [](Size n) { return IntArray(n); }),
      row("IntArray::expanded",
          [](const IntArray& n, SourceLoc loc) { return n.expanded(2, "conv2d", "stride", loc); }),
      row("Identity::Identity", [] { return nn::Identity(1, 2.0); }),
      row("Identity::forward", [](In x) { return nn::Identity()(x); }),
      made<nn::Flatten(nn::FlattenOptions)>("Flatten::Flatten"),
      made<nn::Flatten(Size, Size)>("Flatten::Flatten"),
      row("Flatten::forward", [](In x) { return nn::Flatten(0)(x); }),
      row("Flatten::extra_repr", [] { return nn::Flatten(0).extra_repr(); }),
      made<nn::Unflatten(Size, const Shape&)>("Unflatten::Unflatten"),
      row("Unflatten::forward", [](In x) { return nn::Unflatten(1, Shape{3, 1})(x); }),
      row("Unflatten::extra_repr", [] { return nn::Unflatten(1, Shape{3, 1}).extra_repr(); }),
      row("without_bias", nn::without_bias),
      row<Tensor(const Tensors&, double, SourceLoc)>("l1_penalty", nn::l1_penalty),
      row<Tensor(const nn::Module&, double, const nn::ParameterFilter&, SourceLoc)>("l1_penalty", nn::l1_penalty),
      row<Tensor(const Tensors&, double, SourceLoc)>("l2_penalty", nn::l2_penalty),
      row<Tensor(const nn::Module&, double, const nn::ParameterFilter&, SourceLoc)>("l2_penalty", nn::l2_penalty),
      row<Tensor(const Tensors&, double, double, SourceLoc)>("elastic_net_penalty", nn::elastic_net_penalty),
      row<Tensor(const nn::Module&, double, double, const nn::ParameterFilter&, SourceLoc)>("elastic_net_penalty",
                                                                                            nn::elastic_net_penalty),
      row<Tensor(const Tensors&, double, nn::LassoGroup, SourceLoc)>("group_lasso_penalty", nn::group_lasso_penalty),
      row<Tensor(const nn::Module&, double, const nn::ParameterFilter&, nn::LassoGroup, SourceLoc)>(
          "group_lasso_penalty", nn::group_lasso_penalty),
      row<Tensor(const Tensors&, double, SourceLoc)>("orthogonality_penalty", nn::orthogonality_penalty),
      row<Tensor(const nn::Module&, double, const nn::ParameterFilter&, SourceLoc)>("orthogonality_penalty",
                                                                                    nn::orthogonality_penalty),
  };
}

}  // namespace misuse
