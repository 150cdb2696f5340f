// bench_losses: every loss, forward and forward+backward, by size, dtype and number of threads; beside it the lambda for
// `pointwise`, the same composed of operations on tensors, a loop by hand, and libtorch where it is installed. It takes
// the flags of Google Benchmark; without --benchmark_format it prints a table.
//
//     bench_losses --benchmark_filter='focal_loss/forward\+backward/f32/n:10000/threads:1/'
//
// With one thread it reports the time of the processor, which other processes disturb least, with more the time by the
// clock. Before a contestant is measured its loss and gradients are compared with slope's: one that differs is an error.
#include <omp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <regex>
#include <string_view>
#include <thread>

#include "table.h"

namespace {

using namespace bench;

const Contestant* const contestants[] = {
    &built_in, &loop, &pointwise_lambda, &composed,
#ifdef BENCH_TORCH
    &libtorch,
#endif
};

std::vector<int> thread_counts() {
  std::vector<int> counts;
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  for (int n = 1; n < cores; n *= 2) counts.push_back(n);
  counts.push_back(cores);
  return counts;
}

/// In the order of the tables.
std::vector<Entry> all_entries() {
  std::vector<Entry> all;
  for (const bool backward : {false, true})
    for (const bool wide : {false, true})
      for (const int threads : thread_counts())
        for (const LossRow& row : loss_rows())
          for (const Size& size : sizes_of(row))
            for (const Contestant* who : contestants)
              if (who->has(row)) all.push_back({{row, size, backward, wide}, threads, who});
  return all;
}

/// Google Benchmark calls a benchmark with more and more iterations: its work is kept until the next one begins.
struct Prepared {
  std::string name;
  Work work;
};
std::optional<Prepared> prepared;

void set_threads(const Entry& e, int n) {
  omp_set_num_threads(n);
  e.who->set_threads(n);
}

/// What slope gives; kept, as several contestants are compared with it.
double expected_of(const LossCase& c) {
  static std::string of;
  static double value = 0;
  const std::string name = Entry{c, 1, &built_in}.name();
  if (of != name) {
    built_in.set_threads(1);
    value = built_in.prepare(c).check();
    of = name;
  }
  return value;
}

/// Empty, or what is wrong.
std::string disagreement(const Entry& e) {
  if (!prepared->work.check || e.who == &built_in) return "";
  const double expected = expected_of(e.loss);
  set_threads(e, 1);
  const double result = prepared->work.check();
  if (agree(result, expected, prepared->work.tolerance)) return "";
  char text[96];
  std::snprintf(text, sizeof text, "gives %.9g, slope %.9g", result, expected);
  return text;
}

/// Inputs are read once, gradients written once; an element is one of the first input.
void count(benchmark::State& state, const LossCase& c) {
  std::int64_t bytes = 0, items = 0;
  const std::int64_t width = c.wide ? 8 : 4;
  for (std::size_t i = 0; i < c.row.inputs.size(); ++i) {
    const Data d = make_data(c.row, c.size, i);
    const auto floats = static_cast<std::int64_t>(d.floats.size());
    if (i == 0) items = floats;
    bytes += floats * width + static_cast<std::int64_t>(d.integers.size()) * 8;
    if (c.backward && static_cast<int>(i) < c.row.differentiated) bytes += floats * width;
  }
  state.SetItemsProcessed(state.iterations() * items);
  state.SetBytesProcessed(state.iterations() * bytes);
}

void measure(benchmark::State& state, const Entry& e) {
  const std::string name = e.name();
  if (!prepared || prepared->name != name) {
    prepared.reset();
    prepared = {name, e.who->prepare(e.loss)};
    if (const std::string wrong = disagreement(e); !wrong.empty()) {
      prepared.reset();
      state.SkipWithError(wrong.c_str());
      return;
    }
  }
  set_threads(e, e.threads);
  for (auto _ : state) prepared->work.run();
  count(state, e.loss);
}

int terminal_width() {
  if (winsize size{}; ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  const int width = columns ? std::atoi(columns) : 0;
  return width > 0 ? width : 120;
}

/// As Google Benchmark reads a filter; a leading '-' turns it round.
std::vector<std::string> matching(const std::vector<Entry>& entries) {
  std::string filter = benchmark::GetBenchmarkFilter();
  if (filter.empty() || filter == "all") filter = ".";
  const bool inverse = filter[0] == '-';
  const std::regex wanted(filter.substr(inverse ? 1 : 0));
  std::vector<std::string> names;
  for (const Entry& e : entries)
    if (std::regex_search(e.name(), wanted) != inverse) names.push_back(e.name());
  return names;
}

}  // namespace

int main(int argc, char** argv) {
  const bool own_format = std::any_of(
      argv + 1, argv + argc, [](const char* a) { return std::string_view(a).starts_with("--benchmark_format"); });
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const std::vector<Entry> entries = all_entries();
  std::map<std::string, Entry> by_name;
  for (const Entry& e : entries) {
    by_name.emplace(e.name(), e);
    auto* b = benchmark::RegisterBenchmark(e.name().c_str(), [e](benchmark::State& state) { measure(state, e); });
    if (e.threads > 1) b->UseRealTime();
  }
  std::vector<std::string> measured;
  try {
    measured = matching(entries);
  } catch (const std::regex_error& e) {
    std::fprintf(stderr, "bench_losses: --benchmark_filter is no regular expression: %s\n", e.what());
    return 1;
  }
  if (measured.empty()) {
    std::fprintf(stderr, "bench_losses: no benchmark's name matches '%s'; --benchmark_list_tests prints the names\n",
                 benchmark::GetBenchmarkFilter().c_str());
    return 1;
  }
  Table table(by_name, measured, terminal_width());
  benchmark::RunSpecifiedBenchmarks(own_format ? nullptr : &table);
  prepared.reset();
  benchmark::Shutdown();
  return table.failed() ? 1 : 0;
}
