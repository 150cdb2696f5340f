// Sets that are columns, or a few neighbouring ones: batch normalisation of what has little or no space.
#include <algorithm>
#include <vector>

#include "slope/autograd/kernels/norm/norm_core.h"

namespace slope::norm_kernels {

namespace {

/// x as `rows` by `columns`, cut into tasks: pieces of rows, each with sums of its own, times pieces of columns.
struct Grid {
  std::int64_t rows, columns, rows_each, columns_each;

  explicit Grid(const NormShape& s) : rows(s.batch), columns(s.groups * s.length) {
    constexpr std::int64_t most_pieces = 64, fewest_rows = 64;
    rows_each = std::max({rows_per_grain(columns, grain_cheap), fewest_rows, (rows - 1) / most_pieces + 1});
    rows_each = std::min(rows_each, rows);
    columns_each = std::max<std::int64_t>(64, grain_cheap / rows_each / 64 * 64);
  }
  std::int64_t row_pieces() const { return (rows - 1) / rows_each + 1; }
  std::int64_t column_pieces() const { return (columns - 1) / columns_each + 1; }

  /// body(piece of rows, first row, behind the last, first column, behind the last) for all tasks, on several threads.
  template <class Body>
  void run(const Body& body) const {
    parallel_for(row_pieces() * column_pieces(), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t piece = task / column_pieces(), row = piece * rows_each,
                           column = task % column_pieces() * columns_each;
        body(piece, row, std::min(rows, row + rows_each), column, std::min(columns, column + columns_each));
      }
    });
  }
};

/// Two sums for every column.
class ColumnSums {
 public:
  explicit ColumnSums(const Grid& grid)
      : columns_(grid.columns), all_(static_cast<std::size_t>(2 * grid.columns * grid.row_pieces())) {}
  double* first(std::int64_t piece) { return all_.data() + 2 * columns_ * piece; }
  double* second(std::int64_t piece) { return first(piece) + columns_; }
  /// Those of the columns of one set, over all pieces.
  Sums of_set(const Grid& grid, std::int64_t set, std::int64_t length) {
    Sums total;
    for (std::int64_t piece = 0; piece < grid.row_pieces(); ++piece)
      for (std::int64_t c = set * length; c < (set + 1) * length; ++c) total += Sums{first(piece)[c], second(piece)[c]};
    return total;
  }

 private:
  std::int64_t columns_;
  std::vector<double> all_;
};

/// Σ d and Σ d² of d = x - shift down columns [column, end), in strips of a few vectors.
template <class D, int G, class T>
inline void deviations(const T* x, const Grid& grid, std::int64_t row, std::int64_t last_row, std::int64_t column,
                       int count, const double* shift, double* first, double* second) {
  const auto partial = count < D::size;  // then G is 1
  D from[G], sum[G], square[G];
#pragma GCC unroll 4
  for (int k = 0; k < G; ++k) {
    from[k] = partial ? D::load_n(shift + column, count) : D::load(shift + column + k * D::size);
    sum[k] = square[k] = D(0);
  }
  for (std::int64_t r = row; r < last_row; ++r) {
    const Widened<D, T> at{x + r * grid.columns + column};
#pragma GCC unroll 4
    for (int k = 0; k < G; ++k) {
      const D d = (partial ? at.first(0, count) : at.full(k * D::size)) - from[k];
      sum[k] += d;
      square[k].v += d.v * d.v;
    }
  }
#pragma GCC unroll 4
  for (int k = 0; k < G; ++k) {
    if (partial) {
      sum[k].store_n(first + column, count);
      square[k].store_n(second + column, count);
    } else {
      sum[k].store(first + column + k * D::size);
      square[k].store(second + column + k * D::size);
    }
  }
}

template <class T>
void find_moments(const Forward<T>& f, const Grid& grid) {
  const NormShape& s = f.shape;
  std::vector<double> shift(static_cast<std::size_t>(grid.columns), 0.0);
  if (s.centred)
    for (std::int64_t c = 0; c < grid.columns; ++c)
      shift[static_cast<std::size_t>(c)] = static_cast<double>(f.x[c / s.length * s.length]);
  ColumnSums sums(grid);
  grid.run([&](std::int64_t piece, std::int64_t row, std::int64_t last_row, std::int64_t column, std::int64_t end) {
    simd::dispatch([&](auto isa) {
      using D = typename decltype(isa)::template Lanes<double>;
      const auto strip = [&]<int G>(std::integral_constant<int, G>, std::int64_t at, int count) {
        deviations<D, G>(f.x, grid, row, last_row, at, count, shift.data(), sums.first(piece), sums.second(piece));
      };
      std::int64_t c = column;
      for (; c + 4 * D::size <= end; c += 4 * D::size) strip(std::integral_constant<int, 4>(), c, 4 * D::size);
      for (; c < end; c += D::size)
        strip(std::integral_constant<int, 1>(), c, static_cast<int>(std::min<std::int64_t>(D::size, end - c)));
    });
  });
  for (std::int64_t set = 0; set < s.groups; ++set) {
    const Moments m = moments_of(sums.of_set(grid, set, s.length), shift[static_cast<std::size_t>(set * s.length)],
                                 s.set_size(), s.centred);
    f.moments.mean[set] = m.mean;
    f.moments.variance[set] = m.variance;
  }
}

/// A number of T for each column, several kinds of them.
template <class T, int Kinds>
class Columns {
 public:
  explicit Columns(const Grid& grid)
      : columns_(grid.columns), all_(static_cast<std::size_t>(Kinds * grid.columns), T(0)) {}
  void set(int kind, std::int64_t set, std::int64_t length, T value) {
    std::fill_n(all_.data() + kind * columns_ + set * length, length, value);
  }
  const T* at(int kind, std::int64_t column) const { return all_.data() + kind * columns_ + column; }

 private:
  std::int64_t columns_;
  std::vector<T> all_;
};

}  // namespace

template <class T>
void down_columns(const Forward<T>& f) {
  const NormShape& s = f.shape;
  const Grid grid(s);
  if (!f.moments.constant) find_moments(f, grid);
  enum { high, low, factor, level, kinds };
  Columns<T, kinds> terms(grid);
  for (std::int64_t set = 0; set < s.groups; ++set) {
    const Scale<T> scale(f.moments, set);
    const double r = reciprocal_deviation(f.moments, set);
    terms.set(high, set, s.length, scale.high);
    terms.set(low, set, s.length, scale.low);
    terms.set(factor, set, s.length, static_cast<T>(f.weight ? r * static_cast<double>(f.weight[set]) : r));
    if (f.bias) terms.set(level, set, s.length, f.bias[set]);
  }
  grid.run([&](std::int64_t, std::int64_t row, std::int64_t last_row, std::int64_t column, std::int64_t end) {
    simd::dispatch([&](auto isa) {
      using V = typename decltype(isa)::template Lanes<T>;
      const T *h = terms.at(high, column), *l = terms.at(low, column), *a = terms.at(factor, column),
              *b = terms.at(level, column);
      for (std::int64_t r = row; r < last_row; ++r) {
        const T* x = f.x + r * grid.columns + column;
        T* y = f.y + r * grid.columns + column;
        if (f.bias)
          simd::write_each<V>(y, end - column,
                              [&](const auto& load) { return ((load(x) - load(h)) - load(l)) * load(a) + load(b); });
        else
          simd::write_each<V>(y, end - column,
                              [&](const auto& load) { return ((load(x) - load(h)) - load(l)) * load(a); });
      }
    });
  });
}
template void down_columns<float>(const Forward<float>&);
template void down_columns<double>(const Forward<double>&);

template <class T>
void down_columns(const Backward<T>& f) {
  const NormShape& s = f.shape;
  const Grid grid(s);
  enum { high, low, weight, factor, level, tilt, kinds };
  Columns<T, kinds> terms(grid);
  for (std::int64_t set = 0; set < s.groups; ++set) {
    const Scale<T> scale(f.moments, set);
    terms.set(high, set, s.length, scale.high);
    terms.set(low, set, s.length, scale.low);
    terms.set(factor, set, s.length, scale.factor);
    terms.set(weight, set, s.length, f.weight ? f.weight[set] : T(1));
  }
  if (f.sums_wanted() || !f.moments.constant) {
    // Σ g and Σ g·(x - mean) of every column.
    ColumnSums sums(grid);
    grid.run([&](std::int64_t piece, std::int64_t row, std::int64_t last_row, std::int64_t column, std::int64_t end) {
      simd::dispatch([&](auto isa) {
        using V = typename decltype(isa)::template Lanes<T>;
        const T *h = terms.at(high, column), *l = terms.at(low, column);
        double *first = sums.first(piece) + column, *second = sums.second(piece) + column;
        simd::each_vector_at<V>(end - column, [&](const auto& load, const auto&, int count, std::int64_t at) {
          const V part_high = load(h), part_low = load(l);
          typename decltype(isa)::template WideSum<T> plain, products;
          for (std::int64_t r = row; r < last_row; ++r) {
            const std::int64_t start = r * grid.columns + column;
            const V g = load(f.g + start);
            plain.add(g);
            products.add_product(g, where(g == 0, V(0), (load(f.x + start) - part_high) - part_low));
          }
          double found[2][V::size];
          plain.store(found[0]);
          products.store(found[1]);
          std::copy_n(found[0], count, first + at);
          std::copy_n(found[1], count, second + at);
        });
      });
    });
    for (std::int64_t set = 0; set < s.groups; ++set) {
      const Sums of = sums.of_set(grid, set, s.length);
      const double r = reciprocal_deviation(f.moments, set);
      if (f.dbias) f.dbias[set] = static_cast<T>(of.first);
      if (f.dweight) f.dweight[set] = static_cast<T>(scaled(of.second, r));
      if (f.moments.constant) continue;
      const double w = f.weight ? static_cast<double>(f.weight[set]) : 1;
      const Pull<T> pull({scaled(of.first, w), scaled(of.second, w)}, r, s);
      terms.set(level, set, s.length, pull.level);
      terms.set(tilt, set, s.length, pull.tilt);
    }
  }
  if (!f.dx) return;
  grid.run([&](std::int64_t, std::int64_t row, std::int64_t last_row, std::int64_t column, std::int64_t end) {
    simd::dispatch([&](auto isa) {
      using V = typename decltype(isa)::template Lanes<T>;
      const T *h = terms.at(high, column), *l = terms.at(low, column), *w = terms.at(weight, column),
              *a = terms.at(factor, column), *b = terms.at(level, column), *c = terms.at(tilt, column);
      for (std::int64_t r = row; r < last_row; ++r) {
        const std::int64_t start = r * grid.columns + column;
        const T *g = f.g + start, *x = f.x + start;
        simd::write_each<V>(f.dx + start, end - column, [&](const auto& load) {
          const V d = (load(x) - load(h)) - load(l);
          return scale_cotangent((scale_cotangent(load(g), load(w)) - load(b)) - scale_cotangent(load(c), d), load(a));
        });
      }
    });
  });
}
template void down_columns<float>(const Backward<float>&);
template void down_columns<double>(const Backward<double>&);

}  // namespace slope::norm_kernels
