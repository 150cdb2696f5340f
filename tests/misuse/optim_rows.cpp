#include "misuse/row.h"

namespace misuse {

using namespace slope;
using namespace slope::optim;

namespace {
using Size = std::size_t;
using Loc = SourceLoc;

using Int = std::int64_t;

SGD sgd() { return SGD({zeros({3}, {.requires_grad = true})}, {.lr = 0.1}); }
LRScheduler scheduler(Optimizer& o) { return StepLR(o, 2); }
Function<double(Int)> function(bool empty) {
  if (empty) return {};
  return [](Int e) { return 1.0 / static_cast<double>(1 + e); };
}
nn::BatchNorm1d net() { return nn::BatchNorm1d(3); }
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
      // ---- schedules
      row("PerGroup::PerGroup", [](double all) { return PerGroup(all).size(); }),
      row("PerGroup::PerGroup", [](double a, double b) { return PerGroup{a, b}.size(); }),
      row("PerGroup::PerGroup", [](const std::vector<double>& each) { return PerGroup(each).size(); }),
      row("LRScheduler::step", [](Optimizer& o, Loc loc) { scheduler(o).step(loc); }),
      row("LRScheduler::step", [](Optimizer& o, double x, Loc loc) { ReduceLROnPlateau(o).step(x, loc); }),
      row("LRScheduler::get_last_lr", [](Optimizer& o, Loc loc) { return scheduler(o).get_last_lr(loc); }),
      row("LRScheduler::last_epoch", [](Optimizer& o, Loc loc) { return scheduler(o).last_epoch(loc); }),
      row("LRScheduler::state_dict", [](Optimizer& o, Loc loc) { return scheduler(o).state_dict(loc).values.size(); }),
      row("LRScheduler::load_state_dict",
          [](Optimizer& o, bool own, Loc loc) {
            LRScheduler s = scheduler(o);
            s.load_state_dict(own ? s.state_dict(loc) : SchedulerState(), loc);
          }),
      row("LambdaLR::LambdaLR", [](Optimizer& o, bool empty, Loc loc) { LambdaLR(o, function(empty), loc); }),
      row("LambdaLR::LambdaLR", [](Optimizer& o, bool empty, bool two,
                                   Loc loc) { LambdaLR(o, std::vector(two ? 2u : 1u, function(empty)), loc); }),
      row("MultiplicativeLR::MultiplicativeLR",
          [](Optimizer& o, bool empty, Loc loc) { MultiplicativeLR(o, function(empty), loc); }),
      row("MultiplicativeLR::MultiplicativeLR",
          [](Optimizer& o, bool empty, bool two, Loc loc) {
            MultiplicativeLR(o, std::vector(two ? 2u : 1u, function(empty)), loc);
          }),
      row("StepLR::StepLR", [](Optimizer& o, Int n, double gamma, Loc loc) { StepLR(o, n, gamma, loc).step(loc); }),
      row("MultiStepLR::MultiStepLR", [](Optimizer& o, const std::vector<Int>& m, double gamma,
                                         Loc loc) { MultiStepLR(o, m, gamma, loc).step(loc); }),
      row("ExponentialLR::ExponentialLR",
          [](Optimizer& o, double gamma, Loc loc) { ExponentialLR(o, gamma, loc).step(loc); }),
      row("ConstantLR::ConstantLR",
          [](Optimizer& o, double factor, Int n, Loc loc) { ConstantLR(o, factor, n, loc).step(loc); }),
      row("LinearLR::LinearLR",
          [](Optimizer& o, double a, double b, Int n, Loc loc) { LinearLR(o, a, b, n, loc).step(loc); }),
      row("PolynomialLR::PolynomialLR",
          [](Optimizer& o, Int n, double power, Loc loc) { PolynomialLR(o, n, power, loc).step(loc); }),
      row("CosineAnnealingLR::CosineAnnealingLR",
          [](Optimizer& o, Int n, double least, Loc loc) { CosineAnnealingLR(o, n, least, loc).step(loc); }),
      row("CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts",
          [](Optimizer& o, Int n, Int factor, double least, Loc loc) {
            CosineAnnealingWarmRestarts(o, n, factor, least, loc).step(loc);
          }),
      row("OneCycleLR::OneCycleLR",
          [](Optimizer& o, double lr, Int n, double share, bool momentum, Loc loc) {
            OneCycleLR(o, {.max_lr = lr, .total_steps = n, .pct_start = share, .cycle_momentum = momentum}, loc)
                .step(loc);
          }),
      row("CyclicLR::CyclicLR",
          [](Optimizer& o, double low, double high, Int n, bool momentum, Loc loc) {
            CyclicLR(o, {.base_lr = low, .max_lr = high, .step_size_up = n, .cycle_momentum = momentum}, loc).step(loc);
          }),
      row("ReduceLROnPlateau::ReduceLROnPlateau",
          [](Optimizer& o, double factor, Int n, double least, Loc loc) {
            ReduceLROnPlateau(o, {.factor = factor, .patience = n, .min_lr = least}, loc);
          }),
      row("SequentialLR::SequentialLR",
          [](Optimizer& o, const std::vector<Int>& m, bool plateau, Loc loc) {
            const LRScheduler second = plateau ? LRScheduler(ReduceLROnPlateau(o, {}, loc)) : StepLR(o, 2, 0.1, loc);
            SequentialLR(o, {StepLR(o, 2, 0.1, loc), second}, m, loc).step(loc);
          }),
      row("ChainedScheduler::ChainedScheduler",
          [](Optimizer& o, bool none, Loc loc) {
            if (none) ChainedScheduler({}, loc);
            ChainedScheduler({StepLR(o, 2, 0.1, loc)}, loc).step(loc);
          }),
      row("SWALR::SWALR", [](Optimizer& o, double lr, Int n, Loc loc) { SWALR(o, lr, n, Anneal::cos, loc).step(loc); }),
      row("linear_warmup", [](Optimizer& o, Int n, double start,
                              Loc loc) { linear_warmup(o, n, StepLR(o, 2, 0.1, loc), start, loc).step(loc); }),
      // ---- averages, groups, accumulation
      row("AveragedModel::AveragedModel",
          [](double decay, Loc loc) { AveragedModel<nn::BatchNorm1d> average(net(), {.decay = decay}, loc); }),
      row("AveragedModel::forward", [](In x) { return AveragedModel<nn::BatchNorm1d>(net())(x); }),
      row("AveragedModel::update_parameters",
          [](nn::Module& model, Loc loc) {
            AveragedModel<nn::BatchNorm1d> average(net());
            average.update_parameters(model, loc);
          }),
      row("update_bn",
          [](nn::Module& model, const std::vector<Tensor>& batches, Loc loc) { update_bn(batches, model, loc); }),
      row("groups", [](nn::Module& model, const std::string& pattern,
                       Loc loc) { return groups<SGD>(model, {{pattern, {}}}, loc).size(); }),
      row("layer_decay", [](nn::Module& model, double lr, double decay,
                            Loc loc) { return layer_decay<SGD>(model, lr, decay, loc).size(); }),
      row("GradientAccumulation::GradientAccumulation",
          [](Optimizer& o, Int parts, Loc loc) { GradientAccumulation accumulation(o, parts, loc); }),
      row("GradientAccumulation::backward",
          [](Optimizer& o, const Tensor& loss, Loc loc) { GradientAccumulation(o, 2).backward(loss, loc); }),
      row("GradientAccumulation::flush", [](Optimizer& o, Loc loc) { return GradientAccumulation(o, 2).flush(loc); }),
  };
}

}  // namespace misuse
