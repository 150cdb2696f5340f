#include "slope/nn/penalties.h"

#include "slope/autograd/engine/op.h"
#include "slope/autograd/ops/pointwise.h"
#include "slope/autograd/tensor/factory.h"

namespace slope::nn {

namespace {

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

/// factor·f'(w): the gradient of a penalty in one pass.
template <class F>
struct ScaledSlope {
  static constexpr const char* name = F::name;
  double factor = 1;
  template <class T>
  constexpr T operator()(const T& w) const {
    return factor * F{}.d0(w, w);
  }
};

/// coefficient·Σ f(w) over all elements of all parameters, for a formula whose slope does not mention its value.
template <class F>
struct ElementwisePenalty {
  static constexpr std::string_view name = F::name;
  double coefficient;
  struct Saved {
    std::vector<SavedTensor> parameters;
  };

  Tensor forward(Saved& s, const std::vector<Tensor>& parameters) {
    double total = 0;
    DType dtype = DType::float32;
    for (const Tensor& w : parameters) {
      total += slope::detail::pointwise_loss(F{}, Reduction::sum, w).template item<double>();
      if (w.dtype() == DType::float64) dtype = DType::float64;
      s.parameters.push_back(save(w));
    }
    const Tensor out = make_empty({}, dtype);
    visit_floating(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      *out.impl().ptr<T>() = static_cast<T>(coefficient * total);
    });
    return out;
  }

  std::vector<Tensor> backward(const Saved& s, const Tensor& g) const {
    if (s.parameters.empty()) (void)SavedTensor().get();  // says that the graph was freed
    std::vector<Tensor> grads(s.parameters.size());
    const double factor = coefficient * g.item<double>();
    for (std::size_t i = 0; i < grads.size(); ++i) {
      if (!needs_grad(static_cast<int>(i))) continue;
      const Tensor w = s.parameters[i].get();
      if (grad_enabled())
        grads[i] = scale_cotangent((g * coefficient).to(w.dtype()), F{}.d0(w, w));
      else if (factor == 0)
        grads[i] = zeros(w.shape(), {.dtype = w.dtype()});
      else
        grads[i] = slope::detail::pointwise_op(ScaledSlope<F>{factor}, w);
    }
    return grads;
  }
};

template <class F>
Tensor penalty(const char* op, const std::vector<Tensor>& parameters, double coefficient, SourceLoc loc) {
  CallerScope scope(loc);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].defined()) throw ValueError(concat(op, ": parameter ", i, " is an undefined tensor"), loc);
    if (!parameters[i].is_floating_point())
      throw DTypeError(concat(op, ": parameter ", i, " must be a floating point tensor, got ", dtype_name(parameters[i].dtype())),
                       loc);
  }
  if (parameters.empty()) return zeros({});
  return apply(loc, ElementwisePenalty<F>{coefficient}, parameters);
}

std::vector<Tensor> chosen(const Module& module, const ParameterFilter& filter) {
  std::vector<Tensor> parameters;
  for (const auto& [name, parameter] : module.named_parameters())
    if (!filter || filter(name)) parameters.push_back(parameter);
  return parameters;
}

}  // namespace

bool without_bias(std::string_view name) { return name.find("bias") == std::string_view::npos; }

Tensor l1_penalty(const std::vector<Tensor>& parameters, double beta, SourceLoc loc) {
  return penalty<Magnitude>("l1_penalty", parameters, beta, loc);
}
Tensor l1_penalty(const Module& module, double beta, const ParameterFilter& filter, SourceLoc loc) {
  return l1_penalty(chosen(module, filter), beta, loc);
}

Tensor l2_penalty(const std::vector<Tensor>& parameters, double alpha, SourceLoc loc) {
  return penalty<HalfSquare>("l2_penalty", parameters, alpha, loc);
}
Tensor l2_penalty(const Module& module, double alpha, const ParameterFilter& filter, SourceLoc loc) {
  return l2_penalty(chosen(module, filter), alpha, loc);
}

}  // namespace slope::nn
