#include "gemm.h"

#include "torch_data.h"

namespace {

template <class T>
torch::Tensor matrix(std::int64_t n, unsigned seed) {
  const std::vector<T> values = compare::gemm::matrix<T>(n, seed);
  const torch::Tensor t = torch::empty({n, n}, sizeof(T) == 4 ? torch::kFloat : torch::kDouble);
  std::memcpy(t.data_ptr<T>(), values.data(), values.size() * sizeof(T));
  return t;
}

template <class T>
compare::Work work_of(std::int64_t n) {
  const torch::Tensor a = matrix<T>(n, 1), b = matrix<T>(n, 2);
  const auto run = [=] {
    torch::NoGradGuard no_grad;
    return torch::matmul(a, b);
  };
  return {.run = [=] { (void)run(); },
          .check = [=] { return compare::magnitude(run().template data_ptr<T>(), n * n); }};
}

const compare::Registered registered([] {
  for (const std::int64_t n : compare::gemm::sizes()) {
    compare::torch_works().add(compare::gemm::name_of<float>(n), [=] { return work_of<float>(n); });
    compare::torch_works().add(compare::gemm::name_of<double>(n), [=] { return work_of<double>(n); });
  }
});

}  // namespace
