#include "attention.h"
#include "slope_data.h"

using namespace slope;
namespace attention = compare::attention;
using attention::What;

namespace {

struct Layer {
  What what;
  nn::MultiheadAttention mha{attention::width, attention::heads};
  nn::TransformerEncoderLayer encoder{
      attention::width, attention::heads, {.dim_feedforward = attention::hidden, .dropout = attention::dropout}};
  nn::Module& net;
  Tensor x = compare::slope_tensor(attention::input(), {attention::positions, attention::batch, attention::width}),
         grad = compare::slope_tensor(attention::grad(), {attention::positions, attention::batch, attention::width});

  explicit Layer(What w) : what(w), net(w == What::encoder_layer ? static_cast<nn::Module&>(encoder) : mha) {
    std::size_t i = 0;
    for (const Tensor& p : net.parameters()) {
      const std::vector<float> initial = attention::parameter(i++, p.numel());
      std::copy(initial.begin(), initial.end(), p.data_ptr<float>());
    }
  }
  Tensor forward() {
    if (what == What::encoder_layer) return encoder(x);
    return mha(x, x, x, {.need_weights = what == What::attention}).first;
  }
  void forward_and_back() { forward().backward(grad); }
  void drop() {
    x.zero_grad();
    net.zero_grad();
  }
};

compare::Work work_of(What what, bool backward) {
  const auto layer = std::make_shared<Layer>(what);
  if (!backward)
    return {.run =
                [=] {
                  NoGradGuard no_grad;
                  (void)layer->forward();
                },
            .check =
                [=] {
                  NoGradGuard no_grad;
                  layer->net.eval();  // dropout draws other numbers than the other contestants
                  const double sum = compare::magnitude(layer->forward());
                  layer->net.train();
                  return sum;
                }};
  layer->x.requires_grad_();
  return {.run =
              [=] {
                layer->forward_and_back();
                layer->drop();
              },
          .check =
              [=] {
                layer->net.eval();
                layer->forward_and_back();
                layer->net.train();
                double sum = compare::magnitude(layer->x.grad());
                for (const Tensor& p : layer->net.parameters()) sum += compare::magnitude(p.grad());
                layer->drop();
                return sum;
              }};
}

const compare::Registered registered([] {
  for (const What what : attention::all)
    for (const bool backward : {false, true})
      compare::slope_works().add(attention::name_of(what, backward), [=] { return work_of(what, backward); });
});

}  // namespace
