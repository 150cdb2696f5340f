#include "slope/nn/layers/pooling.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "slope/nn/functional.h"
#include "support/checks.h"

using namespace slope;
using std::int64_t;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity(),
                 not_a_number = std::numeric_limits<double>::quiet_NaN();

struct Seeded {
  Seeded() { manual_seed(11); }
};

/// The cells of one window along one dimension: those on elements, and how many there are with padding.
struct Cells {
  std::vector<int64_t> real;
  int64_t padded = 0;
};

/// Written from the definition, without the mechanism: windows along one dimension.
std::vector<Cells> sliding(int64_t n, int64_t k, int64_t s, int64_t p, int64_t d, bool ceil) {
  const int64_t room = n + 2 * p - d * (k - 1) - 1;
  int64_t count = (ceil ? (room + s - 1) / s : room / s) + 1;
  if (ceil && (count - 1) * s >= n + p) --count;
  std::vector<Cells> all;
  for (int64_t o = 0; o < count; ++o) {
    Cells c;
    for (int64_t t = 0; t < k; ++t) {
      const int64_t at = o * s - p + t * d;
      if (at >= 0 && at < n) c.real.push_back(at);
      if (at < n + p) ++c.padded;
    }
    all.push_back(c);
  }
  return all;
}
std::vector<Cells> adaptive(int64_t n, int64_t o) {
  std::vector<Cells> all;
  for (int64_t i = 0; i < o; ++i) {
    Cells c;
    const auto begin =
        static_cast<int64_t>(std::floor(static_cast<double>(i) * static_cast<double>(n) / static_cast<double>(o)));
    const auto end =
        static_cast<int64_t>(std::ceil(static_cast<double>(i + 1) * static_cast<double>(n) / static_cast<double>(o)));
    for (int64_t at = begin; at < end; ++at) c.real.push_back(at);
    c.padded = static_cast<int64_t>(c.real.size());
    all.push_back(c);
  }
  return all;
}

struct Pooled {
  std::vector<double> largest, mean, mean_without_padding, sum;
  std::vector<double> place;
  Shape shape;
};

/// Every window of every plane, one after the other.
Pooled pool(const Tensor& x, const std::vector<std::vector<Cells>>& windows) {
  const int dims = static_cast<int>(windows.size()), lead = x.dim() - dims;
  const std::vector<double> data = x.to_vector<double>();
  std::vector<std::vector<Cells>> w(3 - windows.size(), {Cells{{0}, 1}});
  w.insert(w.end(), windows.begin(), windows.end());
  int64_t sizes[3] = {1, 1, 1}, planes = 1;
  for (int d = 0; d < lead; ++d) planes *= x.size(d);
  for (int d = 0; d < dims; ++d) sizes[3 - dims + d] = x.size(lead + d);
  Pooled out;
  for (int d = 0; d < lead; ++d) out.shape.push_back(x.size(d));
  for (const auto& axis : windows) out.shape.push_back(static_cast<int64_t>(axis.size()));
  for (int64_t p = 0; p < planes; ++p)
    for (const Cells& a : w[0])
      for (const Cells& b : w[1])
        for (const Cells& c : w[2]) {
          double largest = -infinity, sum = 0;
          int64_t place = -1, count = 0;
          for (const int64_t i : a.real)
            for (const int64_t j : b.real)
              for (const int64_t k : c.real) {
                const int64_t at = (i * sizes[1] + j) * sizes[2] + k;
                const double v = data[static_cast<std::size_t>(p * sizes[0] * sizes[1] * sizes[2] + at)];
                if (place < 0 || v > largest || std::isnan(v)) {
                  largest = v;
                  place = at;
                }
                sum += v;
                ++count;
              }
          out.largest.push_back(largest);
          out.place.push_back(static_cast<double>(place));
          out.sum.push_back(sum);
          out.mean.push_back(sum / static_cast<double>(a.padded * b.padded * c.padded));
          out.mean_without_padding.push_back(sum / static_cast<double>(count));
        }
  return out;
}

void check_same(const Tensor& got, const Shape& shape, const std::vector<double>& expected, double tolerance,
                const std::string& what) {
  BOOST_REQUIRE_EQUAL(to_text(got.shape()), to_text(shape));
  const std::vector<double> values = got.to_vector<double>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool same = same_number(values[i], expected[i]) || std::abs(values[i] - expected[i]) <= tolerance;
    BOOST_REQUIRE_MESSAGE(same, what << ", element " << i << ": " << values[i] << ", not " << expected[i]);
  }
}

const auto max_pools = std::vector{F::max_pool1d, F::max_pool2d, F::max_pool3d};
const auto max_pools_with_indices =
    std::vector{F::max_pool1d_with_indices, F::max_pool2d_with_indices, F::max_pool3d_with_indices};
const auto avg_pools = std::vector{F::avg_pool1d, F::avg_pool2d, F::avg_pool3d};

struct Numbers {
  Generator& g;
  int64_t operator()(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(g.next_below(static_cast<std::uint64_t>(high - low + 1)));
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(pooling, Seeded)

BOOST_AUTO_TEST_CASE(windows_of_any_options_are_pooled_as_their_definition_says) {
  Generator g(7);
  Numbers number{g};
  int tried = 0;
  for (int round = 0; round < 600; ++round) {
    const int dims = static_cast<int>(number(1, 3));
    Shape shape = {number(1, 2), number(1, 2)}, kernel, stride, padding, dilation;
    const bool ceil = number(0, 1) == 1;
    std::vector<std::vector<Cells>> dilated, plain;
    bool fits = true, has_elements = true;
    for (int d = 0; d < dims; ++d) {
      const int64_t n = number(1, d + 1 == dims ? 24 : 7), k = number(1, 4), s = number(1, 4);
      const int64_t p = number(0, k / 2), dil = number(1, 2);
      shape.push_back(n);
      kernel.push_back(k);
      stride.push_back(s);
      padding.push_back(p);
      dilation.push_back(dil);
      fits = fits && n + 2 * p >= dil * (k - 1) + 1;
      if (!fits) break;
      dilated.push_back(sliding(n, k, s, p, dil, ceil));
      plain.push_back(sliding(n, k, s, p, 1, ceil));
      for (const Cells& c : dilated.back()) has_elements = has_elements && !c.real.empty();
    }
    if (!fits) continue;
    ++tried;
    Tensor x = randn(shape, {.dtype = float64});
    if (round % 3 == 0) x = x.mul(2).round();  // ties
    if (round % 5 == 0) x = where(rand(shape) < 0.1, not_a_number, x);
    if (round % 7 == 0) x = where(rand(shape) < 0.3, -infinity, x);
    const auto i = static_cast<std::size_t>(dims - 1);
    const std::string what = concat("pooling ", shape, " by ", kernel, ", stride ", stride, ", padding ", padding);
    const Pooled largest = pool(x, dilated);
    const nn::MaxPoolOptions o{.stride = stride, .padding = padding, .dilation = dilation, .ceil_mode = ceil};
    for (DType dtype : {float64, float32}) {
      const Tensor in = x.to(dtype);
      const Pooled expected = dtype == float64 ? largest : pool(in, dilated);
      const auto [y, places] = max_pools_with_indices[i](in, kernel, o);
      check_same(y, expected.shape, expected.largest, 0, what);
      check_same(places, expected.shape, expected.place, 0, what + ", places");
      check_same(max_pools[i](in, kernel, o), expected.shape, expected.largest, 0, what + " without places");
    }
    const Pooled means = pool(x, plain);
    const auto average = [&](nn::AvgPoolOptions a) {
      a.stride = stride;
      a.padding = padding;
      a.ceil_mode = ceil;
      return avg_pools[i](x, kernel, a);
    };
    if (round % 5 == 0 || round % 7 == 0) continue;
    check_same(average({}), means.shape, means.mean, 1e-12, what + ", mean");
    check_same(average({.count_include_pad = false}), means.shape, means.mean_without_padding, 1e-12,
               what + ", mean of elements");
    check_same(average({.divisor_override = 1}), means.shape, means.sum, 1e-12, what + ", sum");
    check_same(average({.divisor_override = -2}) * -2, means.shape, means.sum, 1e-12, what + ", divided");
  }
  BOOST_TEST(tried > 300);
}

BOOST_AUTO_TEST_CASE(adaptive_pooling_covers_the_input_with_cells) {
  for (int64_t n = 1; n <= 9; ++n)
    for (int64_t o = 1; o <= 11; ++o) {
      const Tensor x = randn({2, 3, n, 5}, {.dtype = float64});
      const Pooled expected = pool(x, {adaptive(n, o), adaptive(5, 3)});
      const std::string what = concat("adaptive pooling of ", n, " to ", o);
      check_same(F::adaptive_avg_pool2d(x, {o, 3}), expected.shape, expected.mean, 1e-12, what);
      const auto [y, places] = F::adaptive_max_pool2d_with_indices(x, {o, 3});
      check_same(y, expected.shape, expected.largest, 0, what);
      check_same(places, expected.shape, expected.place, 0, what);
      BOOST_TEST(equal(F::adaptive_max_pool2d(x, {o, 3}), y));
    }
}

BOOST_AUTO_TEST_CASE(adaptive_sizes_may_be_kept_or_zero) {
  const Tensor x = randn({2, 3, 4, 5}, {.requires_grad = true});
  BOOST_TEST(F::adaptive_avg_pool2d(x, {std::nullopt, 2}).shape() == Shape({2, 3, 4, 2}));
  BOOST_TEST(F::adaptive_max_pool2d(x, {2, std::nullopt}).shape() == Shape({2, 3, 2, 5}));
  BOOST_TEST(equal(F::adaptive_avg_pool2d(x, {std::nullopt, std::nullopt}), x));
  for (const Tensor& y : {F::adaptive_avg_pool2d(x, {0, 2}), F::adaptive_max_pool2d(x, 0)}) {
    BOOST_TEST(y.numel() == 0);
    BOOST_TEST(equal(autograd::grad({y.sum()}, {x})[0], zeros_like(x.detach())));
  }
}

BOOST_AUTO_TEST_CASE(a_mean_of_a_million_floats_is_accurate) {
  const Tensor x = full({1, 1, 1000, 1000}, 0.1f) + rand({1, 1, 1000, 1000}) * 1e-3f;
  const double expected = x.to(float64).mean().item();
  BOOST_TEST(std::abs(F::adaptive_avg_pool2d(x, 1).item() - expected) < 1e-8);
  BOOST_TEST(std::abs(F::avg_pool2d(x, 1000).item() - expected) < 1e-8);
}

BOOST_AUTO_TEST_CASE(a_window_without_elements_is_minus_infinity_and_passes_no_gradient) {
  const Tensor x = tensor({{{1.0}}}, {.requires_grad = true});
  const auto [y, places] = F::max_pool1d_with_indices(x, 2, {.padding = 1, .dilation = 2});
  check_values(y, {-infinity});
  check_values(places, {-1});
  check_values(autograd::grad({y.sum()}, {x})[0], {0});
}

BOOST_AUTO_TEST_CASE(the_gradient_of_a_maximum_goes_to_one_place) {
  const Tensor x = tensor({{{2.0, 2.0, 1.0, 2.0}}}, {.requires_grad = true});
  check_values(autograd::grad({F::max_pool1d(x, 3, {.stride = 1}).sum()}, {x})[0], {1, 1, 0, 0});
  const Tensor bad = tensor({{{not_a_number, 3.0, not_a_number, 5.0}}}, {.requires_grad = true});
  check_values(autograd::grad({F::max_pool1d(bad, 4).sum()}, {bad})[0], {0, 0, 1, 0});
}

BOOST_AUTO_TEST_CASE(lp_pooling_is_the_norm_of_windows) {
  const Tensor x = tensor({{{3.0, 4.0, 0.0, 0.0, 1.0}}}, {.requires_grad = true});
  check_close(F::lp_pool1d(x, 2, 2), {5, 0}, 1e-12);
  check_close(F::lp_pool1d(x, 1, 2, {.ceil_mode = true}), {7, 0, 2}, 1e-12);  // the last window counts as two elements
  check_close(autograd::grad({F::lp_pool1d(x, 2, 2).sum()}, {x})[0], {0.6, 0.8, 0, 0, 0}, 1e-6);
  check_close(F::lp_pool3d(ones({1, 1, 2, 2, 2}), 3, 2), {2}, 1e-6);
}

BOOST_AUTO_TEST_CASE(unpooling_puts_elements_back) {
  const Tensor x = arange(16).to(float64).reshape({1, 1, 4, 4});
  const auto [y, places] = F::max_pool2d_with_indices(x, 2);
  check_values(F::max_unpool2d(y, places, 2), {0, 0, 0, 0, 0, 5, 0, 7, 0, 0, 0, 0, 0, 13, 0, 15});
  const Tensor odd = randn({2, 3, 5, 5});
  const auto [z, where_z] = F::max_pool2d_with_indices(odd, 2);
  const Tensor back = F::max_unpool2d(z, where_z, 2, {}, {5, 5});
  BOOST_TEST(back.shape() == odd.shape());
  BOOST_TEST(equal(F::max_pool2d(back.clamp(0, {}), 2).detach() >= 0, ones({2, 3, 2, 2}, {.dtype = boolean})));
  BOOST_TEST(equal(F::max_unpool2d(z, where_z, 2, {}, {7, 9, 5, 5}), back));  // leading sizes are ignored
  // Of two for one place the last stays, and both have its gradient.
  const Tensor twice = tensor({{{1.0, 2.0}}}, {.requires_grad = true});
  const Tensor u = F::max_unpool1d(twice, tensor({{{3, 3}}}), 2);
  check_values(u, {0, 0, 0, 2});
  check_values(autograd::grad({(u * tensor({1.0, 2.0, 3.0, 4.0})).sum()}, {twice})[0], {4, 4});
}

BOOST_AUTO_TEST_CASE(fractional_windows_start_where_their_samples_say) {
  // n = 10, k = 2, o = 4: α = 8/3; u = 0.5 gives ⌊(i + 1/2)·8/3⌋ - ⌊4/3⌋ = 0, 3, 5 and 8 for the last.
  const Tensor x = arange(100).to(float64).reshape({1, 1, 10, 10});
  const Tensor u = tensor({{{0.5, 0.0}}});  // of the width, and of the height: 0, 2, 5, 8
  const auto [y, places] = F::fractional_max_pool2d_with_indices(x, 2, {.output_size = 4}, u);
  check_values(y.select(2, 0).reshape({4}), {11, 14, 16, 19});
  check_values(y.select(3, 0).reshape({4}), {11, 31, 61, 91});
  BOOST_TEST(equal(places.to(float64), y));
  // Drawn windows lie inside, whatever is drawn, and differ from plane to plane.
  const Tensor many = arange(30).to(float64).reshape({1, 1, 1, 30}).expand({50, 4, 30, 30});
  const Tensor drawn = F::fractional_max_pool2d(many, {3, 2}, {.output_ratio = {0.5, 0.4}});
  BOOST_TEST(drawn.shape() == Shape({50, 4, 15, 12}));
  BOOST_TEST(drawn.max().item() == 29);
  BOOST_TEST(!equal(drawn[0][0], drawn[1][1]));
}

BOOST_AUTO_TEST_CASE(results_have_the_same_bits_for_every_number_of_threads_and_layout) {
  const Tensor x = randn({5, 9, 40, 38}), rows = randn({6, 7, 3000});
  const auto all = [&](const Tensor& image, const Tensor& row) {
    std::vector<Tensor> out;
    const auto add = [&](const auto& f, const Tensor& in) {
      const Tensor leaf = in.detach().requires_grad_();
      const Tensor y = f(leaf);
      out.push_back(y.detach());
      out.push_back(autograd::grad({(y * y).sum()}, {leaf})[0]);
    };
    add([](const Tensor& t) { return F::max_pool2d(t, 3, {.stride = 2, .padding = 1}); }, image);
    add([](const Tensor& t) { return F::max_pool2d(t, 2); }, image);
    add([](const Tensor& t) { return F::avg_pool2d(t, 3, {.stride = 2, .padding = 1}); }, image);
    add([](const Tensor& t) { return F::avg_pool1d(t, 7); }, row);
    add([](const Tensor& t) { return F::adaptive_avg_pool2d(t, {7, 5}); }, image);
    add([](const Tensor& t) { return F::adaptive_max_pool2d(t, {7, 5}); }, image);
    add([](const Tensor& t) { return F::interpolate(t, {.scale_factor = 1.7, .mode = F::InterpolateMode::bilinear}); },
        image);
    add([](const Tensor& t) { return F::fold(F::unfold(t, 3, {.padding = 1}), {40, 38}, 3, {.padding = 1}); }, image);
    return out;
  };
  const int threads = get_num_threads();
  set_num_threads(1);
  const std::vector<Tensor> one = all(x, rows);
  for (int n : {2, 5}) {
    set_num_threads(n);
    const std::vector<Tensor> more = all(x, rows);
    for (std::size_t i = 0; i < one.size(); ++i) BOOST_TEST(equal(one[i], more[i]), "result " << i);
  }
  set_num_threads(threads);
  const std::vector<Tensor> strided = all(x.permute({3, 0, 2, 1}).contiguous().permute({1, 3, 2, 0}), rows);
  for (std::size_t i = 0; i < one.size(); ++i) BOOST_TEST(equal(one[i], strided[i]), "result " << i);
}

BOOST_AUTO_TEST_CASE(modules_call_their_functions_and_print_as_in_python) {
  const Tensor x = randn({2, 3, 6, 8});
  const auto printed = [](const nn::Module& m) { return m.to_string(); };
  nn::MaxPool2d pool(3, {.stride = 2, .padding = {1, 0}});
  BOOST_TEST(equal(pool(x), F::max_pool2d(x, 3, {.stride = 2, .padding = {1, 0}})));
  BOOST_TEST(equal(pool.forward_with_indices(x).second,
                   F::max_pool2d_with_indices(x, 3, {.stride = 2, .padding = {1, 0}}).second));
  BOOST_TEST(printed(pool) == "MaxPool2d(kernel_size=3, stride=2, padding=(1, 0), dilation=1, ceil_mode=False)");
  BOOST_TEST(printed(nn::AvgPool2d({2, 3})) == "AvgPool2d(kernel_size=(2, 3), stride=(2, 3), padding=0)");
  BOOST_TEST(printed(nn::LPPool2d(2, 3)) == "LPPool2d(norm_type=2.0, kernel_size=3, stride=None, ceil_mode=False)");
  BOOST_TEST(printed(nn::AdaptiveAvgPool2d({std::nullopt, 7})) == "AdaptiveAvgPool2d(output_size=(None, 7))");
  BOOST_TEST(printed(nn::AdaptiveMaxPool1d(3)) == "AdaptiveMaxPool1d(output_size=3)");
  BOOST_TEST(printed(nn::MaxUnpool2d(2)) == "MaxUnpool2d(kernel_size=2, stride=2, padding=0)");
  nn::FractionalMaxPool2d fractional(2, {.output_size = {3, 4}});
  const Tensor u = rand({2, 3, 2});
  BOOST_TEST(equal(fractional(x, u), F::fractional_max_pool2d(x, 2, {.output_size = {3, 4}}, u)));
  BOOST_TEST(fractional(x).shape() == Shape({2, 3, 3, 4}));
}

BOOST_AUTO_TEST_SUITE_END()
