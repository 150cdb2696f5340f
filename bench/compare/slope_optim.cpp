#include "optim.h"

#include "slope_data.h"

using namespace slope;
namespace setup = compare::optim;

namespace {

template <class Optimizer, class Options>
compare::Work work_of(const setup::Size& size, const Options& options) {
  const std::int64_t n = size.parameters / size.tensors;
  std::vector<Tensor> params;
  for (std::int64_t i = 0; i < size.tensors; ++i) {
    const Tensor p = empty({n}), g = empty({n});
    setup::fill_parameters(p.data_ptr<float>(), n, i * n);
    setup::fill_gradients(g.data_ptr<float>(), n, i * n);
    p.requires_grad_().set_grad(g);
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
  compare::Work work{.run = [=] { optimizer->step(); }, .check = check};
  if (size.scale) work.count = static_cast<double>(size.parameters), work.unit = "parameter";
  return work;
}

template <class Optimizer, class Options>
void add(const std::string& name, const Options& options) {
  for (const setup::Size& size : setup::sizes(name))
    compare::slope_works().add(size.name, [=] { return work_of<Optimizer>(size, options); });
}

const compare::Registered registered([] {
  add<optim::Adam>("adam", optim::AdamOptions{.lr = setup::rate});
  add<optim::AdamW>("adamw", optim::AdamWOptions{.lr = setup::rate, .weight_decay = setup::decay});
  add<optim::SGD>("sgd_momentum", optim::SGDOptions{.lr = setup::rate, .momentum = setup::momentum});
});

}  // namespace
