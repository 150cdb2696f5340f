#pragma once

#include <optional>
#include <vector>

#include "slope/autograd/tensor/tensor.h"

namespace slope::autograd {

struct BackwardOptions {
  /// Keep what was saved, so that the graph can be traversed again. Defaults to `create_graph`.
  std::optional<bool> retain_graph{};
  /// Record the backward computation itself, to differentiate it again. The gradient that a leaf then holds has a graph
  /// that refers to the leaf: neither is freed before zero_grad(). grad() leaves nothing behind.
  bool create_graph = false;
};

/// Accumulates the gradients of all `tensors` into the leaves. `gradients` may be empty (all outputs have one element) or
/// hold one entry per tensor (undefined entries mean one). If anything throws, no `.grad` has changed, but for leaves that
/// asked to be told early (on_gradient_complete). A hook or an operation may start another backward, 1000 inside each other.
void backward(const std::vector<Tensor>& tensors, const std::vector<Tensor>& gradients = {},
              BackwardOptions options = {}, SourceLoc loc = SourceLoc::here());

struct GradOptions {
  /// The incoming gradient of each output; empty: all outputs have one element, and it is 1.
  std::vector<Tensor> grad_outputs{};
  std::optional<bool> retain_graph{};
  bool create_graph = false;
  /// Return an undefined tensor for inputs that the outputs do not depend on, instead of throwing.
  bool allow_unused = false;
};

/// The gradients of Σ outputs·grad_outputs with respect to `inputs` (leaves or not), touching no `.grad`.
///
///     auto [gx] = std::tuple(autograd::grad({y}, {x}, {.create_graph = true})[0]);
std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const GradOptions& options = {}, SourceLoc loc = SourceLoc::here());

}  // namespace slope::autograd
