#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "slope/autograd/tensor/tensor.h"

/// Losses by name, called with options and tensors by name.
namespace edges {

using Json = nlohmann::json;
using Tensors = std::map<std::string, slope::Tensor>;

/// Options that are not named keep their defaults; tensors among the options stand with the inputs.
using LossCall = std::function<slope::Tensor(const Json& options, const std::string& reduction, const Tensors& inputs)>;

const std::map<std::string, LossCall>& loss_calls();

}  // namespace edges
