// launch RUNS DISCARD PROGRAM...: runs the programs in turn, DISCARD + RUNS times, and prints for each a line
//
//     <median ms from start to exit> <median ms of processor time> <median ms from start to its mark, or -> <peak
//     memory, MB> PROGRAM
//
// without the first DISCARD rounds. The mark is a line on standard output, see mark.h. Peak memory is the largest
// resident set of a process, those that the program starts (a compiler behind its driver) included, as the kernel
// counts it.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

extern char** environ;  // NOLINT

namespace {

struct Program {
  std::string path;
  std::vector<double> whole, busy, marked;
  double memory = 0;
};

double now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

double milliseconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) * 1e-3;
}

double median(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return (x[(x.size() - 1) / 2] + x[x.size() / 2]) / 2;
}

[[noreturn]] void fail(const Program& p, const char* what) {
  std::fprintf(stderr, "launch: %s %s\n", p.path.c_str(), what);
  std::exit(1);
}

void run(Program& p, bool keep) {
  char* argv[] = {p.path.data(), nullptr};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail(p, "got no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t child = 0;
  const double start = now();
  if (posix_spawn(&child, argv[0], &actions, nullptr, argv, environ) != 0) fail(p, "cannot be started");
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  const double end = now();
  close(ends[0]);
  posix_spawn_file_actions_destroy(&actions);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail(p, "failed");
  if (!keep) return;
  p.whole.push_back(end - start);
  p.busy.push_back(milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime));
  if (const double mark = std::atof(text.c_str()) * 1e-6; mark > start && mark < end) p.marked.push_back(mark - start);
  p.memory = std::max(p.memory, static_cast<double>(usage.ru_maxrss) / 1024);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const int runs = std::atoi(argv[1]), discard = std::atoi(argv[2]);
  std::vector<Program> programs;
  for (int i = 3; i < argc; ++i) programs.emplace_back().path = argv[i];
  for (int i = 0; i < discard + runs; ++i)
    for (Program& p : programs) run(p, i >= discard);
  for (const Program& p : programs) {
    std::printf("%.3f %.3f ", median(p.whole), median(p.busy));
    if (p.marked.size() == p.whole.size())
      std::printf("%.3f", median(p.marked));
    else
      std::printf("-");
    std::printf(" %.1f %s\n", p.memory, p.path.c_str());
  }
}
