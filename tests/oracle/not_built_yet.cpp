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
    add("functional", {"adaptive_avg_pool2d",
                       "adaptive_max_pool2d",
                       "affine_grid",
                       "avg_pool1d",
                       "avg_pool2d",
                       "avg_pool3d",
                       "batch_norm",
                       "conv1d",
                       "conv2d",
                       "conv3d",
                       "conv_transpose1d",
                       "conv_transpose2d",
                       "conv_transpose3d",
                       "embedding_bag",
                       "generate_square_subsequent_mask",
                       "grid_sample",
                       "group_norm",
                       "instance_norm",
                       "interpolate",
                       "layer_norm",
                       "local_response_norm",
                       "lp_pool2d",
                       "max_pool1d",
                       "max_pool2d",
                       "max_pool3d",
                       "pdist",
                       "pixel_shuffle",
                       "pixel_unshuffle",
                       "rms_norm",
                       "scaled_dot_product_attention"});
    add("module", {"AdaptiveAvgPool1d",
                   "AdaptiveAvgPool2d",
                   "AdaptiveAvgPool3d",
                   "AdaptiveMaxPool1d",
                   "AdaptiveMaxPool2d",
                   "AdaptiveMaxPool3d",
                   "AvgPool1d",
                   "AvgPool2d",
                   "AvgPool3d",
                   "BatchNorm1d",
                   "BatchNorm2d",
                   "BatchNorm3d",
                   "ChannelShuffle",
                   "CircularPad1d",
                   "CircularPad2d",
                   "CircularPad3d",
                   "ConstantPad1d",
                   "ConstantPad2d",
                   "ConstantPad3d",
                   "Conv1d",
                   "Conv2d",
                   "Conv3d",
                   "ConvTranspose1d",
                   "ConvTranspose2d",
                   "ConvTranspose3d",
                   "EmbeddingBag",
                   "FeatureAlphaDropout",
                   "Fold",
                   "FractionalMaxPool2d",
                   "FractionalMaxPool3d",
                   "GRU",
                   "GRUCell",
                   "GroupNorm",
                   "InstanceNorm1d",
                   "InstanceNorm2d",
                   "InstanceNorm3d",
                   "LPPool1d",
                   "LPPool2d",
                   "LPPool3d",
                   "LSTM",
                   "LSTMCell",
                   "LayerNorm",
                   "LocalResponseNorm",
                   "MaxPool1d",
                   "MaxPool2d",
                   "MaxPool3d",
                   "MaxUnpool1d",
                   "MaxUnpool2d",
                   "MaxUnpool3d",
                   "MultiheadAttention",
                   "PixelShuffle",
                   "PixelUnshuffle",
                   "RMSNorm",
                   "RNN",
                   "RNNCell",
                   "ReflectionPad1d",
                   "ReflectionPad2d",
                   "ReflectionPad3d",
                   "ReplicationPad1d",
                   "ReplicationPad2d",
                   "ReplicationPad3d",
                   "Softmax2d",
                   "Transformer",
                   "TransformerDecoder",
                   "TransformerDecoderLayer",
                   "TransformerEncoder",
                   "TransformerEncoderLayer",
                   "Unfold",
                   "Upsample",
                   "UpsamplingBilinear2d",
                   "UpsamplingNearest2d",
                   "ZeroPad1d",
                   "ZeroPad2d",
                   "ZeroPad3d",
                   "parametrizations.spectral_norm",
                   "parametrizations.weight_norm",
                   "scaled_dot_product_attention",
                   "weight_norm"});
    add("optimizer",
        {"ASGD", "Adadelta", "Adagrad", "Adamax", "LBFGS", "Lion", "Muon", "NAdam", "RAdam", "RMSprop", "Rprop"});
    add("scheduler", {"ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR",
                      "ExponentialLR", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR",
                      "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR"});
    add("util",
        {"clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "ema", "fuse_conv_bn_eval",
         "fuse_linear_bn_eval", "get_total_norm", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
         "pad_sequence", "parameters_to_vector", "parametrizations.spectral_norm", "prune.global_unstructured",
         "prune.l1_unstructured", "prune.ln_structured", "swa", "vector_to_parameters"});
    return list;
  }();
  return all;
}

const std::map<std::string, std::string>& not_right_yet() {
  static const std::map<std::string, std::string> all = {
      {"vl-0784", "F::pad reflects all dimensions of a tensor; the reference wants one more than it pads"},
      {"vl-0785", "F::pad does not tell a value given for another mode than constant"},
      {"vl-1116", "cosine_similarity treats the bound of a norm as the identity, the record as a clamp"},
  };
  return all;
}

}  // namespace oracle
