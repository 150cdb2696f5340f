#pragma once

#include <cstdint>
#include <vector>

#include "slope/nn/utils/rnn.h"

namespace slope::nn::detail {

/// The batch sizes of a PackedSequence. Throws ValueError unless they are int64, positive, do not increase and add up to
/// the rows of its data, and unless its indices are a permutation and the inverse one.
std::vector<std::int64_t> checked_batch_sizes(const char* op, const utils::rnn::PackedSequence& packed, SourceLoc loc);

}  // namespace slope::nn::detail
