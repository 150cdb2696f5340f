// The call of BLAS, into memory that is there.
#include <cblas.h>

#include <memory>

#include "gemm.h"
#include "harness.h"

namespace {

void product(int n, const float* a, const float* b, float* c) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, b, n, 0, c, n);
}
void product(int n, const double* a, const double* b, double* c) {
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, b, n, 0, c, n);
}

template <class T>
compare::Work work_of(std::int64_t n) {
  const auto a = std::make_shared<std::vector<T>>(compare::gemm::matrix<T>(n, 1));
  const auto b = std::make_shared<std::vector<T>>(compare::gemm::matrix<T>(n, 2)),
             c = std::make_shared<std::vector<T>>(*a);
  const auto run = [=] { product(static_cast<int>(n), a->data(), b->data(), c->data()); };
  const auto check = [=] {
    run();
    return compare::magnitude(c->data(), n * n);
  };
  return {.run = run, .check = check};
}

const compare::Registered registered([] {
  for (const std::int64_t n : compare::gemm::sizes()) {
    compare::limit_works().add(compare::gemm::name_of<float>(n), [=] { return work_of<float>(n); });
    compare::limit_works().add(compare::gemm::name_of<double>(n), [=] { return work_of<double>(n); });
  }
});

}  // namespace
