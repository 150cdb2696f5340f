#include "misuse/row.h"

namespace misuse {

using namespace slope;
namespace F = slope::nn::functional;

namespace {

using Size = std::int64_t;
using Sizes = std::vector<Size>;

nn::AdaptiveLogSoftmaxWithLoss adaptive() { return nn::AdaptiveLogSoftmaxWithLoss(3, 3, {1, 2}); }

/// A loss as a module: made with the options, then called.
template <class Loss, class Options>
Row loss_module(std::string name, SourceLoc loc = SourceLoc::here()) {
  return row(std::move(name), [](const Options& options, In x, const Tensor& y) { return Loss(options)(x, y); }, loc);
}

}  // namespace

std::vector<Row> loss_rows() {
  return {
      row<Tensor(In, const Tensor&, const nn::BCELossOptions&)>("binary_cross_entropy", F::binary_cross_entropy),
      row<Tensor(In, const Tensor&)>("binary_cross_entropy", slope::binary_cross_entropy),
      row("binary_cross_entropy_with_logits", F::binary_cross_entropy_with_logits),
      row("dice_loss", F::dice_loss),
      row("focal_loss", F::focal_loss),
      row("hinge_embedding_loss", F::hinge_embedding_loss),
      row("sigmoid_focal_loss", F::sigmoid_focal_loss),
      row("soft_margin_loss", F::soft_margin_loss),
      row("tversky_loss", F::tversky_loss),
      row("arcface_loss", F::arcface_loss),
      row("cross_entropy", F::cross_entropy),
      row("kl_div", F::kl_div),
      row("lovasz_hinge_loss", F::lovasz_hinge_loss),
      row("lovasz_softmax_loss", F::lovasz_softmax_loss),
      row("multi_margin_loss", F::multi_margin_loss),
      row("multilabel_margin_loss", F::multilabel_margin_loss),
      row("multilabel_soft_margin_loss", F::multilabel_soft_margin_loss),
      row("nll_loss", F::nll_loss),
      row("sce_loss", F::sce_loss),
      row("cosine_embedding_loss", F::cosine_embedding_loss),
      row("cosine_similarity", F::cosine_similarity),
      row("info_nce_loss", F::info_nce_loss),
      row("margin_ranking_loss", F::margin_ranking_loss),
      row("nt_xent_loss", F::nt_xent_loss),
      row("pairwise_distance", F::pairwise_distance),
      row("triplet_margin_loss", F::triplet_margin_loss),
      row("triplet_margin_with_distance_loss", F::triplet_margin_with_distance_loss),
      row("charbonnier_loss", F::charbonnier_loss),
      row("gaussian_nll_loss", F::gaussian_nll_loss),
      row("generalized_box_iou_loss", F::generalized_box_iou_loss),
      row("huber_loss", F::huber_loss),
      row("l1_loss", F::l1_loss),
      row("log_cosh_loss", F::log_cosh_loss),
      row("mape_loss", F::mape_loss),
      row("mse_loss", F::mse_loss),
      row("msle_loss", F::msle_loss),
      row("poisson_nll_loss", F::poisson_nll_loss),
      row("quantile_loss", F::quantile_loss),
      row("smooth_l1_loss", F::smooth_l1_loss),
      row("ctc_loss", F::ctc_loss),
      made<nn::AdaptiveLogSoftmaxWithLoss(Size, Size, Sizes, nn::AdaptiveLogSoftmaxWithLossOptions)>(
          "AdaptiveLogSoftmaxWithLoss::AdaptiveLogSoftmaxWithLoss"),
      row("AdaptiveLogSoftmaxWithLoss::forward", [](In x, const Tensor& t) { return adaptive()(x, t).loss; }),
      row("AdaptiveLogSoftmaxWithLoss::operator()", [](In x, const Tensor& t) { return adaptive()(x, t).output; }),
      row("AdaptiveLogSoftmaxWithLoss::log_prob", [](In x) { return adaptive().log_prob(x); }),
      row("AdaptiveLogSoftmaxWithLoss::predict", [](In x) { return adaptive().predict(x); }),
      row("AdaptiveLogSoftmaxWithLoss::extra_repr", [] { return adaptive().extra_repr(); }),
      made<nn::ArcFaceLoss(Size, Size, nn::ArcFaceLossOptions)>("ArcFaceLoss::ArcFaceLoss"),
      row("ArcFaceLoss::forward", [](In x, const Tensor& t) { return nn::ArcFaceLoss(3, 3)(x, t); }),
      row("ArcFaceLoss::operator()", [](In x, const Tensor& t) { return nn::ArcFaceLoss(3, 3)(x, t); }),
      row("ArcFaceLoss::options", [] { return nn::ArcFaceLoss(3, 3).options().margin; }),
      loss_module<nn::BCELoss, nn::BCELossOptions>("LossModule::LossModule"),
      loss_module<nn::CrossEntropyLoss, nn::CrossEntropyLossOptions>("LossModule::forward"),
      row("LossModule::operator()", [](const nn::TripletMarginLossOptions& o, In a, const Tensor& p,
                                       const Tensor& n) { return nn::TripletMarginLoss(o)(a, p, n); }),
      row("LossModule::options", [](const nn::BCELossOptions& o) { return nn::BCELoss(o).options().weight; }),
      made<nn::Lengths(Tensor)>("Lengths::Lengths"),
      made<nn::Lengths(Sizes)>("Lengths::Lengths"),
      row("Lengths::Lengths", [](Size a, Size b) { return nn::Lengths({a, b}); }),
      made<nn::Lengths(Size)>("Lengths::Lengths"),
      row("Lengths::values", [](const nn::Lengths& l, SourceLoc loc) { return l.values("a call", "lengths", loc); }),
      made<nn::ReductionOption(Reduction)>("ReductionOption::ReductionOption"),
      row("ReductionOption::ReductionOption", [] { return nn::ReductionOption("sum"); }),
      made<nn::ReductionOption(std::string)>("ReductionOption::ReductionOption"),
      row("ReductionOption::operatorReduction", [](const nn::ReductionOption& r) { return Reduction(r); }),
      row("ReductionOption::of", [](const nn::ReductionOption& r, SourceLoc loc) { return r.of("a call", loc); }),
  };
}

}  // namespace misuse
