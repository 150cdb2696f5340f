#pragma once

#include "slope/train/callback.h"
#include "slope/train/console/logger.h"
#include "slope/train/history.h"
#include "slope/train/interrupt.h"

/// What Model::fit adds to every training.
namespace slope::train {

/// Tells a logger what happens.
class LogCallback final : public Callback {
 public:
  explicit LogCallback(Logger& logger) : logger_(logger) {}
  void on_fit_begin(TrainLoop& loop) override;
  void on_epoch_begin(TrainLoop& loop) override;
  void on_batch_end(TrainLoop& loop) override;
  void on_validation_begin(TrainLoop& loop) override;
  void on_validation_batch_end(TrainLoop& loop) override;
  void on_epoch_end(TrainLoop& loop) override;
  void on_fit_end(TrainLoop& loop) override;

 private:
  Logger& logger_;
};

/// A row for every epoch.
class HistoryCallback final : public Callback {
 public:
  void on_epoch_end(TrainLoop& loop) override;
  History history;
};

/// Ends the training after Ctrl-C. Goes last, as a signal may come while the others work.
class InterruptCallback final : public Callback {
 public:
  void on_fit_begin(TrainLoop& loop) override { poll(loop); }
  void on_batch_end(TrainLoop& loop) override { poll(loop); }
  void on_validation_batch_end(TrainLoop& loop) override { poll(loop); }
  void on_epoch_end(TrainLoop& loop) override { poll(loop); }

 private:
  void poll(TrainLoop& loop);
  InterruptGuard guard_;
};

}  // namespace slope::train
