#include "optim.h"

#include "slope_data.h"

using namespace slope;
namespace setup = compare::optim;

namespace {

template <class Optimizer>
compare::Work work_of(const setup::Size& size, const typename Optimizer::Options& options) {
  constexpr bool matrices = std::is_same_v<Optimizer, optim::Muon> || std::is_same_v<Optimizer, optim::Adafactor>;
  const std::int64_t n = size.parameters / size.tensors;
  const Shape shape = matrices ? Shape{n / setup::columns, setup::columns} : Shape{n};
  std::vector<Tensor> params;
  for (std::int64_t i = 0; i < size.tensors; ++i) {
    const Tensor p = empty(shape), g = empty(shape);
    setup::fill_parameters(p.data_ptr<float>(), n, i * n);
    setup::fill_gradients(g.data_ptr<float>(), n, i * n);
    p.requires_grad_().set_grad(g);
    params.push_back(p);
  }
  const auto optimizer = std::make_shared<Optimizer>(params, options);
  const auto step = [=] {
    if constexpr (std::is_same_v<Optimizer, optim::LBFGS>)
      optimizer->step([&] {
        double loss = 0;
        for (std::size_t i = 0; i < params.size(); ++i)
          loss += setup::parabola(params[i].data_ptr<float>(), params[i].grad().data_ptr<float>(), n,
                                  static_cast<std::int64_t>(i) * n);
        return loss;
      });
    else
      optimizer->step();
  };
  const auto check = [=] {
    double sum = 0;
    for (int i = 0; i < setup::check_steps; ++i) step();
    for (std::size_t i = 0; i < params.size(); ++i)
      sum += setup::moved(params[i].data_ptr<float>(), n, static_cast<std::int64_t>(i) * n);
    return sum;
  };
  compare::Work work{.run = step, .check = check};
  if (size.scale) work.count = static_cast<double>(size.parameters), work.unit = "parameter";
  return work;
}

template <class Optimizer>
void add(const std::string& name, const typename Optimizer::Options& options) {
  for (const setup::Size& size : setup::sizes(name))
    compare::slope_works().add(size.name, [=] { return work_of<Optimizer>(size, options); });
}

const compare::Registered registered([] {
  add<optim::Adam>("adam", {.lr = setup::rate});
  add<optim::AdamW>("adamw", {.lr = setup::rate, .weight_decay = setup::decay});
  add<optim::SGD>("sgd_momentum", {.lr = setup::rate, .momentum = setup::momentum});
  add<optim::NAdam>("nadam", {.lr = setup::rate});
  add<optim::RAdam>("radam", {.lr = setup::rate});
  add<optim::Adamax>("adamax", {.lr = setup::rate});
  add<optim::Adagrad>("adagrad", {.lr = setup::rate});
  add<optim::Adadelta>("adadelta", {});
  add<optim::RMSprop>("rmsprop", {.lr = setup::rate});
  add<optim::Rprop>("rprop", {.lr = setup::rate});
  add<optim::ASGD>("asgd", {.lr = setup::rate});
  add<optim::Lion>("lion", {.lr = setup::rate});
  add<optim::LAMB>("lamb", {.lr = setup::rate, .weight_decay = setup::decay});
  add<optim::Adafactor>("adafactor", {.lr = setup::rate});
  add<optim::Muon>("muon", {.lr = setup::rate, .weight_decay = 0});
  add<optim::LBFGS>("lbfgs", {.lr = setup::rate,
                              .max_iter = setup::iterations,
                              .tolerance_grad = 0,
                              .tolerance_change = 0,
                              .history_size = setup::history});
});

}  // namespace
