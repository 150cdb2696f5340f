// expect: a row formula asks for memory by
#include "slope/nn/losses/shared/internal/row_loss.h"
using namespace slope;
struct Total {
  static constexpr std::string_view name = "Total";
  static constexpr int operands = 1;
  static constexpr bool constant_by_pieces = true;
  template <class Isa, class Row, class Work>
  double row(Row& row, Work&&) const {
    return static_cast<double>(row.x[0][0]);
  }
#ifdef SLOPE_MAKE_VALID
  template <class T>
  void ahead(const T*, const void*) const {}
#else
  template <class T>
  void ahead(const T*) const {}
#endif
};
Tensor total(const Tensor& x) { return nn::detail::row_loss({}, Total{}, {}, Tensor(), x); }
