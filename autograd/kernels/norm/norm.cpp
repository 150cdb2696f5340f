#include "slope/autograd/kernels/norm/norm.h"

#include <algorithm>

#include "slope/autograd/kernels/norm/norm_core.h"

namespace slope {

namespace {

template <class T>
T* optional(const TensorImpl* t) {
  return t ? t->ptr<T>() : nullptr;
}

template <class Arguments>
void run(const Arguments& arguments) {
  const NormShape& s = arguments.shape;
  if (s.length >= norm_kernels::shortest_run) return norm_kernels::along_runs(arguments);
  if (s.pooled) return norm_kernels::down_columns(arguments);
  norm_kernels::along_rows(arguments);
}

}  // namespace

void norm_kernel(const TensorImpl& y, const TensorImpl& x, const TensorImpl* weight, const TensorImpl* bias,
                 const NormMoments& moments, const NormShape& shape) {
  if (x.numel == 0) return;
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    run(norm_kernels::Forward<T>{y.ptr<T>(), x.ptr<const T>(), optional<const T>(weight), optional<const T>(bias),
                                 moments, shape});
  });
}

void norm_backward_kernel(const TensorImpl* dx, const TensorImpl* dweight, const TensorImpl* dbias, const TensorImpl& g,
                          const TensorImpl& x, const TensorImpl* weight, const NormMoments& moments,
                          const NormShape& shape) {
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (x.numel == 0) {
      for (const TensorImpl* t : {dweight, dbias})
        if (t) std::fill_n(t->ptr<T>(), t->numel, T(0));
      return;
    }
    run(norm_kernels::Backward<T>{optional<T>(dx), optional<T>(dweight), optional<T>(dbias), g.ptr<const T>(),
                                  x.ptr<const T>(), optional<const T>(weight), moments, shape});
  });
}

}  // namespace slope
