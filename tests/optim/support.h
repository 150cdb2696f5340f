#pragma once

#include <vector>

#include "slope/autograd.h"
#include "slope/optim.h"

inline slope::Tensor param(const std::vector<double>& values, slope::DType dtype = slope::float64) {
  return slope::tensor(values, {.dtype = dtype, .requires_grad = true});
}
inline void give(const slope::Tensor& p, const std::vector<double>& grad) {
  p.set_grad(slope::tensor(grad, {.dtype = p.dtype()}).view(p.shape()));
}
