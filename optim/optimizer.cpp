#include "slope/optim/optimizer.h"

#include <unordered_map>
#include <unordered_set>

#include "slope/autograd/engine/internal/parameter.h"

namespace slope::optim {

namespace detail {

void require_option(bool ok, const char* optimizer, const char* what, double value, SourceLoc loc) {
  if (!ok) throw ValueError(concat(optimizer, ": ", what, ": ", value), loc);
}

double number_of(const NamedNumbers& options, const std::string& name, double otherwise) {
  for (const auto& [key, value] : options)
    if (key == name) return value;
  return otherwise;
}

}  // namespace detail

struct Optimizer::States : std::unordered_map<const TensorImpl*, ParamState> {};

Optimizer::Optimizer() : states_(std::make_unique<States>()) {}

Optimizer::~Optimizer() {
  for (const Tensor& p : adopted_) slope::detail::count_owner(p, -1);
}

void Optimizer::check_params(const std::vector<Tensor>& params, SourceLoc loc) const {
  std::unordered_set<const TensorImpl*> seen;
  for (const Tensor& p : params) {
    if (!p.defined()) throw ValueError("optimizer: a parameter is an undefined tensor", loc);
    if (!p.is_floating_point())
      throw DTypeError(concat("optimizer: can only optimize floating point Tensors, but one of the params is ",
                              dtype_name(p.dtype()), " of shape ", to_text(p.shape())),
                       loc);
    if (!p.is_leaf())
      throw AutogradError(concat("optimizer: can't optimize a non-leaf Tensor of shape ", to_text(p.shape()),
                                 "; pass the parameter it was computed from"),
                          loc);
    if (!seen.insert(&p.impl()).second)
      throw ValueError(concat("optimizer: optimizer contains a parameter group with duplicate parameters: shape ",
                              to_text(p.shape()), " is listed twice"),
                       loc);
  }
  for (std::size_t g = 0; g < group_count(); ++g)
    for (const Tensor& p : group_params(g))
      if (seen.contains(&p.impl()))
        throw ValueError(
            concat("optimizer: some parameters appear in more than one parameter group: shape ", to_text(p.shape())),
            loc);
}

void Optimizer::adopt(const std::vector<Tensor>& params) {
  for (const Tensor& p : params) {
    slope::detail::count_owner(p, 1);
    adopted_.push_back(p);
  }
}

void Optimizer::check_for_orphans(SourceLoc loc) const {
  if (!slope::detail::may_have_orphans()) return;
  for (const Tensor& p : adopted_)
    if (const auto orphan = slope::detail::find_orphan(p)) {
      const SourceLoc at = orphan->where;
      throw AutogradError(
          concat(
              "step: a parameter of shape ", to_text(orphan->shape),
              at.file ? concat(", created at ", at.file, ":", at.line, ",") : std::string(),
              " received a gradient but no optimizer holds it; did you forget add() for the module that has it? Freeze it with "
              "requires_grad_(false), or set check_orphans = false, if it shall stay as it is"),
          loc);
    }
}

void Optimizer::step(SourceLoc loc) {
  NoGradGuard no_grad;
  CallerScope scope(loc);
  if (check_orphans) check_for_orphans(loc);
  for (std::size_t g = 0; g < group_count(); ++g) update(g);
}

void Optimizer::zero_grad(bool set_to_none) {
  for (std::size_t g = 0; g < group_count(); ++g)
    for (const Tensor& p : group_params(g)) p.zero_grad(set_to_none);
}

const ParamState* Optimizer::state(const Tensor& param) const {
  const auto it = states_->find(&param.impl());
  return it == states_->end() || !it->second.initialized ? nullptr : &it->second;
}

ParamState& Optimizer::state_of(const Tensor& param) { return (*states_)[&param.impl()]; }

OptimizerState Optimizer::state_dict() const {
  OptimizerState dict;
  const auto slots = slot_names(), scalars = scalar_names();
  std::int64_t index = 0;
  for (std::size_t g = 0; g < group_count(); ++g) {
    OptimizerState::Group group;
    group.options = group_options(g);
    for (const Tensor& p : group_params(g)) {
      group.params.push_back(index);
      if (const ParamState* s = state(p)) {
        OptimizerState::Param out;
        out.step = s->step;
        for (std::size_t k = 0; k < s->slots.size(); ++k)
          if (s->slots[k].defined()) out.tensors.emplace_back(slots[k], s->slots[k]);
        for (std::size_t k = 0; k < s->scalars.size(); ++k) out.scalars.emplace_back(scalars[k], s->scalars[k]);
        dict.state.emplace_back(index, std::move(out));
      }
      ++index;
    }
    dict.param_groups.push_back(std::move(group));
  }
  return dict;
}

void Optimizer::load_state_dict(const OptimizerState& dict, SourceLoc loc) {
  NoGradGuard no_grad;
  if (dict.param_groups.size() != group_count())
    throw ValueError(concat("optimizer: loaded state dict has a different number of parameter groups: ",
                            dict.param_groups.size(), ", this optimizer has ", group_count()),
                     loc);
  std::vector<Tensor> by_position;
  std::unordered_map<std::int64_t, std::size_t> position_of;
  for (std::size_t g = 0; g < group_count(); ++g) {
    if (dict.param_groups[g].params.size() != group_params(g).size())
      throw ValueError(concat("optimizer: loaded state dict contains a parameter group that doesn't match the size of "
                              "optimizer's group ",
                              g, ": ", dict.param_groups[g].params.size(), " against ", group_params(g).size()),
                       loc);
    check_options(g, dict.param_groups[g].options, loc);
    for (std::size_t i = 0; i < group_params(g).size(); ++i) {
      position_of[dict.param_groups[g].params[i]] = by_position.size();
      by_position.push_back(group_params(g)[i]);
    }
  }
  const auto slots = slot_names(), scalars = scalar_names();
  States loaded;
  for (const auto& [index, in] : dict.state) {
    const auto it = position_of.find(index);
    if (it == position_of.end())
      throw ValueError(
          concat("optimizer: loaded state dict holds state of parameter ", index, ", which is in no group"), loc);
    const Tensor& p = by_position[it->second];
    ParamState s;
    s.step = in.step;
    s.initialized = true;
    s.slots.resize(slots.size());
    s.scalars.resize(scalars.size());
    for (const auto& [name, value] : in.tensors)
      for (std::size_t k = 0; k < slots.size(); ++k)
        if (slots[k] == name) {
          if (value.shape() != p.shape())
            throw ShapeError(concat("optimizer: loaded ", name, " has shape ", to_text(value.shape()),
                                    " but parameter ", index, " has shape ", to_text(p.shape())),
                             loc);
          s.slots[k] = value.to(p.dtype()).clone();
        }
    for (const auto& [name, value] : in.scalars)
      for (std::size_t k = 0; k < scalars.size(); ++k)
        if (scalars[k] == name) s.scalars[k] = value;
    loaded[&p.impl()] = std::move(s);
  }
  *states_ = std::move(loaded);
  for (std::size_t g = 0; g < group_count(); ++g) set_group_options(g, dict.param_groups[g].options);
}

}  // namespace slope::optim
