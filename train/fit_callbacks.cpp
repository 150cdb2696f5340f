#include "slope/train/internal/fit_callbacks.h"

#include "slope/train/loop.h"

namespace slope::train {

void LogCallback::on_fit_begin(TrainLoop& loop) { logger_.begin_fit(loop.epochs()); }

void LogCallback::on_epoch_begin(TrainLoop& loop) { logger_.begin_epoch(loop.epoch(), loop.steps()); }

void LogCallback::on_batch_end(TrainLoop& loop) {
  if (logger_.step_done(loop.step())) logger_.show_step(loop.step(), loop.running());
}

void LogCallback::on_validation_begin(TrainLoop& loop) { logger_.begin_validation(loop.steps()); }

void LogCallback::on_validation_batch_end(TrainLoop&) { logger_.validation_step_done(); }

void LogCallback::on_epoch_end(TrainLoop& loop) { logger_.end_epoch(loop.epoch(), loop.values()); }

void LogCallback::on_fit_end(TrainLoop& loop) {
  if (!loop.stop_reason().empty()) logger_.note(loop.stop_reason());
  logger_.end_fit();
}

void HistoryCallback::on_epoch_end(TrainLoop& loop) { history.append(loop.row()); }

void InterruptCallback::poll(TrainLoop& loop) {
  if (guard_.requested()) loop.stop("Interrupted: training ended after the batch at hand.");
}

}  // namespace slope::train
