// The options of an optimizer, from the one list there is of them. A header defines the two macros and includes this file:
//
//   #define SLOPE_OPTIMIZER(part) Sign##part
//   #define SLOPE_OPTIONS(row) row(lr, double, at_least_0, 1e-3) row(betas, detail::Pair, from_0_below_1, {0.9, 0.999})
//   #include "slope/optim/grouped-options.h"
//
// A row is name, type (a number, a flag, an enum, or an std::array of numbers), the values it may have, and the default. From the rows come
// SignOptions, SignGroup with every option as std::optional, and what completes groups, checks values, writes and reads state dicts, and
// finds options by name. An option of several numbers is named in the plural; its numbers, `beta1` and `beta2`, in the singular.
#if defined(SLOPE_OPTIMIZER)
#define SLOPE_MEMBER(name, type, domain, ...) type name = __VA_ARGS__;
#define SLOPE_OVERRIDE(name, type, domain, ...) std::optional<type> name{};
#define SLOPE_ROW(name, type, domain, ...) f(#name, &Options::name, &Group::name, domain);
// On one line, since every program includes it many times.
#define SLOPE_DECLARATIONS(Options_, Group_, Rule_) \
  struct Options_ {                                 \
    SLOPE_OPTIONS(SLOPE_MEMBER)                     \
  };                                                \
  struct Group_ {                                   \
    ParamList params{};                             \
    SLOPE_OPTIONS(SLOPE_OVERRIDE)                   \
  };                                                \
  namespace detail {                                \
  struct Rule_;                                     \
  template <>                                       \
  struct OptionRows<Options_> {                     \
    using Options = Options_;                       \
    using Group = Group_;                           \
    template <class F>                              \
    static constexpr void each(const F& f) {        \
      SLOPE_OPTIONS(SLOPE_ROW)                      \
    }                                               \
  };                                                \
  }                                                 \
  extern template class GroupedOptimizer<Options_, Group_, detail::Rule_>;
SLOPE_DECLARATIONS(SLOPE_OPTIMIZER(Options), SLOPE_OPTIMIZER(Group), SLOPE_OPTIMIZER(Rule))
#undef SLOPE_DECLARATIONS
#undef SLOPE_MEMBER
#undef SLOPE_OVERRIDE
#undef SLOPE_ROW
#undef SLOPE_OPTIONS
#undef SLOPE_OPTIMIZER
#endif
