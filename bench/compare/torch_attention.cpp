#include "attention.h"
#include "torch_data.h"

namespace attention = compare::attention;
using attention::What;
using torch::Tensor;

namespace {

struct Layer {
  What what;
  torch::nn::MultiheadAttention mha{torch::nn::MultiheadAttentionOptions(attention::width, attention::heads)};
  torch::nn::TransformerEncoderLayer encoder{
      torch::nn::TransformerEncoderLayerOptions(attention::width, attention::heads)
          .dim_feedforward(attention::hidden)
          .dropout(attention::dropout)};
  torch::nn::Module& net;
  Tensor x = compare::torch_tensor(attention::input(), {attention::positions, attention::batch, attention::width}),
         grad = compare::torch_tensor(attention::grad(), {attention::positions, attention::batch, attention::width});

  explicit Layer(What w) : what(w), net(w == What::encoder_layer ? static_cast<torch::nn::Module&>(*encoder) : *mha) {
    // In the order of slope's parameters, which is Python's.
    const char* const of_attention[] = {"in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"};
    const char* const of_layer[] = {"linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias",
                                    "norm1.weight",   "norm1.bias",   "norm2.weight",   "norm2.bias"};
    std::vector<std::string> names;
    for (const char* name : of_attention)
      names.push_back((w == What::encoder_layer ? "self_attn." : "") + std::string(name));
    if (w == What::encoder_layer) names.insert(names.end(), std::begin(of_layer), std::end(of_layer));
    const auto parameters = net.named_parameters();
    for (std::size_t i = 0; i < names.size(); ++i) {
      const Tensor p = parameters[names[i]];
      const std::vector<float> initial = attention::parameter(i, p.numel());
      std::copy(initial.begin(), initial.end(), p.data_ptr<float>());
    }
  }
  Tensor forward() {
    if (what == What::encoder_layer) return encoder->forward(x);
    return std::get<0>(mha->forward(x, x, x, {}, what == What::attention));
  }
  void forward_and_back() { forward().backward(grad); }
  void drop() {
    compare::drop_gradient(x);
    for (const Tensor& p : net.parameters()) compare::drop_gradient(p);
  }
};

compare::Work work_of(What what, bool backward) {
  const auto layer = std::make_shared<Layer>(what);
  if (!backward)
    return {.run =
                [=] {
                  torch::NoGradGuard no_grad;
                  (void)layer->forward();
                },
            .check =
                [=] {
                  torch::NoGradGuard no_grad;
                  layer->net.eval();
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
      compare::torch_works().add(attention::name_of(what, backward), [=] { return work_of(what, backward); });
});

}  // namespace
