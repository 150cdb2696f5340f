#include "slope/autograd/kernels/recurrence/internal/gates.h"

#include <type_traits>

#include "slope/autograd/kernels/simd/each_vector.h"
#include "slope/autograd/kernels/simd/lanes.h"

namespace slope {

namespace {

using std::int64_t;

template <class V, class T>
inline void lstm_forward(int64_t n, const GatesForward<T>& x, int64_t row) {
  T* const gates = x.gates.row(row);
  const T* const recurrent = x.recurrent.row(row);
  const T* const before = x.c_before.row(row);
  T* const c_out = x.c.row(row);
  T* const h = x.h.row(row);
  simd::each_vector<V>(n, [&](const auto& load, const auto& store, int) {
    const auto sum = [&](int64_t k) { return V(load(gates + k * n) + load(recurrent + k * n)); };
    const V i = sigmoid(sum(0)), f = sigmoid(sum(1)), g = tanh(sum(2)), o = sigmoid(sum(3));
    const V c = f * load(before) + i * g;
    store(gates, i);
    store(gates + n, f);
    store(gates + 2 * n, g);
    store(gates + 3 * n, o);
    store(c_out, c);
    store(h, o * tanh(c));
  });
}

template <class V, class T>
inline void gru_forward(int64_t n, const GatesForward<T>& x, int64_t row) {
  T* const gates = x.gates.row(row);
  const T* const recurrent = x.recurrent.row(row);
  const T* const before = x.h_before.row(row);
  T* const h = x.h.row(row);
  T* const kept = x.kept.row(row);
  simd::each_vector<V>(n, [&](const auto& load, const auto& store, int) {
    const V r = sigmoid(load(gates) + load(recurrent)), z = sigmoid(load(gates + n) + load(recurrent + n));
    const V inner = load(recurrent + 2 * n);
    const V new_state = tanh(load(gates + 2 * n) + r * inner);
    store(gates, r);
    store(gates + n, z);
    store(gates + 2 * n, new_state);
    store(kept, inner);
    store(h, (1 - z) * new_state + z * load(before));
  });
}

template <class V, bool Relu, class T>
inline void rnn_forward(int64_t n, const GatesForward<T>& x, int64_t row) {
  const T* const gates = x.gates.row(row);
  const T* const recurrent = x.recurrent.row(row);
  T* const h = x.h.row(row);
  simd::each_vector<V>(n, [&](const auto& load, const auto& store, int) {
    const V sum = load(gates) + load(recurrent);
    if constexpr (Relu)
      store(h, relu(sum));
    else
      store(h, tanh(sum));
  });
}

template <class V, class T>
inline void lstm_backward(int64_t n, const GatesBackward<T>& x, int64_t row) {
  const T* const gates = x.gates.row(row);
  const T* const before = x.c_before.row(row);
  const T* const c_in = x.c.row(row);
  const T* const dout = x.dout.row(row);
  const T* const dh_in = x.dh.row(row);
  T* const dc_state = x.dc.row(row);
  T* const d = x.dgates.row(row);
  T* const m = x.m.row(row);
  simd::each_vector<V>(n, [&](const auto& load, const auto& store, int) {
    const V i = load(gates), f = load(gates + n), g = load(gates + 2 * n), o = load(gates + 3 * n);
    const V bent = tanh(load(c_in));
    V dh = load(dh_in);
    if (dout) dh = dh + load(dout);
    const V dc = load(dc_state) + dh * o * (1 - bent * bent);
    store(d, dc * g * (i * (1 - i)));
    store(d + n, dc * load(before) * (f * (1 - f)));
    store(d + 2 * n, dc * i * (1 - g * g));
    store(d + 3 * n, dh * bent * (o * (1 - o)));
    store(dc_state, dc * f);
    if (m) store(m, o * bent);
  });
}

template <class V, class T>
inline void gru_backward(int64_t n, const GatesBackward<T>& x, int64_t row) {
  const T* const gates = x.gates.row(row);
  const T* const before = x.h_before.row(row);
  const T* const kept = x.kept.row(row);
  const T* const dout = x.dout.row(row);
  T* const dh_state = x.dh.row(row);
  T* const d = x.dgates.row(row);
  T* const inner = x.drecurrent.row(row);
  simd::each_vector<V>(n, [&](const auto& load, const auto& store, int) {
    const V r = load(gates), z = load(gates + n), new_state = load(gates + 2 * n);
    V dh = load(dh_state);
    if (dout) dh = dh + load(dout);
    const V dz = dh * (load(before) - new_state) * (z * (1 - z));
    const V dn = dh * (1 - z) * (1 - new_state * new_state);
    const V dr = dn * load(kept) * (r * (1 - r));
    store(d, dr);
    store(d + n, dz);
    store(d + 2 * n, dn);
    store(inner, dr);
    store(inner + n, dz);
    store(inner + 2 * n, dn * r);
    store(dh_state, dh * z);
  });
}

template <class V, bool Relu, class T>
inline void rnn_backward(int64_t n, const GatesBackward<T>& x, int64_t row) {
  const T* const h = x.h.row(row);
  const T* const dout = x.dout.row(row);
  const T* const dh_in = x.dh.row(row);
  T* const d = x.dgates.row(row);
  simd::each_vector<V>(n, [&](const auto& load, const auto& store, int) {
    const V y = load(h);
    V dh = load(dh_in);
    if (dout) dh = dh + load(dout);
    if constexpr (Relu)
      store(d, where(y > 0, dh, V(0)));
    else
      store(d, dh * (1 - y * y));
  });
}

/// `f(type_identity<V>, row)` for each row, V being lanes of the instruction set in force.
template <class T, class F>
void each_row(int64_t rows, const F& f) {
  simd::dispatch([&](auto target) {
    for (int64_t row = 0; row < rows; ++row) f(std::type_identity<typename decltype(target)::template Lanes<T>>(), row);
  });
}

}  // namespace

template <class T>
void gates_forward(RecurrentCell cell, int64_t rows, int64_t hidden, const GatesForward<T>& x) {
  switch (cell) {
    case RecurrentCell::lstm:
      return each_row<T>(rows, [&]<class V>(std::type_identity<V>, int64_t i) { lstm_forward<V>(hidden, x, i); });
    case RecurrentCell::gru:
      return each_row<T>(rows, [&]<class V>(std::type_identity<V>, int64_t i) { gru_forward<V>(hidden, x, i); });
    case RecurrentCell::rnn_relu:
      return each_row<T>(rows, [&]<class V>(std::type_identity<V>, int64_t i) { rnn_forward<V, true>(hidden, x, i); });
    case RecurrentCell::rnn_tanh:
      return each_row<T>(rows, [&]<class V>(std::type_identity<V>, int64_t i) { rnn_forward<V, false>(hidden, x, i); });
  }
}

template <class T>
void gates_backward(RecurrentCell cell, int64_t rows, int64_t hidden, const GatesBackward<T>& x) {
  switch (cell) {
    case RecurrentCell::lstm:
      return each_row<T>(rows, [&]<class V>(std::type_identity<V>, int64_t i) { lstm_backward<V>(hidden, x, i); });
    case RecurrentCell::gru:
      return each_row<T>(rows, [&]<class V>(std::type_identity<V>, int64_t i) { gru_backward<V>(hidden, x, i); });
    case RecurrentCell::rnn_relu:
      return each_row<T>(rows, [&]<class V>(std::type_identity<V>, int64_t i) { rnn_backward<V, true>(hidden, x, i); });
    case RecurrentCell::rnn_tanh:
      return each_row<T>(rows,
                         [&]<class V>(std::type_identity<V>, int64_t i) { rnn_backward<V, false>(hidden, x, i); });
  }
}

template void gates_forward<float>(RecurrentCell, int64_t, int64_t, const GatesForward<float>&);
template void gates_forward<double>(RecurrentCell, int64_t, int64_t, const GatesForward<double>&);
template void gates_backward<float>(RecurrentCell, int64_t, int64_t, const GatesBackward<float>&);
template void gates_backward<double>(RecurrentCell, int64_t, int64_t, const GatesBackward<double>&);

}  // namespace slope
