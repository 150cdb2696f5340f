#pragma once

#include "slope/autograd/kernels/iterate.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/optim/fused.h"
#include "slope/optim/grouped.h"

namespace slope::optim {

namespace detail {
template <class Rule>
struct Pass {
  FusedUpdate<Rule> fused[2];                            // float32, float64
  std::vector<Tensor> keep;                              // gradients in use
  std::vector<std::pair<Tensor, Tensor>> scattered;      // non-contiguous parameters and their dense copies
};
}  // namespace detail

template <class Traits>
void GroupedOptimizer<Traits>::update(std::size_t index) {
  using Rule = typename Traits::Rule;
  const ParamGroup& group = groups_[index];
  if (!pass_) pass_ = std::make_shared<detail::Pass<Rule>>();
  auto& [fused, keep, scattered] = *static_cast<detail::Pass<Rule>*>(pass_.get());
  for (auto& f : fused) f.clear();
  for (const Tensor& p : group.params) {
    Tensor g = p.grad();
    if (!g.defined()) continue;
    ParamState& state = state_of(p);
    if (!state.initialized) {
      state.slots.resize(Rule::slots);
      state.initialized = true;
    }
    state.fresh = false;
    for (int k = 0; k < Rule::slots; ++k) {
      Tensor& slot = state.slots[static_cast<std::size_t>(k)];
      if (slot.defined() || !Traits::uses_slot(group, k)) continue;
      slot = Traits::initial_slot(group, k, p);
      state.fresh = true;
    }
    ++state.step;
    const Rule rule = Traits::rule(group, state);
    if (!g.is_contiguous()) g = g.contiguous();
    Tensor dense = p;
    if (!p.is_contiguous()) {
      dense = p.detach().contiguous();
      scattered.emplace_back(p, dense);
    }
    void* slots[Rule::slots > 0 ? Rule::slots : 1] = {};
    for (int k = 0; k < Rule::slots; ++k)
      if (Traits::uses_slot(group, k)) slots[k] = state.slots[static_cast<std::size_t>(k)].raw_data();
    fused[p.dtype() == DType::float64].add(rule, dense.raw_data(), g.raw_data(), slots, p.numel());
    p.impl().storage->bump_version();
    keep.push_back(std::move(g));
  }
  fused[0].template run<float>();
  fused[1].template run<double>();
  for (const auto& [p, dense] : scattered) copy_kernel(p.impl(), dense.impl());
  scattered.clear();
  keep.clear();
}

}  // namespace slope::optim
