#include "table.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace bench {

namespace {

std::string time_text(double ns) {
  const char* units[] = {"ns", "us", "ms", "s"};
  int unit = 0;
  while (ns >= 999.5 && unit < 3) ns /= 1000, ++unit;
  char text[32];
  std::snprintf(text, sizeof text, ns < 9.995 ? "%.2f %s" : ns < 99.95 ? "%.1f %s" : "%.0f %s", ns, units[unit]);
  return text;
}

std::string number_text(double x) {
  char text[32];
  std::snprintf(text, sizeof text, x < 9.995 ? "%.2f" : "%.1f", x);
  return text;
}

void print_right(const std::string& text, int width) { std::printf("%*s", width, text.c_str()); }

constexpr int size_width = 11;

}  // namespace

std::string Entry::table() const {
  return std::string(loss.backward ? "forward+backward" : "forward") + ", " + (loss.wide ? "f64" : "f32") + ", " +
         std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

std::string Entry::name() const {
  return std::string(loss.row.name) + (loss.backward ? "/forward+backward/" : "/forward/") +
         (loss.wide ? "f64" : "f32") + "/n:" + size_text(loss.row, loss.size) + "/threads:" + std::to_string(threads) +
         "/" + who->name;
}

Table::Table(std::map<std::string, Entry> entries, const std::vector<std::string>& measured, int width)
    : entries_(std::move(entries)) {
  const auto present = [&](const Contestant& c) {
    return std::any_of(measured.begin(), measured.end(),
                       [&](const std::string& name) { return entries_.at(name).who == &c; });
  };
  if (present(built_in)) columns_.push_back({"slope", &built_in, 9});
  if (present(loop)) {
    columns_.push_back({"loop", &loop, 9});
    if (present(built_in)) columns_.push_back({"ratio", nullptr, 7});
  }
  if (present(pointwise_lambda)) columns_.push_back({"pointwise", &pointwise_lambda, 11});
  if (present(composed)) columns_.push_back({"composed", &composed, 10});
#ifdef BENCH_TORCH
  if (present(libtorch)) columns_.push_back({"libtorch", &libtorch, 10});
#endif
  columns_.push_back({"GB/s", nullptr, 7});
  int rest = size_width;
  for (const Column& c : columns_) rest += c.width;
  for (const std::string& name : measured)
    loss_width_ = std::max(loss_width_, static_cast<int>(std::strlen(entries_.at(name).loss.row.name)));
  loss_on_own_line_ = loss_width_ + rest > width;
}

bool Table::ReportContext(const Context& context) {
  std::printf("%d cores at %.0f MHz", context.cpu_info.num_cpus, context.cpu_info.cycles_per_second / 1e6);
  if (!context.cpu_info.load_avg.empty())
    std::printf(", load average %.2f%s", context.cpu_info.load_avg[0],
                context.cpu_info.load_avg[0] > 0.5 ? " (an idle machine measures better)" : "");
  std::printf(
      "\nratio: slope / loop, the loop one would write by hand\nGB/s: inputs read once and gradients written once\n");
  return true;
}

void Table::begin_table(const Entry& e) {
  table_ = e.table();
  last_loss_.clear();
  std::printf("\n%s\n", table_.c_str());
  std::printf("%-*s", loss_on_own_line_ ? 4 : loss_width_, "loss");
  print_right("size", loss_on_own_line_ ? size_width - 4 : size_width);
  for (const Column& c : columns_) print_right(c.title, c.width);
  std::printf("\n");
}

void Table::ReportRuns(const std::vector<Run>& runs) {
  // With repetitions the last reports are their mean, median, standard deviation and its ratio to the mean.
  const Run* chosen = nullptr;
  for (const Run& run : runs) {
    if (run.error_occurred) {
      std::fprintf(stderr, "%s: %s\n", run.run_name.function_name.c_str(), run.error_message.c_str());
      failed_ = true;
      return;
    }
    if (run.run_type == Run::RT_Iteration ? !chosen : run.aggregate_name == "median") chosen = &run;
  }
  const auto at = chosen ? entries_.find(chosen->run_name.function_name) : entries_.end();
  if (at == entries_.end()) return;
  const Entry& e = at->second;
  const bool same_line = line_ && line_->table() == e.table() && !std::strcmp(line_->loss.row.name, e.loss.row.name) &&
                         line_->loss.size.rows == e.loss.size.rows && line_->loss.size.columns == e.loss.size.columns;
  if (!same_line) finish_line();
  line_ = &e;
  const double scale = 1e9 / benchmark::GetTimeUnitMultiplier(chosen->time_unit);
  nanoseconds_[e.who] = scale * (e.threads == 1 ? chosen->GetAdjustedCPUTime() : chosen->GetAdjustedRealTime());
  const auto bytes = chosen->counters.find("bytes_per_second");
  if (bytes != chosen->counters.end() && (e.who == &built_in || gigabytes_ == 0)) gigabytes_ = bytes->second / 1e9;
}

void Table::finish_line() {
  if (!line_) return;
  if (table_ != line_->table()) begin_table(*line_);
  const std::string loss = line_->loss.row.name;
  if (!loss_on_own_line_)
    std::printf("%-*s", loss_width_, loss == last_loss_ ? "" : loss.c_str());
  else if (loss != last_loss_)
    std::printf("%s\n", loss.c_str());
  last_loss_ = loss;
  print_right(size_text(line_->loss.row, line_->loss.size), size_width);
  const auto time_of = [&](const Contestant& c) {
    const auto at = nanoseconds_.find(&c);
    return at == nanoseconds_.end() ? 0 : at->second;
  };
  for (const Column& c : columns_) {
    double x = 0;
    if (c.who)
      x = time_of(*c.who);
    else if (!std::strcmp(c.title, "GB/s"))
      x = gigabytes_;
    else if (time_of(loop) > 0)
      x = time_of(built_in) / time_of(loop);
    print_right(x == 0 ? "" : c.who ? time_text(x) : number_text(x), c.width);
  }
  std::printf("\n");
  std::fflush(stdout);
  line_ = nullptr;
  nanoseconds_.clear();
  gigabytes_ = 0;
}

}  // namespace bench
