// expect: of a row formula is made of the formula and the length of a row
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
  struct Workspace {
    Workspace(const Total&, std::int64_t) {}
  };
#else
  template <class T>
  struct Workspace {
    explicit Workspace(std::int64_t) {}
  };
#endif
};
Tensor total(const Tensor& x) { return nn::detail::row_loss({}, Total{}, {}, Tensor(), x); }
