#include <boost/test/unit_test.hpp>
#include <map>
#include <set>

#include "oracle/oracle.h"
#include "slope/nn/layers/linear.h"

using namespace slope;
using oracle::Record;
using oracle::Tensors;

namespace {

const std::map<std::string, oracle::Function>& built() {
  static const std::map<std::string, oracle::Function> all = {
      {"Linear",
       [](const Record& r, const Tensors& in) {
         nn::Linear m(r.integer("in_features", 0), r.integer("out_features", 0), {.bias = r.flag("bias", true)});
         m.to(in.at("weight").dtype());
         m.weight.tie(in.at("weight"));
         if (in.contains("bias")) m.bias.tie(in.at("bias"));
         return Tensors{{"", m(in.at("input"))}};
       }},
      {"Bilinear",
       [](const Record& r, const Tensors& in) {
         nn::Bilinear m(r.integer("in1_features", 0), r.integer("in2_features", 0), r.integer("out_features", 0),
                        {.bias = r.flag("bias", true)});
         m.to(in.at("weight").dtype());
         m.weight.tie(in.at("weight"));
         if (in.contains("bias")) m.bias.tie(in.at("bias"));
         return Tensors{{"", m(in.at("input1"), in.at("input2"))}};
       }},
  };
  return all;
}

// What the file has records of and this test does not run yet.
const std::set<std::string> not_built_yet = {"AdaptiveAvgPool2d",
                                             "AvgPool2d",
                                             "BatchNorm1d",
                                             "BatchNorm2d",
                                             "Conv1d",
                                             "Conv2d",
                                             "Embedding",
                                             "GRU",
                                             "GroupNorm",
                                             "LSTM",
                                             "LayerNorm",
                                             "MaxPool1d",
                                             "MaxPool2d",
                                             "MultiheadAttention",
                                             "RMSNorm",
                                             "RNN",
                                             "TransformerEncoderLayer",
                                             "scaled_dot_product_attention"};

}  // namespace

BOOST_AUTO_TEST_SUITE(module_records)

BOOST_AUTO_TEST_CASE(modules_agree_with_the_reference) {
  for (const Record& r : oracle::records("module")) {
    const auto found = built().find(r.name());
    BOOST_TEST((found != built().end()) != not_built_yet.contains(r.name()), r.name()
                                                                                 << " must be either built or listed");
    if (found != built().end()) oracle::check(r, found->second);
  }
}

BOOST_AUTO_TEST_SUITE_END()
