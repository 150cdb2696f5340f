#include "slope/train/model.h"

#include <iostream>
#include <limits>
#include <optional>
#include <set>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/optim/adam.h"
#include "slope/train/console/summary_text.h"
#include "slope/train/internal/mode_guard.h"
#include "slope/train/interrupt.h"
#include "slope/train/summary.h"

namespace slope::train {

namespace {

/// Unweighted mean over batches.
struct Mean {
  double sum = 0;
  std::int64_t count = 0;
  void add(double v) {
    sum += v;
    ++count;
  }
  double value() const { return count ? sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN(); }
};

LogValues collect(const std::string& prefix, const Mean& loss, const std::vector<NamedMetric>& metrics) {
  LogValues values{{prefix + "loss", loss.value()}};
  for (const NamedMetric& m : metrics) values.emplace_back(prefix + m.name(), m.value());
  return values;
}

LogValues not_measured(const std::vector<NamedMetric>& metrics) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  LogValues values{{"val_loss", nan}};
  for (const NamedMetric& m : metrics) values.emplace_back("val_" + m.name(), nan);
  return values;
}

/// Without a batch there is nothing to learn from or to measure; most often drop_last took the only one.
void require_batches(const char* what, const data::DataLoader& loader, SourceLoc loc) {
  if (loader.size() == 0)
    throw ValueError(concat(what, " has no batches; its dataset has ", loader.dataset().size(), " samples"), loc);
}

/// Names become columns beside the loss and, with "val_" before them, once more for validation.
void check_names(const std::vector<NamedMetric>& metrics, SourceLoc loc) {
  std::set<std::string> columns = {"epoch", "loss", "val_loss"};
  for (const NamedMetric& m : metrics) {
    const std::string& name = m.name();
    if (name.empty() || name.find_first_of("\r\n") != std::string::npos)
      throw ValueError("compile: the name of a metric must be one line of text and not empty", loc);
    if (!columns.insert(name).second || !columns.insert("val_" + name).second)
      throw ValueError(concat("compile: a metric called \"", name,
                              "\" collides with another column of the history; choose another name"),
                       loc);
  }
}

std::unique_ptr<Logger> make_logger(const FitOptions& options) {
  const LoggerOptions log{.out = options.out, .clock = options.clock, .log_step_freq = options.log_step_freq};
  if (options.style == Style::classic) return std::make_unique<ClassicLogger>(log);
  if (options.style == Style::quiet) return std::make_unique<QuietLogger>();
  return std::make_unique<ProgressLogger>(log);
}

}  // namespace

void Model::compile(LossFunction loss, optim::Optimizer& optimizer, std::vector<NamedMetric> metrics, SourceLoc loc) {
  check_names(metrics, loc);
  loss_ = std::make_unique<LossFunction>(std::move(loss));
  own_optimizer_.reset();
  optimizer_ = &optimizer;
  metrics_ = std::move(metrics);
}

void Model::compile(LossFunction loss, std::vector<NamedMetric> metrics, SourceLoc loc) {
  auto adam = std::make_unique<optim::Adam>(net_.parameters(), optim::AdamOptions{}, loc);
  compile(std::move(loss), *adam, std::move(metrics), loc);
  own_optimizer_ = std::move(adam);
}

void Model::require_compiled(const char* what, SourceLoc loc) const {
  if (!optimizer_) throw ValueError(concat(what, ": call compile(loss, optimizer, metrics) first"), loc);
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
  require_compiled("fit", loc);
  if (epochs < 0) throw ValueError(concat("fit: the number of epochs must not be negative, got ", epochs), loc);
  if (options.log_step_freq < 1)
    throw ValueError(concat("fit: log_step_freq must be at least 1, got ", options.log_step_freq), loc);
  require_batches("fit: the training loader", train, loc);
  if (valid) require_batches("fit: the validation loader", *valid, loc);
  std::unique_ptr<Logger> own;
  Logger* logger = options.logger;
  if (!logger) logger = (own = make_logger(options)).get();

  History history;
  CallerScope scope(loc);
  const InterruptGuard interrupt;
  EnableGradGuard grad;
  const ModeGuard mode(net_, true);
  logger->begin_fit(epochs);
  for (std::int64_t epoch = 1; epoch <= epochs && !interrupt.requested(); ++epoch) {
    logger->begin_epoch(epoch, train.size());
    Mean loss;
    for (auto& m : metrics_) m.reset();
    std::int64_t step = 0;
    for (auto& batch : train) {
      optimizer_->zero_grad();
      const Tensor prediction = net_(batch.x());
      const Tensor value = (*loss_)(prediction, batch.y());
      value.backward();
      optimizer_->step();
      loss.add(value.item());
      if (!metrics_.empty()) {
        NoGradGuard no_grad;
        const Tensor detached = prediction.detach();
        for (auto& m : metrics_) m.update(detached, batch.y());
      }
      ++step;
      if (logger->step_done(step)) logger->show_step(step, collect("", loss, metrics_));
      if (interrupt.requested()) break;
    }
    LogValues values = collect("", loss, metrics_);
    LogValues row = values;
    if (valid) {
      std::optional<LogValues> validation;
      if (!interrupt.requested()) validation = validate(*valid, logger, &interrupt);
      if (validation) values.insert(values.end(), validation->begin(), validation->end());
      // The history has its columns in any case, so that code that reads them works after Ctrl-C too.
      const LogValues columns = validation ? *validation : not_measured(metrics_);
      row.insert(row.end(), columns.begin(), columns.end());
    }
    history.append(row);
    logger->end_epoch(epoch, values);
  }
  if (interrupt.requested()) logger->note("Interrupted: training ended after the batch at hand.");
  logger->end_fit();
  return history;
}

std::optional<LogValues> Model::validate(data::DataLoader& loader, Logger* logger, const InterruptGuard* interrupt) {
  NoGradGuard no_grad;
  const ModeGuard mode(net_, false);
  if (logger) logger->begin_validation(loader.size());
  Mean loss;
  for (auto& m : metrics_) m.reset();
  const std::int64_t batches = loader.size();
  for (auto& batch : loader) {
    const Tensor prediction = net_(batch.x());
    loss.add((*loss_)(prediction, batch.y()).item());
    for (auto& m : metrics_) m.update(prediction, batch.y());
    if (logger) logger->validation_step_done();
    // Values of a part of the data would pass for those of the whole.
    if (interrupt && interrupt->requested() && loss.count < batches) return std::nullopt;
  }
  return collect("val_", loss, metrics_);
}

LogValues Model::evaluate(data::DataLoader& loader, SourceLoc loc) {
  require_compiled("evaluate", loc);
  require_batches("evaluate: the loader", loader, loc);
  CallerScope scope(loc);
  return *validate(loader, nullptr, nullptr);
}

Tensor Model::predict(data::DataLoader& loader, SourceLoc loc) {
  require_batches("predict: the loader", loader, loc);
  CallerScope scope(loc);
  NoGradGuard no_grad;
  const ModeGuard mode(net_, false);
  std::vector<Tensor> parts;
  for (auto& batch : loader) parts.push_back(net_(batch.x()));
  return cat(parts, 0);
}

std::string Model::summary(const Shape& input_shape, Style style, SourceLoc loc) {
  const SummaryInfo info = summarize(net_, input_shape, loc);
  return style == Style::classic ? classic_summary(info) : named_summary(info);
}

}  // namespace slope::train
