// Nothing but the step's eight matrix products: what remains when everything else costs nothing.
#include <cblas.h>

#include <memory>

#include "harness.h"
#include "mlp.h"

namespace mlp = compare::mlp;

namespace {

struct Products {
  std::vector<float> activations[mlp::layers + 1], activation_gradients[mlp::layers + 1], weights[mlp::layers],
      weight_gradients[mlp::layers];

  Products() {
    for (std::size_t i = 0; i <= mlp::layers; ++i) {
      activations[i] = compare::normals(mlp::batch * mlp::widths[i], static_cast<unsigned>(i));
      activation_gradients[i] = activations[i];
      if (i == mlp::layers) break;
      weights[i] = mlp::parameter(2 * i, mlp::widths[i] * mlp::widths[i + 1]);
      weight_gradients[i] = weights[i];
    }
  }

  void run() {
    const int n = static_cast<int>(mlp::batch);
    for (std::size_t i = 0; i < mlp::layers; ++i) {
      const int in = static_cast<int>(mlp::widths[i]), out = static_cast<int>(mlp::widths[i + 1]);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, out, in, 1, activations[i].data(), in, weights[i].data(),
                  in, 0, activations[i + 1].data(), out);
    }
    for (std::size_t i = mlp::layers; i-- > 0;) {
      const int in = static_cast<int>(mlp::widths[i]), out = static_cast<int>(mlp::widths[i + 1]);
      cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, n, 1, activation_gradients[i + 1].data(), out,
                  activations[i].data(), in, 0, weight_gradients[i].data(), in);
      if (i > 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, in, out, 1, activation_gradients[i + 1].data(), out,
                    weights[i].data(), in, 0, activation_gradients[i].data(), in);
    }
  }
};

const compare::Registered registered([] {
  for (const char* name : {"mlp/sgd", "mlp/adam"})
    compare::limit_works().add(name, []() -> compare::Work {
      const auto products = std::make_shared<Products>();
      return {.run = [=] { products->run(); }};
    });
});

}  // namespace
