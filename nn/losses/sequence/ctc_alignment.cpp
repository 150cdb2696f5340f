#include "slope/nn/losses/sequence/internal/ctc_alignment.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slope/autograd/kernels/simd/lanes.h"

namespace slope::nn::detail {

namespace {

// Probabilities of alignments leave the range of a double after some hundred steps, and those of one step may be
// further apart than that. So a number is a pair of doubles, m·2^(1000·e) with m in [2^-500, 2^500) and integral e, and
// zero the pair 0, -∞. A product stays in range before it is normalized, and of two numbers whose e differ by more than
// one the smaller is below the rounding of the larger.
constexpr double unit_up = 0x1p1000, unit_down = 0x1p-1000, low = 0x1p-500, high = 0x1p500;
constexpr double log_unit = 0x1.5a92d6d005c94p+9, log_unit_rest = -0x1.971e6bd14ec61p-45;  // 1000·ln 2 in two parts
constexpr double infinity = std::numeric_limits<double>::infinity();

// Room for whole vectors of the widest set.
constexpr std::int64_t widest = 8;

template <class V>
struct Scaled {
  V m, e;
  static Scaled load(const double* m, const double* e) { return {V::load(m), V::load(e)}; }
  void store(double* to_m, double* to_e) const {
    m.store(to_m);
    e.store(to_e);
  }
};

// 2^(1000·gap) for gaps below 1; what is below -1 does not count. NaN, the gap between zeros, gives 0.
template <class V>
V power(const V& gap) {
  return where(gap == 0, V(1), where(gap == -1, V(unit_down), V(0)));
}
// x's part of a sum whose largest exponent is `top`.
template <class V>
V share(const Scaled<V>& x, const V& top) {
  return x.m * power<V>(x.e - top);
}
template <class V>
V larger(const V& a, const V& b) {
  return where(a > b, a, b);
}
template <class V>
Scaled<V> add(const Scaled<V>& a, const Scaled<V>& b) {
  const V top = larger(a.e, b.e);
  return {share(a, top) + share(b, top), top};
}
template <class V>
Scaled<V> add(const Scaled<V>& a, const Scaled<V>& b, const Scaled<V>& c) {
  const V top = larger(larger(a.e, b.e), c.e);
  return {share(a, top) + share(b, top) + share(c, top), top};
}
template <class V>
Scaled<V> multiply(const Scaled<V>& a, const Scaled<V>& b) {
  const V m = a.m * b.m, e = a.e + b.e;
  return {m * where(m < low, V(unit_up), where(m >= high, V(unit_down), V(1))),
          e + where(m < low, V(-1), where(m >= high, V(1), V(0)))};
}
// e^x.
template <class V>
Scaled<V> exponential(const V& x) {
  const V e = round(x * (1 / log_unit));
  const V r = fma(-e, V(log_unit_rest), fma(-e, V(log_unit), x));
  // The reduction loses all digits of an x beyond 1e18: bounds keep m in range.
  const V m = exp(where(r > 347, V(347), where(r < -347, V(-347), r)));
  return {where(x == -infinity, V(0), where(x < infinity, m, V(std::numeric_limits<double>::quiet_NaN()))),
          where(x < infinity, e, V(0))};
}

struct Number {
  double m, e;
};
Number add(const Number& a, const Number& b) {
  const double top = std::max(a.e, b.e);
  const auto share = [top](const Number& x) { return x.e == top ? x.m : x.e == top - 1 ? x.m * unit_down : x.m * 0; };
  return {share(a) + share(b), top};
}

/// The parts of a workspace, for a sequence of `labels` labels. Blanks 0..labels and labels 0..labels-1 stand in arrays
/// of their own, at `width` >= labels + 1 places; what lies beyond never flows into what is read.
struct Layout {
  std::int64_t width, section;
  double *total, *gathered, *skip, *gamma;
  double *blank_m, *blank_e, *label_m, *label_e;  // the recursion from the end
  std::int64_t *classes, *first, *offsets;
  double* rows;

  static std::int64_t width_of(std::int64_t labels) { return (labels + widest) / widest * widest; }

  Layout(double* memory, std::int64_t labels) : width(width_of(labels)), section(width + widest), total(memory) {
    double* at = memory + widest;
    for (double** part : {&gathered, &skip, &gamma, &blank_m, &blank_e, &label_m, &label_e}) {
      *part = at;
      at += section;
    }
    for (std::int64_t** part : {&classes, &first, &offsets}) {
      *part = reinterpret_cast<std::int64_t*>(at);
      at += section;
    }
    rows = at;
  }
  static std::int64_t row_size(std::int64_t width) { return 6 * width + 2 * widest; }
  static std::int64_t fixed_size(std::int64_t labels) { return widest + 10 * (width_of(labels) + widest); }
  double* row(std::int64_t i) const { return rows + i * row_size(width); }
};

/// What is kept of one step: the sums over the beginnings of alignments that end in a blank or a label, and the
/// probabilities of the labels with that of the blank behind them. Labels have a place before the first.
struct Row {
  double *blank_m, *blank_e, *label_m, *label_e, *p_m, *p_e;
  Row(const Layout& at, std::int64_t i)
      : blank_m(at.row(i)),
        blank_e(blank_m + at.width),
        label_m(blank_e + at.width + widest),
        label_e(label_m + at.width + widest),
        p_m(label_e + at.width),
        p_e(p_m + at.width) {}
};

template <class T>
void prepare(const CtcSequence<T>& s, const Layout& at, bool for_gradient) {
  const std::int64_t n = s.label_count;
  std::fill_n(at.gathered, at.section, -infinity);
  std::fill_n(at.skip, at.section, -infinity);
  for (std::int64_t i = 0; i < n; ++i) {
    at.classes[i] = s.labels[i * s.label_stride];
    at.offsets[i] = at.classes[i] * s.class_stride;
    // A blank between two labels may be left out unless they are equal.
    if (i > 0 && at.classes[i] != at.classes[i - 1]) at.skip[i] = 0;
  }
  at.offsets[n] = s.blank * s.class_stride;
  if (!for_gradient) return;
  for (std::int64_t i = 0; i < n; ++i) at.first[i] = std::find(at.classes, at.classes + i, at.classes[i]) - at.classes;
}

// The probabilities of step t in its row.
template <class V, class T>
void read_step(const CtcSequence<T>& s, const Layout& at, const Row& row, std::int64_t t) {
  const T* const x = s.log_probs + t * s.step_stride;
  for (std::int64_t i = 0; i <= s.label_count; ++i) at.gathered[i] = static_cast<double>(x[at.offsets[i]]);
  for (std::int64_t i = 0; i < at.width; i += V::size)
    exponential(V::load(at.gathered + i)).store(row.p_m + i, row.p_e + i);
}

template <class V, class T>
void begin(const CtcSequence<T>& s, const Layout& at, const Row& row) {
  std::fill_n(row.blank_m, 2 * at.width + 2 * (at.width + widest), 0.0);
  std::fill_n(row.blank_e, at.width, -infinity);
  std::fill_n(row.label_e - widest, at.width + widest, -infinity);
  read_step<V>(s, at, row, 0);
  row.blank_m[0] = row.p_m[s.label_count];
  row.blank_e[0] = row.p_e[s.label_count];
  if (s.label_count == 0) return;
  row.label_m[0] = row.p_m[0];
  row.label_e[0] = row.p_e[0];
}

template <class V, class T>
void advance(const CtcSequence<T>& s, const Layout& at, const Row& before, const Row& row, std::int64_t t) {
  read_step<V>(s, at, row, t);
  row.label_m[-1] = 0;
  row.label_e[-1] = -infinity;
  const Scaled<V> blank{V(row.p_m[s.label_count]), V(row.p_e[s.label_count])};
  for (std::int64_t i = 0; i < at.width; i += V::size) {
    const auto in_blank = Scaled<V>::load(before.blank_m + i, before.blank_e + i);
    const auto in_label = Scaled<V>::load(before.label_m + i, before.label_e + i);
    auto previous = Scaled<V>::load(before.label_m + i - 1, before.label_e + i - 1);
    multiply(add(in_blank, previous), blank).store(row.blank_m + i, row.blank_e + i);
    previous.e += V::load(at.skip + i);
    const auto p = Scaled<V>::load(row.p_m + i, row.p_e + i);
    multiply(add(in_label, in_blank, previous), p).store(row.label_m + i, row.label_e + i);
  }
}

// From step t + 1, whose probabilities times the sums over the ends of alignments stand in the layout, to step t;
// leaves there the same for t, and the occupancies of the labels in gamma. Returns that of the blank.
template <class V, class T>
double retreat(const CtcSequence<T>& s, const Layout& at, const Row& row) {
  const Scaled<V> blank{V(row.p_m[s.label_count]), V(row.p_e[s.label_count])};
  const V factor(1 / at.total[0]), exponent(at.total[1]);
  const auto occupancy = [&](const Scaled<V>& begun, const Scaled<V>& rest) {
    // No more than the sum of all, so with one unit more the product is small.
    const V gap = begun.e + rest.e - exponent;
    return begun.m * rest.m * where(gap == 1, V(unit_up), power(gap)) * factor;
  };
  V in_blank(0);
  for (std::int64_t i = 0; i < at.width; i += V::size) {
    const auto same_blank = Scaled<V>::load(at.blank_m + i, at.blank_e + i);
    const auto same_label = Scaled<V>::load(at.label_m + i, at.label_e + i);
    const auto next_blank = Scaled<V>::load(at.blank_m + i + 1, at.blank_e + i + 1);
    auto next_label = Scaled<V>::load(at.label_m + i + 1, at.label_e + i + 1);
    next_label.e += V::load(at.skip + i + 1);
    const auto after_blank = add(same_blank, same_label), after_label = add(same_label, next_blank, next_label);
    in_blank += occupancy(Scaled<V>::load(row.blank_m + i, row.blank_e + i), after_blank);
    occupancy(Scaled<V>::load(row.label_m + i, row.label_e + i), after_label).store(at.gamma + i);
    multiply(after_blank, blank).store(at.blank_m + i, at.blank_e + i);
    multiply(after_label, Scaled<V>::load(row.p_m + i, row.p_e + i)).store(at.label_m + i, at.label_e + i);
  }
  return reduce_add(in_blank);
}

}  // namespace

CtcWorkspace::CtcWorkspace(std::int64_t steps, std::int64_t labels, bool for_gradient)
    : for_gradient_(for_gradient),
      buffer_(sizeof(double) *
              static_cast<std::size_t>(Layout::fixed_size(labels) +
                                       (for_gradient ? steps : 2) * Layout::row_size(Layout::width_of(labels)))) {}

template <class T>
double ctc_value(const CtcSequence<T>& s, const CtcWorkspace& w) {
  const Layout at(w.data(), s.label_count);
  prepare(s, at, w.holds_every_step());
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<double>;
    const auto row = [&](std::int64_t t) { return Row(at, w.holds_every_step() ? t : t & 1); };
    begin<V>(s, at, row(0));
    for (std::int64_t t = 1; t < s.steps; ++t) advance<V>(s, at, row(t - 1), row(t), t);
  });
  const Row last(at, w.holds_every_step() ? s.steps - 1 : (s.steps - 1) & 1);
  const std::int64_t n = s.label_count;
  Number sum{last.blank_m[n], last.blank_e[n]};
  if (n > 0) sum = add(sum, Number{last.label_m[n - 1], last.label_e[n - 1]});
  at.total[0] = sum.m;
  at.total[1] = sum.e;
  return sum.m == 0 ? infinity : -(std::log(sum.m) + sum.e * log_unit);
}

template <class T>
void ctc_gradient(const CtcSequence<T>& s, const CtcWorkspace& w, T* dx, std::int64_t dx_step, double scale) {
  const Layout at(w.data(), s.label_count);
  const std::int64_t n = s.label_count;
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<double>;
    // Behind the last step there is one that has the last blank for certain: both ends of an alignment lead there.
    for (double* m : {at.blank_m, at.label_m}) std::fill_n(m, at.section, 0.0);
    for (double* e : {at.blank_e, at.label_e}) std::fill_n(e, at.section, -infinity);
    at.blank_m[n] = 1;
    at.blank_e[n] = 0;
    for (std::int64_t t = s.steps - 1; t >= 0; --t) {
      const double blank = retreat<V>(s, at, Row(at, t));
      T* const to = dx + t * dx_step;
      to[s.blank] = static_cast<T>(-scale * blank);
      for (std::int64_t i = 0; i < n; ++i)
        if (at.first[i] != i) at.gamma[at.first[i]] += at.gamma[i];
      for (std::int64_t i = 0; i < n; ++i)
        if (at.first[i] == i) to[at.classes[i]] = static_cast<T>(-scale * at.gamma[i]);
    }
  });
}

template double ctc_value(const CtcSequence<float>&, const CtcWorkspace&);
template double ctc_value(const CtcSequence<double>&, const CtcWorkspace&);
template void ctc_gradient(const CtcSequence<float>&, const CtcWorkspace&, float*, std::int64_t, double);
template void ctc_gradient(const CtcSequence<double>&, const CtcWorkspace&, double*, std::int64_t, double);

}  // namespace slope::nn::detail
