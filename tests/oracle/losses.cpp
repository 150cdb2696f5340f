#include <tuple>
#include <type_traits>

#include "oracle/check.h"
#include "oracle/module_support.h"
#include "slope/autograd/ops/ops.h"
#include "slope/nn/losses/losses.h"
#include "support/loss_options.h"

// Losses, each as a function and as a module.

using namespace slope;
namespace F = slope::nn::functional;
using oracle::Arguments;
using oracle::Forms;
using oracle::Record;
using oracle::Tensors;

namespace {

nn::DistanceFunction distance_named(const std::string& name) {
  if (name == "l1_sum") return [](const Tensor& a, const Tensor& b) { return abs(a - b).sum(-1); };
  if (name == "squared_l2") return [](const Tensor& a, const Tensor& b) { return square(a - b).sum(-1); };
  if (name == "one_minus_cosine")
    return [](const Tensor& a, const Tensor& b) { return 1.0 - F::cosine_similarity(a, b, {.dim = -1}); };
  if (name == "default") return {};
  throw std::runtime_error("unknown distance: " + name);
}

/// Options of a loss from a record. Tensors among the options come with the inputs.
template <class Options>
Options options_of(const Record& r, const Arguments& in) {
  Options o;
  tests::each_loss_option(o, [&]<class T>(const char* name, T& option) {
    if constexpr (std::is_same_v<T, Tensor>) {
      option = in.get(name);
    } else if constexpr (std::is_same_v<T, double>) {
      option = r.real(name, option);
    } else if constexpr (std::is_same_v<T, bool>) {
      option = r.flag(name, option);
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
      option = r.integer(name, option);
    } else if constexpr (std::is_same_v<T, nn::DistanceFunction>) {
      option = distance_named(r.word(name, "default"));
    } else {
      static_assert(std::is_same_v<T, nn::ReductionOption>);
      if (r.has(name)) option = r.word(name, "mean");
    }
  });
  return o;
}

/// A loss called with the inputs of these names, "input" and "target" unless said otherwise.
template <class Options, class Module, auto function, class... Names>
Forms loss(Names... names) {
  if constexpr (sizeof...(names) == 0)
    return loss<Options, Module, function>("input", "target");
  else
    return {oracle::function_form([=](const Record& r, const Arguments& in) {
              const std::tuple inputs{in.at(names)...};
              const Options o = options_of<Options>(r, in);
              return Tensors{{"", std::apply([&](const auto&... t) { return function(t..., o); }, inputs)}};
            }),
            oracle::module_form([=](const Record& r, const Arguments& in) {
              oracle::check_class<Module>(r);
              const std::tuple inputs{in.at(names)...};
              Module m(options_of<Options>(r, in));
              return Tensors{{"", std::apply([&](const auto&... t) { return m(t...); }, inputs)}};
            })};
}

/// The variance is an input or an option.
Forms gaussian_nll() {
  const auto call = [](const Record& r, const Arguments& in, auto&& loss) {
    const Tensor x = in.at("input"), t = in.at("target");
    const Operand var = r.has("var") ? Operand(r.real("var", 1)) : Operand(in.at("var"));
    const nn::GaussianNLLLossOptions o = options_of<nn::GaussianNLLLossOptions>(r, in);
    return Tensors{{"", loss(x, t, var, o)}};
  };
  return {oracle::function_form([=](const Record& r, const Arguments& in) {
            return call(r, in, [](const Tensor& x, const Tensor& t, const Operand& var, const auto& o) {
              return F::gaussian_nll_loss(x, t, var, o);
            });
          }),
          oracle::module_form([=](const Record& r, const Arguments& in) {
            oracle::check_class<nn::GaussianNLLLoss>(r);
            return call(r, in, [](const Tensor& x, const Tensor& t, const Operand& var, const auto& o) {
              nn::GaussianNLLLoss m(o);
              return m(x, t, var);
            });
          })};
}

Forms arcface() {
  return {oracle::function_form([](const Record& r, const Arguments& in) {
            const Tensor x = in.at("input"), weight = in.at("weight"), target = in.at("target");
            return Tensors{{"", F::arcface_loss(x, weight, target, options_of<nn::ArcFaceLossOptions>(r, in))}};
          }),
          oracle::module_form([](const Record& r, const Arguments& in) {
            oracle::check_class<nn::ArcFaceLoss>(r);
            const Tensor x = in.at("input"), weight = in.at("weight"), target = in.at("target");
            nn::ArcFaceLoss m(weight.size(1), weight.size(0), options_of<nn::ArcFaceLossOptions>(r, in));
            oracle::set_up(m, r, in, {{"weight", &m.weight}});
            return Tensors{{"", m(x, target)}};
          })};
}

/// The module of a record with its parameters, made for each call.
template <class Call>
oracle::Form adaptive(Call call) {
  return oracle::module_form([call](const Record& r, const Arguments& in) {
    oracle::check_class<nn::AdaptiveLogSoftmaxWithLoss>(r);
    const Tensor x = in.get("input"), target = in.get("target");
    const std::int64_t features = r.integer("in_features", 0), classes = r.integer("n_classes", 0);
    const std::vector<std::int64_t> cutoffs = r.integers("cutoffs");
    const auto o = options_of<nn::AdaptiveLogSoftmaxWithLossOptions>(r, in);
    nn::AdaptiveLogSoftmaxWithLoss m(features, classes, cutoffs, o);
    std::map<std::string, nn::Parameter*> parameters = {{"head.weight", &m.head.weight}};
    if (o.head_bias) parameters["head.bias"] = &m.head.bias;
    for (std::size_t i = 0; i < m.tail.size(); ++i)
      for (int k = 0; k < 2; ++k)
        parameters[concat("tail.", i, ".", k, ".weight")] = &m.tail.at<nn::Sequential>(i).at<nn::Linear>(k).weight;
    oracle::set_up(m, r, in, parameters);
    return call(m, x, target);
  });
}
Forms adaptive_loss() {
  return {adaptive([](nn::AdaptiveLogSoftmaxWithLoss& m, const Tensor& x, const Tensor& target) {
    auto [output, loss] = m(x, target);
    return Tensors{{"output", output}, {"loss", loss}};
  })};
}
Forms adaptive_log_prob() {
  return {adaptive(
      [](nn::AdaptiveLogSoftmaxWithLoss& m, const Tensor& x, const Tensor&) { return Tensors{{"", m.log_prob(x)}}; })};
}
Forms adaptive_predict() {
  return {adaptive(
      [](nn::AdaptiveLogSoftmaxWithLoss& m, const Tensor& x, const Tensor&) { return Tensors{{"", m.predict(x)}}; })};
}

}  // namespace

void oracle::add_losses(Drivers& drivers) {
  const std::map<std::string, Forms> losses = {
      {"l1_loss", loss<nn::L1LossOptions, nn::L1Loss, F::l1_loss>()},
      {"mse_loss", loss<nn::MSELossOptions, nn::MSELoss, F::mse_loss>()},
      {"smooth_l1_loss", loss<nn::SmoothL1LossOptions, nn::SmoothL1Loss, F::smooth_l1_loss>()},
      {"huber_loss", loss<nn::HuberLossOptions, nn::HuberLoss, F::huber_loss>()},
      {"poisson_nll_loss", loss<nn::PoissonNLLLossOptions, nn::PoissonNLLLoss, F::poisson_nll_loss>()},
      {"gaussian_nll_loss", gaussian_nll()},
      {"log_cosh_loss", loss<nn::LogCoshLossOptions, nn::LogCoshLoss, F::log_cosh_loss>()},
      {"quantile_loss", loss<nn::QuantileLossOptions, nn::QuantileLoss, F::quantile_loss>()},
      {"sigmoid_focal_loss", loss<nn::SigmoidFocalLossOptions, nn::SigmoidFocalLoss, F::sigmoid_focal_loss>()},
      {"kl_div", loss<nn::KLDivLossOptions, nn::KLDivLoss, F::kl_div>()},
      {"margin_ranking_loss",
       loss<nn::MarginRankingLossOptions, nn::MarginRankingLoss, F::margin_ranking_loss>("input1", "input2", "target")},
      {"hinge_embedding_loss", loss<nn::HingeEmbeddingLossOptions, nn::HingeEmbeddingLoss, F::hinge_embedding_loss>()},
      {"soft_margin_loss", loss<nn::SoftMarginLossOptions, nn::SoftMarginLoss, F::soft_margin_loss>()},
      {"binary_cross_entropy", loss<nn::BCELossOptions, nn::BCELoss, F::binary_cross_entropy>()},
      {"binary_cross_entropy_with_logits",
       loss<nn::BCEWithLogitsLossOptions, nn::BCEWithLogitsLoss, F::binary_cross_entropy_with_logits>()},
      {"focal_loss", loss<nn::FocalLossOptions, nn::FocalLoss, F::focal_loss>()},
      {"nll_loss", loss<nn::NLLLossOptions, nn::NLLLoss, F::nll_loss>()},
      {"cross_entropy", loss<nn::CrossEntropyLossOptions, nn::CrossEntropyLoss, F::cross_entropy>()},
      {"ctc_loss",
       loss<nn::CTCLossOptions, nn::CTCLoss, F::ctc_loss>("log_probs", "targets", "input_lengths", "target_lengths")},
      {"info_nce_loss", loss<nn::InfoNCELossOptions, nn::InfoNCELoss, F::info_nce_loss>("query", "key")},
      {"nt_xent_loss", loss<nn::NTXentLossOptions, nn::NTXentLoss, F::nt_xent_loss>("z1", "z2")},
      {"arcface_loss", arcface()},
      {"lovasz_hinge_loss", loss<nn::LovaszLossOptions, nn::LovaszHingeLoss, F::lovasz_hinge_loss>()},
      {"lovasz_softmax_loss", loss<nn::LovaszLossOptions, nn::LovaszSoftmaxLoss, F::lovasz_softmax_loss>()},
      {"adaptive_log_softmax_with_loss", adaptive_loss()},
      {"adaptive_log_softmax_with_loss.log_prob", adaptive_log_prob()},
      {"adaptive_log_softmax_with_loss.predict", adaptive_predict()},
      {"cosine_similarity", loss<nn::CosineSimilarityOptions, nn::CosineSimilarity, F::cosine_similarity>("x1", "x2")},
      {"cosine_embedding_loss", loss<nn::CosineEmbeddingLossOptions, nn::CosineEmbeddingLoss, F::cosine_embedding_loss>(
                                    "input1", "input2", "target")},
      {"dice_loss", loss<nn::DiceLossOptions, nn::DiceLoss, F::dice_loss>()},
      {"multi_margin_loss", loss<nn::MultiMarginLossOptions, nn::MultiMarginLoss, F::multi_margin_loss>()},
      {"multilabel_margin_loss",
       loss<nn::MultiLabelMarginLossOptions, nn::MultiLabelMarginLoss, F::multilabel_margin_loss>()},
      {"multilabel_soft_margin_loss",
       loss<nn::MultiLabelSoftMarginLossOptions, nn::MultiLabelSoftMarginLoss, F::multilabel_soft_margin_loss>()},
      {"pairwise_distance", loss<nn::PairwiseDistanceOptions, nn::PairwiseDistance, F::pairwise_distance>("x1", "x2")},
      {"triplet_margin_loss", loss<nn::TripletMarginLossOptions, nn::TripletMarginLoss, F::triplet_margin_loss>(
                                  "anchor", "positive", "negative")},
      {"triplet_margin_with_distance_loss",
       loss<nn::TripletMarginWithDistanceLossOptions, nn::TripletMarginWithDistanceLoss,
            F::triplet_margin_with_distance_loss>("anchor", "positive", "negative")},
      {"tversky_loss", loss<nn::TverskyLossOptions, nn::TverskyLoss, F::tversky_loss>()},
  };
  for (const auto& [name, forms] : losses) drivers[{"loss", name}] = forms;
}
