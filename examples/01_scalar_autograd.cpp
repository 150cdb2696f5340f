// Derivatives of a function of one number, to any order, against what calculus says.
#include <cmath>
#include <iostream>

#include "slope/slope.h"

using namespace slope;

int main() {
  const Tensor x = tensor(0.5, {.dtype = float64, .requires_grad = true});
  Tensor y = x * sin(x) + exp(-x);
  std::cout << "f(x)    = x sin x + e^-x at x = 0.5: " << y << "\n";

  const double s = std::sin(0.5), c = std::cos(0.5), e = std::exp(-0.5);
  const double expected[] = {s + 0.5 * c - e, 2 * c - 0.5 * s + e, -3 * s - 0.5 * c - e};
  const char* names[] = {"f'(x)  ", "f''(x) ", "f'''(x)"};
  bool right = true;
  for (int order = 0; order < 3; ++order) {
    y = autograd::grad({y}, {x}, {.create_graph = true})[0];
    std::cout << names[order] << " = " << y.item() << "\n";
    right &= std::abs(y.item() - expected[order]) < 1e-12;
  }

  // backward() fills .grad of the leaves and adds up over calls.
  (x * x).backward();
  (x * x).backward();
  std::cout << "2 d(x^2)/dx = " << x.grad() << "\n";
  right &= x.grad().item() == 2.0;

  std::cout << (right ? "all as calculus says\n" : "WRONG\n");
  return right ? 0 : 1;
}
