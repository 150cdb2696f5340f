#include "slope/nn/losses/classes/internal/class_targets.h"

#include <numeric>
#include <vector>

#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/kernels/loops/rows.h"
#include "slope/autograd/ops/view/view.h"

namespace slope::nn::detail {

namespace {

[[noreturn]] void out_of_bounds(const char* op, std::int64_t value, std::int64_t position, const Shape& shape,
                                std::int64_t classes, SourceLoc loc) {
  Shape index = shape;
  for (int d = shape.size() - 1; d >= 0; --d) {
    index[d] = position % shape[d];
    position /= shape[d];
  }
  throw IndexError(concat(op, ": Target ", value, " is out of bounds. It stands at position ", to_text(index),
                          ", and classes are in the range [0, ", classes, ")"),
                   loc);
}

}  // namespace

Tensor ClassTargets::rows() const { return target.dim() == 0 ? target.unsqueeze(0) : target.unsqueeze(dim); }

double ClassTargets::total_weight(const char* op, SourceLoc loc) const {
  if (!weight.defined() && target.is_contiguous() && target.numel() <= grain_cheap) {
    const std::int64_t counted =
        count_labels(target.impl().ptr<const std::int64_t>(), target.numel(), classes, ignore_index);
    if (counted >= 0) return static_cast<double>(counted);
  }
  const StridedLoop<1> loop(target.shape(), {&target.impl()});
  const std::int64_t n = loop.numel();
  double single = 0;
  std::vector<double> many;
  const std::int64_t chunks = chunk_count(n, grain_cheap);
  if (chunks > 1) many.resize(static_cast<std::size_t>(chunks));
  double* const partial = chunks > 1 ? many.data() : &single;
  const auto sum = [&](const auto& weight_of) {
    parallel_chunks(n, grain_cheap, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
      double total = 0;
      std::int64_t at = begin;
      loop.run_range(begin, end, [&](char* const* p, const std::int64_t* s, std::int64_t count) {
        for (std::int64_t i = 0; i < count; ++i, ++at) {
          const std::int64_t c = *reinterpret_cast<const std::int64_t*>(p[0] + i * s[0]);
          if (c == ignore_index) continue;
          if (c < 0 || c >= classes) out_of_bounds(op, c, at, target.shape(), classes, loc);
          total += weight_of(c);
        }
      });
      partial[chunk] = total;
    });
  };
  if (!weight.defined())
    sum([](std::int64_t) { return 1.0; });
  else
    visit_floating(weight.dtype(), [&](auto tag) {
      const auto* w = weight.impl().ptr<const typename decltype(tag)::type>();
      sum([w](std::int64_t c) { return static_cast<double>(w[c]); });
    });
  return chunks > 1 ? std::accumulate(many.begin(), many.end(), 0.0) : single;
}

void ClassTargets::scatter_weights(const Tensor& out, const Tensor& g, double scale, double divisor) const {
  // The first class of each position: one step along the classes leads to the others.
  const Shape& shape = target.shape();
  Shape strides = out.strides();
  strides.erase(dim);
  const auto item = static_cast<std::int64_t>(itemsize(out.dtype()));
  const std::int64_t step = out.strides()[dim] * item;
  for (std::int64_t& s : strides) s *= item;
  const StridedArg args[] = {{out.raw_data(), strides},
                             {target.raw_data(), broadcast_byte_strides(target.impl(), shape)},
                             {g.raw_data(), broadcast_byte_strides(g.impl(), shape)}};
  const StridedLoop<3> loop(shape, args);
  visit_floating(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* w = weight.defined() ? weight.impl().ptr<const T>() : nullptr;
    loop.run(grain_cheap, [&](char* const* p, const std::int64_t* s, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t c = *reinterpret_cast<const std::int64_t*>(p[1] + i * s[1]);
        const T up = *reinterpret_cast<const T*>(p[2] + i * s[2]);
        if (c == ignore_index || up == 0 || (w && w[c] == 0)) continue;
        *reinterpret_cast<T*>(p[0] + i * s[0] + c * step) +=
            static_cast<T>(scale * (w ? static_cast<double>(w[c]) : 1.0) / divisor) * up;
      }
    });
  });
}

Tensor class_weight(const char* op, In x, const Tensor& weight, std::int64_t classes) {
  if (!weight.defined()) return {};
  if (weight.dim() != 1 || weight.size(0) != classes)
    throw ShapeError(concat(op, ": weight tensor should be defined either for all ", classes,
                            " classes or no classes but got weight tensor of shape: ", to_text(weight.shape())),
                     x.loc);
  return weight.detach().to(x->dtype(), x.loc).contiguous(x.loc);
}

ClassTargets class_targets(const char* op, In x, const Tensor& target, const Tensor& weight,
                           std::int64_t ignore_index) {
  if (!target.defined()) throw ValueError(concat(op, ": the target is an undefined tensor"), x.loc);
  if (x->dim() == 0)
    throw ShapeError(concat(op, ": the input must have at least one dimension, that of the classes, but is 0-d"),
                     x.loc);
  ClassTargets t{{}, target};
  t.ignore_index = ignore_index;
  t.dim = x->dim() == 1 ? 0 : 1;
  t.classes = x->shape()[t.dim];
  Shape positions = x->shape();
  positions.erase(t.dim);
  const auto shapes = [&] {
    return concat("; an input of ", to_text(x->shape()), " takes a target of ", to_text(positions), ", got ",
                  to_text(target.shape()));
  };
  if (target.dtype() != DType::int64)
    throw DTypeError(
        concat(op, ": class indices must be int64, but the target is ", dtype_name(target.dtype()), shapes()), x.loc);
  if (target.dim() != positions.size())
    throw ShapeError(concat(op, ": size mismatch (got input: ", to_text(x->shape()),
                            ", target: ", to_text(target.shape()), ")", shapes()),
                     x.loc);
  if (!positions.empty() && target.shape()[0] != positions[0])
    throw ShapeError(concat(op, ": Expected input batch_size (", positions[0], ") to match target batch_size (",
                            target.shape()[0], ").", shapes()),
                     x.loc);
  if (target.shape() != positions)
    throw ShapeError(
        concat(op, ": size mismatch (got input: ", to_text(x->shape()), ", target: ", to_text(target.shape()),
               "). Expected target size ", to_text(positions), ", got ", to_text(target.shape())),
        x.loc);
  t.weight = class_weight(op, x, weight, t.classes);
  return t;
}

}  // namespace slope::nn::detail
