// Where libtorch has no such loss, what one writes with it.
#include "other_losses.h"
#include "torch_data.h"

namespace F = torch::nn::functional;
using namespace compare::other;
using compare::torch_tensor;
using torch::Tensor;

namespace {

template <class PrepareLoss>
void add_loss(const std::string& name, const PrepareLoss& prepare) {
  for (const bool backward : {false, true})
    compare::torch_works().add("loss/" + name + (backward ? "/fwd+bwd" : "/fwd"), [=] {
      std::vector<Tensor> leaves;
      const auto loss = prepare(leaves);
      compare::Work work = compare::torch_loss(loss, leaves, backward);
      // By log-probabilities libtorch gives what is the derivative by the scores behind them; slope gives the
      // derivative.
      if (name.starts_with("ctc_loss")) work.check = compare::torch_loss(loss, leaves, false).check;
      return work;
    });
}

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
    const Tensor is_c = (t == c).to(torch::kFloat);
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
  const Tensor log_labels = (F::one_hot(t, x.size(1)).to(torch::kFloat) - 1) * 4.0;
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

const compare::Registered registered([] {
  using Leaves = std::vector<Tensor>;
  add_loss("ctc_loss/T50xN16xC20", [](Leaves& leaves) {
    const Tensor scores = torch_tensor(ctc_scores(), {ctc_steps, ctc_rows, ctc_classes});
    const Tensor x = torch::log_softmax(scores, -1).requires_grad_(),
                 t = torch_tensor(ctc_targets(), {ctc_rows, ctc_labels});
    const Tensor steps = torch::full({ctc_rows}, ctc_steps, torch::kLong),
                 labels = torch::full({ctc_rows}, ctc_labels, torch::kLong);
    leaves = {x};
    return [=] { return F::ctc_loss(x, t, steps, labels); };
  });
  add_loss("adaptive_log_softmax_with_loss/128x256", [](Leaves& leaves) {
    const torch::nn::AdaptiveLogSoftmaxWithLoss softmax(
        torch::nn::AdaptiveLogSoftmaxWithLossOptions(features, many_classes, {1000, 4000}));
    const Tensor x = torch_tensor(row_features(), {rows, features}).requires_grad_(),
                 t = torch_tensor(row_classes(many_classes), {rows});
    leaves = softmax->parameters();
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      torch::NoGradGuard no_grad;
      leaves[i].copy_(torch_tensor(parameter(leaves[i].numel(), i), leaves[i].sizes().vec()));
    }
    leaves.push_back(x);
    // Its own loss is a number without a graph.
    return [=] { return -softmax.ptr()->forward(x, t).output.mean(); };
  });
  add_loss("arcface_loss/128x256", [](Leaves& leaves) {
    const Tensor x = torch_tensor(row_features(), {rows, features}).requires_grad_();
    const Tensor w =
        torch_tensor(parameter(arcface_classes * features, 0), {arcface_classes, features}).requires_grad_();
    const Tensor t = torch_tensor(row_classes(arcface_classes), {rows});
    leaves = {x, w};
    return [=] { return arcface(x, w, t); };
  });
  add_loss("sce_loss/4096x1000", [](Leaves& leaves) {
    const Tensor x = torch_tensor(sce_scores(), {sce_rows, sce_classes}).requires_grad_(),
                 t = torch_tensor(sce_targets(), {sce_rows});
    leaves = {x};
    return [=] { return sce(x, t); };
  });
  add_loss("generalized_box_iou_loss/10000x4", [](Leaves& leaves) {
    const Tensor x = torch_tensor(make_boxes(1), {boxes, 4}).requires_grad_(),
                 t = torch_tensor(make_boxes(2), {boxes, 4});
    leaves = {x};
    return [=] { return box_iou(x, t); };
  });
  add_loss("lovasz_hinge_loss/10000", [](Leaves& leaves) {
    const Tensor x = torch_tensor(compare::normals(pixels, 1), {pixels}).requires_grad_();
    const Tensor t = torch_tensor(pixel_labels(2), {pixels}).to(torch::kFloat);
    leaves = {x};
    return [=] { return lovasz_hinge(x, t); };
  });
  add_loss("lovasz_softmax_loss/10000x10", [](Leaves& leaves) {
    const Tensor x = torch::softmax(torch_tensor(pixel_scores(), {pixels, pixel_classes}), 1).requires_grad_();
    const Tensor t = torch_tensor(pixel_labels(pixel_classes), {pixels});
    leaves = {x};
    return [=] { return lovasz_softmax(x, t); };
  });
});

}  // namespace
