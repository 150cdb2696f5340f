#pragma once

#include <optional>

#include "slope/autograd/core/dtype.h"

namespace slope::detail {

[[gnu::tls_model("initial-exec")]] inline thread_local constinit std::optional<DType> constant_dtype{};

/// While it lives, floating constants that a formula writes as T(0.2) have this dtype on this thread when T is Tensor: a
/// formula read for float64 tensors must not round its constants to the default dtype.
class [[nodiscard]] ConstantDTypeGuard {
 public:
  [[nodiscard]] explicit ConstantDTypeGuard(DType dtype) : previous_(constant_dtype) { constant_dtype = dtype; }
  ~ConstantDTypeGuard() { constant_dtype = previous_; }
  ConstantDTypeGuard(const ConstantDTypeGuard&) = delete;
  ConstantDTypeGuard& operator=(const ConstantDTypeGuard&) = delete;

 private:
  std::optional<DType> previous_;
};

}  // namespace slope::detail
