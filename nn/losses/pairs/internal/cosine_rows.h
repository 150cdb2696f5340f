#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "slope/nn/losses/shared/internal/row_loss.h"

namespace slope::nn::detail {

/// What functions of the angle between two rows a, b share: Σab, Σa², Σb², and with norms n1, n2 and s = Σab/(n1·n2)
/// the gradient ∂a = g/n1·(b/n2 - s·a/‖a‖), and the same for b. Products of norms would leave the range of float32 at
/// 1e19.
struct CosineRows {
  static constexpr int operands = 2, terms = 3, coefficients = 6;
  static constexpr bool exact_products = true;

  /// The sums of a row. Those of float64 may leave the range where the angle does not: then a and b are divided by
  /// `by_a` and `by_b`, their largest elements.
  struct Sums {
    double ab, aa, bb, by_a = 1, by_b = 1;

    template <class Row>
    Sums(const Row& row, const double* sum) : ab(sum[0]), aa(sum[1]), bb(sum[2]) {
      if constexpr (!std::is_same_v<typename Row::T, float>)
        if (aa > 1e300 || bb > 1e300) rescale(row);
    }
    bool is_scaled() const { return by_a != 1 || by_b != 1; }
    /// A number that is compared with the norm of a (b), as the divided rows see it.
    double for_a(double x) const { return is_scaled() ? x / by_a : x; }
    double for_b(double x) const { return is_scaled() ? x / by_b : x; }
    /// The coefficients of the gradient for a and b, from norms of the divided rows: n1, n2 as they divide s, and a, b
    /// as they are; a norm of 0 has gradient 0.
    template <class Row>
    void slopes(const Row& row, double s, double n1, double n2, double a, double b, double* c) const {
      if (!row.differentiated()) return;  // five divisions
      c[2] = 1 / n1;
      c[3] = 1 / n2;
      c[4] = a == 0 ? 0 : s / a;
      c[5] = b == 0 ? 0 : s / b;
      if (is_scaled()) {
        for (const int i : {2, 4}) c[i] /= by_a;
        for (const int i : {3, 5}) c[i] /= by_b;
      }
      c[0] = row.factor * c[2];
      c[1] = row.factor * c[3];
    }

   private:
    template <class Row>
    void rescale(const Row& row) {
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

  template <class Sum, class V, class Keep>
  void add(Sum* sum, const V* x, const Keep& keep) const {
    const V a = keep(x[0]), b = keep(x[1]);
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
