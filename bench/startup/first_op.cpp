// One operation on a small tensor.
#include "slope/autograd.h"
#include "startup/mark.h"

int main() {
  const slope::Tensor sum = slope::tensor({1.0, 2.0}) + slope::tensor({3.0, 4.0});
  mark();
  return sum.sum().item<double>() == 10 ? 0 : 1;
}
