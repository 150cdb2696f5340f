#include "slope/train/loop.h"

#include <limits>
#include <set>
#include <utility>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/train/internal/mode_guard.h"

namespace slope::train {

void Callback::on_fit_begin(TrainLoop&) {}
void Callback::on_epoch_begin(TrainLoop&) {}
void Callback::on_batch_end(TrainLoop&) {}
void Callback::on_validation_begin(TrainLoop&) {}
void Callback::on_validation_batch_end(TrainLoop&) {}
void Callback::on_epoch_end(TrainLoop&) {}
void Callback::on_fit_end(TrainLoop&) {}

namespace {

constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();

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

}  // namespace

TrainLoop::TrainLoop(nn::Module& net, LossFunction loss, optim::Optimizer& optimizer, std::vector<NamedMetric> metrics,
                     SourceLoc loc)
    : net_(net), loss_function_(std::move(loss)), optimizer_(optimizer), metrics_(std::move(metrics)) {
  check_names(metrics_, loc);
}

// ---- the parts

double TrainLoop::run_step(const data::Batch& batch, SourceLoc loc) {
  CallerScope scope(loc);
  optimizer_.zero_grad();
  const Tensor prediction = net_(batch.x());
  const Tensor loss = loss_function_(prediction, batch.y());
  loss.backward();
  optimizer_.step();
  const double value = loss.item();
  if (!metrics_.empty()) {
    NoGradGuard no_grad;
    const Tensor detached = prediction.detach();
    for (auto& m : metrics_) m.update(detached, batch.y());
  }
  return value;
}

void TrainLoop::train_epoch(data::DataLoader& loader) {
  begin_pass(loader);
  tell(&Callback::on_epoch_begin);
  for (auto& batch : loader) {
    loss_.sum += run_step(batch);
    ++loss_.count;
    ++step_;
    tell(&Callback::on_batch_end);
    if (stopped_) break;
  }
}

std::optional<LogValues> TrainLoop::validate(data::DataLoader& loader) {
  NoGradGuard no_grad;
  const ModeGuard mode(net_, false);
  begin_pass(loader);
  tell(&Callback::on_validation_begin);
  for (auto& batch : loader) {
    const Tensor prediction = net_(batch.x());
    loss_.sum += loss_function_(prediction, batch.y()).item();
    ++loss_.count;
    for (auto& m : metrics_) m.update(prediction, batch.y());
    ++step_;
    tell(&Callback::on_validation_batch_end);
    // Values of a part of the data would pass for those of the whole.
    if (stopped_ && step_ < steps_) return std::nullopt;
  }
  return collect("val_");
}

LogValues TrainLoop::run_epoch(data::DataLoader& loader, SourceLoc loc) {
  CallerScope scope(loc);
  require_batches("run_epoch: the loader", loader, loc);
  EnableGradGuard grad;
  const ModeGuard mode(net_, true);
  stopped_ = false;
  train_epoch(loader);
  return running();
}

LogValues TrainLoop::run_validation(data::DataLoader& loader, SourceLoc loc) {
  CallerScope scope(loc);
  require_batches("evaluate: the loader", loader, loc);
  // What a training that this was called from has come to goes on afterwards.
  struct Aside {
    TrainLoop& loop;
    std::vector<Callback*> callbacks = std::exchange(loop.callbacks_, {});
    std::int64_t steps = loop.steps_, step = loop.step_;
    Mean loss = loop.loss_;
    bool stopped = std::exchange(loop.stopped_, false);
    ~Aside() {
      loop.callbacks_.swap(callbacks);
      loop.steps_ = steps;
      loop.step_ = step;
      loop.loss_ = loss;
      loop.stopped_ = stopped;
    }
  } const aside{*this};
  return *validate(loader);
}

void TrainLoop::run(std::int64_t epochs, data::DataLoader& train, data::DataLoader* valid,
                    const std::vector<Callback*>& callbacks, SourceLoc loc) {
  CallerScope scope(loc);
  if (active_) throw ValueError("fit: this model is being trained already; a callback cannot start another run", loc);
  if (epochs < 0) throw ValueError(concat("fit: the number of epochs must not be negative, got ", epochs), loc);
  require_batches("fit: the training loader", train, loc);
  if (valid) require_batches("fit: the validation loader", *valid, loc);
  for (const Callback* c : callbacks)
    if (!c) throw ValueError("fit: a callback is null", loc);

  EnableGradGuard grad;
  const ModeGuard mode(net_, true);
  // Callbacks are those of this call alone, however it ends.
  struct Ending {
    TrainLoop& loop;
    ~Ending() {
      loop.active_ = false;
      loop.callbacks_.clear();
    }
  } const ending{*this};
  callbacks_ = callbacks;
  active_ = true;
  epochs_ = epochs;
  epoch_ = 0;
  stopped_ = false;
  reason_.clear();
  values_.clear();
  row_.clear();

  tell(&Callback::on_fit_begin);
  while (epoch_ < epochs_ && !stopped_) {
    ++epoch_;
    train_epoch(train);
    values_ = row_ = running();
    if (valid) {
      std::optional<LogValues> validation;
      if (!stopped_) validation = validate(*valid);
      if (validation) values_.insert(values_.end(), validation->begin(), validation->end());
      LogValues columns = collect("val_");
      if (!validation)
        for (auto& [name, value] : columns) value = not_measured;
      row_.insert(row_.end(), columns.begin(), columns.end());
    }
    tell(&Callback::on_epoch_end);
  }
  tell(&Callback::on_fit_end);
}

// ---- where it stands

double TrainLoop::Mean::value() const { return count ? sum / static_cast<double>(count) : not_measured; }

void TrainLoop::begin_pass(const data::DataLoader& loader) {
  steps_ = loader.size();
  step_ = 0;
  loss_ = {};
  for (auto& m : metrics_) m.reset();
}

LogValues TrainLoop::collect(const char* prefix) const {
  LogValues values{{concat(prefix, "loss"), loss_.value()}};
  for (const NamedMetric& m : metrics_) values.emplace_back(prefix + m.name(), m.value());
  return values;
}

LogValues TrainLoop::running() const { return collect(""); }

double TrainLoop::value(std::string_view name, SourceLoc loc) const {
  std::string known;
  for (const auto& [column, value] : row_) {
    if (column == name) return value;
    known += (known.empty() ? "" : ", ") + column;
  }
  throw ValueError(concat("TrainLoop: no value '", name,
                          "' at this moment; available: ", known.empty() ? "none yet" : std::string_view(known)),
                   loc);
}

void TrainLoop::tell(Moment moment) {
  for (Callback* c : callbacks_) (c->*moment)(*this);
}

void TrainLoop::stop(std::string reason) {
  if (stopped_) return;  // the first reason is the one that counts
  stopped_ = true;
  reason_ = std::move(reason);
}

}  // namespace slope::train
