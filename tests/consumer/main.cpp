#include <iostream>

#include "slope/slope.h"

int main() {
  slope::Tensor x = slope::tensor(3.0, {.requires_grad = true});
  slope::Tensor y = x * x;
  y.backward();
  std::cout << x.grad().item<double>() << '\n';
  return x.grad().item<double>() == 6.0 ? 0 : 1;
}
