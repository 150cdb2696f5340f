#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "slope/autograd/tensor/tensor.h"

namespace slope::autograd {

struct ExplainOptions {
  /// The latest operations that are listed; 0 lists all. Sums always cover the whole graph.
  std::int64_t max_nodes = 200;
};

/// The graph behind `outputs` as text: why is memory held, and where was it recorded?
///
/// First a line of totals, then one line an operation from the outputs backwards: its number, its name, the shapes of
/// its inputs (where known), where each input comes from, the values it keeps for backward with the bytes it is the
/// first in the list to hold, and the line of code that recorded it, with the path of the module whose forward it was.
/// Bytes are those of whole storages: a small view keeps all of what it views.
///
///     std::cout << autograd::explain(loss);
///
///     graph of 1 output: 3 operations, 2 leaves, 56 bytes kept for backward
///     #3 MeanBackward   [2]  <- #2   train.cpp:12
///     #2 SquareBackward   [2]  <- #1   keeps [2] (8 bytes)   train.cpp:11
///     #1 MulBackward   [2] [2]  <- leaf leaf   keeps [2] [2] (16 bytes)   train.cpp:10
///
/// Walks iteratively, so graphs of any depth will do, and changes nothing. A tensor without a graph gives a single line
/// that says so.
std::string explain(const Tensor& output, const ExplainOptions& options = {}, SourceLoc loc = SourceLoc::here());
std::string explain(const std::vector<Tensor>& outputs, const ExplainOptions& options = {},
                    SourceLoc loc = SourceLoc::here());

/// The same graph in the DOT language, for Graphviz: `dot -Tsvg graph.dot`. Leaves are boxes; the larger the
/// share of memory an operation keeps, the darker it is.
std::string explain_dot(const Tensor& output, const ExplainOptions& options = {}, SourceLoc loc = SourceLoc::here());
std::string explain_dot(const std::vector<Tensor>& outputs, const ExplainOptions& options = {},
                        SourceLoc loc = SourceLoc::here());

}  // namespace slope::autograd
