#include "edges/loss_calls.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/nn/losses/losses.h"
#include "support/loss_options.h"

namespace edges {

namespace F = slope::nn::functional;
namespace nn = slope::nn;

namespace {

template <class Options>
Options options_of(const Json& json, const std::string& reduction, const Tensors& in) {
  Options o;
  tests::each_loss_option(o, [&]<class T>(const char* name, T& option) {
    if constexpr (std::is_same_v<T, nn::ReductionOption>) {
      option = reduction;
    } else if constexpr (std::is_same_v<T, slope::Tensor>) {
      if (in.contains(name)) option = in.at(name);
    } else if constexpr (std::is_arithmetic_v<T>) {
      if (!json.contains(name)) return;
      const Json& value = json.at(name);
      if constexpr (std::is_same_v<T, double>)
        option = value.is_string() ? std::numeric_limits<double>::infinity() : value.get<double>();
      else
        option = value.get<T>();
    }
  });
  return o;
}

template <class Options, auto function, class... Names>
LossCall call(Names... names) {
  return [=](const Json& options, const std::string& reduction, const Tensors& in) {
    return function(in.at(names)..., options_of<Options>(options, reduction, in));
  };
}

/// The module with these tensors as its parameters; without reduction it gives ln p, not the loss.
slope::Tensor adaptive_log_softmax(const Json& options, const std::string& reduction, const Tensors& in) {
  const slope::Tensor& input = in.at("input");
  const auto o = options_of<nn::AdaptiveLogSoftmaxWithLossOptions>(options, reduction, {});
  nn::AdaptiveLogSoftmaxWithLoss m(input.size(-1), options.at("n_classes"), options.at("cutoffs"), o);
  m.to(input.dtype());
  m.head.weight.tie(in.at("head_weight"));
  for (const int i : {0, 1}) {
    auto& cluster = m.tail.at<nn::Sequential>(i);
    cluster.at<nn::Linear>(0).weight.tie(in.at("tail_" + std::to_string(i) + "_0"));
    cluster.at<nn::Linear>(1).weight.tie(in.at("tail_" + std::to_string(i) + "_1"));
  }
  auto [output, loss] = m(input, in.at("target"));
  return reduction == "none" ? slope::neg(output) : loss;
}

}  // namespace

const std::map<std::string, LossCall>& loss_calls() {
  const char *input = "input", *target = "target";
  static const std::map<std::string, LossCall> all = {
      {"l1_loss", call<nn::L1LossOptions, F::l1_loss>(input, target)},
      {"mse_loss", call<nn::MSELossOptions, F::mse_loss>(input, target)},
      {"smooth_l1_loss", call<nn::SmoothL1LossOptions, F::smooth_l1_loss>(input, target)},
      {"huber_loss", call<nn::HuberLossOptions, F::huber_loss>(input, target)},
      {"poisson_nll_loss", call<nn::PoissonNLLLossOptions, F::poisson_nll_loss>(input, target)},
      {"gaussian_nll_loss", call<nn::GaussianNLLLossOptions, F::gaussian_nll_loss>(input, target, "var")},
      {"charbonnier_loss", call<nn::CharbonnierLossOptions, F::charbonnier_loss>(input, target)},
      {"msle_loss", call<nn::MSLELossOptions, F::msle_loss>(input, target)},
      {"mape_loss", call<nn::MAPELossOptions, F::mape_loss>(input, target)},
      {"log_cosh_loss", call<nn::LogCoshLossOptions, F::log_cosh_loss>(input, target)},
      {"quantile_loss", call<nn::QuantileLossOptions, F::quantile_loss>(input, target)},
      {"binary_cross_entropy", call<nn::BCELossOptions, F::binary_cross_entropy>(input, target)},
      {"binary_cross_entropy_with_logits",
       call<nn::BCEWithLogitsLossOptions, F::binary_cross_entropy_with_logits>(input, target)},
      {"sigmoid_focal_loss", call<nn::SigmoidFocalLossOptions, F::sigmoid_focal_loss>(input, target)},
      {"focal_loss", call<nn::FocalLossOptions, F::focal_loss>(input, target)},
      {"soft_margin_loss", call<nn::SoftMarginLossOptions, F::soft_margin_loss>(input, target)},
      {"hinge_embedding_loss", call<nn::HingeEmbeddingLossOptions, F::hinge_embedding_loss>(input, target)},
      {"margin_ranking_loss", call<nn::MarginRankingLossOptions, F::margin_ranking_loss>("input1", "input2", target)},
      {"kl_div", call<nn::KLDivLossOptions, F::kl_div>(input, target)},
      {"nll_loss", call<nn::NLLLossOptions, F::nll_loss>(input, target)},
      {"cross_entropy", call<nn::CrossEntropyLossOptions, F::cross_entropy>(input, target)},
      {"sce_loss", call<nn::SCELossOptions, F::sce_loss>(input, target)},
      {"adaptive_log_softmax_with_loss", adaptive_log_softmax},
      {"generalized_box_iou_loss",
       call<nn::GeneralizedBoxIoULossOptions, F::generalized_box_iou_loss>("boxes1", "boxes2")},
      {"lovasz_hinge_loss", call<nn::LovaszLossOptions, F::lovasz_hinge_loss>(input, target)},
      {"lovasz_softmax_loss", call<nn::LovaszLossOptions, F::lovasz_softmax_loss>(input, target)},
      {"info_nce_loss", call<nn::InfoNCELossOptions, F::info_nce_loss>("query", "key")},
      {"nt_xent_loss", call<nn::NTXentLossOptions, F::nt_xent_loss>("z1", "z2")},
      {"arcface_loss", call<nn::ArcFaceLossOptions, F::arcface_loss>(input, "weight", target)},
      {"cosine_similarity", call<nn::CosineSimilarityOptions, F::cosine_similarity>("x1", "x2")},
      {"cosine_embedding_loss",
       call<nn::CosineEmbeddingLossOptions, F::cosine_embedding_loss>("input1", "input2", target)},
      {"dice_loss", call<nn::DiceLossOptions, F::dice_loss>(input, target)},
      {"tversky_loss", call<nn::TverskyLossOptions, F::tversky_loss>(input, target)},
      {"multi_margin_loss", call<nn::MultiMarginLossOptions, F::multi_margin_loss>(input, target)},
      {"multilabel_margin_loss", call<nn::MultiLabelMarginLossOptions, F::multilabel_margin_loss>(input, target)},
      {"multilabel_soft_margin_loss",
       call<nn::MultiLabelSoftMarginLossOptions, F::multilabel_soft_margin_loss>(input, target)},
      {"pairwise_distance", call<nn::PairwiseDistanceOptions, F::pairwise_distance>("x1", "x2")},
      {"triplet_margin_loss",
       call<nn::TripletMarginLossOptions, F::triplet_margin_loss>("anchor", "positive", "negative")},
      {"triplet_margin_with_distance_loss",
       call<nn::TripletMarginWithDistanceLossOptions, F::triplet_margin_with_distance_loss>("anchor", "positive",
                                                                                            "negative")},
      {"ctc_loss", call<nn::CTCLossOptions, F::ctc_loss>("log_probs", "targets", "input_lengths", "target_lengths")},
  };
  return all;
}

}  // namespace edges
