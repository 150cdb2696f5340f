#pragma once

#include <vector>

// What layers refuse, and in which words.

namespace layers_errors {

struct Row {
  /// The class, or the function where there is none.
  const char* layer;
  void (*call)();
  /// The whole sentence, but for the line that it names at its end.
  const char* sentence;
};

const std::vector<Row>& convolution_rows();
const std::vector<Row>& pooling_rows();
const std::vector<Row>& padding_rows();
const std::vector<Row>& normalization_rows();
const std::vector<Row>& recurrence_rows();
const std::vector<Row>& attention_rows();
const std::vector<Row>& small_rows();

}  // namespace layers_errors
