#include "slope/autograd/kernels/recurrence/internal/recurrence.h"

#include <algorithm>
#include <optional>

#include "slope/autograd/core/internal/scratch.h"
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/gemm/packed_gemm.h"
#include "slope/autograd/kernels/recurrence/internal/step_product.h"

namespace slope {

namespace {

using std::int64_t;

/// Sequences [begin, end) of one step that all go on from an earlier step, or all begin.
struct Segment {
  int64_t t, begin, end;
  int64_t before;  ///< the step they come from, or -1
  int64_t rows() const { return end - begin; }
};

/// The steps of sequences [first, last) in the order in which they are taken, or backwards: `f(segment)`. Which of a step's
/// sequences begin with it depends on the direction: going forward all of them at once, in reverse the shorter ones later.
template <class F>
void each_segment(const SequenceSteps& steps, bool reverse, bool backwards, int64_t first, int64_t last, const F& f) {
  const int64_t count = steps.steps();
  for (int64_t k = 0; k < count; ++k) {
    const int64_t taken = backwards ? count - 1 - k : k;
    const int64_t t = reverse ? count - 1 - taken : taken, before = taken == 0 ? -1 : reverse ? t + 1 : t - 1;
    const int64_t end = std::min(last, steps.size(t));
    const int64_t go_on = before < 0 ? first : std::clamp(steps.size(before), first, std::max(first, end));
    if (go_on > first) f(Segment{t, first, go_on, before});
    if (end > go_on) f(Segment{t, go_on, end, -1});
  }
}

/// The sequences cut into shares for the threads: as many steps in each, in whole tiles of the products.
std::vector<int64_t> shares_of(const SequenceSteps& steps, int64_t products_per_row) {
  constexpr int64_t tile = 8;
  const int64_t batch = steps.batch();
  // Work below which a second thread does not pay: some 20 us of multiply-adds.
  constexpr double worthwhile = 1e6;
  const double work = multiply_adds(steps.rows(), products_per_row, 1);
  const auto most = static_cast<int64_t>(std::min(work / worthwhile, static_cast<double>(get_num_threads())));
  const int64_t shares = std::clamp<int64_t>(most, 1, std::max<int64_t>(1, batch / tile));
  std::vector<int64_t> bounds = {0};
  int64_t rows = 0;
  for (int64_t i = 0; i < batch && shares > 1; ++i) {
    rows += steps.length(i);
    const auto cut = static_cast<int64_t>(bounds.size());
    if ((i + 1) % tile == 0 && cut < shares && rows >= steps.rows() / shares * cut) bounds.push_back(i + 1);
  }
  if (bounds.back() < batch) bounds.push_back(batch);
  return bounds;
}

/// `f(first, last)` for each share, on the threads.
template <class F>
void on_shares(const SequenceSteps& steps, int64_t products_per_row, const F& f) {
  if (steps.steps() == 1) return f(0, steps.batch());  // its product takes the threads
  const std::vector<int64_t> bounds = shares_of(steps, products_per_row);
  parallel_for(static_cast<int64_t>(bounds.size()) - 1, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      f(bounds[static_cast<std::size_t>(i)], bounds[static_cast<std::size_t>(i) + 1]);
  });
}

/// B [k, n] for the products of all steps: laid out once, unless there is only one step.
template <class T>
class Weight {
 public:
  Weight(const SequenceSteps& steps, int64_t k, int64_t n, const MatrixView<T>& b) : k_(k), n_(n), b_(b) {
    if (steps.steps() > 1) packed_.emplace(k, n, b);
  }
  /// C = A B, plus `bias` or, when `add`, plus C.
  void multiply(int64_t rows, const GateRows<const T>& a, const T* bias, bool add, T* c, int64_t ldc) const {
    if (packed_) return packed_->multiply(rows, a.data, a.step, bias, add, c, ldc);
    const MatrixView<T> left{a.data, a.step, 1};
    if (bias)
      gemm_bias<T>(rows, n_, k_, left, b_, bias, c, ldc);
    else
      gemm<T>(rows, n_, k_, T(1), left, b_, add ? T(1) : T(0), c, ldc);
  }

 private:
  int64_t k_, n_;
  MatrixView<T> b_;
  std::optional<StepProduct<T>> packed_;
};

/// Zeros in place of a state that was not given.
template <class T>
class Zeros {
 public:
  explicit Zeros(int64_t n) : data_(n) { std::fill_n(data_.data(), n, T(0)); }
  const T* row() const { return data_.data(); }

 private:
  memory::Scratch<T> data_;
};

template <class T>
GateRows<T> rows_of(T* data, int64_t row, int64_t width) {
  return {data ? data + row * width : nullptr, width};
}

/// What a segment goes on from: rows of `all`, of the initial state, or zeros.
template <class T>
GateRows<const T> states_before(const RecurrentLayer<T>& layer, const Segment& s, const T* all, const T* initial,
                                int64_t width, const Zeros<T>& zeros) {
  if (s.before >= 0) return rows_of(all, layer.steps.offset(s.before) + s.begin, width);
  if (initial) return rows_of(initial, s.begin, width);
  return {zeros.row(), 0};
}

}  // namespace

SequenceSteps::SequenceSteps(std::vector<int64_t> sizes) : batch_sizes(std::move(sizes)) {
  offsets.reserve(batch_sizes.size() + 1);
  offsets.push_back(0);
  for (const int64_t size : batch_sizes) offsets.push_back(offsets.back() + size);
}

int64_t SequenceSteps::length(int64_t i) const {
  if (all_alike()) return steps();
  return std::ranges::partition_point(batch_sizes, [i](int64_t size) { return size > i; }) - batch_sizes.begin();
}

template <class T>
void recurrence_forward(const RecurrentLayer<T>& layer, const RecurrentForward<T>& to) {
  const SequenceSteps& steps = layer.steps;
  const int64_t hidden = layer.hidden, state = layer.state, sums = gate_count(layer.cell) * hidden;
  const bool lstm = layer.cell == RecurrentCell::lstm, projects = layer.weight_hr != nullptr;
  const Weight<T> recurrent(steps, state, sums, {layer.weight_hh, 1, state});
  std::optional<Weight<T>> projection;
  if (projects) projection.emplace(steps, hidden, state, MatrixView<T>{layer.weight_hr, 1, hidden});
  const Zeros<T> zeros(std::max(hidden, state));

  on_shares(steps, sums * state, [&](int64_t first, int64_t last) {
    const memory::Scratch<T> products((last - first) * sums), unprojected(projects ? (last - first) * hidden : 0);
    each_segment(steps, layer.reverse, false, first, last, [&](const Segment& s) {
      const int64_t row = steps.offset(s.t) + s.begin;
      const auto h_before = states_before(layer, s, static_cast<const T*>(to.out), layer.h0, state, zeros);
      recurrent.multiply(s.rows(), h_before, layer.bias_hh, false, products.data(), sums);
      GatesForward<T> x;
      x.gates = rows_of(to.gates, row, sums);
      x.recurrent = {products.data(), sums};
      x.h_before = h_before;
      if (lstm) x.c_before = states_before(layer, s, static_cast<const T*>(to.cells), layer.c0, hidden, zeros);
      x.c = rows_of(to.cells, row, hidden);
      x.h = projects ? GateRows<T>{unprojected.data(), hidden} : rows_of(to.out, row, state);
      x.kept = rows_of(to.kept, row, hidden);
      gates_forward(layer.cell, s.rows(), hidden, x);
      if (projects)
        projection->multiply(s.rows(), {unprojected.data(), hidden}, nullptr, false, to.out + row * state, state);
    });
    for (int64_t i = first; i < last; ++i) {
      const int64_t row = steps.offset(layer.reverse ? 0 : steps.length(i) - 1) + i;
      std::copy_n(to.out + row * state, state, to.h_n + i * state);
      if (lstm) std::copy_n(to.cells + row * hidden, hidden, to.c_n + i * hidden);
    }
  });
}

template <class T>
void recurrence_backward(const RecurrentLayer<T>& layer, const RecurrentBackward<T>& to) {
  const SequenceSteps& steps = layer.steps;
  const int64_t hidden = layer.hidden, state = layer.state, sums = gate_count(layer.cell) * hidden;
  const bool lstm = layer.cell == RecurrentCell::lstm, gru = layer.cell == RecurrentCell::gru;
  const bool projects = layer.weight_hr != nullptr;
  const Weight<T> recurrent(steps, sums, state, {layer.weight_hh, state, 1});
  std::optional<Weight<T>> projection;
  if (projects) projection.emplace(steps, state, hidden, MatrixView<T>{layer.weight_hr, hidden, 1});
  const Zeros<T> zeros(std::max(hidden, state));

  on_shares(steps, sums * state, [&](int64_t first, int64_t last) {
    const memory::Scratch<T> unprojected(projects ? (last - first) * hidden : 0);
    each_segment(steps, layer.reverse, true, first, last, [&](const Segment& s) {
      const int64_t row = steps.offset(s.t) + s.begin;
      GatesBackward<T> x;
      x.gates = rows_of(to.gates, row, sums);
      if (gru) x.h_before = states_before(layer, s, to.out, layer.h0, state, zeros);
      if (lstm) x.c_before = states_before(layer, s, to.cells, layer.c0, hidden, zeros);
      x.c = rows_of(to.cells, row, hidden);
      x.h = rows_of(to.out, row, state);
      x.kept = rows_of(to.kept, row, hidden);
      x.dc = rows_of(to.dc, s.begin, hidden);
      x.dgates = rows_of(to.dgates, row, sums);
      x.drecurrent = rows_of(to.drecurrent, row, sums);
      x.m = rows_of(to.m, row, hidden);
      T* const dh = to.dh + s.begin * state;
      if (projects) {
        T* const projected = to.dprojected + row * state;
        const T* const from = to.dout ? to.dout + row * state : nullptr;
        for (int64_t i = 0; i < s.rows() * state; ++i) projected[i] = from ? dh[i] + from[i] : dh[i];
        projection->multiply(s.rows(), {projected, state}, nullptr, false, unprojected.data(), hidden);
        x.dh = {unprojected.data(), hidden};
      } else {
        x.dout = rows_of(to.dout, row, state);
        x.dh = {dh, state};
      }
      gates_backward(layer.cell, s.rows(), hidden, x);
      if (s.before < 0 && !to.wants_dh0) return;
      const T* const d = (gru ? to.drecurrent : to.dgates) + row * sums;
      recurrent.multiply(s.rows(), {d, sums}, nullptr, gru, dh, state);
    });
  });
}

template <class T>
void gather_states(const RecurrentLayer<T>& layer, const T* out, T* to) {
  const int64_t state = layer.state;
  const Zeros<T> zeros(state);
  each_segment(layer.steps, layer.reverse, false, 0, layer.steps.batch(), [&](const Segment& s) {
    const auto from = states_before(layer, s, out, layer.h0, state, zeros);
    T* const rows = to + (layer.steps.offset(s.t) + s.begin) * state;
    for (int64_t i = 0; i < s.rows(); ++i) std::copy_n(from.row(i), state, rows + i * state);
  });
}

#define SLOPE_RECURRENCE(T)                                                                    \
  template void recurrence_forward<T>(const RecurrentLayer<T>&, const RecurrentForward<T>&);   \
  template void recurrence_backward<T>(const RecurrentLayer<T>&, const RecurrentBackward<T>&); \
  template void gather_states<T>(const RecurrentLayer<T>&, const T*, T*);
SLOPE_RECURRENCE(float)
SLOPE_RECURRENCE(double)
#undef SLOPE_RECURRENCE

}  // namespace slope
