#include "slope/train/console/summary_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "slope/autograd/core/error.h"
#include "slope/train/console/format.h"

namespace slope::train {
namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

// The batch extent, -1, only flips the sign. A double neither wraps nor loses anything below 2^53.
double element_count(const std::vector<std::int64_t>& shape) {
  double count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<double>(extent);
  return std::abs(count);
}

struct Totals {
  std::int64_t params = 0;
  std::int64_t trainable = 0;
  std::int64_t macs = 0;
  double outputs = 0;
  double inputs = 0;
};

enum class Reused { counted_again, counted_once };

Totals add_up(const SummaryInfo& info, Reused reused, const char* op) {
  Totals totals;
  for (const SummaryRow& row : info.rows) {
    if (row.params < 0 || row.trainable_params < 0 || row.trainable_params > row.params) {
      throw ValueError(
          concat(op, ": layer ", row.type, " has ", row.trainable_params, " trainable parameters of ", row.params));
    }
    if (!row.reused || reused == Reused::counted_again) {
      totals.params += row.params;
      totals.trainable += row.trainable_params;
    }
    totals.macs += row.macs;
    totals.outputs += element_count(row.output_shape);
  }
  for (const auto& shape : info.input_shapes) totals.inputs += element_count(shape);
  return totals;
}

std::string readable_bytes(double bytes) {
  if (bytes < 1024) return fmt::format("{:.0f} B", bytes);
  const char* const units[] = {"KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  bytes /= 1024;
  for (; bytes >= 1023.95 && unit + 1 < std::size(units); ++unit) bytes /= 1024;
  return fmt::format("{:.1f} {}", bytes, units[unit]);
}

struct Column {
  std::string title;
  bool right_aligned;
  std::vector<std::string> cells;

  int width() const {
    int widest = display_width(title);
    for (const std::string& cell : cells) widest = std::max(widest, display_width(cell));
    return widest;
  }
};

std::string padded(const std::string& text, int width, bool right_aligned) {
  const std::string fill(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ');
  return right_aligned ? fill + text : text + fill;
}

std::string without_trailing_spaces(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::string classic_summary(const SummaryInfo& info, SourceLoc loc) {
  const CallerScope scope(loc);
  SummaryInfo leaves = info;
  std::erase_if(leaves.rows, [](const SummaryRow& row) { return row.has_children; });
  const Totals totals = add_up(leaves, Reused::counted_again, "classic_summary");
  const std::string thin(64, '-');
  const std::string thick(64, '=');
  std::string out = thin + "\n";
  const auto row = [&](const std::string& key, const std::string& shape, const std::string& params) {
    out += fmt::format("{:>20}  {:>25} {:>15}\n", key, shape, params);
  };
  row("Layer (type)", "Output Shape", "Param #");
  out += thick + "\n";
  std::size_t position = 0;
  for (const SummaryRow& layer : leaves.rows) {
    row(fmt::format("{}-{}", layer.type, ++position), shape_text(layer.output_shape), with_commas(layer.params));
  }
  constexpr double mb = 1024.0 * 1024.0;
  const double input = totals.inputs * 4 / mb;
  const double pass = 2 * totals.outputs * 4 / mb;
  const double params = static_cast<double>(totals.params) * 4 / mb;
  out += thick + "\n";
  out += fmt::format("Total params: {}\n", with_commas(totals.params));
  out += fmt::format("Trainable params: {}\n", with_commas(totals.trainable));
  out += fmt::format("Non-trainable params: {}\n", with_commas(totals.params - totals.trainable));
  out += thin + "\n";
  out += fmt::format("Input size (MB): {:.6f}\n", input);
  out += fmt::format("Forward/backward pass size (MB): {:.6f}\n", pass);
  out += fmt::format("Params size (MB): {:.6f}\n", params);
  out += fmt::format("Estimated Total Size (MB): {:.6f}\n", params + pass + input);
  return out + thin + "\n";
}

std::string named_summary(const SummaryInfo& info, SourceLoc loc) {
  const CallerScope scope(loc);
  const Totals totals = add_up(info, Reused::counted_once, "named_summary");
  std::vector<Column> columns = {
      {"Name", false, {}}, {"Layer", false, {}}, {"Output shape", false, {}}, {"Params", true, {}}, {"MACs", true, {}}};
  for (const SummaryRow& row : info.rows) {
    columns[0].cells.push_back(row.name);
    columns[1].cells.push_back(row.type);
    columns[2].cells.push_back(shape_text(row.output_shape));
    columns[3].cells.push_back(row.reused ? "(reused)" : with_commas(row.params));
    columns[4].cells.push_back(with_commas(row.macs));
  }
  constexpr std::size_t gap = 3;
  std::size_t total_width = gap * (columns.size() - 1);
  std::vector<int> widths;
  for (const Column& column : columns) {
    widths.push_back(column.width());
    total_width += static_cast<std::size_t>(widths.back());
  }
  const auto line = [&](auto&& text_of) {
    std::string out;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i) out.append(gap, ' ');
      out += padded(text_of(columns[i]), widths[i], columns[i].right_aligned);
    }
    return without_trailing_spaces(std::move(out)) + "\n";
  };
  const std::string rule = std::string(total_width, '-') + "\n";
  std::string out = line([](const Column& c) { return c.title; }) + rule;
  for (std::size_t i = 0; i < info.rows.size(); ++i) {
    out += line([i](const Column& c) { return c.cells[i]; });
  }
  const auto bytes = static_cast<double>(info.bytes_per_number);
  out += rule;
  out += fmt::format("Parameters   {} ({} trainable, {} frozen), {}\n", with_commas(totals.params),
                     with_commas(totals.trainable), with_commas(totals.params - totals.trainable),
                     readable_bytes(static_cast<double>(totals.params) * bytes));
  out += fmt::format("Per sample   {} MACs, {} input, {} outputs + gradients\n", with_commas(totals.macs),
                     readable_bytes(totals.inputs * bytes), readable_bytes(2 * totals.outputs * bytes));
  return out;
}

}  // namespace slope::train
