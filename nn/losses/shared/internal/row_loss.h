#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <utility>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/pointwise/grain.h"
#include "slope/autograd/kernels/simd/internal/row_lanes.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/reduce/reduction.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/losses/shared/common.h"

/// Row losses: one number per row of one to three operands, differentiated while the row is in the cache.
///
/// What is particular to a loss is a formula. Most have this form, read in lanes of any width:
///
///     struct CosineFormula {
///       static constexpr std::string_view name = "CosineSimilarity";
///       static constexpr int operands = 2, terms = 3, coefficients = 3;
///       // Adds the terms of some elements; `within(v, other)` is v with `other`, 0 unless given, beyond the end of the row.
///       template <class Sum, class V, class Within>
///       void add(Sum* sum, const V* x, const Within& within) const;
///       // From the sums: the value, and coefficients of the gradient that contain row.factor.
///       template <class Isa, class Row>
///       double finish(Row& row, const double* sum, double* c) const;
///       // The gradient, an expression in the elements and the coefficients.
///       template <class V>
///       void gradient(const V* x, const V* c, V* d) const;
///       // The values as tensor operations, to be differentiated again.
///       Tensor compose(const Tensor* x, const Tensor& constant, int dim) const;
///     };
///
/// Sums are in double. Setting `row.factor` to 0 in `finish` makes the gradient of the row exactly 0. A formula may
/// also state
///  - `template <class Isa, class T> using Accumulator`, and `combine(a, b)` of two results, when it does not add;
///  - `template <class Isa, class Row> double row(Row&, Workspace&) const` in place of add, finish and gradient, which
///    returns the value and writes the gradient where row.d is not null;
///  - `template <class Isa, class V, class Row> V finish_rows(const Row* rows, int count, const V* sum, V& factor, V* c)
///    const` in place of `finish`, with a row in each lane: one division or root serves them all. Lanes from `count` on hold
///    anything;
///  - `template <class T> struct Workspace` for `row`, made of the formula and the length for each batch of rows;
///  - `static constexpr bool constant_by_pieces = true` in place of `compose`: the gradient depends on nothing but the
///    incoming one;
///  - `exact_products`, with which sums are added up from elements that are double from the start: less work where all
///    that is added are products of elements;
///  - `ahead(x, constant)`, called some rows early with where a row and its constant lie: asks memory for what the row
///    reads out of order;
///  - `grain`, the elements per thread below which a second one does not pay;
///  - `check(constant, loc)`, which throws when labels are out of range, called before forward and backward;
///  - `struct Refusal` in place of it, which the kernel throws, and `refuse(constant, loc)`, which throws what the user
///    sees.
/// What has one of these names in another form does not compile (check_row_formula).
namespace slope::nn::detail {

template <class T_, int K>
struct LossRow {
  using T = T_;
  const T* x[K];
  T* d[K];               ///< where factor·∂l/∂x[k] goes; null: not wanted
  const void* constant;  ///< the element or the row of what is not differentiated
  std::int64_t n;
  double factor;

  bool differentiated() const {
    bool any = false;
    for (const T* p : d) any |= p != nullptr;
    return any;
  }
  template <class U>
  const U* constant_as() const {
    return static_cast<const U*>(constant);
  }
};

inline constexpr int max_row_operands = 3;
/// Places of tensors in a RowBatch: operands from 0, gradients from `first_gradient`.
enum RowSlot {
  constant_slot = max_row_operands,
  cotangent_slot,
  value_slot,
  first_gradient,
  row_slots = first_gradient + max_row_operands
};

/// Wide rows are cut into segments, each phase running for itself.
enum RowPhase : unsigned { add_phase = 1, finish_phase = 2, gradient_phase = 4, all_phases = 7 };

/// What goes from one phase to the next.
struct RowState {
  static constexpr int max_terms = 3, max_coefficients = 6;
  std::array<double, max_terms> sum;
  double coefficients[max_coefficients];
  double factor;
};

struct RowBatch {
  char* data[row_slots] = {};         ///< of the first row; null where there is none
  std::int64_t step[row_slots] = {};  ///< bytes to the next row
  std::int64_t rows = 0, length = 0;
  double factor = 1;  ///< of the gradients, besides the cotangent
  bool wants_value = true;
  unsigned phases = all_phases;
  RowState* state = nullptr;  ///< of the only row; null where all phases run at once
};

/// Returns the sum of the values.
using RowKernel = double (*)(const void* formula, const RowBatch& batch);

struct RowInfo {
  int operands = 1, terms = 0;  ///< terms 0: rows are not cut
  std::int64_t grain = grain_cheap;
  double (*combine)(double a, double b) = nullptr;
  RowKernel kernel[2] = {};  ///< float32, float64
};

template <class F, class Isa, class T>
struct AccumulatorOf {
  using Type = typename Isa::template WideSum<T>;
};
template <class F, class Isa, class T>
  requires requires { typename F::template Accumulator<Isa, T>; }
struct AccumulatorOf<F, Isa, T> {
  using Type = typename F::template Accumulator<Isa, T>;
};

/// A row of floats, read as lanes of double.
template <class V>
struct WidenedRow {
  const float* p;
  V full(std::int64_t i) const { return V::load_wide(p + i); }
  V first(std::int64_t i, int n) const { return V::load_wide_n(p + i, n); }
};

/// Calls `take(t, accumulator)` for each term. For `exact_products` of floats lanes are of double, two vectors at a time:
/// a float that is converted as it is read takes half the instructions of one that is converted in a register.
template <class Isa, class T, class F, int K, class Take>
inline void add_row(const F& f, const LossRow<T, K>& row, const Take& take) {
  constexpr bool widened = requires { requires F::exact_products; } && std::is_same_v<T, float>;
  using V = typename Isa::template Lanes<std::conditional_t<widened, double, T>>;
  using Sum =
      std::conditional_t<widened, typename Isa::template WideSum<double>, typename AccumulatorOf<F, Isa, T>::Type>;
  constexpr int running = widened ? 2 : 1;
  Sum total[running][F::terms];
  simd::each_vector_of<V, running>(row.n, [&](const auto& load, const auto&, int count, std::int64_t, auto r) {
    V x[K];
#pragma GCC unroll 3
    for (int k = 0; k < K; ++k) {
      if constexpr (widened)
        x[k] = load(WidenedRow<V>{row.x[k]});
      else
        x[k] = load(row.x[k]);
    }
    f.add(total[r], static_cast<const V*>(x),
          [&](const V& v, double other = 0) { return simd::first_lanes(v, count, other); });
  });
#pragma GCC unroll 3
  for (int t = 0; t < F::terms; ++t) {
    if constexpr (widened) total[0][t].add(total[1][t]);
    take(t, total[0][t]);
  }
}

template <class Isa, class T, class F, int K>
inline void write_gradient(const F& f, const LossRow<T, K>& row, const double* coefficients, int step = 1) {
  using V = typename Isa::template Lanes<T>;
  V c[F::coefficients];
#pragma GCC unroll 6
  for (int i = 0; i < F::coefficients; ++i) c[i] = V(coefficients[i * step]);
  simd::each_vector<V>(row.n, [&](const auto& load, const auto& store, int) {
    V x[K], d[K];
#pragma GCC unroll 3
    for (int k = 0; k < K; ++k) x[k] = load(row.x[k]);
    f.gradient(static_cast<const V*>(x), static_cast<const V*>(c), d);
#pragma GCC unroll 3
    for (int k = 0; k < K; ++k)
      if (row.d[k]) store(row.d[k], d[k]);
  });
}

template <class T, int K>
inline void clear_gradient(const LossRow<T, K>& row) {
  for (T* d : row.d)
    if (d) std::fill_n(d, row.n, T(0));
}

// What a formula has under a name, whatever it is: a name that two bases have is ambiguous in what derives from both.
struct RowFormulaNames {
  int compose, check, ahead, grain, combine, refuse, row, add, finish, gradient, Workspace, Accumulator, Refusal;
  int finish_rows;
};
template <class F>
struct WithRowFormulaNames : F, RowFormulaNames {};
template <class F>
inline constexpr bool finishes_rows = !requires { &WithRowFormulaNames<F>::finish_rows; };

/// `finish_rows` of a formula: values[r], rows[r].factor, and coefficient i of row r in c[i * W::size + r].
template <class W, class Isa, class T, class F, int K>
inline void finish_together(const F& f, LossRow<T, K>* rows, int count, const W* sum, double* values, double* c) {
  alignas(64) double factors[W::size] = {};
  for (int r = 0; r < count; ++r) factors[r] = rows[r].factor;
  W factor = W::load(factors), coefficients[F::coefficients];
  for (W& v : coefficients) v = W(0);
  f.template finish_rows<Isa>(static_cast<const LossRow<T, K>*>(rows), count, sum, factor, coefficients).store(values);
  if (!rows[0].differentiated()) return;
  factor.store(factors);
  for (int r = 0; r < count; ++r) rows[r].factor = factors[r];
  for (int i = 0; i < F::coefficients; ++i) coefficients[i].store(c + i * W::size);
}

/// One row in the phases asked for; returns the value.
template <class Isa, class T, class F, int K>
inline double run_phases(const F& f, LossRow<T, K>& row, const RowBatch& b) {
  static_assert(F::terms <= RowState::max_terms && F::coefficients <= RowState::max_coefficients);
  RowState own;
  RowState& state = b.state ? *b.state : own;
  double value = 0;
  if (b.phases & add_phase)
    add_row<Isa>(f, row, [&](int t, const auto& added) { state.sum[static_cast<std::size_t>(t)] = added.total(); });
  if (b.phases & finish_phase) {
    if constexpr (finishes_rows<F>) {
      using W = typename Isa::template Lanes<double>;
      W sum[F::terms];
      for (int t = 0; t < F::terms; ++t) sum[t] = W(state.sum[static_cast<std::size_t>(t)]);
      double values[W::size], c[F::coefficients * W::size];
      finish_together<W, Isa>(f, &row, 1, sum, values, c);
      value = values[0];
      for (int i = 0; i < F::coefficients; ++i) state.coefficients[i] = c[i * W::size];
    } else {
      value = f.template finish<Isa>(row, static_cast<const double*>(state.sum.data()), state.coefficients);
    }
    state.factor = row.factor;
  }
  if (b.phases & gradient_phase) {
    if (state.factor == 0)
      clear_gradient(row);
    else if (row.differentiated())
      write_gradient<Isa>(f, row, state.coefficients);
  }
  return value;
}

/// Row r of a batch.
template <class T, int K>
inline LossRow<T, K> row_at(const RowBatch& b, std::int64_t r) {
  const auto at = [&](int slot) { return b.data[slot] ? b.data[slot] + r * b.step[slot] : nullptr; };
  LossRow<T, K> row;
  for (int k = 0; k < K; ++k) {
    row.x[k] = reinterpret_cast<const T*>(at(k));
    row.d[k] = reinterpret_cast<T*>(at(first_gradient + k));
  }
  row.constant = at(constant_slot);
  row.n = b.length;
  row.factor = b.factor;
  if (const char* g = at(cotangent_slot)) row.factor *= static_cast<double>(*reinterpret_cast<const T*>(g));
  return row;
}

template <class T>
inline void store_value(const RowBatch& b, std::int64_t r, double value) {
  if (char* to = b.data[value_slot]) *reinterpret_cast<T*>(to + r * b.step[value_slot]) = static_cast<T>(value);
}

/// The rows of a formula with `finish_rows`, several at a time; returns the sum of the values.
template <class Isa, class F, class T>
inline double rows_finished_together(const F& f, const RowBatch& b) {
  constexpr int K = F::operands;
  using W = typename Isa::template Lanes<double>;
  // As many as are still near when their gradients are written.
  constexpr std::int64_t near = 16384;
  const auto bytes = b.length * static_cast<std::int64_t>(K * sizeof(T));
  const auto most = std::clamp<std::int64_t>(near / std::max<std::int64_t>(1, bytes), 1, W::size);
  double total = 0;
  for (std::int64_t first = 0; first < b.rows; first += most) {
    const int count = static_cast<int>(std::min(most, b.rows - first));
    LossRow<T, K> rows[W::size];
    W added[F::terms][W::size], sum[F::terms];
    for (int r = 0; r < count; ++r) {
      rows[r] = row_at<T, K>(b, first + r);
      add_row<Isa>(f, rows[r], [&](int t, const auto& of_row) { added[t][r] = of_row.lanes(); });
    }
    for (int t = 0; t < F::terms; ++t) {
      for (int r = count; r < W::size; ++r) added[t][r] = W(0);
      sum[t] = simd::sums_of_each<W::size>(added[t]);
    }
    alignas(64) double values[W::size], c[F::coefficients * W::size];
    finish_together<W, Isa>(f, rows, count, sum, values, c);
    for (int r = 0; r < count; ++r) {
      store_value<T>(b, first + r, values[r]);
      total += values[r];
      if (!rows[r].differentiated()) continue;
      if (rows[r].factor == 0)
        clear_gradient(rows[r]);
      else
        write_gradient<Isa>(f, rows[r], c + r, W::size);
    }
  }
  return total;
}

template <class F, class T>
double row_kernel(const void* formula, const RowBatch& b) {
  constexpr int K = F::operands;
  double total = 0;
  simd::dispatch([&](auto isa) {
    using Isa = decltype(isa);
    const F& f = *static_cast<const F*>(formula);
    if constexpr (finishes_rows<F>) {
      if (!b.state) {
        total = rows_finished_together<Isa, F, T>(f, b);
        return;
      }
    }
    auto workspace = [&] {
      if constexpr (requires { typename F::template Workspace<T>; })
        return typename F::template Workspace<T>(f, b.length);
      else
        return 0;
    }();
    double sum = 0;
    for (std::int64_t r = 0; r < b.rows; ++r) {
      if constexpr (requires { f.ahead(static_cast<const T*>(nullptr), static_cast<const void*>(nullptr)); }) {
        constexpr std::int64_t rows_ahead = 4;
        if (r + rows_ahead < b.rows) {
          const auto then = [&](int slot) { return b.data[slot] + (r + rows_ahead) * b.step[slot]; };
          f.ahead(reinterpret_cast<const T*>(then(0)), then(constant_slot));
        }
      }
      LossRow<T, K> row = row_at<T, K>(b, r);
      if (row.factor == 0 && !b.wants_value) {
        clear_gradient(row);
        continue;
      }
      double value;
      if constexpr (requires { F::terms; })
        value = run_phases<Isa>(f, row, b);
      else
        value = f.template row<Isa>(row, workspace);
      store_value<T>(b, r, value);
      sum += value;
    }
    total = sum;
  });
  return total;
}

/// Refuses to compile a formula whose optional members would be passed over because they have another form.
template <class F>
consteval bool check_row_formula() {
  using Names = WithRowFormulaNames<F>;
  constexpr bool composes = requires(const F& f, const Tensor* x) {
    { f.compose(x, *x, 0) } -> std::convertible_to<Tensor>;
  };
  if constexpr (!requires { &Names::compose; })
    static_assert(composes,
                  "a row formula composes by: Tensor compose(const Tensor* x, const Tensor& constant, int dim) const");
  constexpr bool constant_by_pieces = requires { requires F::constant_by_pieces; };
  static_assert(composes != constant_by_pieces,
                "a row formula has either compose(), for its second derivatives, or "
                "static constexpr bool constant_by_pieces = true, if they are 0");
  if constexpr (!requires { &Names::check; })
    static_assert(
        requires(const F& f, const Tensor& t, SourceLoc loc) { f.check(t, loc); },
        "a row formula checks labels by: void check(const Tensor& constant, SourceLoc loc) const");
  if constexpr (!requires { &Names::ahead; })
    static_assert(
        requires(const F& f, const float* x, const double* y, const void* c) { f.ahead(x, c), f.ahead(y, c); },
        "a row formula asks for memory by: template <class T> void ahead(const T* x, const void* constant) const");
  if constexpr (!requires { &Names::grain; })
    static_assert(
        requires { std::int64_t{F::grain}; }, "the grain of a row formula is a static constexpr std::int64_t");
  if constexpr (!requires { &Names::combine; })
    static_assert(
        requires(double (*combine)(double, double)) { combine = &F::combine; },
        "a row formula combines sums by: static double combine(double a, double b)");
  if constexpr (!requires { &Names::Workspace; })
    static_assert(
        requires(const F& f) { static_cast<void>(typename F::template Workspace<float>(f, std::int64_t{1})); },
        "the Workspace<T> of a row formula is made of the formula and the length of a row");
  constexpr bool refuses = requires(const F& f, const Tensor& t, SourceLoc loc) {
    typename F::Refusal;
    f.refuse(t, loc);
  };
  if constexpr (!requires { &Names::Refusal; } || !requires { &Names::refuse; })
    static_assert(refuses,
                  "a row formula refuses labels by: struct Refusal, and void refuse(const Tensor&, SourceLoc) const");
  if constexpr (!requires { F::terms; })
    static_assert(
        !requires { &Names::row; } && requires { &Names::add; } && requires { &Names::finish; } && !finishes_rows<F>,
        "a row formula has either row(), or operands, terms, coefficients, add(), gradient() and finish() or "
        "finish_rows()");
  return true;
}

template <class F>
constexpr RowInfo make_row_info() {
  static_assert(check_row_formula<F>());
  RowInfo info;
  info.operands = F::operands;
  if constexpr (requires { F::terms; }) {
    info.terms = F::terms;
    info.combine = [](double a, double b) { return a + b; };
    if constexpr (requires { F::combine(0.0, 0.0); }) info.combine = &F::combine;
  }
  if constexpr (requires { F::grain; }) info.grain = F::grain;
  info.kernel[0] = &row_kernel<F, float>;
  info.kernel[1] = &row_kernel<F, double>;
  return info;
}
template <class F>
inline constexpr RowInfo row_info = make_row_info<F>();

/// How the rows of a call lie and what becomes of the values.
struct RowLayout {
  Reduction reduction = Reduction::mean;
  int dim = 0;           ///< along which rows lie
  bool flatten = false;  ///< rows are all dimensions after the first instead
  bool keepdim = false;  ///< without reduction: the result keeps `dim`, of size 1

  Shape values_shape(const Shape& operand) const;
  std::int64_t rows(const Shape& operand) const;
  /// What the sum of the values is multiplied by.
  double scale(const Shape& operand) const;
};

/// A formula with one call's operands, free of their types. Operands have one shape and floating dtype.
struct RowCall {
  const RowInfo& info;
  const void* formula;
  const RowLayout& layout;
  const Tensor* const* x;
  /// With the shape of the values and perhaps the dimension of the rows, or the shape of the operands; may be
  /// undefined.
  const Tensor& constant;

  /// The values or their reduction; grads[k], where defined, receives the gradient of the reduction.
  Tensor forward(const Tensor* grads) const;
  /// grads[k], where defined, receives cotangent·∂value/∂x[k]; without a cotangent that of the reduction.
  void backward(const Tensor& cotangent, const Tensor* grads) const;

 private:
  double run(const Tensor& cotangent, const Tensor& values, const Tensor* grads, bool wants_value) const;
  double run_batch(const RowBatch& batch, DType dtype) const;
};

/// Replaces each tensor of `args` that is defined by the gradient of Σ values·g, recorded.
void differentiate_composed(const Tensor& values, const Tensor& g, Tensor* args, std::size_t count);

template <class F, class Operands = std::make_index_sequence<static_cast<std::size_t>(F::operands)>>
struct RowLoss;
template <class F, std::size_t... Ks>
struct RowLoss<F, std::index_sequence<Ks...>> {
  static constexpr std::string_view name = F::name;
  static constexpr std::size_t operands = F::operands;
  F formula;
  RowLayout layout;
  std::array<bool, operands> wanted;  // by forward, before anything is recorded
  bool recorded;
  SourceLoc loc;

  struct Saved {
    std::array<SavedTensor, operands> x;
    SavedTensor constant;
    std::array<Tensor, operands> local;
  };

  template <std::size_t>
  using Operand = const Tensor&;
  Tensor forward(Saved& s, Operand<Ks>... x, NoGrad constant) {
    const Tensor* const in[] = {&x...};
    if (recorded && layout.reduction != Reduction::none)
      for (std::size_t k = 0; k < operands; ++k)
        if (wanted[k]) s.local[k] = make_empty(in[k]->shape(), in[k]->dtype());
    Tensor out;
    guarded(constant, [&] { out = call(in, constant).forward(s.local.data()); });
    if (recorded) {
      s.x = {save(x)...};
      s.constant = save(constant);
    }
    return out;
  }

  Grads<operands> backward(const Saved& s, const Tensor& g) const {
    std::array<Tensor, operands> x;
    const Tensor* in[operands];
    for (std::size_t k = 0; k < operands; ++k) {
      x[k] = s.x[k].get();
      in[k] = &x[k];
    }
    const Tensor fixed = s.constant ? s.constant.get() : Tensor();
    if constexpr (requires { formula.check(fixed, loc); }) formula.check(fixed, loc);
    const bool reduced = layout.reduction != Reduction::none;
    Grads<operands> grads;
    if constexpr (has_compose()) {
      if (grad_enabled()) {
        // Views, so that f(x, x) has a gradient for each argument.
        for (std::size_t k = 0; k < operands; ++k)
          if (needs_grad(static_cast<int>(k))) grads[k] = x[k] = x[k].view(x[k].shape());
        const Tensor values = formula.compose(x.data(), fixed, layout.dim);
        const Tensor up = reduced ? (g * layout.scale(x[0].shape())).expand(values.shape()) : g.reshape(values.shape());
        differentiate_composed(values, up, grads.data(), operands);
        const Grads<operands> numbers = fused(s, in, fixed, g);
        for (std::size_t k = 0; k < operands; ++k)
          if (grads[k].defined()) grads[k] = recorded_gradient(numbers[k], grads[k], loc);
        return grads;
      }
    }
    if (!grad_enabled()) return fused(s, in, fixed, g);
    // Constant by pieces: the gradient depends on nothing but g.
    for (std::size_t k = 0; k < operands; ++k)
      if (needs_grad(static_cast<int>(k))) grads[k] = make_empty(x[k].shape(), x[k].dtype());
    guarded(fixed, [&] { call(in, fixed).backward(Tensor(), grads.data()); });
    const Tensor up = reduced || layout.keepdim || x[0].dim() == 0 ? g : g.unsqueeze(layout.dim);
    for (Tensor& local : grads)
      if (local.defined()) local = scale_cotangent(up, local);
    return grads;
  }

 private:
  Grads<operands> fused(const Saved& s, const Tensor* const* x, const Tensor& fixed, const Tensor& g) const {
    const NoGradGuard no_grad;
    Grads<operands> grads;
    for (std::size_t k = 0; k < operands; ++k)
      if (needs_grad(static_cast<int>(k)))
        grads[k] = layout.reduction == Reduction::none ? make_empty(x[k]->shape(), x[k]->dtype())
                                                       : scaled_gradient(s.local[k], g);
    if (layout.reduction == Reduction::none) guarded(fixed, [&] { call(x, fixed).backward(g, grads.data()); });
    return grads;
  }
  template <class Run>
  void guarded([[maybe_unused]] const Tensor& fixed, const Run& run) const {
    if constexpr (requires { typename F::Refusal; }) {
      try {
        run();
      } catch (const typename F::Refusal&) {
        formula.refuse(fixed, loc);
      }
    } else {
      run();
    }
  }
  RowCall call(const Tensor* const* x, const Tensor& fixed) const { return {row_info<F>, &formula, layout, x, fixed}; }
  static constexpr bool has_compose() {
    return requires(const F& f, const Tensor* t) { f.compose(t, *t, 0); };
  }
};

/// Tensors as the kernels take them: expanded to `shape`, in the wider of their floating dtypes.
template <std::size_t N>
std::array<Tensor, N> alike(std::array<Tensor, N> tensors, const Shape& shape, SourceLoc loc) {
  DType dtype = tensors[0].dtype();
  for (const Tensor& t : tensors)
    if (t.dtype() != dtype) dtype = DType::float64;
  for (Tensor& t : tensors) {
    if (t.dtype() != dtype) t = t.to(dtype, loc);
    if (t.shape() != shape) t = t.expand(shape, loc);
  }
  return tensors;
}

/// Runs the formula on operands of one shape and dtype. Bad labels throw here; all else has been checked.
template <class F, class... X>
Tensor row_loss(SourceLoc loc, F formula, const RowLayout& layout, const Tensor& constant, const X&... x) {
  static_assert(sizeof...(X) == F::operands);
  if constexpr (requires { formula.check(constant, loc); }) formula.check(constant, loc);
  const std::array<bool, F::operands> wanted = {x.requires_grad()...};
  const bool recorded = grad_enabled() && (x.requires_grad() || ...);
  return apply(loc, RowLoss<F>{std::move(formula), layout, wanted, recorded, loc}, x..., constant);
}

}  // namespace slope::nn::detail
