// x.index({...}): the braces are read from left to right into a view and, where tensors index, the positions they name.
#include <algorithm>
#include <array>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/index.h"
#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/index/internal/index_inplace.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/internal/number.h"

namespace slope {

namespace {

/// What the basic indices leave, and which of its dimensions tensors index.
struct Reading {
  Tensor view;
  struct Entry {
    Tensor index;          // int64
    int original = 0;      // the dimension of x, for messages
    bool wrapped = false;  // already counts from 0 and is in range
  };
  std::array<Entry, max_dims> entries;  // per dimension of `view`; undefined: the whole dimension
  Tensor mask_positions;                // when the only tensor is a mask: where it is true
  int advanced() const {
    int n = 0;
    for (const Entry& e : entries) n += e.index.defined();
    return n;
  }
};

std::int64_t consumed_dims(const std::vector<Index>& indices, const char* op, SourceLoc loc) {
  std::int64_t n = 0;
  bool ellipsis = false;
  for (const Index& i : indices) switch (i.kind()) {
      case Index::Kind::integer:
      case Index::Kind::slice: ++n; break;
      case Index::Kind::ellipsis:
        if (ellipsis) throw IndexError(concat(op, ": an index can only have a single ellipsis ('...')"), loc);
        ellipsis = true;
        break;
      case Index::Kind::tensor:
        if (!i.tensor().defined()) throw ValueError(concat(op, ": an index is an undefined tensor"), loc);
        if (is_floating(i.tensor().dtype()))
          throw DTypeError(concat(op, ": tensors used as indices must be int64 or bool tensors, got ",
                                  dtype_name(i.tensor().dtype())),
                           loc);
        n += i.tensor().dtype() == DType::boolean ? i.tensor().dim() : 1;
        break;
      default: break;
    }
  return n;
}

/// Reads the indices one by one; `dim` counts dimensions of the view that emerges, `original` those of x.
class Reader {
 public:
  Reader(const Tensor& x, const char* op, SourceLoc loc) : shape_(x.shape()), op_(op), loc_(loc) { out_.view = x; }

  void integer(std::int64_t i) {
    const std::int64_t size = shape_[original_];
    if (i < -size || i >= size)
      throw IndexError(concat(op_, ": index ", i, " is out of bounds for dimension ", original_, " with size ", size),
                       loc_);
    out_.view = select({out_.view, loc_}, dim_, i);
    ++original_;
  }
  void slice(const Slice& s) {
    if (s.start || s.stop || s.step != 1) out_.view = slope::slice({out_.view, loc_}, dim_, s.start, s.stop, s.step);
    skip(1);
  }
  void skip(std::int64_t dims) {
    dim_ += static_cast<int>(dims);
    original_ += static_cast<int>(dims);
  }
  void insert() { out_.view = unsqueeze({out_.view, loc_}, dim_++); }
  /// A bool is a mask over a dimension of its own, of size 1.
  void truth(bool on) {
    out_.view = unsqueeze({out_.view, loc_}, dim_);
    entry() = {zeros({on ? 1 : 0}, {.dtype = DType::int64}), original_, true};
    ++dim_;
    ++tensors_;
  }
  void tensor(const Tensor& t) {
    if (t.dtype() == DType::boolean) return t.dim() == 0 ? truth(t.item<bool>()) : mask(t);
    if (t.dim() == 0) return integer(t.item<std::int64_t>());
    entry() = {t, original_, false};
    ++tensors_;
    skip(1);
  }
  Reading finish() {
    if (tensors_ == 1 && masks_.size() == 1) {
      out_.mask_positions = detail::positions(masks_[0].second);
      for (Reading::Entry& e : out_.entries)
        if (e.index.defined()) e.index = out_.mask_positions;  // of the right shape; the positions say it all
      return std::move(out_);
    }
    for (const auto& [dim, m] : masks_) {
      const std::vector<Tensor> coordinates = unbind(nonzero(m), 1);
      for (std::size_t d = 0; d < coordinates.size(); ++d) out_.entries[dim + d].index = coordinates[d];
    }
    return std::move(out_);
  }

 private:
  Reading::Entry& entry() {
    if (dim_ >= max_dims) throw ShapeError(concat(op_, ": a tensor has at most ", max_dims, " dimensions"), loc_);
    return out_.entries[static_cast<std::size_t>(dim_)];
  }
  void mask(const Tensor& m) {
    for (int d = 0; d < m.dim(); ++d)
      if (m.shape()[d] != shape_[original_ + d])
        throw IndexError(
            concat(op_, ": The shape of the mask ", to_text(m.shape()), " at index ", d,
                   " does not match the shape of the indexed tensor ", to_text(shape_), " at index ", original_ + d),
            loc_);
    masks_.emplace_back(static_cast<std::size_t>(dim_), m);
    for (int d = 0; d < m.dim(); ++d) {
      entry() = {m, original_, true};  // replaced in finish()
      skip(1);
    }
    ++tensors_;
  }

  Reading out_;
  Shape shape_;
  const char* op_;
  SourceLoc loc_;
  int dim_ = 0, original_ = 0, tensors_ = 0;
  std::vector<std::pair<std::size_t, Tensor>> masks_;  // first dimension of the view, mask
};

Reading read(const Tensor& x, const std::vector<Index>& indices, const char* op, SourceLoc loc) {
  const std::int64_t consumed = consumed_dims(indices, op, loc);
  if (consumed > x.dim())
    throw IndexError(concat(op, ": too many indices for tensor of dimension ", x.dim(), ", got ", consumed), loc);
  Reader reader(x, op, loc);
  for (const Index& i : indices) switch (i.kind()) {
      case Index::Kind::integer: reader.integer(i.integer()); break;
      case Index::Kind::slice: reader.slice(i.slice()); break;
      case Index::Kind::none: reader.insert(); break;
      case Index::Kind::ellipsis: reader.skip(x.dim() - consumed); break;
      case Index::Kind::truth: reader.truth(i.integer() != 0); break;
      case Index::Kind::tensor: reader.tensor(i.tensor()); break;
    }
  return reader.finish();
}

/// Where the tensors point: positions in `span` adjacent dimensions from `front`, after bringing them together by
/// `order`.
struct Plan {
  Shape order;  // empty: they are adjacent already
  int front = 0, span = 0;
  Tensor positions;  // int64 vector
  Shape common;      // the broadcast shape of the index tensors
  Shape result;

  Tensor arrange(const Tensor& x, SourceLoc loc) const { return order.empty() ? x : permute({x, loc}, order); }
  Tensor restore(const Tensor& x, SourceLoc loc) const {
    if (order.empty()) return x;
    Shape inverse = order;
    for (int i = 0; i < order.size(); ++i) inverse[static_cast<int>(order[i])] = i;
    return permute({x, loc}, inverse);
  }
  /// The indexed dimensions as one.
  Shape merged(const Shape& arranged) const { return replaced(arranged, span_size(arranged)); }
  /// One slice per position.
  Shape rows(const Shape& arranged) const { return replaced(arranged, positions.numel()); }

 private:
  Shape replaced(const Shape& arranged, std::int64_t size) const {
    Shape out;
    for (int i = 0; i < front; ++i) out.push_back(arranged[i]);
    out.push_back(size);
    for (int i = front + span; i < arranged.size(); ++i) out.push_back(arranged[i]);
    return out;
  }
  std::int64_t span_size(const Shape& arranged) const {
    std::int64_t n = 1;
    for (int i = front; i < front + span; ++i) n *= arranged[i];
    return n;
  }
};

Tensor linear_positions(const Reading& r, const std::vector<int>& dims, const Shape& common, const char* op,
                        SourceLoc loc) {
  NoGradGuard no_grad;
  const Shape& shape = r.view.shape();
  Tensor out = make_empty(common, DType::int64);
  fill_kernel(out.impl(), 0);
  for (int d : dims) {
    const Reading::Entry& e = r.entries[static_cast<std::size_t>(d)];
    const std::int64_t size = shape[d];
    if (!e.wrapped) detail::check_range(e.index, -size, size, e.original, op, loc);
    map<std::int64_t, std::int64_t, std::int64_t>(
        out.impl(), out.impl(), e.index.impl(),
        [size](std::int64_t before, std::int64_t i) { return before * size + (i < 0 ? i + size : i); });
  }
  return out.view({-1});
}

Plan make_plan(const Reading& r, const char* op, SourceLoc loc) {
  Plan plan;
  std::vector<int> dims;
  for (int d = 0; d < r.view.dim(); ++d)
    if (r.entries[static_cast<std::size_t>(d)].index.defined()) dims.push_back(d);
  plan.span = static_cast<int>(dims.size());
  plan.front = dims.front();
  if (dims.back() - dims.front() + 1 != plan.span) {
    plan.front = 0;
    for (int d : dims) plan.order.push_back(d);
    for (int d = 0; d < r.view.dim(); ++d)
      if (!r.entries[static_cast<std::size_t>(d)].index.defined()) plan.order.push_back(d);
  }
  bool first = true;
  for (int d : dims) {
    const Shape& s = r.entries[static_cast<std::size_t>(d)].index.shape();
    try {
      plan.common = first ? s : broadcast_shapes(plan.common, s);
    } catch (const ShapeError&) {
      std::string shapes;
      for (int k : dims)
        shapes += concat(shapes.empty() ? "" : ", ", to_text(r.entries[static_cast<std::size_t>(k)].index.shape()));
      throw ShapeError(
          concat(op, ": shape mismatch: indexing tensors could not be broadcast together with shapes ", shapes), loc);
    }
    first = false;
  }
  plan.positions = r.mask_positions.defined() ? r.mask_positions : linear_positions(r, dims, plan.common, op, loc);
  const Shape arranged = plan.order.empty() ? r.view.shape() : [&] {
    Shape s;
    for (std::int64_t d : plan.order) s.push_back(r.view.shape()[static_cast<int>(d)]);
    return s;
  }();
  for (int i = 0; i < plan.front; ++i) plan.result.push_back(arranged[i]);
  for (std::int64_t s : plan.common) plan.result.push_back(s);
  for (int i = plan.front + plan.span; i < arranged.size(); ++i) plan.result.push_back(arranged[i]);
  return plan;
}

/// The value in the dtype of `x`, broadcast to `shape`; leading dimensions of size 1 beyond it are dropped.
Tensor spread_value(const Tensor& x, const Operand& value, const Shape& shape, const char* op, SourceLoc loc) {
  if (value.tensor && !value.tensor->defined()) throw ValueError(concat(op, ": the value is an undefined tensor"), loc);
  const DType have = value.tensor ? value.tensor->dtype() : value.scalar.dtype();
  detail::require_storable(op, have, x.dtype(), loc);
  if (!value.tensor) detail::check_number(op, value.scalar, x.dtype(), loc);
  Tensor v = value.tensor ? value.tensor->to(x.dtype(), loc) : make_number(value.scalar, x.dtype());
  Shape trimmed = v.shape();
  while (trimmed.size() > shape.size() && trimmed[0] == 1) trimmed.erase(0);
  if (trimmed != v.shape()) v = reshape({v, loc}, trimmed);
  bool fits = trimmed.size() <= shape.size();
  for (int i = 1; fits && i <= trimmed.size(); ++i) {
    const std::int64_t s = trimmed[trimmed.size() - i];
    fits = s == 1 || s == shape[shape.size() - i];
  }
  if (!fits)
    throw ShapeError(concat(op, ": shape mismatch: value tensor of shape ", to_text(value.tensor->shape()),
                            " cannot be broadcast to indexing result of shape ", to_text(shape)),
                     loc);
  return v.shape() == shape ? v : expand({v, loc}, shape);
}

/// `x` with `value` (of the shape of the result) written or added at the positions of the plan.
Tensor put(const Tensor& x, const Plan& plan, const Tensor& value, bool accumulate, SourceLoc loc) {
  const Tensor arranged = plan.arrange(x, loc);
  const Tensor merged = reshape({arranged, loc}, plan.merged(arranged.shape()));
  const Tensor rows = reshape({value, loc}, plan.rows(arranged.shape()));
  const Tensor out = accumulate ? index_add({merged, loc}, plan.front, plan.positions, rows)
                                : index_copy({merged, loc}, plan.front, plan.positions, rows);
  return plan.restore(reshape({out, loc}, arranged.shape()), loc);
}

/// Writes through a merged view of the memory of `target`; false when there is none.
bool put_directly(const Tensor& target, const Plan& plan, const Tensor& value, bool accumulate, SourceLoc loc) {
  const Tensor arranged = plan.arrange(target.detach(), loc);
  const Shape merged = plan.merged(arranged.shape());
  if (!arranged.is_contiguous() && !detail::view_strides(arranged.shape(), arranged.strides(), merged)) return false;
  const Tensor into = view({arranged, loc}, merged), rows = reshape({value, loc}, plan.rows(arranged.shape()));
  if (accumulate)
    into.index_add_(plan.front, plan.positions, rows, 1, loc);
  else
    into.index_copy_(plan.front, plan.positions, rows, loc);
  return true;
}

void put_in_place(const Tensor& self, const std::vector<Index>& indices, const Operand& value, bool accumulate) {
  constexpr const char* op = "index_put_";
  const SourceLoc loc = value.loc;
  const Reading r = read(self, indices, op, loc);
  if (r.advanced() == 0) {
    const Tensor v = spread_value(self, value, r.view.shape(), op, loc);
    if (accumulate)
      r.view.add_(Operand(v, loc));
    else
      r.view.copy_(v, loc);
    return;
  }
  const Plan plan = make_plan(r, op, loc);
  const Tensor v = spread_value(self, value, plan.result, op, loc);
  detail::check_in_place(r.view, op, loc);
  if (detail::may_write_directly(r.view, {&v}) && put_directly(r.view, plan, v, accumulate, loc)) return;
  in_place(r.view, loc, op, [&](const Tensor& old) { return put(old, plan, v, accumulate, loc); });
}

}  // namespace

Tensor index(In x, const std::vector<Index>& indices) {
  CallerScope scope(x.loc);
  const Reading r = read(x, indices, "index", x.loc);
  if (r.advanced() == 0) return r.view.is(x.tensor) ? view(x, x->shape()) : r.view;
  const Plan plan = make_plan(r, "index", x.loc);
  const Tensor out =
      detail::select_positions(x.loc, plan.arrange(r.view, x.loc), plan.front, plan.span, plan.positions);
  return out.shape() == plan.result ? out : reshape({out, x.loc}, plan.result);
}

Tensor index_put(In x, const std::vector<Index>& indices, const Operand& value, bool accumulate) {
  CallerScope scope(x.loc);
  const Tensor out = clone(x);
  const In in(out, x.loc);
  Operand located = value;
  located.loc = x.loc;
  put_in_place(in, indices, located, accumulate);
  return out;
}

// ---- methods
TensorAlias Tensor::index(std::initializer_list<Index> indices, SourceLoc loc) const {
  return slope::index({*this, loc}, std::vector<Index>(indices));
}
Tensor Tensor::index_put(std::initializer_list<Index> indices, const Operand& value, bool accumulate) const {
  return slope::index_put({*this, value.loc}, std::vector<Index>(indices), value, accumulate);
}
TensorAlias Tensor::index_put_(std::initializer_list<Index> indices, const Operand& value, bool accumulate) const {
  CallerScope scope(value.loc);
  put_in_place(*this, std::vector<Index>(indices), value, accumulate);
  return *this;
}

}  // namespace slope
