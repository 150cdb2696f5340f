#pragma once

#include <array>
#include <new>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/engine/node.h"
#include "slope/autograd/engine/saved_fields.h"

/// The contract of an operation that is not pointwise: one struct, in reading order.
///
///     struct Gather {
///       static constexpr std::string_view name = "Gather";
///       int dim;                                          // attributes; forward may fill in more (it is not const)
///       Shape base{};
///       struct Saved { SavedTensor index; };              // what backward needs; freed once backward ran
///       Tensor forward(Saved& s, const Tensor& x, NoGrad index) { ... }    // runs without recording
///       Grads<1> backward(const Saved& s, const Tensor& g) const { ... }   // written with Tensor operations
///     };
///     Tensor gather(In x, int64_t dim, const Tensor& index) { return apply(x.loc, Gather{dim}, x.tensor, index); }
///
/// The types of forward say what each tensor is:
///
/// | parameter of forward | meaning |
/// |---|---|
/// | `const Tensor& x` | an input, with a place in what backward returns. It may be undefined: an optional input |
/// | `const std::vector<Tensor>& all` | any number of inputs, in place of single ones; backward returns a `std::vector<Tensor>` |
/// | `NoGrad labels` | labels, masks, indices, statistics: never differentiated, without a place in what backward returns. Stands behind the inputs; may be undefined |
///
/// | result of forward | meaning |
/// |---|---|
/// | `Tensor` | a new tensor |
/// | `View` | shares the memory of the first input; in-place changes of either reach the other's history |
/// | `NoGrad` | beside others: a result without a derivative, such as the indices of a maximum |
/// | `std::tuple`, `std::pair`, `std::array` of these, `std::vector<Tensor>`, `std::vector<View>` | several results; apply() returns the same of Tensor |
///
/// With several results backward takes `std::span<const Tensor> g` (or a span of fixed size), one gradient per result,
/// undefined where none arrived, which means zero. Gradients that backward leaves undefined are zero as well;
/// `needs_grad(i)` tells whether anybody wants that of input i.
///
/// `Saved` is an aggregate of at most 8 members. What backward reads of an input or result is kept there as a SavedTensor,
/// which notices when it was overwritten: `save(x)`, and `save_output(y)` for a result (`save_output(y, i)` for number i
/// of several), since a result that its own node held would never be freed. A result marked NoGrad is no part of the
/// graph: `save(y)`. A tensor that forward made for itself and shows nobody may be a plain Tensor, numbers and shapes may
/// stand there too. A tensor must not be an attribute: those live as long as the graph, while Saved is freed by backward.
///
/// What does not fit does not compile, with a sentence that says why.
namespace slope {

/// The gradients of N inputs; undefined means zero.
template <std::size_t N>
using Grads = std::array<Tensor, N>;

/// A tensor that an operation never differentiates: as a parameter of forward labels, masks, indices; as a result of
/// forward one without a derivative.
struct NoGrad : Tensor {
  NoGrad() = default;
  NoGrad(Tensor t) : Tensor(std::move(t)) {}  // NOLINT(google-explicit-constructor)
};

/// A result of forward that shares the memory of the first input.
struct View : Tensor {
  View() = default;
  View(Tensor t) : Tensor(std::move(t)) {}  // NOLINT(google-explicit-constructor)
};

}  // namespace slope

#include "slope/autograd/engine/op-node.h"

namespace slope {

/// Runs `op` on one tensor for each input of its forward and, when some input requires grad and recording is on, puts it
/// into the graph. The only bridge between operations and the graph. `loc` is the line that errors in backward name.
///
///     Tensor y = apply(x.loc, Gather{dim}, x.tensor, index);
///     auto [values, indices] = apply(x.loc, TopK{5}, x.tensor);
template <class Op, class... In>
auto apply(SourceLoc loc, Op op, const In&... in) {
  if constexpr (detail::fits_the_contract<Op, In...>()) {
    using Contract = detail::Contract<Op>;
    typename Op::Saved saved{};
    typename Contract::Forward::Result out;
    const bool recording = grad_enabled();
    {
      NoGradGuard no_grad;
      try {
        out = op.forward(saved, in...);
      } catch (const Error& e) {
        detail::rethrow_at(e, loc);
      }
    }
    detail::each_result(out, [&](std::size_t, const Tensor& y, auto kind) {
      detail::check_result<Op>(y, loc, in...);
      if constexpr (kind == detail::ResultKind::view) detail::mark_view_of_first(y, in...);
    });
    if (recording && detail::wants_node<Contract>(out, in...))
      detail::record_op<Contract>(std::move(op), std::move(saved), loc, out, in...);
    return detail::as_tensors(std::move(out));
  }
}

}  // namespace slope
