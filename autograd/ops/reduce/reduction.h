#pragma once

namespace slope {

/// How a loss becomes a number: per element, mean, sum, or sum over the batch size.
enum class Reduction { none, mean, sum, batchmean };

}  // namespace slope
