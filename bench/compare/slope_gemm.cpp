#include "gemm.h"

#include "slope_data.h"

using namespace slope;

namespace {

template <class T>
Tensor matrix(std::int64_t n, unsigned seed) {
  const std::vector<T> values = compare::gemm::matrix<T>(n, seed);
  const Tensor t = empty({n, n}, {.dtype = sizeof(T) == 4 ? float32 : float64});
  std::memcpy(t.data_ptr<T>(), values.data(), values.size() * sizeof(T));
  return t;
}

template <class T>
compare::Work work_of(std::int64_t n) {
  const Tensor a = matrix<T>(n, 1), b = matrix<T>(n, 2);
  const auto run = [=] {
    NoGradGuard no_grad;
    return matmul(a, b);
  };
  return {.run = [=] { (void)run(); },
          .check = [=] { return compare::magnitude(run().template data_ptr<T>(), n * n); }};
}

const compare::Registered registered([] {
  for (const std::int64_t n : compare::gemm::sizes()) {
    compare::slope_works().add(compare::gemm::name_of<float>(n), [=] { return work_of<float>(n); });
    compare::slope_works().add(compare::gemm::name_of<double>(n), [=] { return work_of<double>(n); });
  }
});

}  // namespace
