#include "slope/train/model.h"

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/optim/adam.h"
#include "slope/train/console/summary_text.h"
#include "slope/train/internal/fit_callbacks.h"
#include "slope/train/internal/mode_guard.h"
#include "slope/train/summary.h"

namespace slope::train {

namespace {

std::unique_ptr<Logger> make_logger(const FitOptions& options) {
  const LoggerOptions log{.out = options.out, .clock = options.clock, .log_step_freq = options.log_step_freq};
  if (options.style == Style::classic) return std::make_unique<ClassicLogger>(log);
  if (options.style == Style::quiet) return std::make_unique<QuietLogger>();
  return std::make_unique<ProgressLogger>(log);
}

}  // namespace

void Model::compile(LossFunction loss, optim::Optimizer& optimizer, std::vector<NamedMetric> metrics, SourceLoc loc) {
  if (loop_ && loop_->active()) throw ValueError("compile: this model is being trained; call it after fit", loc);
  loop_ = std::make_unique<TrainLoop>(net_, std::move(loss), optimizer, std::move(metrics), loc);
  own_optimizer_.reset();
}

void Model::compile(LossFunction loss, std::vector<NamedMetric> metrics, SourceLoc loc) {
  const CallerScope scope(loc);
  auto adam = std::make_unique<optim::Adam>(net_.parameters(), optim::AdamOptions{}, loc);
  compile(std::move(loss), *adam, std::move(metrics), loc);
  own_optimizer_ = std::move(adam);
}

TrainLoop& Model::compiled(const char* what, SourceLoc loc) const {
  if (!loop_) throw ValueError(concat(what, ": call compile(loss, optimizer, metrics) first"), loc);
  return *loop_;
}

History Model::fit(std::int64_t epochs, data::DataLoader& train, const FitOptions& options, SourceLoc loc) {
  return run_fit(epochs, train, nullptr, options, loc);
}

History Model::fit(std::int64_t epochs, data::DataLoader& train, data::DataLoader& valid, const FitOptions& options,
                   SourceLoc loc) {
  return run_fit(epochs, train, &valid, options, loc);
}

History Model::run_fit(std::int64_t epochs, data::DataLoader& train, data::DataLoader* valid, const FitOptions& options,
                       SourceLoc loc) {
  TrainLoop& loop = compiled("fit", loc);
  if (options.log_step_freq < 1)
    throw ValueError(concat("fit: log_step_freq must be at least 1, got ", options.log_step_freq), loc);
  std::unique_ptr<Logger> own;
  if (!options.logger) own = make_logger(options);

  HistoryCallback history;
  LogCallback log(options.logger ? *options.logger : *own);
  InterruptCallback interrupt;
  std::vector<Callback*> callbacks = options.callbacks;
  callbacks.insert(callbacks.end(), {&history, &log, &interrupt});
  loop.run(epochs, train, valid, callbacks, loc);
  return std::move(history.history);
}

LogValues Model::evaluate(data::DataLoader& loader, SourceLoc loc) {
  return compiled("evaluate", loc).run_validation(loader, loc);
}

Tensor Model::predict(data::DataLoader& loader, SourceLoc loc) {
  const CallerScope scope(loc);
  if (loader.size() == 0)
    throw ValueError(
        concat("predict: the loader has no batches; its dataset has ", loader.dataset().size(), " samples"), loc);
  NoGradGuard no_grad;
  const ModeGuard mode(net_, false);
  std::vector<Tensor> parts;
  for (auto& batch : loader) parts.push_back(net_(batch.x()));
  return cat(parts, 0);
}

std::string Model::summary(const Shape& input_shape, Style style, SourceLoc loc) {
  const CallerScope scope(loc);
  const SummaryInfo info = summarize(net_, input_shape, loc);
  return style == Style::classic ? classic_summary(info) : named_summary(info);
}

}  // namespace slope::train
