#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "slope/autograd/core/source_loc.h"

namespace slope::train {

/// One layer of a model as a summary lists it; leaf modules in the order their forward ran.
struct SummaryRow {
  std::string type = {};                        // class name: "Linear"
  std::vector<std::int64_t> output_shape = {};  // first extent -1 where it stands for the batch: {-1, 4}
  std::int64_t params = 0;                      // numbers of the layer's own parameters
  std::int64_t trainable_params = 0;            // of those, the ones that require a gradient
  std::string name = {};                        // dotted path: "encoder.fc1" (not in the classic text)
  std::int64_t macs = 0;                        // multiply-accumulates of one sample (not in the classic text)
  bool reused = false;                          // this layer ran before: its parameters are listed already
  bool has_children = false;                    // and parameters of its own besides (not in the classic text)
};

/// What a summary says about a model.
struct SummaryInfo {
  std::vector<SummaryRow> rows = {};
  std::vector<std::vector<std::int64_t>> input_shapes = {};  // without the batch: {{2}} for one input of 2 features
  std::int64_t bytes_per_number = 4;                         // 8 for a float64 model; the classic text always takes 4
};

/// The summary of torchkeras 2.x, byte for byte, with a line break after the last line:
///
///     ----------------------------------------------------------------
///             Layer (type)               Output Shape         Param #
///     ================================================================
///                 Linear-1                    [-1, 4]              12
///     ================================================================
///     Total params: 12
///     ...
///
/// Each row is `{:>20}  {:>25} {:>15}`, its key the class name and its position. Sizes are bytes / 1024^2 with `%0.6f`:
/// input = 4 * prod(input shape), forward/backward = 2 * 4 * sum(prod(output shape)), parameters = 4 * total. As in
/// torchkeras a layer that runs twice counts twice, and parameters of a module that has children do not count. Throws
/// ValueError for a row with more trainable parameters than parameters.
std::string classic_summary(const SummaryInfo& info, SourceLoc loc = SourceLoc::here());

/// slope's own summary: dotted names, shapes, parameters, multiply-accumulates per sample. Columns are as wide as their
/// contents; a reused layer is marked and its parameters count once. Ends with a line break. Throws as classic_summary.
///
///     Name   Layer    Output shape   Params   MACs
///     --------------------------------------------
///     fc1    Linear   [-1, 4]            12      8
///     --------------------------------------------
///     Parameters   12 (12 trainable, 0 frozen), 48 B
///     Per sample   8 MACs, 8 B input, 32 B outputs + gradients
std::string named_summary(const SummaryInfo& info, SourceLoc loc = SourceLoc::here());

}  // namespace slope::train
