#include "slope/nn/losses/probabilities.h"

#include <atomic>

#include "slope/autograd/kernels/grain.h"
#include "slope/autograd/kernels/iterate.h"
#include "slope/autograd/kernels/lanes.h"

namespace slope::nn::detail {

namespace {

template <class T>
bool all_within_unit(const T* x, std::int64_t n) {
  bool result = true;
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<T>;
    V least(1), greatest(0);
    bool ordered = true;
    std::int64_t i = 0;
    // NaN compares false, so a lane that ever holds one fails the test of its block.
    for (; i + V::size <= n; i += V::size) {
      const V v = V::load(x + i);
      least = where(v >= least, least, v);
      greatest = where(v <= greatest, greatest, v);
    }
    if (const int rest = static_cast<int>(n - i); rest > 0) {
      const V v = V::load_n(x + i, rest);
      least = where(v >= least, least, v);
      greatest = where(v <= greatest, greatest, v);
    }
    ordered = ((least >= 0) & (greatest <= 1)).all();
    result = ordered;
  });
  return result;
}

}  // namespace

void require_probabilities(const char* op, In x) {
  const Tensor dense = x->is_contiguous() ? x.tensor : x->detach().contiguous();
  std::atomic<bool> ok{true};
  visit_floating(dense.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* data = static_cast<const T*>(dense.raw_data());
    parallel_for(dense.numel(), grain_cheap * 4, [&](std::int64_t begin, std::int64_t end) {
      if (!all_within_unit(data + begin, end - begin)) ok.store(false, std::memory_order_relaxed);
    });
  });
  if (!ok)
    throw ValueError(concat(op, ": all elements of input should be between 0 and 1; apply sigmoid first, or use "
                                "binary_cross_entropy_with_logits"),
                     x.loc);
}

}  // namespace slope::nn::detail
