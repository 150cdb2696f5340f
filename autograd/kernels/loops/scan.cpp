// Running sums and products, and the derivatives of products.
#include <type_traits>
#include <vector>

#include "slope/autograd/kernels/loops/rows.h"

namespace slope {

using detail::row;

namespace {

// What running results of T are kept in; integers wrap around, and bool asks whether any (all) so far are true.
template <class T>
using Running = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;

template <class T>
void cumulate_row(const T* x, T* y, std::int64_t n, Cumulate op, bool reverse) {
  Running<T> total = op == Cumulate::sum ? 0 : 1;
  auto step = [&](std::int64_t i) {
    const auto v = static_cast<Running<T>>(x[i]);
    total = op == Cumulate::sum ? total + v : total * v;
    if constexpr (std::is_same_v<T, bool>) total = total != 0;
    y[i] = static_cast<T>(total);
  };
  if (reverse)
    for (std::int64_t i = n - 1; i >= 0; --i) step(i);
  else
    for (std::int64_t i = 0; i < n; ++i) step(i);
}

// a·b, but 0 where a is: nothing comes through a zero cotangent.
inline double scaled(double a, double b) { return a == 0 ? 0 : a * b; }

/// before[k] = Π_{j<k} x[j].
template <class T>
void products_before(const T* x, std::int64_t n, std::vector<double>& before) {
  double product = 1;
  for (std::int64_t k = 0; k < n; ++k) {
    before[static_cast<std::size_t>(k)] = product;
    product *= static_cast<double>(x[k]);
  }
}

}  // namespace

void cumulate_kernel(const TensorImpl& y, const TensorImpl& x, int dim, Cumulate op, bool reverse) {
  if (x.numel == 0) return;
  const std::int64_t n = x.sizes.empty() ? 1 : x.sizes[dim];
  auto run = [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_rows<2>(dim, {{x}, {y, true}}, grain_cheap, [&](char* const* p, const std::int64_t* s, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i)
        cumulate_row(row<const T>(p, s, 0, i), row<T>(p, s, 1, i), n, op, reverse);
    });
  };
  visit_dtype(x.dtype, run);
}

namespace {

/// Calls `body(x, g, dx, before, n)` for every row, with the products before each element of x.
template <class Body>
void over_rows_with_products(const TensorImpl& dx, const TensorImpl& x, const TensorImpl& g, int dim,
                             const Body& body) {
  if (x.numel == 0) return;
  const std::int64_t n = x.sizes.empty() ? 1 : x.sizes[dim];
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_rows<3>(dim, {{x}, {g}, {dx, true}}, grain_cheap,
                [&](char* const* p, const std::int64_t* s, std::int64_t count) {
                  std::vector<double> before(static_cast<std::size_t>(n));
                  for (std::int64_t i = 0; i < count; ++i) {
                    const T* v = row<const T>(p, s, 0, i);
                    products_before(v, n, before);
                    body(v, row<const T>(p, s, 1, i), row<T>(p, s, 2, i), static_cast<const double*>(before.data()), n);
                  }
                });
  });
}

}  // namespace

void cumprod_backward_kernel(const TensorImpl& dx, const TensorImpl& x, const TensorImpl& g, int dim) {
  over_rows_with_products(dx, x, g, dim,
                          []<class T>(const T* v, const T* up, T* to, const double* before, std::int64_t n) {
                            // Σ_{i>=k} g[i] Π_{k<j<=i} x[j], from the end.
                            double behind = 0;
                            for (std::int64_t k = n - 1; k >= 0; --k) {
                              const double next = k + 1 < n ? scaled(behind, static_cast<double>(v[k + 1])) : 0;
                              behind = static_cast<double>(up[k]) + next;
                              to[k] = static_cast<T>(scaled(behind, before[k]));
                            }
                          });
}

void prod_backward_kernel(const TensorImpl& dx, const TensorImpl& x, const TensorImpl& g, int dim) {
  over_rows_with_products(dx, x, g, dim,
                          []<class T>(const T* v, const T* g_of_row, T* to, const double* before, std::int64_t n) {
                            const auto up = static_cast<double>(*g_of_row);
                            double behind = 1;
                            for (std::int64_t k = n - 1; k >= 0; --k) {
                              to[k] = static_cast<T>(scaled(up, before[k] * behind));
                              behind *= static_cast<double>(v[k]);
                            }
                          });
}

}  // namespace slope
