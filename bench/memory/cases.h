#pragma once

#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "compare/net.h"

/// The trainings whose memory is measured, each under a word and with what it is: one list for all programs.
namespace trainings {

/// Of a training of a net.
inline constexpr int steps = 5;
/// Attention over a long sequence, one head: its weights alone are positions² numbers.
inline constexpr std::int64_t positions = 16384, width = 64;

inline std::vector<std::pair<std::string, std::string>> cases() {
  std::vector<std::pair<std::string, std::string>> all = {
      {"mlp", "MLP 784-512-256-10, batch 128, 5 steps of SGD"},
      {"deep", "20 layers (Linear 512, ReLU), batch 1024, 5 steps of SGD"},
      {"chain", "20 tanh of 1M elements, forward and backward"},
      {"attention", "attention, 16384 positions, width 64, one head, forward and backward"},
  };
  for (const compare::net::Net& n : compare::net::nets())
    all.emplace_back(n.name, n.description + std::string(", 5 steps"));
  return all;
}

/// Some steps of a net, as bench_compare has it from `work_of`.
template <class WorkOf>
void train(const compare::net::Net& n, WorkOf work_of) {
  const bench::Work work = work_of(n, true);
  for (int i = 0; i < steps; ++i) work.run();
}

}  // namespace trainings
