#include "harness.h"
#include "losses.h"
#include "torch_data.h"

namespace F = torch::nn::functional;
using torch::Tensor;

namespace {

using Inputs = std::vector<Tensor>;
using Loss = Tensor (*)(const Inputs&);

// Where libtorch has no such loss, what one writes with it.
const std::map<std::string, Loss>& losses() {
  static const std::map<std::string, Loss> all = {
      {"mse_loss", [](const Inputs& in) { return F::mse_loss(in[0], in[1]); }},
      {"l1_loss", [](const Inputs& in) { return F::l1_loss(in[0], in[1]); }},
      {"smooth_l1_loss", [](const Inputs& in) { return F::smooth_l1_loss(in[0], in[1]); }},
      {"huber_loss", [](const Inputs& in) { return F::huber_loss(in[0], in[1]); }},
      {"poisson_nll_loss", [](const Inputs& in) { return F::poisson_nll_loss(in[0], in[1]); }},
      {"gaussian_nll_loss",
       [](const Inputs& in) {
         const Tensor var = in[2].clamp_min(1e-6);
         return (0.5 * (var.log() + (in[0] - in[1]).pow(2) / var)).mean();
       }},
      {"log_cosh_loss",
       [](const Inputs& in) {
         const Tensor d = in[0] - in[1];
         return (d + F::softplus(-2.0 * d) - std::log(2.0)).mean();
       }},
      {"quantile_loss",
       [](const Inputs& in) {
         const Tensor u = in[1] - in[0];
         return torch::max(0.9 * u, -0.1 * u).mean();
       }},
      {"binary_cross_entropy", [](const Inputs& in) { return F::binary_cross_entropy(in[0], in[1]); }},
      {"binary_cross_entropy_with_logits",
       [](const Inputs& in) { return F::binary_cross_entropy_with_logits(in[0], in[1]); }},
      {"binary_cross_entropy_with_logits_pos_weight",
       [](const Inputs& in) {
         return F::binary_cross_entropy_with_logits(in[0], in[1],
                                                    F::BinaryCrossEntropyWithLogitsFuncOptions().pos_weight(in[2]));
       }},
      {"sigmoid_focal_loss",
       [](const Inputs& in) {
         const Tensor p = in[0].sigmoid();
         const Tensor ce = F::binary_cross_entropy_with_logits(
             in[0], in[1], F::BinaryCrossEntropyWithLogitsFuncOptions().reduction(torch::kNone));
         const Tensor p_t = p * in[1] + (1 - p) * (1 - in[1]);
         return (ce * (1 - p_t).pow(2) * (0.25 * in[1] + 0.75 * (1 - in[1]))).mean();
       }},
      {"focal_loss",
       [](const Inputs& in) {
         const Tensor bce =
             F::binary_cross_entropy(in[0], in[1], F::BinaryCrossEntropyFuncOptions().reduction(torch::kNone));
         const Tensor p_t = in[1] * in[0] + (1 - in[1]) * (1 - in[0]);
         return ((in[1] * 0.75 + (1 - in[1]) * 0.25) * (1 - p_t).pow(2) * bce).mean();
       }},
      {"kl_div", [](const Inputs& in) { return F::kl_div(in[0], in[1], F::KLDivFuncOptions(torch::kBatchMean)); }},
      {"soft_margin_loss", [](const Inputs& in) { return F::soft_margin_loss(in[0], in[1]); }},
      {"hinge_embedding_loss", [](const Inputs& in) { return F::hinge_embedding_loss(in[0], in[1]); }},
      {"margin_ranking_loss", [](const Inputs& in) { return F::margin_ranking_loss(in[0], in[1], in[2]); }},
      {"charbonnier_loss", [](const Inputs& in) { return ((in[0] - in[1]).pow(2) + 1e-6).sqrt().mean(); }},
      {"msle_loss", [](const Inputs& in) { return (in[0].log1p() - in[1].log1p()).pow(2).mean(); }},
      {"mape_loss", [](const Inputs& in) { return ((in[0] - in[1]).abs() / in[1].abs().clamp_min(1e-8)).mean(); }},
      {"dice_loss",
       [](const Inputs& in) {
         return (1 - (2 * (in[0] * in[1]).sum(1) + 1) / (in[0].sum(1) + in[1].sum(1) + 1)).mean();
       }},
      {"tversky_loss",
       [](const Inputs& in) {
         const Tensor tp = (in[0] * in[1]).sum(1), fp = (in[0] * (1 - in[1])).sum(1), fn = ((1 - in[0]) * in[1]).sum(1);
         return (1 - (tp + 1) / (tp + 0.5 * fp + 0.5 * fn + 1)).mean();
       }},
      {"nll_loss", [](const Inputs& in) { return F::nll_loss(in[0], in[1]); }},
      {"cross_entropy", [](const Inputs& in) { return F::cross_entropy(in[0], in[1]); }},
      {"cross_entropy_weight",
       [](const Inputs& in) { return F::cross_entropy(in[0], in[1], F::CrossEntropyFuncOptions().weight(in[2])); }},
      {"cross_entropy_smoothing",
       [](const Inputs& in) {
         return F::cross_entropy(in[0], in[1], F::CrossEntropyFuncOptions().label_smoothing(0.1));
       }},
      {"cross_entropy_probabilities", [](const Inputs& in) { return F::cross_entropy(in[0], in[1]); }},
      {"multi_margin_loss", [](const Inputs& in) { return F::multi_margin_loss(in[0], in[1]); }},
      {"multilabel_margin_loss", [](const Inputs& in) { return F::multilabel_margin_loss(in[0], in[1]); }},
      {"multilabel_soft_margin_loss", [](const Inputs& in) { return F::multilabel_soft_margin_loss(in[0], in[1]); }},
      {"cosine_similarity",
       [](const Inputs& in) {
         return F::cosine_similarity(in[0], in[1], F::CosineSimilarityFuncOptions().dim(1)).sum();
       }},
      {"cosine_embedding_loss", [](const Inputs& in) { return F::cosine_embedding_loss(in[0], in[1], in[2]); }},
      {"pairwise_distance", [](const Inputs& in) { return F::pairwise_distance(in[0], in[1]).sum(); }},
      {"triplet_margin_loss", [](const Inputs& in) { return F::triplet_margin_loss(in[0], in[1], in[2]); }},
      {"triplet_margin_with_distance_loss",
       [](const Inputs& in) { return F::triplet_margin_with_distance_loss(in[0], in[1], in[2]); }},
      {"info_nce_loss",
       [](const Inputs& in) {
         const auto normal = F::NormalizeFuncOptions().dim(1);
         const Tensor logits = F::normalize(in[0], normal).matmul(F::normalize(in[1], normal).t()) / 0.1;
         return F::cross_entropy(logits, torch::arange(logits.size(0)));
       }},
      {"nt_xent_loss",
       [](const Inputs& in) {
         const std::int64_t n = in[0].size(0);
         const Tensor z = F::normalize(torch::cat({in[0], in[1]}), F::NormalizeFuncOptions().dim(1));
         Tensor s = z.matmul(z.t()) / 0.5;
         s = s.masked_fill(torch::eye(2 * n, torch::kBool), -HUGE_VAL);
         return F::cross_entropy(s, (torch::arange(2 * n) + n).remainder(2 * n));
       }},
  };
  return all;
}

Tensor to_tensor(const compare::Data& d) {
  return d.integers.empty() ? compare::torch_tensor(d.floats, d.shape) : compare::torch_tensor(d.integers, d.shape);
}

const compare::Registered registered([] {
  compare::torch_works().set_threads = [](int n) { at::set_num_threads(n); };
  // Without the patch level, which distributions change.
  compare::torch_works().version = std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR);
  for (const compare::LossWork& work : compare::loss_works())
    compare::torch_works().add(work.name, [work, loss = losses().at(work.row.name)]() -> compare::Work {
      Inputs in, leaves;
      for (std::size_t i = 0; i < work.row.inputs.size(); ++i) {
        in.push_back(to_tensor(compare::make_data(work.row, work.size, i)));
        if (static_cast<int>(i) < work.row.differentiated) leaves.push_back(in.back().requires_grad_());
      }
      return compare::torch_loss([=] { return loss(in); }, leaves, work.backward);
    });
});

}  // namespace
