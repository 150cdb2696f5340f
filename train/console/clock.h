#pragma once

#include <string>

namespace slope::train {

/// Where the trainer's texts take their time from; tests substitute their own.
///
///     struct Frozen : slope::train::Clock {
///       double seconds() override { return 0.0; }
///       std::string timestamp() override { return "2020-07-11 23:34:17"; }
///     };
class Clock {
 public:
  virtual ~Clock() = default;
  /// Seconds since an arbitrary moment; never runs backwards.
  virtual double seconds() = 0;
  /// Local date and time as `YYYY-MM-DD HH:MM:SS`.
  virtual std::string timestamp() = 0;

  /// The machine's clock; lives as long as the program.
  static Clock& system();
};

}  // namespace slope::train
