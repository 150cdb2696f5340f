#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slope/data/loader.h"
#include "slope/nn/module.h"
#include "slope/optim/optimizer.h"
#include "slope/train/callback.h"
#include "slope/train/console/format.h"
#include "slope/train/loss_function.h"
#include "slope/train/metrics/metrics.h"

namespace slope::train {

/// The loop behind Model::fit: a step, an epoch, a validation, and all of them together, with callbacks in between. Batches
/// are {x, y}; the module is called with x, the loss with (prediction, y).
///
///     train::TrainLoop loop(net, nn::BCELoss(), optimizer, {{"accuracy", train::accuracy}});
///     for (auto& batch : loader) std::cout << loop.run_step(batch) << "\n";     // step by step,
///     LogValues means = loop.run_epoch(loader);                                 // by epochs,
///     loop.run(30, train_loader, &valid_loader, {&callback});                   // or all at once
///
/// Values of an epoch are unweighted means over its batches, for the loss and for metrics that are functions; metric objects
/// see all batches. Module modes are as before afterwards, also when a batch throws.
class TrainLoop {
 public:
  /// Borrows module and optimizer. Throws ValueError when the name of a metric is empty, has a line break, or collides with
  /// another column of the history ("epoch", "loss", "val_loss", another metric's).
  TrainLoop(nn::Module& net, LossFunction loss, optim::Optimizer& optimizer, std::vector<NamedMetric> metrics = {},
            SourceLoc loc = SourceLoc::here());
  TrainLoop(const TrainLoop&) = delete;
  TrainLoop& operator=(const TrainLoop&) = delete;

  // ---- the parts
  /// One training step: gradients to zero, forward, loss, backward, optimizer. Returns the loss; with `metrics`, they see
  /// the batch. Modes are the caller's business.
  double run_step(const data::Batch& batch, SourceLoc loc = SourceLoc::here());
  /// One pass over the loader in training mode: {{"loss", ...}, ...}. Throws ValueError for a loader without batches.
  LogValues run_epoch(data::DataLoader& loader, SourceLoc loc = SourceLoc::here());
  /// Loss and metrics over a loader, in eval mode and without gradients: {{"val_loss", ...}, ...}. Tells no callback, so one
  /// may call it; within an epoch, metrics start anew. Throws ValueError for a loader without batches.
  LogValues run_validation(data::DataLoader& loader, SourceLoc loc = SourceLoc::here());
  /// `epochs` epochs, each followed by a validation where there is data for it, until stop() is called. Throws ValueError
  /// for a negative number of epochs, a loader without batches, a null callback, and from a callback of this loop.
  void run(std::int64_t epochs, data::DataLoader& train, data::DataLoader* valid = nullptr,
           const std::vector<Callback*>& callbacks = {}, SourceLoc loc = SourceLoc::here());

  // ---- where it stands
  /// What is trained, and with what.
  nn::Module& net() { return net_; }
  optim::Optimizer& optimizer() { return optimizer_; }
  /// The number of epochs asked for, and the present one, from 1.
  std::int64_t epochs() const { return epochs_; }
  std::int64_t epoch() const { return epoch_; }
  /// The number of batches of an epoch or a validation, and how many of them are done.
  std::int64_t steps() const { return steps_; }
  std::int64_t step() const { return step_; }
  /// Means over the batches so far.
  LogValues running() const;
  /// What the epoch measured, at its end: loss, metrics, then those of a validation that ran to its end.
  const LogValues& values() const { return values_; }
  /// The same with NaN for a validation that did not run to its end: the columns of every epoch are alike.
  const LogValues& row() const { return row_; }
  /// One of row(). Throws ValueError naming those there are.
  double value(std::string_view name, SourceLoc loc = SourceLoc::here()) const;

  /// Whether run() is at work.
  bool active() const { return active_; }

  // ---- ending it
  /// Ends the training after the batch at hand; at the end of an epoch, with that epoch. The reason goes to the log.
  void stop(std::string reason = "");
  bool stopped() const { return stopped_; }
  const std::string& stop_reason() const { return reason_; }

 private:
  /// Unweighted mean over batches.
  struct Mean {
    double sum = 0;
    std::int64_t count = 0;
    double value() const;
  };
  using Moment = void (Callback::*)(TrainLoop&);

  void tell(Moment moment);
  void begin_pass(const data::DataLoader& loader);
  LogValues collect(const char* prefix) const;
  void train_epoch(data::DataLoader& loader);
  std::optional<LogValues> validate(data::DataLoader& loader);

  nn::Module& net_;
  LossFunction loss_function_;
  optim::Optimizer& optimizer_;
  std::vector<NamedMetric> metrics_;
  std::vector<Callback*> callbacks_;

  std::int64_t epochs_ = 0, epoch_ = 0, steps_ = 0, step_ = 0;
  Mean loss_;
  LogValues values_, row_;
  bool active_ = false, stopped_ = false;
  std::string reason_;
};

}  // namespace slope::train
