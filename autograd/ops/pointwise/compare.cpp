// Comparisons, logic and selection.
#include <cmath>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/loops/index.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/pointwise/pointwise.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"

namespace slope {

using detail::operand_tensor;

namespace {

#define SLOPE_COMPARISON(Name, op)                  \
  struct Name {                                     \
    template <class T>                              \
    auto operator()(const T& a, const T& b) const { \
      return a op b;                                \
    }                                               \
  };
SLOPE_COMPARISON(Equal, ==)
SLOPE_COMPARISON(NotEqual, !=)
SLOPE_COMPARISON(Less, <)
SLOPE_COMPARISON(LessEqual, <=)
SLOPE_COMPARISON(Greater, >)
SLOPE_COMPARISON(GreaterEqual, >=)
#undef SLOPE_COMPARISON

void require_tensor(const char* op, const Operand& a, const Operand& b) {
  if (!a.tensor && !b.tensor) throw ValueError(concat(op, ": at least one argument must be a tensor"), a.loc);
}

/// Of a bool tensor and a number only two results are possible.
template <class F>
Tensor compare_bools(const Tensor& x, const Scalar& number, bool number_first, DType dtype) {
  bool of_false = false, of_true = false;
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T v = number.to<T>();
    const auto result = [&](T element) { return number_first ? F()(v, element) : F()(element, v); };
    of_false = result(T(0));
    of_true = result(T(1));
  });
  Tensor out = make_empty(x.shape(), DType::boolean);
  const bool differ = of_false != of_true;
  map<bool, bool>(out.impl(), x.impl(), [=](bool v) { return static_cast<bool>((v & differ) ^ of_false); });
  return out;
}

template <class F>
Tensor compare(const char* op, const Operand& a, const Operand& b) {
  NoGradGuard no_grad;
  const CallerScope scope(a.loc);
  require_tensor(op, a, b);
  const Operand* const both[] = {&a, &b};
  DType dtype = promote(both, 2);
  if (!a.tensor || !b.tensor)
    if (const Tensor& x = a.tensor ? *a.tensor : *b.tensor; x.dtype() == DType::boolean)
      return compare_bools<F>(x, a.tensor ? b.scalar : a.scalar, !a.tensor, dtype);
  if (dtype == DType::boolean) {
    Tensor out = make_empty(broadcast_shapes(a.tensor->shape(), b.tensor->shape(), op, a.loc), DType::boolean);
    map<bool, bool, bool>(out.impl(), a.tensor->impl(), b.tensor->impl(),
                          [](bool u, bool v) { return F()(static_cast<int>(u), static_cast<int>(v)); });
    return out;
  }
  const Tensor x = operand_tensor(a, dtype), y = operand_tensor(b, dtype);
  Tensor out = make_empty(broadcast_shapes(x.shape(), y.shape(), op, a.loc), DType::boolean);
  const F f;
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, bool>) {
      const detail::PredicateKernel kernel = &detail::predicate_kernel<F, 2, T>;
      StridedLoop<3>(out.shape(), {&out.impl(), &x.impl(), &y.impl()})
          .run(grain_cheap, [&](char* const* p, const std::int64_t* s, std::int64_t n) {
            const auto item = static_cast<std::int64_t>(sizeof(T));
            auto simple = [&](int k) { return s[k] == 0 || s[k] == item; };
            if (s[0] == 1 && simple(1) && simple(2)) {
              const detail::BlockIn in[2] = {{p[1], s[1] == 0}, {p[2], s[2] == 0}};
              return kernel(&f, in, reinterpret_cast<bool*>(p[0]), n);
            }
            for (std::int64_t i = 0; i < n; ++i) {
              const detail::BlockIn in[2] = {{p[1] + i * s[1], true}, {p[2] + i * s[2], true}};
              kernel(&f, in, reinterpret_cast<bool*>(p[0] + i * s[0]), 1);
            }
          });
    }
  });
  return out;
}

template <class F>
Tensor classify(In x, const F& f) {
  NoGradGuard no_grad;
  const CallerScope scope(x.loc);
  Tensor out = make_empty(x->shape(), DType::boolean);
  visit_dtype(x->dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    map<bool, T>(out.impl(), x->impl(), [&](T v) {
      if constexpr (std::is_floating_point_v<T>)
        return f(v);
      else
        return f(0.0f);
    });
  });
  return out;
}

/// Logic on bool; bits on int64.
template <class F>
Tensor bitwise(const char* op, const Operand& a, const Operand& b, const F& f) {
  NoGradGuard no_grad;
  const CallerScope scope(a.loc);
  require_tensor(op, a, b);
  const Operand* const both[] = {&a, &b};
  const DType dtype = promote(both, 2);
  if (is_floating(dtype))
    throw DTypeError(concat(op, ": bitwise operations take bool or int64 tensors, got ", dtype_name(dtype),
                            "; compare first, as in (x > 0) & (y > 0)"),
                     a.loc);
  const Tensor x = operand_tensor(a, dtype), y = operand_tensor(b, dtype);
  Tensor out = make_empty(broadcast_shapes(x.shape(), y.shape(), op, a.loc), dtype);
  if (dtype == DType::boolean)
    map<bool, bool, bool>(out.impl(), x.impl(), y.impl(), [&](bool u, bool v) { return static_cast<bool>(f(u, v)); });
  else
    map<std::int64_t, std::int64_t, std::int64_t>(out.impl(), x.impl(), y.impl(), f);
  return out;
}

template <class F>
Tensor logical(const char* op, const Operand& a, const Operand& b, const F& f) {
  NoGradGuard no_grad;
  const CallerScope scope(a.loc);
  require_tensor(op, a, b);
  const Tensor x = operand_tensor(a, DType::boolean), y = operand_tensor(b, DType::boolean);
  Tensor out = make_empty(broadcast_shapes(x.shape(), y.shape(), op, a.loc), DType::boolean);
  map<bool, bool, bool>(out.impl(), x.impl(), y.impl(), f);
  return out;
}

}  // namespace

Tensor eq(const Operand& a, const Operand& b) { return compare<Equal>("eq", a, b); }
Tensor ne(const Operand& a, const Operand& b) { return compare<NotEqual>("ne", a, b); }
Tensor lt(const Operand& a, const Operand& b) { return compare<Less>("lt", a, b); }
Tensor le(const Operand& a, const Operand& b) { return compare<LessEqual>("le", a, b); }
Tensor gt(const Operand& a, const Operand& b) { return compare<Greater>("gt", a, b); }
Tensor ge(const Operand& a, const Operand& b) { return compare<GreaterEqual>("ge", a, b); }

Tensor isnan(In x) {
  return classify(x, [](auto v) { return std::isnan(v); });
}
Tensor isinf(In x) {
  return classify(x, [](auto v) { return std::isinf(v); });
}
Tensor isfinite(In x) {
  return classify(x, [](auto v) { return std::isfinite(v); });
}

Tensor logical_not(In x) {
  const Tensor b = to(x, DType::boolean);
  Tensor out = make_empty(b.shape(), DType::boolean);
  map<bool, bool>(out.impl(), b.impl(), [](bool v) { return !v; });
  return out;
}
Tensor logical_and(const Operand& a, const Operand& b) {
  return logical("logical_and", a, b, [](bool x, bool y) { return x && y; });
}
Tensor logical_or(const Operand& a, const Operand& b) {
  return logical("logical_or", a, b, [](bool x, bool y) { return x || y; });
}
Tensor logical_xor(const Operand& a, const Operand& b) {
  return logical("logical_xor", a, b, [](bool x, bool y) { return x != y; });
}

Tensor operator&(const Operand& a, const Operand& b) {
  return bitwise("&", a, b, [](auto x, auto y) { return x & y; });
}
Tensor operator|(const Operand& a, const Operand& b) {
  return bitwise("|", a, b, [](auto x, auto y) { return x | y; });
}
Tensor operator^(const Operand& a, const Operand& b) {
  return bitwise("^", a, b, [](auto x, auto y) { return x ^ y; });
}
Tensor operator!(const In& a) {
  if (a->dtype() == DType::int64)
    return bitwise("!", a, Operand(std::int64_t{-1}), [](auto x, auto y) { return x ^ y; });
  if (a->is_floating_point())
    throw DTypeError(concat("!: takes a bool or int64 tensor, got ", dtype_name(a->dtype()), "; compare first"), a.loc);
  return logical_not(a);
}

Tensor isclose(In a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  NoGradGuard no_grad;
  const CallerScope scope(a.loc);
  const Tensor x = to(a, DType::float64), y = to({b, a.loc}, DType::float64);
  Tensor out = make_empty(broadcast_shapes(x.shape(), y.shape(), "isclose", a.loc), DType::boolean);
  map<bool, double, double>(out.impl(), x.impl(), y.impl(), [=](double u, double v) {
    if (std::isnan(u) || std::isnan(v)) return equal_nan && std::isnan(u) && std::isnan(v);
    return u == v || (std::isfinite(u) && std::isfinite(v) && std::abs(u - v) <= atol + rtol * std::abs(v));
  });
  return out;
}

bool allclose(In a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  return isclose(a, b, rtol, atol, equal_nan).all().item<bool>();
}

bool equal(In a, const Tensor& b) {
  const CallerScope caller(a.loc);
  return a->shape() == b.shape(a.loc) && eq(a, {b, a.loc}).all(a.loc).item<bool>(a.loc);
}

// ---- where

namespace {

struct Where {
  static constexpr std::string_view name = "Where";
  struct Saved {
    SavedTensor condition;
  };
  Shape shape_a, shape_b;

  Tensor forward(Saved& s, const Tensor& a, const Tensor& b, NoGrad condition) {
    s.condition = save(condition);
    shape_a = a.shape();
    shape_b = b.shape();
    const Shape shape = broadcast_shapes(condition.shape(), broadcast_shapes(a.shape(), b.shape(), "where"), "where");
    Tensor out = make_empty(shape, a.dtype());
    select_kernel(out.impl(), condition.impl(), a.impl(), b.impl());
    return out;
  }
  Grads<2> backward(const Saved& s, const Tensor& g) const {
    const Tensor c = s.condition.get();
    Grads<2> grads;
    if (needs_grad(0)) grads[0] = sum_to(where(c, g, 0), shape_a);
    if (needs_grad(1)) grads[1] = sum_to(where(c, 0, g), shape_b);
    return grads;
  }
};

}  // namespace

Tensor where(In condition, const Operand& a, const Operand& b) {
  if (condition->dtype() != DType::boolean)
    throw DTypeError(concat("where: the condition must be a bool tensor, got ", dtype_name(condition->dtype()),
                            "; compare first, as in x > 0"),
                     condition.loc);
  const Operand* const both[] = {&a, &b};
  const DType dtype = promote(both, 2);
  CallerScope scope(condition.loc);
  return apply(condition.loc, Where{}, operand_tensor(a, dtype), operand_tensor(b, dtype), condition.tensor);
}

// ---- copies

namespace {

struct Clone {
  static constexpr std::string_view name = "Clone";
  struct Saved {};
  Tensor forward(Saved&, const Tensor& x) { return dense_copy(x); }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {g}; }
};

struct ToDType {
  static constexpr std::string_view name = "ToCopy";
  DType to_dtype = DType::float32;
  DType from = DType::float32;
  struct Saved {};
  Tensor forward(Saved&, const Tensor& x) {
    from = x.dtype();
    Tensor out = make_empty(x.shape(), to_dtype);
    copy_kernel(out.impl(), x.impl());
    return out;
  }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {g.to(from)}; }
};

}  // namespace

Tensor clone(In x) {
  detail::require_defined("clone", x);
  return apply(x.loc, Clone{}, x.tensor);
}

Tensor to(In x, DType dtype) {
  if (x->dtype() == dtype) return x.tensor;
  return apply(x.loc, ToDType{dtype, x->dtype()}, x.tensor);
}

}  // namespace slope
