#include "misuse/row.h"

namespace misuse {

using namespace slope;
using namespace slope::optim;

namespace {
using Size = std::size_t;
using Loc = SourceLoc;

SGD sgd() { return SGD({zeros({3}, {.requires_grad = true})}, {.lr = 0.1}); }
}  // namespace

std::vector<Row> optim_rows() {
  return {
      made<ParamList()>("ParamList::ParamList"),
      made<ParamList(std::vector<Tensor>)>("ParamList::ParamList"),
      made<ParamList(const std::vector<std::pair<std::string, Tensor>>&)>("ParamList::ParamList"),
      row("GroupedOptimizer::GroupedOptimizer",
          [](const ParamList& p, const SGDOptions& o, Loc loc) { SGD optimizer(p, o, loc); }),
      row("GroupedOptimizer::GroupedOptimizer",
          [](const std::vector<AdamGroup>& groups, const AdamOptions& o, Loc loc) { Adam optimizer(groups, o, loc); }),
      row("GroupedOptimizer::add_param_group",
          [](const SGDGroup& group, Loc loc) { sgd().add_param_group(group, loc); }),
      row("GroupedOptimizer::param_groups", [] { return sgd().param_groups().size(); }),
      row("GroupedOptimizer::param_groups",
          [] { return std::as_const(*std::make_unique<SGD>(sgd())).param_groups().size(); }),
      row("GroupedOptimizer::type", [](const Optimizer& o) { return o.type(); }),
      row("GroupedOptimizer::group_count", [](const Optimizer& o) { return o.group_count(); }),
      row("GroupedOptimizer::group_params",
          [](const Optimizer& o, bool past, Loc loc) { return o.group_params(past ? 7 : 0, loc); }),
      row("GroupedOptimizer::group_names",
          [](const Optimizer& o, Size group, Loc loc) { return o.group_names(group, loc); }),
      row("GroupedOptimizer::lr", [](Optimizer& o, Size group, Loc loc) { return o.lr(group, loc); }),
      row("Optimizer::step",
          [](Optimizer& o, Loc loc) {
            o.step(loc);
            o.step(loc);
          }),
      row("Optimizer::step",
          [](Optimizer& o, const Tensor& loss, Loc loc) { return o.step([&] { return loss; }, loc); }),
      row("Optimizer::zero_grad", &Optimizer::zero_grad),
      row("Optimizer::type", &Optimizer::type),
      row("Optimizer::group_count", &Optimizer::group_count),
      row("Optimizer::group_params", &Optimizer::group_params),
      row("Optimizer::group_names", &Optimizer::group_names),
      row("Optimizer::lr", &Optimizer::lr),
      row("Optimizer::has_option", &Optimizer::has_option),
      row("Optimizer::option", &Optimizer::option),
      row("Optimizer::set_option", &Optimizer::set_option),
      row("Optimizer::state", &Optimizer::state),
      row("Optimizer::state_dict", &Optimizer::state_dict),
      row("Optimizer::load_state_dict", [](Optimizer& o, const OptimizerState& dict, bool own,
                                           Loc loc) { o.load_state_dict(own ? o.state_dict(loc) : dict, loc); }),
  };
}

}  // namespace misuse
