#include "slope/autograd/kernels/loops/reduce.h"

#include <bit>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/loops/reduce_core.h"
#include "slope/autograd/kernels/pointwise/grain.h"

namespace slope {

ReducePlan::ReducePlan(const TensorImpl& x, unsigned reduced_dims)
    : data(static_cast<const char*>(x.data)), dtype(x.dtype) {
  const auto item = static_cast<std::int64_t>(itemsize(x.dtype));
  const int n = x.sizes.size();
  if (x.contiguous && reduced_dims == (1U << n) - 1U) {
    length = x.numel;
    if (length != 1) {
      reduced.push_back(length);
      reduced_strides.push_back(item);
    }
    return;
  }
  auto append = [](Shape& sizes, Shape& strides, std::int64_t size, std::int64_t stride) {
    if (size == 1) return;
    const int top = sizes.size() - 1;
    if (top >= 0 && strides[top] == stride * size) {
      sizes[top] *= size;
      strides[top] = stride;
    } else {
      sizes.push_back(size);
      strides.push_back(stride);
    }
  };
  for (int d = 0; d < n; ++d) {
    const std::int64_t size = x.sizes[d], stride = x.strides[d] * item;
    if (reduced_dims >> d & 1) {
      length *= size;
      append(reduced, reduced_strides, size, stride);
    } else {
      outputs *= size;
      append(kept, kept_strides, size, stride);
    }
  }
}

namespace {

using namespace detail;

/// Steps through the elements of a strided shape in row-major order.
class Walker {
 public:
  Walker(const Shape& sizes, const Shape& byte_strides, std::int64_t start) : sizes_(sizes), strides_(byte_strides) {
    for (int d = sizes.size() - 1; d >= 0; --d) {
      index_[d] = start % sizes[d];
      start /= sizes[d];
      offset_ += index_[d] * byte_strides[d];
    }
  }
  std::int64_t offset() const { return offset_; }
  /// Elements until the end of the innermost row, and how far they are apart.
  std::int64_t run() const { return sizes_.empty() ? 1 : sizes_.back() - index_[sizes_.size() - 1]; }
  std::int64_t step() const { return sizes_.empty() ? 0 : strides_.back(); }
  void advance(std::int64_t n) {  // n <= run()
    int d = sizes_.size() - 1;
    if (d < 0) return;
    index_[d] += n;
    offset_ += n * strides_[d];
    while (d > 0 && index_[d] == sizes_[d]) {
      offset_ -= index_[d] * strides_[d];
      index_[d] = 0;
      --d;
      ++index_[d];
      offset_ += strides_[d];
    }
  }

 private:
  const Shape& sizes_;
  const Shape& strides_;
  std::int64_t index_[max_dims];
  std::int64_t offset_ = 0;
};

/// Byte offsets of elements first .. first + n - 1 of the reduced dimensions.
void element_offsets(const ReducePlan& plan, std::int64_t first, int n, std::int64_t* out) {
  Walker at(plan.reduced, plan.reduced_strides, first);
  for (int done = 0; done < n;) {
    const std::int64_t run = std::min<std::int64_t>(at.run(), n - done);
    for (std::int64_t i = 0; i < run; ++i) out[done + i] = at.offset() + i * at.step();
    done += static_cast<int>(run);
    at.advance(run);
  }
}

/// The same elements themselves, one after the other.
void gather_elements(const ReducePlan& plan, const char* base, std::int64_t first, int n, char* to) {
  const std::size_t item = itemsize(plan.dtype);
  Walker at(plan.reduced, plan.reduced_strides, first);
  const std::int64_t step = at.step();
  for (std::int64_t done = 0; done < n;) {
    const std::int64_t run = std::min<std::int64_t>(at.run(), n - done);
    const char* from = base + at.offset();
    auto copy = [&]<std::size_t size>(std::integral_constant<std::size_t, size>) {
      for (std::int64_t i = 0; i < run; ++i)
        std::memcpy(to + i * static_cast<std::int64_t>(size), from + i * step, size);
    };
    if (step == static_cast<std::int64_t>(item))
      std::memcpy(to, from, static_cast<std::size_t>(run) * item);
    else if (item == 4)
      copy(std::integral_constant<std::size_t, 4>());
    else if (item == 8)
      copy(std::integral_constant<std::size_t, 8>());
    else
      copy(std::integral_constant<std::size_t, 1>());
    to += static_cast<std::size_t>(run) * item;
    done += run;
    at.advance(run);
  }
}

/// Combines equal pieces pairwise in order; only the last piece may be smaller. Results of 2^k pieces can be pushed as one.
template <class A>
class Cascade {
 public:
  /// `scratch` holds width values for each bit of the number of pieces.
  Cascade(const FoldKernel<A>& kernel, A* scratch, std::int64_t width)
      : kernel_(kernel), levels_(scratch), width_(width) {}
  /// `values` is overwritten.
  void push(A* values) {
    A* level = levels_;
    for (std::uint64_t c = count_++; c & 1; c >>= 1, level += width_) {
      kernel_.merge(level, values, width_);
      values = level;
    }
    if (values != level) std::copy_n(values, width_, level);
  }
  void result(A* out) const {
    const A* later = nullptr;
    A* level = levels_;
    for (std::uint64_t c = count_; c; c >>= 1, level += width_) {
      if (!(c & 1)) continue;
      if (later) kernel_.merge(level, later, width_);
      later = level;
    }
    std::copy_n(later, width_, out);
  }

 private:
  const FoldKernel<A>& kernel_;
  A* levels_;
  std::int64_t width_;
  std::uint64_t count_ = 0;
};

template <class A>
class Folding {
 public:
  Folding(const ReducePlan& plan, const FoldKernel<A>& kernel, double p, const A* c, const Sink<A>& sink)
      : plan_(plan), kernel_(kernel), p_(p), c_(c), sink_(sink), blocks_((plan.length - 1) / reduce_block + 1) {
    const auto item = static_cast<std::int64_t>(itemsize(plan.dtype));
    dense_ = plan.reduced.empty() || (plan.reduced.size() == 1 && plan.reduced_strides[0] == item);
    by_columns_ = kernel.columns && !dense_ && !plan.kept.empty() && plan.kept_strides.back() == item;
    if (by_columns_) {
      inner_ = std::max<std::int64_t>(1, plan.kept.back());
      panels_ = (inner_ - 1) / panel + 1;
      outer_sizes_ = plan.kept;
      outer_sizes_.erase(outer_sizes_.size() - 1);
      outer_strides_ = plan.kept_strides;
      outer_strides_.erase(outer_strides_.size() - 1);
    }
    groups_ = plan.outputs / inner_ * panels_;
  }

  void run() const {
    if (plan_.outputs == 0) return;
    if (plan_.length == 0) return fill_identity();
    const std::int64_t width = std::min(inner_, panel);
    // A power of two, so that the results of tasks combine as their blocks would.
    const auto task_blocks = static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>((15 + width) / width)));
    if (groups_ < 16 && blocks_ > task_blocks) return run_split(task_blocks);
    parallel_for(groups_, std::max<std::int64_t>(1, grain_cheap / (width * plan_.length)),
                 [&](std::int64_t begin, std::int64_t end) {
                   if (!by_columns_) return rows(begin, end);
                   A values[panel];
                   for (std::int64_t g = begin; g < end; ++g) {
                     const std::int64_t n = columns(g, 0, blocks_, values);
                     sink_(first_output(g), values, n);
                   }
                 });
  }

 private:
  static constexpr std::int64_t panel = 64;

  std::int64_t first_output(std::int64_t group) const {
    return by_columns_ ? group / panels_ * inner_ + group % panels_ * panel : group;
  }

  void fill_identity() const {
    A values[panel];
    std::fill_n(values, panel, kernel_.identity);
    for (std::int64_t i = 0; i < plan_.outputs; i += panel) sink_(i, values, std::min(panel, plan_.outputs - i));
  }

  // Few outputs of many elements: the elements are shared out as well.
  void run_split(std::int64_t per_task) const {
    while ((blocks_ - 1) / per_task + 1 > max_chunks) per_task *= 2;
    const std::int64_t tasks = (blocks_ - 1) / per_task + 1, outputs = plan_.outputs;
    std::vector<A> partial(static_cast<std::size_t>(tasks * outputs));
    parallel_for(tasks * groups_, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t t = begin; t < end; ++t) {
        const std::int64_t task = t / groups_, g = t % groups_;
        const std::int64_t first = task * per_task, last = std::min(blocks_, first + per_task);
        A* to = partial.data() + task * outputs + first_output(g);
        if (by_columns_)
          columns(g, first, last, to);
        else
          row(plan_.data + Walker(plan_.kept, plan_.kept_strides, g).offset(), g, first, last, to);
      }
    });
    std::vector<A> scratch(static_cast<std::size_t>(outputs * std::bit_width(static_cast<std::uint64_t>(tasks))));
    Cascade<A> total(kernel_, scratch.data(), outputs);
    for (std::int64_t t = 0; t < tasks; ++t) total.push(partial.data() + t * outputs);
    total.result(partial.data());
    sink_(0, partial.data(), outputs);
  }

  const A* parameters(std::int64_t output) const { return c_ ? c_ + output : nullptr; }

  void rows(std::int64_t begin, std::int64_t end) const {
    A values[panel];
    Walker at(plan_.kept, plan_.kept_strides, begin);
    for (std::int64_t k = begin; k < end;) {
      const std::int64_t n = std::min({at.run(), end - k, panel});
      const char* base = plan_.data + at.offset();
      if (dense_ && blocks_ == 1)
        kernel_.rows(p_, base, at.step(), n, static_cast<int>(plan_.length), parameters(k), values);
      else
        for (std::int64_t i = 0; i < n; ++i) row(base + i * at.step(), k + i, 0, blocks_, values + i);
      sink_(k, values, n);
      k += n;
      at.advance(n);
    }
  }

  // Blocks [first, last) of one output.
  void row(const char* base, std::int64_t output, std::int64_t first, std::int64_t last, A* out) const {
    if (last - first == 1) return block(base, output, first, out);
    A scratch[64], value;
    Cascade<A> total(kernel_, scratch, 1);
    for (std::int64_t b = first; b < last; ++b) {
      block(base, output, b, &value);
      total.push(&value);
    }
    total.result(out);
  }

  void block(const char* base, std::int64_t output, std::int64_t b, A* out) const {
    const std::int64_t first = b * reduce_block;
    const int n = static_cast<int>(std::min(reduce_block, plan_.length - first));
    const auto item = static_cast<std::int64_t>(itemsize(plan_.dtype));
    if (dense_) return kernel_.rows(p_, base + first * item, 0, 1, n, parameters(output), out);
    alignas(64) char gathered[reduce_block * 8];
    gather_elements(plan_, base, first, n, gathered);
    kernel_.rows(p_, gathered, 0, 1, n, parameters(output), out);
  }

  // Blocks [first, last) of up to `panel` neighbouring outputs; returns how many.
  std::int64_t columns(std::int64_t group, std::int64_t first, std::int64_t last, A* out) const {
    const std::int64_t column = group % panels_ * panel, width = std::min(panel, inner_ - column);
    const auto item = static_cast<std::int64_t>(itemsize(plan_.dtype));
    const char* base = plan_.data + Walker(outer_sizes_, outer_strides_, group / panels_).offset() + column * item;
    const A* c = parameters(first_output(group));
    auto fold = [&](std::int64_t b, A* to) {
      std::int64_t offsets[reduce_block];
      const std::int64_t from = b * reduce_block;
      const int n = static_cast<int>(std::min(reduce_block, plan_.length - from));
      element_offsets(plan_, from, n, offsets);
      kernel_.columns(p_, base, offsets, n, static_cast<int>(width), c, to);
    };
    if (last - first == 1) {
      fold(first, out);
      return width;
    }
    A values[panel], scratch[panel * 48];
    Cascade<A> total(kernel_, scratch, width);
    for (std::int64_t b = first; b < last; ++b) {
      fold(b, values);
      total.push(values);
    }
    total.result(out);
    return width;
  }

  const ReducePlan& plan_;
  const FoldKernel<A>& kernel_;
  const double p_;
  const A* const c_;
  const Sink<A>& sink_;
  const std::int64_t blocks_;
  bool dense_, by_columns_;
  // By columns: the innermost kept dimension is cut into panels.
  std::int64_t inner_ = 1, panels_ = 1, groups_;
  Shape outer_sizes_, outer_strides_;
};

struct Itself {
  template <class V>
  V operator()(const V& x, const V&) const {
    return x;
  }
};
struct NotNan {
  template <class V>
  V operator()(const V& x, const V&) const {
    return where(isnan(x), V(0), x);
  }
};
struct IsNonzero {
  template <class V>
  V operator()(const V& x, const V&) const {
    if constexpr (V::size == 1)
      return x.v != 0;
    else
      return where(x != 0, V(1), V(0));
  }
};
struct Magnitude {
  template <class V>
  V operator()(const V& x, const V&) const {
    return abs(x);
  }
};
struct Square {
  template <class V>
  V operator()(const V& x, const V&) const {
    return x * x;
  }
};
struct ScaledSquare {
  template <class V>
  V operator()(const V& x, const V& c) const {
    return square(x / c);
  }
};
struct ScaledPower {
  double p;
  template <class V>
  V operator()(const V& x, const V& c) const {
    return pow(abs(x) / c, p);
  }
};
struct Deviation {
  template <class V>
  V operator()(const V& x, const V& c) const {
    return x - c;
  }
};
struct SquaredDeviation {
  template <class V>
  V operator()(const V& x, const V& c) const {
    return square(x - c);
  }
};
struct Exponential {
  template <class V>
  V operator()(const V& x, const V& c) const {
    return exp(x - c);
  }
};

template <class R, class M, bool Columns>
void run(const ReducePlan& plan, const ReduceParams& params, const Sink<double>& sink) {
  if (!is_floating(plan.dtype)) throw_not_floating(plan.dtype);
  const FoldKernel<double>& kernel =
      plan.dtype == DType::float64 ? fold_kernel<R, M, double, Columns>() : fold_kernel<R, M, float, Columns>();
  if (plan.outputs == 1 && plan.kept.empty() && plan.length <= reduce_block && plan.length > 0 &&
      (plan.length == 1 ||
       (plan.reduced.size() == 1 && plan.reduced_strides[0] == static_cast<std::int64_t>(itemsize(plan.dtype))))) {
    double value;
    kernel.rows(params.p, plan.data, 0, 1, static_cast<int>(plan.length), params.c, &value);
    return sink(0, &value, 1);
  }
  Folding<double>(plan, kernel, params.p, params.c, sink).run();
}

template <class R, class M>
void run_integers(const ReducePlan& plan, const Sink<std::int64_t>& sink) {
  if (is_floating(plan.dtype)) throw DTypeError(concat("expected int64 or bool, got ", dtype_name(plan.dtype)));
  const FoldKernel<std::int64_t>& kernel =
      plan.dtype == DType::boolean ? fold_kernel<R, M, bool>() : fold_kernel<R, M, std::int64_t>();
  Folding<std::int64_t>(plan, kernel, 0, nullptr, sink).run();
}

}  // namespace

void reduce(const ReducePlan& plan, ReduceOp op, const ReduceParams& params, const Sink<double>& sink) {
  constexpr bool columns = true, rows_only = false;
  switch (op) {
    case ReduceOp::sum: return run<Adding, Itself, columns>(plan, params, sink);
    case ReduceOp::nansum: return run<Adding, NotNan, rows_only>(plan, params, sink);
    case ReduceOp::nonzero: return run<Adding, IsNonzero, rows_only>(plan, params, sink);
    case ReduceOp::magnitude: return run<Adding, Magnitude, columns>(plan, params, sink);
    case ReduceOp::square: return run<Adding, Square, columns>(plan, params, sink);
    case ReduceOp::scaled_square: return run<Adding, ScaledSquare, rows_only>(plan, params, sink);
    case ReduceOp::scaled_power: return run<Adding, ScaledPower, rows_only>(plan, params, sink);
    case ReduceOp::deviation: return run<Adding, Deviation, columns>(plan, params, sink);
    case ReduceOp::squared_deviation: return run<Adding, SquaredDeviation, columns>(plan, params, sink);
    case ReduceOp::exponential: return run<Adding, Exponential, rows_only>(plan, params, sink);
    case ReduceOp::product: return run<Multiplying, Itself, rows_only>(plan, params, sink);
    case ReduceOp::largest: return run<Largest, Itself, columns>(plan, params, sink);
    case ReduceOp::smallest: return run<Smallest, Itself, columns>(plan, params, sink);
    case ReduceOp::largest_magnitude: return run<Largest, Magnitude, rows_only>(plan, params, sink);
    case ReduceOp::smallest_magnitude: return run<Smallest, Magnitude, rows_only>(plan, params, sink);
  }
}

void reduce_integers(const ReducePlan& plan, ReduceOp op, const Sink<std::int64_t>& sink) {
  switch (op) {
    case ReduceOp::product: return run_integers<Multiplying, Itself>(plan, sink);
    case ReduceOp::largest: return run_integers<Largest, Itself>(plan, sink);
    case ReduceOp::smallest: return run_integers<Smallest, Itself>(plan, sink);
    case ReduceOp::nonzero: return run_integers<Adding, IsNonzero>(plan, sink);
    default: return run_integers<Adding, Itself>(plan, sink);
  }
}

}  // namespace slope
