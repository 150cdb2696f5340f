#pragma once

#include <array>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/optim/grouped.h"
#include "slope/optim/internal/fused.h"
#include "slope/optim/internal/options.h"

/// What makes an optimizer of an update rule. The .cpp file of an optimizer defines its rule and instantiates
/// GroupedOptimizer<Options, Group, Rule>. Most rules are a formula of elements, all of which run in one pass (fused.h):
///
///     struct SignRule {
///       static constexpr const char* name = "Sign";
///       static constexpr std::tuple options = {option("lr", &SignOptions::lr, &SignGroup::lr, at_least_0)};
///       double lr;
///       SignRule(const SignOptions& o, Moment) : lr(o.lr) {}
///       template <class V> void operator()(V& p, V g, V*) const { p = p - lr * sign(g); }
///     };
///
/// The constructor works out what one step's scalars are from the options and the moment; it sees nothing else of a parameter,
/// so parameters at the same moment share one rule. Besides, a rule may have
///  - `static constexpr Slot<Options> slots[]`: tensors it remembers of each parameter, zero at first unless stated; the formula
///    gets them as s[0], s[1], ... and updates them;
///  - `static void check(options, loc)`: throws when options contradict each other;
///  - `static constexpr Number numbers[]`: numbers it remembers of each parameter (a running product). Then its constructor takes
///    a std::span<double> of them as a third argument, updates them, and runs for every parameter;
///  - in place of the formula of elements, for what needs a norm, rows or a product,
///
///        static Tensor next(const Options&, Moment, const Tensor& p, const Tensor& g, std::span<Tensor> slots,
///                           std::span<double> numbers);
///
///    the parameter's next values, from tensor operations. It replaces slots and writes into no tensor it was given, so that a
///    step which fails later has changed nothing. Then `static Shape slot_shape(std::size_t slot, const Tensor& p)` may give a
///    slot another shape than the parameter's.
namespace slope::optim {

namespace detail {

/// When a rule is applied to a parameter: the number of this update, from 1, and whether a slot is used for the first time.
struct Moment {
  std::int64_t step;
  bool fresh;
  friend bool operator==(const Moment&, const Moment&) = default;
};

template <class Options>
struct Slot {
  const char* name;
  bool (*in_use)(const Options&) = nullptr;     // null: always
  double (*initial)(const Options&) = nullptr;  // null: 0
};

struct Number {
  const char* name;
  double initial = 0;
};

template <class Rule, class Options>
constexpr auto slots_of() {
  if constexpr (requires { Rule::slots; })
    return std::to_array(Rule::slots);
  else
    return std::array<Slot<Options>, 0>{};
}
template <class Rule>
constexpr auto numbers_of_rule() {
  if constexpr (requires { Rule::numbers; })
    return std::to_array(Rule::numbers);
  else
    return std::array<Number, 0>{};
}
template <class Rule>
concept OfElements = !requires { &Rule::next; };

/// A rule as fused.h wants it.
template <class Rule, std::size_t count>
struct Fused : Rule {
  static constexpr int slots = static_cast<int>(count);
  static_assert(slots <= max_slots);
  explicit Fused(const Rule& rule) : Rule(rule) {}
};

template <class Rule>
struct NoElements {
  void clear() {}
  template <class T>
  void run() const {}
};

/// What one step will do, made without changing anything.
template <class Rule>
struct Pass {
  static constexpr std::size_t slot_count = [] {
    if constexpr (requires { Rule::slots; })
      return std::size(Rule::slots);
    else
      return std::size_t{0};
  }();
  template <class R>
  static auto fused_update() {
    if constexpr (OfElements<R>)
      return FusedUpdate<Fused<R, slot_count>>();
    else
      return NoElements<R>();
  }
  struct NewSlot {
    ParamState* state;
    std::size_t slot;
    Tensor value;
  };
  struct Update {
    ParamState* state;
    const Tensor* param;
  };
  decltype(fused_update<Rule>()) fused[2];            // float32, float64
  std::vector<Update> updates;                        // parameters of this step
  std::vector<NewSlot> new_slots;                     // used for the first time, converted, or replaced
  std::vector<double> numbers;                        // of all updates, one after the other
  std::vector<Tensor> in_use;                         // gradients
  std::vector<std::pair<Tensor, Tensor>> write_back;  // parameters that are not contiguous, and their next values
  std::optional<Rule> rule;                           // of the last parameter, and mostly of the next
  std::uint64_t rule_number = 0;
  Moment rule_moment{};
  const void* rule_group = nullptr;

  void clear() {
    for (auto& f : fused) f.clear();
    updates.clear();
    new_slots.clear();
    numbers.clear();
    in_use.clear();
    write_back.clear();
    rule.reset();
  }
};

}  // namespace detail

#define SLOPE_GROUPED template <class OptionsOf, class GroupOf, class Rule>
#define SLOPE_GROUPED_OPTIMIZER GroupedOptimizer<OptionsOf, GroupOf, Rule>

SLOPE_GROUPED
SLOPE_GROUPED_OPTIMIZER::GroupedOptimizer(const ParamList& params, const Options& options, SourceLoc loc)
    : defaults_(options) {
  static_assert(detail::member_count<Options>() == std::tuple_size_v<decltype(Rule::options)>,
                "the list of options lacks a row for a member of the options");
  static_assert(detail::member_count<Group>() == 1 + std::tuple_size_v<decltype(Rule::options)>,
                "a group has `params` and every option");
  detail::check_values<Rule>(options, loc);
  if (params.tensors.empty()) throw ValueError(concat(Rule::name, ": optimizer got an empty parameter list"), loc);
  Group group{};
  group.params = params;
  add_param_group(group, loc);
}

SLOPE_GROUPED
SLOPE_GROUPED_OPTIMIZER::GroupedOptimizer(const std::vector<Group>& groups, const Options& options, SourceLoc loc)
    : defaults_(options) {
  detail::check_values<Rule>(options, loc);
  if (groups.empty()) throw ValueError(concat(Rule::name, ": optimizer got an empty parameter list"), loc);
  for (const Group& g : groups) add_param_group(g, loc);
}

SLOPE_GROUPED SLOPE_GROUPED_OPTIMIZER::GroupedOptimizer(GroupedOptimizer&& other) noexcept = default;
SLOPE_GROUPED SLOPE_GROUPED_OPTIMIZER& SLOPE_GROUPED_OPTIMIZER::operator=(GroupedOptimizer&& other) noexcept = default;
SLOPE_GROUPED SLOPE_GROUPED_OPTIMIZER::~GroupedOptimizer() = default;

SLOPE_GROUPED
void SLOPE_GROUPED_OPTIMIZER::add_param_group(const Group& group, SourceLoc loc) {
  check_not_moved_from(loc);
  ParamGroup completed;
  static_cast<Options&>(completed) = detail::complete<Rule>(group, defaults_);
  detail::check_values<Rule>(static_cast<const Options&>(completed), loc);
  check_params(group.params, loc);
  completed.params = group.params.tensors;
  completed.names = group.params.names;
  prepare_to_adopt(completed.params.size());
  adopt(groups_.push_back(std::move(completed)).params);
}

SLOPE_GROUPED const char* SLOPE_GROUPED_OPTIMIZER::type() const { return Rule::name; }

SLOPE_GROUPED std::size_t SLOPE_GROUPED_OPTIMIZER::group_count() const { return groups_.size(); }

SLOPE_GROUPED
const std::vector<Tensor>& SLOPE_GROUPED_OPTIMIZER::group_params(std::size_t group, SourceLoc loc) const {
  return groups_.at(group, loc).params;
}

SLOPE_GROUPED
const std::vector<std::string>& SLOPE_GROUPED_OPTIMIZER::group_names(std::size_t group, SourceLoc loc) const {
  return groups_.at(group, loc).names;
}

SLOPE_GROUPED double& SLOPE_GROUPED_OPTIMIZER::lr(std::size_t group, SourceLoc loc) {
  return groups_.at(group, loc).lr;
}

SLOPE_GROUPED
std::vector<Optimizer::SlotInfo> SLOPE_GROUPED_OPTIMIZER::slot_infos(const NamedNumbers& numbers) const {
  const Options options = detail::options_from<Rule>(defaults_, numbers);
  std::vector<SlotInfo> out;
  for (const auto& slot : detail::slots_of<Rule, Options>())
    out.push_back({slot.name, !slot.in_use || slot.in_use(options), !slot.in_use});
  return out;
}

SLOPE_GROUPED
Shape SLOPE_GROUPED_OPTIMIZER::slot_shape(std::size_t slot, const Tensor& param) const {
  if constexpr (requires { Rule::slot_shape(slot, param); })
    return Rule::slot_shape(slot, param);
  else
    return param.shape();
}

SLOPE_GROUPED
std::vector<std::string> SLOPE_GROUPED_OPTIMIZER::number_names() const {
  std::vector<std::string> out;
  for (const auto& number : detail::numbers_of_rule<Rule>()) out.emplace_back(number.name);
  return out;
}

SLOPE_GROUPED
NamedNumbers SLOPE_GROUPED_OPTIMIZER::group_options(std::size_t group) const {
  return detail::numbers_of<Rule>(static_cast<const Options&>(groups_.at(group)));
}

SLOPE_GROUPED
void SLOPE_GROUPED_OPTIMIZER::check_options(const NamedNumbers& numbers, SourceLoc loc) const {
  // The domains of flags are checked before they become flags.
  detail::each_number<Rule>(defaults_, [&](const auto& row, const auto&, int element) {
    for (const auto& [name, value] : numbers)
      if (name == detail::number_name(row.name, element))
        detail::require_in_domain(row.domain, Rule::name, row.name, element, value, loc);
  });
  detail::check_values<Rule>(detail::options_from<Rule>(defaults_, numbers), loc);
}

SLOPE_GROUPED
void SLOPE_GROUPED_OPTIMIZER::set_group_options(std::size_t group, const NamedNumbers& numbers) {
  auto& options = static_cast<Options&>(groups_.at(group));
  options = detail::options_from<Rule>(options, numbers);
}

// Everything that may throw, for one parameter.
SLOPE_GROUPED
void SLOPE_GROUPED_OPTIMIZER::plan(const ParamGroup& group, const Tensor& p) {
  constexpr auto slots = detail::slots_of<Rule, Options>();
  constexpr auto numbers = detail::numbers_of_rule<Rule>();
  Tensor g = p.grad();
  if (!g.defined()) return;
  auto& pass = *pass_;
  const DType dtype = p.dtype();
  if (g.dtype() != dtype) g = g.to(dtype);
  if (!g.is_contiguous()) g = g.contiguous();

  ParamState& state = state_of(p);
  if (!state.initialized) {
    state.tensors.resize(slots.size());
    state.numbers.resize(numbers.size());
    for (std::size_t k = 0; k < numbers.size(); ++k) state.numbers[k] = numbers[k].initial;
  }
  detail::Moment now{state.step + 1, false};
  std::array<Tensor, slots.size()> used;  // of a formula of elements only those that are new
  std::array<void*, (slots.size() > 0 ? slots.size() : 1)> data{};
  for (std::size_t k = 0; k < slots.size(); ++k) {
    if (slots[k].in_use && !slots[k].in_use(group)) continue;
    const Tensor& slot = state.tensors[k];
    if (slot.defined() && slot.dtype() == dtype) {
      if constexpr (detail::OfElements<Rule>)
        data[k] = slot.raw_data();
      else
        used[k] = slot;
      continue;
    }
    if (slot.defined()) {
      used[k] = slot.to(dtype);
    } else {
      used[k] = full(slot_shape(k, p), slots[k].initial ? slots[k].initial(group) : 0, {.dtype = dtype});
      now.fresh = true;
    }
    if constexpr (detail::OfElements<Rule>) {
      data[k] = used[k].raw_data();
      pass.new_slots.push_back({&state, k, used[k]});
    }
  }
  std::span<double> own_numbers;
  if constexpr (numbers.size() > 0) {
    const std::size_t numbers_at = pass.numbers.size();
    pass.numbers.insert(pass.numbers.end(), state.numbers.begin(), state.numbers.end());
    own_numbers = {pass.numbers.data() + numbers_at, numbers.size()};
  }

  if constexpr (detail::OfElements<Rule>) {
    if constexpr (numbers.size() > 0) {
      pass.rule.emplace(group, now, own_numbers);
      ++pass.rule_number;
    } else if (!pass.rule || pass.rule_moment != now || pass.rule_group != &group) {
      pass.rule.emplace(group, now);
      ++pass.rule_number;
    }
    pass.rule_moment = now;
    pass.rule_group = &group;
    void* values = p.raw_data();
    if (!p.is_contiguous()) {
      const Tensor dense = p.detach().contiguous();
      pass.write_back.emplace_back(p, dense);
      values = dense.raw_data();
    }
    pass.fused[dtype == DType::float64].add(*pass.rule, pass.rule_number, values, g.raw_data(), data.data(), p.numel());
    pass.in_use.push_back(std::move(g));
  } else {
    Tensor next = Rule::next(group, now, p.detach(), g.detach(), std::span<Tensor>(used), own_numbers);
    pass.write_back.emplace_back(p, next.to(dtype));
    for (std::size_t k = 0; k < slots.size(); ++k)
      if (used[k].defined()) pass.new_slots.push_back({&state, k, used[k]});
  }
  pass.updates.push_back({&state, &p});
}

SLOPE_GROUPED
void SLOPE_GROUPED_OPTIMIZER::update() {
  if (!pass_) pass_ = std::make_unique<detail::Pass<Rule>>();
  auto& pass = *pass_;
  struct Clear {
    detail::Pass<Rule>& pass;
    ~Clear() { pass.clear(); }
  } clear{pass};
  for (const ParamGroup& group : groups_)
    for (const Tensor& p : group.params) plan(group, p);

  // Nothing from here on throws.
  for (auto& [state, slot, value] : pass.new_slots) state->tensors[slot] = std::move(value);
  const double* numbers = pass.numbers.data();
  for (const auto& [state, param] : pass.updates) {
    ++state->step;
    state->initialized = true;
    for (double& number : state->numbers) number = *numbers++;
    param->impl().storage->bump_version();
  }
  pass.fused[0].template run<float>();
  pass.fused[1].template run<double>();
  for (const auto& [p, next] : pass.write_back) copy_kernel(p.impl(), next.impl());
}

#undef SLOPE_GROUPED
#undef SLOPE_GROUPED_OPTIMIZER

}  // namespace slope::optim
