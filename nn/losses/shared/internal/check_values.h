#pragma once

#include <atomic>
#include <cmath>

#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/kernels/pointwise/grain.h"
#include "slope/autograd/kernels/simd/each_vector.h"
#include "slope/autograd/kernels/simd/lanes.h"
#include "slope/autograd/ops/reduce/reduction.h"
#include "slope/autograd/tensor/tensor.h"

namespace slope::nn::detail {

/// Whether `good(lanes)`, a mask, holds for every element of a floating tensor.
template <class Good>
bool all_values(const Tensor& t, const Good& good) {
  const Tensor dense = t.is_contiguous() ? t : t.detach().contiguous();
  std::atomic<bool> ok{true};
  visit_floating(dense.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const data = static_cast<const T*>(dense.raw_data());
    parallel_for(dense.numel(), grain_cheap * 4, [&](std::int64_t begin, std::int64_t end) {
      bool all = true;
      simd::dispatch([&](auto isa) {
        using V = typename decltype(isa)::template Lanes<T>;
        auto so_far = typename V::mask_type(true);
        simd::each_vector<V>(end - begin, [&](const auto& load, const auto&, int count) {
          const auto fine = good(load(data + begin));
          so_far = so_far & (count == V::size ? fine : fine | !V::mask_type::first(count));
        });
        all = so_far.all();
      });
      if (!all) ok.store(false, std::memory_order_relaxed);
    });
  });
  return ok;
}

/// `loss()` of the n elements of `x`, refused by `check()`, which throws, where elements are bad. The loss of a bad
/// element must be NaN: then a reduced loss tells whether there may be one, and `check`, a pass over all elements, is
/// only called where it does.
template <class Loss, class Check>
Tensor checked_loss(Reduction reduction, const Tensor& x, const Loss& loss, const Check& check) {
  const bool tells = reduction != Reduction::none && x.numel() > 0;
  if (!tells) check();
  Tensor value = loss();
  if (tells && std::isnan(value.item<double>())) check();
  return value;
}

}  // namespace slope::nn::detail
