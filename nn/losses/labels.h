#pragma once

#include <cstdint>

#include "slope/nn/losses/common.h"

namespace slope::nn::detail {

/// Whether all n labels lie in [lowest, highest].
bool labels_within(const std::int64_t* labels, std::int64_t n, std::int64_t lowest, std::int64_t highest);
/// Throws IndexError for the first label outside [lowest, highest]: "op: what: it is 7 at position [1], outside of [-1,
/// 4]".
void require_labels_within(const char* op, const char* what, const Tensor& labels, std::int64_t lowest,
                           std::int64_t highest, SourceLoc loc);
/// Throws DTypeError unless the target is int64, ValueError when there is none.
void require_int64(const char* op, const Tensor& target, SourceLoc loc);

}  // namespace slope::nn::detail
