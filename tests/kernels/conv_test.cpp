#include "slope/autograd/kernels/window/conv.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/isa_support.h"
#include "slope/autograd/core/parallel.h"

using namespace slope;
using slope::tests::for_each_isa;
using std::int64_t;

namespace {

struct Case {
  int dims;
  ConvSizes sizes;
  Shape input;
  WindowOptions options;
};

/// Every way of reading, number of rows and kind of stride, with sizes that no vector divides.
std::vector<Case> cases() {
  const auto one = [](int64_t n, int64_t g, int64_t out, int64_t in, int64_t l, const WindowOptions& o) {
    return Case{1, {n, g, out, in}, {l}, o};
  };
  const auto two = [](int64_t n, int64_t g, int64_t out, int64_t in, const Shape& size, const WindowOptions& o) {
    return Case{2, {n, g, out, in}, size, o};
  };
  const auto three = [](int64_t n, int64_t g, int64_t out, int64_t in, const Shape& size, const WindowOptions& o) {
    return Case{3, {n, g, out, in}, size, o};
  };
  return {
      one(2, 1, 3, 2, 7, {.kernel = 3, .stride = 1, .padding = 1}),
      one(1, 1, 9, 1, 40, {.kernel = 5, .stride = 3, .padding = 2, .dilation = 2}),
      one(3, 2, 17, 5, 33, {.kernel = 4, .stride = 1, .padding = 2, .padding_after = 1}),
      one(1, 1, 1, 1, 1000, {.kernel = 9, .stride = 1}),
      one(2, 1, 4, 3, 8, {.kernel = 2, .stride = 5, .padding = 3}),
      one(2, 3, 1, 1, 5, {.kernel = 5, .stride = 2, .padding = 4, .dilation = 2}),
      one(1, 1, 40, 300, 3, {.kernel = 1, .stride = 1}),
      two(2, 1, 8, 3, {9, 16}, {.kernel = 3, .stride = 1, .padding = 1}),
      two(3, 1, 16, 4, {6, 7}, {.kernel = {3, 2}, .stride = 1, .padding = {1, 0}}),
      two(2, 1, 33, 2, {5, 5}, {.kernel = 3, .stride = 2, .padding = 1}),
      two(2, 1, 64, 8, {8, 8}, {.kernel = 3, .stride = 1, .padding = 1}),
      two(2, 1, 40, 30, {4, 8}, {.kernel = 1, .stride = 1}),
      two(1, 1, 70, 3, {20, 32}, {.kernel = 1, .stride = 1}),
      two(2, 1, 5, 9, {12, 5}, {.kernel = 1, .stride = 2, .padding = 1}),
      two(2, 6, 1, 1, {10, 32}, {.kernel = 3, .stride = 1, .padding = 1}),
      two(2, 5, 2, 1, {10, 6}, {.kernel = 3, .stride = 2, .padding = 2, .dilation = {1, 2}}),
      two(1, 2, 12, 3, {17, 31}, {.kernel = {5, 4}, .stride = {3, 2}, .padding = {0, 3}, .dilation = {2, 3}}),
      two(1, 1, 16, 2, {70, 70}, {.kernel = {2, 3}, .stride = 1, .padding = 1}),
      two(4, 1, 24, 20, {3, 3}, {.kernel = 3, .stride = 1, .padding = 1}),
      two(0, 1, 2, 3, {4, 4}, {.kernel = 3, .stride = 1}),
      three(2, 1, 6, 2, {4, 5, 6}, {.kernel = 2, .stride = 1, .padding = 1}),
      three(1, 2, 9, 2, {5, 6, 7},
            {.kernel = {3, 1, 2}, .stride = {2, 1, 3}, .padding = {1, 0, 1}, .dilation = {1, 2, 2}}),
      three(1, 1, 20, 3, {3, 4, 16}, {.kernel = {3, 1, 1}, .stride = 1}),
  };
}

template <class T>
std::vector<T> numbers(int64_t n, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<T> x(static_cast<std::size_t>(n));
  for (T& v : x) v = static_cast<T>(normal(engine));
  return x;
}

/// A convolution written as its definition: f(index of x, of weight, of y) for every product.
template <class F>
void each_product(const Window& w, const ConvSizes& s, const F& f) {
  const auto& [depth, height, width] = w.axes;
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t o = 0; o < s.groups * s.out; ++o)
      for (int64_t p = 0; p < w.outputs(); ++p)
        for (int64_t c = 0; c < s.in; ++c)
          for (int64_t q = 0; q < w.taps(); ++q) {
            const int64_t z = depth.position(p / width.output / height.output, q / width.kernel / height.kernel),
                          y = height.position(p / width.output % height.output, q / width.kernel % height.kernel),
                          x = width.position(p % width.output, q % width.kernel);
            if (!depth.inside(z) || !height.inside(y) || !width.inside(x)) continue;
            const int64_t channel = (n * s.groups + o / s.out) * s.in + c;
            f(static_cast<std::size_t>(((channel * depth.input + z) * height.input + y) * width.input + x),
              static_cast<std::size_t>((o * s.in + c) * w.taps() + q),
              static_cast<std::size_t>((n * s.groups * s.out + o) * w.outputs() + p));
          }
}

/// What was computed and what it must be, with the sum of magnitudes that bounds the error.
struct Expected {
  explicit Expected(std::size_t n) : value(n), size(n) {}
  void add(std::size_t i, double product) {
    value[i] += product;
    size[i] += std::abs(product);
  }
  std::vector<double> value, size;
};

template <class T>
void check_near(const std::vector<T>& got, const Expected& expected, const char* what) {
  const double eps = std::numeric_limits<T>::epsilon();
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i)
    worst =
        std::max(worst, std::abs(static_cast<double>(got[i]) - expected.value[i]) / (eps * (expected.size[i] + 1e-30)));
  BOOST_TEST(worst <= 8, what << ": " << worst << " eps of the sum of magnitudes");
}

template <class T>
struct Results {
  std::vector<T> y, x, weight;
};

/// The three products of a case, on memory of x and y as `gap` says: elements of a row that far apart.
template <class T>
struct Convolved {
  Case c;
  Window w;
  std::vector<T> x, weight, y, bias, input_bias;

  explicit Convolved(const Case& given)
      : c(given), w(sliding_window("conv", given.input, given.dims, given.options, {})) {
    const ConvSizes& s = c.sizes;
    x = numbers<T>(s.batch * s.groups * s.in * w.inputs(), 1);
    y = numbers<T>(s.batch * s.groups * s.out * w.outputs(), 2);
    weight = numbers<T>(s.groups * s.out * s.in * w.taps(), 3);
    bias = numbers<T>(s.groups * s.out, 4);
    input_bias = numbers<T>(s.groups * s.in, 5);
  }

  /// A copy of `dense` with other strides: channels last and gaps, or dense.
  struct Laid {
    std::vector<T> memory;
    Field<const T> field;
  };
  Laid laid(const std::vector<T>& dense, int64_t channels, int64_t WindowAxis::* size, bool strided) const {
    const int64_t d = w.depth().*size, h = w.height().*size, wide = w.width().*size, all = d * h * wide;
    Laid l;
    if (!strided) {
      l.memory = dense;
      l.field = {l.memory.data(), channels * all, all, {h * wide, wide, 1}};
      return l;
    }
    const int64_t step = 2 * channels + 1;
    l.memory.assign(static_cast<std::size_t>(c.sizes.batch * all * step), std::numeric_limits<T>::quiet_NaN());
    l.field = {l.memory.data(), all * step, 2, {h * wide * step, wide * step, step}};
    for (std::size_t i = 0; i < dense.size(); ++i) {
      const auto at = static_cast<int64_t>(i), p = at % all, channel = at / all % channels, n = at / all / channels;
      l.memory[static_cast<std::size_t>(n * all * step + p * step + channel * 2)] = dense[i];
    }
    return l;
  }

  Results<T> run(bool strided, bool with_bias) const {
    const ConvSizes& s = c.sizes;
    const Laid from_x = laid(x, s.groups * s.in, &WindowAxis::input, strided),
               from_y = laid(y, s.groups * s.out, &WindowAxis::output, strided);
    const T nan = std::numeric_limits<T>::quiet_NaN();
    Results<T> r{std::vector<T>(y.size(), nan), std::vector<T>(x.size(), nan), std::vector<T>(weight.size(), nan)};
    conv<T>(w, s, from_x.field, weight.data(), with_bias ? bias.data() : nullptr, r.y.data());
    conv_input<T>(w, s, from_y.field, weight.data(), with_bias ? input_bias.data() : nullptr, r.x.data());
    // Where a kernel is flat in height and width, x is dense for all who call it.
    const bool flat = w.height().kernel == 1 && w.width().kernel == 1;
    const Laid weight_x = laid(x, s.groups * s.in, &WindowAxis::input, strided && !flat);
    conv_weight<T>(w, s, weight_x.field, y.data(), r.weight.data());
    return r;
  }

  void check(const Results<T>& r, bool with_bias) const {
    Expected of_y(y.size()), of_x(x.size()), of_weight(weight.size());
    if (with_bias) {
      const auto channel = [](std::size_t i, int64_t size, int64_t channels) {
        return static_cast<std::size_t>(static_cast<int64_t>(i) / size % channels);
      };
      const ConvSizes& s = c.sizes;
      for (std::size_t i = 0; i < y.size(); ++i)
        of_y.add(i, static_cast<double>(bias[channel(i, w.outputs(), s.groups * s.out)]));
      for (std::size_t i = 0; i < x.size(); ++i)
        of_x.add(i, static_cast<double>(input_bias[channel(i, w.inputs(), s.groups * s.in)]));
    }
    each_product(w, c.sizes, [&](std::size_t i, std::size_t k, std::size_t o) {
      of_y.add(o, static_cast<double>(x[i]) * static_cast<double>(weight[k]));
      of_x.add(i, static_cast<double>(y[o]) * static_cast<double>(weight[k]));
      of_weight.add(k, static_cast<double>(x[i]) * static_cast<double>(y[o]));
    });
    check_near(r.y, of_y, "forward");
    check_near(r.x, of_x, "by input");
    check_near(r.weight, of_weight, "by weight");
  }
};

std::string text(const Case& c) {
  const WindowOptions& o = c.options;
  return concat(c.dims, "d, batch ", c.sizes.batch, ", groups ", c.sizes.groups, ", out ", c.sizes.out, ", in ",
                c.sizes.in, ", input ", c.input, ", kernel ", std::span<const int64_t>(o.kernel), ", stride ",
                std::span<const int64_t>(o.stride), ", padding ", std::span<const int64_t>(o.padding), ", dilation ",
                std::span<const int64_t>(o.dilation));
}

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <class T>
void check_all() {
  for_each_isa([] {
    for (const Case& c : cases()) BOOST_TEST_CONTEXT(text(c)) {
        const Convolved<T> convolved(c);
        const Results<T> plain = convolved.run(false, false);
        convolved.check(plain, false);
        convolved.check(convolved.run(false, true), true);
        const Results<T> strided = convolved.run(true, false);
        BOOST_TEST(same(plain.y, strided.y), "forward has other bits in another layout");
        BOOST_TEST(same(plain.x, strided.x), "by input has other bits in another layout");
        BOOST_TEST(same(plain.weight, strided.weight), "by weight has other bits in another layout");
      }
  });
}

/// Restores the number of threads.
struct Threads {
  int before = get_num_threads();
  ~Threads() { set_num_threads(before); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(conv_kernels)

BOOST_AUTO_TEST_CASE(compute_the_sums_of_their_definition_in_float) { check_all<float>(); }

BOOST_AUTO_TEST_CASE(compute_the_sums_of_their_definition_in_double) { check_all<double>(); }

BOOST_AUTO_TEST_CASE(have_the_same_bits_for_every_number_of_threads) {
  const Threads restore;
  for (const Case& c : {Case{2, {9, 1, 40, 20}, {14, 15}, {.kernel = 3, .stride = 1, .padding = 1}},
                        Case{2, {1, 1, 24, 16}, {40, 40}, {.kernel = 3, .stride = 2, .padding = 1}},
                        Case{2, {1, 1, 100, 64}, {12, 12}, {.kernel = 3, .stride = 1}},
                        Case{2, {7, 30, 1, 1}, {30, 30}, {.kernel = 3, .stride = 1, .padding = 1}},
                        Case{3, {2, 2, 10, 6}, {9, 10, 11}, {.kernel = 3, .stride = 1, .padding = 1}},
                        Case{2, {5, 1, 60, 50}, {16, 16}, {.kernel = 1, .stride = 1}},
                        Case{1, {3, 1, 5, 4}, {5000}, {.kernel = 7, .stride = 1}}})
    BOOST_TEST_CONTEXT(text(c)) {
      const Convolved<float> convolved(c);
      set_num_threads(1);
      const Results<float> one = convolved.run(false, true);
      convolved.check(one, true);
      for (const int threads : {2, 3, 8}) {
        set_num_threads(threads);
        const Results<float> many = convolved.run(false, true);
        BOOST_TEST(same(one.y, many.y), "forward, " << threads << " threads");
        BOOST_TEST(same(one.x, many.x), "by input, " << threads << " threads");
        BOOST_TEST(same(one.weight, many.weight), "by weight, " << threads << " threads");
      }
    }
}

BOOST_AUTO_TEST_CASE(sum_the_gradient_of_a_weight_in_double) {
  // A million equal positions: in float the sum would stop growing exactly.
  const Case c{1, {1, 1, 1, 1}, {1 << 20}, {.kernel = 1, .stride = 1}};
  const Window w = sliding_window("conv", c.input, 1, c.options, {});
  const std::vector<float> x(1 << 20, 0.1F), y(1 << 20, 1.0F);
  float weight = 0;
  conv_weight<float>(w, c.sizes, {x.data(), 1 << 20, 1 << 20, {0, 0, 1}}, y.data(), &weight);
  BOOST_TEST(std::abs(weight - static_cast<float>((1 << 20) * static_cast<double>(0.1F))) <= 0.05F);
}

BOOST_AUTO_TEST_CASE(keep_what_is_not_finite_where_it_belongs) {
  // Lanes that are computed in vain and rows that fill a tile must not reach a result.
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    const Case c{2, {1, 1, 3, 2}, {5, 7}, {.kernel = 1, .stride = 1}};
    Convolved<float> convolved(c);
    convolved.x.back() = bad;
    convolved.y.front() = bad;
    const Results<float> r = convolved.run(false, false);
    for (std::size_t i = 0; i < r.y.size(); ++i) BOOST_TEST(std::isfinite(r.y[i]) == (i % 35 != 34));
    for (std::size_t i = 0; i < r.x.size(); ++i) BOOST_TEST(std::isfinite(r.x[i]) == (i % 35 != 0));
    // Weight [o, c] sums channel c of x times channel o of y: the last of x, the first of y.
    for (std::size_t i = 0; i < r.weight.size(); ++i)
      BOOST_TEST(std::isfinite(r.weight[i]) == (i % 2 == 0 && i / 2 > 0));
  }
}

BOOST_AUTO_TEST_SUITE_END()
