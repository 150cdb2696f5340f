#include <boost/test/unit_test.hpp>
#include <stdexcept>

#include "slope/slope.h"
#include "support/checks.h"

using namespace slope;

namespace {

struct DNNModel : nn::Module {
  nn::Linear fc1 = add("fc1", nn::Linear(2, 4));
  nn::Linear fc2 = add("fc2", nn::Linear(4, 8));
  nn::Linear fc3 = add("fc3", nn::Linear(8, 1));
  Tensor forward(const Tensor& x) override { return sigmoid(fc3(relu(fc2(relu(fc1(x)))))); }
};

// A layer inside, and a parameter of its own beside it.
struct Block : nn::Module {
  nn::Parameter scale = parameter("scale", ones({8}));
  nn::Linear fc = add("fc", nn::Linear(8, 8));
  Tensor forward(const Tensor& x) override { return x + scale * relu(fc(x)); }
};

// Containers, a block that runs twice, frozen weights.
struct DeepNet : nn::Module {
  nn::Sequential stem = add("stem", nn::Sequential(nn::Linear(2, 8), nn::ReLU(), nn::Dropout(0.5)));
  Block block = add("block", Block());
  nn::Linear head = add("head", nn::Linear(8, 1000));
  DeepNet() { head.weight.requires_grad_(false); }
  Tensor forward(const Tensor& x) override { return sigmoid(head(block(block(stem(x))))); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(model_summary)

BOOST_AUTO_TEST_CASE(the_classic_summary_of_the_tutorials_net_is_that_of_torchkeras) {
  DNNModel net;
  BOOST_TEST(train::Model(net).summary({2}, train::Style::classic) ==
             R"(----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
            Linear-1                    [-1, 4]              12
            Linear-2                    [-1, 8]              40
            Linear-3                    [-1, 1]               9
================================================================
Total params: 61
Trainable params: 61
Non-trainable params: 0
----------------------------------------------------------------
Input size (MB): 0.000008
Forward/backward pass size (MB): 0.000099
Params size (MB): 0.000233
Estimated Total Size (MB): 0.000340
----------------------------------------------------------------
)");
}

BOOST_AUTO_TEST_CASE(an_example_of_several_samples_is_counted_as_one) {
  DNNModel net;
  const train::SummaryInfo one = train::summarize(net, Shape{2}), several = train::summarize(net, zeros({5, 2}));
  BOOST_TEST_REQUIRE(several.rows.size() == 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST(several.rows[i].macs == one.rows[i].macs);
    BOOST_TEST((several.rows[i].output_shape == one.rows[i].output_shape));
  }
  BOOST_TEST(several.rows[1].macs == 32);
}

// Computed by torchkeras' rules from the same net under PyTorch 1.13: a row for every run of a module without children.
BOOST_AUTO_TEST_CASE(the_classic_summary_of_containers_and_reused_layers_is_that_of_torchkeras) {
  DeepNet net;
  BOOST_TEST(train::Model(net).summary({2}, train::Style::classic) ==
             R"(----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
            Linear-1                    [-1, 8]              24
              ReLU-2                    [-1, 8]               0
           Dropout-3                    [-1, 8]               0
            Linear-4                    [-1, 8]              72
            Linear-5                    [-1, 8]              72
            Linear-6                 [-1, 1000]           9,000
================================================================
Total params: 9,168
Trainable params: 1,168
Non-trainable params: 8,000
----------------------------------------------------------------
Input size (MB): 0.000008
Forward/backward pass size (MB): 0.007935
Params size (MB): 0.034973
Estimated Total Size (MB): 0.042915
----------------------------------------------------------------
)");
}

BOOST_AUTO_TEST_CASE(the_default_summary_names_every_module_with_parameters_and_counts_them_once) {
  DeepNet net;
  BOOST_TEST(train::Model(net).summary({2}) == R"(Name       Layer     Output shape     Params    MACs
----------------------------------------------------
stem.0     Linear    [-1, 8]              24      16
stem.1     ReLU      [-1, 8]               0       0
stem.2     Dropout   [-1, 8]               0       0
block.fc   Linear    [-1, 8]              72      64
block      Block     [-1, 8]               8       0
block.fc   Linear    [-1, 8]        (reused)      64
block      Block     [-1, 8]        (reused)       0
head       Linear    [-1, 1000]        9,000   8,000
----------------------------------------------------
Parameters   9,104 (1,104 trainable, 8,000 frozen), 35.6 KiB
Per sample   8,144 MACs, 8 B input, 8.2 KiB outputs + gradients
)");
  std::int64_t parameters = 0;
  for (const Tensor& p : net.parameters()) parameters += p.numel();
  BOOST_TEST(parameters == 9104);
}

BOOST_AUTO_TEST_CASE(a_summary_leaves_modes_hooks_and_random_numbers_as_they_were) {
  DeepNet net;
  net.block.eval();
  train::Model model(net);
  const std::string first = model.summary({2});
  BOOST_TEST(net.is_training());
  BOOST_TEST(!net.block.fc.is_training());
  BOOST_TEST(model.summary({2}) == first);
  manual_seed(1);
  const double expected = rand({1}).item();
  manual_seed(1);
  model.summary({2}, train::Style::classic);
  BOOST_TEST(rand({1}).item() == expected);
  BOOST_TEST(grad_enabled());
}

BOOST_AUTO_TEST_CASE(a_forward_that_throws_leaves_the_net_usable_and_names_the_line) {
  DeepNet net;
  train::Model model(net);
  check_error<ShapeError>([&] { model.summary({3}); }, "model_summary_test.cpp:");
  BOOST_TEST(net.is_training());
  BOOST_TEST(model.summary({2}).starts_with("Name"));
}

BOOST_AUTO_TEST_CASE(a_float64_net_is_asked_in_its_own_type) {
  DNNModel net;
  net.to(float64);
  BOOST_TEST(train::Model(net).summary({2}).find(
                 "Parameters   61 (61 trainable, 0 frozen), 488 B\nPer sample   48 MACs, 16 B input") !=
             std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
