// bench_compare: measures slope beside libtorch and hand-written loops and writes the figures as JSON and as a Markdown
// table.
//
//     bench_compare --filter '^loss/' --out bench/results/loss_comparison
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <regex>

#include "harness.h"
#include "machine.h"
#include "report.h"
#include "slope/autograd/kernels/gemm/blas_core.h"

namespace {

/// As one would type it, with the variable that changes what BLAS does.
std::string command_line(int argc, char** argv) {
  std::string text;
  if (const char* core = std::getenv("OPENBLAS_CORETYPE")) text = std::string("OPENBLAS_CORETYPE=") + core + " ";
  for (int i = 0; i < argc; ++i) {
    const std::string word = i == 0 ? std::string("build/release/bench/bench_compare") : argv[i];
    const bool plain = !word.empty() && word.find_first_of(" |^$*()[]{}?+\\\"") == std::string::npos;
    text += (i > 0 ? " " : "") + (plain ? word : "'" + word + "'");
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  compare::Options options;
  std::string filter, out;
  std::vector<int> threads{1, 2};
  bool list = false;
  CLI::App app{"slope beside libtorch and hand-written loops"};
  app.add_option("--filter", filter, "only work whose name matches this regular expression");
  app.add_option("--threads", threads, "thread counts")->check(CLI::PositiveNumber);
  app.add_option("--rounds", options.rounds, "samples of each contestant")->check(CLI::PositiveNumber);
  app.add_option("--milliseconds", options.milliseconds, "length of a sample")->check(CLI::PositiveNumber);
  app.add_option("--out", out, "write OUT.json and OUT.md");
  app.add_flag("--list", list, "print the names of the works and stop");
  CLI11_PARSE(app, argc, argv);

  // slope does this before its first product; here the others shall have the same kernels from the beginning.
  slope::suit_blas_to_cpu();
  std::vector<std::string> works;
  try {
    const std::regex wanted(filter);
    for (const auto& [work, prepare] : compare::slope_works().all())
      if (std::regex_search(work, wanted)) works.push_back(work);
  } catch (const std::regex_error& e) {
    std::fprintf(stderr, "bench_compare: --filter is no regular expression: %s\n", e.what());
    return 1;
  }
  if (works.empty()) {
    std::fprintf(stderr, "bench_compare: no work's name matches '%s'; --list prints the names\n", filter.c_str());
    return 1;
  }
  if (list) {
    for (const std::string& work : works) std::printf("%s\n", work.c_str());
    return 0;
  }
  std::printf("%s\n", compare::provenance(command_line(argc, argv)).c_str());
  std::printf("%s", compare::table_head().c_str());
  std::vector<compare::Figures> all;
  std::string table = compare::table_head();
  for (const std::string& work : works) {
    try {
      for (compare::Figures& f : compare::measure(work, threads, options)) {
        const std::string line = compare::table_row(f);
        std::printf("%s", line.c_str());
        std::fflush(stdout);
        table += line;
        all.push_back(std::move(f));
      }
    } catch (const std::exception& e) {
      std::fprintf(stderr, "bench_compare: %s\n", e.what());
      return 1;
    }
  }
  const std::string summary = compare::summary(all);
  std::printf("%s", summary.c_str());
  if (out.empty()) return 0;
  const std::string command = command_line(argc, argv);
  std::ofstream json(out + ".json"), markdown(out + ".md");
  json << compare::json_text(all, command);
  markdown << table << summary << compare::provenance(command);
  json.close();
  markdown.close();
  if (json && markdown) return 0;
  std::fprintf(stderr, "bench_compare: %s.json or %s.md cannot be written\n", out.c_str(), out.c_str());
  return 1;
}
