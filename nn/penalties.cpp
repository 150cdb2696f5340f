#include "slope/nn/penalties.h"

#include <cmath>

#include "slope/autograd/engine/op.h"
#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/internal/pointwise_value.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/losses/shared/common.h"

namespace slope::nn {

namespace {

// ---- one number at a time

struct Magnitude {
  static constexpr const char* name = "L1Penalty";
  template <class T>
  constexpr T operator()(const T& w) const {
    return abs(w);
  }
  template <class T>
  constexpr T d0(const T& w, const T&) const {
    return sign(w);
  }
};

struct HalfSquare {
  static constexpr const char* name = "L2Penalty";
  template <class T>
  constexpr T operator()(const T& w) const {
    return 0.5 * (w * w);
  }
  template <class T>
  constexpr T d0(const T& w, const T&) const {
    return w;
  }
};

struct ElasticNet {
  static constexpr const char* name = "ElasticNetPenalty";
  double l1 = 0, l2 = 0;
  template <class T>
  constexpr T operator()(const T& w) const {
    return l1 * abs(w) + (0.5 * l2) * (w * w);
  }
  template <class T>
  constexpr T d0(const T& w, const T&) const {
    return l1 * sign(w) + l2 * w;
  }
};

/// factor·f'(w): the gradient of a penalty in one pass.
template <class F>
struct ScaledSlope {
  static constexpr const char* name = F::name;
  F f;
  double factor = 1;
  template <class T>
  constexpr T operator()(const T& w) const {
    return factor * f.d0(w, w);
  }
};

/// Σ f(w), for a formula whose slope does not mention its value.
template <class F>
struct Elementwise {
  static constexpr const char* name = F::name;
  static constexpr bool keeps = false;
  F f;
  double value(const Tensor& w, Tensor&) const { return slope::detail::pointwise_value(f, w); }
  Tensor gradient(const Tensor& w, const Tensor&, double factor) const {
    return slope::detail::pointwise_op(ScaledSlope<F>{f, factor}, w);
  }
  Tensor composed(const Tensor& w) const { return f.d0(w, w); }
};

// ---- a group at a time

/// factor·w/‖w‖, 0 where the norm is.
struct Direction {
  static constexpr const char* name = "GroupLassoPenalty";
  double factor = 1;
  template <class T>
  constexpr T operator()(const T& w, const T& norm) const {
    return where(norm == 0, T(0), w / norm * factor);
  }
};

struct GroupLasso {
  static constexpr const char* name = "GroupLassoPenalty";
  static constexpr bool keeps = true;
  LassoGroup group;

  /// One group a row.
  Tensor rows(const Tensor& w) const {
    const std::int64_t count = group == LassoGroup::tensor || w.dim() == 0 ? 1 : w.shape()[0];
    return w.reshape({count, count == 0 ? 0 : w.numel() / count});
  }
  static double root_of_size(const Tensor& groups) { return std::sqrt(static_cast<double>(groups.shape()[1])); }
  static Tensor norms(const Tensor& groups) { return norm(groups, 2, 1, true); }

  double value(const Tensor& w, Tensor& kept) const {
    const Tensor groups = rows(w);
    kept = norms(groups);
    return root_of_size(groups) * kept.sum().item<double>();
  }
  Tensor gradient(const Tensor& w, const Tensor& kept, double factor) const {
    const Tensor groups = rows(w);
    return slope::detail::pointwise_op(Direction{factor * root_of_size(groups)}, groups, kept).reshape(w.shape());
  }
  Tensor composed(const Tensor& w) const {
    const Tensor groups = rows(w);
    return slope::detail::pointwise_op(Direction{root_of_size(groups)}, groups, norms(groups)).reshape(w.shape());
  }
};

// ---- a matrix at a time

struct Orthogonality {
  static constexpr const char* name = "OrthogonalityPenalty";
  static constexpr bool keeps = true;

  static Tensor matrix(const Tensor& w) {
    const std::int64_t count = w.shape()[0];
    return w.reshape({count, count == 0 ? 0 : w.numel() / count});
  }
  static bool wide(const Tensor& m) { return m.shape()[0] < m.shape()[1]; }
  /// What lacks to orthonormal columns, or rows.
  static Tensor residual(const Tensor& m) {
    const Tensor products = wide(m) ? matmul(m, m.t()) : matmul(m.t(), m);
    return products - eye(products.shape()[0], {.dtype = m.dtype()});
  }
  static Tensor times(const Tensor& m, const Tensor& rest) { return wide(m) ? matmul(rest, m) : matmul(m, rest); }

  double value(const Tensor& w, Tensor& kept) const {
    kept = residual(matrix(w));
    return kept.square().sum().item<double>();
  }
  Tensor gradient(const Tensor& w, const Tensor& kept, double factor) const {
    return times(matrix(w), kept * (4 * factor)).reshape(w.shape());
  }
  Tensor composed(const Tensor& w) const {
    const Tensor m = matrix(w);
    return times(m, residual(m) * 4.0).reshape(w.shape());
  }
};

// ---- all of them

/// coefficient·Σ term(w) over all parameters. A term says its value, its gradient times a factor from what value()
/// kept, and its gradient as a composed graph.
template <class Term>
struct Penalty {
  static constexpr std::string_view name = Term::name;
  Term term;
  double coefficient;
  struct Saved {
    std::vector<SavedTensor> parameters;
    std::vector<Tensor> kept;
  };

  Tensor forward(Saved& s, const std::vector<Tensor>& parameters) {
    double total = 0;
    DType dtype = DType::float32;
    s.parameters.reserve(parameters.size());
    if (Term::keeps) s.kept.reserve(parameters.size());
    for (const Tensor& w : parameters) {
      Tensor kept;
      total += term.value(w, kept);
      if (w.dtype() == DType::float64) dtype = DType::float64;
      s.parameters.push_back(save(w));
      if (Term::keeps) s.kept.push_back(std::move(kept));
    }
    return detail::scalar(coefficient * total, dtype);
  }

  std::vector<Tensor> backward(const Saved& s, const Tensor& g) const {
    std::vector<Tensor> grads(s.parameters.size());
    const double factor = coefficient * g.item<double>();
    for (std::size_t i = 0; i < grads.size(); ++i) {
      if (!needs_grad(static_cast<int>(i))) continue;
      const Tensor w = s.parameters[i].get();
      if (grad_enabled())
        grads[i] = scale_cotangent((g * coefficient).to(w.dtype()), term.composed(w));
      else if (factor == 0)
        grads[i] = zeros(w.shape(), {.dtype = w.dtype()});
      else
        grads[i] = term.gradient(w, Term::keeps ? s.kept[i] : Tensor(), factor);
    }
    return grads;
  }
};

template <class Term>
Tensor penalty(const char* op, const Term& term, const std::vector<Tensor>& parameters, double coefficient,
               SourceLoc loc) {
  CallerScope scope(loc);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (!parameters[i].defined() || !parameters[i].is_floating_point())
      slope::detail::require_floating(op, {parameters[i], loc}, concat("parameter ", i).c_str());
  if (parameters.empty()) return zeros({});
  return apply(loc, Penalty<Term>{term, coefficient}, parameters);
}

std::vector<Tensor> chosen(const Module& module, const ParameterFilter& filter, SourceLoc loc, int least_dims = 0) {
  std::vector<Tensor> parameters;
  parameters.reserve(16);
  module.each_parameter(
      [&](const std::string& name, const Tensor& parameter) {
        if (parameter.dim() >= least_dims && (!filter || filter(name))) parameters.push_back(parameter);
      },
      loc);
  return parameters;
}

}  // namespace

bool without_bias(std::string_view name) { return name.find("bias") == std::string_view::npos; }

Tensor l1_penalty(const std::vector<Tensor>& parameters, double beta, SourceLoc loc) {
  return penalty("l1_penalty", Elementwise<Magnitude>{}, parameters, beta, loc);
}
Tensor l1_penalty(const Module& module, double beta, const ParameterFilter& filter, SourceLoc loc) {
  return l1_penalty(chosen(module, filter, loc), beta, loc);
}

Tensor l2_penalty(const std::vector<Tensor>& parameters, double alpha, SourceLoc loc) {
  return penalty("l2_penalty", Elementwise<HalfSquare>{}, parameters, alpha, loc);
}
Tensor l2_penalty(const Module& module, double alpha, const ParameterFilter& filter, SourceLoc loc) {
  return l2_penalty(chosen(module, filter, loc), alpha, loc);
}

Tensor elastic_net_penalty(const std::vector<Tensor>& parameters, double l1, double l2, SourceLoc loc) {
  return penalty("elastic_net_penalty", Elementwise<ElasticNet>{{l1, l2}}, parameters, 1, loc);
}
Tensor elastic_net_penalty(const Module& module, double l1, double l2, const ParameterFilter& filter, SourceLoc loc) {
  return elastic_net_penalty(chosen(module, filter, loc), l1, l2, loc);
}

Tensor group_lasso_penalty(const std::vector<Tensor>& parameters, double lambda, LassoGroup group, SourceLoc loc) {
  return penalty("group_lasso_penalty", GroupLasso{group}, parameters, lambda, loc);
}
Tensor group_lasso_penalty(const Module& module, double lambda, const ParameterFilter& filter, LassoGroup group,
                           SourceLoc loc) {
  return group_lasso_penalty(chosen(module, filter, loc), lambda, group, loc);
}

Tensor orthogonality_penalty(const std::vector<Tensor>& parameters, double lambda, SourceLoc loc) {
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (parameters[i].defined() && parameters[i].dim() < 2)
      throw ShapeError(concat("orthogonality_penalty: parameter ", i,
                              " must have at least 2 dimensions, but has shape ", to_text(parameters[i].shape())),
                       loc);
  return penalty("orthogonality_penalty", Orthogonality{}, parameters, lambda, loc);
}
Tensor orthogonality_penalty(const Module& module, double lambda, const ParameterFilter& filter, SourceLoc loc) {
  return orthogonality_penalty(chosen(module, filter, loc, 2), lambda, loc);
}

}  // namespace slope::nn
