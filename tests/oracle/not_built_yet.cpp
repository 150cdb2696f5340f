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
    add("functional", {"embedding_bag"});
    add("module", {"EmbeddingBag", "parametrizations.spectral_norm", "parametrizations.weight_norm", "weight_norm"});
    add("optimizer",
        {"ASGD", "Adadelta", "Adagrad", "Adamax", "LBFGS", "Lion", "Muon", "NAdam", "RAdam", "RMSprop", "Rprop"});
    add("scheduler", {"ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR",
                      "ExponentialLR", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR",
                      "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR"});
    add("util",
        {"clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "ema", "fuse_conv_bn_eval",
         "fuse_linear_bn_eval", "get_total_norm", "parameters_to_vector", "parametrizations.spectral_norm",
         "prune.global_unstructured", "prune.l1_unstructured", "prune.ln_structured", "swa", "vector_to_parameters"});
    return list;
  }();
  return all;
}

const std::map<std::string, std::string>& not_right_yet() {
  static const std::map<std::string, std::string> all = {
      {"vl-1116", "cosine_similarity treats the bound of a norm as the identity, the record as a clamp"},
  };
  return all;
}

}  // namespace oracle
