#include <algorithm>
#include <utility>
#include <vector>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/gemm/gemm.h"
#include "slope/autograd/kernels/loops/iterate.h"
#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/activation.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/ops/view/view.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/nn/layers/internal/recurrent_layer.h"

namespace slope::nn::detail {

namespace {

using std::int64_t;

Tensor dense(const Tensor& t) { return !t.defined() || t.is_contiguous() ? t : dense_copy(t); }

template <class T>
T* data(const Tensor& t) {
  return t.defined() ? t.impl().ptr<T>() : nullptr;
}
template <class T>
MatrixView<T> matrix(const Tensor& t) {
  return {t.impl().ptr<T>(), t.strides()[0], t.strides()[1]};
}

// ---- the same as tensor operations

struct Composed {
  RecurrentCell cell;
  const RecurrentInputs& in;

  Tensor bias(Tensor sums, RecurrentInput which) const { return in[which].defined() ? sums + in[which] : sums; }
  Tensor part(const Tensor& sums, int64_t k) const {
    const int64_t hidden = sums.size(1) / gate_count(cell);
    return sums.narrow(1, k * hidden, hidden);
  }
  /// The state behind a step, from the input's part of its sums and the state before.
  std::pair<Tensor, Tensor> step(const Tensor& gates, const Tensor& h, const Tensor& c) const {
    const Tensor sums = bias(matmul(h, in[w_hh].t()), b_hh);
    switch (cell) {
      case RecurrentCell::rnn_tanh: return {tanh(gates + sums), {}};
      case RecurrentCell::rnn_relu: return {relu(gates + sums), {}};
      case RecurrentCell::gru: {
        const Tensor r = sigmoid(part(gates, 0) + part(sums, 0)), z = sigmoid(part(gates, 1) + part(sums, 1));
        const Tensor n = tanh(part(gates, 2) + r * part(sums, 2));
        return {(1 - z) * n + z * h, {}};
      }
      case RecurrentCell::lstm: break;
    }
    const Tensor all = gates + sums;
    const Tensor next = sigmoid(part(all, 1)) * c + sigmoid(part(all, 0)) * tanh(part(all, 2));
    const Tensor out = sigmoid(part(all, 3)) * tanh(next);
    return {in[w_hr].defined() ? matmul(out, in[w_hr].t()) : out, next};
  }

  /// A state of which the sequences up to `going_on` are in `running`, and others begin.
  static Tensor joined(const Tensor& running, const Tensor& initial, int64_t going_on, int64_t size) {
    if (!running.defined()) return initial.narrow(0, 0, size);
    const Tensor kept = running.narrow(0, 0, going_on);
    return size == going_on ? kept : cat({kept, initial.narrow(0, going_on, size - going_on)});
  }

  std::array<Tensor, 3> run(const SequenceSteps& steps, bool reverse) const {
    const bool lstm = cell == RecurrentCell::lstm;
    const Tensor gates = bias(matmul(in[input_rows], in[w_ih].t()), b_ih);
    const TensorOptions like{.dtype = gates.dtype()};
    const int64_t batch = steps.batch(), hidden = in[w_ih].size(0) / gate_count(cell), state = in[w_hh].size(1);
    const Tensor h0 = in[initial_h].defined() ? in[initial_h] : zeros({batch, state}, like);
    const Tensor c0 = in[initial_c].defined() ? in[initial_c] : zeros({batch, hidden}, like);
    Tensor h, c;
    std::vector<Tensor> out(static_cast<std::size_t>(steps.steps())), h_ended, c_ended;
    int64_t running = 0;
    for (int64_t k = 0; k < steps.steps(); ++k) {
      const int64_t t = reverse ? steps.steps() - 1 - k : k, size = steps.size(t);
      if (running > size) {  // going forward, the last sequences end
        h_ended.push_back(h.narrow(0, size, running - size));
        if (lstm) c_ended.push_back(c.narrow(0, size, running - size));
      }
      const int64_t going_on = std::min(running, size);
      const Tensor before = joined(h, h0, going_on, size);
      std::tie(h, c) =
          step(gates.narrow(0, steps.offset(t), size), before, lstm ? joined(c, c0, going_on, size) : Tensor());
      running = size;
      out[static_cast<std::size_t>(t)] = h;
    }
    h_ended.push_back(h);
    c_ended.push_back(c);
    std::ranges::reverse(h_ended);
    std::ranges::reverse(c_ended);
    return {cat(out), cat(h_ended), lstm ? cat(c_ended) : Tensor()};
  }
};

// ---- the node

template <RecurrentCell cell>
struct Recurrence {
  static constexpr std::string_view name = cell == RecurrentCell::lstm       ? "Lstm"
                                           : cell == RecurrentCell::gru      ? "Gru"
                                           : cell == RecurrentCell::rnn_relu ? "RnnRelu"
                                                                             : "RnnTanh";
  static constexpr bool is_lstm = cell == RecurrentCell::lstm, is_gru = cell == RecurrentCell::gru;
  std::shared_ptr<const SequenceSteps> steps;
  bool reverse, recorded;

  struct Saved {
    std::array<SavedTensor, recurrent_inputs> in;
    SavedTensor out;
    Tensor gates, cells, kept;
  };

  template <class T>
  RecurrentLayer<T> layer(const RecurrentInputs& in) const {
    return {cell,
            *steps,
            reverse,
            in[w_hh].size(0) / gate_count(cell),
            in[w_hh].size(1),
            data<T>(in[w_hh]),
            data<T>(in[w_hr]),
            data<T>(in[b_hh]),
            data<T>(in[initial_h]),
            data<T>(in[initial_c])};
  }

  std::tuple<Tensor, Tensor, Tensor> forward(Saved& s, const Tensor& x, const Tensor& h0, const Tensor& c0,
                                             const Tensor& weight_ih, const Tensor& weight_hh, const Tensor& bias_ih,
                                             const Tensor& bias_hh, const Tensor& weight_hr) {
    const DType dtype = x.dtype();
    const int64_t rows = steps->rows(), batch = steps->batch(), sums = weight_hh.size(0), state = weight_hh.size(1);
    const int64_t hidden = sums / gate_count(cell), features = x.size(1);
    const auto fresh = [dtype](int64_t m, int64_t n) { return make_empty({m, n}, dtype); };
    const Tensor gates = fresh(rows, sums), cells = is_lstm ? fresh(rows, hidden) : Tensor();
    const Tensor kept = is_gru ? fresh(rows, hidden) : Tensor();
    const Tensor out = fresh(rows, state), h_n = fresh(batch, state), c_n = is_lstm ? fresh(batch, hidden) : Tensor();
    const RecurrentInputs in = {
        x, dense(h0), dense(c0), weight_ih, dense(weight_hh), dense(bias_ih), dense(bias_hh), dense(weight_hr)};
    visit_floating(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      gemm_bias<T>(rows, sums, features, matrix<T>(x), matrix<T>(weight_ih).transposed(), data<T>(in[b_ih]),
                   data<T>(gates), sums);
      recurrence_forward<T>(layer<T>(in),
                            {data<T>(gates), data<T>(cells), data<T>(kept), data<T>(out), data<T>(h_n), data<T>(c_n)});
    });
    if (recorded) {
      s.in = {save(x),         save(h0),      save(c0),      save(weight_ih),
              save(weight_hh), save(bias_ih), save(bias_hh), save(weight_hr)};
      s.out = save_output(out, 0);
      if (is_lstm || is_gru) s.gates = gates;
      s.cells = cells;
      s.kept = kept;
    }
    return {out, h_n, c_n};
  }

  Grads<recurrent_inputs> backward(const Saved& s, std::span<const Tensor, 3> g) const {
    RecurrentInputs in;
    const auto read = [&](RecurrentInput which) {
      if (s.in[which]) in[which] = s.in[which].get();
    };
    if (grad_enabled()) {
      for (std::size_t k = 0; k < recurrent_inputs; ++k) read(static_cast<RecurrentInput>(k));
      return composed(in, g);
    }
    for (const RecurrentInput which : {initial_h, initial_c, w_hh, w_hr}) read(which);
    if (needs_grad(w_ih)) read(input_rows);
    if (needs_grad(input_rows)) read(w_ih);
    for (const RecurrentInput which : {initial_h, initial_c, w_hh, w_hr}) in[which] = dense(in[which]);
    Grads<recurrent_inputs> grads;
    visit_floating(s.out.value().dtype, [&](auto tag) { run<typename decltype(tag)::type>(s, in, g, grads); });
    return grads;
  }

 private:
  static Tensor fresh(int64_t m, int64_t n, DType dtype) { return make_empty({m, n}, dtype); }

  template <class T>
  void run(const Saved& s, const RecurrentInputs& in, std::span<const Tensor, 3> g,
           Grads<recurrent_inputs>& grads) const {
    const TensorImpl& out = s.out.value();
    const DType dtype = out.dtype;
    const RecurrentLayer<T> to_layer = layer<T>(in);
    const int64_t rows = steps->rows(), batch = steps->batch(), hidden = to_layer.hidden, state = to_layer.state;
    const int64_t sums = gate_count(cell) * hidden;
    const auto started = [&](const Tensor& from, int64_t width) {
      return from.defined() ? dense_copy(from) : zeros({batch, width}, {.dtype = dtype});
    };
    const Tensor dout = dense(g[0]), dh = started(g[1], state), dc = is_lstm ? started(g[2], hidden) : Tensor();
    const Tensor dgates = fresh(rows, sums, dtype), drecurrent = is_gru ? fresh(rows, sums, dtype) : dgates;
    const bool projects = in[w_hr].defined();
    const Tensor dprojected = projects ? fresh(rows, state, dtype) : Tensor(),
                 m = projects ? fresh(rows, hidden, dtype) : Tensor();
    recurrence_backward<T>(to_layer, {data<T>(s.gates), data<T>(s.cells), data<T>(s.kept), out.ptr<T>(), data<T>(dout),
                                      data<T>(dh), data<T>(dc), needs_grad(initial_h), data<T>(dgates),
                                      is_gru ? data<T>(drecurrent) : nullptr, data<T>(dprojected), data<T>(m)});

    const MatrixView<T> by_row = matrix<T>(dgates);
    if (needs_grad(input_rows)) {
      const int64_t features = in[w_ih].size(1);
      grads[input_rows] = fresh(rows, features, dtype);
      gemm<T>(rows, features, sums, T(1), by_row, matrix<T>(in[w_ih]), T(0), data<T>(grads[input_rows]), features);
    }
    if (needs_grad(initial_h)) grads[initial_h] = dh;
    if (needs_grad(initial_c)) grads[initial_c] = dc;
    if (needs_grad(w_ih)) {
      const int64_t features = in[input_rows].size(1);
      grads[w_ih] = fresh(sums, features, dtype);
      gemm<T>(sums, features, rows, T(1), by_row.transposed(), matrix<T>(in[input_rows]), T(0), data<T>(grads[w_ih]),
              features);
    }
    if (needs_grad(w_hh)) {
      grads[w_hh] = fresh(sums, state, dtype);
      recurrent_weight_gradient<T>(to_layer, matrix<T>(drecurrent).transposed(), out.ptr<T>(), data<T>(grads[w_hh]));
    }
    if (needs_grad(b_ih)) grads[b_ih] = dgates.sum(Shape{0});
    if (needs_grad(b_hh))
      grads[b_hh] = !is_gru && grads[b_ih].defined() ? dense_copy(grads[b_ih]) : drecurrent.sum(Shape{0});
    if (needs_grad(w_hr)) {
      grads[w_hr] = fresh(state, hidden, dtype);
      gemm<T>(state, hidden, rows, T(1), matrix<T>(dprojected).transposed(), matrix<T>(m), T(0), data<T>(grads[w_hr]),
              hidden);
    }
  }

  /// Σ over rows of their gradient times the state they began with. Where all sequences are as long, that is the output,
  /// one step away.
  template <class T>
  void recurrent_weight_gradient(const RecurrentLayer<T>& to_layer, const MatrixView<T>& d, const T* out, T* to) const {
    const int64_t rows = steps->rows(), batch = steps->batch(), state = to_layer.state,
                  sums = gate_count(cell) * to_layer.hidden;
    const auto add = [&](int64_t first, int64_t count, const T* states, T beta) {
      gemm<T>(sums, state, count, T(1), {d.data + first * d.col_stride, d.row_stride, d.col_stride}, {states, state, 1},
              beta, to, state);
    };
    if (!steps->all_alike()) {
      const Tensor states = fresh(rows, state, std::is_same_v<T, float> ? DType::float32 : DType::float64);
      gather_states<T>(to_layer, out, data<T>(states));
      return add(0, rows, data<T>(states), 0);
    }
    add(reverse ? 0 : batch, rows - batch, reverse ? out + batch * state : out, 0);
    if (to_layer.h0) add(reverse ? rows - batch : 0, batch, to_layer.h0, 1);
  }

  Grads<recurrent_inputs> composed(RecurrentInputs& in, std::span<const Tensor, 3> g) const {
    // Views, so that a tensor that is two of the inputs, or that another one was computed from, has a gradient for each.
    std::vector<Tensor> wanted;
    for (std::size_t k = 0; k < recurrent_inputs; ++k)
      if (needs_grad(static_cast<int>(k))) wanted.push_back(in[k] = in[k].view(in[k].shape()));
    const std::array<Tensor, 3> results = Composed{cell, in}.run(*steps, reverse);
    std::vector<Tensor> outputs, incoming;
    for (std::size_t i = 0; i < results.size(); ++i)
      if (g[i].defined() && results[i].requires_grad()) {
        outputs.push_back(results[i]);
        incoming.push_back(g[i]);
      }
    Grads<recurrent_inputs> grads;
    if (outputs.empty()) return grads;
    std::vector<Tensor> found = autograd::grad(
        outputs, wanted, {.grad_outputs = std::move(incoming), .create_graph = true, .allow_unused = true});
    std::size_t i = 0;
    for (std::size_t k = 0; k < recurrent_inputs; ++k)
      if (needs_grad(static_cast<int>(k))) grads[k] = std::move(found[i++]);
    return grads;
  }
};

template <RecurrentCell cell>
std::tuple<Tensor, Tensor, Tensor> record(const std::shared_ptr<const SequenceSteps>& steps, bool reverse,
                                          const RecurrentInputs& in, SourceLoc loc) {
  const bool recorded =
      grad_enabled() && std::ranges::any_of(in, [](const Tensor& t) { return t.defined() && t.requires_grad(); });
  return apply(loc, Recurrence<cell>{steps, reverse, recorded}, in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7]);
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> recurrent_layer(RecurrentCell cell,
                                                   const std::shared_ptr<const SequenceSteps>& steps, bool reverse,
                                                   const RecurrentInputs& in, SourceLoc loc) {
  switch (cell) {
    case RecurrentCell::rnn_tanh: return record<RecurrentCell::rnn_tanh>(steps, reverse, in, loc);
    case RecurrentCell::rnn_relu: return record<RecurrentCell::rnn_relu>(steps, reverse, in, loc);
    case RecurrentCell::gru: return record<RecurrentCell::gru>(steps, reverse, in, loc);
    case RecurrentCell::lstm: break;
  }
  return record<RecurrentCell::lstm>(steps, reverse, in, loc);
}

}  // namespace slope::nn::detail
