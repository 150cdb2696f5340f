#include <limits>

#include "slope/autograd/ops/ops.h"
#include "slope/nn/losses/losses.h"
#include "support/losses/families.h"
#include "support/losses/rows.h"

using namespace slope;
namespace F = slope::nn::functional;
using Kind = LossRefusal::Kind;

namespace {

Tensor signs(const Shape& shape, double seed) { return sign(constants(shape, seed) - 0.5); }

void samples(std::vector<LossSample>& table) {
  const Tensor x = numbers({3, 4}, 1, -2, 2), y = numbers({3, 4}, 2, -2, 2), p = numbers({3, 4}, 3),
               x0 = numbers({}, 4), y0 = numbers({}, 5);
  const auto row = [&](std::string name, const LossSample::Function& f, LossInputs inputs) {
    add_sample(table, std::move(name), f, std::move(inputs));
  };
  for (const bool log_target : {false, true}) {
    const auto kl = with<F::kl_div>(nn::KLDivLossOptions{.log_target = log_target});
    const std::string name = concat("kl_div", log_target ? ", log target" : "");
    const std::size_t first = table.size();
    row(name, kl, {x, p});
    row(name + ", 0-d", kl, {x0, y0});
    row(name + ", row of targets", kl, {x, numbers({4}, 6)});
    row(name + ", more targets than predictions", kl, {x, numbers({2, 3, 4}, 7)});
    row(name + ", column of predictions", kl, {numbers({3, 1}, 8, -2, 2), p});
    for (std::size_t i = first; i < table.size(); ++i) table[i].reductions.push_back(Reduction::batchmean);
  }
  for (const double margin : {0.0, 0.5}) {
    const auto ranking = with<F::margin_ranking_loss, 3>(nn::MarginRankingLossOptions{.margin = margin});
    const std::string name = concat("margin_ranking_loss, margin ", margin);
    row(name, ranking, {x, y, signs({3, 4}, 9)});
    row(name + ", learned target", ranking, {x, y, p});
    row(name + ", 0-d", ranking, {x0, y0, constants({}, 10)});
    row(name + ", broadcast", ranking, {x, numbers({3, 1}, 11), signs({1, 4}, 12)});
    const auto embedding = with<F::hinge_embedding_loss>(nn::HingeEmbeddingLossOptions{.margin = margin});
    const std::string hinge_name = concat("hinge_embedding_loss, margin ", margin);
    row(hinge_name, embedding, {x, signs({3, 4}, 13)});
    row(hinge_name + ", other targets", embedding, {x, constants({3, 4}, 14)});
    row(hinge_name + ", integral targets", embedding, {x, signs({3, 4}, 15).to(int64)});
    row(hinge_name + ", 0-d", embedding, {x0, constants({}, 16)});
    row(hinge_name + ", broadcast", embedding, {x, signs({4}, 17)});
  }
  const auto soft_margin = with<F::soft_margin_loss>(nn::SoftMarginLossOptions());
  row("soft_margin_loss", soft_margin, {x, signs({3, 4}, 18)});
  row("soft_margin_loss, soft targets", soft_margin, {x, constants({3, 4}, 19, -1, 1)});
  row("soft_margin_loss, integral targets", soft_margin, {x, signs({3, 4}, 20).to(int64)});
  row("soft_margin_loss, 0-d", soft_margin, {x0, constants({}, 21)});
  row("soft_margin_loss, broadcast", soft_margin, {x, signs({3, 1}, 22)});

  for (const double beta : {1.0, 0.3}) {
    const auto sce = [=](std::int64_t ignored) {
      return with<F::sce_loss>(nn::SCELossOptions{.alpha = 0.7, .beta = beta, .ignore_index = ignored});
    };
    const std::string name = concat("sce_loss, beta ", beta);
    row(name, sce(-100), {x, tensor({3, 0, 1})});
    row(name + ", ignored targets", sce(0), {x, tensor({3, 0, 1})});
    row(name + ", one example", sce(-100), {numbers({5}, 23, -2, 2), tensor(4)});
    row(name + ", images", sce(1), {numbers({2, 3, 2, 2}, 24, -2, 2), tensor({{{0, 1}, {2, 2}}, {{1, 0}, {2, 1}}})});
  }
  for (const double eps : {1e-7, 0.1}) {
    const auto giou = with<F::generalized_box_iou_loss>(nn::GeneralizedBoxIoULossOptions{.eps = eps});
    const std::string name = concat("generalized_box_iou_loss, eps ", eps);
    // Corners, then sizes: some boxes meet, some contain each other, some are apart.
    const auto boxes = [](const Shape& shape, double seed) {
      const Tensor corners = constants(shape, seed, 0, 2), sizes = constants(shape, seed + 1, 0.2, 2);
      return cat({corners, corners + sizes}, -1).requires_grad_();
    };
    row(name, giou, {boxes({20, 2}, 25), boxes({20, 2}, 27)});
    row(name + ", constant target", giou, {boxes({20, 2}, 29), boxes({20, 2}, 31).detach()});
    row(name + ", one", giou, {boxes({2}, 33), boxes({2}, 35)});
    row(name + ", several dimensions", giou, {boxes({2, 3, 2}, 37), boxes({2, 3, 2}, 39)});
    row(name + ", turned over", giou, {numbers({5, 4}, 41), numbers({5, 4}, 42)});
  }
}

void refusals(std::vector<LossRefusal>& table) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = numbers({2, 3}, 1), t = constants({2, 3}, 2), whole = zeros({2, 3}, {.dtype = int64});
  const auto refuse = [&](Kind kind, std::string text, std::function<void(const LossInputs&)> call, LossInputs inputs) {
    add_refusal(table, kind, std::move(text), std::move(call), std::move(inputs));
  };
  const auto constant = [](const std::string& op, const std::string& argument) {
    return op + ": the function '" + op + "' is not differentiable with respect to argument '" + argument + "'";
  };

  const auto kl = [](const LossInputs& in) { F::kl_div(in[0], in[1]); };
  refuse_shapes_that_do_not_broadcast<nn::KLDivLossOptions, F::kl_div>(table, "kl_div");
  refuse(Kind::dtype, "kl_div: Integral inputs not supported. The input is int64", kl, {whole, t});
  refuse(Kind::dtype, "kl_div: Integral inputs not supported. The target is int64", kl, {x, whole});
  refuse(Kind::dtype, "kl_div: Integral inputs not supported. The target is bool", kl,
         {x, zeros({2, 3}, {.dtype = boolean})});
  refuse(Kind::value, "kl_div: average is not a valid value for reduction",
         [](const LossInputs& in) { F::kl_div(in[0], in[1], {.reduction = std::string("average")}); }, {x, t});

  const auto ranking = [](const LossInputs& in) { F::margin_ranking_loss(in[0], in[1], in[2]); };
  constexpr auto ranking_by_one = [](const Tensor& a, const Tensor& b, const nn::MarginRankingLossOptions& o) {
    return F::margin_ranking_loss(a, a, b, o);
  };
  refuse_unfit_arguments<nn::MarginRankingLossOptions, ranking_by_one>(table, "margin_ranking_loss");
  refuse(Kind::dtype, "margin_ranking_loss: the prediction must be a floating point tensor, got int64", ranking,
         {x, whole, t});
  refuse(
      Kind::shape,
      "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: [2, 3], input2: [3], "
      "target: [2, 3]",
      ranking, {x, constants({3}, 3), t});
  refuse(Kind::shape, "input1: [2, 3], input2: [2, 3], target: [3]", ranking, {x, t, constants({3}, 3)});
  refuse(Kind::shape, "input1: [2, 3], input2: [2, 3], target: []", ranking, {x, t, constants({}, 3)});
  refuse(Kind::shape, "margin_ranking_loss: The size of tensor a (3) must match the size of tensor b (2)", ranking,
         {x, constants({2, 2}, 3), t});
  refuse(Kind::shape, "margin_ranking_loss: The size of tensor a (2) must match the size of tensor b (4)", ranking,
         {x, t, constants({4, 3}, 3)});
  refuse(Kind::value, "margin_ranking_loss: the target is an undefined tensor", ranking, {x, t, Tensor()});
  refuse(Kind::value, "margin_ranking_loss: the second input is an undefined tensor", ranking, {x, Tensor(), t});

  refuse_unfit_arguments<nn::HingeEmbeddingLossOptions, F::hinge_embedding_loss>(table, "hinge_embedding_loss");
  refuse_shapes_that_do_not_broadcast<nn::HingeEmbeddingLossOptions, F::hinge_embedding_loss>(table,
                                                                                              "hinge_embedding_loss");
  refuse_unfit_arguments<nn::SoftMarginLossOptions, F::soft_margin_loss>(table, "soft_margin_loss");
  refuse_shapes_that_do_not_broadcast<nn::SoftMarginLossOptions, F::soft_margin_loss>(table, "soft_margin_loss");
  for (const Tensor& learned : {numbers({2, 3}, 3), numbers({3}, 4)}) {
    refuse(Kind::autograd, constant("hinge_embedding_loss", "target"),
           [](const LossInputs& in) { F::hinge_embedding_loss(in[0], in[1]); }, {x, learned});
    refuse(Kind::autograd, constant("soft_margin_loss", "target"),
           [](const LossInputs& in) { F::soft_margin_loss(in[0], in[1]); }, {x.detach(), learned});
  }

  const auto sce = [](const LossInputs& in) { F::sce_loss(in[0], in[1]); };
  const Tensor labels = tensor({2, 0});
  for (const double log_zero : {0.0, 1.0, nan})
    refuse(Kind::value, "sce_loss: log_zero stands for the logarithm of 0 and must be negative.",
           [=](const LossInputs& in) { F::sce_loss(in[0], in[1], {.log_zero = log_zero}); }, {x, labels});
  refuse_unfit_arguments<nn::SCELossOptions, F::sce_loss>(table, "sce_loss");
  refuse(Kind::index, "sce_loss: Target 3 is out of bounds. It stands at position [1]", sce, {x, tensor({0, 3})});
  refuse(Kind::index, "sce_loss: Target -1 is out of bounds. It stands at position [0]", sce, {x, tensor({-1, 0})});
  refuse(Kind::dtype, "sce_loss: class indices must be int64", sce, {x, constants({2}, 3)});
  refuse(Kind::shape, "sce_loss: Expected input batch_size (2) to match target batch_size (3).", sce,
         {x, tensor({0, 1, 2})});
  refuse(Kind::shape, "sce_loss: the input must have at least one dimension", sce, {numbers({}, 1), tensor(0)});
  refuse(Kind::value, "sce_loss: the target is an undefined tensor", sce, {x, Tensor()});

  const auto giou = [](const LossInputs& in) { F::generalized_box_iou_loss(in[0], in[1]); };
  refuse_unfit_arguments<nn::GeneralizedBoxIoULossOptions, F::generalized_box_iou_loss>(table,
                                                                                        "generalized_box_iou_loss");
  const std::string ends_in_4 = "generalized_box_iou_loss: both need one shape that ends in 4";
  refuse(Kind::shape, ends_in_4, giou, {x, t});
  refuse(Kind::shape, "got boxes1 [4] and boxes2 [2, 4]", giou, {numbers({4}, 1), constants({2, 4}, 2)});
  refuse(Kind::shape, ends_in_4, giou, {numbers({}, 1), constants({}, 2)});
  refuse(Kind::value, "generalized_box_iou_loss: boxes2 is an undefined tensor", giou, {numbers({4}, 1), Tensor()});
}

}  // namespace

LossFamily elementwise_losses() { return {samples, refusals}; }
