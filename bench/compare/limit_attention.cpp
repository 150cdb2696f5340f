// Nothing but matrix products, each by one call of BLAS: those of the projections, and the two of each head.
#include <cblas.h>

#include <memory>

#include "attention.h"
#include "harness.h"

namespace attention = compare::attention;
using attention::What;

namespace {

constexpr int rows = static_cast<int>(attention::positions * attention::batch),
              width = static_cast<int>(attention::width), hidden = static_cast<int>(attention::hidden),
              positions = static_cast<int>(attention::positions),
              head = static_cast<int>(attention::width / attention::heads);

struct Products {
  What what;
  bool backward;
  std::vector<float> wide = compare::normals(rows * std::int64_t{hidden}, 1), other = wide,
                     weight = compare::normals(width * std::int64_t{hidden}, 2), weight_gradient = weight,
                     scores = compare::normals(positions * std::int64_t{positions}, 3),
                     head_result = compare::normals(positions * std::int64_t{head}, 4);

  void product(CBLAS_TRANSPOSE a_order, CBLAS_TRANSPOSE b_order, int m, int n, int k, const float* a, const float* b,
               float* c) {
    cblas_sgemm(CblasRowMajor, a_order, b_order, m, n, k, 1, a, a_order == CblasNoTrans ? k : m, b,
                b_order == CblasNoTrans ? n : k, 0, c, n);
  }
  void linear(int in, int out) {
    product(CblasNoTrans, CblasTrans, rows, out, in, wide.data(), weight.data(), other.data());
    if (!backward) return;
    product(CblasTrans, CblasNoTrans, out, in, rows, wide.data(), other.data(), weight_gradient.data());
    product(CblasNoTrans, CblasNoTrans, rows, in, out, wide.data(), weight.data(), other.data());
  }
  void run() {
    linear(width, 3 * width);
    linear(width, width);
    if (what == What::encoder_layer) linear(width, hidden), linear(hidden, width);
    for (std::int64_t i = 0; i < attention::batch * attention::heads; ++i)
      for (int pass = 0; pass < (backward ? 3 : 1); ++pass) {
        product(CblasNoTrans, CblasTrans, positions, positions, head, wide.data(), other.data(), scores.data());
        product(CblasNoTrans, CblasNoTrans, positions, head, positions, scores.data(), wide.data(), head_result.data());
      }
  }
};

const compare::Registered registered([] {
  for (const What what : attention::all)
    for (const bool backward : {false, true})
      compare::limit_works().add(attention::name_of(what, backward), [=]() -> compare::Work {
        const auto products = std::make_shared<Products>(Products{what, backward});
        return {.run = [=] { products->run(); }};
      });
});

}  // namespace
