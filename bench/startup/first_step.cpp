// One training step: a matrix product, a loss, its backward, an update.
#include "slope/slope.h"
#include "startup/mark.h"

using namespace slope;

int main() {
  nn::Linear line(16, 1);
  optim::SGD sgd(line.parameters(), {.lr = 0.1});
  F::mse_loss(line(ones({64, 16})), zeros({64, 1})).backward();
  sgd.step();
  mark();
  return line.weight.grad().defined() ? 0 : 1;
}
