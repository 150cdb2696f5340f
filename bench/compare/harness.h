#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

/// Compares ways of doing the same work on the same data in one process: slope, libtorch where it is installed, and a hand-written loop.
///
/// Each contestant registers, by the name of the work, a function that prepares it and returns the work itself. All are measured in
/// turn, A B C A B C ..., a sample being as many calls as take a few milliseconds; what is reported are the medians of the samples and
/// of the ratios of neighbouring samples, with their quartiles: ratios hold when the speed of a shared machine drifts.
namespace compare {

using Work = std::function<void()>;
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
  /// Tells it how many threads to use.
  std::function<void(int)> set_threads = [](int) {};

 private:
  std::map<std::string, Prepare> prepared_;
};

/// slope itself; every work it does is measured.
Contestant& slope_works();
/// Empty where libtorch was not found.
Contestant& torch_works();
/// The same work as loops written by hand, without tensors or a graph.
Contestant& limit_works();

/// Median and quartiles.
struct Spread {
  double median = 0, low = 0, high = 0;
};
struct Figures {
  std::string work;
  int threads = 1;
  /// Nanoseconds a call; empty for contestants that do not do this work.
  Spread slope, torch, limit;
  bool has_torch = false, has_limit = false;
  /// libtorch / slope and slope / limit.
  Spread torch_ratio, limit_ratio;
};

struct Options {
  int rounds = 15;
  /// Of one sample.
  double milliseconds = 2;
};

Figures measure(const std::string& work, int threads, const Options& options);

/// Registers before main, from the file that defines the work.
struct Registered {
  explicit Registered(void (*add)()) { add(); }
};

}  // namespace compare
