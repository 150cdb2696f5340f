#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "slope/nn/losses/shared/internal/row_loss.h"

namespace slope::nn::detail {

/// What functions of the angle between two rows a, b share: Σab, Σa², Σb², and with norms n1, n2 and s = Σab/(n1·n2)
/// the gradient ∂a = g/n1·(b/n2 - s·a/‖a‖), the second term only where n1 follows ‖a‖, and the same for b. Products of norms
/// would leave the range of float32 at 1e19.
struct CosineRows {
  static constexpr int operands = 2, terms = 3, coefficients = 6;
  static constexpr bool exact_products = true;

  /// The sums of rows, one in each lane. Those of float64 may leave the range where the angle does not: then a and b are
  /// divided by `by_a` and `by_b`, their largest elements.
  template <class V>
  struct Sums {
    V ab, aa, bb, by_a = V(1), by_b = V(1);
    bool scaled = false;

    template <class Row>
    Sums(const Row* rows, int count, const V* sum) : ab(sum[0]), aa(sum[1]), bb(sum[2]) {
      if constexpr (!std::is_same_v<typename Row::T, float>)
        if (((aa > 1e300) | (bb > 1e300)).any()) rescale(rows, count);
    }
    /// A number that is compared with the norm of a (b), as the divided rows see it.
    V for_a(const V& x) const { return scaled ? x / by_a : x; }
    V for_b(const V& x) const { return scaled ? x / by_b : x; }
    /// The coefficients of the gradient for a and b, from norms of the divided rows: n1, n2 as they divide s, and a, b
    /// as they are; a norm of 0, or below the bound that replaced it, has gradient 0.
    template <class Row>
    void slopes(const Row* rows, const V& s, const V& n1, const V& n2, const V& a, const V& b, const V& factor,
                V* c) const {
      if (!rows[0].differentiated()) return;  // five divisions
      c[2] = 1 / n1;
      c[3] = 1 / n2;
      c[4] = where((a == 0) | (a < n1), V(0), s / a);
      c[5] = where((b == 0) | (b < n2), V(0), s / b);
      if (scaled) {
        for (const int i : {2, 4}) c[i] = c[i] / by_a;
        for (const int i : {3, 5}) c[i] = c[i] / by_b;
      }
      c[0] = factor * c[2];
      c[1] = factor * c[3];
    }

   private:
    template <class Row>
    void rescale(const Row* rows, int count) {
      double lanes[5][V::size];
      V* const all[] = {&ab, &aa, &bb, &by_a, &by_b};
      for (int i = 0; i < 5; ++i) all[i]->store(lanes[i]);
      for (int r = 0; r < count; ++r)
        if (lanes[1][r] > 1e300 || lanes[2][r] > 1e300)
          rescale_row(rows[r], lanes[0][r], lanes[1][r], lanes[2][r], lanes[3][r], lanes[4][r]);
      for (int i = 0; i < 5; ++i) *all[i] = V::load(lanes[i]);
      scaled = true;
    }
    template <class Row>
    static void rescale_row(const Row& row, double& ab, double& aa, double& bb, double& by_a, double& by_b) {
      double a = 0, b = 0;
      for (std::int64_t i = 0; i < row.n; ++i) {
        a = std::max<double>(a, std::abs(row.x[0][i]));
        b = std::max<double>(b, std::abs(row.x[1][i]));
      }
      if (std::isinf(a) || std::isinf(b)) return;
      by_a = a == 0 ? 1 : a;
      by_b = b == 0 ? 1 : b;
      ab = aa = bb = 0;
      for (std::int64_t i = 0; i < row.n; ++i) {
        const double u = row.x[0][i] / by_a, v = row.x[1][i] / by_b;
        ab += u * v;
        aa += u * u;
        bb += v * v;
      }
    }
  };

  template <class Sum, class V, class Within>
  void add(Sum* sum, const V* x, const Within& within) const {
    const V a = within(x[0]), b = within(x[1]);
    sum[0].add_product(a, b);
    sum[1].add_product(a, a);
    sum[2].add_product(b, b);
  }
  template <class V>
  void gradient(const V* x, const V* c, V* d) const {
    d[0] = c[0] * (c[3] * x[1] - c[4] * x[0]);
    d[1] = c[1] * (c[2] * x[0] - c[5] * x[1]);
  }
};

}  // namespace slope::nn::detail
