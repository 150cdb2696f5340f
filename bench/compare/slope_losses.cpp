#include "harness.h"
#include "losses.h"
#include "slope_data.h"

using namespace slope;

namespace {

using Inputs = std::vector<Tensor>;
using Loss = Tensor (*)(const Inputs&);

const std::map<std::string, Loss>& losses() {
  static const std::map<std::string, Loss> all = {
      {"mse_loss", [](const Inputs& in) { return F::mse_loss(in[0], in[1]); }},
      {"l1_loss", [](const Inputs& in) { return F::l1_loss(in[0], in[1]); }},
      {"smooth_l1_loss", [](const Inputs& in) { return F::smooth_l1_loss(in[0], in[1]); }},
      {"huber_loss", [](const Inputs& in) { return F::huber_loss(in[0], in[1]); }},
      {"poisson_nll_loss", [](const Inputs& in) { return F::poisson_nll_loss(in[0], in[1]); }},
      {"gaussian_nll_loss", [](const Inputs& in) { return F::gaussian_nll_loss(in[0], in[1], in[2]); }},
      {"log_cosh_loss", [](const Inputs& in) { return F::log_cosh_loss(in[0], in[1]); }},
      {"quantile_loss", [](const Inputs& in) { return F::quantile_loss(in[0], in[1], {.q = 0.9}); }},
      {"binary_cross_entropy", [](const Inputs& in) { return F::binary_cross_entropy(in[0], in[1]); }},
      {"binary_cross_entropy_with_logits",
       [](const Inputs& in) { return F::binary_cross_entropy_with_logits(in[0], in[1]); }},
      {"binary_cross_entropy_with_logits_pos_weight",
       [](const Inputs& in) { return F::binary_cross_entropy_with_logits(in[0], in[1], {.pos_weight = in[2]}); }},
      {"sigmoid_focal_loss",
       [](const Inputs& in) { return F::sigmoid_focal_loss(in[0], in[1], {.reduction = Reduction::mean}); }},
      {"focal_loss", [](const Inputs& in) { return F::focal_loss(in[0], in[1]); }},
      {"kl_div", [](const Inputs& in) { return F::kl_div(in[0], in[1], {.reduction = Reduction::batchmean}); }},
      {"soft_margin_loss", [](const Inputs& in) { return F::soft_margin_loss(in[0], in[1]); }},
      {"hinge_embedding_loss", [](const Inputs& in) { return F::hinge_embedding_loss(in[0], in[1]); }},
      {"margin_ranking_loss", [](const Inputs& in) { return F::margin_ranking_loss(in[0], in[1], in[2]); }},
      {"charbonnier_loss", [](const Inputs& in) { return F::charbonnier_loss(in[0], in[1]); }},
      {"msle_loss", [](const Inputs& in) { return F::msle_loss(in[0], in[1]); }},
      {"mape_loss", [](const Inputs& in) { return F::mape_loss(in[0], in[1]); }},
      {"dice_loss", [](const Inputs& in) { return F::dice_loss(in[0], in[1]); }},
      {"tversky_loss", [](const Inputs& in) { return F::tversky_loss(in[0], in[1]); }},
      {"nll_loss", [](const Inputs& in) { return F::nll_loss(in[0], in[1]); }},
      {"cross_entropy", [](const Inputs& in) { return F::cross_entropy(in[0], in[1]); }},
      {"cross_entropy_weight", [](const Inputs& in) { return F::cross_entropy(in[0], in[1], {.weight = in[2]}); }},
      {"cross_entropy_smoothing",
       [](const Inputs& in) { return F::cross_entropy(in[0], in[1], {.label_smoothing = 0.1}); }},
      {"cross_entropy_probabilities", [](const Inputs& in) { return F::cross_entropy(in[0], in[1]); }},
      {"multi_margin_loss", [](const Inputs& in) { return F::multi_margin_loss(in[0], in[1]); }},
      {"multilabel_margin_loss", [](const Inputs& in) { return F::multilabel_margin_loss(in[0], in[1]); }},
      {"multilabel_soft_margin_loss", [](const Inputs& in) { return F::multilabel_soft_margin_loss(in[0], in[1]); }},
      {"cosine_similarity", [](const Inputs& in) { return F::cosine_similarity(in[0], in[1]).sum(); }},
      {"cosine_embedding_loss", [](const Inputs& in) { return F::cosine_embedding_loss(in[0], in[1], in[2]); }},
      {"pairwise_distance", [](const Inputs& in) { return F::pairwise_distance(in[0], in[1]).sum(); }},
      {"triplet_margin_loss", [](const Inputs& in) { return F::triplet_margin_loss(in[0], in[1], in[2]); }},
      {"triplet_margin_with_distance_loss",
       [](const Inputs& in) { return F::triplet_margin_with_distance_loss(in[0], in[1], in[2]); }},
      {"info_nce_loss", [](const Inputs& in) { return F::info_nce_loss(in[0], in[1]); }},
      {"nt_xent_loss", [](const Inputs& in) { return F::nt_xent_loss(in[0], in[1]); }},
  };
  return all;
}

Tensor to_tensor(const compare::Data& d) {
  return d.integers.empty() ? compare::slope_tensor(d.floats, d.shape) : compare::slope_tensor(d.integers, d.shape);
}

const compare::Registered registered([] {
  compare::slope_works().set_threads = [](int n) { set_num_threads(n); };
  for (const compare::LossWork& work : compare::loss_works())
    compare::slope_works().add(work.name, [work, loss = losses().at(work.row.name)]() -> compare::Work {
      Inputs in, leaves;
      for (std::size_t i = 0; i < work.row.inputs.size(); ++i) {
        in.push_back(to_tensor(compare::make_data(work.row, work.size, i)));
        if (static_cast<int>(i) < work.row.differentiated) leaves.push_back(in.back().requires_grad_());
      }
      return compare::slope_loss([=] { return loss(in); }, leaves, work.backward, work.count, work.unit);
    });
});

}  // namespace
