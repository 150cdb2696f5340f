#include "slope/train/console/logger.h"

#include <fmt/format.h>

#include <iostream>
#include <limits>
#include <utility>
#include <vector>

#include "slope/autograd/core/error.h"

namespace slope::train {

ClassicLogger::ClassicLogger(const LoggerOptions& options, SourceLoc loc)
    : out_(options.out ? *options.out : std::cout),
      clock_(options.clock ? *options.clock : Clock::system()),
      every_(options.log_step_freq) {
  if (every_ < 1) throw ValueError(concat("ClassicLogger: log_step_freq must be at least 1, got ", every_), loc);
}

void ClassicLogger::bar() { out_ << "\n" << std::string(80, '=') << clock_.timestamp() << '\n' << std::flush; }

void ClassicLogger::begin_fit(std::int64_t) {
  out_ << "Start Training ...\n";
  bar();
}

void ClassicLogger::begin_epoch(std::int64_t, std::int64_t) {}

bool ClassicLogger::step_done(std::int64_t step) { return step % every_ == 0; }

void ClassicLogger::show_step(std::int64_t step, const LogValues& running) {
  out_ << python_step_repr(step, running) << '\n' << std::flush;
}

void ClassicLogger::begin_validation(std::int64_t) {}

void ClassicLogger::validation_step_done() {}

void ClassicLogger::end_epoch(std::int64_t epoch, const LogValues& values) {
  std::vector<std::string> titles = {"epoch"};
  std::vector<std::string> cells = {std::to_string(epoch)};
  for (const auto& [name, value] : values) {
    titles.push_back(name);
    cells.push_back(rounded_repr(value));
  }
  TextTable table(std::move(titles));
  table.add_row(std::move(cells));
  out_ << "\n " << table.to_string() << "\n";
  bar();
}

void ClassicLogger::end_fit() { out_ << "Finished Training..." << '\n' << std::flush; }

void ClassicLogger::note(std::string_view text) { out_ << text << '\n' << std::flush; }

ProgressLogger::ProgressLogger(const LoggerOptions& options)
    : out_(options.out ? *options.out : std::cout),
      clock_(options.clock ? *options.clock : Clock::system()),
      progress_(options.progress) {
  progress_.out = &out_;
  progress_.clock = &clock_;
  progress_.leave = false;
  if (progress_.live < 0) progress_.live = Terminal::of(out_).live ? 1 : 0;
}

void ProgressLogger::open_bar(const std::string& description, std::int64_t steps) {
  bar_.reset();
  progress_.description = description;
  bar_.emplace(steps, progress_);
}

void ProgressLogger::begin_fit(std::int64_t epochs) { epochs_ = epochs; }

void ProgressLogger::begin_epoch(std::int64_t epoch, std::int64_t steps) {
  start_ = clock_.seconds();
  title_ = fmt::format("Epoch {:>{}}/{}", epoch, std::to_string(epochs_).size(), epochs_);
  running_.clear();
  open_bar(title_, steps);
}

bool ProgressLogger::step_done(std::int64_t) { return bar_ && bar_->advance(); }

void ProgressLogger::show_step(std::int64_t, const LogValues& running) {
  running_ = running;
  if (bar_) bar_->draw(running);
}

void ProgressLogger::begin_validation(std::int64_t steps) { open_bar(title_ + " valid", steps); }

void ProgressLogger::validation_step_done() {
  if (bar_ && bar_->advance()) bar_->draw(running_);
}

void ProgressLogger::end_epoch(std::int64_t epoch, const LogValues& values) {
  bar_.reset();
  if (progress_.quiet) return;
  const int terminal = progress_.columns > 0 ? progress_.columns : terminal_columns(out_);
  const int columns = progress_.live != 0 ? terminal : 0;
  out_ << epoch_line(epoch, epochs_, clock_.seconds() - start_, values, columns) << '\n' << std::flush;
}

void ProgressLogger::end_fit() { bar_.reset(); }

void ProgressLogger::note(std::string_view text) {
  bar_.reset();
  if (!progress_.quiet) out_ << text << '\n' << std::flush;
}

std::string epoch_line(std::int64_t epoch, std::int64_t epochs, double seconds, const LogValues& values, int columns) {
  constexpr int indent = 4;
  const std::string took = seconds < 0.0995 ? fmt::format("{:.0f}ms", seconds * 1e3)
                           : seconds < 60   ? fmt::format("{:.1f}s", seconds)
                                            : duration_text(seconds);
  std::string out = fmt::format("Epoch {:>{}}/{}  {:>4}", epoch, std::to_string(epochs).size(), epochs, took);
  std::vector<std::string> names, texts;
  std::vector<int> widths;
  for (const auto& [name, value] : values) {
    names.push_back(name);
    texts.push_back("  " + name + " " + significant(value));
    widths.push_back(display_width(texts.back()));
  }
  const int room = columns > 0 ? columns : std::numeric_limits<int>::max();
  std::size_t next = 0;
  for (const std::size_t count : items_per_line(names, widths, room, display_width(out), indent - 2)) {
    if (next > 0) out += "\n" + std::string(indent - 2, ' ');
    for (const std::size_t end = next + count; next < end; ++next) out += texts[next];
  }
  return out;
}

}  // namespace slope::train
