#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "slope/autograd/tensor/tensor.h"

/// What the engine knows about parameters of modules, so that an optimizer can tell when one is trained by nobody: the
/// silent result of a member that was never registered.
namespace slope::detail {

struct ParameterInfo {
  std::atomic<int> owners{0};  // living optimizers that hold it
  std::string name;            // "Linear.weight"
  Shape shape;
  SourceLoc where;  // the line that created it
};

/// Marks a leaf as a parameter of some module.
void mark_parameter(const Tensor& t, std::string name, SourceLoc where);
/// An optimizer takes (+1) or releases (-1) a tensor; does nothing for tensors that are not parameters of a module.
void count_owner(const Tensor& t, int change);
/// Whether any backward has met a parameter that no optimizer holds; costs a load.
bool may_have_orphans();
/// Such a parameter that received a gradient in the same backward as `held` last did; null when there is none.
std::shared_ptr<const ParameterInfo> find_orphan(const Tensor& held);
/// All such parameters that received a gradient in backwards after the one with this number.
std::vector<std::shared_ptr<const ParameterInfo>> orphans_since(std::uint64_t backward);

/// The number of the latest backward of the process that reached leaves, or `set_grad`.
std::uint64_t latest_backward();
/// The number of the backward, or `set_grad`, that gave this tensor its gradient last; 0 when there was none.
std::uint64_t last_gradient(const Tensor& t);

}  // namespace slope::detail
