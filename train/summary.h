#pragma once

#include "slope/nn/module.h"
#include "slope/train/console/summary_text.h"

namespace slope::train {

/// Runs the module on `example` (in eval mode, without gradients) and lists the layers in the order their forward ended: modules
/// without children, and modules with parameters of their own. Mode and hooks are as before afterwards, also when forward
/// throws. Layers called as `forward(x)` instead of `layer(x)` are not seen.
///
///     std::cout << named_summary(summarize(net, {2}));
SummaryInfo summarize(nn::Module& net, const Tensor& example, SourceLoc loc = SourceLoc::here());
/// The same on one sample of zeros of this shape, in the dtype of the parameters.
SummaryInfo summarize(nn::Module& net, const Shape& input_shape, SourceLoc loc = SourceLoc::here());

}  // namespace slope::train
