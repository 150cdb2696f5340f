#pragma once

#include "oracle/record.h"
#include "slope/nn/layers/embedding.h"

namespace oracle {

/// What layers and functions of embeddings have in common.
template <class Options>
Options common_embedding_options(const Record& r) {
  Options o;
  if (r.has("padding_idx")) o.padding_idx = r.integer("padding_idx", 0);
  if (r.has("max_norm")) o.max_norm = r.real("max_norm", 0);
  o.norm_type = r.real("norm_type", o.norm_type);
  o.scale_grad_by_freq = r.flag("scale_grad_by_freq", o.scale_grad_by_freq);
  return o;
}

inline slope::nn::EmbeddingOptions embedding_options(const Record& r) {
  return common_embedding_options<slope::nn::EmbeddingOptions>(r);
}

inline slope::nn::EmbeddingBagOptions bag_options(const Record& r) {
  auto o = common_embedding_options<slope::nn::EmbeddingBagOptions>(r);
  o.mode = r.word("mode", o.mode);
  o.include_last_offset = r.flag("include_last_offset", o.include_last_offset);
  return o;
}

}  // namespace oracle
