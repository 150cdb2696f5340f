#include "harness.h"

#include <algorithm>
#include <chrono>
#include <cmath>

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

double nanoseconds(const Work& work, std::int64_t calls) {
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < calls; ++i) work();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(calls);
}

// How many calls take about this long, after the first ones have filled caches.
std::int64_t calibrate(const Work& work, double milliseconds) {
  nanoseconds(work, 2);
  std::int64_t calls = 1;
  for (;;) {
    const double ns = nanoseconds(work, calls) * static_cast<double>(calls);
    if (ns >= milliseconds * 5e5) return std::max<std::int64_t>(1, std::llround(static_cast<double>(calls) * milliseconds * 1e6 / ns));
    calls *= ns < milliseconds * 5e4 ? 8 : 2;
  }
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

struct Entrant {
  Contestant& who;
  Work work;
  std::int64_t calls = 1;
  std::vector<double> samples;
};

}  // namespace

Figures measure(const std::string& work, int threads, const Options& options) {
  std::vector<Entrant> entrants;
  int torch = -1, limit = -1;
  for (Contestant* c : {&slope_works(), &torch_works(), &limit_works()}) {
    const Prepare* prepare = c->find(work);
    if (!prepare) continue;
    (c == &torch_works() ? torch : limit) = c == &slope_works() ? limit : static_cast<int>(entrants.size());
    c->set_threads(threads);
    Entrant e{*c, (*prepare)(), 1, {}};
    e.calls = calibrate(e.work, options.milliseconds);
    entrants.push_back(std::move(e));
  }
  for (int round = 0; round < options.rounds; ++round)
    for (Entrant& e : entrants) {
      // Both libraries set the threads of the one OpenMP run-time.
      e.who.set_threads(threads);
      e.samples.push_back(nanoseconds(e.work, e.calls));
    }
  Figures f;
  f.work = work;
  f.threads = threads;
  const auto ratio = [&](int a, int b) {
    std::vector<double> r;
    for (std::size_t i = 0; i < entrants[static_cast<std::size_t>(a)].samples.size(); ++i)
      r.push_back(entrants[static_cast<std::size_t>(a)].samples[i] / entrants[static_cast<std::size_t>(b)].samples[i]);
    return spread(std::move(r));
  };
  f.slope = spread(entrants[0].samples);
  if (torch >= 0) {
    f.has_torch = true;
    f.torch = spread(entrants[static_cast<std::size_t>(torch)].samples);
    f.torch_ratio = ratio(torch, 0);
  }
  if (limit >= 0) {
    f.has_limit = true;
    f.limit = spread(entrants[static_cast<std::size_t>(limit)].samples);
    f.limit_ratio = ratio(0, limit);
  }
  return f;
}

}  // namespace compare
