#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

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

/// `main` of a program with one argument, the name of the case: runs it and prints the megabytes.
inline int print_peak_of(const std::map<std::string, void (*)()>& cases, int argc, char** argv) {
  const auto chosen = argc == 2 ? cases.find(argv[1]) : cases.end();
  if (chosen == cases.end()) return 2;
  const PeakMemory peak;
  chosen->second();
  std::printf("%.1f\n", peak.megabytes());
  return 0;
}
