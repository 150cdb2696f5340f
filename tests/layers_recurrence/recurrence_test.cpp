// RNN, LSTM, GRU and their cells against the formulas written out with tensor operations.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "slope/autograd/core/parallel.h"
#include "slope/autograd/kernels/simd/cpu.h"
#include "slope/gradcheck.h"
#include "slope/slope.h"
#include "support/checks.h"

using namespace slope;

namespace {

namespace packing = nn::utils::rnn;
using Weights = std::vector<nn::RecurrentWeights>;

enum class Kind { tanh, relu, lstm, gru };
const std::vector<Kind> kinds = {Kind::tanh, Kind::relu, Kind::lstm, Kind::gru};
std::string name_of(Kind k) {
  return k == Kind::tanh ? "tanh" : k == Kind::relu ? "relu" : k == Kind::lstm ? "lstm" : "gru";
}
std::int64_t blocks(Kind k) { return k == Kind::lstm ? 4 : k == Kind::gru ? 3 : 1; }

struct Seeded {
  Seeded() { manual_seed(11); }
};

/// Output and states of a net; c undefined but for an LSTM.
struct Result {
  Tensor output, h, c;
  std::vector<Tensor> all() const { return c.defined() ? std::vector{output, h, c} : std::vector{output, h}; }
};

struct Setup {
  Kind kind = Kind::lstm;
  std::int64_t steps = 5, batch = 3, in = 4, hidden = 6, layers = 1, proj = 0;
  bool bidirectional = false, bias = true;
  DType dtype = float64;

  std::int64_t directions() const { return bidirectional ? 2 : 1; }
  std::int64_t state() const { return proj > 0 ? proj : hidden; }
  Tensor draw(const Shape& shape, double scale = 0.5) const {
    return (randn(shape, {.dtype = dtype}) * scale).detach().requires_grad_();
  }
  Tensor input() const { return draw({steps, batch, in}, 1); }
  Tensor h0() const { return draw({layers * directions(), batch, state()}); }
  Tensor c0() const { return kind == Kind::lstm ? draw({layers * directions(), batch, hidden}) : Tensor(); }
  Weights weights() const {
    Weights all;
    for (std::int64_t l = 0; l < layers; ++l)
      for (std::int64_t d = 0; d < directions(); ++d) {
        const std::int64_t rows = blocks(kind) * hidden;
        nn::RecurrentWeights w{draw({rows, l == 0 ? in : directions() * state()}), draw({rows, state()})};
        if (bias) w.bias_ih = draw({rows}), w.bias_hh = draw({rows});
        if (proj > 0) w.weight_hr = draw({proj, hidden});
        all.push_back(w);
      }
    return all;
  }
};

template <class X>
auto run_net(const Setup& s, const X& x, const Tensor& h0, const Tensor& c0, const Weights& w, bool batch_first = false,
             double dropout = 0) {
  const nn::RecurrentOptions o{.num_layers = s.layers,
                               .batch_first = batch_first,
                               .dropout = dropout,
                               .bidirectional = s.bidirectional,
                               .proj_size = s.proj};
  const nn::RNNOptions rnn{.num_layers = s.layers,
                           .nonlinearity = s.kind == Kind::relu ? "relu" : "tanh",
                           .batch_first = batch_first,
                           .dropout = dropout,
                           .bidirectional = s.bidirectional};
  if (s.kind == Kind::lstm) return F::lstm(x, {h0, c0}, w, o, dropout > 0);
  auto [y, h] = s.kind == Kind::gru ? F::gru(x, h0, w, o, dropout > 0) : F::rnn(x, h0, w, rnn, dropout > 0);
  return std::pair(y, nn::LSTMState{h, {}});
}
Result net(const Setup& s, const Tensor& x, const Tensor& h0, const Tensor& c0, const Weights& w,
           bool batch_first = false) {
  const auto [y, state] = run_net(s, x, h0, c0, w, batch_first);
  return {y, state.h, state.c};
}

/// One step of rows, written out.
std::pair<Tensor, Tensor> step(const Setup& s, const Tensor& x, const Tensor& h, const Tensor& c,
                               const nn::RecurrentWeights& w) {
  const auto sums = [&](const Tensor& v, const Tensor& weight, const Tensor& bias, std::int64_t block) {
    const Tensor y = matmul(v, weight.narrow(0, block * s.hidden, s.hidden).t());
    return bias.defined() ? y + bias.narrow(0, block * s.hidden, s.hidden) : y;
  };
  const auto sum = [&](std::int64_t k) {
    return sums(x, w.weight_ih, w.bias_ih, k) + sums(h, w.weight_hh, w.bias_hh, k);
  };
  if (s.kind == Kind::tanh) return {tanh(sum(0)), {}};
  if (s.kind == Kind::relu) return {relu(sum(0)), {}};
  if (s.kind == Kind::gru) {
    const Tensor r = sigmoid(sum(0)), z = sigmoid(sum(1));
    const Tensor n = tanh(sums(x, w.weight_ih, w.bias_ih, 2) + r * sums(h, w.weight_hh, w.bias_hh, 2));
    return {(1 - z) * n + z * h, {}};
  }
  const Tensor next = sigmoid(sum(1)) * c + sigmoid(sum(0)) * tanh(sum(2));
  const Tensor out = sigmoid(sum(3)) * tanh(next);
  return {s.proj > 0 ? matmul(out, w.weight_hr.t()) : out, next};
}

/// The net written out, over sequences of one length.
Result written_out(const Setup& s, const Tensor& x, const Tensor& h0, const Tensor& c0, const Weights& w) {
  const bool lstm = s.kind == Kind::lstm;
  Tensor rows = x;
  std::vector<Tensor> h_n, c_n;
  for (std::int64_t l = 0; l < s.layers; ++l) {
    std::vector<Tensor> sides;
    for (std::int64_t d = 0; d < s.directions(); ++d) {
      const std::int64_t i = l * s.directions() + d, steps = x.size(0);
      Tensor h = h0.defined() ? h0[i] : zeros({x.size(1), s.state()}, {.dtype = x.dtype()});
      Tensor c = !lstm ? Tensor() : c0.defined() ? c0[i] : zeros({x.size(1), s.hidden}, {.dtype = x.dtype()});
      std::vector<Tensor> out(static_cast<std::size_t>(steps));
      for (std::int64_t k = 0; k < steps; ++k) {
        const std::int64_t t = d == 1 ? steps - 1 - k : k;
        std::tie(h, c) = step(s, rows[t], h, c, w[static_cast<std::size_t>(i)]);
        out[static_cast<std::size_t>(t)] = h;
      }
      sides.push_back(stack(out));
      h_n.push_back(h);
      c_n.push_back(c);
    }
    rows = sides.size() == 1 ? sides[0] : cat(sides, 2);
  }
  return {rows, stack(h_n), lstm ? stack(c_n) : Tensor()};
}

std::vector<Tensor> tensors_of(const Tensor& x, const Tensor& h0, const Tensor& c0, const Weights& w) {
  std::vector<Tensor> all;
  const auto add = [&](const Tensor& t) {
    if (t.defined()) all.push_back(t);
  };
  for (const Tensor& t : {x, h0, c0}) add(t);
  for (const auto& one : w)
    for (const Tensor& t : {one.weight_ih, one.weight_hh, one.bias_ih, one.bias_hh, one.weight_hr}) add(t);
  return all;
}

/// The gradients of Σ results·fixed numbers.
std::vector<Tensor> gradients(const Result& r, const std::vector<Tensor>& wanted, bool create_graph = false) {
  Tensor total;
  double k = 0.3;
  for (const Tensor& t : r.all()) {
    const Tensor part = (t * sin(arange(t.numel(), {.dtype = t.dtype()}).reshape(t.shape()) * k)).sum();
    total = total.defined() ? total + part : part;
    k += 0.4;
  }
  return autograd::grad({total}, wanted, {.retain_graph = true, .create_graph = create_graph});
}

double distance(const Tensor& a, const Tensor& b) {
  BOOST_REQUIRE(a.shape() == b.shape());
  if (a.numel() == 0) return 0;
  return ((a - b).abs().max() / (1 + b.abs().max())).item();
}

void check_alike(const std::vector<Tensor>& got, const std::vector<Tensor>& expected, double tolerance,
                 const std::string& what) {
  BOOST_REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double d = distance(got[i].detach(), expected[i].detach());
    BOOST_TEST(d <= tolerance, what << ", tensor " << i << ": off by " << d);
  }
}
void check_same(const std::vector<Tensor>& got, const std::vector<Tensor>& expected, const std::string& what) {
  BOOST_REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    BOOST_TEST(equal(got[i].detach(), expected[i].detach()), what << ", tensor " << i << " differs");
}

struct Threads {
  explicit Threads(int n) { set_num_threads(n); }
  ~Threads() { set_num_threads(before); }
  int before = get_num_threads();
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(recurrence, Seeded)

BOOST_AUTO_TEST_CASE(nets_compute_their_formulas) {
  // Sizes with whole tiles and rests of every kind, and small ones.
  const std::vector<Setup> sizes = {{.steps = 1, .batch = 1, .in = 1, .hidden = 1},
                                    {.steps = 3, .batch = 2, .in = 3, .hidden = 5},
                                    {.steps = 4, .batch = 15, .in = 5, .hidden = 37},
                                    {.steps = 2, .batch = 9, .in = 70, .hidden = 133}};
  const simd::Isa best = simd::supported_isa();
  for (const simd::Isa isa : {simd::Isa::baseline, simd::Isa::avx2, simd::Isa::avx512}) {
    simd::set_isa(isa);
    for (const Kind kind : kinds)
      for (const DType dtype : {float32, float64})
        for (Setup s : sizes)
          for (const bool states : {false, true}) {
            s.kind = kind;
            s.dtype = dtype;
            s.bidirectional = states;
            s.layers = states ? 2 : 1;
            const Tensor x = s.input(), h0 = states ? s.h0() : Tensor(), c0 = states ? s.c0() : Tensor();
            const Weights w = s.weights();
            const Result got = net(s, x, h0, c0, w), expected = written_out(s, x, h0, c0, w);
            const std::string what = concat(name_of(kind), ", hidden ", s.hidden, ", ", dtype_name(dtype));
            const double tolerance = dtype == float32 ? 3e-5 : 1e-12;
            check_alike(got.all(), expected.all(), tolerance, what);
            const std::vector<Tensor> inputs = tensors_of(x, h0, c0, w);
            check_alike(gradients(got, inputs), gradients(expected, inputs), tolerance, what + ", gradients");
          }
  }
  simd::set_isa(best);
}

BOOST_AUTO_TEST_CASE(a_projection_shortens_the_state) {
  for (const bool bias : {true, false})
    for (const std::int64_t layers : {1, 2}) {
      Setup s{.batch = 10, .hidden = 40, .layers = layers, .proj = 7, .bidirectional = true, .bias = bias};
      const Tensor x = s.input(), h0 = s.h0(), c0 = s.c0();
      const Weights w = s.weights();
      const Result got = net(s, x, h0, c0, w), expected = written_out(s, x, h0, c0, w);
      BOOST_TEST((got.output.shape() == Shape{5, 10, 14}));
      check_alike(got.all(), expected.all(), 1e-12, "projected");
      const std::vector<Tensor> inputs = tensors_of(x, h0, c0, w);
      check_alike(gradients(got, inputs), gradients(expected, inputs), 1e-12, "projected, gradients");
    }
}

BOOST_AUTO_TEST_CASE(first_and_second_derivatives_agree_with_differences) {
  for (const Kind kind : kinds)
    for (const bool rich : {false, true}) {
      Setup s{.kind = kind, .steps = 3, .batch = 2, .in = 2, .hidden = 3};
      if (rich) s.layers = 2, s.bidirectional = true, s.hidden = 2, s.steps = 2;
      if (rich && kind == Kind::lstm) s.proj = 1;
      const Weights w = s.weights();
      const Tensor x = s.input(), h0 = s.h0(), c0 = s.c0();
      const auto f = [&](const std::vector<Tensor>& in) {
        std::size_t at = 0;
        const auto next = [&](const Tensor& like) { return like.defined() ? in[at++] : Tensor(); };
        const Tensor a = next(x), b = next(h0), c = next(c0);
        Weights weights;
        for (const auto& one : w)
          weights.push_back(
              {next(one.weight_ih), next(one.weight_hh), next(one.bias_ih), next(one.bias_hh), next(one.weight_hr)});
        return net(s, a, b, c, weights).all();
      };
      const std::vector<Tensor> inputs = tensors_of(x, h0, c0, w);
      const auto first = autograd::gradcheck(f, inputs);
      BOOST_TEST(first.ok, name_of(kind) << ": " << first.message);
      const auto second = autograd::gradgradcheck(f, inputs, {}, {.fast_mode = rich});
      BOOST_TEST(second.ok, name_of(kind) << ": " << second.message);
    }
}

BOOST_AUTO_TEST_CASE(bits_depend_neither_on_threads_nor_on_the_rest_of_the_batch) {
  for (const Kind kind : kinds) {
    const Setup s{.kind = kind, .steps = 6, .batch = 44, .in = 10, .hidden = 96, .dtype = float32};
    const Tensor x = s.input(), h0 = s.h0(), c0 = s.c0();
    const Weights w = s.weights();
    const std::vector<Tensor> inputs = tensors_of(x, h0, c0, w);
    std::vector<std::vector<Tensor>> results;
    for (const int threads : {1, 2, 3, 4, 7}) {
      const Threads with(threads);
      const Result r = net(s, x, h0, c0, w);
      std::vector<Tensor> all = r.all();
      for (const Tensor& g : gradients(r, inputs)) all.push_back(g);
      results.push_back(all);
      check_same(results.back(), results.front(), concat(name_of(kind), " on ", threads, " threads"));
    }
    for (const std::int64_t n : {1, 2, 4, 11, 13}) {
      const auto part = [n](const Tensor& t) { return t.defined() ? t.narrow(1, 3, n) : t; };
      const Result whole = net(s, x, h0, c0, w), r = net(s, part(x), part(h0), part(c0), w);
      BOOST_TEST(equal(r.h, part(whole.h)), name_of(kind) << ", " << n << " of the sequences");
    }
  }
}

BOOST_AUTO_TEST_CASE(any_layout_gives_the_same_bits) {
  for (const Kind kind : kinds) {
    Setup s{.kind = kind, .layers = 2, .bidirectional = true};
    const Tensor x = s.input(), h0 = s.h0(), c0 = s.c0();
    const Weights w = s.weights();
    const Result dense = net(s, x, h0, c0, w);
    const auto strided = [](const Tensor& t) {
      if (!t.defined()) return t;
      Shape shape = t.shape();
      shape[shape.size() - 1] *= 2;
      Tensor wide = zeros(shape, {.dtype = t.dtype()});
      const Tensor view = wide.reshape([&] {
                                Shape pairs = t.shape();
                                pairs.push_back(2);
                                return pairs;
                              }())
                              .select(-1, 1);
      NoGradGuard no_grad;
      view.copy_(t);
      return Tensor(view.detach().requires_grad_());
    };
    Weights other;
    for (const auto& one : w)
      other.push_back({one.weight_ih.detach().t().contiguous().t().requires_grad_(),
                       strided(one.weight_hh),
                       strided(one.bias_ih),
                       strided(one.bias_hh),
                       {}});
    const Tensor x2 = strided(x), h2 = strided(h0), c2 = strided(c0);
    const Result r = net(s, x2, h2, c2, other);
    check_same(r.all(), dense.all(), name_of(kind) + ", strided");
    check_same(gradients(r, tensors_of(x2, h2, c2, other)), gradients(dense, tensors_of(x, h0, c0, w)),
               name_of(kind) + ", strided gradients");
    // The same numbers with the batch first.
    const Result first = net(s, x.transpose(0, 1), h0, c0, w, true);
    check_same({first.output.transpose(0, 1), first.h}, {dense.output, dense.h}, name_of(kind) + ", batch first");
    // An expanded state and an expanded gradient.
    const Tensor one = h0.detach().narrow(1, 0, 1).expand(h0.shape());
    check_same({net(s, x, one, c0, w).h}, {net(s, x, one.contiguous(), c0, w).h}, name_of(kind) + ", expanded");
    const std::vector<Tensor> wanted = tensors_of(x, h0, c0, w);
    check_alike(autograd::grad({net(s, x, h0, c0, w).output.sum()}, wanted),
                autograd::grad({written_out(s, x, h0, c0, w).output.sum()}, wanted), 1e-12,
                name_of(kind) + ", expanded gradient");
  }
}

BOOST_AUTO_TEST_CASE(a_sequence_without_a_batch_is_a_batch_of_one) {
  for (const Kind kind : kinds) {
    const Setup s{.kind = kind, .batch = 1, .layers = 2, .bidirectional = true};
    const Tensor x = s.input(), h0 = s.h0(), c0 = s.c0();
    const Weights w = s.weights();
    const auto one = [](const Tensor& t) { return t.defined() ? t.squeeze(1) : t; };
    const Result batch = net(s, x, h0, c0, w);
    for (const bool batch_first : {false, true}) {
      const Result r = net(s, one(x), one(h0), one(c0), w, batch_first);
      check_same(r.all(), Result{one(batch.output), one(batch.h), one(batch.c)}.all(), name_of(kind));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_empty_batch_gives_empty_results_and_zero_gradients) {
  for (const Kind kind : kinds)
    for (const bool create_graph : {false, true}) {
      const Setup s{.kind = kind, .batch = 0, .layers = 2, .bidirectional = true};
      const Tensor x = s.input(), h0 = s.h0(), c0 = s.c0();
      const Weights w = s.weights();
      const Result r = net(s, x, h0, c0, w);
      BOOST_TEST((r.output.shape() == Shape{5, 0, 12}));
      BOOST_TEST((r.h.shape() == Shape{4, 0, 6}));
      const std::vector<Tensor> inputs = tensors_of(x, h0, c0, w);
      const std::vector<Tensor> grads = gradients(r, inputs, create_graph);
      for (std::size_t i = 0; i < grads.size(); ++i) {
        BOOST_TEST((grads[i].shape() == inputs[i].shape()));
        BOOST_TEST((grads[i] == 0).all().item());
      }
    }
}

BOOST_AUTO_TEST_CASE(packed_sequences_are_computed_as_each_would_be_alone) {
  const std::vector<std::int64_t> lengths = {3, 5, 1, 5, 2, 4, 4, 1, 2, 3};
  for (const Kind kind : kinds)
    for (const bool states : {false, true}) {
      Setup s{.kind = kind, .batch = 10, .layers = 2, .bidirectional = true};
      if (kind == Kind::lstm && states) s.proj = 4;
      const Tensor x = s.input(), h0 = states ? s.h0() : Tensor(), c0 = states ? s.c0() : Tensor();
      const Weights w = s.weights();
      const auto [output, last] =
          run_net(s, packing::pack_padded_sequence(x, lengths, {.enforce_sorted = false}), h0, c0, w);
      const auto [padded, found] = packing::pad_packed_sequence(output);
      BOOST_TEST(found.to_vector<std::int64_t>() == lengths);
      std::vector<Tensor> outputs, h_n, c_n;
      for (std::int64_t i = 0; i < s.batch; ++i) {
        const std::int64_t length = lengths[static_cast<std::size_t>(i)];
        const auto part = [i](const Tensor& t) { return t.defined() ? t.narrow(1, i, 1) : t; };
        const Result one = written_out(s, part(x).narrow(0, 0, length), part(h0), part(c0), w);
        outputs.push_back(one.output.squeeze(1));
        h_n.push_back(one.h);
        c_n.push_back(one.c);
      }
      const Result got{padded, last.h, last.c};
      const Result expected{packing::pad_sequence(outputs), cat(h_n, 1), kind == Kind::lstm ? cat(c_n, 1) : Tensor()};
      check_alike(got.all(), expected.all(), 1e-12, name_of(kind) + ", packed");
      const std::vector<Tensor> inputs = tensors_of(x, h0, c0, w);
      const auto first = gradients(expected, inputs);
      check_alike(gradients(got, inputs), first, 1e-12, name_of(kind) + ", packed gradients");
      const auto graph = gradients(got, inputs, true);
      check_alike(graph, first, 1e-12, name_of(kind) + ", packed recorded gradients");
      Tensor squares = zeros({}, {.dtype = float64}), expected_squares = squares;
      for (const Tensor& g : graph) squares = squares + (g * g).sum();
      for (const Tensor& g : gradients(expected, inputs, true)) expected_squares = expected_squares + (g * g).sum();
      check_alike(autograd::grad({squares}, inputs), autograd::grad({expected_squares}, inputs), 1e-10,
                  name_of(kind) + ", packed second derivatives");
    }
}

BOOST_AUTO_TEST_CASE(bits_of_packed_sequences_do_not_depend_on_threads) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t i = 0; i < 50; ++i) lengths.push_back(1 + i * i % 13);
  for (const Kind kind : kinds) {
    const Setup s{.kind = kind, .steps = 13, .batch = 50, .hidden = 80, .bidirectional = true, .dtype = float32};
    const Tensor x = s.input();
    const Weights w = s.weights();
    std::vector<Tensor> before;
    for (const int threads : {1, 2, 5}) {
      const Threads with(threads);
      const auto [y, last] =
          run_net(s, packing::pack_padded_sequence(x, lengths, {.enforce_sorted = false}), {}, {}, w);
      const Result r{y.data, last.h, last.c};
      std::vector<Tensor> all = r.all();
      for (const Tensor& g : gradients(r, tensors_of(x, {}, {}, w))) all.push_back(g);
      if (!before.empty()) check_same(all, before, concat(name_of(kind), " on ", threads, " threads"));
      before = all;
    }
  }
}

BOOST_AUTO_TEST_CASE(a_tensor_that_is_two_inputs_has_both_gradients) {
  const Setup s{.in = 6};
  const Weights w = s.weights();
  const Tensor x = s.input(), state = s.h0();
  for (const bool create_graph : {false, true}) {
    check_alike(gradients(net(s, x, state, state, w), {state}, create_graph),
                gradients(written_out(s, x, state, state, w), {state}), 1e-12, "h0 and c0 alike");
    const Tensor from_x = x.narrow(0, 0, 1) * 2;
    check_alike(gradients(net(s, x, from_x, from_x, w), {x}, create_graph),
                gradients(written_out(s, x, from_x, from_x, w), {x}), 1e-12, "states computed from the input");
  }
}

BOOST_AUTO_TEST_CASE(gradients_arrive_from_any_one_of_the_results) {
  for (const Kind kind : kinds) {
    const Setup s{.kind = kind, .steps = 1, .batch = 2};
    const Tensor x = s.input(), h0 = s.h0(), c0 = s.c0();
    const Weights w = s.weights();
    const std::vector<Tensor> inputs = tensors_of(x, h0, c0, w);
    for (std::size_t i = 0; i < net(s, x, h0, c0, w).all().size(); ++i)
      for (const bool create_graph : {false, true}) {
        const auto by = [&](const Result& r) {
          std::vector<Tensor> grads = autograd::grad({(r.all()[i] * r.all()[i]).sum()}, inputs,
                                                     {.create_graph = create_graph, .allow_unused = true});
          for (std::size_t k = 0; k < grads.size(); ++k)
            if (!grads[k].defined()) grads[k] = zeros_like(inputs[k]);
          return grads;
        };
        check_alike(by(net(s, x, h0, c0, w)), by(written_out(s, x, h0, c0, w)), 1e-12,
                    concat(name_of(kind), ", result ", i));
      }
  }
}

BOOST_AUTO_TEST_CASE(only_what_requires_a_gradient_has_one) {
  const Setup s{.proj = 3};
  Weights w = s.weights();
  w[0].weight_hh = w[0].weight_hh.detach();
  const Tensor x = s.input().detach(), h0 = s.h0(), c0 = s.c0().detach();
  const Result r = net(s, x, h0, c0, w), expected = written_out(s, x, h0, c0, w);
  const std::vector<Tensor> wanted = {h0, w[0].weight_ih, w[0].bias_hh, w[0].weight_hr};
  check_alike(gradients(r, wanted), gradients(expected, wanted), 1e-12, "some");
  for (const Tensor& alone : wanted) {
    Weights frozen = w;
    for (auto& t : {&frozen[0].weight_ih, &frozen[0].bias_ih, &frozen[0].bias_hh, &frozen[0].weight_hr})
      if (!t->is(alone)) *t = t->detach();
    const Tensor h = alone.is(h0) ? h0 : h0.detach();
    check_alike(gradients(net(s, x, h, c0, frozen), {alone}), gradients(expected, {alone}), 1e-12, "one");
  }
  NoGradGuard no_grad;
  BOOST_TEST(!net(s, x, h0, c0, w).output.requires_grad());
}

BOOST_AUTO_TEST_CASE(weights_that_changed_since_forward_are_noticed) {
  const Setup s;
  const Tensor x = s.input();
  const Weights w = s.weights();
  const Result r = net(s, x, {}, {}, w);
  {
    NoGradGuard no_grad;
    w[0].weight_hh.mul_(2);
  }
  check_error<AutogradError>([&] { r.output.sum().backward(); },
                             "a value that LstmBackward had saved was overwritten in place");
}

BOOST_AUTO_TEST_CASE(the_same_graph_can_be_traversed_twice) {
  for (const Kind kind : kinds) {
    const Setup s{.kind = kind};
    const Tensor x = s.input(), h0 = s.h0(), c0 = s.c0();
    const Weights w = s.weights();
    const Tensor total = net(s, x, h0, c0, w).output.square().sum();
    const std::vector<Tensor> inputs = tensors_of(x, h0, c0, w);
    const auto first = autograd::grad({total}, inputs, {.retain_graph = true});
    check_same(autograd::grad({total}, inputs), first, name_of(kind));
  }
}

BOOST_AUTO_TEST_CASE(gradients_of_the_two_biases_are_tensors_of_their_own) {
  const Setup s;
  const Weights w = s.weights();
  net(s, s.input(), {}, {}, w).output.sum().backward();
  const Tensor before = w[0].bias_hh.grad().clone();
  BOOST_TEST(equal(w[0].bias_ih.grad(), before));
  w[0].bias_ih.grad().zero_();
  BOOST_TEST(equal(w[0].bias_hh.grad(), before));
}

BOOST_AUTO_TEST_CASE(dropout_falls_between_layers_while_training) {
  for (const Kind kind : kinds) {
    Setup s{.kind = kind, .layers = 2};
    const Tensor x = s.input();
    const Weights w = s.weights();
    const auto [all_dropped, unused] = run_net(s, x, {}, {}, w, false, 1.0);
    Setup second = s;
    second.layers = 1;
    second.in = s.hidden;
    const Result of_zeros = net(second, zeros({s.steps, s.batch, s.hidden}, {.dtype = float64}), {}, {}, {w[1]});
    check_same({all_dropped}, {of_zeros.output}, name_of(kind) + ", everything dropped");
    manual_seed(5);
    const auto [some, unused2] = run_net(s, x, {}, {}, w, false, 0.5);
    manual_seed(5);
    second = s;
    second.layers = 1;
    const Tensor between = F::dropout(net(second, x, {}, {}, {w[0]}).output.reshape({-1, s.hidden}), 0.5);
    second.in = s.hidden;
    const Tensor expected = net(second, between.reshape({s.steps, s.batch, s.hidden}), {}, {}, {w[1]}).output;
    check_same({some}, {expected}, name_of(kind) + ", some dropped");
  }
  nn::LSTM lstm(3, 4, {.num_layers = 2, .dropout = 0.5});
  const Tensor x = ones({2, 1, 3});
  lstm.eval();
  BOOST_TEST(equal(lstm(x).first, lstm(x).first));
}

BOOST_AUTO_TEST_CASE(a_cell_is_one_step) {
  for (const bool batched : {true, false}) {
    const Tensor x = randn({7, 3}, {.dtype = float64, .requires_grad = true});
    const Tensor input = batched ? x : x[0];
    const auto as_batch = [&](const Tensor& t) { return batched ? t : t.unsqueeze(0); };
    const auto as_given = [&](const Tensor& t) { return batched ? t : t.squeeze(0); };
    nn::LSTMCell lstm(3, 5);
    nn::GRUCell gru(3, 5, {.bias = false});
    nn::RNNCell rnn(3, 5, {.nonlinearity = "relu"});
    for (nn::Module* m :
         {static_cast<nn::Module*>(&lstm), static_cast<nn::Module*>(&gru), static_cast<nn::Module*>(&rnn)})
      m->to(float64);
    const Shape shape = batched ? Shape{7, 5} : Shape{5};
    const Tensor h = randn(shape, {.dtype = float64}), c = randn(shape, {.dtype = float64});
    Setup s{.in = 3, .hidden = 5};
    const auto [h1, c1] = step(s, as_batch(input), as_batch(h), as_batch(c),
                               {lstm.weight_ih, lstm.weight_hh, lstm.bias_ih, lstm.bias_hh, {}});
    const auto [h2, c2] = lstm(input, {h, c});
    check_alike({h2, c2}, {as_given(h1), as_given(c1)}, 1e-12, "LSTMCell");
    s.kind = Kind::gru;
    const Tensor g = gru(input, h);
    check_alike({g}, {as_given(step(s, as_batch(input), as_batch(h), {}, {gru.weight_ih, gru.weight_hh}).first)}, 1e-12,
                "GRUCell");
    s.kind = Kind::relu;
    const Tensor r = rnn(input, h);
    check_alike({r},
                {as_given(step(s, as_batch(input), as_batch(h), {},
                               {rnn.weight_ih, rnn.weight_hh, rnn.bias_ih, rnn.bias_hh, {}})
                              .first)},
                1e-12, "RNNCell");
    check_alike({lstm(input).h, gru(input), rnn(input)},
                {lstm(input, {zeros_like(h), zeros_like(h)}).h, gru(input, zeros_like(h)), rnn(input, zeros_like(h))},
                1e-15, "from zeros");
  }
}

BOOST_AUTO_TEST_CASE(a_net_remembers_what_came_a_long_time_before) {
  // The sign of a sequence's first number is to be told at its end.
  manual_seed(1);
  struct Net : nn::Module {
    nn::LSTM lstm = add("lstm", nn::LSTM(1, 12, {.batch_first = true}));
    nn::Linear out = add("out", nn::Linear(12, 1));
    Tensor forward(const Tensor& x) override { return out(lstm(x).first.select(1, -1)).squeeze(1); }
  } net;
  optim::Adam adam(net.parameters(), {.lr = 0.03});
  double loss = 1;
  for (int i = 0; i < 300; ++i) {
    const Tensor x = randn({32, 6, 1}), sign = x.select(1, 0).squeeze(1) > 0;
    const Tensor l = F::binary_cross_entropy_with_logits(net(x), sign.to(float32));
    adam.zero_grad();
    l.backward();
    adam.step();
    loss = l.item();
  }
  BOOST_TEST(loss < 0.3);
}

BOOST_AUTO_TEST_SUITE_END()
