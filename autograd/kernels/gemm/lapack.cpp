#include "slope/autograd/kernels/gemm/lapack.h"

#include <algorithm>
#include <vector>

#include "slope/autograd/kernels/gemm/one_blas_thread.h"

// Fortran's entry points: all arguments by address, the lengths of texts behind them. OpenBLAS brings them.
extern "C" {
#define SLOPE_LAPACK(T, s)                                                                                             \
  void s##getrf_(const int* m, const int* n, T* a, const int* lda, int* pivots, int* info);                            \
  void s##getrs_(const char* trans, const int* n, const int* columns, const T* a, const int* lda, const int* pivots,   \
                 T* b, const int* ldb, int* info, std::size_t);                                                        \
  void s##potrf_(const char* uplo, const int* n, T* a, const int* lda, int* info, std::size_t);                        \
  void s##trtrs_(const char* uplo, const char* trans, const char* diag, const int* n, const int* columns, const T* a,  \
                 const int* lda, T* b, const int* ldb, int* info, std::size_t, std::size_t, std::size_t);              \
  void s##geqrf_(const int* m, const int* n, T* a, const int* lda, T* tau, T* work, const int* size, int* info);       \
  void s##orgqr_(const int* m, const int* n, const int* k, T* a, const int* lda, const T* tau, T* work,                \
                 const int* size, int* info);                                                                          \
  void s##gesdd_(const char* job, const int* m, const int* n, T* a, const int* lda, T* s, T* u, const int* ldu, T* vt, \
                 const int* ldvt, T* work, const int* size, int* iwork, int* info, std::size_t);                       \
  void s##syevd_(const char* job, const char* uplo, const int* n, T* a, const int* lda, T* values, T* work,            \
                 const int* size, int* iwork, const int* isize, int* info, std::size_t, std::size_t);
SLOPE_LAPACK(float, s)
SLOPE_LAPACK(double, d)
#undef SLOPE_LAPACK
}

namespace slope::lapack {

namespace {

/// One entry point for both types.
#define SLOPE_BOTH(name)              \
  template <class... A>               \
  void name(float, A... arguments) {  \
    s##name##_(arguments...);         \
  }                                   \
  template <class... A>               \
  void name(double, A... arguments) { \
    d##name##_(arguments...);         \
  }
namespace call {
SLOPE_BOTH(getrf)
SLOPE_BOTH(getrs)
SLOPE_BOTH(potrf)
SLOPE_BOTH(trtrs)
SLOPE_BOTH(geqrf)
SLOPE_BOTH(orgqr)
SLOPE_BOTH(gesdd)
SLOPE_BOTH(syevd)
}  // namespace call
#undef SLOPE_BOTH

std::size_t count(std::int64_t n) { return static_cast<std::size_t>(std::max<std::int64_t>(n, 1)); }

/// The size that LAPACK asks for, rounded up: float cannot hold every one.
template <class T>
int work_size(T asked) {
  return static_cast<int>(static_cast<double>(asked) * 1.0001) + 1;
}

}  // namespace

template <class T>
std::int64_t getrf(std::int64_t n, T* a, int* pivots) {
  const OneBlasThread one;
  const int size = static_cast<int>(n);
  int info = 0;
  call::getrf(T(), &size, &size, a, &size, pivots, &info);
  return info;
}

template <class T>
void getrs(std::int64_t n, std::int64_t columns, const T* lu, const int* pivots, T* b) {
  const OneBlasThread one;
  const int size = static_cast<int>(n), width = static_cast<int>(columns);
  int info = 0;
  call::getrs(T(), "N", &size, &width, lu, &size, pivots, b, &size, &info, std::size_t{1});
}

template <class T>
std::int64_t potrf(std::int64_t n, T* a) {
  const OneBlasThread one;
  const int size = static_cast<int>(n);
  int info = 0;
  call::potrf(T(), "L", &size, a, &size, &info, std::size_t{1});
  return info;
}

template <class T>
void trtrs(bool upper, bool transposed, bool unitriangular, std::int64_t n, std::int64_t columns, const T* a, T* b) {
  const OneBlasThread one;
  const int size = static_cast<int>(n), width = static_cast<int>(columns);
  int info = 0;
  call::trtrs(T(), upper ? "U" : "L", transposed ? "T" : "N", unitriangular ? "U" : "N", &size, &width, a, &size, b,
              &size, &info, std::size_t{1}, std::size_t{1}, std::size_t{1});
}

template <class T>
void qr(std::int64_t m, std::int64_t n, T* a, T* q) {
  const OneBlasThread one;
  const int rows = static_cast<int>(m), columns = static_cast<int>(n), k = std::min(rows, columns), ask = -1;
  std::vector<T> tau(count(k));
  T wanted[2] = {};
  int info = 0;
  call::geqrf(T(), &rows, &columns, a, &rows, tau.data(), &wanted[0], &ask, &info);
  call::orgqr(T(), &rows, &k, &k, q, &rows, static_cast<const T*>(tau.data()), &wanted[1], &ask, &info);
  const int size = std::max({work_size(wanted[0]), work_size(wanted[1]), 1});
  std::vector<T> work(static_cast<std::size_t>(size));
  call::geqrf(T(), &rows, &columns, a, &rows, tau.data(), work.data(), &size, &info);
  std::copy_n(a, m * k, q);
  call::orgqr(T(), &rows, &k, &k, q, &rows, static_cast<const T*>(tau.data()), work.data(), &size, &info);
}

template <class T>
std::int64_t svd(bool all, std::int64_t m, std::int64_t n, T* a, T* s, T* u, T* vt) {
  const OneBlasThread one;
  const int rows = static_cast<int>(m), columns = static_cast<int>(n), k = std::min(rows, columns), ask = -1;
  const int vt_rows = all ? columns : k;
  std::vector<int> whole(count(8 * std::int64_t{k}));
  T wanted = 0;
  int info = 0;
  const char* job = all ? "A" : "S";
  call::gesdd(T(), job, &rows, &columns, a, &rows, s, u, &rows, vt, &vt_rows, &wanted, &ask, whole.data(), &info,
              std::size_t{1});
  const int size = work_size(wanted);
  std::vector<T> work(static_cast<std::size_t>(size));
  call::gesdd(T(), job, &rows, &columns, a, &rows, s, u, &rows, vt, &vt_rows, work.data(), &size, whole.data(), &info,
              std::size_t{1});
  return info;
}

template <class T>
std::int64_t syevd(std::int64_t n, T* a, T* values) {
  const OneBlasThread one;
  const int order = static_cast<int>(n), ask = -1;
  T wanted = 0;
  int whole_wanted = 0, info = 0;
  call::syevd(T(), "V", "L", &order, a, &order, values, &wanted, &ask, &whole_wanted, &ask, &info, std::size_t{1},
              std::size_t{1});
  const int size = work_size(wanted);
  std::vector<T> work(static_cast<std::size_t>(size));
  std::vector<int> whole(count(whole_wanted));
  call::syevd(T(), "V", "L", &order, a, &order, values, work.data(), &size, whole.data(), &whole_wanted, &info,
              std::size_t{1}, std::size_t{1});
  return info;
}

#define SLOPE_INSTANTIATE(T)                                                          \
  template std::int64_t getrf<T>(std::int64_t, T*, int*);                             \
  template void getrs<T>(std::int64_t, std::int64_t, const T*, const int*, T*);       \
  template std::int64_t potrf<T>(std::int64_t, T*);                                   \
  template void trtrs<T>(bool, bool, bool, std::int64_t, std::int64_t, const T*, T*); \
  template void qr<T>(std::int64_t, std::int64_t, T*, T*);                            \
  template std::int64_t svd<T>(bool, std::int64_t, std::int64_t, T*, T*, T*, T*);     \
  template std::int64_t syevd<T>(std::int64_t, T*, T*);
SLOPE_INSTANTIATE(float)
SLOPE_INSTANTIATE(double)
#undef SLOPE_INSTANTIATE

}  // namespace slope::lapack
