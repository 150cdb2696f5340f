#pragma once

#include "slope/autograd/core/function.h"
#include "slope/optim/optimizer.h"

namespace slope::optim {

/// What a scheduler needs to go on: its options and its place, by PyTorch's names. Functions are not in it.
struct SchedulerState {
  std::string scheduler;  // whose state it is: "StepLR"
  std::vector<std::pair<std::string, std::vector<double>>> values;
  std::vector<SchedulerState> schedulers;  // those it is made of
};

/// One number for all groups, or one for each.
struct PerGroup : std::vector<double> {
  PerGroup(double all) : vector(1, all) {}
  PerGroup(std::initializer_list<double> each) : vector(each) {}
  PerGroup(std::vector<double> each) : vector(std::move(each)) {}
};
enum class Anneal { cos, linear };

namespace detail {
struct Schedule;
}

/// Base of what changes the learning rates of an optimizer's groups while it trains. A scheduler is a handle: copies are the same
/// scheduler. Making one performs the step of epoch 0, which may already change the rate; then comes one `step()` an epoch (or a
/// batch), after the optimizer's. Rules multiply the rate as it is, so that several compose. Let η be the rate, η₀ that of the group
/// when its first scheduler was made, e the number of the step. The optimizer must live as long, where it is.
///
/// To resume, make optimizer and schedulers as before, then load the state of each: what follows has the same bits. Constructors throw
/// ValueError for options outside their domain.
///
///     optim::StepLR schedule(opt, 30);
///     opt.step();
///     schedule.step();
class LRScheduler {
 public:
  /// Goes on by an epoch. The first step of all warns when the optimizer has not made one before.
  void step(SourceLoc loc = SourceLoc::here());
  /// For ReduceLROnPlateau with its metric, for CosineAnnealingWarmRestarts with an epoch; the others throw ValueError.
  void step(double value, SourceLoc loc = SourceLoc::here());
  /// The rates it set last, by group, and the number of the last step.
  std::vector<double> get_last_lr(SourceLoc loc = SourceLoc::here()) const;
  std::int64_t last_epoch(SourceLoc loc = SourceLoc::here()) const;
  SchedulerState state_dict(SourceLoc loc = SourceLoc::here()) const;
  /// Throws ValueError for the state of another type of scheduler or with other keys or sizes, and changes nothing then.
  void load_state_dict(const SchedulerState& state, SourceLoc loc = SourceLoc::here());

 protected:
  explicit LRScheduler(std::shared_ptr<detail::Schedule> schedule) : schedule_(std::move(schedule)) {}
  detail::Schedule& schedule(SourceLoc loc) const;
  friend struct detail::Schedule;
  std::shared_ptr<detail::Schedule> schedule_;
};

/// η = η₀·f(e), with one function for all groups, or one for each.
///
/// Throws ValueError for another number of functions than of groups, and for an empty one.
///
///     optim::LambdaLR schedule(opt, [](std::int64_t e) { return std::pow(0.95, e); });
///     opt.step();
///     schedule.step();
struct LambdaLR : LRScheduler {
  LambdaLR(Optimizer& optimizer, std::vector<Function<double(std::int64_t)>> f, SourceLoc loc = SourceLoc::here());
  LambdaLR(Optimizer& optimizer, Function<double(std::int64_t)> f, SourceLoc loc = SourceLoc::here());
};
/// η ← η·f(e) for e > 0, with one function for all groups, or one for each.
///
/// Throws ValueError for another number of functions than of groups, and for an empty one.
///
///     optim::MultiplicativeLR schedule(opt, [](std::int64_t) { return 0.95; });
///     opt.step();
///     schedule.step();
struct MultiplicativeLR : LRScheduler {
  MultiplicativeLR(Optimizer& optimizer, std::vector<Function<double(std::int64_t)>> f,
                   SourceLoc loc = SourceLoc::here());
  MultiplicativeLR(Optimizer& optimizer, Function<double(std::int64_t)> f, SourceLoc loc = SourceLoc::here());
};
/// η ← η·gamma every step_size steps.
///
/// Throws ValueError unless step_size is at least 1.
///
///     optim::StepLR schedule(opt, 30);  // 0.1, from the 30th on 0.01, from the 60th on 0.001, ...
///     opt.step();
///     schedule.step();
///
struct StepLR : LRScheduler {
  StepLR(Optimizer& optimizer, std::int64_t step_size, double gamma = 0.1, SourceLoc loc = SourceLoc::here());
};
/// η ← η·gamma at each milestone; one that is listed twice counts twice.
///
/// Throws ValueError for a negative milestone.
///
///     optim::MultiStepLR schedule(opt, {60, 80});
///     opt.step();
///     schedule.step();
///
struct MultiStepLR : LRScheduler {
  MultiStepLR(Optimizer& optimizer, const std::vector<std::int64_t>& milestones, double gamma = 0.1,
              SourceLoc loc = SourceLoc::here());
};
/// η ← η·gamma in every step.
///
///     optim::ExponentialLR schedule(opt, 0.99);
///     opt.step();
///     schedule.step();
struct ExponentialLR : LRScheduler {
  ExponentialLR(Optimizer& optimizer, double gamma, SourceLoc loc = SourceLoc::here());
};
/// η·factor for the first total_iters steps.
///
/// Throws ValueError unless factor lies in [0, 1].
///
///     optim::ConstantLR schedule(opt, 0.1, 5);
///     opt.step();
///     schedule.step();
///
struct ConstantLR : LRScheduler {
  ConstantLR(Optimizer& optimizer, double factor = 1.0 / 3, std::int64_t total_iters = 5,
             SourceLoc loc = SourceLoc::here());
};
/// From η·start_factor to η·end_factor along a line of total_iters steps.
///
/// Throws ValueError unless start_factor lies in (0, 1], end_factor in [0, 1].
///
///     optim::LinearLR warmup(opt, 0.01, 1, 100);
///     opt.step();
///     warmup.step();
///
struct LinearLR : LRScheduler {
  LinearLR(Optimizer& optimizer, double start_factor = 1.0 / 3, double end_factor = 1, std::int64_t total_iters = 5,
           SourceLoc loc = SourceLoc::here());
};
/// η = η₀·(1 - e/total_iters)^power, then 0.
///
///     optim::PolynomialLR schedule(opt, 100, 0.9);
///     opt.step();
///     schedule.step();
struct PolynomialLR : LRScheduler {
  PolynomialLR(Optimizer& optimizer, std::int64_t total_iters = 5, double power = 1, SourceLoc loc = SourceLoc::here());
};
/// η = eta_min + (η₀ - eta_min)·(1 + cos(π·e/T_max))/2 (Loshchilov & Hutter 2017, without restarts): up again after T_max.
///
/// Throws ValueError unless T_max is at least 1.
///
///     optim::CosineAnnealingLR schedule(opt, epochs);
///     opt.step();
///     schedule.step();
///
struct CosineAnnealingLR : LRScheduler {
  CosineAnnealingLR(Optimizer& optimizer, std::int64_t T_max, double eta_min = 0, SourceLoc loc = SourceLoc::here());
};
/// The cosine from η₀ to eta_min over T_0 steps, then again over T_0·T_mult, and so on (Loshchilov & Hutter 2017).
/// `step(epoch)` goes to any place, also between two epochs.
///
/// Throws ValueError unless T_0 and T_mult are at least 1, and for a negative epoch.
///
///     optim::CosineAnnealingWarmRestarts schedule(opt, 10, 2);
///     for (int batch = 0; batch < batches; ++batch)
///       schedule.step(epoch + double(batch) / batches);
struct CosineAnnealingWarmRestarts : LRScheduler {
  CosineAnnealingWarmRestarts(Optimizer& optimizer, std::int64_t T_0, std::int64_t T_mult = 1, double eta_min = 0,
                              SourceLoc loc = SourceLoc::here());
};

struct OneCycleLROptions {
  PerGroup max_lr = {};
  std::int64_t total_steps = 0, epochs = 0, steps_per_epoch = 0;  // total_steps, or the other two
  double pct_start = 0.3;
  Anneal anneal_strategy = Anneal::cos;
  bool cycle_momentum = true;
  PerGroup base_momentum = 0.85, max_momentum = 0.95;
  double div_factor = 25, final_div_factor = 1e4;
  bool three_phase = false;
};
/// One cycle for the whole training (Smith & Topin 2018): from max_lr/div_factor up to max_lr in the first pct_start of the steps,
/// then down to max_lr/div_factor/final_div_factor; with three_phase down as far as it came up, then further. Momentum (or beta1)
/// moves the other way. A step of the scheduler belongs behind every batch.
///
/// Throws ValueError for options outside their domain, for an optimizer without momentum while cycle_momentum is on, and for steps
/// beyond total_steps.
///
///     optim::OneCycleLR schedule(opt, {.max_lr = 0.1, .epochs = 10, .steps_per_epoch = loader.size()});
struct OneCycleLR : LRScheduler {
  OneCycleLR(Optimizer& optimizer, const OneCycleLROptions& options, SourceLoc loc = SourceLoc::here());
};

enum class CyclicMode { triangular, triangular2, exp_range };
struct CyclicLROptions {
  PerGroup base_lr = {}, max_lr = {};
  std::int64_t step_size_up = 2000, step_size_down = 0;  // 0: as up
  CyclicMode mode = CyclicMode::triangular;
  double gamma = 1;
  Function<double(double)> scale_fn = {};  // in place of the mode's
  bool scale_by_iterations = false;        // scale_fn gets the step, not the cycle
  bool cycle_momentum = true;
  PerGroup base_momentum = 0.8, max_momentum = 0.9;
};
/// Up from base_lr to max_lr and down again, over and over (Smith 2017). The height stays (triangular), halves in each cycle
/// (triangular2), shrinks by gamma in each step (exp_range), or is multiplied by scale_fn(cycle). Momentum (or beta1) moves the other way.
///
/// Throws ValueError for options outside their domain, and for an optimizer without momentum while cycle_momentum is on.
///
///     optim::CyclicLR schedule(opt, {.base_lr = 0.01, .max_lr = 0.1, .step_size_up = 500});
///     opt.step();
///     schedule.step();
struct CyclicLR : LRScheduler {
  CyclicLR(Optimizer& optimizer, const CyclicLROptions& options, SourceLoc loc = SourceLoc::here());
};

enum class PlateauMode { min, max };
enum class ThresholdMode { rel, abs };
struct ReduceLROnPlateauOptions {
  PlateauMode mode = PlateauMode::min;
  double factor = 0.1;
  std::int64_t patience = 10;
  double threshold = 1e-4;
  ThresholdMode threshold_mode = ThresholdMode::rel;
  std::int64_t cooldown = 0;
  PerGroup min_lr = 0.0;
  double eps = 1e-8;
};
/// η ← max(η·factor, min_lr) once a metric has not been better than its best by more than the threshold for more than `patience`
/// steps; the next `cooldown` steps do not count. NaN is never better. A change of less than eps is left out.
///
/// Throws ValueError for a factor of 1 or more, options outside their domain, and a step without metric.
///
///     optim::ReduceLROnPlateau schedule(opt, {.patience = 3});
///     schedule.step(validation_loss);
struct ReduceLROnPlateau : LRScheduler {
  ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options = {},
                    SourceLoc loc = SourceLoc::here());
};

/// One scheduler after the other: the next begins at its milestone, from η₀.
///
/// Throws ValueError unless there is one milestone less than schedulers, ascending, and all are of this optimizer.
///
///     optim::LinearLR warmup(opt, 0.01, 1, 5);
///     optim::SequentialLR schedule(opt, {warmup, optim::CosineAnnealingLR(opt, 95)}, {5});
///     opt.step();
///     schedule.step();
struct SequentialLR : LRScheduler {
  SequentialLR(Optimizer& optimizer, const std::vector<LRScheduler>& schedulers,
               const std::vector<std::int64_t>& milestones, SourceLoc loc = SourceLoc::here());
};
/// Several schedulers at once, each on what the one before left.
///
/// Throws ValueError when there is none, and when they are of different optimizers.
///
///     optim::ChainedScheduler schedule({optim::ConstantLR(opt, 0.1, 3), optim::ExponentialLR(opt, 0.9)});
///     opt.step();
///     schedule.step();
///
struct ChainedScheduler : LRScheduler {
  explicit ChainedScheduler(const std::vector<LRScheduler>& schedulers, SourceLoc loc = SourceLoc::here());
};
/// From the rate at its construction to swa_lr in anneal_epochs steps (Izmailov et al. 2018), and then constant: for AveragedModel.
///
/// Throws ValueError for options outside their domain.
///
///     optim::SWALR schedule(opt, 0.05);
///     opt.step();
///     schedule.step();
///
struct SWALR : LRScheduler {
  SWALR(Optimizer& optimizer, const PerGroup& swa_lr, std::int64_t anneal_epochs = 10,
        Anneal anneal_strategy = Anneal::cos, SourceLoc loc = SourceLoc::here());
};
/// `then`, made for this optimizer, behind `steps` steps along a line from η₀·start_factor to η₀.
///
/// Throws ValueError unless steps is at least 1 and start_factor lies in (0, 1].
///
///     auto schedule = optim::linear_warmup(opt, 500, optim::CosineAnnealingLR(opt, 9500));
///     opt.step();
///     schedule.step();
///
SequentialLR linear_warmup(Optimizer& optimizer, std::int64_t steps, const LRScheduler& then,
                           double start_factor = 1e-3, SourceLoc loc = SourceLoc::here());

}  // namespace slope::optim
