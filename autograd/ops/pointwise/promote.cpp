#include "slope/autograd/ops/pointwise/internal/promote.h"

#include <optional>

#include "slope/autograd/tensor/factory.h"

namespace slope {

DType promote(DType a, DType b) {
  if (category(a) != category(b)) return category(a) > category(b) ? a : b;
  return a == DType::float64 || b == DType::float64 ? DType::float64 : a;
}

DType promote(const Operand* const* args, int count) {
  std::optional<DType> dimensioned, zero_dim;
  int scalar_category = -1;
  DType scalar = DType::boolean;
  for (int i = 0; i < count; ++i) {
    if (args[i]->tensor && !args[i]->tensor->defined())
      throw ValueError(concat("argument ", i, " is an undefined tensor; test defined() first"), args[i]->loc);
    if (!args[i]->tensor) {
      if (args[i]->scalar.category() > scalar_category) {
        scalar_category = args[i]->scalar.category();
        scalar = args[i]->scalar.dtype();
      }
      continue;
    }
    auto& slot = args[i]->tensor->dim() > 0 ? dimensioned : zero_dim;
    slot = slot ? promote(*slot, args[i]->tensor->dtype()) : args[i]->tensor->dtype();
  }
  std::optional<DType> result = dimensioned;
  if (zero_dim && (!result || category(*zero_dim) > category(*result))) result = zero_dim;
  if (scalar_category >= 0 && (!result || scalar_category > category(*result))) result = scalar;
  return result.value_or(DType::float32);
}

namespace detail {
Tensor operand_tensor(const Operand& o, DType dtype) {
  return o.tensor ? o.tensor->to(dtype, o.loc) : make_number(o.scalar, dtype);
}

void require_defined(const char* op, In x) {
  if (!x.tensor.defined()) throw ValueError(concat(op, ": an argument is an undefined tensor"), x.loc);
}

void require_floating(const char* op, In x, const char* what) {
  if (!x.tensor.defined()) throw ValueError(concat(op, ": ", what, " is an undefined tensor"), x.loc);
  if (!x->is_floating_point())
    throw DTypeError(concat(op, ": ", what, " must be a floating point tensor, got ", dtype_name(x->dtype()),
                            "; convert it with .to(float32)"),
                     x.loc);
}

void require_storable(const char* op, DType result, DType stored_as, SourceLoc loc) {
  if (category(result) > category(stored_as))
    throw DTypeError(
        concat(op, ": a result of ", dtype_name(result), " cannot be stored in a tensor of ", dtype_name(stored_as)),
        loc);
}
}  // namespace detail

}  // namespace slope
