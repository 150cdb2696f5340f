#include "embedding.h"
#include "torch_layer.h"

namespace embedding = compare::embedding;
using compare::torch_tensor;

namespace {

compare::Work work_of(bool backward) {
  const torch::Tensor table = torch_tensor(embedding::table(), {embedding::rows, embedding::width}).requires_grad_();
  const torch::Tensor i = torch_tensor(embedding::chosen(), {embedding::indices});
  const torch::Tensor g = torch_tensor(embedding::grad(), {embedding::indices, embedding::width});
  return compare::torch_layer([=] { return torch::embedding(table, i); }, {table}, g, backward);
}

const compare::Registered registered([] {
  compare::torch_works().add(embedding::forward_name, [] { return work_of(false); });
  compare::torch_works().add(embedding::backward_name, [] { return work_of(true); });
});

}  // namespace
