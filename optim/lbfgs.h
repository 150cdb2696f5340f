#pragma once

#include "slope/optim/grouped.h"

namespace slope::optim {

/// How LBFGS finds the length of a step: always lr, or a search for the strong Wolfe conditions.
enum class LineSearch { none, strong_wolfe };

// clang-format off
#define SLOPE_OPTIMIZER(part) LBFGS##part
#define SLOPE_OPTIONS(row) \
  row(lr, double, at_least_0, 1) \
  row(max_iter, std::int64_t, counted, 20) \
  row(max_eval, std::int64_t, counted_from_0, 0) \
  row(tolerance_grad, double, at_least_0, 1e-7) \
  row(tolerance_change, double, at_least_0, 1e-9) \
  row(history_size, std::int64_t, counted, 100) \
  row(line_search_fn, LineSearch, flag, LineSearch::none)
#include "slope/optim/grouped-options.h"
// clang-format on

/// The quasi-Newton method of limited memory (Liu & Nocedal 1989; line search: Nocedal & Wright 2006, section 3.5). A step is up to
/// max_iter iterations, each along the direction that the last history_size changes of parameters and gradient suggest, and needs a
/// closure that computes the loss and its gradients anew; max_eval = 0 allows it 5/4·max_iter times. Ends early when the gradient, the
/// step or the change of the loss falls below its tolerance. All parameters are one group. A parameter without a gradient counts as one
/// whose gradient is 0. Where the closure throws, parameters and state are what they were before the step.
///
/// Throws ValueError for more than one group, options outside their domain, and a step without closure.
///
///     optim::LBFGS opt(net.parameters(), {.line_search_fn = optim::LineSearch::strong_wolfe});
///     opt.step([&] { opt.zero_grad(); Tensor loss = F::mse_loss(net(x), y); loss.backward(); return loss; });
class LBFGS : public GroupedOptimizer<LBFGSOptions, LBFGSGroup, detail::LBFGSRule> {
  using GroupedOptimizer::GroupedOptimizer;
  void step_with(const Function<double(bool)>& closure, SourceLoc loc) override;
};

}  // namespace slope::optim
