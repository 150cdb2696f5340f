#pragma once

#include <cstddef>
#include <utility>

#include "slope/nn/losses/losses.h"

// The one list of the options that losses have, for tests that read them from files. Tensors come first; the reduction comes last, as an
// unknown one throws.
#define TESTS_LOSS_OPTIONS(X) \
  X(weight)                   \
  X(pos_weight)               \
  X(alpha)                    \
  X(beta)                     \
  X(blank)                    \
  X(delta)                    \
  X(dim)                      \
  X(distance_function)        \
  X(div_value)                \
  X(easy_margin)              \
  X(eps)                      \
  X(full)                     \
  X(gamma)                    \
  X(head_bias)                \
  X(ignore_index)             \
  X(keepdim)                  \
  X(label_smoothing)          \
  X(log_input)                \
  X(log_target)               \
  X(log_zero)                 \
  X(margin)                   \
  X(p)                        \
  X(q)                        \
  X(scale)                    \
  X(smooth)                   \
  X(swap)                     \
  X(temperature)              \
  X(zero_infinity)            \
  X(reduction)

namespace tests {

template <class Options>
consteval std::size_t listed_options() {
  std::size_t n = 0;
#define TESTS_COUNT(field) \
  if constexpr (requires(Options o) { o.field; }) ++n;
  TESTS_LOSS_OPTIONS(TESTS_COUNT)
#undef TESTS_COUNT
  return n;
}

/// Whether an option struct can be made of `n` values.
template <class Options, std::size_t n>
consteval bool takes_members() {
  return []<std::size_t... Is>(std::index_sequence<Is...>) {
    return requires { Options{slope::nn::detail::AnyMemberAt<Is>()...}; };
  }(std::make_index_sequence<n>());
}

/// Calls visit(name, option) for every option of a loss. A struct that has one which the list lacks does not compile.
template <class Options, class Visit>
void each_loss_option(Options& o, const Visit& visit) {
  constexpr std::size_t listed = listed_options<Options>();
  static_assert(takes_members<Options, listed>() && !takes_members<Options, listed + 1>(),
                "an option of this loss is missing from TESTS_LOSS_OPTIONS");
#define TESTS_VISIT(field) \
  if constexpr (requires { o.field; }) visit(#field, o.field);
  TESTS_LOSS_OPTIONS(TESTS_VISIT)
#undef TESTS_VISIT
}

}  // namespace tests
