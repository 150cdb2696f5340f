#include <boost/test/unit_test.hpp>

#include "slope/autograd/core/error.h"
#include "slope/train/console/summary_text.h"
#include "test_support.h"

using namespace slope::train;
using train_text::error_of;
using train_text::holds;

namespace {

SummaryInfo ring_net() {
  SummaryInfo info;
  info.rows = {
      {.type = "Linear", .output_shape = {-1, 4}, .params = 12, .trainable_params = 12, .name = "fc1", .macs = 8},
      {.type = "Linear", .output_shape = {-1, 8}, .params = 40, .trainable_params = 40, .name = "fc2", .macs = 32},
      {.type = "Linear", .output_shape = {-1, 1}, .params = 9, .trainable_params = 9, .name = "fc3", .macs = 8}};
  info.input_shapes = {{2}};
  return info;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(summary)

BOOST_AUTO_TEST_CASE(the_classic_summary_of_the_ring_net_is_that_of_torchkeras) {
  BOOST_TEST(classic_summary(ring_net()) ==
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

// The numbers of a published torchkeras summary: two embeddings per side, a tower, a sigmoid without parameters.
BOOST_AUTO_TEST_CASE(the_classic_summary_has_thousands_commas_and_counts_positions_over_all_classes) {
  SummaryInfo info;
  for (int i = 0; i < 4; ++i) {
    info.rows.push_back({.type = "Embedding", .output_shape = {-1, 10}, .params = 10, .trainable_params = 10});
  }
  const auto linear = [&](std::int64_t out, std::int64_t params) {
    info.rows.push_back({.type = "Linear", .output_shape = {-1, out}, .params = params, .trainable_params = params});
  };
  linear(64, 1344);
  linear(32, 2080);
  linear(16, 528);
  linear(10, 170);
  linear(1, 21);
  info.rows.push_back({.type = "Sigmoid", .output_shape = {-1, 1}});
  info.input_shapes = {{2}};
  const std::string text = classic_summary(info);
  BOOST_TEST(holds(text, "            Linear-5                   [-1, 64]           1,344\n"));
  BOOST_TEST(holds(text, "          Sigmoid-10                    [-1, 1]               0\n"));
  BOOST_TEST(holds(text, "Total params: 4,183\nTrainable params: 4,183\nNon-trainable params: 0\n"));
  BOOST_TEST(holds(text,
                   "Input size (MB): 0.000008\nForward/backward pass size (MB): 0.001251\n"
                   "Params size (MB): 0.015957\nEstimated Total Size (MB): 0.017216\n"));
}

BOOST_AUTO_TEST_CASE(frozen_parameters_are_told_apart) {
  SummaryInfo info = ring_net();
  info.rows[1].trainable_params = 0;
  BOOST_TEST(holds(classic_summary(info), "Total params: 61\nTrainable params: 21\nNon-trainable params: 40\n"));
  BOOST_TEST(holds(named_summary(info), "Parameters   61 (21 trainable, 40 frozen), 244 B\n"));
}

BOOST_AUTO_TEST_CASE(a_long_class_name_pushes_its_row_and_nothing_is_lost) {
  SummaryInfo info = ring_net();
  info.rows[0].type = "AdaptiveLogSoftmaxWithLoss";
  BOOST_TEST(
      holds(classic_summary(info), "\nAdaptiveLogSoftmaxWithLoss-1                    [-1, 4]              12\n"));
}

BOOST_AUTO_TEST_CASE(a_reused_layer_counts_again_only_in_the_classic_text) {
  SummaryInfo info = ring_net();
  info.rows.push_back(info.rows[0]);
  info.rows.back().reused = true;
  BOOST_TEST(holds(classic_summary(info), "Total params: 73\n"));
  BOOST_TEST(holds(named_summary(info), "Parameters   61 (61 trainable"));
  BOOST_TEST(holds(named_summary(info), "(reused)"));
  BOOST_TEST(holds(named_summary(info), "Per sample   56 MACs"));
}

BOOST_AUTO_TEST_CASE(a_module_with_children_stands_only_in_the_named_text) {
  SummaryInfo info = ring_net();
  const std::string without = classic_summary(info);
  info.rows.push_back({.type = "Net",
                       .output_shape = {-1, 1},
                       .params = 3,
                       .trainable_params = 3,
                       .name = "net",
                       .has_children = true});
  BOOST_TEST(classic_summary(info) == without);
  BOOST_TEST(holds(named_summary(info), "Parameters   64 (64 trainable"));
  BOOST_TEST(holds(named_summary(info), "\nnet    Net      [-1, 1]             3      0\n"));
}

BOOST_AUTO_TEST_CASE(a_model_without_layers_has_a_summary) {
  BOOST_TEST(holds(classic_summary({}), "Total params: 0\n"));
  BOOST_TEST(holds(classic_summary({}), "Input size (MB): 0.000000\n"));
  BOOST_TEST(holds(named_summary({}), "Parameters   0 (0 trainable, 0 frozen), 0 B\n"));
}

BOOST_AUTO_TEST_CASE(the_named_summary_shows_paths_shapes_parameters_and_macs) {
  SummaryInfo info = ring_net();
  info.rows[1].name = "encoder.fc2";
  BOOST_TEST(named_summary(info) == R"(Name          Layer    Output shape   Params   MACs
---------------------------------------------------
fc1           Linear   [-1, 4]            12      8
encoder.fc2   Linear   [-1, 8]            40     32
fc3           Linear   [-1, 1]             9      8
---------------------------------------------------
Parameters   61 (61 trainable, 0 frozen), 244 B
Per sample   48 MACs, 8 B input, 104 B outputs + gradients
)");
}

BOOST_AUTO_TEST_CASE(sizes_are_written_in_the_unit_that_suits_them) {
  SummaryInfo info;
  info.rows = {
      {.type = "Linear", .output_shape = {-1, 1024}, .params = 1 << 20, .trainable_params = 1 << 20, .name = "fc"}};
  info.input_shapes = {{512}, {512}};
  BOOST_TEST(holds(named_summary(info),
                   "0 frozen), 4.0 MiB\nPer sample   0 MACs, 4.0 KiB input, 8.0 KiB outputs + gradients\n"));
  info.bytes_per_number = 8;
  BOOST_TEST(holds(named_summary(info), "0 frozen), 8.0 MiB\n"));
  info.rows[0].params = info.rows[0].trainable_params = (1 << 20) / 8 - 1;
  BOOST_TEST(holds(named_summary(info), "0 frozen), 1.0 MiB\n"));
}

BOOST_AUTO_TEST_CASE(impossible_counts_are_refused) {
  SummaryInfo info = ring_net();
  info.rows[2].trainable_params = 10;
  BOOST_TEST(error_of<slope::ValueError>([&] { classic_summary(info); }) ==
             "classic_summary: layer Linear has 10 trainable parameters of 9");
  BOOST_TEST(error_of<slope::ValueError>([&] { named_summary(info); }) ==
             "named_summary: layer Linear has 10 trainable parameters of 9");
}

BOOST_AUTO_TEST_SUITE_END()
