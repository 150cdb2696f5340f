#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

/// The losses that are compared, and the data they get: one list for all contestants.
namespace compare {

/// What an input is filled with.
enum class Fill {
  normal,         ///< standard normal
  probability,    ///< (0.01, 0.99)
  positive,       ///< (0.1, 2)
  binary,         ///< 0 or 1
  sign,           ///< -1 or 1
  log_softmax,    ///< logarithms of the probabilities of a row
  softmax,        ///< probabilities of a row
  labels,         ///< int64, one class per row
  label_list,     ///< int64, two classes of each row, then -1
  pos_weight,     ///< the number below
  class_weights,  ///< one for each class, (0.5, 1.5)
};
inline constexpr float pos_weight = 3;

struct LossRow {
  const char* name;
  /// The first `differentiated` of the inputs require grad.
  std::vector<Fill> inputs;
  int differentiated = 1;
  enum Sizes { vectors, rows, pairs } sizes = vectors;
};

inline const std::vector<LossRow>& loss_rows() {
  using enum Fill;
  static const std::vector<LossRow> all = {
      {"mse_loss", {normal, normal}},
      {"l1_loss", {normal, normal}},
      {"smooth_l1_loss", {normal, normal}},
      {"huber_loss", {normal, normal}},
      {"poisson_nll_loss", {normal, positive}},
      {"gaussian_nll_loss", {normal, normal, positive}},
      {"log_cosh_loss", {normal, normal}},
      {"quantile_loss", {normal, normal}},
      {"binary_cross_entropy", {probability, binary}},
      {"binary_cross_entropy_with_logits", {normal, binary}},
      {"binary_cross_entropy_with_logits_pos_weight", {normal, binary, Fill::pos_weight}},
      {"sigmoid_focal_loss", {normal, binary}},
      {"focal_loss", {probability, binary}},
      {"kl_div", {normal, probability}},
      {"soft_margin_loss", {normal, sign}},
      {"hinge_embedding_loss", {normal, sign}},
      {"margin_ranking_loss", {normal, normal, sign}, 2},
      {"charbonnier_loss", {normal, normal}},
      {"msle_loss", {positive, positive}},
      {"mape_loss", {normal, positive}},
      {"dice_loss", {probability, binary}, 1, LossRow::pairs},
      {"tversky_loss", {probability, binary}, 1, LossRow::pairs},
      {"nll_loss", {log_softmax, labels}, 1, LossRow::rows},
      {"cross_entropy", {normal, labels}, 1, LossRow::rows},
      {"cross_entropy_weight", {normal, labels, class_weights}, 1, LossRow::rows},
      {"cross_entropy_smoothing", {normal, labels}, 1, LossRow::rows},
      {"cross_entropy_probabilities", {normal, softmax}, 1, LossRow::rows},
      {"multi_margin_loss", {normal, labels}, 1, LossRow::rows},
      {"multilabel_margin_loss", {normal, label_list}, 1, LossRow::rows},
      {"multilabel_soft_margin_loss", {normal, binary}, 1, LossRow::rows},
      {"cosine_similarity", {normal, normal}, 2, LossRow::pairs},
      {"cosine_embedding_loss", {normal, normal, sign}, 2, LossRow::pairs},
      {"pairwise_distance", {normal, normal}, 2, LossRow::pairs},
      {"triplet_margin_loss", {normal, normal, normal}, 3, LossRow::pairs},
      {"triplet_margin_with_distance_loss", {normal, normal, normal}, 3, LossRow::pairs},
      {"info_nce_loss", {normal, normal}, 2, LossRow::pairs},
      {"nt_xent_loss", {normal, normal}, 2, LossRow::pairs},
  };
  return all;
}

/// Rows and columns; a vector has one row.
struct Size {
  std::int64_t rows, columns;
};
inline std::vector<Size> sizes_of(const LossRow& row) {
  switch (row.sizes) {
    case LossRow::vectors: return {{1, 100}, {1, 10'000}, {1, 1'000'000}};
    case LossRow::rows: return {{100, 3}, {128, 10}, {4096, 1000}, {64, 32'000}};
    case LossRow::pairs: return {{1024, 256}};
  }
  return {};
}
inline std::string size_text(const LossRow& row, const Size& s) {
  return row.sizes == LossRow::vectors ? std::to_string(s.columns)
                                       : std::to_string(s.rows) + "x" + std::to_string(s.columns);
}

/// The data of one input: `floats`, or `integers` for labels.
struct Data {
  std::vector<std::int64_t> shape;
  std::vector<float> floats;
  std::vector<std::int64_t> integers;
};

inline Data make_data(const LossRow& row, const Size& size, std::size_t input) {
  std::mt19937 random(static_cast<unsigned>(input + 1));
  const Fill fill = row.inputs[input];
  Data d;
  const bool per_row = fill == Fill::labels || (fill == Fill::sign && row.sizes == LossRow::pairs);
  if (row.sizes == LossRow::vectors)
    d.shape = {fill == Fill::pos_weight ? 1 : size.columns};
  else if (fill == Fill::class_weights)
    d.shape = {size.columns};
  else if (per_row)
    d.shape = {size.rows};
  else
    d.shape = {size.rows, size.columns};
  std::int64_t n = 1;
  for (const std::int64_t s : d.shape) n *= s;
  if (fill == Fill::labels || fill == Fill::label_list) {
    d.integers.resize(static_cast<std::size_t>(n), -1);
    for (std::int64_t i = 0; i < n; ++i)
      if (fill == Fill::labels || i % size.columns < std::min<std::int64_t>(2, size.columns - 1))
        d.integers[static_cast<std::size_t>(i)] =
            static_cast<std::int64_t>(random() % static_cast<unsigned>(size.columns));
    return d;
  }
  d.floats.resize(static_cast<std::size_t>(n));
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> unit;
  // A hundred million numbers are a million repeated: making them should not take longer than measuring.
  const std::size_t distinct =
      std::min<std::size_t>(d.floats.size(), row.sizes == LossRow::vectors ? 1 << 20 : d.floats.size());
  for (std::size_t i = 0; i < distinct; ++i) {
    float& x = d.floats[i];
    switch (fill) {
      case Fill::probability: x = 0.01f + 0.98f * unit(random); break;
      case Fill::positive: x = 0.1f + 1.9f * unit(random); break;
      case Fill::binary: x = static_cast<float>(random() & 1); break;
      case Fill::sign: x = random() & 1 ? 1.f : -1.f; break;
      case Fill::pos_weight: x = pos_weight; break;
      case Fill::class_weights: x = 0.5f + unit(random); break;
      default: x = normal(random);
    }
  }
  for (std::size_t i = distinct; i < d.floats.size(); ++i) d.floats[i] = d.floats[i - distinct];
  if (fill == Fill::log_softmax || fill == Fill::softmax)
    for (std::int64_t r = 0; r < size.rows; ++r) {
      float* x = d.floats.data() + r * size.columns;
      double sum = 0;
      for (std::int64_t j = 0; j < size.columns; ++j) sum += std::exp(static_cast<double>(x[j]));
      for (std::int64_t j = 0; j < size.columns; ++j) {
        const double lp = static_cast<double>(x[j]) - std::log(sum);
        x[j] = static_cast<float>(fill == Fill::softmax ? std::exp(lp) : lp);
      }
    }
  return d;
}

/// One work: a loss of one size, forward or forward and backward.
struct LossWork {
  std::string name;
  LossRow row;
  Size size;
  bool backward;
  /// Elements, where the cost of one is asked for.
  double count = 1;
  const char* unit = "";
};

/// Every loss at its sizes, and, as scale/..., how the cost of some grows.
inline std::vector<LossWork> loss_works() {
  std::vector<LossWork> all;
  for (const LossRow& row : loss_rows()) {
    const std::string loss = row.name;
    for (const Size& size : sizes_of(row))
      for (const bool backward : {false, true})
        all.push_back(
            {"loss/" + loss + "/" + size_text(row, size) + (backward ? "/fwd+bwd" : "/fwd"), row, size, backward});
    std::vector<Size> growing;
    if (loss == "mse_loss" || loss == "binary_cross_entropy_with_logits")
      for (std::int64_t n = 100; n <= 100'000'000; n *= 10) growing.push_back({1, n});
    if (loss == "cross_entropy")
      for (std::int64_t classes = 10; classes <= 1'000'000; classes *= 10)
        growing.push_back({std::max<std::int64_t>(10, 1'000'000 / classes), classes});
    for (const Size& size : growing)
      all.push_back({"scale/" + loss + "/" + std::to_string(size.columns), row, size, true,
                     static_cast<double>(size.rows * size.columns), "element"});
  }
  return all;
}

}  // namespace compare
