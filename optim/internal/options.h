#pragma once

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>

#include "slope/autograd/core/error.h"
#include "slope/optim/optimizer.h"

/// The options of an optimizer, listed once: from the list come the completion of groups, validation, state dicts, and access by
/// name. The compiler demands a row for every member of the aggregates.
namespace slope::optim::detail {

/// The values a number may have: low <= x <= high, or x < high.
struct Domain {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool below_high = false;
  bool contains(double x) const { return x >= low && (below_high ? x < high : x <= high); }
};
inline constexpr Domain at_least_0{.low = 0}, from_0_below_1{.low = 0, .high = 1, .below_high = true}, any{},
    flag{.low = 0, .high = 1};

/// A row: the option's name, where it stands in the options and in a group, and its domain. An option of several numbers, an
/// std::array named in the plural, has them under the singular and their place: `betas` are `beta1` and `beta2`.
template <class Options, class Group, class T>
struct Option {
  const char* name;
  T Options::* value;
  std::optional<T> Group::* override;
  Domain domain;
};
template <class Options, class Group, class T>
constexpr Option<Options, Group, T> option(const char* name, T Options::* value, std::optional<T> Group::* override,
                                           Domain domain) {
  return {name, value, override, domain};
}

/// Throws ValueError "Adam: Invalid learning rate: -1; lr must be at least 0". `element` is that of an array, else -1.
void require_in_domain(const Domain& domain, const char* optimizer, const char* option, int element, double value,
                       SourceLoc loc);
/// "betas", 0 -> "beta1"; an element of -1 leaves the name as it is.
std::string number_name(const char* option, int element);

/// Calls f(row, number, element) for every number of the options.
template <class Rule, class Options, class F>
void each_number(Options& options, const F& f) {
  std::apply(
      [&](const auto&... row) {
        const auto each = [&](const auto& r) {
          auto& value = options.*r.value;
          if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(value)>>) {
            f(r, value, -1);
          } else {
            int element = 0;
            for (auto& number : value) f(r, number, element++);
          }
        };
        (each(row), ...);
      },
      Rule::options);
}

template <class Rule, class Options, class Group>
Options complete(const Group& group, Options options) {
  std::apply(
      [&](const auto&... row) { ((options.*row.value = (group.*row.override).value_or(options.*row.value)), ...); },
      Rule::options);
  return options;
}

template <class Rule, class Options>
void check_values(const Options& options, SourceLoc loc) {
  each_number<Rule>(options, [&](const auto& row, const auto& number, int element) {
    require_in_domain(row.domain, Rule::name, row.name, element, static_cast<double>(number), loc);
  });
  if constexpr (requires { Rule::check(options, loc); }) Rule::check(options, loc);
}

template <class Rule, class Options>
NamedNumbers numbers_of(const Options& options) {
  NamedNumbers out;
  each_number<Rule>(options, [&](const auto& row, const auto& number, int element) {
    out.emplace_back(number_name(row.name, element), static_cast<double>(number));
  });
  return out;
}

/// Numbers that were checked for having the names of the options, in any order.
template <class Rule, class Options>
Options options_from(Options options, const NamedNumbers& numbers) {
  each_number<Rule>(options, [&](const auto& row, auto& number, int element) {
    const std::string name = number_name(row.name, element);
    for (const auto& [key, value] : numbers)
      if (key == name) number = static_cast<std::remove_reference_t<decltype(number)>>(value);
  });
  return options;
}

/// The number of members of an aggregate.
struct Anything {
  template <class T>
  operator T() const;
};
template <class T, class... Members>
constexpr std::size_t member_count() {
  if constexpr (requires { T{Members{}..., Anything{}}; })
    return member_count<T, Members..., Anything>();
  else
    return sizeof...(Members);
}

}  // namespace slope::optim::detail
