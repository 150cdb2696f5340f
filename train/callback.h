#pragma once

#include <cstdint>

namespace slope::train {

class TrainLoop;

/// What happens beside a training: derive from it, override the moments of interest, and hand it to fit. The loop tells
/// where it stands (loop.epoch(), loop.step(), loop.values(), ...) and can be asked to stop.
///
///     struct StopWhenGood : train::Callback {
///       void on_epoch_end(train::TrainLoop& loop) override {
///         if (loop.value("val_loss") < 0.1) loop.stop();
///       }
///     } good;
///     model.fit(100, train_loader, valid_loader, {.callbacks = {&good}});
///
/// The moments of a training, in order:
///
///     on_fit_begin
///       on_epoch_begin
///         on_batch_end                  after each training step
///         on_validation_begin           only when there is validation data
///         on_validation_batch_end
///       on_epoch_end                    also of an epoch cut short
///     on_fit_end                        not when an exception ends the training
///
/// Callbacks are called in the order in which they were given, before the log and the history of the trainer. What they
/// throw ends the training and reaches the caller.
class Callback {
 public:
  virtual ~Callback() = default;
  /// Called in this order; each may be left out.
  virtual void on_fit_begin(TrainLoop& loop);
  virtual void on_epoch_begin(TrainLoop& loop);
  virtual void on_batch_end(TrainLoop& loop);
  virtual void on_validation_begin(TrainLoop& loop);
  virtual void on_validation_batch_end(TrainLoop& loop);
  virtual void on_epoch_end(TrainLoop& loop);
  virtual void on_fit_end(TrainLoop& loop);
};

}  // namespace slope::train
