// The raw products of the same size: the calls of BLAS on columns that were laid out before, for convolutions of 16 channels or
// more.
#include <cblas.h>

#include <algorithm>
#include <memory>

#include "conv.h"
#include "harness.h"

using namespace compare::conv;

namespace {

using Values = std::vector<float>;

/// A convolution as the transposed one's derivative sees it: `wide` is the side of the kernel's taps.
struct Products {
  Case c;
  std::int64_t wide_channels = c.transposed ? c.out : c.in, narrow_channels = c.transposed ? c.in : c.out;
  std::int64_t wide_height = c.transposed ? c.out_height() : c.height,
               wide_width = c.transposed ? c.out_width() : c.width;
  std::int64_t narrow_height = c.transposed ? c.height : c.out_height(),
               narrow_width = c.transposed ? c.width : c.out_width();
  std::int64_t rows = narrow_channels, inner = wide_channels * c.kernel_height * c.kernel_width;
  std::int64_t positions = narrow_height * narrow_width, columns = c.batch * positions;
  Values weight = weight_values(c), bias = bias_values(c);
  /// x and the gradient, of which one is taps x positions.
  Values taps = unfolded(c.transposed ? grad_values(c) : x_values(c));
  Values narrow = side_by_side(c.transposed ? x_values(c) : grad_values(c));
  Values product_taps = Values(taps.size()), product_narrow = Values(narrow.size()), product_weight = weight;

  /// f(tap's row, column, where the tap lies in a tensor).
  template <class F>
  void each_tap(const F& f) const {
    const int pad_height = c.dims == 1 ? 0 : static_cast<int>(c.padding);
    const std::int64_t step = c.dims == 1 ? 1 : c.stride;
    for (std::int64_t n = 0; n < c.batch; ++n)
      for (std::int64_t k = 0; k < inner; ++k)
        for (std::int64_t p = 0; p < positions; ++p) {
          const std::int64_t q = k % (c.kernel_height * c.kernel_width),
                             channel = k / (c.kernel_height * c.kernel_width);
          const std::int64_t y = p / narrow_width * step - pad_height + q / c.kernel_width;
          const std::int64_t x = p % narrow_width * c.stride - c.padding + q % c.kernel_width;
          if (y >= 0 && y < wide_height && x >= 0 && x < wide_width)
            f(static_cast<std::size_t>(k * columns + n * positions + p),
              static_cast<std::size_t>(((n * wide_channels + channel) * wide_height + y) * wide_width + x));
        }
  }
  Values unfolded(const Values& tensor) const {
    Values all(static_cast<std::size_t>(inner * columns));
    each_tap([&](std::size_t tap, std::size_t at) { all[tap] = tensor[at]; });
    return all;
  }
  Values folded(const Values& all) const {
    Values tensor(static_cast<std::size_t>(c.batch * wide_channels * wide_height * wide_width));
    each_tap([&](std::size_t tap, std::size_t at) { tensor[at] += all[tap]; });
    return tensor;
  }
  /// From batch x channels x positions to channels x batch x positions.
  Values side_by_side(const Values& tensor) const {
    Values all(tensor.size());
    for (std::int64_t n = 0; n < c.batch; ++n)
      for (std::int64_t m = 0; m < rows; ++m)
        std::copy_n(tensor.data() + (n * rows + m) * positions, positions, all.data() + m * columns + n * positions);
    return all;
  }

  /// narrow = weight · taps.
  void forward(Values& to) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, int(rows), int(columns), int(inner), 1, weight.data(),
                int(inner), taps.data(), int(columns), 0, to.data(), int(columns));
  }
  /// taps = weightᵀ · narrow.
  void backward(Values& to) {
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, int(inner), int(columns), int(rows), 1, weight.data(),
                int(inner), narrow.data(), int(columns), 0, to.data(), int(columns));
  }
  /// weight = narrow · tapsᵀ.
  void by_weight() {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, int(rows), int(inner), int(columns), 1, narrow.data(),
                int(columns), taps.data(), int(columns), 0, product_weight.data(), int(inner));
  }
  /// The result before the bias, and the gradient of the input.
  void result() { c.transposed ? backward(product_taps) : forward(product_narrow); }
  void by_input() { c.transposed ? forward(product_narrow) : backward(product_taps); }

  double check_result() {
    result();
    Values y = c.transposed ? folded(product_taps) : product_narrow;
    const std::int64_t row = static_cast<std::int64_t>(y.size()) / (c.transposed ? c.batch * c.out : c.out);
    for (std::size_t i = 0; i < y.size(); ++i)
      y[i] += bias[static_cast<std::size_t>(static_cast<std::int64_t>(i) / row % c.out)];
    return compare::magnitude(y);
  }
  double check_gradients() {
    by_input();
    by_weight();
    const Values grad = grad_values(c);
    std::vector<double> sums(static_cast<std::size_t>(c.out));
    const std::int64_t row = c.out_height() * c.out_width();
    for (std::size_t i = 0; i < grad.size(); ++i)
      sums[static_cast<std::size_t>(static_cast<std::int64_t>(i) / row % c.out)] += static_cast<double>(grad[i]);
    double sum =
        compare::magnitude(c.transposed ? product_narrow : folded(product_taps)) + compare::magnitude(product_weight);
    for (const double s : sums) sum += std::abs(s);
    return sum;
  }
};

compare::Work work_of(const Case& c, bool backward) {
  const auto p = std::make_shared<Products>(Products{c});
  if (!backward) return {.run = [=] { p->result(); }, .check = [=] { return p->check_result(); }};
  return {.run =
              [=] {
                p->result();
                p->by_input();
                p->by_weight();
              },
          .check = [=] { return p->check_gradients(); }};
}

const compare::Registered registered([] {
  for (const Case& c : cases())
    for (const bool backward : {false, true})
      if (std::min(c.in, c.out) / c.groups >= 16)
        compare::limit_works().add(name_of(c, backward), [=] { return work_of(c, backward); });
});

}  // namespace
