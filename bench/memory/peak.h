#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>

#include "cases.h"

/// How much memory a program takes beyond what it had when this was made: its largest resident set since then, as the
/// kernel counts it. Loading libraries takes memory, too, some of it for a moment only, so the kernel's mark is set
/// back to what is resident now.
class PeakMemory {
 public:
  PeakMemory() {
    if (std::FILE* file = std::fopen("/proc/self/clear_refs", "w")) {
      std::fputs("5", file);
      std::fclose(file);
    }
    start_ = kilobytes("VmRSS:");
  }
  double megabytes() const { return (kilobytes("VmHWM:") - start_) / 1024; }

 private:
  static double kilobytes(const char* key) {
    char line[256];
    double value = 0;
    if (std::FILE* file = std::fopen("/proc/self/status", "r")) {
      while (std::fgets(line, sizeof line, file))
        if (std::strncmp(line, key, std::strlen(key)) == 0) value = std::atof(line + std::strlen(key));
      std::fclose(file);
    }
    return value;
  }
  double start_;
};

/// `main` of a program whose argument is one of trainings::cases(): runs it and prints the megabytes. `--list` prints them all, each with
/// what it is. Cases that are not nets are given here, nets are trained as `work_of` computes them.
template <class WorkOf>
int print_peak_of(const std::map<std::string, void (*)()>& cases, WorkOf work_of, int argc, char** argv) {
  const std::string chosen = argc == 2 ? argv[1] : "";
  if (chosen == "--list") {
    for (const auto& [name, what] : trainings::cases()) std::printf("%s|%s\n", name.c_str(), what.c_str());
    return 0;
  }
  std::function<void()> run;
  if (const auto at = cases.find(chosen); at != cases.end()) run = at->second;
  for (const compare::net::Net& n : compare::net::nets())
    if (chosen == n.name) run = [&] { trainings::train(n, work_of); };
  if (!run) {
    std::fprintf(stderr, "memory: no case '%s'; --list prints them\n", chosen.c_str());
    return 2;
  }
  const PeakMemory peak;
  run();
  std::printf("%.1f\n", peak.megabytes());
  return 0;
}
