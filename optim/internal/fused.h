#pragma once

#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/kernels/simd/each_vector.h"
#include "slope/autograd/kernels/simd/lanes.h"
#include "slope/autograd/tensor/tensor.h"

/// One pass over all parameters of a group. An update rule is a functor over lanes,
///
///     struct Rule {
///       static constexpr int slots = 2;
///       template <class V> void operator()(V& p, V g, V* s) const;   // s[k]: what is remembered, updated in place
///     };
///
/// with its scalars (learning rate, bias corrections) as members, one rule per tensor. The driver lays all tensors end to
/// end and cuts the whole into chunks, so 1000 small tensors cost what one large one costs.
namespace slope::optim::detail {

inline constexpr int max_slots = 4;

/// A tensor to update: parameter, gradient and slots, all dense, of `count` elements.
struct Segment {
  void* param;
  const void* grad;
  void* slots[max_slots];
  std::size_t rule;
  std::int64_t begin;  // position in the whole
  std::int64_t count;
};

/// p, g and the slots of `n` elements through the rule. Slots that are null are not in use.
template <class Rule, class T>
void update_kernel(const Rule& rule, T* p, const T* g, T* const* slots, std::int64_t n) {
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<T>;
    constexpr int slot_count = Rule::slots;
    // Copies: what is captured could be what a store writes to, and would be read again for every vector.
    const Rule r = rule;
    T* const param = p;
    const T* const grad = g;
    const std::int64_t count = n;
    T* slot[slot_count > 0 ? slot_count : 1];
    for (int k = 0; k < slot_count; ++k) slot[k] = slots[k];
    V s[slot_count > 0 ? slot_count : 1];
    simd::each_vector<V>(count, [&](const auto& load, const auto& store, int) {
      V x = load(param);
      for (int k = 0; k < slot_count; ++k) s[k] = slot[k] ? load(slot[k]) : V(0);
      r(x, load(grad), s);
      store(param, x);
      for (int k = 0; k < slot_count; ++k)
        if (slot[k]) store(slot[k], s[k]);
    });
  });
}

/// Collects the tensors of one dtype and runs them.
template <class Rule>
class FusedUpdate {
 public:
  void clear() {
    segments_.clear();
    rules_.clear();
    total_ = 0;
  }
  /// `rule_number` tells rules apart: equal numbers in a row have equal rules. A Rule is made of `rule` where it is new.
  template <class Source>
  void add(const Source& rule, std::uint64_t rule_number, void* param, const void* grad, void* const* slots,
           std::int64_t count) {
    if (rules_.empty() || rule_number != last_rule_) {
      rules_.emplace_back(rule);
      last_rule_ = rule_number;
    }
    Segment& s = segments_.emplace_back();
    s.param = param;
    s.grad = grad;
    for (int k = 0; k < Rule::slots; ++k) s.slots[k] = slots[k];
    s.rule = rules_.size() - 1;
    s.begin = total_;
    s.count = count;
    total_ += count;
  }
  template <class T>
  void run() const {
    constexpr std::int64_t grain = 16384;
    parallel_for(total_, grain, [&](std::int64_t begin, std::int64_t end) {
      // The segment that holds `begin`.
      std::size_t low = 0, high = segments_.size();
      while (high - low > 1) {
        const std::size_t mid = (low + high) / 2;
        (segments_[mid].begin <= begin ? low : high) = mid;
      }
      for (std::size_t i = low; i < segments_.size() && segments_[i].begin < end; ++i) {
        const Segment& s = segments_[i];
        const std::int64_t from = begin > s.begin ? begin - s.begin : 0;
        const std::int64_t to = end - s.begin < s.count ? end - s.begin : s.count;
        if (to <= from) continue;
        T* slots[Rule::slots > 0 ? Rule::slots : 1] = {};
        for (int k = 0; k < Rule::slots; ++k) slots[k] = s.slots[k] ? static_cast<T*>(s.slots[k]) + from : nullptr;
        update_kernel<Rule, T>(rules_[s.rule], static_cast<T*>(s.param) + from, static_cast<const T*>(s.grad) + from,
                               slots, to - from);
      }
    });
  }

 private:
  std::vector<Segment> segments_;
  std::vector<Rule> rules_;
  std::uint64_t last_rule_ = 0;
  std::int64_t total_ = 0;
};

}  // namespace slope::optim::detail
