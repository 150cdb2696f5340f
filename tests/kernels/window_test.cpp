#include "slope/autograd/kernels/window/window.h"

#include <boost/test/unit_test.hpp>
#include <vector>

using namespace slope;
using std::int64_t;

namespace {

/// All axes of small numbers, described once: f(input, kernel, stride, before, after, dilation).
template <class F>
void each_axis(const F& f) {
  for (int64_t input : {0, 1, 2, 5, 6})
    for (int64_t kernel : {1, 2, 3})
      for (int64_t stride : {1, 2, 3})
        for (int64_t before : {0, 1, 2})
          for (int64_t after : {0, 1, 3})
            for (int64_t dilation : {1, 2}) f(input, kernel, stride, before, after, dilation);
}

WindowOptions options(int64_t kernel, int64_t stride, int64_t before, int64_t after, int64_t dilation) {
  return {.kernel = kernel, .stride = stride, .padding = before, .dilation = dilation, .padding_after = after};
}

/// The numbers [0, n) for which `holds`, which must be neighbours.
template <class F>
void check_range(const TapRange& range, int64_t n, const F& holds) {
  for (int64_t i = 0; i < n; ++i) BOOST_TEST((i >= range.begin && i < range.end) == holds(i));
  BOOST_TEST((range.size() == 0 || (range.begin >= 0 && range.end <= n)));
}

template <class E, class F>
void check_error(const char* text, const F& f) {
  BOOST_CHECK_EXCEPTION(f(), E, [&](const E& e) {
    if (std::string(e.what()) != text) BOOST_TEST_MESSAGE(e.what());
    return std::string(e.what()) == text;
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(windows)

BOOST_AUTO_TEST_CASE(as_many_slide_as_fit_the_padded_input) {
  each_axis([](auto input, auto kernel, auto stride, auto before, auto after, auto dilation) {
    int64_t fit = 0;
    while (fit * stride + dilation * (kernel - 1) < input + before + after) ++fit;
    const WindowOptions o = options(kernel, stride, before, after, dilation);
    if (fit == 0) {
      BOOST_CHECK_THROW(sliding_window("pool", {2, input}, 1, o, {}), ShapeError);
      return;
    }
    const Window w = sliding_window("pool", {2, input}, 1, o, {});
    BOOST_TEST(w.width().output == fit);
    BOOST_TEST(w.output_shape({2, input}) == Shape({2, fit}));
    BOOST_TEST(w.input_shape({2, fit}) == Shape({2, input}));
  });
}

BOOST_AUTO_TEST_CASE(with_ceil_mode_every_place_of_the_input_is_in_reach_of_the_last_window) {
  each_axis([](auto input, auto kernel, auto stride, auto before, auto, auto dilation) {
    if (2 * before > kernel) return;  // pooling takes no more
    WindowOptions o = options(kernel, stride, before, before, dilation);
    o.ceil_mode = true;
    // Windows that begin before the padding behind; the first always, the others if a place they cover is not covered before.
    const int64_t extent = dilation * (kernel - 1) + 1, padded = input + 2 * before;
    int64_t count = 1;
    while ((count - 1) * stride + extent < padded && count * stride < input + before) ++count;
    if (padded - extent + stride <= 0) return;  // not even one
    BOOST_TEST(sliding_window("pool", {input}, 1, o, {}).width().output == count);
  });
}

BOOST_AUTO_TEST_CASE(taps_and_outputs_are_those_that_lie_on_elements) {
  each_axis([](auto input, auto kernel, auto stride, auto before, auto after, auto dilation) {
    if (input + before + after <= dilation * (kernel - 1)) return;
    const WindowAxis a =
        sliding_window("pool", {input}, 1, options(kernel, stride, before, after, dilation), {}).width();
    bool all = true;
    for (int64_t o = 0; o < a.output; ++o)
      check_range(a.taps(o), kernel, [&](int64_t k) { return a.inside(a.position(o, k)); });
    for (int64_t k = 0; k < kernel; ++k)
      check_range(a.outputs(k), a.output, [&](int64_t o) { return a.inside(a.position(o, k)); });
    for (int64_t o = 0; o < a.output; ++o) all = all && a.taps(o).size() == kernel;
    BOOST_TEST(a.all_inside() == all);
  });
}

BOOST_AUTO_TEST_CASE(a_transposed_window_slides_over_what_it_makes) {
  each_axis([](auto output, auto kernel, auto stride, auto before, auto after, auto dilation) {
    for (int64_t extra = 0; extra < stride; ++extra) {
      const WindowOptions o = options(kernel, stride, before, after, dilation);
      const int64_t size = (output - 1) * stride + dilation * (kernel - 1) + 1 + extra - before - after;
      if (size < 1) {
        BOOST_CHECK_THROW(transposed_window("conv_transpose1d", {output}, 1, o, extra, {}), ShapeError);
        continue;
      }
      const Window w = transposed_window("conv_transpose1d", {output}, 1, o, extra, {});
      BOOST_TEST(w.width().input == size);
      if (output > 0) BOOST_TEST(sliding_window("conv1d", {size}, 1, o, {}).width().output == output);
    }
  });
}

BOOST_AUTO_TEST_CASE(fewer_dimensions_are_the_last_of_three) {
  const Window w = sliding_window("conv2d", {7, 3, 10, 8}, 2, {.kernel = {3, 2}, .stride = 2, .padding = {1, 0}}, {});
  BOOST_TEST(w.depth().input == 1);
  BOOST_TEST(w.depth().output == 1);
  BOOST_TEST(w.height().output == 5);
  BOOST_TEST(w.width().output == 4);
  BOOST_TEST(w.taps() == 6);
  BOOST_TEST(w.inputs() == 80);
  BOOST_TEST(w.outputs() == 20);
  BOOST_TEST(!w.all_inside());
  BOOST_TEST(w.output_shape({7, 3, 10, 8}) == Shape({7, 3, 5, 4}));
}

BOOST_AUTO_TEST_CASE(without_a_stride_windows_do_not_overlap) {
  const Window w = sliding_window("max_pool2d", {6, 6}, 2, {.kernel = {3, 2}}, {});
  BOOST_TEST(w.height().stride == 3);
  BOOST_TEST(w.width().stride == 2);
}

BOOST_AUTO_TEST_CASE(numbers_out_of_range_are_errors_with_a_sentence) {
  const auto slide = [](const WindowOptions& o) { return [=] { sliding_window("conv2d", {4, 4}, 2, o, {}); }; };
  check_error<ValueError>("conv2d: kernel size should be greater than zero, got [0, 2]", slide({.kernel = {0, 2}}));
  check_error<ValueError>("conv2d: non-positive stride is not supported, got [1, 0]", slide({.stride = {1, 0}}));
  check_error<ValueError>("conv2d: negative padding is not supported, got [-1, -1]", slide({.padding = -1}));
  check_error<ValueError>("conv2d: dilation should be greater than zero, got [0, 0]", slide({.dilation = 0}));
  check_error<ValueError>(
      "conv2d: expected stride to be a single integer value or a list of 2 values to match the dimensions, but got "
      "stride=[1, 2, 3]",
      slide({.stride = {1, 2, 3}}));
  check_error<ShapeError>(
      "conv2d: Calculated padded input size per channel: (4 x 6). Kernel size: (5 x 1). Kernel size can't be greater than "
      "actual input size",
      slide({.kernel = {3, 1}, .padding = {0, 1}, .dilation = 2}));
  check_error<ShapeError>(
      "conv_transpose1d: Given input size per channel: (3). Calculated output size per channel: (-3). Output size is too "
      "small",
      [] { transposed_window("conv_transpose1d", {3}, 1, {.kernel = 1, .stride = 1, .padding = 3}, 0, {}); });
  check_error<ValueError>("conv_transpose1d: negative output_padding is not supported, got [-1]",
                          [] { transposed_window("conv_transpose1d", {3}, 1, {.kernel = 1}, -1, {}); });
}

BOOST_AUTO_TEST_CASE(numbers_that_int64_cannot_add_are_errors) {
  const int64_t most = INT64_MAX;
  for (const WindowOptions& o : {WindowOptions{.kernel = most, .dilation = most}, WindowOptions{.padding = most},
                                 WindowOptions{.kernel = most, .padding = most / 2 + 1}})
    BOOST_CHECK_THROW(sliding_window("conv1d", {4}, 1, o, {}), ShapeError);
  BOOST_CHECK_THROW(transposed_window("conv1d", {4}, 1, {.stride = most}, 0, {}), ShapeError);
  BOOST_TEST(sliding_window("conv1d", {4}, 1, {.stride = most}, {}).width().output == 1);
}

BOOST_AUTO_TEST_SUITE_END()
