// Measures the error of the vector functions in units in the last place.
//
//   ulp_sweep --op exp            every float, against double
//   ulp_sweep --stride 256        every function, every 256th float (odd strides visit all low bits)
//   ulp_sweep --type f64          double, random samples against long double
//
// Prints per function: largest error, where, and the bar. Exit code 1 when a bar is broken.
#include <CLI/CLI.hpp>
#include <bit>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "ulp.h"

namespace {

using slope::ulp::Wider;

struct Options {
  std::string op;
  std::string type = "f32";
  std::string isa;
  std::uint64_t stride = 1;
  std::uint64_t offset = 0;
  std::uint64_t samples = 10'000'000;
};

constexpr std::int64_t block = 4096;

template <class T>
struct Worst {
  double error = -1;
  T x = 0, z = 0, got = 0;
  Wider<T> want = 0;

  void see(double e, T at_x, T at_z, T result, Wider<T> right) {
    if (e > error) *this = {e, at_x, at_z, result, right};
  }
};

template <class T>
bool report(const char* name, const Worst<T>& w, double bar, bool binary, double seconds) {
  const bool good = w.error <= bar;
  std::printf("%-11s %9.4f ulp (bar %.3g) %s at x = %.17g", name, w.error, bar, good ? "ok  " : "HIGH",
              static_cast<double>(w.x));
  if (binary) std::printf(", %.17g", static_cast<double>(w.z));
  std::printf(": got %.17g, want %.21Lg  [%.0f s]\n", static_cast<double>(w.got), static_cast<long double>(w.want),
              seconds);
  std::fflush(stdout);
  return good;
}

/// Arguments for double: half of them any bit pattern, half spread over the ranges where the functions do something.
double any_double(std::mt19937_64& random) {
  const std::uint64_t bits = random();
  if (bits & 1) return std::bit_cast<double>(random());
  static constexpr double range[] = {1e-3, 0.1, 1, 2, 4, 10, 50, 800};
  const double unit = static_cast<double>(static_cast<std::int64_t>(random())) * 0x1p-63;
  return unit * range[(bits >> 1) & 7];
}
float any_float(std::mt19937_64& random) {
  const std::uint64_t bits = random();
  if (bits & 1) return std::bit_cast<float>(static_cast<std::uint32_t>(bits >> 32));
  return static_cast<float>(any_double(random));
}

class Sweep {
 public:
  explicit Sweep(const Options& options) : options_(options) {}

  template <class T>
  bool unary(const slope::ulp::Unary<T>& f) {
    std::vector<T> x(block), y(block);
    Worst<T> worst;
    const auto start = std::chrono::steady_clock::now();
    const auto check = [&](std::int64_t n) {
      f.lanes(x.data(), y.data(), n);
      for (std::int64_t i = 0; i < n; ++i) {
        const Wider<T> want = f.exact(x[i]);
        worst.see(slope::ulp::distance<T>(y[i], want), x[i], 0, y[i], want);
      }
    };
    std::int64_t n = 0;
    const auto push = [&](T value) {
      x[n++] = value;
      if (n == block) check(n), n = 0;
    };
    if constexpr (std::is_same_v<T, float>) {
      for (std::uint64_t b = options_.offset; b < (std::uint64_t{1} << 32); b += options_.stride) {
        push(std::bit_cast<float>(static_cast<std::uint32_t>(b)));
      }
    } else {
      std::mt19937_64 random(options_.offset + 1);
      for (std::uint64_t i = 0; i < options_.samples; ++i) push(any_double(random));
    }
    check(n);
    return report(f.name, worst, f.bar, false, since(start));
  }

  template <class T>
  bool binary(const slope::ulp::Binary<T>& f) {
    std::vector<T> x(block), z(block), y(block);
    Worst<T> worst;
    std::mt19937_64 random(options_.offset + 1);
    const auto start = std::chrono::steady_clock::now();
    for (std::uint64_t done = 0; done < options_.samples; done += block) {
      for (std::int64_t i = 0; i < block; ++i) {
        if constexpr (std::is_same_v<T, float>) {
          x[i] = any_float(random), z[i] = any_float(random);
        } else {
          x[i] = any_double(random), z[i] = any_double(random);
        }
      }
      f.lanes(x.data(), z.data(), y.data(), block);
      for (std::int64_t i = 0; i < block; ++i) {
        const Wider<T> want = f.exact(x[i], z[i]);
        worst.see(slope::ulp::distance<T>(y[i], want), x[i], z[i], y[i], want);
      }
    }
    return report(f.name, worst, f.bar, true, since(start));
  }

  template <class T>
  bool all() {
    bool good = true, found = false;
    for (const auto& f : slope::ulp::unary_table<T>()) {
      if (wanted(f.name)) found = true, good &= unary<T>(f);
    }
    for (const auto& f : slope::ulp::binary_table<T>()) {
      if (wanted(f.name)) found = true, good &= binary<T>(f);
    }
    if (!found) std::fprintf(stderr, "ulp_sweep: no function is called \"%s\"\n", options_.op.c_str());
    return good && found;
  }

 private:
  bool wanted(const char* name) const { return options_.op.empty() || options_.op == name; }
  static double since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  const Options& options_;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Largest error of the vector functions, in units in the last place"};
  app.add_option("--op", options.op, "only this function");
  app.add_option("--type", options.type, "f32 or f64")->check(CLI::IsMember({"f32", "f64"}));
  app.add_option("--isa", options.isa, "baseline, avx2 or avx512")
      ->check(CLI::IsMember({"baseline", "avx2", "avx512"}));
  app.add_option("--stride", options.stride, "step between float bit patterns")->check(CLI::PositiveNumber);
  app.add_option("--offset", options.offset, "first bit pattern; seed of random samples");
  app.add_option("--samples", options.samples, "random samples, for double and for two arguments");
  CLI11_PARSE(app, argc, argv);

  using slope::simd::Isa;
  if (!options.isa.empty()) {
    const Isa isa = options.isa == "avx512" ? Isa::avx512 : options.isa == "avx2" ? Isa::avx2 : Isa::baseline;
    slope::simd::set_isa(isa);
    if (slope::simd::best_isa() != isa) {
      std::fprintf(stderr, "ulp_sweep: this CPU has no %s\n", options.isa.c_str());
      return 2;
    }
  }
  std::printf("%s, %s\n", options.type.c_str(), slope::simd::isa_name(slope::simd::best_isa()));
  Sweep sweep(options);
  return (options.type == "f32" ? sweep.all<float>() : sweep.all<double>()) ? 0 : 1;
}
