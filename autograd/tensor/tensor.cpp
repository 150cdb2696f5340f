#include "slope/autograd/tensor/tensor.h"

#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/internal/constants.h"
#include "slope/autograd/tensor/internal/walk.h"

namespace slope {

namespace {

int dim_with_size(const TensorImpl& t, std::int64_t dim, const char* op, SourceLoc loc) {
  if (t.sizes.empty())
    throw IndexError(concat(op, ": dimension ", dim, " was asked for, but a 0-d tensor has no dimensions"), loc);
  return wrap_dim(dim, t.sizes.size(), op, loc);
}

template <class To, class From>
std::vector<To> gather_values(const TensorImpl& t) {
  constexpr bool may_not_fit =
      std::is_integral_v<To> && !std::is_same_v<To, bool> &&
      (std::is_floating_point_v<From> || (std::is_integral_v<From> && sizeof(From) > sizeof(To)));
  std::vector<To> out;
  out.reserve(static_cast<std::size_t>(t.numel));
  const From* data = t.ptr<From>();
  detail::for_each_offset(t.sizes, t.strides, [&](std::int64_t at) {
    const From v = data[at];
    if constexpr (may_not_fit) {
      bool fits;
      if constexpr (std::is_floating_point_v<From>)
        fits = detail::fits<To>(static_cast<double>(v));
      else
        fits = static_cast<From>(static_cast<To>(v)) == v;
      if (!fits)
        throw ValueError(concat("to_vector: the value ", v, " of element ", out.size(),
                                " does not fit into an integer of ", 8 * sizeof(To), " bits"));
    }
    out.push_back(detail::convert<To>(v));
  });
  return out;
}

}  // namespace

void Tensor::undefined(SourceLoc loc) {
  throw ValueError(
      "this tensor is undefined (default-constructed, moved from, or a gradient that nothing has reached yet); "
      "test defined() first",
      loc);
}

Ref<TensorImpl> Tensor::from_scalar(Scalar value) {
  return make_number(value, value.category() == 2 && detail::constant_dtype ? *detail::constant_dtype : value.dtype())
      .ref();
}

std::int64_t Tensor::size(std::int64_t dim, SourceLoc loc) const {
  CallerScope caller(loc);
  const TensorImpl& t = impl();
  return t.sizes[dim_with_size(t, dim, "size", loc)];
}

std::int64_t Tensor::stride(std::int64_t dim, SourceLoc loc) const {
  CallerScope caller(loc);
  const TensorImpl& t = impl();
  return t.strides[dim_with_size(t, dim, "stride", loc)];
}

Scalar Tensor::item_scalar(SourceLoc loc) const {
  CallerScope caller(loc);
  const TensorImpl& t = impl();
  if (t.numel != 1)
    throw ValueError(
        concat("item: a tensor of ", t.numel, " elements is not one number; its shape is ", to_text(t.sizes)), loc);
  return visit_dtype(t.dtype, [&](auto tag) { return Scalar(*t.ptr<typename decltype(tag)::type>()); });
}

std::int64_t Tensor::item_integer(std::int64_t lowest, std::uint64_t highest, SourceLoc loc) const {
  const Scalar value = item_scalar(loc);
  const bool real = value.category() == 2;
  const std::int64_t whole = value.to<std::int64_t>();
  if ((real && !detail::fits<std::int64_t>(value.to<double>())) || whole < lowest ||
      (whole >= 0 && static_cast<std::uint64_t>(whole) > highest))
    throw ValueError(concat("item: the value ", to_text(real ? value.to<double>() : static_cast<double>(whole)),
                            " does not fit into an integer from ", lowest, " to ", highest),
                     loc);
  return whole;
}

void* Tensor::checked_data(DType expected, SourceLoc loc) const {
  CallerScope caller(loc);
  const TensorImpl& t = impl();
  if (t.dtype != expected)
    throw DTypeError(concat("data_ptr: the tensor holds ", dtype_name(t.dtype), " elements, not ", dtype_name(expected),
                            "; convert it with .to(", dtype_name(expected), ") first"),
                     loc);
  return t.data;
}

template <class T>
std::vector<T> Tensor::to_vector(SourceLoc loc) const {
  const CallerScope caller(loc);
  const TensorImpl& t = impl(loc);
  return visit_dtype(t.dtype, [&](auto tag) { return gather_values<T, typename decltype(tag)::type>(t); });
}

template std::vector<float> Tensor::to_vector<float>(SourceLoc) const;
template std::vector<double> Tensor::to_vector<double>(SourceLoc) const;
template std::vector<std::int64_t> Tensor::to_vector<std::int64_t>(SourceLoc) const;
template std::vector<bool> Tensor::to_vector<bool>(SourceLoc) const;
template std::vector<int> Tensor::to_vector<int>(SourceLoc) const;

}  // namespace slope
