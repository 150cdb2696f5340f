#include "slope/autograd/kernels/gemm/blas_check.h"

#include <vector>

namespace slope {

namespace {

using std::int64_t;

template <class T>
bool exact(BlasProduct<T> product) {
  // Larger than a register tile of any kernel, and no multiple of one, so that the edges are computed, too.
  constexpr int64_t m = 53, n = 37, k = 29;
  const auto left = [](int64_t i, int64_t p) { return static_cast<T>((i * 7 + p * 3) % 11 - 5); };
  const auto right = [](int64_t p, int64_t j) { return static_cast<T>((p * 5 + j * 2) % 13 - 6); };
  std::vector<T> expected(m * n), a(m * k), b(k * n), c(m * n);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t p = 0; p < k; ++p)
      for (int64_t j = 0; j < n; ++j) expected[static_cast<std::size_t>(i * n + j)] += left(i, p) * right(p, j);
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      for (int64_t i = 0; i < m; ++i)
        for (int64_t p = 0; p < k; ++p) a[static_cast<std::size_t>(ta ? p * m + i : i * k + p)] = left(i, p);
      for (int64_t p = 0; p < k; ++p)
        for (int64_t j = 0; j < n; ++j) b[static_cast<std::size_t>(tb ? j * k + p : p * n + j)] = right(p, j);
      c.assign(c.size(), T(0.5));
      product(ta, tb, m, n, k, T(1), a.data(), ta ? m : k, b.data(), tb ? k : n, T(0), c.data(), n);
      if (c != expected) return false;
    }
  return true;
}

}  // namespace

bool computes_known_products(BlasProduct<float> single, BlasProduct<double> wide) {
  return exact(single) && exact(wide);
}

}  // namespace slope
