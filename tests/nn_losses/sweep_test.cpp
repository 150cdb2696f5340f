#include <boost/test/unit_test.hpp>
#include <cmath>

#include "slope/autograd.h"
#include "slope/gradcheck.h"
#include "support/loss_table.h"

using namespace slope;

namespace {

const char* name_of(Reduction r) {
  constexpr const char* names[] = {"none", "mean", "sum", "batchmean"};
  return names[static_cast<int>(r)];
}

/// Calls `f(title, loss, inputs)` for every sample with every reduction; the inputs are fresh copies.
template <class F>
void for_each_loss(const F& f) {
  for (const LossSample& s : loss_table())
    for (const Reduction r : s.reductions) {
      LossInputs inputs;
      for (const Tensor& t : s.inputs) inputs.push_back(t.detach().clone().requires_grad_(t.requires_grad()));
      f(s.name + " " + name_of(r), [&s, r](const LossInputs& in) { return s.function(in, r); }, inputs, s);
    }
}

LossInputs differentiated(const LossInputs& inputs) {
  LossInputs all;
  for (const Tensor& t : inputs)
    if (t.requires_grad()) all.push_back(t);
  return all;
}

/// The gradients of the differentiated inputs, then the value.
template <class Loss>
LossInputs run(const Loss& loss, const LossInputs& inputs, bool recorded = false, double cotangent_scale = 1) {
  const Tensor y = loss(inputs);
  Generator g(5);
  const Tensor cotangent = (rand(y.shape(), {.dtype = float32}, g) * cotangent_scale).to(y.dtype());
  const LossInputs wanted = differentiated(inputs);
  LossInputs out =
      autograd::grad({y}, wanted, {.grad_outputs = {cotangent}, .create_graph = recorded, .allow_unused = true});
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = out[i].defined() ? out[i].detach() : zeros_like(wanted[i].detach());
  out.push_back(y.detach());
  return out;
}

LossInputs mapped(const LossInputs& inputs, const std::function<Tensor(const Tensor&)>& change) {
  LossInputs all;
  for (const Tensor& t : inputs) all.push_back(change(t.detach()).requires_grad_(t.requires_grad()));
  return all;
}

bool bit_equal(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  return std::equal(x.begin(), x.end(), y.begin(),
                    [](double p, double q) { return p == q || (std::isnan(p) && std::isnan(q)); });
}

/// ‖a - b‖ / ‖b‖
double distance(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  double error = 0, scale = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    error += (x[k] - y[k]) * (x[k] - y[k]);
    scale += y[k] * y[k];
  }
  return std::sqrt(error) / std::max(std::sqrt(scale), 1e-3);
}

/// The same values with gaps between them, and with the dimensions in reverse order in memory.
Tensor with_gaps(const Tensor& t) {
  if (t.dim() == 0 || t.dim() == max_dims) return t.clone();
  Shape wide = t.shape();
  wide.push_back(2);
  Tensor view = full(wide, 1, {.dtype = t.dtype()}).select(-1, 0);
  view.copy_(t);
  return view;
}
Tensor reversed(const Tensor& t) {
  Shape order;
  for (int d = t.dim() - 1; d >= 0; --d) order.push_back(d);
  return t.permute(order).contiguous().permute(order);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(every_loss_of_the_table)

BOOST_AUTO_TEST_CASE(has_the_derivative_of_its_differences) {
  for_each_loss([](const std::string& title, const auto& loss, const LossInputs& inputs, const LossSample&) {
    if (differentiated(inputs).empty()) return;
    const auto r = autograd::gradcheck(loss, inputs);
    BOOST_TEST(r.ok, title << ": " << r.message);
  });
}

BOOST_AUTO_TEST_CASE(has_the_second_derivative_of_its_differences_or_refuses) {
  for_each_loss([](const std::string& title, const auto& loss, const LossInputs& inputs, const LossSample& sample) {
    if (differentiated(inputs).empty()) return;
    if (sample.twice) {
      const auto r = autograd::gradgradcheck(loss, inputs);
      BOOST_TEST(r.ok, title << ": " << r.message);
      return;
    }
    const LossInputs wanted = differentiated(inputs);
    BOOST_CHECK_THROW(([&] {
                        const LossInputs first =
                            autograd::grad({loss(inputs).sum()}, wanted, {.create_graph = true, .allow_unused = true});
                        autograd::grad({first[0].sum()}, wanted, {.allow_unused = true});
                      }()),
                      AutogradError);
  });
}

BOOST_AUTO_TEST_CASE(has_the_same_gradient_when_backward_is_recorded) {
  for_each_loss([](const std::string& title, const auto& loss, const LossInputs& inputs, const LossSample& sample) {
    if (!sample.twice) return;
    const LossInputs fused = run(loss, inputs), composed = run(loss, inputs, true);
    for (std::size_t i = 0; i < fused.size(); ++i)
      BOOST_TEST(allclose(fused[i], composed[i], 1e-10, 1e-12), title << ": gradient " << i << " differs");
  });
}

BOOST_AUTO_TEST_CASE(gives_the_same_for_every_layout) {
  for_each_loss([](const std::string& title, const auto& loss, const LossInputs& inputs, const LossSample&) {
    const LossInputs dense = run(loss, inputs);
    for (const auto& layout : {with_gaps, reversed}) {
      const LossInputs other = run(loss, mapped(inputs, layout));
      for (std::size_t i = 0; i < dense.size(); ++i)
        BOOST_TEST(allclose(other[i], dense[i], 1e-13, 1e-15), title << ": result " << i << " depends on the layout");
    }
  });
}

BOOST_AUTO_TEST_CASE(computes_in_float32_what_it_computes_in_float64) {
  for_each_loss([](const std::string& title, const auto& loss, const LossInputs& inputs, const LossSample&) {
    const LossInputs single = mapped(inputs, [](const Tensor& t) { return t.is_floating_point() ? t.to(float32) : t; });
    const LossInputs wide = mapped(single, [](const Tensor& t) { return t.is_floating_point() ? t.to(float64) : t; });
    const LossInputs a = run(loss, single), b = run(loss, wide);
    for (std::size_t i = 0; i < a.size(); ++i) {
      BOOST_TEST((a[i].dtype() == float32), title << ": result " << i << " is not float32");
      BOOST_TEST(distance(a[i], b[i]) <= 1e-5, title << ": result " << i << " is off by " << distance(a[i], b[i]));
    }
  });
}

BOOST_AUTO_TEST_CASE(gives_the_same_bits_for_every_thread_count) {
  const int before = get_num_threads();
  for_each_loss([](const std::string& title, const auto& loss, const LossInputs& inputs, const LossSample&) {
    set_num_threads(1);
    const LossInputs serial = run(loss, inputs);
    for (const int threads : {2, 3}) {
      set_num_threads(threads);
      const LossInputs parallel = run(loss, inputs);
      for (std::size_t i = 0; i < serial.size(); ++i)
        BOOST_TEST(bit_equal(serial[i], parallel[i]), title << ": result " << i << " with " << threads << " threads");
    }
  });
  set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(leaves_its_inputs_alone_and_keeps_a_zero_cotangent_zero) {
  for_each_loss([](const std::string& title, const auto& loss, const LossInputs& inputs, const LossSample& sample) {
    const LossInputs grads = run(loss, inputs, false, 0);
    for (std::size_t i = 0; i + 1 < grads.size(); ++i)
      BOOST_TEST(bit_equal(grads[i], zeros_like(grads[i])), title << ": gradient " << i << " of a zero cotangent");
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      BOOST_TEST(bit_equal(inputs[i].detach(), sample.inputs[i].detach()), title << " changed input " << i);
      BOOST_TEST(inputs[i].version() == 0u, title << " bumped the version of input " << i);
      BOOST_TEST(!inputs[i].grad().defined(), title << " left a gradient in input " << i);
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(every_refusal_of_the_table)

BOOST_AUTO_TEST_CASE(names_what_is_wrong_and_where_and_changes_nothing) {
  for (const LossRefusal& r : loss_refusals()) {
    LossInputs inputs, kept;
    for (const Tensor& t : r.inputs) {
      inputs.push_back(t.defined() ? t.detach().clone().requires_grad_(t.requires_grad()) : t);
      kept.push_back(t.defined() ? inputs.back().detach().clone() : t);
    }
    const auto expect = [&](const Error& e, bool right_kind) {
      const std::string what = e.what();
      BOOST_TEST(right_kind, "another type of error: " << what);
      BOOST_TEST(what.find(r.text) != std::string::npos, "\"" << what << "\" does not contain \"" << r.text << "\"");
      BOOST_TEST(what.find("tests/support/losses/") != std::string::npos,
                 "\"" << what << "\" does not name the caller's line");
    };
    try {
      r.call(inputs);
      BOOST_ERROR("not refused: " + r.text);
    } catch (const ValueError& e) {
      expect(e, r.kind == LossRefusal::Kind::value);
    } catch (const ShapeError& e) {
      expect(e, r.kind == LossRefusal::Kind::shape);
    } catch (const DTypeError& e) {
      expect(e, r.kind == LossRefusal::Kind::dtype);
    } catch (const IndexError& e) {
      expect(e, r.kind == LossRefusal::Kind::index);
    } catch (const AutogradError& e) {
      expect(e, r.kind == LossRefusal::Kind::autograd);
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].defined()) continue;
      BOOST_TEST(bit_equal(inputs[i].detach(), kept[i]), r.text << " changed input " << i);
      BOOST_TEST(!inputs[i].grad().defined());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
