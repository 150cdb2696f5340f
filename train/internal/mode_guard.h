#pragma once

#include <utility>
#include <vector>

#include "slope/nn/module.h"

namespace slope::train {

/// Training or eval mode for a while. Puts every module back to the mode it had, so that parts frozen in eval mode stay so;
/// also when an exception passes.
class [[nodiscard]] ModeGuard {
 public:
  [[nodiscard]] ModeGuard(nn::Module& net, bool training) {
    for (nn::Module* m : net.modules()) previous_.emplace_back(m, m->is_training());
    net.train(training);
  }
  ~ModeGuard() {
    // Parents come first: train() reaches their children, who then correct themselves.
    for (const auto& [module, training] : previous_)
      if (module->is_training() != training) module->train(training);
  }
  ModeGuard(const ModeGuard&) = delete;
  ModeGuard& operator=(const ModeGuard&) = delete;

 private:
  std::vector<std::pair<nn::Module*, bool>> previous_;
};

}  // namespace slope::train
