#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "slope/autograd/tensor/tensor.h"

/// What the engine knows about parameters of modules, so that an optimizer can tell when one is trained by nobody: the
/// silent result of a member that was never registered.
namespace slope::detail {

struct ParameterInfo {
  std::atomic<int> owners{0};  // living optimizers that hold it
  Shape shape;
  SourceLoc where;  // the line that created it
};

/// Marks a leaf as a parameter of some module.
void mark_parameter(const Tensor& t, SourceLoc where);
/// An optimizer takes (+1) or releases (-1) a tensor; does nothing for tensors that are not parameters of a module.
void count_owner(const Tensor& t, int change);
/// Whether any backward has met a parameter that no optimizer holds; costs a load.
bool may_have_orphans();
/// Such a parameter that received a gradient in the same backward as `held` last did; null when there is none.
std::shared_ptr<const ParameterInfo> find_orphan(const Tensor& held);

}  // namespace slope::detail
