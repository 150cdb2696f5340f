#include <limits>

#include "slope/nn/losses/losses.h"
#include "slope/slope.h"
#include "support/losses/families.h"

using namespace slope;
namespace F = slope::nn::functional;
using Kind = LossRefusal::Kind;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

void samples(std::vector<LossSample>& table) {
  const auto row = [&](std::string name, LossSample::Function f, LossInputs inputs) {
    table.push_back({.name = std::move(name), .function = std::move(f), .inputs = std::move(inputs)});
  };
  const Tensor a = numbers({4, 3}, 1, -1, 1), b = numbers({4, 3}, 2, -1, 1);
  for (const double t : {0.1, 1.0})
    row(concat("info_nce_loss, temperature ", t),
        [=](const LossInputs& in, Reduction r) {
          return F::info_nce_loss(in[0], in[1], {.temperature = t, .reduction = r});
        },
        {a, b});
  row("info_nce_loss, fixed keys",
      [](const LossInputs& in, Reduction r) { return F::info_nce_loss(in[0], in[1], {.reduction = r}); },
      {a, constants({4, 3}, 2, -1, 1)});
  row("info_nce_loss, one row",
      [](const LossInputs& in, Reduction r) {
        return F::info_nce_loss(in[0] * 2.0, in[1], {.reduction = r}).add(in[0].sum());
      },
      {numbers({1, 3}, 1), numbers({1, 3}, 2)});
  for (const double t : {0.5, 2.0})
    row(concat("nt_xent_loss, temperature ", t),
        [=](const LossInputs& in, Reduction r) {
          return F::nt_xent_loss(in[0], in[1], {.temperature = t, .reduction = r});
        },
        {a, b});
  row("nt_xent_loss, two features",
      [](const LossInputs& in, Reduction r) { return F::nt_xent_loss(in[0], in[1], {.reduction = r}); },
      {numbers({2, 2}, 3, -1, 1), numbers({2, 2}, 4, -1, 1)});

  const Tensor x = numbers({4, 3}, 5, -1, 1), w = numbers({5, 3}, 6, -1, 1), labels = tensor({0, 4, 2, 4});
  for (const bool easy : {false, true})
    for (const double margin : {0.0, 0.5, 2.5, -0.3})
      row(concat("arcface_loss, margin ", margin, easy ? ", easy" : ""),
          [=](const LossInputs& in, Reduction r) {
            return F::arcface_loss(in[0], in[1], in[2],
                                   {.margin = margin, .scale = 8, .easy_margin = easy, .reduction = r});
          },
          {x, w, labels});
  row("arcface_loss, defaults",
      [](const LossInputs& in, Reduction r) { return F::arcface_loss(in[0], in[1], in[2], {.reduction = r}); },
      {x, w, labels});

  // Away from ties and from errors of 0.
  const auto once = [&](std::string name, LossSample::Function f, LossInputs inputs) {
    table.push_back({.name = std::move(name),
                     .function = std::move(f),
                     .inputs = std::move(inputs),
                     .reductions = {Reduction::none}});
  };
  const auto hinge = [](const LossInputs& in, Reduction) { return F::lovasz_hinge_loss(in[0], in[1]); };
  once("lovasz_hinge_loss", hinge, {numbers({7}, 7, -2, 2), tensor({0, 1, 1, 0, 0, 1, 0})});
  once("lovasz_hinge_loss of images, bool labels", hinge,
       {numbers({2, 3, 2}, 8, -2, 2), constants({2, 3, 2}, 9) > 0.5});
  once("lovasz_hinge_loss of images, float labels", hinge,
       {numbers({2, 3, 2}, 10, -2, 2), (constants({2, 3, 2}, 9) > 0.6).to(float64)});
  once("lovasz_hinge_loss, no positive label", hinge, {numbers({4}, 11, -2, 2), zeros({4}, {.dtype = int64})});
  once("lovasz_hinge_loss, positive labels only", hinge, {numbers({4}, 12, -2, 2), ones({4}, {.dtype = int64})});
  const auto softmax_loss = [](const LossInputs& in, Reduction) { return F::lovasz_softmax_loss(in[0], in[1]); };
  once("lovasz_softmax_loss", softmax_loss, {numbers({8, 3}, 13), tensor({0, 1, 1, 2, 0, 0, 2, 1})});
  once("lovasz_softmax_loss, classes that do not occur", softmax_loss,
       {numbers({6, 5}, 14), tensor({3, 1, 1, 3, 1, 3})});
  once("lovasz_softmax_loss of one class", softmax_loss, {numbers({5, 1}, 15), zeros({5}, {.dtype = int64})});
  once("lovasz_softmax_loss of logits",
       [](const LossInputs& in, Reduction) { return F::lovasz_softmax_loss(softmax(in[0], 1), in[1]); },
       {numbers({6, 3}, 16, -2, 2), tensor({0, 1, 2, 2, 1, 0})});
}

void pair_refusals(std::vector<LossRefusal>& table) {
  const Tensor a = numbers({4, 3}, 1), b = numbers({4, 3}, 2);
  const auto with = [&](Kind kind, const std::string& text, const LossInputs& inputs, double temperature = 0.5,
                        Reduction reduction = Reduction::mean) {
    table.push_back({kind, "info_nce_loss: " + text,
                     [=](const LossInputs& in) {
                       F::info_nce_loss(in[0], in[1], {.temperature = temperature, .reduction = reduction});
                     },
                     inputs});
    table.push_back({kind, "nt_xent_loss: " + text,
                     [=](const LossInputs& in) {
                       nn::NTXentLoss({.temperature = temperature, .reduction = reduction})(in[0], in[1]);
                     },
                     inputs});
  };
  with(Kind::dtype, "the prediction must be a floating point tensor, got int64", {ones({4, 3}, {.dtype = int64}), b});
  with(Kind::dtype, "the prediction must be a floating point tensor, got int64", {a, ones({4, 3}, {.dtype = int64})});
  with(Kind::value, "one of ", {Tensor(), b});
  with(Kind::value, "one of ", {a, Tensor()});
  for (const double t : {0.0, -1.0, nan_value}) with(Kind::value, "the temperature must be positive, got ", {a, b}, t);
  with(Kind::value, "batchmean is not a valid value for reduction", {a, b}, 0.5, Reduction::batchmean);
  for (const Shape& shape : {Shape{3, 3}, Shape{4, 2}, Shape{4}, Shape{1, 4, 3}, Shape{}}) {
    with(Kind::shape, "", {a, numbers(shape, 3)});
    with(Kind::shape, "", {numbers(shape, 3), b});
  }
  with(Kind::shape, "", {numbers({3}, 1), numbers({3}, 2)});
  table.push_back({Kind::shape,
                   "info_nce_loss: query and key must both be [N, D] and of one shape, but are [4, 3] and [3, 3]",
                   [](const LossInputs& in) { nn::InfoNCELoss()(in[0], in[1]); },
                   {a, numbers({3, 3}, 3)}});
  table.push_back({Kind::shape,
                   "nt_xent_loss: z1 and z2 must both be [N, D] and of one shape, but are [3] and [3]",
                   [](const LossInputs& in) { F::nt_xent_loss(in[0], in[1]); },
                   {numbers({3}, 1), numbers({3}, 2)}});
}

void arcface_refusals(std::vector<LossRefusal>& table) {
  const Tensor x = numbers({2, 3}, 1), w = numbers({5, 3}, 2), labels = tensor({0, 4});
  const auto with = [&](Kind kind, const std::string& text, const LossInputs& inputs,
                        const nn::ArcFaceLossOptions& options = {}) {
    table.push_back({kind, "arcface_loss: " + text,
                     [=](const LossInputs& in) { F::arcface_loss(in[0], in[1], in[2], options); }, inputs});
  };
  with(Kind::dtype, "the prediction must be a floating point tensor, got int64",
       {ones({2, 3}, {.dtype = int64}), w, labels});
  with(Kind::dtype, "the weight must have the dtype of the input, float64, but is float32", {x, ones({5, 3}), labels});
  with(Kind::dtype, "class indices must be int64, but the target is float64", {x, w, constants({2}, 1)});
  with(Kind::value, "the input or the weight is an undefined tensor", {Tensor(), w, labels});
  with(Kind::value, "the input or the weight is an undefined tensor", {x, Tensor(), labels});
  with(Kind::value, "the target is an undefined tensor", {x, w, Tensor()});
  with(Kind::shape, "the input must be [N, D] and the weight [C, D], but they are [3] and [5, 3]",
       {numbers({3}, 1), w, tensor(1)});
  with(Kind::shape, "the input must be [N, D] and the weight [C, D], but they are [2, 3] and [3]",
       {x, numbers({3}, 1), labels});
  with(Kind::shape, "the input must be [N, D] and the weight [C, D], but they are [2, 3] and [5, 4]",
       {x, numbers({5, 4}, 1), labels});
  with(Kind::shape, "Expected input batch_size (2) to match target batch_size (3).", {x, w, tensor({0, 1, 2})});
  with(Kind::shape, "size mismatch", {x, w, tensor({{0, 1}, {2, 3}})});
  with(Kind::index, "Target 5 is out of bounds. It stands at position [1], and classes are in the range [0, 5)",
       {x, w, tensor({0, 5})});
  with(Kind::index, "Target -100 is out of bounds. It stands at position [0]", {x, w, tensor({-100, 0})});
  for (const double scale : {0.0, -64.0, nan_value})
    with(Kind::value, "scale must be positive, got ", {x, w, labels}, {.scale = scale});
  for (const double margin : {inf, nan_value})
    with(Kind::value, "margin must be finite, got ", {x, w, labels}, {.margin = margin});
  with(Kind::value, "batchmean is not a valid value for reduction", {x, w, labels}, {.reduction = "batchmean"});
  table.push_back({Kind::value,
                   "ArcFaceLoss: in_features and num_classes must not be negative, got -1 and 5",
                   [](const LossInputs&) { nn::ArcFaceLoss(-1, 5); },
                   {}});
  table.push_back({Kind::shape,
                   "arcface_loss: the input must be [N, D] and the weight [C, D], but they are [2, 4] and [5, 3]",
                   [](const LossInputs& in) { nn::ArcFaceLoss(3, 5)(in[0], in[1]); },
                   {ones({2, 4}), labels}});
}

void lovasz_refusals(std::vector<LossRefusal>& table) {
  const Tensor x = numbers({2, 3}, 1), t = tensor({{0, 1, 1}, {1, 0, 0}}), labels = tensor({2, 0});
  const auto hinge = [&](Kind kind, const std::string& text, const LossInputs& inputs) {
    table.push_back({kind, text, [](const LossInputs& in) { F::lovasz_hinge_loss(in[0], in[1]); }, inputs});
    table.push_back({kind, text, [](const LossInputs& in) { nn::LovaszHingeLoss()(in[0], in[1]); }, inputs});
  };
  hinge(Kind::dtype, "lovasz_hinge_loss: the prediction must be a floating point tensor, got int64", {t, t});
  hinge(Kind::value, "lovasz_hinge_loss: the target is an undefined tensor", {x, Tensor()});
  hinge(Kind::shape, "lovasz_hinge_loss: prediction [2, 3] and target [2] differ in shape", {x, labels});
  hinge(Kind::value, "lovasz_hinge_loss: labels must be 0 or 1, but element 2 of the target [2, 3] is 2",
        {x, tensor({{0, 1, 2}, {0, 0, 0}})});
  hinge(Kind::value, "lovasz_hinge_loss: labels must be 0 or 1, but element 0 of the target [2, 3] is -1",
        {x, tensor({{-1, 1, 1}, {0, 0, 0}})});
  hinge(Kind::value, "lovasz_hinge_loss: labels must be 0 or 1, but element 1 of the target [2, 3] is 0.5",
        {x, tensor({{0.0, 0.5, 1.0}, {0.0, 0.0, 0.0}})});
  hinge(Kind::value, "lovasz_hinge_loss: labels must be 0 or 1, but element 0 of the target [2, 3] is nan",
        {x, full({2, 3}, nan_value)});
  hinge(Kind::autograd, "the function 'lovasz_hinge_loss' is not differentiable with respect to argument 'target'",
        {x, zeros({2, 3}, {.requires_grad = true})});
  const auto softmax_loss = [&](Kind kind, const std::string& text, const LossInputs& inputs) {
    table.push_back({kind, text, [](const LossInputs& in) { F::lovasz_softmax_loss(in[0], in[1]); }, inputs});
    table.push_back({kind, text, [](const LossInputs& in) { nn::LovaszSoftmaxLoss()(in[0], in[1]); }, inputs});
  };
  softmax_loss(Kind::dtype, "lovasz_softmax_loss: the prediction must be a floating point tensor, got int64",
               {t, labels});
  softmax_loss(Kind::dtype, "lovasz_softmax_loss: class indices must be int64, but the target is float64",
               {x, constants({2}, 1)});
  softmax_loss(Kind::value, "lovasz_softmax_loss: the target is an undefined tensor", {x, Tensor()});
  softmax_loss(Kind::shape,
               "lovasz_softmax_loss: the probabilities must be [P, C], but have shape [3]; bring the classes last and "
               "flatten the rest",
               {numbers({3}, 1), tensor(0)});
  softmax_loss(Kind::shape, "lovasz_softmax_loss: the probabilities must be [P, C], but have shape [2, 3, 4]",
               {numbers({2, 3, 4}, 1), zeros({2, 4}, {.dtype = int64})});
  softmax_loss(Kind::shape, "lovasz_softmax_loss: Expected input batch_size (2) to match target batch_size (3).",
               {x, tensor({0, 1, 2})});
  softmax_loss(Kind::shape, "lovasz_softmax_loss: size mismatch", {x, t});
  softmax_loss(Kind::index, "lovasz_softmax_loss: Target 3 is out of bounds. It stands at position [0]",
               {x, tensor({3, 0})});
  softmax_loss(Kind::index, "lovasz_softmax_loss: Target -100 is out of bounds. It stands at position [1]",
               {x, tensor({0, -100})});
}

void refusals(std::vector<LossRefusal>& table) {
  pair_refusals(table);
  arcface_refusals(table);
  lovasz_refusals(table);
}

}  // namespace

LossFamily contrastive_losses() { return {samples, refusals}; }
