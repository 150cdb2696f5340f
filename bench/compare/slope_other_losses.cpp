#include "other_losses.h"
#include "slope_data.h"

using namespace slope;
using namespace compare::other;
using compare::slope_tensor;

namespace {

/// `prepare` returns the loss as a function and adds what gets gradients to `leaves`.
template <class PrepareLoss>
void add_loss(const std::string& name, const PrepareLoss& prepare) {
  for (const bool backward : {false, true})
    compare::slope_works().add("loss/" + name + (backward ? "/fwd+bwd" : "/fwd"), [=] {
      std::vector<Tensor> leaves;
      const auto loss = prepare(leaves);
      compare::Work work = compare::slope_loss(loss, leaves, backward);
      // By log-probabilities libtorch gives what is the derivative by the scores behind them; slope gives the
      // derivative.
      if (name.starts_with("ctc_loss")) work.check = compare::slope_loss(loss, leaves, false).check;
      return work;
    });
}

const compare::Registered registered([] {
  using Leaves = std::vector<Tensor>;
  add_loss("ctc_loss/T50xN16xC20", [](Leaves& leaves) {
    const Tensor scores = slope_tensor(ctc_scores(), {ctc_steps, ctc_rows, ctc_classes});
    const Tensor x = log_softmax(scores, -1).requires_grad_(), t = slope_tensor(ctc_targets(), {ctc_rows, ctc_labels});
    leaves = {x};
    const std::vector<std::int64_t> steps(ctc_rows, ctc_steps), labels(ctc_rows, ctc_labels);
    return [=] { return F::ctc_loss(x, t, steps, labels); };
  });
  add_loss("adaptive_log_softmax_with_loss/128x256", [](Leaves& leaves) {
    const auto softmax =
        std::make_shared<nn::AdaptiveLogSoftmaxWithLoss>(features, many_classes, std::vector<std::int64_t>{1000, 4000});
    const Tensor x = slope_tensor(row_features(), {rows, features}).requires_grad_(),
                 t = slope_tensor(row_classes(many_classes), {rows});
    leaves = softmax->parameters();
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      NoGradGuard no_grad;
      leaves[i].copy_(slope_tensor(parameter(leaves[i].numel(), i), leaves[i].shape()));
    }
    leaves.push_back(x);
    return [=] { return (*softmax)(x, t).loss; };
  });
  add_loss("arcface_loss/128x256", [](Leaves& leaves) {
    const Tensor x = slope_tensor(row_features(), {rows, features}).requires_grad_();
    const Tensor w =
        slope_tensor(parameter(arcface_classes * features, 0), {arcface_classes, features}).requires_grad_();
    const Tensor t = slope_tensor(row_classes(arcface_classes), {rows});
    leaves = {x, w};
    return [=] { return F::arcface_loss(x, w, t); };
  });
  add_loss("sce_loss/4096x1000", [](Leaves& leaves) {
    const Tensor x = slope_tensor(sce_scores(), {sce_rows, sce_classes}).requires_grad_(),
                 t = slope_tensor(sce_targets(), {sce_rows});
    leaves = {x};
    return [=] { return F::sce_loss(x, t); };
  });
  add_loss("generalized_box_iou_loss/10000x4", [](Leaves& leaves) {
    const Tensor x = slope_tensor(make_boxes(1), {boxes, 4}).requires_grad_(),
                 t = slope_tensor(make_boxes(2), {boxes, 4});
    leaves = {x};
    return [=] { return F::generalized_box_iou_loss(x, t, {.reduction = Reduction::mean}); };
  });
  add_loss("lovasz_hinge_loss/10000", [](Leaves& leaves) {
    const Tensor x = slope_tensor(compare::normals(pixels, 1), {pixels}).requires_grad_();
    const Tensor t = slope_tensor(pixel_labels(2), {pixels}).to(float32);
    leaves = {x};
    return [=] { return F::lovasz_hinge_loss(x, t); };
  });
  add_loss("lovasz_softmax_loss/10000x10", [](Leaves& leaves) {
    const Tensor x = softmax(slope_tensor(pixel_scores(), {pixels, pixel_classes}), 1).requires_grad_();
    const Tensor t = slope_tensor(pixel_labels(pixel_classes), {pixels});
    leaves = {x};
    return [=] { return F::lovasz_softmax_loss(x, t); };
  });
});

}  // namespace
