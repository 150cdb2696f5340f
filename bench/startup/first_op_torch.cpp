#include <torch/torch.h>

#include "startup/mark.h"

int main() {
  const torch::Tensor sum = torch::tensor({1.0F, 2.0F}) + torch::tensor({3.0F, 4.0F});
  mark();
  return sum.sum().item<double>() == 10 ? 0 : 1;
}
