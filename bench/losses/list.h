#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "work.h"

/// The losses that are measured, and the data they get: one list for all contestants and for both programs.
namespace bench {

/// What an input is filled with.
enum class Fill {
  normal,          ///< standard normal
  probability,     ///< (0.01, 0.99)
  positive,        ///< (0.1, 2)
  binary,          ///< 0 or 1
  sign,            ///< -1 or 1
  log_softmax,     ///< logarithms of the probabilities of a row
  softmax,         ///< probabilities of a row
  labels,          ///< int64, one class per row
  label_list,      ///< int64, two classes of each row, then -1
  label_sequence,  ///< int64, 15 classes above 0 for each sequence
  pos_weight,      ///< the number below
  class_weights,   ///< one for each class, (0.5, 1.5)
  class_vectors,   ///< one vector for each of 1000 classes, normal, of deviation 0.05
  corners,         ///< boxes (x1, y1, x2, y2) of positive width and height
};
inline constexpr float pos_weight = 3;
inline constexpr std::int64_t sequence_steps = 50, sequence_labels = 15;
/// Of arcface_loss and of adaptive_log_softmax_with_loss, whose rows are features.
inline constexpr std::int64_t face_classes = 1000, vocabulary_classes = 10'000, vocabulary_cutoffs[] = {1000, 4000};

/// Which sizes a loss is measured at.
enum class Sizes { vectors, rows, pixels, pairs, boxes, sequences, faces, vocabulary };

struct LossRow {
  /// The name of the function, and for a row of its options `_` and these.
  const char* name;
  std::vector<Fill> inputs;
  /// The first `differentiated` of the inputs require grad.
  int differentiated = 1;
  Sizes sizes = Sizes::vectors;
};
const std::vector<LossRow>& loss_rows();

/// Rows and columns; a vector has one row.
struct Size {
  std::int64_t rows, columns;
};
std::vector<Size> sizes_of(const LossRow& row);
/// "10000", "4096x1000" or "50x16x20".
std::string size_text(const LossRow& row, const Size& size);

/// The data of one input: `floats`, or `integers` for labels.
struct Data {
  std::vector<std::int64_t> shape;
  std::vector<float> floats;
  std::vector<std::int64_t> integers;
};
Data make_data(const LossRow& row, const Size& size, std::size_t input);
/// Parameter i of a module.
std::vector<float> parameter(std::int64_t n, std::size_t i);

/// One loss at one size.
struct LossCase {
  LossRow row;
  Size size;
  bool backward = false;
  /// float64 in place of float32.
  bool wide = false;
};

/// A way to compute losses.
struct Contestant {
  const char* name;
  /// Whether it has this loss.
  bool (*has)(const LossRow&);
  /// Makes the data and returns the work.
  Work (*prepare)(const LossCase&);
  /// OpenMP has been told before.
  void (*set_threads)(int);
};
/// slope's own losses.
extern const Contestant built_in;
/// The formula as a lambda: fused by `slope::pointwise`, and composed of operations on tensors.
extern const Contestant pointwise_lambda, composed;
/// Loops one would write by hand for this one purpose: no tensors, no graph, no checks.
extern const Contestant loop;
#ifdef BENCH_TORCH
extern const Contestant libtorch;
/// "1.13": without the patch level, which distributions change.
std::string torch_version();
#endif

}  // namespace bench
