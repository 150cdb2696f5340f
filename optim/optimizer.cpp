#include "slope/optim/optimizer.h"

#include <unordered_map>
#include <unordered_set>

#include "slope/autograd/engine/internal/parameter.h"
#include "slope/optim/internal/options.h"

namespace slope::optim {

namespace detail {

void require_in_domain(const Domain& domain, const char* optimizer, const char* option, int element, double value,
                       SourceLoc loc) {
  if (domain.contains(value)) return;
  const std::string_view name = option;
  std::string what;
  if (name == "lr")
    what = "learning rate";
  else if (name == "eps")
    what = "epsilon value";
  else if (element < 0)
    what = concat(name, " value");
  else
    what = concat(name.substr(0, name.size() - 1), " parameter at index ", element);
  const std::string range = domain.high > 1e300 ? concat("at least ", domain.low)
                            : domain.below_high ? concat("at least ", domain.low, " and below ", domain.high)
                                                : concat("between ", domain.low, " and ", domain.high);
  throw ValueError(concat(optimizer, ": Invalid ", what, ": ", value, "; ", name, " must be ", range), loc);
}

std::string number_name(const char* option, int element) {
  const std::string_view name = option;
  return element < 0 ? std::string(name) : concat(name.substr(0, name.size() - 1), element + 1);
}

}  // namespace detail

namespace {

/// "parameter 'fc1.weight' of shape [2, 3]", or its place in the group when its name is not known.
std::string described(const std::vector<Tensor>& params, const std::vector<std::string>& names, std::size_t i) {
  return concat("parameter ", names.empty() ? std::to_string(i) : concat("'", names[i], "'"), " of shape ",
                slope::to_text(params[i].shape()));
}

/// Throws unless `given` holds each of `known` once and nothing else.
template <class Given, class Known, class NameOf>
void require_same_names(const Given& given, const Known& known, const NameOf& name_of, const std::string& where,
                        SourceLoc loc) {
  std::unordered_set<std::string_view> seen;
  for (const auto& entry : given) {
    bool found = false;
    for (const auto& k : known) found = found || name_of(k) == entry.first;
    if (!found) throw ValueError(concat(where, " holds '", entry.first, "', which this optimizer does not have"), loc);
    if (!seen.insert(entry.first).second) throw ValueError(concat(where, " holds '", entry.first, "' twice"), loc);
  }
  for (const auto& k : known)
    if (!seen.contains(name_of(k))) throw ValueError(concat(where, " lacks '", name_of(k), "'"), loc);
}

}  // namespace

ParamList::ParamList(const std::vector<std::pair<std::string, Tensor>>& named) {
  for (const auto& [name, tensor] : named) {
    names.push_back(name);
    tensors.push_back(tensor);
  }
}

struct Optimizer::States : std::unordered_map<const TensorImpl*, ParamState> {};

Optimizer::Optimizer() : states_(std::make_unique<States>()), stepped_at_(slope::detail::latest_backward()) {}

Optimizer::~Optimizer() {
  for (const Tensor& p : adopted_) slope::detail::count_owner(p, -1);
}

Optimizer::Optimizer(Optimizer&& other) noexcept
    : check_orphans(other.check_orphans),
      states_(std::move(other.states_)),
      adopted_(std::exchange(other.adopted_, {})),
      stepped_at_(other.stepped_at_) {}

Optimizer& Optimizer::operator=(Optimizer&& other) noexcept {
  if (this == &other) return *this;
  for (const Tensor& p : adopted_) slope::detail::count_owner(p, -1);
  check_orphans = other.check_orphans;
  states_ = std::move(other.states_);
  adopted_ = std::exchange(other.adopted_, {});
  stepped_at_ = other.stepped_at_;
  return *this;
}

void Optimizer::check_not_moved_from(SourceLoc loc) const {
  if (!states_) throw ValueError(concat(type(), ": this optimizer was moved from; use the one it was moved to"), loc);
}

// ---- parameters

void Optimizer::check_params(const ParamList& params, SourceLoc loc) const {
  if (!params.names.empty() && params.names.size() != params.tensors.size())
    throw ValueError(concat(type(), ": ", params.tensors.size(), " parameters but ", params.names.size(), " names"),
                     loc);
  std::unordered_set<const TensorImpl*> seen;
  std::unordered_set<std::string_view> names;
  for (std::size_t i = 0; i < params.tensors.size(); ++i) {
    const Tensor& p = params.tensors[i];
    if (!p.defined()) throw ValueError(concat(type(), ": a parameter is an undefined tensor"), loc);
    const std::string what = described(params.tensors, params.names, i);
    if (!p.is_floating_point())
      throw DTypeError(
          concat(type(), ": can only optimize floating point tensors, but ", what, " is ", dtype_name(p.dtype())), loc);
    if (!p.is_leaf())
      throw AutogradError(concat(type(), ": can't optimize a non-leaf Tensor: ", what, " was computed by ", p.grad_fn(),
                                 "; pass the tensor it was computed from, or a detach()ed copy"),
                          loc);
    if (!seen.insert(&p.impl()).second)
      throw ValueError(concat(type(), ": optimizer contains a parameter group with duplicate parameters: ", what,
                              " is listed twice"),
                       loc);
    if (!params.names.empty() && !names.insert(params.names[i]).second)
      throw ValueError(concat(type(), ": two parameters have the name '", params.names[i], "'"), loc);
  }
  for (std::size_t g = 0; g < group_count(); ++g) {
    for (std::size_t i = 0; i < group_params(g).size(); ++i)
      if (seen.contains(&group_params(g)[i].impl()))
        throw ValueError(concat(type(), ": some parameters appear in more than one parameter group: ",
                                described(group_params(g), group_names(g), i), " is in group ", g, ", too"),
                         loc);
    for (const std::string& name : group_names(g))
      if (names.contains(name)) throw ValueError(concat(type(), ": two parameters have the name '", name, "'"), loc);
  }
}

void Optimizer::prepare_to_adopt(std::size_t count) { adopted_.reserve(adopted_.size() + count); }

void Optimizer::adopt(const std::vector<Tensor>& params) noexcept {
  for (const Tensor& p : params) {
    slope::detail::count_owner(p, 1);
    adopted_.push_back(p);
  }
}

// ---- steps

void Optimizer::check_for_orphans(SourceLoc loc) const {
  if (!slope::detail::may_have_orphans()) return;
  const auto description = [](const slope::detail::ParameterInfo& orphan) {
    return concat(
        orphan.name, " of shape ", slope::to_text(orphan.shape),
        orphan.where.file ? concat(", created at ", orphan.where.file, ":", orphan.where.line) : std::string());
  };
  bool reached = false;
  for (const Tensor& p : adopted_) {
    reached = reached || slope::detail::last_gradient(p) > stepped_at_;
    if (const auto orphan = slope::detail::find_orphan(p))
      throw AutogradError(
          concat(
              "step: the parameter ", description(*orphan),
              ", received a gradient but no optimizer holds it; did you forget add() for the module that has it? Freeze it with "
              "requires_grad_(false), or set check_orphans = false, if it shall stay as it is"),
          loc);
  }
  if (reached) return;
  const auto orphans = slope::detail::orphans_since(stepped_at_);
  if (orphans.empty()) return;
  std::string list;
  for (std::size_t i = 0; i < orphans.size() && i < 4; ++i) list += (i ? "; " : "") + description(*orphans[i]);
  if (orphans.size() > 4) list += concat("; and ", orphans.size() - 4, " more");
  throw AutogradError(
      concat("step: no parameter of this ", type(),
             " received a gradient since its last step, but others did that no "
             "optimizer holds: ",
             list,
             ". Was the module assigned anew after the optimizer was made, or does the layer in use lack add()? Set "
             "check_orphans = false if this is meant"),
      loc);
}

void Optimizer::step(SourceLoc loc) {
  check_not_moved_from(loc);
  NoGradGuard no_grad;
  CallerScope scope(loc);
  if (check_orphans) check_for_orphans(loc);
  update();
  stepped_at_ = slope::detail::latest_backward();
}

void Optimizer::zero_grad(bool set_to_none, SourceLoc loc) {
  check_not_moved_from(loc);
  for (std::size_t g = 0; g < group_count(); ++g)
    for (const Tensor& p : group_params(g)) p.zero_grad(set_to_none);
}

const ParamState* Optimizer::state(const Tensor& param, SourceLoc loc) const {
  check_not_moved_from(loc);
  const auto it = states_->find(&param.impl(loc));
  return it == states_->end() || !it->second.initialized ? nullptr : &it->second;
}

ParamState& Optimizer::state_of(const Tensor& param) { return (*states_)[&param.impl()]; }

// ---- options by name

std::size_t Optimizer::checked_option(std::size_t group, std::string_view name, const NamedNumbers& options,
                                      SourceLoc loc) const {
  std::string all;
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (options[i].first == name) return i;
    all += (i ? ", " : "") + options[i].first;
  }
  throw ValueError(concat(type(), ": group ", group, " has no option '", name, "'; its options are ", all), loc);
}

namespace {
void check_group(const Optimizer& optimizer, std::size_t group, SourceLoc loc) {
  if (group >= optimizer.group_count())
    throw IndexError(
        concat(optimizer.type(), ": group ", group, " is out of range for ", optimizer.group_count(), " groups"), loc);
}
}  // namespace

bool Optimizer::has_option(std::string_view name, SourceLoc loc) const {
  check_not_moved_from(loc);
  if (group_count() == 0) return false;
  for (const auto& [key, value] : group_options(0))
    if (key == name) return true;
  return false;
}

double Optimizer::option(std::size_t group, std::string_view name, SourceLoc loc) const {
  check_not_moved_from(loc);
  check_group(*this, group, loc);
  const NamedNumbers options = group_options(group);
  return options[checked_option(group, name, options, loc)].second;
}

void Optimizer::set_option(std::size_t group, std::string_view name, double value, SourceLoc loc) {
  check_not_moved_from(loc);
  check_group(*this, group, loc);
  NamedNumbers options = group_options(group);
  options[checked_option(group, name, options, loc)].second = value;
  check_options(options, loc);
  set_group_options(group, options);
}

// ---- saving and loading

OptimizerState Optimizer::state_dict(SourceLoc loc) const {
  check_not_moved_from(loc);
  OptimizerState dict;
  dict.optimizer = type();
  const auto numbers = number_names();
  std::int64_t index = 0;
  for (std::size_t g = 0; g < group_count(); ++g) {
    OptimizerState::Group group;
    group.options = group_options(g);
    group.names = group_names(g);
    const auto infos = slot_infos(group.options);
    for (const Tensor& p : group_params(g)) {
      group.params.push_back(index);
      if (const ParamState* s = state(p)) {
        OptimizerState::Param out;
        out.step = s->step;
        for (std::size_t k = 0; k < s->tensors.size(); ++k)
          if (s->tensors[k].defined() || infos[k].in_use) out.tensors.emplace_back(infos[k].name, s->tensors[k]);
        for (std::size_t k = 0; k < s->numbers.size(); ++k) out.numbers.emplace_back(numbers[k], s->numbers[k]);
        dict.state.emplace_back(index, std::move(out));
      }
      ++index;
    }
    dict.param_groups.push_back(std::move(group));
  }
  return dict;
}

/// Which parameter an index of the state dict means.
struct Optimizer::Loaded {
  struct Target {
    std::size_t group;
    std::size_t position;
  };
  std::unordered_map<std::int64_t, Target> targets;
};

Optimizer::Loaded Optimizer::match(const OptimizerState& dict, SourceLoc loc) const {
  if (dict.optimizer != type())
    throw ValueError(concat(type(), ": the loaded state dict is of ",
                            dict.optimizer.empty() ? "an optimizer it does not name" : dict.optimizer,
                            "; load it into an optimizer of that type"),
                     loc);
  if (dict.param_groups.size() != group_count())
    throw ValueError(concat(type(), ": loaded state dict has a different number of parameter groups: ",
                            dict.param_groups.size(), ", this optimizer has ", group_count()),
                     loc);
  bool by_name = true;
  for (std::size_t g = 0; g < group_count(); ++g) {
    const auto& in = dict.param_groups[g];
    if (in.params.size() != group_params(g).size())
      throw ValueError(concat(type(),
                              ": loaded state dict contains a parameter group that doesn't match the size of "
                              "optimizer's group ",
                              g, ": ", in.params.size(), " against ", group_params(g).size()),
                       loc);
    if (!in.names.empty() && in.names.size() != in.params.size())
      throw ValueError(concat(type(), ": group ", g, " of the loaded state dict has ", in.params.size(),
                              " parameters but ", in.names.size(), " names"),
                       loc);
    by_name = by_name && in.names.size() == in.params.size() && group_names(g).size() == in.params.size();
  }
  Loaded loaded;
  for (std::size_t g = 0; g < group_count(); ++g) {
    const auto& in = dict.param_groups[g];
    require_same_names(
        in.options, group_options(g), [](const auto& o) -> std::string_view { return o.first; },
        concat(type(), ": group ", g, " of the loaded state dict"), loc);
    check_options(in.options, loc);
    std::unordered_map<std::string_view, std::size_t> places;
    for (std::size_t i = 0; by_name && i < group_names(g).size(); ++i) places.emplace(group_names(g)[i], i);
    for (std::size_t i = 0; i < in.params.size(); ++i) {
      std::size_t place = i;
      if (by_name) {
        const auto it = places.find(in.names[i]);
        if (it == places.end())
          throw ValueError(concat(type(), ": group ", g, " of the loaded state dict holds parameter '", in.names[i],
                                  "', which the group of this optimizer does not have, or has once"),
                           loc);
        place = it->second;
        places.erase(it);
      }
      if (!loaded.targets.emplace(in.params[i], Loaded::Target{g, place}).second)
        throw ValueError(concat(type(), ": the loaded state dict lists parameter ", in.params[i], " twice"), loc);
    }
  }
  return loaded;
}

ParamState Optimizer::loaded_state(const OptimizerState& dict, const Loaded& loaded, std::size_t entry,
                                   SourceLoc loc) const {
  const auto& [index, in] = dict.state[entry];
  const auto it = loaded.targets.find(index);
  if (it == loaded.targets.end())
    throw ValueError(concat(type(), ": loaded state dict holds state of parameter ", index, ", which is in no group"),
                     loc);
  const auto [g, place] = it->second;
  const Tensor& p = group_params(g)[place];
  const std::string what = described(group_params(g), group_names(g), place);
  const std::string where = concat(type(), ": the loaded state of ", what);
  if (in.step < 0) throw ValueError(concat(where, " counts ", in.step, " steps"), loc);
  ParamState s;
  s.step = in.step;
  s.initialized = true;

  const auto infos = slot_infos(dict.param_groups[g].options);
  auto expected = infos;
  std::erase_if(expected, [&](const SlotInfo& info) {
    if (info.in_use) return false;
    for (const auto& [name, value] : in.tensors)
      if (name == info.name) return false;
    return true;  // neither in use nor there
  });
  require_same_names(
      in.tensors, expected, [](const SlotInfo& info) -> std::string_view { return info.name; }, where, loc);
  for (std::size_t k = 0; k < infos.size(); ++k) {
    Tensor& slot = s.tensors.emplace_back();
    for (const auto& [name, value] : in.tensors) {
      if (name != infos[k].name) continue;
      if (!value.defined()) {
        if (infos[k].always) throw ValueError(concat(where, ": ", name, " is undefined"), loc);
        continue;
      }
      if (!value.is_floating_point())
        throw DTypeError(concat(where, ": ", name, " is ", dtype_name(value.dtype()), ", not floating point"), loc);
      if (const Shape shape = slot_shape(k, p); value.shape() != shape)
        throw ShapeError(concat(type(), ": loaded ", name, " has shape ", slope::to_text(value.shape()), " but ", what,
                                " needs ", slope::to_text(shape)),
                         loc);
      slot = value.detach().to(p.dtype()).contiguous();
      if (slot.impl().storage == value.impl().storage) slot = slot.clone();
    }
  }
  const auto numbers = number_names();
  require_same_names(in.numbers, numbers, [](const std::string& name) -> std::string_view { return name; }, where, loc);
  for (const std::string& name : numbers)
    for (const auto& [key, value] : in.numbers)
      if (key == name) s.numbers.push_back(value);
  return s;
}

void Optimizer::load_state_dict(const OptimizerState& dict, SourceLoc loc) {
  check_not_moved_from(loc);
  NoGradGuard no_grad;
  CallerScope scope(loc);
  const Loaded loaded = match(dict, loc);
  States states;
  for (std::size_t i = 0; i < dict.state.size(); ++i) {
    ParamState state = loaded_state(dict, loaded, i, loc);
    const auto [g, place] = loaded.targets.at(dict.state[i].first);
    if (!states.emplace(&group_params(g)[place].impl(), std::move(state)).second)
      throw ValueError(concat(type(), ": the loaded state dict holds two states of parameter ", dict.state[i].first),
                       loc);
  }
  for (std::size_t g = 0; g < group_count(); ++g) set_group_options(g, dict.param_groups[g].options);
  *states_ = std::move(states);
}

}  // namespace slope::optim
