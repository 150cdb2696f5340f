#pragma once

#include <string>
#include <type_traits>

#include "slope/autograd/core/error.h"
#include "slope/optim/grouped.h"

/// What is done with every option of a list (grouped-options.h).
namespace slope::optim::detail {

/// Throws ValueError "Adam: Invalid learning rate: -1; lr must be at least 0". `element` is that of an array, else -1.
void require_in_domain(const Domain& domain, const char* optimizer, const char* option, int element, double value,
                       SourceLoc loc);
/// "betas", 0 -> "beta1"; an element of -1 leaves the name as it is.
std::string number_name(const char* option, int element);

/// Calls f(name, domain, number, element) for every number of the options.
template <class Options, class F>
void each_number(Options& options, const F& f) {
  OptionRows<std::remove_const_t<Options>>::each([&](const char* name, auto member, auto, const Domain& domain) {
    auto& value = options.*member;
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_arithmetic_v<Value> || std::is_enum_v<Value>) {
      f(name, domain, value, -1);
    } else {
      int element = 0;
      for (auto& number : value) f(name, domain, number, element++);
    }
  });
}

template <class Group, class Options>
Options complete(const Group& group, Options options) {
  OptionRows<Options>::each([&](const char*, auto member, auto override, const Domain&) {
    if (group.*override) options.*member = *(group.*override);
  });
  return options;
}

template <class Rule, class Options>
void check_values(const Options& options, SourceLoc loc) {
  each_number(options, [&](const char* name, const Domain& domain, const auto& number, int element) {
    require_in_domain(domain, Rule::name, name, element, static_cast<double>(number), loc);
  });
  if constexpr (requires { Rule::check(options, loc); }) Rule::check(options, loc);
}

template <class Options>
NamedNumbers numbers_of(const Options& options) {
  NamedNumbers out;
  each_number(options, [&](const char* name, const Domain&, const auto& number, int element) {
    out.emplace_back(number_name(name, element), static_cast<double>(number));
  });
  return out;
}

/// Numbers that were checked for having the names of the options, in any order.
template <class Options>
Options options_from(Options options, const NamedNumbers& numbers) {
  each_number(options, [&](const char* option, const Domain&, auto& number, int element) {
    const std::string name = number_name(option, element);
    for (const auto& [key, value] : numbers)
      if (key == name) number = static_cast<std::remove_reference_t<decltype(number)>>(value);
  });
  return options;
}

}  // namespace slope::optim::detail
