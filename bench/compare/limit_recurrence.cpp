// The layer's multiply-adds, three times as many with backward, as one product of matrices that are large enough for BLAS to be
// at its best: what remains when nothing depends on the step before.
#include <cblas.h>

#include <memory>

#include "harness.h"
#include "recurrence.h"

using compare::recurrence::Case;

namespace {

compare::Work work_of(const Case& c, bool backward) {
  constexpr int n = 768;
  const auto rows = static_cast<int>(((backward ? 3 : 1) * c.multiply_adds() + n * n / 2) / (n * n));
  const auto a = std::make_shared<std::vector<float>>(compare::normals(std::int64_t{rows} * n, 1));
  const auto b = std::make_shared<std::vector<float>>(compare::normals(n * n, 2)),
             y = std::make_shared<std::vector<float>>(*a);
  return {.run = [=] {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, n, n, 1, a->data(), n, b->data(), n, 0, y->data(), n);
  }};
}

const compare::Registered registered([] {
  for (const Case& c : compare::recurrence::cases())
    for (const bool backward : {false, true})
      compare::limit_works().add(c.name() + (backward ? "/fwd+bwd" : "/fwd"), [=] { return work_of(c, backward); });
});

}  // namespace
