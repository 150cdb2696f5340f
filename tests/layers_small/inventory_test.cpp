#include <boost/test/unit_test.hpp>
#include <string>
#include <type_traits>
#include <utility>

#include "slope/autograd/core/random.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/nn.h"

// Small layers exist as a module and as a function of F, and both compute the same.

using namespace slope;

namespace {

Tensor sample() {
  manual_seed(3);
  return randn({3, 4, 5});
}

/// A module and a function that draw the same random numbers, while training and not.
template <class Module, class Function>
void same(const char* name, Module module, const Function& function) {
  for (const bool training : {true, false}) {
    module.train(training);
    const Tensor x = sample();
    const Tensor y = module(x);
    manual_seed(3);
    (void)randn({3, 4, 5});
    Tensor z;
    if constexpr (std::is_invocable_v<Function, const Tensor&, bool>)
      z = function(x, training);
    else
      z = function(x);
    BOOST_TEST(equal(y, z), name << (training ? " while training" : ""));
  }
}

}  // namespace

#define SAME(Module, call) same(#Module, nn::Module, [](const Tensor& x) { return F::call; })
#define SAME_IN_BOTH_MODES(Module, call) \
  same(#Module, nn::Module, [](const Tensor& x, bool training) { return F::call; })

BOOST_AUTO_TEST_SUITE(inventory)

BOOST_AUTO_TEST_CASE(every_activation_is_a_module_and_a_function) {
  SAME(ReLU(), relu(x));
  SAME(ReLU6(), relu6(x));
  SAME(Hardtanh(-0.5, 2), hardtanh(x, -0.5, 2));
  SAME(LeakyReLU(0.2), leaky_relu(x, 0.2));
  SAME(PReLU(4), prelu(x, full({4}, 0.25)));
  SAME_IN_BOTH_MODES(RReLU(0.1, 0.3), rrelu(x, 0.1, 0.3, training));
  SAME(ELU(0.7), elu(x, 0.7));
  SAME(SELU(), selu(x));
  SAME(CELU(0.7), celu(x, 0.7));
  SAME(GELU(), gelu(x));
  SAME(GELU("tanh"), gelu(x, GeluApproximation::tanh));
  SAME(SiLU(), silu(x));
  SAME(Mish(), mish(x));
  SAME(Sigmoid(), sigmoid(x));
  SAME(LogSigmoid(), logsigmoid(x));
  SAME(Tanh(), tanh(x));
  SAME(Hardsigmoid(), hardsigmoid(x));
  SAME(Hardswish(), hardswish(x));
  SAME(Softplus(2, 1), softplus(x, 2, 1));
  SAME(Softsign(), softsign(x));
  SAME(Softshrink(0.3), softshrink(x, 0.3));
  SAME(Hardshrink(0.3), hardshrink(x, 0.3));
  SAME(Tanhshrink(), tanhshrink(x));
  SAME(Threshold(0.1, 20), threshold(x, 0.1, 20));
  SAME(Softmax(1), softmax(x, 1));
  SAME(LogSoftmax(1), log_softmax(x, 1));
  SAME(Softmin(1), softmin(x, 1));
  SAME(Softmax2d(), softmax(x, -3));
  SAME(GLU(1), glu(x, 1));
}

BOOST_AUTO_TEST_CASE(every_other_small_layer_is_a_module_and_a_function) {
  SAME_IN_BOTH_MODES(Dropout(0.3), dropout(x, 0.3, training));
  SAME_IN_BOTH_MODES(Dropout1d(0.3), dropout1d(x, 0.3, training));
  SAME_IN_BOTH_MODES(Dropout2d(0.3), dropout2d(x, 0.3, training));
  SAME_IN_BOTH_MODES(AlphaDropout(0.3), alpha_dropout(x, 0.3, training));
  SAME_IN_BOTH_MODES(FeatureAlphaDropout(0.3), feature_alpha_dropout(x, 0.3, training));
  same("Dropout3d", nn::Sequential(nn::Unflatten(2, {5, 1, 1}), nn::Dropout3d(0.3)),
       [](const Tensor& x, bool training) { return F::dropout3d(x.unsqueeze(3).unsqueeze(4), 0.3, training); });
  SAME(Flatten(), flatten(x, 1));
  SAME(Unflatten(1, {2, 2}), unflatten(x, 1, {2, 2}));
  same("Identity", nn::Identity(), [](const Tensor& x) { return x; });
}

BOOST_AUTO_TEST_CASE(layers_of_several_inputs_are_modules_and_functions) {
  const Tensor x = sample(), y = randn({3, 4, 5});
  BOOST_TEST(equal(nn::CosineSimilarity({.dim = -1})(x, y), F::cosine_similarity(x, y, {.dim = -1})));
  BOOST_TEST(equal(nn::PairwiseDistance({.p = 1})(x, y), F::pairwise_distance(x, y, {.p = 1})));
  nn::Bilinear bilinear(5, 5, 2);
  BOOST_TEST(equal(bilinear(x, y), F::bilinear(x, y, bilinear.weight, bilinear.bias)));
  nn::Linear linear(5, 2);
  BOOST_TEST(equal(linear(x), F::linear(x, linear.weight, linear.bias)));
  const Tensor words = tensor({{1, 0}, {2, 2}});
  nn::Embedding table(3, 4);
  BOOST_TEST(equal(table(words), F::embedding(words, table.weight)));
  nn::EmbeddingBag bags(3, 4);
  BOOST_TEST(equal(bags(words), F::embedding_bag(words, bags.weight)));
  const Tensor image = randn({1, 8, 2, 3});
  BOOST_TEST(equal(nn::PixelShuffle(2)(image), F::pixel_shuffle(image, 2)));
  BOOST_TEST(equal(nn::ChannelShuffle(2)(image), F::channel_shuffle(image, 2)));
  BOOST_TEST(equal(nn::PixelUnshuffle(1)(image), F::pixel_unshuffle(image, 1)));
}

BOOST_AUTO_TEST_SUITE_END()
