#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "slope/train/console/clock.h"
#include "slope/train/console/format.h"
#include "slope/train/console/progress.h"

namespace slope::train {

/// What a training loop tells its user while it runs. The loop calls, in this order:
///
///     log.begin_fit(epochs);
///     for each epoch, from 1:
///       log.begin_epoch(epoch, training_steps);
///       for each step, from 1:           if (log.step_done(step)) log.show_step(step, running_means);
///       log.begin_validation(steps);     // only when there is validation data
///       for each validation step:        log.validation_step_done();
///       log.end_epoch(epoch, values);    // loss, metrics, val_loss, val_metrics
///     log.end_fit();
///
/// step_done says whether the running means will be shown, so that a loop computes them only then. `steps` is negative
/// when the loader does not know its length. A note is a line of its own at any moment, e.g. that Ctrl-C was seen.
class Logger {
 public:
  virtual ~Logger() = default;
  /// Called as listed above, in that order.
  virtual void begin_fit(std::int64_t epochs) = 0;
  virtual void begin_epoch(std::int64_t epoch, std::int64_t steps) = 0;
  virtual bool step_done(std::int64_t step) = 0;
  virtual void show_step(std::int64_t step, const LogValues& running) = 0;
  virtual void begin_validation(std::int64_t steps) = 0;
  virtual void validation_step_done() = 0;
  virtual void end_epoch(std::int64_t epoch, const LogValues& values) = 0;
  virtual void end_fit() = 0;
  virtual void note(std::string_view text) = 0;
};

struct LoggerOptions {
  /// Null is std::cout.
  std::ostream* out = nullptr;
  /// Null is Clock::system().
  Clock* clock = nullptr;
  /// Classic style: print the running means every so many steps.
  std::int64_t log_step_freq = 1;
  /// Default style: width, unicode, colour, ...; the logger itself sets description, out, clock and leave.
  ProgressOptions progress = {};
};

/// The log of torchkeras 2.x, byte for byte apart from the times:
///
///     Start Training ...
///
///     ================================================================================2020-07-11 23:34:17
///     {'step': 30, 'loss': 0.021, 'accuracy': 0.972}
///
///      +-------+-------+----------+
///     | epoch |  loss | accuracy |
///     +-------+-------+----------+
///     |   1   | 0.022 |  0.971   |
///     +-------+-------+----------+
///
///     ================================================================================2020-07-11 23:34:17
///     Finished Training...
class ClassicLogger final : public Logger {
 public:
  /// Throws ValueError when log_step_freq is below 1.
  explicit ClassicLogger(const LoggerOptions& options = {}, SourceLoc loc = SourceLoc::here());
  void begin_fit(std::int64_t epochs) override;
  void begin_epoch(std::int64_t epoch, std::int64_t steps) override;
  bool step_done(std::int64_t step) override;
  void show_step(std::int64_t step, const LogValues& running) override;
  void begin_validation(std::int64_t steps) override;
  void validation_step_done() override;
  void end_epoch(std::int64_t epoch, const LogValues& values) override;
  void end_fit() override;
  void note(std::string_view text) override;

 private:
  void bar();

  std::ostream& out_;
  Clock& clock_;
  std::int64_t every_;
};

/// slope's own log: while an epoch runs, a live line where the stream is a terminal; afterwards, and everywhere, one
/// line (on a terminal that is too narrow for it, several, broken between values):
///
///     Epoch  1/30  0.2s  loss 0.02213  accuracy 0.9710  val_loss 0.02471  val_accuracy 0.9600
class ProgressLogger final : public Logger {
 public:
  explicit ProgressLogger(const LoggerOptions& options = {});
  void begin_fit(std::int64_t epochs) override;
  void begin_epoch(std::int64_t epoch, std::int64_t steps) override;
  bool step_done(std::int64_t step) override;
  void show_step(std::int64_t step, const LogValues& running) override;
  void begin_validation(std::int64_t steps) override;
  void validation_step_done() override;
  void end_epoch(std::int64_t epoch, const LogValues& values) override;
  void end_fit() override;
  void note(std::string_view text) override;

 private:
  void open_bar(const std::string& description, std::int64_t steps);

  std::ostream& out_;
  Clock& clock_;
  ProgressOptions progress_;
  std::int64_t epochs_ = 0;
  double start_ = 0;
  std::string title_;
  LogValues running_;
  std::optional<Progress> bar_;
};

/// Says nothing.
class QuietLogger final : public Logger {
 public:
  void begin_fit(std::int64_t) override {}
  void begin_epoch(std::int64_t, std::int64_t) override {}
  bool step_done(std::int64_t) override { return false; }
  void show_step(std::int64_t, const LogValues&) override {}
  void begin_validation(std::int64_t) override {}
  void validation_step_done() override {}
  void end_epoch(std::int64_t, const LogValues&) override {}
  void end_fit() override {}
  void note(std::string_view) override {}
};

/// `Epoch  3/30  1.3s  loss 0.02213  val_loss 0.02471`; the epoch is padded to the width of `epochs`, values have 4
/// significant digits, a time below 0.1 s is written in ms, a minute or more as duration_text does. With `columns`,
/// values that do not fit go to lines below, as items_per_line lays them out.
std::string epoch_line(std::int64_t epoch, std::int64_t epochs, double seconds, const LogValues& values,
                       int columns = 0);

}  // namespace slope::train
