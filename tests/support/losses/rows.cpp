#include <limits>

#include "slope/autograd/ops/ops.h"
#include "slope/nn/losses/losses.h"
#include "support/losses/families.h"

// Losses of pairs and triples of vectors, and of overlap.

using namespace slope;
namespace F = slope::nn::functional;
using Kind = LossRefusal::Kind;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

struct Samples {
  std::vector<LossSample>& table;
  void operator()(std::string name, LossSample::Function f, LossInputs inputs) const {
    table.push_back({.name = std::move(name), .function = std::move(f), .inputs = std::move(inputs)});
  }
};

void pair_samples(const Samples& row) {
  // What broadcasts must not do so along the rows: multiples of one vector all have the same cosine.
  const Shape left[] = {{2, 1, 4}, {2, 1, 4}, {1, 3, 4}}, right[] = {{3, 4}, {2, 3, 1}, {2, 3, 1}};
  for (const int which : {0, 1, 2}) {
    const int dim = which - 1;
    const double eps = which < 2 ? 1e-8 : 0.3;
    const auto similarity = [=](const LossInputs& in, Reduction) {
      return F::cosine_similarity(in[0], in[1], {.dim = dim, .eps = eps});
    };
    const std::string name = concat("cosine_similarity, dim ", dim, ", eps ", eps);
    row(name, similarity, {numbers({3, 5}, 1), numbers({3, 5}, 2, -0.9, 0.9)});
    row(name + " of three dimensions", similarity, {numbers({2, 3, 4}, 3), numbers({2, 3, 4}, 4, -0.9, 0.9)});
    row(name + " of shapes that broadcast", similarity, {numbers(left[which], 5), numbers(right[which], 6)});
  }
  row("cosine_similarity of one pair",
      [](const LossInputs& in, Reduction) { return F::cosine_similarity(in[0], in[1], {.dim = 0}); },
      {numbers({37}, 7), numbers({37}, 8)});
  row("cosine_similarity of norms below the bound",
      [](const LossInputs& in, Reduction) { return F::cosine_similarity(in[0], in[1], {.eps = 9}); },
      {numbers({3, 4}, 10), numbers({3, 4}, 11)});
  row("cosine_similarity of norms on both sides of the bound",
      [](const LossInputs& in, Reduction) {
        return F::cosine_similarity(in[0] * tensor({{0.1}, {3.0}}), in[1], {.eps = 0.7});
      },
      {numbers({2, 5}, 12, 0.4, 0.9), numbers({2, 5}, 13, 0.4, 0.9)});
  row("cosine_similarity with itself",
      [](const LossInputs& in, Reduction) { return F::cosine_similarity(in[0], in[0] * in[0], {.dim = 0}); },
      {numbers({5}, 9)});

  for (const double p : {2.0, 1.0, 3.0, 1.5, 0.5, -1.0, inf, -inf, 0.0})
    for (const bool keepdim : {false, true}) {
      const auto distance = [=](const LossInputs& in, Reduction) {
        return F::pairwise_distance(in[0], in[1], {.p = p, .eps = 0.01, .keepdim = keepdim});
      };
      const std::string name = concat("pairwise_distance, p ", p, keepdim ? ", keepdim" : "");
      row(name, distance, {numbers({3, 4}, 1), numbers({3, 4}, 2)});
      row(name + " of one pair", distance, {numbers({19}, 3), numbers({19}, 4)});
      row(name + " of shapes that broadcast", distance, {numbers({2, 1, 3}, 5), numbers({2, 3}, 6)});
    }

  const Tensor signs = tensor({1, -1, 1, -1}).to(float64), whole = tensor({-1, 1, 0, -1});
  for (const double margin : {0.0, 0.3, 0.95}) {
    const auto embedding = [=](const LossInputs& in, Reduction r) {
      return F::cosine_embedding_loss(in[0], in[1], in[2], {.margin = margin, .reduction = r});
    };
    const std::string name = concat("cosine_embedding_loss, margin ", margin);
    row(name, embedding, {numbers({4, 5}, 1), numbers({4, 5}, 2, -0.3, 0.9), signs});
    row(name + ", whole targets", embedding, {numbers({4, 5}, 3), numbers({4, 5}, 4), whole});
    row(name + " of one pair", embedding, {numbers({21}, 5), numbers({21}, 6), tensor(-1.0, {.dtype = float64})});
    row(name + ", one against many", embedding, {numbers({1, 3}, 7), numbers({4, 3}, 8), signs});
  }
}

void triplet_samples(const Samples& row) {
  for (const double p : {2.0, 1.0, 3.0, 1.5, inf, 0.0, -inf})
    for (const bool swap : {false, true}) {
      const auto triplet = [=](const LossInputs& in, Reduction r) {
        return F::triplet_margin_loss(in[0], in[1], in[2],
                                      {.margin = 0.4, .p = p, .eps = 0.01, .swap = swap, .reduction = r});
      };
      const std::string name = concat("triplet_margin_loss, p ", p, swap ? ", swap" : "");
      row(name, triplet, {numbers({4, 5}, 1), numbers({4, 5}, 2), numbers({4, 5}, 3)});
      row(name + " of one triplet", triplet, {numbers({18}, 4), numbers({18}, 5), numbers({18}, 6)});
      row(name + " of shapes that broadcast", triplet, {numbers({1, 3}, 7), numbers({4, 3}, 8), numbers({4, 3}, 9)});
      row(name + " of components that broadcast", triplet,
          {numbers({3, 4}, 10), numbers({3, 1}, 11), numbers({3, 1}, 12)});
    }
  const auto squared = [](const Tensor& a, const Tensor& b) { return square(a - b).sum(-1); };
  for (const bool swap : {false, true}) {
    row(concat("triplet_margin_with_distance_loss, pairwise_distance", swap ? ", swap" : ""),
        [=](const LossInputs& in, Reduction r) {
          return F::triplet_margin_with_distance_loss(in[0], in[1], in[2], {.swap = swap, .reduction = r});
        },
        {numbers({4, 5}, 1), numbers({4, 5}, 2), numbers({4, 5}, 3)});
    row(concat("triplet_margin_with_distance_loss, squared", swap ? ", swap" : ""),
        [=](const LossInputs& in, Reduction r) {
          return F::triplet_margin_with_distance_loss(
              in[0], in[1], in[2], {.distance_function = squared, .margin = 0.2, .swap = swap, .reduction = r});
        },
        {numbers({2, 3, 4}, 4), numbers({2, 3, 4}, 5), numbers({1, 3, 4}, 6)});
  }
}

void overlap_samples(const Samples& row) {
  for (const double smooth : {1.0, 0.0}) {
    const auto dice = [=](const LossInputs& in, Reduction r) {
      return F::dice_loss(in[0], in[1], {.smooth = smooth, .reduction = r});
    };
    const std::string name = concat("dice_loss, smooth ", smooth);
    row(name, dice, {numbers({3, 5}, 1), numbers({3, 5}, 2)});
    row(name + " of images", dice, {numbers({2, 2, 3, 4}, 3), numbers({2, 2, 3, 4}, 4)});
    row(name + " of single elements", dice, {numbers({4}, 5), numbers({4}, 6)});
    row(name + ", whole targets", dice, {numbers({2, 3}, 7), tensor({{1, 0, 1}, {0, 1, 0}})});
    for (const double gamma : {1.0, 2.0, 0.75}) {
      const auto tversky = [=](const LossInputs& in, Reduction r) {
        return F::tversky_loss(in[0], in[1],
                               {.alpha = 0.3, .beta = 0.8, .smooth = smooth, .gamma = gamma, .reduction = r});
      };
      const std::string title = concat("tversky_loss, smooth ", smooth, ", gamma ", gamma);
      row(title, tversky, {numbers({3, 5}, 1), numbers({3, 5}, 2)});
      row(title + " of images", tversky, {numbers({2, 2, 3, 4}, 3), numbers({2, 2, 3, 4}, 4)});
    }
  }
}

void samples(std::vector<LossSample>& table) {
  const Samples row{table};
  pair_samples(row);
  triplet_samples(row);
  overlap_samples(row);
}

struct Refusals {
  std::vector<LossRefusal>& table;
  void operator()(Kind kind, std::string text, std::function<void(const LossInputs&)> call, LossInputs inputs) const {
    table.push_back({kind, std::move(text), std::move(call), std::move(inputs)});
  }
};

void pair_refusals(const Refusals& refuse) {
  const Tensor x = numbers({2, 3}, 1), y = numbers({2, 3}, 2), wide = numbers({2, 4}, 3), vector = numbers({3}, 4);
  const Tensor whole = tensor({{1, 2, 3}, {4, 5, 6}}), cube = numbers({1, 2, 3}, 5),
               none = zeros({2, 0}, {.dtype = float64});
  const auto similarity = [](const LossInputs& in) { F::cosine_similarity(in[0], in[1]); };
  refuse(Kind::dtype, "cosine_similarity: x1 must be a floating point tensor, got int64; convert it", similarity,
         {whole, y});
  refuse(Kind::dtype, "cosine_similarity: x2 must be a floating point tensor, got int64", similarity, {x, whole});
  refuse(Kind::value, "cosine_similarity: x2 is an undefined tensor", similarity, {x, Tensor()});
  refuse(Kind::value, "cosine_similarity: x1 is an undefined tensor", similarity, {Tensor(), x});
  refuse(Kind::shape,
         "cosine_similarity: The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
         similarity, {x, wide});
  refuse(Kind::index, "cosine_similarity", similarity, {vector, vector});
  refuse(Kind::index, "cosine_similarity",
         [](const LossInputs& in) { F::cosine_similarity(in[0], in[1], {.dim = -3}); }, {x, y});

  const auto distance = [](const LossInputs& in) { F::pairwise_distance(in[0], in[1]); };
  refuse(Kind::dtype, "pairwise_distance: x1 must be a floating point tensor, got int64", distance, {whole, y});
  refuse(Kind::dtype, "pairwise_distance: x2 must be a floating point tensor, got int64", distance, {x, whole});
  refuse(Kind::value, "pairwise_distance: x2 is an undefined tensor", distance, {x, Tensor()});
  refuse(Kind::shape,
         "pairwise_distance: The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
         distance, {x, wide});
  refuse(
      Kind::value, "pairwise_distance: the order p is nan; give a number, or infinity",
      [](const LossInputs& in) { F::pairwise_distance(in[0], in[1], {.p = std::numeric_limits<double>::quiet_NaN()}); },
      {x, y});
  for (const double p : {inf, -inf, -2.0})
    refuse(Kind::shape,
           concat("pairwise_distance: vectors without components have no distance of order p = ", p,
                  "; the common shape is [2, 0]"),
           [p](const LossInputs& in) { F::pairwise_distance(in[0], in[1], {.p = p}); }, {none, none});

  const Tensor pair = tensor({1, -1}), three = tensor({1, -1, 1});
  const auto embedding = [](const LossInputs& in) { F::cosine_embedding_loss(in[0], in[1], in[2]); };
  refuse(Kind::shape,
         "cosine_embedding_loss: 0D or 1D target tensor expected, multi-target not supported; the target is [2, 1]",
         embedding, {x, y, pair.unsqueeze(1)});
  refuse(Kind::shape,
         "cosine_embedding_loss: 1D target tensor expects 2D input tensors, but found inputs with sizes [3] and [3]",
         embedding, {vector, vector, pair});
  refuse(Kind::shape,
         "cosine_embedding_loss: 1D target tensor expects 2D input tensors, but found inputs with sizes [2, 3] and [3]",
         embedding, {x, vector, pair});
  refuse(Kind::shape,
         "1D target tensor expects 2D input tensors, but found inputs with sizes [1, 2, 3] and [1, 2, 3]; the target "
         "is [2]",
         embedding, {cube, cube, pair});
  refuse(
      Kind::shape,
      "cosine_embedding_loss: 0D target tensor expects 1D input tensors, but found inputs with sizes [2, 3] and [2, 3]",
      embedding, {x, y, tensor(1)});
  refuse(Kind::shape, "cosine_embedding_loss: 0D target tensor expects 1D input tensors", embedding,
         {vector, x, tensor(1)});
  refuse(Kind::shape,
         "cosine_embedding_loss: the vectors must have the same number of components, but the inputs are [2, 3] and "
         "[2, 4]",
         embedding, {x, wide, pair});
  refuse(Kind::shape, "cosine_embedding_loss: The size of tensor a (2) must match the size of tensor b (3)", embedding,
         {x, y, three});
  refuse(Kind::shape, "cosine_embedding_loss: The size of tensor a (2) must match the size of tensor b (4)", embedding,
         {x, numbers({4, 3}, 6), pair});
  refuse(Kind::dtype, "cosine_embedding_loss: input1 must be a floating point tensor, got int64", embedding,
         {whole, y, pair});
  refuse(Kind::dtype, "cosine_embedding_loss: input2 must be a floating point tensor, got int64", embedding,
         {x, whole, pair});
  refuse(Kind::value, "cosine_embedding_loss: the target is an undefined tensor", embedding, {x, y, Tensor()});
  refuse(Kind::value, "cosine_embedding_loss: input2 is an undefined tensor", embedding, {x, Tensor(), pair});
  refuse(Kind::autograd, "the function 'cosine_embedding_loss' is not differentiable with respect to argument 'target'",
         embedding, {x, y, numbers({2}, 7)});
  refuse(
      Kind::value, "cosine_embedding_loss: batchmean is not a valid value for reduction",
      [](const LossInputs& in) { F::cosine_embedding_loss(in[0], in[1], in[2], {.reduction = Reduction::batchmean}); },
      {x, y, pair});
}

void triplet_refusals(const Refusals& refuse) {
  const Tensor x = numbers({2, 3}, 1), y = numbers({2, 3}, 2), z = numbers({2, 3}, 3), wide = numbers({2, 4}, 4);
  const Tensor vector = numbers({3}, 5), whole = tensor({{1, 2, 3}, {4, 5, 6}});
  const auto both = [&](Kind kind, const std::string& text, const LossInputs& inputs) {
    refuse(
        kind, "triplet_margin_loss: " + text, [](const LossInputs& in) { F::triplet_margin_loss(in[0], in[1], in[2]); },
        inputs);
    refuse(
        kind, "triplet_margin_with_distance_loss: " + text,
        [](const LossInputs& in) { F::triplet_margin_with_distance_loss(in[0], in[1], in[2]); }, inputs);
  };
  both(Kind::shape, "All inputs should have same dimension but got 2D, 1D and 1D inputs.", {x, vector, vector});
  both(Kind::shape,
       "All inputs should have same dimension but got 2D, 2D and 1D inputs. The anchor is [2, 3], the positive [2, 3], "
       "the negative [3]",
       {x, y, vector});
  both(Kind::shape, "All inputs should have same dimension but got 1D, 2D and 2D inputs.", {vector, y, z});
  both(Kind::dtype, "the anchor must be a floating point tensor, got int64", {whole, y, z});
  both(Kind::dtype, "the positive must be a floating point tensor, got int64", {x, whole, z});
  both(Kind::dtype, "the negative must be a floating point tensor, got int64", {x, y, whole});
  both(Kind::value, "the positive is an undefined tensor", {x, Tensor(), z});
  both(Kind::value, "the negative is an undefined tensor", {x, y, Tensor()});
  refuse(
      Kind::shape,
      "triplet_margin_loss: The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
      [](const LossInputs& in) { F::triplet_margin_loss(in[0], in[1], in[2]); }, {x, wide, z});
  refuse(
      Kind::shape,
      "triplet_margin_loss: The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
      [](const LossInputs& in) { F::triplet_margin_loss(in[0], in[1], in[2]); }, {x, y, wide});
  refuse(Kind::shape, "pairwise_distance: The size of tensor a (3) must match",
         [](const LossInputs& in) { F::triplet_margin_with_distance_loss(in[0], in[1], in[2]); }, {x, y, wide});
  for (const double margin : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    refuse(Kind::value, concat("triplet_margin_loss: margin must be greater than 0, got ", margin),
           [=](const LossInputs& in) { F::triplet_margin_loss(in[0], in[1], in[2], {.margin = margin}); }, {x, y, z});
    refuse(Kind::value, concat("triplet_margin_loss: margin must be greater than 0, got ", margin),
           [=](const LossInputs& in) { nn::TripletMarginLoss({.margin = margin})(in[0], in[1], in[2]); }, {x, y, z});
    refuse(Kind::value, concat("triplet_margin_with_distance_loss: margin must be greater than 0, got ", margin),
           [=](const LossInputs& in) { F::triplet_margin_with_distance_loss(in[0], in[1], in[2], {.margin = margin}); },
           {x, y, z});
  }
  refuse(Kind::value, "triplet_margin_loss: the order p is nan",
         [](const LossInputs& in) {
           F::triplet_margin_loss(in[0], in[1], in[2], {.p = std::numeric_limits<double>::quiet_NaN()});
         },
         {x, y, z});
  refuse(Kind::value, "triplet_margin_loss: batchmean is not a valid value for reduction",
         [](const LossInputs& in) { F::triplet_margin_loss(in[0], in[1], in[2], {.reduction = Reduction::batchmean}); },
         {x, y, z});
  refuse(Kind::value, "triplet_margin_with_distance_loss: batchmean is not a valid value for reduction",
         [](const LossInputs& in) {
           F::triplet_margin_with_distance_loss(in[0], in[1], in[2], {.reduction = Reduction::batchmean});
         },
         {x, y, z});
  refuse(Kind::value,
         "triplet_margin_with_distance_loss: distance_function must return a floating point tensor, got int64",
         [](const LossInputs& in) {
           const auto count = [](const Tensor& a, const Tensor&) { return full({a.size(0)}, 1); };
           F::triplet_margin_with_distance_loss(in[0], in[1], in[2], {.distance_function = count});
         },
         {x, y, z});
  refuse(
      Kind::value,
      "triplet_margin_with_distance_loss: distance_function must return a floating point tensor, got an undefined one",
      [](const LossInputs& in) {
        const auto nothing = [](const Tensor&, const Tensor&) { return Tensor(); };
        F::triplet_margin_with_distance_loss(in[0], in[1], in[2], {.distance_function = nothing});
      },
      {x, y, z});
}

void overlap_refusals(const Refusals& refuse) {
  const Tensor x = numbers({2, 3}, 1), t = constants({2, 3}, 2), row = constants({3}, 3),
               whole = tensor({{1, 0, 1}, {0, 1, 0}});
  const Tensor scalar = numbers({}, 4);
  const auto both = [&](Kind kind, const std::string& text, const LossInputs& inputs) {
    refuse(kind, "dice_loss: " + text, [](const LossInputs& in) { F::dice_loss(in[0], in[1]); }, inputs);
    refuse(kind, "tversky_loss: " + text, [](const LossInputs& in) { F::tversky_loss(in[0], in[1]); }, inputs);
  };
  both(Kind::shape, "prediction [2, 3] and target [3] differ in shape", {x, row});
  both(Kind::shape, "prediction [2, 1] and target [2] differ in shape; did you mean target.unsqueeze(1)?",
       {numbers({2, 1}, 5), constants({2}, 6)});
  both(Kind::shape, "the prediction must have at least one dimension, that of the samples, but is 0-d",
       {scalar, scalar});
  both(Kind::dtype, "the prediction must be a floating point tensor, got int64", {whole, whole});
  both(Kind::value, "the target is an undefined tensor", {x, Tensor()});
  refuse(Kind::value, "dice_loss: batchmean is not a valid value for reduction",
         [](const LossInputs& in) { F::dice_loss(in[0], in[1], {.reduction = Reduction::batchmean}); }, {x, t});
  refuse(Kind::value, "tversky_loss: batchmean is not a valid value for reduction",
         [](const LossInputs& in) { F::tversky_loss(in[0], in[1], {.reduction = Reduction::batchmean}); }, {x, t});
}

void refusals(std::vector<LossRefusal>& table) {
  const Refusals refuse{table};
  pair_refusals(refuse);
  triplet_refusals(refuse);
  overlap_refusals(refuse);
}

}  // namespace

LossFamily row_losses() { return {samples, refusals}; }
