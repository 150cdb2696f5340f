#pragma once

#include <string>

#include "slope/autograd/core/shape.h"

/// How options read in the printed form of a module: as Python writes them.
namespace slope::nn::detail {

/// 0.5, 1.0, 1e-05.
std::string number(double value);
/// (2, 3).
std::string tuple(const Shape& sizes);
inline const char* truth(bool on) { return on ? "True" : "False"; }

}  // namespace slope::nn::detail
