#include "harness.h"

#include <cblas.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <thread>

extern "C" __attribute__((weak)) void openblas_set_num_threads(int);

namespace compare {

Contestant& slope_works() {
  static Contestant c;
  return c;
}
Contestant& torch_works() {
  static Contestant c;
  return c;
}
Contestant& limit_works() {
  static Contestant c;
  return c;
}

namespace {

int threads_of_loops = 1;

struct Entrant {
  Contestant& who;
  const char* name;
  Work work;
  std::int64_t calls = 1;
  double one_call = 0;  // nanoseconds
  std::vector<double> samples{};

  // The counts of OpenMP, which OpenBLAS follows, are shared: whoever is next sets them.
  void set_threads(int n) const {
    if (&openblas_set_num_threads != nullptr) openblas_set_num_threads(n);
    omp_set_num_threads(n);
    threads_of_loops = n;
    who.set_threads(n);
  }
};

using Clock = std::chrono::steady_clock;

double nanoseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

/// Of one call.
double nanoseconds(const Work& work, std::int64_t calls) {
  double total = 0;
  if (work.before) {
    for (std::int64_t i = 0; i < calls; ++i) {
      work.before();
      const auto start = Clock::now();
      work.run();
      total += nanoseconds_since(start);
    }
  } else {
    const auto start = Clock::now();
    for (std::int64_t i = 0; i < calls; ++i) work.run();
    total = nanoseconds_since(start);
  }
  return total / static_cast<double>(calls);
}

// How many calls take about this long, after the first ones have filled caches.
void calibrate(Entrant& e, double milliseconds) {
  const double wanted = milliseconds * 1e6;
  e.calls = 1;
  e.one_call = nanoseconds(e.work, 1);
  if (e.one_call > 20 * wanted) return;
  nanoseconds(e.work, 1);
  for (std::int64_t calls = 1;;) {
    e.one_call = nanoseconds(e.work, calls);
    const double ns = e.one_call * static_cast<double>(calls);
    if (ns >= wanted / 2) break;
    calls *= ns < wanted / 20 ? 8 : 2;
  }
  e.calls = std::max<std::int64_t>(1, std::llround(wanted / e.one_call));
}

Spread spread(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double q) {
    const double x = q * static_cast<double>(samples.size() - 1);
    const auto i = static_cast<std::size_t>(x);
    const double next = samples[std::min(i + 1, samples.size() - 1)];
    return samples[i] + (x - static_cast<double>(i)) * (next - samples[i]);
  };
  return {at(0.5), at(0.25), at(0.75)};
}

Spread ratio(const Entrant& a, const Entrant& b) {
  std::vector<double> r;
  for (std::size_t i = 0; i < a.samples.size(); ++i) r.push_back(a.samples[i] / b.samples[i]);
  return spread(std::move(r));
}

/// Throws unless all who can tell say the same of their results.
void compare_results(const std::string& work, const std::vector<Entrant>& entrants) {
  const Entrant* first = nullptr;
  double expected = 0;
  for (const Entrant& e : entrants) {
    if (!e.work.check) continue;
    e.set_threads(1);
    const double result = e.work.check();
    if (!first) {
      first = &e;
      expected = result;
    }
    if (bench::agree(result, expected, std::min(e.work.tolerance, first->work.tolerance))) continue;
    char text[96];
    std::snprintf(text, sizeof text, ": %s gives %.9g, %s %.9g", first->name, expected, e.name, result);
    throw std::runtime_error(work + text);
  }
}

/// The threads of the one before keep their cores busy with looking out for work, those of libgomp for some 15 ms.
void let_threads_sleep() { std::this_thread::sleep_for(std::chrono::milliseconds(25)); }

/// The data of the others has taken the caches. And the system takes some milliseconds until it has spread threads.
void warm_up(const Work& work, int threads) {
  const double least = threads > 1 ? 4e6 : 0;
  double spent = 0;
  do spent += nanoseconds(work, 1);
  while (spent < least);
}

int rounds_of(const std::vector<Entrant>& entrants, const Options& options) {
  double slowest = 0;
  for (const Entrant& e : entrants) slowest = std::max(slowest, e.one_call);
  const double samples = 4 * options.rounds * options.milliseconds * 1e6 / slowest;
  const int least = std::min(options.rounds, slowest > 1e9 ? 3 : 5);
  return static_cast<int>(std::clamp(samples, static_cast<double>(least), static_cast<double>(options.rounds)));
}

}  // namespace

int limit_threads() { return threads_of_loops; }

std::vector<Figures> measure(const std::string& work, const std::vector<int>& threads, const Options& options) {
  std::vector<Entrant> entrants;
  const Entrant *torch = nullptr, *limit = nullptr;
  entrants.reserve(3);
  for (const auto& [who, name] :
       {std::pair{&slope_works(), "slope"}, {&torch_works(), "libtorch"}, {&limit_works(), "the loop"}}) {
    const Prepare* prepare = who->find(work);
    if (!prepare) continue;
    entrants.push_back({*who, name, (*prepare)()});
    if (who == &torch_works()) torch = &entrants.back();
    if (who == &limit_works()) limit = &entrants.back();
  }
  compare_results(work, entrants);
  std::vector<Figures> all;
  for (const int n : threads) {
    for (Entrant& e : entrants) {
      e.samples.clear();
      e.set_threads(n);
      if (n > 1) let_threads_sleep();
      calibrate(e, options.milliseconds);
    }
    for (int round = rounds_of(entrants, options); round > 0; --round)
      for (Entrant& e : entrants) {
        e.set_threads(n);
        if (n > 1) let_threads_sleep();
        if (e.calls > 1) warm_up(e.work, n);
        e.samples.push_back(nanoseconds(e.work, e.calls));
      }
    Figures f;
    f.work = work;
    f.threads = n;
    f.count = entrants[0].work.count;
    f.unit = entrants[0].work.unit;
    f.slope = spread(entrants[0].samples);
    f.has_torch = torch != nullptr;
    if (torch) {
      f.torch = spread(torch->samples);
      f.torch_ratio = ratio(*torch, entrants[0]);
    }
    f.has_limit = limit != nullptr;
    if (limit) {
      f.limit = spread(limit->samples);
      f.limit_ratio = ratio(entrants[0], *limit);
    }
    all.push_back(std::move(f));
  }
  return all;
}

}  // namespace compare
