#include <boost/test/unit_test.hpp>
#include <limits>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/losses/losses.h"
#include "slope/nn/penalties.h"
#include "support/checks.h"

using namespace slope;
namespace F = slope::nn::functional;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

// What the calls below are given; none of it may change when they throw.
struct Operands {
  Tensor x = tensor({{0.1, 0.7, 0.2}, {0.3, 0.3, 0.4}}, {.dtype = float64, .requires_grad = true});
  Tensor t = tensor({{0.0, 1.0, 0.0}, {1.0, 0.0, 1.0}}, {.dtype = float64});
  Tensor column = tensor({{0.5}, {0.5}}, {.dtype = float64});
  Tensor row = tensor({0.5, 0.5, 0.5}, {.dtype = float64});
  Tensor pair = tensor({0.5, 0.5}, {.dtype = float64});
  Tensor labels = tensor({2, 0});
  Tensor whole = tensor({{1, 0, 1}, {0, 1, 0}});
  Tensor scalar = tensor(0.5, {.dtype = float64});
  Tensor images = zeros({2, 3, 4}, {.dtype = float64});
  Tensor learned = tensor({1.0, 2.0, 3.0}, {.dtype = float64, .requires_grad = true});

  std::vector<Tensor> all() const { return {x, t, column, row, pair, labels, whole, scalar, images, learned}; }
};

/// Each call throws an E with this text, and leaves values, versions and gradients of the operands alone.
template <class E>
struct Refusals {
  const Operands& in;
  template <class Call>
  void operator()(const Call& call, const std::string& text, const char* file = __builtin_FILE()) const {
    std::vector<std::vector<double>> values;
    std::vector<std::uint32_t> versions;
    for (const Tensor& t : in.all()) {
      values.push_back(t.to_vector<double>());
      versions.push_back(t.version());
    }
    check_error<E>(call, text, file);
    const std::vector<Tensor> after = in.all();
    for (std::size_t i = 0; i < after.size(); ++i) {
      BOOST_TEST((after[i].to_vector<double>() == values[i]), text << " changed operand " << i);
      BOOST_TEST(after[i].version() == versions[i]);
      BOOST_TEST(!after[i].grad().defined());
    }
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(loss_errors)

BOOST_AUTO_TEST_CASE(regression_losses_refuse_shapes_that_differ_and_say_what_to_do) {
  const Operands in;
  const Refusals<ShapeError> refuses{in};
  refuses([&] { F::mse_loss(in.column, in.pair); },
          "mse_loss: prediction [2, 1] and target [2] differ in shape; did you mean target.unsqueeze(1)?");
  refuses([&] { F::mse_loss(in.pair, in.column); },
          "mse_loss: prediction [2] and target [2, 1] differ in shape; did you mean target.squeeze(1)?");
  refuses([&] { F::mse_loss(in.x, in.row); },
          "mse_loss: prediction [2, 3] and target [3] differ in shape; reshape one");
  refuses([&] { F::l1_loss(in.column, in.pair); }, "l1_loss: prediction [2, 1] and target [2] differ in shape");
  refuses([&] { F::l1_loss(in.x, in.row, {.reduction = Reduction::none}); },
          "l1_loss: prediction [2, 3] and target [3]");
  refuses([&] { F::smooth_l1_loss(in.column, in.pair); }, "smooth_l1_loss: prediction [2, 1] and target [2]");
  refuses([&] { F::smooth_l1_loss(in.scalar, in.pair); }, "smooth_l1_loss: prediction [] and target [2]");
  refuses([&] { F::focal_loss(in.column, in.pair); }, "focal_loss: prediction [2, 1] and target [2]");
  refuses([&] { nn::MSELoss()(in.column, in.pair); }, "mse_loss: prediction [2, 1] and target [2]");
  refuses([&] { nn::L1Loss()(in.column, in.pair); }, "l1_loss: prediction [2, 1] and target [2]");
  refuses([&] { nn::SmoothL1Loss()(in.column, in.pair); }, "smooth_l1_loss: prediction [2, 1] and target [2]");
  refuses([&] { F::mse_loss(in.x, in.t, {.weight = in.row}); },
          "mse_loss: Weights and input must have the same size. Got weight [3] and input [2, 3]");
  refuses([&] { F::l1_loss(in.x, in.t, {.weight = in.row}); }, "l1_loss: Weights and input must have the same size.");
}

BOOST_AUTO_TEST_CASE(integral_predictions_are_refused) {
  const Operands in;
  const Refusals<DTypeError> refuses{in};
  refuses([&] { F::mse_loss(in.whole, in.whole); },
          "mse_loss: the prediction must be a floating point tensor, got int64");
  refuses([&] { F::l1_loss(in.whole, in.whole); }, "l1_loss: the prediction must be a floating point tensor");
  refuses([&] { F::smooth_l1_loss(in.whole, in.whole); },
          "smooth_l1_loss: the prediction must be a floating point tensor");
  refuses([&] { F::binary_cross_entropy(in.whole, in.whole); },
          "binary_cross_entropy: the prediction must be a floating");
  refuses([&] { F::binary_cross_entropy_with_logits(in.whole, in.whole); },
          "the prediction must be a floating point tensor");
  refuses([&] { F::focal_loss(in.whole, in.whole); }, "focal_loss: the prediction must be a floating point tensor");
  refuses([&] { F::nll_loss(in.whole, in.labels); }, "nll_loss: the prediction must be a floating point tensor");
  refuses([&] { F::cross_entropy(in.whole, in.labels); },
          "cross_entropy: the prediction must be a floating point tensor");
  refuses([&] { F::cosine_similarity(in.whole, in.whole); },
          "cosine_similarity: x1 must be a floating point tensor, got int64");
  refuses([&] { F::cosine_similarity(in.x, in.whole); }, "cosine_similarity: x2 must be a floating point tensor");
}

BOOST_AUTO_TEST_CASE(reductions_and_options_out_of_range_are_refused) {
  const Operands in;
  const Refusals<ValueError> refuses{in};
  const std::string average = "average", upper = "Mean";
  refuses([&] { F::mse_loss(in.x, in.t, {.reduction = average}); },
          "mse_loss: average is not a valid value for reduction; use \"none\", \"mean\" or \"sum\"");
  refuses([&] { nn::BCELoss({.reduction = upper})(in.x, in.t); },
          "binary_cross_entropy: Mean is not a valid value for reduction");
  const int line = __LINE__ + 1;
  const nn::ReductionOption made_here = average.c_str();
  check_error<ValueError>([&] { (void)static_cast<Reduction>(made_here); },
                          concat("reduction: average is not a valid value for reduction; use \"none\", \"mean\" or "
                                 "\"sum\" (tests/nn_losses/error_test.cpp:",
                                 line, ")"));
  refuses([&] { F::mse_loss(in.x, in.t, {.reduction = "batchmean"}); }, "batchmean is not a valid value for reduction");
  refuses([&] { F::l1_loss(in.x, in.t, {.reduction = Reduction::batchmean}); },
          "batchmean is not a valid value for reduction");
  refuses([&] { F::smooth_l1_loss(in.x, in.t, {.reduction = Reduction::batchmean}); },
          "batchmean is not a valid value");
  refuses([&] { F::focal_loss(in.x, in.t, {.reduction = Reduction::batchmean}); }, "batchmean is not a valid value");
  refuses([&] { F::nll_loss(in.x, in.labels, {.reduction = Reduction::batchmean}); }, "batchmean is not a valid value");
  refuses([&] { F::cross_entropy(in.x, in.labels, {.reduction = Reduction::batchmean}); },
          "batchmean is not a valid value");
  refuses([&] { F::binary_cross_entropy(in.x, in.t, {.reduction = Reduction::batchmean}); },
          "batchmean is not a valid value");
  refuses([&] { F::smooth_l1_loss(in.x, in.t, {.beta = -0.5}); },
          "smooth_l1_loss does not support negative values for beta. Got beta -0.5");
  refuses([&] { F::smooth_l1_loss(in.x, in.t, {.beta = nan_value}); }, "does not support negative values for beta.");
  refuses([&] { F::cross_entropy(in.x, in.labels, {.label_smoothing = 1.5}); },
          "cross_entropy: label_smoothing must be between 0.0 and 1.0. Got: 1.5");
  refuses([&] { F::cross_entropy(in.x, in.t, {.label_smoothing = -0.1}); },
          "label_smoothing must be between 0.0 and 1.0. Got: -0.1");
  refuses([&] { F::cross_entropy(in.x, in.labels, {.label_smoothing = nan_value}); },
          "label_smoothing must be between 0.0 and 1.0");
  refuses([&] { F::cross_entropy(in.x, in.t, {.ignore_index = 1}); },
          "cross_entropy: ignore_index is not supported for floating point target");
}

BOOST_AUTO_TEST_CASE(binary_losses_check_shapes_ranges_and_dtypes) {
  const Operands in;
  const Refusals<ShapeError> wrong_shape{in};
  wrong_shape(
      [&] { F::binary_cross_entropy(in.column, in.pair); },
      "binary_cross_entropy: Using a target size ([2]) that is different to the input size ([2, 1]) is deprecated. Please "
      "ensure they have the same size.");
  wrong_shape([&] { F::binary_cross_entropy(in.x, Tensor()); }, "Using a target size (undefined)");
  wrong_shape([&] { F::binary_cross_entropy_with_logits(in.column, in.pair); },
              "Target size ([2]) must be the same as input size ([2, 1])");
  wrong_shape([&] { nn::BCEWithLogitsLoss()(in.x, in.row); },
              "Target size ([3]) must be the same as input size ([2, 3])");
  wrong_shape([&] { F::binary_cross_entropy(in.x, in.t, {.weight = in.pair}); }, "binary_cross_entropy");
  wrong_shape([&] { F::binary_cross_entropy_with_logits(in.x, in.t, {.weight = in.pair}); },
              "binary_cross_entropy_with_logits");
  wrong_shape([&] { F::binary_cross_entropy_with_logits(in.x, in.t, {.pos_weight = in.pair}); },
              "binary_cross_entropy_with_logits");
  wrong_shape([&] { F::binary_cross_entropy_with_logits(in.row, in.row, {.pos_weight = in.x.detach()}); },
              "pos_weight of shape [2, 3] does not broadcast to shape [3]");

  const Refusals<ValueError> out_of_range{in};
  const auto bce_of = [&](double bad) {
    const Tensor p = tensor({0.5, bad, 0.5}, {.dtype = float64});
    F::binary_cross_entropy(p, in.row);
  };
  for (const double bad : {-1e-9, 1.0000001, nan_value, std::numeric_limits<double>::infinity()})
    out_of_range([&] { bce_of(bad); }, "binary_cross_entropy: all elements of input should be between 0 and 1");
  out_of_range([&] { F::focal_loss(in.x * 3.0, in.t); }, "focal_loss: all elements of input should be between 0 and 1");
  out_of_range([&] { F::binary_cross_entropy((in.x * 4.0).slice(1, {}, {}, 2), in.t.slice(1, 0, 2)); },
               "all elements of input should be between 0 and 1");

  const Refusals<DTypeError> wrong_dtype{in};
  wrong_dtype([&] { F::binary_cross_entropy(in.x, in.whole); },
              "binary_cross_entropy: the target must have the dtype of the input, float64, but is int64");
  wrong_dtype([&] { F::binary_cross_entropy(in.x, in.t.to(float32)); },
              "float64, but is float32; convert it with .to(float64)");
}

BOOST_AUTO_TEST_CASE(weights_cannot_be_learned_through_a_loss) {
  const Operands in;
  const Refusals<AutogradError> refuses{in};
  refuses([&] { F::binary_cross_entropy(in.x, in.t, {.weight = in.learned}); },
          "the function 'binary_cross_entropy' is not differentiable with respect to argument 'weight'");
  refuses([&] { F::binary_cross_entropy_with_logits(in.x, in.t, {.weight = in.learned}); },
          "the function 'binary_cross_entropy_with_logits' is not differentiable with respect to argument 'weight'");
  refuses(
      [&] { F::binary_cross_entropy_with_logits(in.x, in.t, {.pos_weight = in.learned}); },
      "the function 'binary_cross_entropy_with_logits' is not differentiable with respect to argument 'pos_weight'");
  refuses([&] { F::nll_loss(in.x, in.labels, {.weight = in.learned}); },
          "the function 'nll_loss' is not differentiable with respect to argument 'weight'");
  refuses([&] { F::cross_entropy(in.x, in.labels, {.weight = in.learned}); },
          "the function 'cross_entropy' is not differentiable with respect to argument 'weight'");
  NoGradGuard no_grad;  // a value is fine
  BOOST_TEST(F::nll_loss(in.x, in.labels, {.weight = in.learned}).defined());
}

BOOST_AUTO_TEST_CASE(class_targets_must_fit_the_input) {
  const Operands in;
  const Tensor three = tensor({0, 1, 2}), grid = zeros({2, 5}, {.dtype = int64});
  const Refusals<ShapeError> refuses{in};
  for (const bool ce : {false, true}) {
    const auto call = [&](const Tensor& x, const Tensor& t, const Tensor& w = {}) {
      return ce ? F::cross_entropy(x, t, {.weight = w}) : F::nll_loss(x, t, {.weight = w});
    };
    const std::string op = ce ? "cross_entropy: " : "nll_loss: ";
    refuses([&] { call(in.x, three); }, op + "Expected input batch_size (2) to match target batch_size (3).");
    refuses([&] { call(in.images, grid); }, op + "size mismatch (got input: [2, 3, 4], target: [2, 5])");
    refuses([&] { call(in.images, grid); }, "Expected target size [2, 4], got [2, 5]");
    refuses([&] { call(in.images, in.labels); }, op + "size mismatch (got input: [2, 3, 4], target: [2])");
    refuses([&] { call(in.row, in.labels); }, op + "size mismatch (got input: [3], target: [2])");
    refuses([&] { call(in.scalar, tensor(0)); }, op + "the input must have at least one dimension");
    refuses(
        [&] { call(in.x, in.labels, in.pair); },
        op +
            "weight tensor should be defined either for all 3 classes or no classes but got weight tensor of shape: [2]");
    refuses([&] { call(in.x, in.labels, in.column); }, "but got weight tensor of shape: [2, 1]");
    const Refusals<ValueError> undefined{in};
    undefined([&] { call(in.x, Tensor()); }, op + "the target is an undefined tensor");
  }
  refuses([&] { F::cross_entropy(in.x, in.pair); },
          "a floating point target holds class probabilities and must have the shape");
  const Refusals<DTypeError> wrong_dtype{in};
  wrong_dtype([&] { F::cross_entropy(in.x, in.whole); },
              "Expected floating point type for target with class probabilities, got int64");
  wrong_dtype([&] { F::nll_loss(in.x, in.pair); }, "nll_loss: class indices must be int64, but the target is float64");
  wrong_dtype([&] { F::nll_loss(in.x, tensor({true, false})); }, "class indices must be int64, but the target is bool");
}

BOOST_AUTO_TEST_CASE(labels_out_of_range_are_named_with_their_place) {
  const Operands in;
  const Refusals<IndexError> refuses{in};
  for (const bool ce : {false, true}) {
    const auto call = [&](const Tensor& x, const Tensor& t, std::int64_t ignore = -100) {
      return ce ? F::cross_entropy(x, t, {.ignore_index = ignore}) : F::nll_loss(x, t, {.ignore_index = ignore});
    };
    refuses([&] { call(in.x, tensor({0, 3})); },
            "Target 3 is out of bounds. It stands at position [1], and classes are in the range [0, 3)");
    refuses([&] { call(in.x, tensor({-1, 0})); }, "Target -1 is out of bounds. It stands at position [0]");
    refuses([&] { call(in.x, tensor({-100, 7}), -1); }, "Target -100 is out of bounds.");
    refuses([&] { call(in.row, tensor(3)); }, "Target 3 is out of bounds. It stands at position []");
    refuses([&] { call(in.images, tensor({{0, 1, 2, 0}, {0, 9, 0, 0}})); },
            "Target 9 is out of bounds. It stands at position [1, 1]");
    BOOST_TEST(call(in.x, tensor({0, 3}), 3).defined());  // what is ignored need not be a class
    // Far enough that several threads look for it.
    const Tensor many = zeros({100'000, 3}), labels = zeros({100'000}, {.dtype = int64});
    labels.data_ptr<std::int64_t>()[99'998] = 3;
    check_error<IndexError>([&] { call(many, labels); }, "Target 3 is out of bounds. It stands at position [99998]");
  }
}

BOOST_AUTO_TEST_CASE(labels_are_checked_again_when_they_are_used_in_backward) {
  for (const bool ce : {false, true}) {
    const Operands in;
    const Tensor labels = tensor({2, 0});
    const auto call = [&] { return ce ? F::cross_entropy(in.x, labels) : F::nll_loss(in.x, labels); };
    Tensor behind = call();
    labels.data_ptr<std::int64_t>()[1] = 1000000;  // behind the version counter
    check_error<IndexError>([&] { behind.backward(); }, "Target 1000000 is out of bounds. It stands at position [1]");
    BOOST_TEST(!in.x.grad().defined());
    labels.data_ptr<std::int64_t>()[1] = 0;
    Tensor seen = call();
    labels.fill_(1);
    check_error<AutogradError>([&] { seen.backward(); }, "overwritten in place");
    BOOST_TEST(!in.x.grad().defined());
  }
}

BOOST_AUTO_TEST_CASE(a_second_backward_through_a_loss_says_how_to_keep_the_graph) {
  const Operands in;
  const std::vector<Tensor> losses = {F::mse_loss(in.x, in.t),      F::focal_loss(in.x, in.t),
                                      F::nll_loss(in.x, in.labels), F::cross_entropy(in.x, in.labels),
                                      F::cross_entropy(in.x, in.t), F::cosine_similarity(in.x, in.t).sum(),
                                      nn::l1_penalty({in.x}, 1.0)};
  for (const Tensor& loss : losses) {
    loss.backward();
    check_error<AutogradError>([&] { loss.backward(); }, "freed by an earlier backward");
  }
}

BOOST_AUTO_TEST_CASE(cosine_similarity_and_penalties_check_their_arguments) {
  const Operands in;
  Refusals<ShapeError>{in}([&] { F::cosine_similarity(in.x, in.pair); }, "The size of tensor a (3) must match");
  Refusals<IndexError>{in}([&] { F::cosine_similarity(in.x, in.t, {.dim = 2}); }, "cosine_similarity");
  Refusals<IndexError>{in}([&] { F::cosine_similarity(in.row, in.row); }, "cosine_similarity");
  Refusals<ValueError>{in}([&] { F::cosine_similarity(in.x, Tensor()); },
                           "cosine_similarity: x2 is an undefined tensor");
  Refusals<ValueError>{in}([&] { nn::l1_penalty({in.x, Tensor()}, 0.1); },
                           "l1_penalty: parameter 1 is an undefined tensor");
  Refusals<ValueError>{in}([&] { nn::l2_penalty({Tensor()}, 0.1); }, "l2_penalty: parameter 0 is an undefined tensor");
  Refusals<DTypeError>{in}([&] { nn::l2_penalty({in.whole}, 0.1); },
                           "l2_penalty: parameter 0 must be a floating point tensor, got int64");
}

BOOST_AUTO_TEST_SUITE_END()
