#include "list.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace bench {

const std::vector<LossRow>& loss_rows() {
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
      {"lovasz_hinge_loss", {normal, binary}},
      {"dice_loss", {probability, binary}, 1, Sizes::pairs},
      {"tversky_loss", {probability, binary}, 1, Sizes::pairs},
      {"nll_loss", {log_softmax, labels}, 1, Sizes::rows},
      {"cross_entropy", {normal, labels}, 1, Sizes::rows},
      {"cross_entropy_weight", {normal, labels, class_weights}, 1, Sizes::rows},
      {"cross_entropy_smoothing", {normal, labels}, 1, Sizes::rows},
      {"cross_entropy_probabilities", {normal, softmax}, 1, Sizes::rows},
      {"sce_loss", {normal, labels}, 1, Sizes::rows},
      {"multi_margin_loss", {normal, labels}, 1, Sizes::rows},
      {"multilabel_margin_loss", {normal, label_list}, 1, Sizes::rows},
      {"multilabel_soft_margin_loss", {normal, binary}, 1, Sizes::rows},
      {"lovasz_softmax_loss", {softmax, labels}, 1, Sizes::pixels},
      {"arcface_loss", {normal, class_vectors, labels}, 2, Sizes::faces},
      {"adaptive_log_softmax_with_loss", {normal, labels}, 1, Sizes::vocabulary},
      {"ctc_loss", {log_softmax, label_sequence}, 1, Sizes::sequences},
      {"generalized_box_iou_loss", {corners, corners}, 1, Sizes::boxes},
      {"cosine_similarity", {normal, normal}, 2, Sizes::pairs},
      {"cosine_embedding_loss", {normal, normal, sign}, 2, Sizes::pairs},
      {"pairwise_distance", {normal, normal}, 2, Sizes::pairs},
      {"triplet_margin_loss", {normal, normal, normal}, 3, Sizes::pairs},
      {"triplet_margin_with_distance_loss", {normal, normal, normal}, 3, Sizes::pairs},
      {"info_nce_loss", {normal, normal}, 2, Sizes::pairs},
      {"nt_xent_loss", {normal, normal}, 2, Sizes::pairs},
  };
  return all;
}

std::vector<Size> sizes_of(const LossRow& row) {
  switch (row.sizes) {
    case Sizes::vectors: return {{1, 100}, {1, 10'000}, {1, 1'000'000}};
    case Sizes::rows: return {{100, 3}, {128, 10}, {4096, 1000}, {64, 32'000}};
    case Sizes::pixels: return {{100, 3}, {10'000, 10}};
    case Sizes::pairs: return {{100, 16}, {1024, 256}};
    case Sizes::boxes: return {{100, 4}, {10'000, 4}};
    case Sizes::sequences: return {{16, 20}};
    case Sizes::faces:
    case Sizes::vocabulary: return {{128, 256}};
  }
  return {};
}

std::string size_text(const LossRow& row, const Size& s) {
  if (row.sizes == Sizes::vectors) return std::to_string(s.columns);
  const std::string matrix = std::to_string(s.rows) + "x" + std::to_string(s.columns);
  return row.sizes == Sizes::sequences ? std::to_string(sequence_steps) + "x" + matrix : matrix;
}

namespace {

std::vector<std::int64_t> shape_of(const LossRow& row, const Size& size, Fill fill) {
  switch (fill) {
    case Fill::pos_weight: return {1};
    case Fill::class_weights: return {size.columns};
    case Fill::class_vectors: return {face_classes, size.columns};
    case Fill::labels: return {size.rows};
    case Fill::label_sequence: return {size.rows, sequence_labels};
    case Fill::sign:
      if (row.sizes == Sizes::pairs) return {size.rows};
      break;
    default: break;
  }
  if (row.sizes == Sizes::vectors) return {size.columns};
  if (row.sizes == Sizes::sequences) return {sequence_steps, size.rows, size.columns};
  return {size.rows, size.columns};
}

std::int64_t classes_of(const LossRow& row, const Size& size) {
  if (row.sizes == Sizes::faces) return face_classes;
  return row.sizes == Sizes::vocabulary ? vocabulary_classes : size.columns;
}

bool is_label(Fill fill) { return fill == Fill::labels || fill == Fill::label_list || fill == Fill::label_sequence; }

void fill_labels(std::vector<std::int64_t>& x, const LossRow& row, const Size& size, Fill fill, std::mt19937& random) {
  const std::int64_t classes = classes_of(row, size), lowest = fill == Fill::label_sequence ? 1 : 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (fill != Fill::label_list ||
        static_cast<std::int64_t>(i) % size.columns < std::min<std::int64_t>(2, classes - 1))
      x[i] = lowest + static_cast<std::int64_t>(random() % static_cast<unsigned>(classes - lowest));
}

float draw(Fill fill, std::mt19937& random, std::normal_distribution<float>& normal,
           std::uniform_real_distribution<float>& unit) {
  switch (fill) {
    case Fill::probability: return 0.01f + 0.98f * unit(random);
    case Fill::positive: return 0.1f + 1.9f * unit(random);
    case Fill::binary: return static_cast<float>(random() & 1);
    case Fill::sign: return random() & 1 ? 1.f : -1.f;
    case Fill::pos_weight: return pos_weight;
    case Fill::class_weights: return 0.5f + unit(random);
    case Fill::class_vectors: return 0.05f * normal(random);
    case Fill::corners: return unit(random);
    default: return normal(random);
  }
}

/// Makes probabilities, or their logarithms, of the rows.
void normalize_rows(std::vector<float>& x, std::int64_t columns, bool logarithms) {
  for (auto row = x.begin(); row != x.end(); row += columns) {
    double sum = 0;
    for (std::int64_t j = 0; j < columns; ++j) sum += std::exp(static_cast<double>(row[j]));
    for (std::int64_t j = 0; j < columns; ++j) {
      const double lp = static_cast<double>(row[j]) - std::log(sum);
      row[j] = static_cast<float>(logarithms ? lp : std::exp(lp));
    }
  }
}

}  // namespace

Data make_data(const LossRow& row, const Size& size, std::size_t input) {
  std::mt19937 random(static_cast<unsigned>(input + 1));
  const Fill fill = row.inputs[input];
  Data d;
  d.shape = shape_of(row, size, fill);
  std::size_t n = 1;
  for (const std::int64_t s : d.shape) n *= static_cast<std::size_t>(s);
  if (is_label(fill)) {
    d.integers.resize(n, -1);
    fill_labels(d.integers, row, size, fill, random);
    return d;
  }
  d.floats.resize(n);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> unit;
  // A hundred million numbers are a million repeated: making them should not take longer than measuring.
  const std::size_t distinct = row.sizes == Sizes::vectors ? std::min<std::size_t>(n, 1 << 20) : n;
  for (std::size_t i = 0; i < distinct; ++i) d.floats[i] = draw(fill, random, normal, unit);
  for (std::size_t i = distinct; i < n; ++i) d.floats[i] = d.floats[i - distinct];
  if (fill == Fill::log_softmax || fill == Fill::softmax)
    normalize_rows(d.floats, size.columns, fill == Fill::log_softmax);
  if (fill == Fill::corners)
    for (std::size_t i = 0; i < n; i += 4) d.floats[i + 2] += d.floats[i], d.floats[i + 3] += d.floats[i + 1];
  return d;
}

std::vector<float> parameter(std::int64_t n, std::size_t i) {
  std::mt19937 random(static_cast<unsigned>(5 + i));
  std::normal_distribution<float> normal(0, 0.05f);
  std::vector<float> x(static_cast<std::size_t>(n));
  for (float& v : x) v = normal(random);
  return x;
}

}  // namespace bench
