// libtorch's losses. Where it has no such loss, what one writes with it.
#include "torch.h"

#include <map>
#include <string_view>

#include "list.h"

namespace F = torch::nn::functional;
using torch::Tensor;

namespace bench {

namespace {

/// The steps of the Jaccard loss for labels in the order of falling errors.
Tensor lovasz_steps(const Tensor& sorted_labels) {
  const Tensor total = sorted_labels.sum();
  const Tensor jaccard = 1 - (total - sorted_labels.cumsum(0)) / (total + (1 - sorted_labels).cumsum(0));
  return torch::cat(
      {jaccard.narrow(0, 0, 1), jaccard.narrow(0, 1, jaccard.size(0) - 1) - jaccard.narrow(0, 0, jaccard.size(0) - 1)});
}

Tensor lovasz_hinge(const Tensor& x, const Tensor& t) {
  const auto [errors, order] = torch::sort(1 - x * (2 * t - 1), 0, true);
  return torch::relu(errors).dot(lovasz_steps(t.index_select(0, order)));
}

Tensor lovasz_softmax(const Tensor& p, const Tensor& t) {
  std::vector<Tensor> losses;
  for (std::int64_t c = 0; c < p.size(1); ++c) {
    const Tensor is_c = (t == c).to(p.scalar_type());
    if (is_c.sum().item().toDouble() == 0) continue;
    const auto [errors, order] = torch::sort((is_c - p.select(1, c)).abs(), 0, true);
    losses.push_back(errors.dot(lovasz_steps(is_c.index_select(0, order))));
  }
  return torch::stack(losses).mean();
}

Tensor arcface(const Tensor& x, const Tensor& w, const Tensor& t) {
  const double margin = 0.5, scale = 64;
  const auto rows_to_one = F::NormalizeFuncOptions().dim(1);
  const Tensor cosine = F::linear(F::normalize(x, rows_to_one), F::normalize(w, rows_to_one));
  const Tensor sine = (1 - cosine.pow(2)).clamp_min(0).sqrt();
  const Tensor turned =
      torch::where(cosine > std::cos(M_PI - margin), cosine * std::cos(margin) - sine * std::sin(margin),
                   cosine - margin * std::sin(M_PI - margin));
  const Tensor is_true = F::one_hot(t, w.size(0)).to(torch::kBool);
  return F::cross_entropy(scale * torch::where(is_true, turned, cosine), t);
}

Tensor sce(const Tensor& x, const Tensor& t) {
  const Tensor log_labels = (F::one_hot(t, x.size(1)).to(x.scalar_type()) - 1) * 4.0;
  return 0.1 * F::cross_entropy(x, t) - (x.softmax(1) * log_labels).sum(1).mean();
}

Tensor box_iou(const Tensor& x, const Tensor& t) {
  const auto a = x.unbind(1), b = t.unbind(1);
  const auto area = [](const std::vector<Tensor>& box) { return (box[2] - box[0]) * (box[3] - box[1]); };
  const Tensor left = torch::max(a[0], b[0]), top = torch::max(a[1], b[1]), right = torch::min(a[2], b[2]),
               bottom = torch::min(a[3], b[3]);
  const Tensor both = (right - left).clamp_min(0) * (bottom - top).clamp_min(0), either = area(a) + area(b) - both;
  const Tensor around =
      (torch::max(a[2], b[2]) - torch::min(a[0], b[0])) * (torch::max(a[3], b[3]) - torch::min(a[1], b[1]));
  return (1 - both / (either + 1e-7) + (around - either) / (around + 1e-7)).mean();
}

using Tensors = std::vector<Tensor>;
using Loss = Tensor (*)(const Tensors&);

const std::map<std::string_view, Loss>& losses() {
  static const std::map<std::string_view, Loss> all = {
      {"mse_loss", [](const Tensors& in) { return F::mse_loss(in[0], in[1]); }},
      {"l1_loss", [](const Tensors& in) { return F::l1_loss(in[0], in[1]); }},
      {"smooth_l1_loss", [](const Tensors& in) { return F::smooth_l1_loss(in[0], in[1]); }},
      {"huber_loss", [](const Tensors& in) { return F::huber_loss(in[0], in[1]); }},
      {"poisson_nll_loss", [](const Tensors& in) { return F::poisson_nll_loss(in[0], in[1]); }},
      {"gaussian_nll_loss",
       [](const Tensors& in) {
         const Tensor var = in[2].clamp_min(1e-6);
         return (0.5 * (var.log() + (in[0] - in[1]).pow(2) / var)).mean();
       }},
      {"log_cosh_loss",
       [](const Tensors& in) {
         const Tensor d = in[0] - in[1];
         return (d + F::softplus(-2.0 * d) - std::log(2.0)).mean();
       }},
      {"quantile_loss",
       [](const Tensors& in) {
         const Tensor u = in[1] - in[0];
         return torch::max(0.9 * u, -0.1 * u).mean();
       }},
      {"binary_cross_entropy", [](const Tensors& in) { return F::binary_cross_entropy(in[0], in[1]); }},
      {"binary_cross_entropy_with_logits",
       [](const Tensors& in) { return F::binary_cross_entropy_with_logits(in[0], in[1]); }},
      {"binary_cross_entropy_with_logits_pos_weight",
       [](const Tensors& in) {
         return F::binary_cross_entropy_with_logits(in[0], in[1],
                                                    F::BinaryCrossEntropyWithLogitsFuncOptions().pos_weight(in[2]));
       }},
      {"sigmoid_focal_loss",
       [](const Tensors& in) {
         const Tensor p = in[0].sigmoid();
         const Tensor ce = F::binary_cross_entropy_with_logits(
             in[0], in[1], F::BinaryCrossEntropyWithLogitsFuncOptions().reduction(torch::kNone));
         const Tensor p_t = p * in[1] + (1 - p) * (1 - in[1]);
         return (ce * (1 - p_t).pow(2) * (0.25 * in[1] + 0.75 * (1 - in[1]))).mean();
       }},
      {"focal_loss",
       [](const Tensors& in) {
         const Tensor bce =
             F::binary_cross_entropy(in[0], in[1], F::BinaryCrossEntropyFuncOptions().reduction(torch::kNone));
         const Tensor p_t = in[1] * in[0] + (1 - in[1]) * (1 - in[0]);
         return ((in[1] * 0.75 + (1 - in[1]) * 0.25) * (1 - p_t).pow(2) * bce).mean();
       }},
      {"kl_div", [](const Tensors& in) { return F::kl_div(in[0], in[1], F::KLDivFuncOptions(torch::kBatchMean)); }},
      {"soft_margin_loss", [](const Tensors& in) { return F::soft_margin_loss(in[0], in[1]); }},
      {"hinge_embedding_loss", [](const Tensors& in) { return F::hinge_embedding_loss(in[0], in[1]); }},
      {"margin_ranking_loss", [](const Tensors& in) { return F::margin_ranking_loss(in[0], in[1], in[2]); }},
      {"charbonnier_loss", [](const Tensors& in) { return ((in[0] - in[1]).pow(2) + 1e-6).sqrt().mean(); }},
      {"msle_loss", [](const Tensors& in) { return (in[0].log1p() - in[1].log1p()).pow(2).mean(); }},
      {"mape_loss", [](const Tensors& in) { return ((in[0] - in[1]).abs() / in[1].abs().clamp_min(1e-8)).mean(); }},
      {"dice_loss",
       [](const Tensors& in) {
         return (1 - (2 * (in[0] * in[1]).sum(1) + 1) / (in[0].sum(1) + in[1].sum(1) + 1)).mean();
       }},
      {"tversky_loss",
       [](const Tensors& in) {
         const Tensor tp = (in[0] * in[1]).sum(1), fp = (in[0] * (1 - in[1])).sum(1), fn = ((1 - in[0]) * in[1]).sum(1);
         return (1 - (tp + 1) / (tp + 0.5 * fp + 0.5 * fn + 1)).mean();
       }},
      {"nll_loss", [](const Tensors& in) { return F::nll_loss(in[0], in[1]); }},
      {"cross_entropy", [](const Tensors& in) { return F::cross_entropy(in[0], in[1]); }},
      {"cross_entropy_weight",
       [](const Tensors& in) { return F::cross_entropy(in[0], in[1], F::CrossEntropyFuncOptions().weight(in[2])); }},
      {"cross_entropy_smoothing",
       [](const Tensors& in) {
         return F::cross_entropy(in[0], in[1], F::CrossEntropyFuncOptions().label_smoothing(0.1));
       }},
      {"cross_entropy_probabilities", [](const Tensors& in) { return F::cross_entropy(in[0], in[1]); }},
      {"multi_margin_loss", [](const Tensors& in) { return F::multi_margin_loss(in[0], in[1]); }},
      {"multilabel_margin_loss", [](const Tensors& in) { return F::multilabel_margin_loss(in[0], in[1]); }},
      {"multilabel_soft_margin_loss", [](const Tensors& in) { return F::multilabel_soft_margin_loss(in[0], in[1]); }},
      {"cosine_similarity",
       [](const Tensors& in) {
         return F::cosine_similarity(in[0], in[1], F::CosineSimilarityFuncOptions().dim(1)).sum();
       }},
      {"cosine_embedding_loss", [](const Tensors& in) { return F::cosine_embedding_loss(in[0], in[1], in[2]); }},
      {"pairwise_distance", [](const Tensors& in) { return F::pairwise_distance(in[0], in[1]).sum(); }},
      {"triplet_margin_loss", [](const Tensors& in) { return F::triplet_margin_loss(in[0], in[1], in[2]); }},
      {"triplet_margin_with_distance_loss",
       [](const Tensors& in) { return F::triplet_margin_with_distance_loss(in[0], in[1], in[2]); }},
      {"info_nce_loss",
       [](const Tensors& in) {
         const auto normal = F::NormalizeFuncOptions().dim(1);
         const Tensor logits = F::normalize(in[0], normal).matmul(F::normalize(in[1], normal).t()) / 0.1;
         return F::cross_entropy(logits, torch::arange(logits.size(0)));
       }},
      {"nt_xent_loss",
       [](const Tensors& in) {
         const std::int64_t n = in[0].size(0);
         const Tensor z = F::normalize(torch::cat({in[0], in[1]}), F::NormalizeFuncOptions().dim(1));
         Tensor s = z.matmul(z.t()) / 0.5;
         s = s.masked_fill(torch::eye(2 * n, torch::kBool), -HUGE_VAL);
         return F::cross_entropy(s, (torch::arange(2 * n) + n).remainder(2 * n));
       }},
      {"sce_loss", [](const Tensors& in) { return sce(in[0], in[1]); }},
      {"lovasz_hinge_loss", [](const Tensors& in) { return lovasz_hinge(in[0], in[1]); }},
      {"lovasz_softmax_loss", [](const Tensors& in) { return lovasz_softmax(in[0], in[1]); }},
      {"arcface_loss", [](const Tensors& in) { return arcface(in[0], in[1], in[2]); }},
      {"generalized_box_iou_loss", [](const Tensors& in) { return box_iou(in[0], in[1]); }},
      {"ctc_loss",
       [](const Tensors& in) {
         return F::ctc_loss(in[0], in[1], torch::full({in[1].size(0)}, sequence_steps, torch::kLong),
                            torch::full({in[1].size(0)}, sequence_labels, torch::kLong));
       }},
  };
  return all;
}

Tensor to_tensor(const Data& d, torch::Dtype dtype) {
  return d.integers.empty() ? torch::tensor(d.floats).to(dtype).reshape(d.shape)
                            : torch::tensor(d.integers).reshape(d.shape);
}

constexpr std::string_view with_module = "adaptive_log_softmax_with_loss";

/// The loss that is a module with parameters.
Work adaptive_log_softmax(const LossCase& c, const Tensors& in, Tensors leaves) {
  const torch::nn::AdaptiveLogSoftmaxWithLoss softmax(torch::nn::AdaptiveLogSoftmaxWithLossOptions(
      c.size.columns, vocabulary_classes, {vocabulary_cutoffs[0], vocabulary_cutoffs[1]}));
  softmax.ptr()->to(in[0].scalar_type());
  const Tensors parameters = softmax.ptr()->parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    torch::NoGradGuard no_grad;
    parameters[i].copy_(torch::tensor(parameter(parameters[i].numel(), i)).reshape(parameters[i].sizes()));
    leaves.push_back(parameters[i]);
  }
  // Its own loss is a number without a graph.
  return torch_loss([=] { return -softmax.ptr()->forward(in[0], in[1]).output.mean(); }, leaves, c.backward);
}

}  // namespace

std::string torch_version() { return std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR); }

const Contestant libtorch = {
    .name = "libtorch",
    .has = [](const LossRow& row) { return row.name == with_module || losses().contains(row.name); },
    .prepare =
        [](const LossCase& c) {
          Tensors in, leaves;
          for (std::size_t i = 0; i < c.row.inputs.size(); ++i) {
            in.push_back(to_tensor(make_data(c.row, c.size, i), c.wide ? torch::kDouble : torch::kFloat));
            if (static_cast<int>(i) < c.row.differentiated) leaves.push_back(in.back().requires_grad_());
          }
          if (c.row.name == with_module) return adaptive_log_softmax(c, in, leaves);
          Work work = torch_loss([loss = losses().at(c.row.name), in] { return loss(in); }, leaves, c.backward);
          // By log-probabilities libtorch gives what is the derivative by the scores behind them; slope gives the
          // derivative.
          if (c.backward && c.row.name == std::string_view("ctc_loss")) work.check = nullptr;
          return work;
        },
    .set_threads = [](int n) { at::set_num_threads(n); },
};

}  // namespace bench
