// A plug-in that holds slope: linked from the installed archives, it must be position independent.
#include "slope/slope.h"

extern "C" double train_a_line(int seed) {
  using namespace slope;
  manual_seed(static_cast<unsigned>(seed));
  set_num_threads(2);
  Tensor x = linspace(-1, 1, 64).unsqueeze(1), y = x * 3.0 - 0.5;
  nn::Linear line(1, 1);
  optim::SGD sgd(line.parameters(), {.lr = 0.5});
  for (int i = 0; i < 100; ++i) {
    sgd.zero_grad();
    F::mse_loss(line(x), y).backward();
    sgd.step();
  }
  (void)(zeros({300, 300}) + 1.0).matmul(ones({300, 300}));  // large enough for several threads
  return line.weight.detach().item<double>();
}
