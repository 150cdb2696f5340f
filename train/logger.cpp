#include "slope/train/logger.h"

#include <fmt/format.h>

#include <iostream>
#include <optional>
#include <utility>
#include <vector>

#include "slope/autograd/core/error.h"

namespace slope::train {
namespace {

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

class ClassicLogger final : public Logger {
 public:
  explicit ClassicLogger(const LoggerOptions& options)
      : out_(options.out ? *options.out : std::cout),
        clock_(options.clock ? *options.clock : Clock::system()),
        every_(options.log_step_freq) {
    if (every_ < 1) throw ValueError(concat("classic_logger: log_step_freq must be at least 1, got ", every_));
  }

  void begin_fit(std::int64_t) override {
    out_ << "Start Training ...\n";
    bar();
  }
  void begin_epoch(std::int64_t, std::int64_t) override {}
  bool step_done(std::int64_t step) override { return step % every_ == 0; }
  void show_step(std::int64_t step, const LogValues& running) override {
    out_ << python_step_repr(step, running) << std::endl;
  }
  void begin_validation(std::int64_t) override {}
  void validation_step_done() override {}
  void end_epoch(std::int64_t epoch, const LogValues& values) override {
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
  void end_fit() override { out_ << "Finished Training..." << std::endl; }
  void note(std::string_view text) override { out_ << text << std::endl; }

 private:
  void bar() { out_ << "\n" << std::string(80, '=') << clock_.timestamp() << std::endl; }

  std::ostream& out_;
  Clock& clock_;
  std::int64_t every_;
};

class ProgressLogger final : public Logger {
 public:
  explicit ProgressLogger(const LoggerOptions& options)
      : out_(options.out ? *options.out : std::cout),
        clock_(options.clock ? *options.clock : Clock::system()),
        progress_(options.progress) {
    progress_.out = &out_;
    progress_.clock = &clock_;
    progress_.leave = false;
  }

  void begin_fit(std::int64_t epochs) override { epochs_ = epochs; }
  void begin_epoch(std::int64_t epoch, std::int64_t steps) override {
    start_ = clock_.seconds();
    title_ = fmt::format("Epoch {:>{}}/{}", epoch, std::to_string(epochs_).size(), epochs_);
    running_.clear();
    open_bar(title_, steps);
  }
  bool step_done(std::int64_t) override { return bar_ && bar_->advance(); }
  void show_step(std::int64_t, const LogValues& running) override {
    running_ = running;
    if (bar_) bar_->draw(running);
  }
  void begin_validation(std::int64_t steps) override { open_bar(title_ + " valid", steps); }
  void validation_step_done() override {
    if (bar_ && bar_->advance()) bar_->draw(running_);
  }
  void end_epoch(std::int64_t epoch, const LogValues& values) override {
    bar_.reset();
    out_ << epoch_line(epoch, epochs_, clock_.seconds() - start_, values) << std::endl;
  }
  void end_fit() override { bar_.reset(); }
  void note(std::string_view text) override {
    bar_.reset();
    out_ << text << std::endl;
  }

 private:
  void open_bar(const std::string& description, std::int64_t steps) {
    bar_.reset();
    progress_.description = description;
    bar_.emplace(steps, progress_);
  }

  std::ostream& out_;
  Clock& clock_;
  ProgressOptions progress_;
  std::int64_t epochs_ = 0;
  double start_ = 0;
  std::string title_;
  LogValues running_;
  std::optional<Progress> bar_;
};

}  // namespace

std::unique_ptr<Logger> classic_logger(LoggerOptions options) { return std::make_unique<ClassicLogger>(options); }

std::unique_ptr<Logger> progress_logger(LoggerOptions options) { return std::make_unique<ProgressLogger>(options); }

std::unique_ptr<Logger> quiet_logger() { return std::make_unique<QuietLogger>(); }

std::string epoch_line(std::int64_t epoch, std::int64_t epochs, double seconds, const LogValues& values) {
  const std::string took = seconds < 60 ? fmt::format("{:.1f}s", seconds) : duration_text(seconds);
  std::string out = fmt::format("Epoch {:>{}}/{}  {}", epoch, std::to_string(epochs).size(), epochs, took);
  for (const auto& [name, value] : values) out += "  " + name + " " + significant(value);
  return out;
}

}  // namespace slope::train
