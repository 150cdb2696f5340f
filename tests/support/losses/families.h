#pragma once

#include "support/loss_table.h"

// Each family in a file of its own, tests/support/losses/<family>.cpp.
struct LossFamily {
  void (*samples)(std::vector<LossSample>&);
  void (*refusals)(std::vector<LossRefusal>&);
};

LossFamily regression_losses();
LossFamily binary_losses();
LossFamily elementwise_losses();
LossFamily sequence_losses();
LossFamily class_losses();
LossFamily margin_losses();
LossFamily row_losses();
LossFamily contrastive_losses();
LossFamily penalties();
