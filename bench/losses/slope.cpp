// slope's own losses.
#include <map>
#include <memory>
#include <stdexcept>
#include <string_view>

#include "slope.h"

using namespace slope;

namespace bench {

namespace {

using Tensors = std::vector<Tensor>;
using Loss = Tensor (*)(const Tensors&);

const std::map<std::string_view, Loss>& losses() {
  static const std::map<std::string_view, Loss> all = {
      {"mse_loss", [](const Tensors& in) { return F::mse_loss(in[0], in[1]); }},
      {"l1_loss", [](const Tensors& in) { return F::l1_loss(in[0], in[1]); }},
      {"smooth_l1_loss", [](const Tensors& in) { return F::smooth_l1_loss(in[0], in[1]); }},
      {"huber_loss", [](const Tensors& in) { return F::huber_loss(in[0], in[1]); }},
      {"poisson_nll_loss", [](const Tensors& in) { return F::poisson_nll_loss(in[0], in[1]); }},
      {"gaussian_nll_loss", [](const Tensors& in) { return F::gaussian_nll_loss(in[0], in[1], in[2]); }},
      {"log_cosh_loss", [](const Tensors& in) { return F::log_cosh_loss(in[0], in[1]); }},
      {"quantile_loss", [](const Tensors& in) { return F::quantile_loss(in[0], in[1], {.q = 0.9}); }},
      {"binary_cross_entropy", [](const Tensors& in) { return F::binary_cross_entropy(in[0], in[1]); }},
      {"binary_cross_entropy_with_logits",
       [](const Tensors& in) { return F::binary_cross_entropy_with_logits(in[0], in[1]); }},
      {"binary_cross_entropy_with_logits_pos_weight",
       [](const Tensors& in) { return F::binary_cross_entropy_with_logits(in[0], in[1], {.pos_weight = in[2]}); }},
      {"sigmoid_focal_loss",
       [](const Tensors& in) { return F::sigmoid_focal_loss(in[0], in[1], {.reduction = Reduction::mean}); }},
      {"focal_loss", [](const Tensors& in) { return F::focal_loss(in[0], in[1]); }},
      {"kl_div", [](const Tensors& in) { return F::kl_div(in[0], in[1], {.reduction = Reduction::batchmean}); }},
      {"soft_margin_loss", [](const Tensors& in) { return F::soft_margin_loss(in[0], in[1]); }},
      {"hinge_embedding_loss", [](const Tensors& in) { return F::hinge_embedding_loss(in[0], in[1]); }},
      {"margin_ranking_loss", [](const Tensors& in) { return F::margin_ranking_loss(in[0], in[1], in[2]); }},
      {"charbonnier_loss", [](const Tensors& in) { return F::charbonnier_loss(in[0], in[1]); }},
      {"msle_loss", [](const Tensors& in) { return F::msle_loss(in[0], in[1]); }},
      {"mape_loss", [](const Tensors& in) { return F::mape_loss(in[0], in[1]); }},
      {"dice_loss", [](const Tensors& in) { return F::dice_loss(in[0], in[1]); }},
      {"tversky_loss", [](const Tensors& in) { return F::tversky_loss(in[0], in[1]); }},
      {"nll_loss", [](const Tensors& in) { return F::nll_loss(in[0], in[1]); }},
      {"cross_entropy", [](const Tensors& in) { return F::cross_entropy(in[0], in[1]); }},
      {"cross_entropy_weight", [](const Tensors& in) { return F::cross_entropy(in[0], in[1], {.weight = in[2]}); }},
      {"cross_entropy_smoothing",
       [](const Tensors& in) { return F::cross_entropy(in[0], in[1], {.label_smoothing = 0.1}); }},
      {"cross_entropy_probabilities", [](const Tensors& in) { return F::cross_entropy(in[0], in[1]); }},
      {"multi_margin_loss", [](const Tensors& in) { return F::multi_margin_loss(in[0], in[1]); }},
      {"multilabel_margin_loss", [](const Tensors& in) { return F::multilabel_margin_loss(in[0], in[1]); }},
      {"multilabel_soft_margin_loss", [](const Tensors& in) { return F::multilabel_soft_margin_loss(in[0], in[1]); }},
      {"cosine_similarity", [](const Tensors& in) { return F::cosine_similarity(in[0], in[1]).sum(); }},
      {"cosine_embedding_loss", [](const Tensors& in) { return F::cosine_embedding_loss(in[0], in[1], in[2]); }},
      {"pairwise_distance", [](const Tensors& in) { return F::pairwise_distance(in[0], in[1]).sum(); }},
      {"triplet_margin_loss", [](const Tensors& in) { return F::triplet_margin_loss(in[0], in[1], in[2]); }},
      {"triplet_margin_with_distance_loss",
       [](const Tensors& in) { return F::triplet_margin_with_distance_loss(in[0], in[1], in[2]); }},
      {"info_nce_loss", [](const Tensors& in) { return F::info_nce_loss(in[0], in[1]); }},
      {"nt_xent_loss", [](const Tensors& in) { return F::nt_xent_loss(in[0], in[1]); }},
      {"sce_loss", [](const Tensors& in) { return F::sce_loss(in[0], in[1]); }},
      {"lovasz_hinge_loss", [](const Tensors& in) { return F::lovasz_hinge_loss(in[0], in[1]); }},
      {"lovasz_softmax_loss", [](const Tensors& in) { return F::lovasz_softmax_loss(in[0], in[1]); }},
      {"arcface_loss", [](const Tensors& in) { return F::arcface_loss(in[0], in[1], in[2]); }},
      {"generalized_box_iou_loss",
       [](const Tensors& in) { return F::generalized_box_iou_loss(in[0], in[1], {.reduction = Reduction::mean}); }},
      {"ctc_loss",
       [](const Tensors& in) {
         const auto rows = static_cast<std::size_t>(in[1].size(0));
         return F::ctc_loss(in[0], in[1], std::vector<std::int64_t>(rows, sequence_steps),
                            std::vector<std::int64_t>(rows, sequence_labels));
       }},
  };
  return all;
}

Tensor to_tensor(const Data& d, DType dtype) {
  return d.integers.empty() ? tensor(d.floats).to(dtype).reshape(d.shape) : tensor(d.integers).reshape(d.shape);
}

constexpr std::string_view with_module = "adaptive_log_softmax_with_loss";

/// The loss that is a module with parameters.
Work adaptive_log_softmax(const LossCase& c) {
  Inputs inputs = slope_inputs(c);
  const auto module = std::make_shared<nn::AdaptiveLogSoftmaxWithLoss>(
      c.size.columns, vocabulary_classes,
      std::vector<std::int64_t>(std::begin(vocabulary_cutoffs), std::end(vocabulary_cutoffs)));
  module->to(inputs.in[0].dtype());
  const std::vector<Tensor> parameters = module->parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    NoGradGuard no_grad;
    parameters[i].copy_(tensor(parameter(parameters[i].numel(), i)).reshape(parameters[i].shape()));
    inputs.leaves.push_back(parameters[i]);
  }
  return slope_loss([module, in = inputs.in] { return (*module)(in[0], in[1]).loss; }, inputs.leaves, c.backward);
}

}  // namespace

Inputs slope_inputs(const LossCase& c) {
  Inputs inputs;
  for (std::size_t i = 0; i < c.row.inputs.size(); ++i) {
    inputs.in.push_back(to_tensor(make_data(c.row, c.size, i), c.wide ? float64 : float32));
    if (static_cast<int>(i) < c.row.differentiated) inputs.leaves.push_back(inputs.in.back().requires_grad_());
  }
  return inputs;
}

const Contestant built_in = {
    .name = "slope",
    .has = [](const LossRow& row) { return row.name == with_module || losses().contains(row.name); },
    .prepare =
        [](const LossCase& c) {
          if (c.row.name == with_module) return adaptive_log_softmax(c);
          const Inputs inputs = slope_inputs(c);
          return slope_loss([loss = losses().at(c.row.name), in = inputs.in] { return loss(in); }, inputs.leaves,
                            c.backward);
        },
    .set_threads = [](int n) { set_num_threads(n); },
};

}  // namespace bench
