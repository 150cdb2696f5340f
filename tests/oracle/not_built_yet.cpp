#include "oracle/check.h"

// The one list of what slope does not do yet although the oracle has records of it. oracle_test.cpp keeps it exact: what is built, and what
// has no record, must not stand here.

namespace oracle {

const std::vector<std::pair<std::string, std::string>>& not_built_yet() {
  static const std::vector<std::pair<std::string, std::string>> all = [] {
    std::vector<std::pair<std::string, std::string>> list;
    const auto add = [&](const char* kind, std::initializer_list<const char*> names) {
      for (const char* name : names) list.emplace_back(kind, name);
    };
    add("optimizer",
        {"ASGD", "Adadelta", "Adagrad", "Adamax", "LBFGS", "Lion", "Muon", "NAdam", "RAdam", "RMSprop", "Rprop"});
    add("scheduler", {"ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR",
                      "ExponentialLR", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR",
                      "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR"});
    add("util", {"ema", "swa"});
    return list;
  }();
  return all;
}

const std::map<std::string, std::string>& not_right_yet() {
  // The reference divides the gradient of its u-th distinct row, in sorted order, by the frequency of the row at place u of the sorted
  // input (it reads counts[indices[u]]). The specification, and Embedding of the same reference, divide by the row's own.
  const char* another_frequency = "the reference divides by the frequency of another row";
  static const std::map<std::string, std::string> all = {{"vl-1058", another_frequency},
                                                         {"vl-1066", another_frequency}};
  return all;
}

}  // namespace oracle
