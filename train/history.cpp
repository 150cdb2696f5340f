#include "slope/train/history.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "slope/autograd/core/error.h"
#include "slope/io/internal/text_file.h"
#include "slope/train/console/terminal.h"

namespace slope::train {
namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

std::string joined(const std::vector<std::string>& names) {
  if (names.empty()) return "none yet";
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

}  // namespace

History History::from_rows(std::vector<std::string> columns, const std::vector<std::vector<double>>& rows,
                           SourceLoc loc) {
  const CallerScope scope(loc);
  for (auto name = columns.begin(); name != columns.end(); ++name) {
    if (name->empty()) throw ValueError("History::from_rows: a column has an empty name");
    if (std::find(columns.begin(), name, *name) != name) {
      throw ValueError("History::from_rows: two columns are called '" + *name + "'");
    }
  }
  History history;
  history.values_.resize(columns.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (rows[r].size() != columns.size()) {
      throw ValueError(
          concat("History::from_rows: row ", r, " has ", rows[r].size(), " values for ", columns.size(), " columns"));
    }
    for (std::size_t c = 0; c < columns.size(); ++c) history.values_[c].push_back(rows[r][c]);
  }
  history.names_ = std::move(columns);
  history.epochs_ = rows.size();
  return history;
}

void History::append(const LogValues& values, SourceLoc loc) {
  const CallerScope scope(loc);
  for (auto value = values.begin(); value != values.end(); ++value) {
    if (value->first.empty()) throw ValueError("History::append: a value has an empty name");
    const bool seen =
        std::any_of(values.begin(), value, [&](const auto& other) { return other.first == value->first; });
    if (seen) throw ValueError("History::append: '" + value->first + "' stands twice; give each metric its own name");
  }
  for (const auto& [name, value] : values) {
    if (contains(name)) continue;
    names_.push_back(name);
    values_.emplace_back(epochs_, missing);
  }
  for (std::size_t c = 0; c < names_.size(); ++c) {
    const auto found =
        std::find_if(values.begin(), values.end(), [&](const auto& value) { return value.first == names_[c]; });
    values_[c].push_back(found == values.end() ? missing : found->second);
  }
  ++epochs_;
}

bool History::contains(std::string_view name) const {
  return std::find(names_.begin(), names_.end(), name) != names_.end();
}

const std::vector<double>& History::operator[](slope::detail::Key name) const {
  const auto found = std::find(names_.begin(), names_.end(), name.name);
  if (found == names_.end()) {
    throw ValueError(concat("History: no column '", name.name, "'; available: ", joined(names_)), name.loc);
  }
  return values_[static_cast<std::size_t>(found - names_.begin())];
}

LogValues History::row(std::size_t epoch, SourceLoc loc) const {
  const CallerScope scope(loc);
  if (epoch < 1 || epoch > epochs_) {
    throw IndexError(concat("History::row: epoch ", epoch, " is out of range [1, ", epochs_, "]"));
  }
  LogValues out;
  for (std::size_t c = 0; c < names_.size(); ++c) out.emplace_back(names_[c], values_[c][epoch - 1]);
  return out;
}

History::Best History::best(std::string_view name, Mode mode, SourceLoc loc) const {
  const CallerScope scope(loc);
  const std::vector<double>& column = (*this)[{name, loc}];
  std::size_t found = column.size();
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (std::isnan(column[i])) continue;
    const bool better =
        found == column.size() || (mode == Mode::min ? column[i] < column[found] : column[i] > column[found]);
    if (better) found = i;
  }
  if (found == column.size()) {
    throw ValueError(concat("History::best: column '", name, "' holds no number in ", epochs_, " epochs"));
  }
  return {found + 1, column[found]};
}

void History::write_csv(std::ostream& out) const {
  const bool numbered = !contains("epoch");
  std::string line = numbered ? "epoch" : "";
  for (const std::string& name : names_) line += (line.empty() ? "" : ",") + io::csv_field(name);
  out << line << '\n';
  for (std::size_t e = 0; e < epochs_; ++e) {
    line = numbered ? std::to_string(e + 1) : "";
    for (const auto& column : values_) line += (line.empty() ? "" : ",") + python_repr(column[e]);
    out << line << '\n';
  }
}

void History::to_csv(const std::string& path, SourceLoc loc) const {
  std::ostringstream text;
  write_csv(text);
  io::write_text_file(path, text.str(), loc);
}

std::string History::to_string(int columns) const {
  std::vector<std::string> numbers;
  for (std::size_t e = 1; e <= epochs_; ++e) numbers.push_back(std::to_string(e));
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> cells;
  for (std::size_t c = 0; c < names_.size(); ++c) {
    std::vector<std::string> column;
    for (const double value : values_[c]) column.push_back(rounded_repr(value));
    if (names_[c] == "epoch") {
      numbers = std::move(column);
    } else {
      names.push_back(names_[c]);
      cells.push_back(std::move(column));
    }
  }
  // A column takes its widest text, a space on each side and a rule.
  const auto width_of = [](const std::string& title, const std::vector<std::string>& texts) {
    int width = display_width(title);
    for (const std::string& text : texts) width = std::max(width, display_width(text));
    return width + 3;
  };
  std::vector<int> widths;
  for (std::size_t c = 0; c < names.size(); ++c) widths.push_back(width_of(names[c], cells[c]));
  const int lead = 1 + width_of("epoch", numbers);
  std::string out;
  std::size_t next = 0;
  for (const std::size_t count :
       items_per_line(names, widths, columns > 0 ? columns : std::numeric_limits<int>::max(), lead, lead)) {
    const std::size_t end = next + count;
    std::vector<std::string> titles = {"epoch"};
    for (std::size_t c = next; c < end; ++c) titles.push_back(names[c]);
    TextTable table(std::move(titles));
    for (std::size_t e = 0; e < epochs_; ++e) {
      std::vector<std::string> row = {numbers[e]};
      for (std::size_t c = next; c < end; ++c) row.push_back(cells[c][e]);
      table.add_row(std::move(row));
    }
    out += (out.empty() ? "" : "\n") + table.to_string();
    next = end;
  }
  return out;
}

std::ostream& operator<<(std::ostream& out, const History& history) {
  return out << history.to_string(Terminal::of(out).live ? terminal_columns(out) : 0);
}

}  // namespace slope::train
