#include "slope/autograd/kernels/gemm/one_blas_thread.h"

#if __has_include(<dlfcn.h>)
#include <dlfcn.h>
#endif

#include "slope/autograd/kernels/gemm/blas_core.h"

extern "C" __attribute__((weak)) void openblas_set_num_threads(int);

namespace slope {

namespace {

// The OpenMP that OpenBLAS may have been built with and that is then in the process.
struct OpenMP {
  int (*get_max_threads)() = nullptr;
  void (*set_num_threads)(int) = nullptr;

  static const OpenMP& found() {
    static const OpenMP instance = [] {
      OpenMP omp;
#if __has_include(<dlfcn.h>)
      omp.get_max_threads = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"));
      omp.set_num_threads = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
#endif
      return omp.get_max_threads && omp.set_num_threads ? omp : OpenMP();
    }();
    return instance;
  }
};

void prepare() {
  static const bool suited = (suit_blas_to_cpu(), true);
  static_cast<void>(suited);
  if (OpenMP::found().get_max_threads) return;
  static thread_local const bool done = [] {
    if (&openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(done);
}

}  // namespace

OneBlasThread::OneBlasThread() : before_(OpenMP::found().get_max_threads ? OpenMP::found().get_max_threads() : 1) {
  prepare();
  if (before_ != 1) OpenMP::found().set_num_threads(1);
}

OneBlasThread::~OneBlasThread() {
  if (before_ != 1) OpenMP::found().set_num_threads(before_);
}

}  // namespace slope
