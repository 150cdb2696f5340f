#pragma once

#include <boost/core/demangle.hpp>
#include <string>
#include <typeinfo>

#include "oracle/check.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/nn/module.h"

namespace oracle {

/// Demands that the record wants an object of this class. Before it is made, as that may throw.
template <class T>
void check_class(const Record& record) {
  if (!record.contains("class")) return;
  const std::string full = boost::core::demangle(typeid(T).name());
  const std::string name = full.substr(full.rfind("::") + 2), expected = record.at("class").text();
  if (name != expected)
    throw std::runtime_error("the record wants the class " + expected + ", and the test makes a " + name);
}

/// Puts the module into the record's mode, fills its buffers and replaces its parameters by the record's tensors, so that these receive the gradients.
/// The record must name exactly the parameters of the module, unless it expects an error and names none of them.
inline void set_up(slope::nn::Module& m, const Record& record, const Arguments& in,
                   const std::map<std::string, slope::nn::Parameter*>& parameters) {
  if (record.contains("training")) m.train(record.at("training").flag());
  if (record.contains("buffers")) {
    const Tensors values = record.at("buffers").tensors();
    for (const auto& [name, value] : values)
      if (value.is_floating_point()) m.to(value.dtype());
    const slope::NoGradGuard no_grad;
    for (const auto& [name, buffer] : m.named_buffers()) buffer.copy_(values.at(name));
  }
  bool named = !record.expects_error();
  for (const auto& [name, parameter] : parameters) named = named || in.contains(name);
  if (!named) return;
  for (const auto& [name, tensor] : m.named_parameters())
    if (!parameters.contains(name)) throw std::runtime_error("the test does not set the parameter " + name);
  for (const auto& [name, parameter] : parameters) {
    m.to(in.at(name).dtype());
    parameter->tie(in.at(name));
  }
}

/// Demands that the buffers are what the record says they are after a forward.
inline void expect_buffers(const slope::nn::Module& m, const Record& record) {
  if (!record.contains("buffers_after")) {
    if (!m.buffers().empty() && !record.expects_error()) throw std::runtime_error("the record lacks buffers");
    return;
  }
  const Tensors expected = record.at("buffers_after").tensors();
  for (const auto& [name, buffer] : m.named_buffers()) {
    const std::string text = difference(buffer, expected.at(name), record.tolerance());
    if (!text.empty()) throw std::runtime_error("afterwards, buffer " + name + ": " + text);
  }
  if (m.buffers().size() != expected.size()) throw std::runtime_error("the module lacks buffers of the record");
}

}  // namespace oracle
