#pragma once

#include <cstdint>
#include <cstring>

#include "slope/nn/losses/shared/common.h"

namespace slope::nn::detail {

/// Whether all n labels lie in [lowest, highest]. Inline, so that kernels compile it for their instruction set.
inline bool labels_within(const std::int64_t* labels, std::int64_t n, std::int64_t lowest, std::int64_t highest) {
  if (highest < lowest) return n == 0;
  // Unsigned, below `lowest` is beyond `highest`. Eight labels at a time.
  typedef std::uint64_t Eight __attribute__((vector_size(64)));
  const auto first = static_cast<std::uint64_t>(lowest), span = static_cast<std::uint64_t>(highest) - first;
  Eight outside = {};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    Eight v;
    std::memcpy(&v, labels + i, sizeof v);
    outside |= reinterpret_cast<Eight>(v - first > span);
  }
  bool within = true;
  for (int k = 0; k < 8; ++k) within &= outside[k] == 0;
  for (; i < n; ++i) within &= static_cast<std::uint64_t>(labels[i]) - first <= span;
  return within;
}

/// Throws IndexError for the first label outside [lowest, highest]: "op: what: it is 7 at position [1], outside of [-1,
/// 4]".
void require_labels_within(const char* op, const char* what, const Tensor& labels, std::int64_t lowest,
                           std::int64_t highest, SourceLoc loc);
/// Throws DTypeError unless the target is int64, ValueError when there is none.
void require_int64(const char* op, const Tensor& target, SourceLoc loc);

}  // namespace slope::nn::detail
