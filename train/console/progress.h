#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "slope/train/console/clock.h"
#include "slope/train/console/format.h"
#include "slope/train/console/terminal.h"

namespace slope::train {

/// A moment of a counted loop, as a progress line shows it.
struct ProgressState {
  std::string description = {};
  std::int64_t done = 0;
  std::int64_t total = -1;  // negative: not known
  double elapsed = 0;       // seconds
  double rate = 0;          // iterations per second; 0: not known yet
  LogValues values = {};    // shown with 4 significant digits
};

/// The line `Epoch 3/30:  75%|███████▌  | 33/44 [00:04<00:00, 11.84it/s, loss=0.02124]` in at most `columns` columns;
/// with an unknown total `Epoch 3/30: 33it [00:04, 11.84it/s]`. When room is short the bar shrinks to 10 columns, then
/// there go in turn the rate, the values from the last one to the second, the times, the bar, the first value, the
/// counts; then the description is cut. Without `unicode` the bar is made of `#`. With `color` the bar is coloured by
/// escape codes, which take no columns.
std::string progress_line(const ProgressState& state, int columns, bool unicode, bool color = false);

/// Seconds as `MM:SS`, `H:MM:SS` from an hour on, `3d 04:05:06` from a day on; `?` when negative or not finite.
std::string duration_text(double seconds);

/// Iterations per second as `11.84it/s`, below one as `3.25s/it`, from 10,000 on as `12.3kit/s`; `?it/s` when not
/// known.
std::string rate_text(double rate);

struct ProgressOptions {
  std::string description = {};
  std::ostream* out = nullptr;  // null: std::cout
  Clock* clock = nullptr;       // null: Clock::system()
  bool quiet = false;           // never write anything
  bool leave = true;            // keep the finished line; otherwise wipe it
  double interval = 0.1;        // least seconds between two redraws
  int columns = 0;              // 0: ask the terminal at every redraw
  int live = -1;                // 0 or 1: whether lines may be redrawn; -1: when the stream is a terminal
  int unicode = -1;             // likewise for block characters
  int color = -1;               // likewise for colours
};

/// A live progress line for a loop. On a terminal it is redrawn at most once per `interval`; elsewhere nothing is
/// written.
///
///     Progress bar(steps, {.description = "Epoch 3/30"});
///     for (...) {
///       ...
///       if (bar.advance()) bar.draw({{"loss", mean_loss()}});   // the values are computed only when they will be seen
///     }
///     bar.close();
class Progress {
 public:
  /// `total` is the number of iterations, negative when it is not known.
  explicit Progress(std::int64_t total, ProgressOptions options = {});
  /// Closes; writes a line break even while an exception passes, so that its message starts on a line of its own.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Counts `n` iterations, down to 0 with a negative n. True when a redraw is due: call draw() then.
  bool advance(std::int64_t n = 1);
  /// Redraws now with `values` behind the rate.
  void draw(LogValues values);
  void draw();
  /// Draws the final state with the mean rate (or wipes the line) and ends the line. Further calls do nothing.
  void close();

  /// The present state; rate and elapsed as of the last draw.
  const ProgressState& state() const { return state_; }

 private:
  void measure(double now);
  void render();
  void overwrite(const std::string& line);

  ProgressOptions options_;
  std::ostream& out_;
  Clock& clock_;
  ProgressState state_;
  double start_ = 0;
  double last_draw_ = 0;
  double last_measure_ = 0;
  std::int64_t done_at_last_measure_ = 0;
  double smooth_seconds_ = 0;
  double smooth_count_ = 0;
  bool drawn_ = false;
  bool live_ = false;
  bool closed_ = false;
};

}  // namespace slope::train
