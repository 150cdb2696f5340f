#include "embedding.h"
#include "slope_layer.h"

namespace embedding = compare::embedding;
using compare::slope_tensor;

namespace {

compare::Work work_of(bool backward) {
  const slope::Tensor table = slope_tensor(embedding::table(), {embedding::rows, embedding::width}).requires_grad_();
  const slope::Tensor i = slope_tensor(embedding::chosen(), {embedding::indices});
  const slope::Tensor g = slope_tensor(embedding::grad(), {embedding::indices, embedding::width});
  return compare::slope_layer([=] { return slope::F::embedding(i, table); }, {table}, g, backward);
}

const compare::Registered registered([] {
  compare::slope_works().add(embedding::forward_name, [] { return work_of(false); });
  compare::slope_works().add(embedding::backward_name, [] { return work_of(true); });
});

}  // namespace
