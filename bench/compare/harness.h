#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "work.h"

/// Compares ways of doing the same work on the same data in one process: slope, libtorch where it is installed, and a
/// hand-written loop or raw calls of BLAS.
///
/// Each contestant registers, by the name of the work, a function that prepares it and returns the work itself. First
/// each says what its work gives; contestants that do not agree are not measured. Then all are measured in turn, A B C
/// A B C ..., a sample being as many calls as take a few milliseconds; what is reported are the medians of the samples
/// and of the ratios of neighbouring samples, with their quartiles: ratios hold when the speed of a shared machine
/// drifts.
///
/// All contestants share one OpenMP run-time and one OpenBLAS, the OpenMP build: there is no second pool of threads
/// whose members could wait in a loop for work while another contestant is measured.
namespace compare {

using bench::Work;
/// Prepares data and returns the work; called just before it is measured, so that data of other work is gone.
using Prepare = std::function<Work()>;

class Contestant {
 public:
  /// Called by what registers itself before main.
  void add(std::string work, Prepare prepare) { prepared_[std::move(work)] = std::move(prepare); }
  const Prepare* find(const std::string& work) const {
    const auto at = prepared_.find(work);
    return at == prepared_.end() ? nullptr : &at->second;
  }
  const std::map<std::string, Prepare>& all() const { return prepared_; }
  /// Tells it how many threads to use. OpenMP and OpenBLAS have been told before.
  std::function<void(int)> set_threads = [](int) {};
  /// Of the library, where it has one.
  std::string version;

 private:
  std::map<std::string, Prepare> prepared_;
};

/// slope itself; every work it does is measured.
Contestant& slope_works();
/// Empty where libtorch was not found.
Contestant& torch_works();
/// The same work as loops written by hand, or as nothing but its calls of BLAS, without tensors or a graph.
Contestant& limit_works();
/// How many threads a hand-written loop uses.
int limit_threads();

/// Median and quartiles.
struct Spread {
  double median = 0, low = 0, high = 0;
};
struct Figures {
  std::string work;
  int threads = 1;
  double count = 1;
  std::string unit;
  /// Nanoseconds a call; empty for contestants that do not do this work.
  Spread slope, torch, limit;
  bool has_torch = false, has_limit = false;
  /// libtorch / slope and slope / limit.
  Spread torch_ratio, limit_ratio;
};

struct Options {
  /// Fewer, but at least five, where a call takes longer than a sample; three where it takes more than a second.
  int rounds = 15;
  /// Of one sample.
  double milliseconds = 2;
};

/// One result per number of threads. Throws std::runtime_error when contestants disagree about the result of the work.
std::vector<Figures> measure(const std::string& work, const std::vector<int>& threads, const Options& options);

/// Registers before main, from the file that defines the work.
struct Registered {
  explicit Registered(void (*add)()) { add(); }
};

}  // namespace compare
