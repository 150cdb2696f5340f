#include "slope/autograd/engine/gradcheck.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <random>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/internal/walk.h"

namespace slope::autograd {

namespace {

using std::int64_t;
using Values = std::vector<double>;
using Tensors = std::vector<Tensor>;

// ---------------------------------------------------------------------------------------------------------------------
// Tensors from values and back, in any layout

enum class Layout { dense, transposed, stepped };

const char* layout_text(Layout l) {
  switch (l) {
    case Layout::dense: return "dense inputs";
    case Layout::transposed: return "inputs with reversed strides";
    case Layout::stepped: break;
  }
  return "inputs of every second element in memory";
}

/// A new leaf with these values. Memory between the elements is NaN, so that reading it shows.
Tensor make_leaf(const Values& values, const Shape& shape, Layout layout, bool requires_grad) {
  const int n = shape.size();
  Shape room = shape, strides;
  if (layout == Layout::transposed) {
    std::reverse(room.begin(), room.end());
    strides = contiguous_strides(room);
    std::reverse(strides.begin(), strides.end());
  } else {
    if (layout == Layout::stepped && n > 0) room[n - 1] *= 2;
    strides = contiguous_strides(room);
    if (layout == Layout::stepped && n > 0) strides[n - 1] = 2;
  }
  const Tensor base = make_empty(room, float64);
  std::fill_n(base.impl().ptr<double>(), base.numel(), std::numeric_limits<double>::quiet_NaN());
  Tensor leaf(TensorImpl::alias(base.impl(), base.raw_data(), shape, strides));
  auto* data = leaf.impl().ptr<double>();
  std::size_t i = 0;
  slope::detail::for_each_offset(shape, strides, [&](int64_t at) { data[at] = values[i++]; });
  leaf.requires_grad_(requires_grad);
  return leaf;
}

std::string element_text(const Shape& shape, std::size_t flat) {
  Shape at = shape;
  auto rest = static_cast<int64_t>(flat);
  for (int d = shape.size() - 1; d >= 0; --d) {
    at[d] = rest % shape[d];
    rest /= shape[d];
  }
  return to_text(at);
}

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

/// Uniform numbers in [-1, 1], away from 0: a cotangent of about 0 would hide what it multiplies.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : engine_(seed) {}
  Values draw(int64_t count) {
    Values v(static_cast<std::size_t>(count));
    for (double& x : v) {
      const double u = static_cast<double>(engine_() >> 11) * 0x1p-53;
      x = (engine_() >> 63 ? 1 : -1) * (0.25 + 0.75 * u);
    }
    return v;
  }

 private:
  std::mt19937_64 engine_;
};

// ---------------------------------------------------------------------------------------------------------------------
// One check

class Check {
 public:
  Check(const char* op, const CheckedFunction& f, const Tensors& inputs, const GradcheckOptions& options, SourceLoc loc)
      : op_(op), f_(f), inputs_(inputs), options_(options), loc_(loc), noise_(options.seed) {
    look_at_inputs();
  }

  GradcheckResult run() {
    EnableGradGuard recording;
    const Tensors leaves = make_leaves(Layout::dense);
    const Tensors outputs = call(leaves);
    if (outputs_.empty()) return check_constant(leaves);
    for (std::size_t o = 0; o < outputs_.size(); ++o) cotangents_.push_back(noise_.draw(numel(o)));
    if (!check_backward(leaves, outputs)) return failure_;
    if (!(options_.fast_mode ? check_directions(leaves) : check_jacobian(leaves, outputs))) return failure_;
    if (options_.check_layouts)
      for (Layout layout : {Layout::transposed, Layout::stepped})
        if (!check_layout(layout, read_differentiable(outputs))) return failure_;
    return {};
  }

 private:
  struct Output {
    std::size_t index;  // among all outputs of the function
    Shape shape;
  };

  void look_at_inputs();
  Tensors make_leaves(Layout layout) const;
  Tensors call(const Tensors& leaves);
  GradcheckResult check_constant(const Tensors& leaves);
  bool check_backward(const Tensors& leaves, const Tensors& outputs);
  bool check_jacobian(const Tensors& leaves, const Tensors& outputs);
  bool check_directions(const Tensors& leaves);
  bool check_layout(Layout layout, const std::vector<Values>& expected);

  int64_t numel(std::size_t output) const { return count(outputs_[output].shape); }
  static int64_t count(const Shape& s) {
    int64_t n = 1;
    for (int64_t size : s) n *= size;
    return n;
  }
  static Tensors selected(const Tensors& from, const std::vector<std::size_t>& which) {
    Tensors out;
    for (std::size_t i : which) out.push_back(from[i]);
    return out;
  }
  Tensors differentiable(const Tensors& outputs) const {
    Tensors out;
    for (const Output& o : outputs_) out.push_back(outputs[o.index]);
    return out;
  }
  std::vector<Values> read_differentiable(const Tensors& outputs) const {
    std::vector<Values> values;
    for (const Output& o : outputs_) values.push_back(outputs[o.index].to_vector<double>());
    return values;
  }
  /// The values of the floating outputs, differentiable or not, for the leaves as they are now.
  std::vector<Values> evaluate(const Tensors& leaves) const {
    std::vector<Values> values;
    for (const Tensor& t : f_(leaves))
      if (t.defined() && t.is_floating_point()) values.push_back(t.to_vector<double>());
    return values;
  }
  /// Gradients of the checked inputs as values; `cotangents` has an entry for each differentiable output, empty ones
  /// mean none.
  std::optional<std::vector<Values>> gradients(const Tensors& leaves, const Tensors& outputs,
                                               const std::vector<Values>& cotangents);

  bool fail(const std::string& what) {
    failure_ = {false, concat(op_, ": ", what)};
    return false;
  }
  bool close(double analytic, double numeric) const {
    return std::abs(analytic - numeric) <= options_.atol + options_.rtol * std::abs(numeric);
  }

  const char* op_;
  const CheckedFunction& f_;
  const Tensors& inputs_;
  const GradcheckOptions& options_;
  const SourceLoc loc_;
  Noise noise_;
  std::vector<std::size_t> checked_;  // inputs that require grad
  std::vector<Values> values_;        // of all inputs that are checked, in that order
  std::vector<Output> outputs_;       // floating outputs that require grad
  std::vector<Values> cotangents_;    // a random one for each of these
  GradcheckResult failure_;
};

void Check::look_at_inputs() {
  std::vector<const void*> addresses;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const Tensor& t = inputs_[i];
    if (!t.defined()) throw ValueError(concat(op_, ": input ", i, " is undefined"), loc_);
    if (!t.requires_grad()) continue;
    if (t.dtype() != float64)
      throw DTypeError(concat(op_, ": input ", i, " is ", dtype_name(t.dtype()),
                              "; differences need double precision: use .to(float64).requires_grad_()"),
                       loc_);
    checked_.push_back(i);
    values_.push_back(t.to_vector<double>());
    const auto* data = t.impl().ptr<double>();
    slope::detail::for_each_offset(t.shape(), t.strides(), [&](int64_t at) { addresses.push_back(data + at); });
  }
  if (checked_.empty())
    throw ValueError(
        concat(op_, ": no input requires grad, so there is nothing to check; call requires_grad_() on one"), loc_);
  std::sort(addresses.begin(), addresses.end());
  if (std::adjacent_find(addresses.begin(), addresses.end()) != addresses.end())
    throw ValueError(concat(op_,
                            ": inputs overlap in memory (an expanded tensor, or one tensor given twice), so that their "
                            "elements cannot change one by one; clone() them"),
                     loc_);
}

Tensors Check::make_leaves(Layout layout) const {
  Tensors leaves = inputs_;
  for (std::size_t c = 0; c < checked_.size(); ++c)
    leaves[checked_[c]] = make_leaf(values_[c], inputs_[checked_[c]].shape(), layout, true);
  return leaves;
}

/// Runs the function and notes which outputs there are to differentiate.
Tensors Check::call(const Tensors& leaves) {
  const Tensors outputs = f_(leaves);
  outputs_.clear();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& t = outputs[i];
    if (!t.defined() || !t.is_floating_point()) continue;
    if (t.dtype() != float64)
      throw DTypeError(concat(op_, ": output ", i, " is ", dtype_name(t.dtype()),
                              "; differences need double precision, so the function must compute in float64"),
                       loc_);
    if (t.requires_grad()) outputs_.push_back({i, t.shape()});
  }
  return outputs;
}

GradcheckResult Check::check_constant(const Tensors& leaves) {
  for (std::size_t c = 0; c < checked_.size(); ++c) {
    auto* data = leaves[checked_[c]].impl().ptr<double>();
    for (std::size_t j = 0; j < values_[c].size(); ++j) {
      data[j] = values_[c][j] + options_.eps;
      const auto up = evaluate(leaves);
      data[j] = values_[c][j] - options_.eps;
      const auto down = evaluate(leaves);
      data[j] = values_[c][j];
      for (std::size_t o = 0; o < up.size(); ++o)
        for (std::size_t i = 0; i < up[o].size(); ++i)
          if (const double numeric = (up[o][i] - down[o][i]) / (2 * options_.eps); !close(0, numeric)) {
            fail(concat("no output requires grad, but floating output ", o, " depends on input ", checked_[c],
                        ": by element ", element_text(inputs_[checked_[c]].shape(), j), " its numeric derivative is ",
                        numeric, "; was the graph cut by detach() or a NoGradGuard?"));
            return failure_;
          }
    }
  }
  return {};
}

std::optional<std::vector<Values>> Check::gradients(const Tensors& leaves, const Tensors& outputs,
                                                    const std::vector<Values>& cotangents) {
  Tensors roots, grad_outputs;
  for (std::size_t o = 0; o < outputs_.size(); ++o) {
    if (cotangents[o].empty() && numel(o) > 0) continue;
    roots.push_back(outputs[outputs_[o].index]);
    grad_outputs.push_back(make_leaf(cotangents[o], outputs_[o].shape, Layout::dense, false));
  }
  const Tensors wanted = selected(leaves, checked_);
  const Tensors grads =
      grad(roots, wanted, {.grad_outputs = grad_outputs, .retain_graph = true, .allow_unused = true}, loc_);
  std::vector<Values> values;
  for (std::size_t c = 0; c < checked_.size(); ++c) {
    const Shape& shape = inputs_[checked_[c]].shape();
    if (!grads[c].defined()) {
      values.emplace_back(static_cast<std::size_t>(count(shape)), 0.0);
      continue;
    }
    if (grads[c].shape() != shape) {
      fail(concat("the gradient of input ", checked_[c], " has shape ", to_text(grads[c].shape()),
                  ", the input has shape ", to_text(shape)));
      return {};
    }
    if (grads[c].dtype() != float64) {
      fail(concat("the gradient of input ", checked_[c], " is ", dtype_name(grads[c].dtype()),
                  ", the input is float64"));
      return {};
    }
    values.push_back(grads[c].to_vector<double>());
  }
  return values;
}

/// What must hold whatever the derivative is: repeatable, and zero for a zero cotangent.
bool Check::check_backward(const Tensors& leaves, const Tensors& outputs) {
  const auto first = gradients(leaves, outputs, cotangents_);
  if (!first) return false;
  const auto compare = [&](const std::vector<Values>& again, const char* what) {
    for (std::size_t c = 0; c < checked_.size(); ++c)
      for (std::size_t j = 0; j < again[c].size(); ++j)
        if (!same_bits((*first)[c][j], again[c][j]))
          return fail(concat(what, " gives another gradient of input ", checked_[c], ": at element ",
                             element_text(inputs_[checked_[c]].shape(), j), " it is ", again[c][j], " after ",
                             (*first)[c][j]));
    return true;
  };
  const auto second = gradients(leaves, outputs, cotangents_);
  if (!second || !compare(*second, "a second backward through the same graph")) return false;

  const Tensors fresh = make_leaves(Layout::dense);
  const Tensors repeated = f_(fresh);
  const auto expected = read_differentiable(outputs), got = read_differentiable(repeated);
  for (std::size_t o = 0; o < outputs_.size(); ++o) {
    if (repeated[outputs_[o].index].shape() != outputs_[o].shape)
      return fail(concat("a second call gives output ", outputs_[o].index, " another shape"));
    for (std::size_t i = 0; i < got[o].size(); ++i)
      if (!same_bits(expected[o][i], got[o][i]))
        return fail(concat("the function is not repeatable: output ", outputs_[o].index, " at element ",
                           element_text(outputs_[o].shape, i), " is ", got[o][i], " after ", expected[o][i]));
  }
  const auto third = gradients(fresh, repeated, cotangents_);
  if (!third || !compare(*third, "a second forward and backward")) return false;

  std::vector<Values> zeros;
  for (std::size_t o = 0; o < outputs_.size(); ++o) zeros.emplace_back(static_cast<std::size_t>(numel(o)), 0.0);
  const auto nothing = gradients(leaves, outputs, zeros);
  if (!nothing) return false;
  for (std::size_t c = 0; c < checked_.size(); ++c)
    for (std::size_t j = 0; j < (*nothing)[c].size(); ++j)
      if ((*nothing)[c][j] != 0)
        return fail(concat("a zero cotangent gives a gradient of input ", checked_[c], " that is ", (*nothing)[c][j],
                           " at element ", element_text(inputs_[checked_[c]].shape(), j)));
  return true;
}

/// Every element of the Jacobian, and the random cotangent as a combination of its rows.
bool Check::check_jacobian(const Tensors& leaves, const Tensors& outputs) {
  std::vector<std::vector<std::vector<Values>>> rows;  // [output][output element][input][input element]
  std::vector<Values> combined;
  for (const Values& v : values_) combined.emplace_back(v.size(), 0.0);
  for (std::size_t o = 0; o < outputs_.size(); ++o) {
    rows.emplace_back();
    for (std::size_t i = 0; i < cotangents_[o].size(); ++i) {
      std::vector<Values> unit(outputs_.size());
      unit[o].assign(cotangents_[o].size(), 0.0);
      unit[o][i] = 1;
      auto row = gradients(leaves, outputs, unit);
      if (!row) return false;
      for (std::size_t c = 0; c < checked_.size(); ++c)
        for (std::size_t j = 0; j < combined[c].size(); ++j) combined[c][j] += cotangents_[o][i] * (*row)[c][j];
      rows[o].push_back(std::move(*row));
    }
  }
  for (std::size_t c = 0; c < checked_.size(); ++c) {
    const Shape& in_shape = inputs_[checked_[c]].shape();
    auto* data = leaves[checked_[c]].impl().ptr<double>();
    for (std::size_t j = 0; j < values_[c].size(); ++j) {
      data[j] = values_[c][j] + options_.eps;
      const auto up = read_differentiable(f_(leaves));
      data[j] = values_[c][j] - options_.eps;
      const auto down = read_differentiable(f_(leaves));
      data[j] = values_[c][j];
      for (std::size_t o = 0; o < outputs_.size(); ++o) {
        if (up[o].size() != rows[o].size() || down[o].size() != rows[o].size())
          return fail(
              concat("output ", outputs_[o].index, " changes its shape with the values of input ", checked_[c]));
        for (std::size_t i = 0; i < rows[o].size(); ++i) {
          const double analytic = rows[o][i][c][j], numeric = (up[o][i] - down[o][i]) / (2 * options_.eps);
          if (!close(analytic, numeric))
            return fail(concat("the derivative of output ", outputs_[o].index, " ", element_text(outputs_[o].shape, i),
                               " by input ", checked_[c], " ", element_text(in_shape, j), " is wrong: analytic ",
                               analytic, ", numeric ", numeric));
        }
      }
    }
  }
  const auto got = gradients(leaves, outputs, cotangents_);
  if (!got) return false;
  for (std::size_t c = 0; c < checked_.size(); ++c)
    for (std::size_t j = 0; j < combined[c].size(); ++j)
      if (!close((*got)[c][j], combined[c][j]))
        return fail(concat("the backward is not linear in its cotangent: for a random one the gradient of input ",
                           checked_[c], " ", element_text(inputs_[checked_[c]].shape(), j), " is ", (*got)[c][j],
                           ", the same combination of Jacobian rows gives ", combined[c][j]));
  return true;
}

/// vᵀJu for the random cotangents v and a random direction u of one input at a time.
bool Check::check_directions(const Tensors& leaves) {
  const Tensors outputs = f_(leaves);
  const auto grads = gradients(leaves, outputs, cotangents_);
  if (!grads) return false;
  for (std::size_t c = 0; c < checked_.size(); ++c) {
    const Values direction = noise_.draw(static_cast<int64_t>(values_[c].size()));
    auto* data = leaves[checked_[c]].impl().ptr<double>();
    const auto shifted = [&](double step) {
      for (std::size_t j = 0; j < direction.size(); ++j) data[j] = values_[c][j] + step * direction[j];
      auto result = read_differentiable(f_(leaves));
      std::copy(values_[c].begin(), values_[c].end(), data);
      return result;
    };
    const auto up = shifted(options_.eps), down = shifted(-options_.eps);
    double analytic = 0, numeric = 0;
    for (std::size_t j = 0; j < direction.size(); ++j) analytic += (*grads)[c][j] * direction[j];
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      if (up[o].size() != cotangents_[o].size() || down[o].size() != cotangents_[o].size())
        return fail(concat("output ", outputs_[o].index, " changes its shape with the values of input ", checked_[c]));
      for (std::size_t i = 0; i < up[o].size(); ++i)
        numeric += cotangents_[o][i] * ((up[o][i] - down[o][i]) / (2 * options_.eps));
    }
    if (!close(analytic, numeric))
      return fail(concat("the derivative by input ", checked_[c], " of shape ", to_text(inputs_[checked_[c]].shape()),
                         " is wrong: along a random direction, for a random cotangent, analytic ", analytic,
                         ", numeric ", numeric, "; without fast_mode the element is named"));
  }
  return true;
}

/// The same values and gradients whatever the layout of the inputs.
bool Check::check_layout(Layout layout, const std::vector<Values>& expected) {
  constexpr double tolerance = 1e-9;
  const auto differs = [&](double a, double b) {
    return !(std::abs(a - b) <= tolerance * std::max(1.0, std::abs(a))) && !same_bits(a, b) &&
           !(std::isnan(a) && std::isnan(b));
  };
  const Tensors dense = make_leaves(Layout::dense), leaves = make_leaves(layout);
  const Tensors outputs = f_(leaves);
  const auto got = read_differentiable(outputs);
  for (std::size_t o = 0; o < outputs_.size(); ++o) {
    if (outputs[outputs_[o].index].shape() != outputs_[o].shape)
      return fail(concat("with ", layout_text(layout), " output ", outputs_[o].index, " has another shape"));
    for (std::size_t i = 0; i < got[o].size(); ++i)
      if (differs(expected[o][i], got[o][i]))
        return fail(concat("with ", layout_text(layout), " output ", outputs_[o].index, " ",
                           element_text(outputs_[o].shape, i), " is ", got[o][i], " instead of ", expected[o][i]));
  }
  const auto want = gradients(dense, f_(dense), cotangents_), have = gradients(leaves, outputs, cotangents_);
  if (!want || !have) return false;
  for (std::size_t c = 0; c < checked_.size(); ++c)
    for (std::size_t j = 0; j < (*want)[c].size(); ++j)
      if (differs((*want)[c][j], (*have)[c][j]))
        return fail(concat("with ", layout_text(layout), " the gradient of input ", checked_[c], " ",
                           element_text(inputs_[checked_[c]].shape(), j), " is ", (*have)[c][j], " instead of ",
                           (*want)[c][j]));
  return true;
}

void require(const GradcheckResult& result, SourceLoc loc) {
  if (!result.ok) throw AutogradError(result.message, loc);
}

}  // namespace

GradcheckResult gradcheck(const CheckedFunction& f, const Tensors& inputs, const GradcheckOptions& options,
                          SourceLoc loc) {
  CallerScope scope(loc);
  return Check("gradcheck", f, inputs, options, loc).run();
}

GradcheckResult gradgradcheck(const CheckedFunction& f, const Tensors& inputs, const Tensors& grad_outputs,
                              const GradcheckOptions& options, SourceLoc loc) {
  CallerScope scope(loc);
  EnableGradGuard recording;
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].defined() && inputs[i].requires_grad()) wanted.push_back(i);
  const auto roots_of = [&](const Tensors& in) {
    Tensors roots;
    for (const Tensor& t : f(in))
      if (t.defined() && t.is_floating_point() && t.requires_grad()) roots.push_back(t);
    return roots;
  };
  Tensors all = inputs;
  const Tensors roots = roots_of(inputs);
  if (roots.empty() && !wanted.empty()) return gradcheck(f, inputs, options, loc);
  if (!grad_outputs.empty() && grad_outputs.size() != roots.size())
    throw ValueError(concat("gradgradcheck: got ", grad_outputs.size(), " cotangents for ", roots.size(),
                            " outputs that require grad; pass one for each, or none for random ones"),
                     loc);
  Noise noise(options.seed + 1);
  for (std::size_t r = 0; r < roots.size(); ++r) {
    if (grad_outputs.empty())
      all.push_back(make_leaf(noise.draw(roots[r].numel()), roots[r].shape(), Layout::dense, true));
    else
      all.push_back(grad_outputs[r]);
  }
  const std::size_t count = inputs.size();
  const auto gradients = [&](const Tensors& in) {
    const Tensors point(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(count));
    const Tensors cotangents(in.begin() + static_cast<std::ptrdiff_t>(count), in.end());
    Tensors by;
    for (std::size_t i : wanted) by.push_back(point[i]);
    return grad(roots_of(point), by, {.grad_outputs = cotangents, .create_graph = true, .allow_unused = true}, loc);
  };
  return Check("gradgradcheck", gradients, all, options, loc).run();
}

void require_gradcheck(const CheckedFunction& f, const Tensors& inputs, const GradcheckOptions& options,
                       SourceLoc loc) {
  require(gradcheck(f, inputs, options, loc), loc);
}

void require_gradgradcheck(const CheckedFunction& f, const Tensors& inputs, const Tensors& grad_outputs,
                           const GradcheckOptions& options, SourceLoc loc) {
  require(gradgradcheck(f, inputs, grad_outputs, options, loc), loc);
}

}  // namespace slope::autograd
