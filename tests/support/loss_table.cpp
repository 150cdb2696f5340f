#include "support/loss_table.h"

#include "support/losses/families.h"

namespace {

const std::vector<LossFamily>& families() {
  static const std::vector<LossFamily> all = {
      regression_losses(),  binary_losses(), elementwise_losses(), sequence_losses(), class_losses(),
      contrastive_losses(), penalties(),     margin_losses(),      row_losses(),
  };
  return all;
}

}  // namespace

const std::vector<LossSample>& loss_table() {
  static const std::vector<LossSample> table = [] {
    std::vector<LossSample> all;
    for (const LossFamily& family : families()) family.samples(all);
    return all;
  }();
  return table;
}

const std::vector<LossRefusal>& loss_refusals() {
  static const std::vector<LossRefusal> table = [] {
    std::vector<LossRefusal> all;
    for (const LossFamily& family : families()) family.refusals(all);
    return all;
  }();
  return table;
}
