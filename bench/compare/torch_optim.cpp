#include "optim.h"

#include "torch_data.h"

namespace setup = compare::optim;
using torch::Tensor;

namespace {

template <class Optimizer, class Options>
compare::Work work_of(const setup::Size& size, const Options& options) {
  const std::int64_t n = size.parameters / size.tensors;
  std::vector<Tensor> params;
  for (std::int64_t i = 0; i < size.tensors; ++i) {
    const Tensor p = torch::empty({n}), g = torch::empty({n});
    setup::fill_parameters(p.data_ptr<float>(), n, i * n);
    setup::fill_gradients(g.data_ptr<float>(), n, i * n);
    p.requires_grad_();
    p.mutable_grad() = g;
    params.push_back(p);
  }
  const auto optimizer = std::make_shared<Optimizer>(params, options);
  const auto check = [=] {
    double sum = 0;
    for (int i = 0; i < setup::check_steps; ++i) optimizer->step();
    for (std::size_t i = 0; i < params.size(); ++i)
      sum += setup::moved(params[i].data_ptr<float>(), n, static_cast<std::int64_t>(i) * n);
    return sum;
  };
  return {.run = [=] { optimizer->step(); }, .check = check};
}

template <class Optimizer, class Options>
void add(const std::string& name, const Options& options) {
  for (const setup::Size& size : setup::sizes(name))
    compare::torch_works().add(size.name, [=] { return work_of<Optimizer>(size, options); });
}

const compare::Registered registered([] {
  add<torch::optim::Adam>("adam", torch::optim::AdamOptions(setup::rate));
  add<torch::optim::AdamW>("adamw", torch::optim::AdamWOptions(setup::rate).weight_decay(setup::decay));
  add<torch::optim::SGD>("sgd_momentum", torch::optim::SGDOptions(setup::rate).momentum(setup::momentum));
});

}  // namespace
