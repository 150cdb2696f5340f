#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "slope/autograd/core/key.h"
#include "slope/train/console/format.h"

namespace slope::train {

/// Whether a monitored value is better when smaller (a loss) or larger (an accuracy).
enum class Mode { min, max };

/// Values of a training run: one column per quantity in the order it first appeared, one row per epoch.
///
///     History history = model.fit(...);
///     history["val_loss"].back();                            // the last epoch's value
///     history.best("val_auc", Mode::max).epoch;              // 1-based
///     std::cout << history << "\n";
///     history.to_csv("out/history.csv");
class History {
 public:
  /// Where a column is at its best.
  struct Best {
    std::size_t epoch;  // counted from 1
    /// The value there.
    double value;
  };

  History() = default;
  /// A history from its parts, e.g. read back from a checkpoint. Throws ValueError when a name repeats or is empty, or
  /// a row's length differs from the number of columns.
  static History from_rows(std::vector<std::string> columns, const std::vector<std::vector<double>>& rows,
                           SourceLoc loc = SourceLoc::here());

  /// Appends an epoch. A name not seen before opens a column, NaN in the epochs before; a column without a value gets
  /// NaN. Throws ValueError, and changes nothing, when a name is empty or stands twice in `values`.
  void append(const LogValues& values, SourceLoc loc = SourceLoc::here());

  /// Number of epochs.
  std::size_t size() const { return epochs_; }
  bool empty() const { return epochs_ == 0; }
  const std::vector<std::string>& columns() const { return names_; }
  bool contains(std::string_view name) const;

  /// A column, one value per epoch. Throws ValueError naming the columns there are.
  const std::vector<double>& operator[](slope::detail::Key name) const;

  /// The values of epoch `epoch`, counted from 1, in column order. Throws IndexError when there is no such epoch.
  LogValues row(std::size_t epoch, SourceLoc loc = SourceLoc::here()) const;

  /// The first epoch at which the column is smallest (Mode::min) or largest (Mode::max); NaN never wins.
  /// Throws ValueError when the column does not exist or holds no number.
  Best best(std::string_view name, Mode mode, SourceLoc loc = SourceLoc::here()) const;

  /// Writes RFC 4180 text: a header line, then one line per epoch, led by its 1-based number in a column `epoch` unless
  /// the history has a column of that name. Numbers are written so that they read back exactly.
  void write_csv(std::ostream& out) const;

  /// write_csv into a file, which is replaced whole or left as it was. Missing folders are made. Throws IoError.
  void to_csv(const std::string& path, SourceLoc loc = SourceLoc::here()) const;

  /// The history as a table, values rounded to 3 decimals, without a line break at its end. With `columns`, a wider
  /// table is drawn as several, one below the other and each led by the epoch, as items_per_line lays them out.
  std::string to_string(int columns = 0) const;

 private:
  std::vector<std::string> names_;
  std::vector<std::vector<double>> values_;  // parallel to names_
  std::size_t epochs_ = 0;
};

/// The table; on a terminal, as wide as that.
std::ostream& operator<<(std::ostream& out, const History& history);

}  // namespace slope::train
