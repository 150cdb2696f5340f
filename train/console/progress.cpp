#include "slope/train/console/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <limits>
#include <utility>

namespace slope::train {
namespace {

constexpr int narrowest_bar = 10;
constexpr int widest_bar = 40;
// The newest interval weighs 0.3 in the shown rate: it follows a change within a few redraws and does not flicker.
constexpr double newest_weight = 0.3;

std::string bar_text(double fraction, int width, bool unicode, bool color) {
  static constexpr std::array<const char*, 8> eighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double cells = std::clamp(fraction, 0.0, 1.0) * width;
  const int full = static_cast<int>(cells);
  int used = full;
  std::string out;
  for (int i = 0; i < full; ++i) out += unicode ? "█" : "#";
  if (unicode) {
    const auto part = static_cast<std::size_t>((cells - full) * 8);
    if (part > 0) {
      out += eighths[part];
      ++used;
    }
  }
  out.append(static_cast<std::size_t>(width - used), ' ');
  if (color) out = "\x1b[36m" + out + "\x1b[0m";
  return out;
}

struct Parts {
  bool bar = true, times = true, rate = true, counts = true;
  std::size_t values = 0;
};

// The line without its bar: what stands before and after the place where the bar goes.
std::pair<std::string, std::string> around_bar(const ProgressState& state, const Parts& parts) {
  const bool counted = state.total >= 0;
  std::string before = state.description.empty() ? "" : state.description + ": ";
  if (counted) {
    const double fraction = state.total == 0 ? 1.0 : static_cast<double>(state.done) / static_cast<double>(state.total);
    before += fmt::format("{:3.0f}%", std::floor(100 * std::clamp(fraction, 0.0, 1.0)));
  } else {
    before += fmt::format("{}it", state.done);
  }
  std::string after;
  if (counted && parts.counts) after = fmt::format(" {}/{}", state.done, state.total);
  std::string details;
  const auto add = [&](const std::string& text) { details += (details.empty() ? "" : ", ") + text; };
  if (parts.times) {
    const double left =
        state.rate > 0 ? (static_cast<double>(state.total) - static_cast<double>(state.done)) / state.rate : -1;
    add(duration_text(state.elapsed) + (counted ? "<" + duration_text(left) : ""));
  }
  if (parts.rate) add(rate_text(state.rate));
  for (std::size_t i = 0; i < parts.values; ++i) {
    add(state.values[i].first + "=" + significant(state.values[i].second));
  }
  if (!details.empty()) after += " [" + details + "]";
  return {before, after};
}

}  // namespace

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e11) return "?";
  const auto whole = static_cast<std::int64_t>(seconds);
  const std::int64_t s = whole % 60, m = whole / 60 % 60, h = whole / 3600 % 24, d = whole / 86400;
  if (d > 0) return fmt::format("{}d {:02}:{:02}:{:02}", d, h, m, s);
  if (h > 0) return fmt::format("{}:{:02}:{:02}", h, m, s);
  return fmt::format("{:02}:{:02}", m, s);
}

std::string rate_text(double rate) {
  if (!(rate > 0) || std::isinf(rate)) return "?it/s";
  if (rate < 1) return fmt::format("{:.2f}s/it", 1 / rate);
  if (rate < 1e4) return fmt::format("{:.2f}it/s", rate);
  if (rate < 1e7) return fmt::format("{:.1f}kit/s", rate / 1e3);
  return fmt::format("{:.1f}Mit/s", rate / 1e6);
}

std::string progress_line(const ProgressState& state, int columns, bool unicode, bool color) {
  columns = std::max(columns, 0);
  Parts parts;
  parts.values = state.values.size();
  parts.bar = state.total >= 0;
  const auto room_left = [&] {
    const auto [before, after] = around_bar(state, parts);
    const int fixed = display_width(before) + display_width(after) + (parts.bar ? 2 : 0);
    return columns - fixed;
  };
  const auto fits = [&] { return room_left() >= (parts.bar ? narrowest_bar : 0); };
  // What a reader misses least goes first.
  if (!fits()) parts.rate = false;
  while (!fits() && parts.values > 1) --parts.values;
  if (!fits()) parts.times = false;
  if (!fits()) parts.bar = false;
  if (!fits()) parts.values = 0;
  if (!fits()) parts.counts = false;
  if (parts.times && !parts.rate) {  // the values may have left more room than they needed
    parts.rate = true;
    parts.rate = fits();
  }

  const auto [before, after] = around_bar(state, parts);
  if (parts.bar) {
    const double fraction = state.total == 0 ? 1.0 : static_cast<double>(state.done) / static_cast<double>(state.total);
    return before + "|" + bar_text(fraction, std::min(room_left(), widest_bar), unicode, color) + "|" + after;
  }
  if (const int missing = -room_left(); missing > 0 && !state.description.empty()) {
    ProgressState shorter = state;
    const int kept = display_width(state.description) - missing;
    shorter.description = clip_to_width(state.description, std::max(0, kept));
    return progress_line(shorter, columns, unicode, color);
  }
  return std::string(clip_to_width(before + after, columns));
}

Progress::Progress(std::int64_t total, ProgressOptions options)
    : options_(std::move(options)),
      out_(options_.out ? *options_.out : std::cout),
      clock_(options_.clock ? *options_.clock : Clock::system()) {
  state_.description = options_.description;
  state_.total = total < 0 ? -1 : total;
  const Terminal terminal = Terminal::of(out_);
  live_ = !options_.quiet && (options_.live < 0 ? terminal.live : options_.live != 0);
  if (options_.unicode < 0) options_.unicode = terminal.unicode ? 1 : 0;
  if (options_.color < 0) options_.color = terminal.color ? 1 : 0;
  start_ = last_draw_ = last_measure_ = clock_.seconds();
}

Progress::~Progress() {
  try {
    close();
  } catch (...) {
    live_ = false;  // a stream that throws on failure must not end the program here
  }
}

bool Progress::advance(std::int64_t n) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  if (n > most - state_.done)
    state_.done = most;
  else
    state_.done = n < -state_.done ? 0 : state_.done + n;
  if (!live_ || closed_) return false;
  return clock_.seconds() - last_draw_ >= options_.interval;
}

void Progress::measure(double now) {
  const double seconds = now - last_measure_;
  const auto count = static_cast<double>(state_.done - done_at_last_measure_);
  if (seconds > 0 && count > 0) {
    const double weight_of_old = smooth_seconds_ > 0 ? 1 - newest_weight : 0;
    smooth_seconds_ = weight_of_old * smooth_seconds_ + (1 - weight_of_old) * seconds;
    smooth_count_ = weight_of_old * smooth_count_ + (1 - weight_of_old) * count;
    done_at_last_measure_ = state_.done;
    last_measure_ = now;
  }
  state_.elapsed = now - start_;
  state_.rate = smooth_seconds_ > 0 ? smooth_count_ / smooth_seconds_ : 0;
}

void Progress::draw(LogValues values) {
  state_.values = std::move(values);
  draw();
}

void Progress::draw() {
  if (closed_) return;
  last_draw_ = clock_.seconds();
  measure(last_draw_);
  if (live_) render();
}

void Progress::render() {
  // Three columns stay free: terminals show Ctrl-C as ^C behind the line, and writing into the last column makes some
  // wrap.
  const int columns = std::max(1, (options_.columns > 0 ? options_.columns : terminal_columns(out_)) - 3);
  overwrite(progress_line(state_, columns, options_.unicode != 0, options_.color != 0));
}

void Progress::overwrite(const std::string& line) {
  // The code erases the rest of a longer line before, and a ^C that was typed.
  out_ << '\r' << line << "\x1b[K" << std::flush;
  drawn_ = true;
}

void Progress::close() {
  if (closed_) return;
  closed_ = true;
  state_.elapsed = clock_.seconds() - start_;
  state_.rate = state_.elapsed > 0 ? static_cast<double>(state_.done) / state_.elapsed : 0;
  if (!live_) return;
  if (options_.leave) {
    render();
    out_ << '\n' << std::flush;
  } else if (drawn_) {
    overwrite("");
    out_ << '\r' << std::flush;
  }
}

}  // namespace slope::train
