#include "slope/nn/losses/regression/generalized_box_iou.h"

#include <algorithm>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/kernels/simd/lanes.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/internal/constants.h"

namespace slope::nn {

namespace {

/// Coordinates beyond `largest` are multiplied by `unit`, so that areas stay within the range of the dtype: the loss does
/// not depend on the scale, apart from eps, which then is too small to count unless an area is 0.
struct CoordinateRange {
  double largest, unit, smallest;

  static CoordinateRange of(DType dtype) {
    return dtype == DType::float32 ? CoordinateRange{0x1p60, 0x1p-66, 0x1p-126}
                                   : CoordinateRange{0x1p505, 0x1p-514, 0x1p-1022};
  }
};

/// One axis of two boxes: where they meet and how far both reach. T is lanes or Tensor.
template <class T>
struct Axis {
  Axis(const T& from_p, const T& to_p, const T& from_q, const T& to_q, const CoordinateRange& range)
      : unit(where(maximum(maximum(abs(from_p), abs(to_p)), maximum(abs(from_q), abs(to_q))) > range.largest,
                   T(range.unit), T(1))),
        p1(from_p * unit),
        p2(to_p * unit),
        q1(from_q * unit),
        q2(to_q * unit) {}

  T unit, p1, p2, q1, q2;
  T meet = minimum(p2, q2) - maximum(p1, q1);
  T reach = maximum(p2, q2) - minimum(p1, q1);

  // The share of p in the larger of the two: half at a tie.
  static T larger(const T& p, const T& q) { return where(p > q, T(1), where(p == q, T(0.5), T(0))); }
  // Of an edge of p, given the derivatives of the loss by p's extent, by `meet` and by `reach`.
  T low_edge(const T& extent, const T& d_meet, const T& d_reach) const {
    return -(extent + d_meet * larger(p1, q1) + d_reach * larger(q1, p1));
  }
  T high_edge(const T& extent, const T& d_meet, const T& d_reach) const {
    return extent + d_meet * larger(q2, p2) + d_reach * larger(p2, q2);
  }
};

/// The loss of the boxes p and q and its derivatives by the edges of p.
template <class T>
struct BoxPair {
  BoxPair(const T* p, const T* q, double e, const CoordinateRange& range)
      : x(p[0], p[2], q[0], q[2], range),
        y(p[1], p[3], q[1], q[3], range),
        eps(maximum(e * x.unit * y.unit, T(e > 0 ? range.smallest : e))) {}

  Axis<T> x, y;
  T eps;
  T width = x.p2 - x.p1, height = y.p2 - y.p1;
  T meet_x = where((x.meet > 0.0) & (y.meet > 0.0), x.meet, T(0));
  T meet_y = where((x.meet > 0.0) & (y.meet > 0.0), y.meet, T(0));
  T intersection = meet_x * meet_y;
  T united = width * height + (x.q2 - x.q1) * (y.q2 - y.q1) - intersection;
  T around = x.reach * y.reach;
  T by_union = 1.0 / (united + eps), by_around = 1.0 / (around + eps);

  T value() const { return 1.0 - intersection * by_union + (around - united) * by_around; }
  void derivatives(T* edges) const {
    const T d_union = intersection * by_union * by_union - by_around;
    const T d_intersection = -by_union - d_union;  // the union shrinks by what is shared
    const T rest = (united + eps) * by_around;
    // The unit goes with the factors that are small where it is: their product may be in range when a divisor is not.
    const auto along = [&](const Axis<T>& axis, const T& extent, const T& meet, const T& reach, T& low, T& high) {
      const T d_extent = axis.unit * extent * d_union, d_meet = axis.unit * meet * d_intersection,
              d_reach = rest * (axis.unit * reach * by_around);
      low = axis.low_edge(d_extent, d_meet, d_reach);
      high = axis.high_edge(d_extent, d_meet, d_reach);
    };
    along(x, height, meet_y, y.reach, edges[0], edges[2]);
    along(y, width, meet_x, x.reach, edges[1], edges[3]);
  }
};

/// Some boxes edge by edge: four values a box in memory, a column an edge here. Many at a time, since lanes read at
/// once what was just written piece by piece would wait for it.
constexpr int together = 64;
template <class T>
struct Columns {
  alignas(64) T edge[4][together];

  void load(const T* boxes, int n) {
    for (int i = 0; i < n; ++i)
      for (int k = 0; k < 4; ++k) edge[k][i] = boxes[4 * i + k];
    for (int k = 0; k < 4; ++k) std::fill(edge[k] + n, edge[k] + together, T(0));
  }
  void store(T* boxes, int n) const {
    for (int i = 0; i < n; ++i)
      for (int k = 0; k < 4; ++k) boxes[4 * i + k] = edge[k][i];
  }
};

/// Values (may be null) and gradients (may be null) of n pairs; returns the sum of the values.
template <class T>
double box_kernel(const T* p, const T* q, T* values, T* dp, T* dq, double eps, double scale, std::int64_t n) {
  double total = 0;
  const CoordinateRange range = CoordinateRange::of(dtype_of<T>());
  simd::dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<T>;
    typename decltype(isa)::template WideSum<T> sum;
    Columns<T> a, b, da, db;
    for (std::int64_t first = 0; first < n; first += together) {
      const int count = static_cast<int>(std::min<std::int64_t>(together, n - first));
      a.load(p + 4 * first, count);
      b.load(q + 4 * first, count);
      for (int i = 0; i < count; i += V::size) {
        const int m = std::min(V::size, count - i);
        V u[4], v[4], d[4];
        for (int k = 0; k < 4; ++k) {
          u[k] = V::load(a.edge[k] + i);
          v[k] = V::load(b.edge[k] + i);
        }
        const BoxPair<V> pair(u, v, eps, range);
        const V value = pair.value();
        sum.add_n(value, m);
        if (values) value.store_n(values + first + i, m);
        if (dp) {
          pair.derivatives(d);
          for (int k = 0; k < 4; ++k) (scale * d[k]).store(da.edge[k] + i);
        }
        if (dq) {
          BoxPair<V>(v, u, eps, range).derivatives(d);
          for (int k = 0; k < 4; ++k) (scale * d[k]).store(db.edge[k] + i);
        }
      }
      if (dp) da.store(dp + 4 * first, count);
      if (dq) db.store(dq + 4 * first, count);
    }
    total = sum.total();
  });
  return total;
}

struct GeneralizedBoxIou {
  static constexpr std::string_view name = "GeneralizedBoxIouLoss";
  Reduction reduction;
  double eps;
  bool wants_dp, wants_dq;
  struct Saved {
    SavedTensor p, q;
    Tensor dp, dq;  // gradients of the value, or of each value
  };

  // Both dense and of one dtype.
  Tensor forward(Saved& s, const Tensor& p, const Tensor& q) {
    const std::int64_t n = p.numel() / 4;
    const bool reduced = reduction != Reduction::none;
    Shape shape = p.shape();
    shape.erase(shape.size() - 1);
    const Tensor out = make_empty(reduced ? Shape{} : shape, p.dtype());
    s = {save(p), save(q), wants_dp ? make_empty(p.shape(), p.dtype()) : Tensor(),
         wants_dq ? make_empty(p.shape(), p.dtype()) : Tensor()};
    visit_floating(p.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const auto at = [](const Tensor& t, std::int64_t i) { return t.defined() ? t.impl().ptr<T>() + i : nullptr; };
      const double scale = reduction == Reduction::mean ? 1 / static_cast<double>(n) : 1;
      double partial[max_chunks];
      parallel_chunks(n, grain_math, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
        partial[chunk] = box_kernel<T>(at(p, 4 * begin), at(q, 4 * begin), reduced ? nullptr : at(out, begin),
                                       at(s.dp, 4 * begin), at(s.dq, 4 * begin), eps, scale, end - begin);
      });
      if (!reduced) return;
      double total = 0;
      for (std::int64_t c = 0; c < chunk_count(n, grain_math); ++c) total += partial[c];
      *out.impl().ptr<T>() = static_cast<T>(reduction == Reduction::mean ? total / static_cast<double>(n) : total);
    });
    return out;
  }

  Grads<2> backward(const Saved& s, const Tensor& g) const {
    const Tensor p = s.p.get(), q = s.q.get(), up = g.dim() == 0 ? g : g.unsqueeze(-1);
    const bool again = grad_enabled();
    const double factor = reduction == Reduction::mean ? 4 / static_cast<double>(p.numel()) : 1;
    Grads<2> grads;
    if (!again && reduction != Reduction::none) {
      if (needs_grad(0)) grads[0] = detail::scaled_gradient(s.dp, g);
      if (needs_grad(1)) grads[1] = detail::scaled_gradient(s.dq, g);
      return grads;
    }
    if (needs_grad(0)) grads[0] = again ? scale_cotangent(up * factor, composed(p, q)) : scale_cotangent(up, s.dp);
    if (needs_grad(1)) grads[1] = again ? scale_cotangent(up * factor, composed(q, p)) : scale_cotangent(up, s.dq);
    return grads;
  }

  Tensor composed(const Tensor& p, const Tensor& q) const {
    const slope::detail::ConstantDTypeGuard constants(p.dtype());
    const std::vector<Tensor> a = p.unbind(-1), b = q.unbind(-1);
    std::vector<Tensor> edges(4);
    BoxPair<Tensor>(a.data(), b.data(), eps, CoordinateRange::of(p.dtype())).derivatives(edges.data());
    return stack(edges, -1);
  }
};

}  // namespace

Tensor functional::generalized_box_iou_loss(In boxes1, const Tensor& boxes2,
                                            const GeneralizedBoxIoULossOptions& options) {
  constexpr const char* op = "generalized_box_iou_loss";
  CallerScope scope(boxes1.loc);
  const SourceLoc loc = boxes1.loc;
  detail::require_floating(op, boxes1);
  detail::require_plain_reduction(op, options.reduction, loc);
  if (!boxes2.defined()) throw ValueError(concat(op, ": boxes2 is an undefined tensor"), loc);
  if (boxes1->shape() != boxes2.shape() || boxes1->dim() == 0 || boxes1->shape().back() != 4)
    throw ShapeError(
        concat(op, ": both need one shape that ends in 4, the edges (x1, y1, x2, y2) of a box, got boxes1 ",
               to_text(boxes1->shape()), " and boxes2 ", to_text(boxes2.shape())),
        loc);
  const DType dtype = detail::result_dtype(boxes1, boxes2);
  const Tensor p = boxes1->to(dtype, loc).contiguous(loc), q = boxes2.to(dtype, loc).contiguous(loc);
  const bool recording = grad_enabled();
  return apply(
      loc,
      GeneralizedBoxIou{options.reduction, options.eps, recording && p.requires_grad(), recording && q.requires_grad()},
      p, q);
}

}  // namespace slope::nn
