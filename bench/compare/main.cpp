// bench_compare: measures slope beside libtorch and hand-written loops and writes the figures as JSON and as a Markdown table.
//
//     bench_compare --filter '^loss/' --out bench/results/losses
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "harness.h"

using compare::Figures;
using compare::Spread;

namespace {

std::string time_text(double ns) {
  char text[32];
  const char* units[] = {"ns", "us", "ms", "s"};
  int unit = 0;
  while (ns >= 1000 && unit < 3) ns /= 1000, ++unit;
  std::snprintf(text, sizeof text, ns < 10 ? "%.2f %s" : ns < 100 ? "%.1f %s" : "%.0f %s", ns, units[unit]);
  return text;
}

std::string ratio_text(const Spread& s) {
  char text[48];
  std::snprintf(text, sizeof text, "%.2f (%.2f-%.2f)", s.median, s.low, s.high);
  return text;
}

std::string row(const Figures& f) {
  return "| " + f.work + " | " + std::to_string(f.threads) + " | " + time_text(f.slope.median) + " | " +
         (f.has_torch ? time_text(f.torch.median) : "") + " | " + (f.has_torch ? ratio_text(f.torch_ratio) : "") + " | " +
         (f.has_limit ? time_text(f.limit.median) : "") + " | " + (f.has_limit ? ratio_text(f.limit_ratio) : "") + " |";
}

nlohmann::json json_of(const Spread& s) { return {{"median", s.median}, {"low", s.low}, {"high", s.high}}; }

// The geometric mean of a ratio, and what lies on the wrong side of a bound.
std::string summary(const std::vector<Figures>& all, bool torch, double bound) {
  double logs = 0;
  int n = 0;
  std::string beyond;
  for (const Figures& f : all) {
    if (!(torch ? f.has_torch : f.has_limit)) continue;
    const double ratio = torch ? f.torch_ratio.median : f.limit_ratio.median;
    logs += std::log(ratio);
    ++n;
    if (torch ? ratio < bound : ratio > bound)
      beyond += "\n- " + f.work + ", " + std::to_string(f.threads) + (f.threads == 1 ? " thread: " : " threads: ") +
                ratio_text(torch ? f.torch_ratio : f.limit_ratio);
  }
  if (n == 0) return "";
  char text[160];
  std::snprintf(text, sizeof text, "\n%s: geometric mean %.2f over %d rows; %s %.1f:", torch ? "libtorch / slope" : "slope / loop",
                std::exp(logs / n), n, torch ? "below" : "above", bound);
  return text + (beyond.empty() ? std::string(" none.\n") : beyond + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  compare::Options options;
  std::string filter, out;
  std::vector<int> threads{1, 2};
  CLI::App app{"slope beside libtorch and hand-written loops"};
  app.add_option("--filter", filter, "only work whose name matches this regular expression");
  app.add_option("--threads", threads, "thread counts");
  app.add_option("--rounds", options.rounds, "samples of each contestant");
  app.add_option("--milliseconds", options.milliseconds, "length of a sample");
  app.add_option("--out", out, "write OUT.json and OUT.md");
  CLI11_PARSE(app, argc, argv);

  const std::regex wanted(filter);
  std::vector<Figures> all;
  std::string table =
      "| work | threads | slope | libtorch | libtorch / slope | loop | slope / loop |\n| --- | --- | --- | --- | --- | --- | --- |\n";
  std::printf("%s", table.c_str());
  for (const auto& [work, prepare] : compare::slope_works().all()) {
    if (!std::regex_search(work, wanted)) continue;
    for (const int n : threads) {
      all.push_back(compare::measure(work, n, options));
      const std::string line = row(all.back()) + "\n";
      std::printf("%s", line.c_str());
      std::fflush(stdout);
      table += line;
    }
  }
  table += summary(all, true, 1.0) + summary(all, false, 1.3);
  std::printf("%s", table.substr(table.rfind("|\n") + 2).c_str());
  if (out.empty()) return 0;
  nlohmann::json rows = nlohmann::json::array();
  for (const Figures& f : all) {
    nlohmann::json r = {{"work", f.work}, {"threads", f.threads}, {"slope_ns", json_of(f.slope)}};
    if (f.has_torch) r["libtorch_ns"] = json_of(f.torch), r["libtorch_over_slope"] = json_of(f.torch_ratio);
    if (f.has_limit) r["loop_ns"] = json_of(f.limit), r["slope_over_loop"] = json_of(f.limit_ratio);
    rows.push_back(std::move(r));
  }
  std::ofstream(out + ".json") << rows.dump(1) << "\n";
  std::ofstream(out + ".md") << table;
}
