#include "slope/nn/losses/shared/internal/row_loss.h"

#include <algorithm>
#include <numeric>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/kernels/loops/rows.h"
#include "slope/autograd/tensor/factory.h"

namespace slope::nn::detail {

Shape RowLayout::values_shape(const Shape& operand) const {
  if (flatten) return {operand[0]};
  Shape shape = operand;
  if (!shape.empty()) keepdim ? void(shape[dim] = 1) : shape.erase(dim);
  return shape;
}

std::int64_t RowLayout::rows(const Shape& operand) const {
  std::int64_t n = 1;
  for (int d = 0; d < operand.size(); ++d)
    if (flatten ? d == 0 : d != dim) n *= operand[d];
  return n;
}

double RowLayout::scale(const Shape& operand) const {
  return reduction == Reduction::mean ? 1 / static_cast<double>(rows(operand)) : 1;
}

Tensor RowCall::forward(const Tensor* grads) const {
  const Shape& shape = x[0]->shape();
  if (layout.reduction == Reduction::none) {
    const Tensor values = make_empty(layout.values_shape(shape), x[0]->dtype());
    run(Tensor(), values, nullptr, true);
    return values;
  }
  // A mean over no rows is 0/0.
  const double sum = run(Tensor(), Tensor(), grads, true);
  return scalar(layout.reduction == Reduction::mean ? sum / static_cast<double>(layout.rows(shape)) : sum,
                x[0]->dtype());
}

void RowCall::backward(const Tensor& cotangent, const Tensor* grads) const { run(cotangent, Tensor(), grads, false); }

double RowCall::run(const Tensor& cotangent, const Tensor& values, const Tensor* grads, bool wants_value) const {
  NoGradGuard no_grad;
  const int count = info.operands;
  const Shape& shape = x[0]->shape();
  const DType dtype = x[0]->dtype();
  RowBatch batch;
  batch.rows = layout.rows(shape);
  if (batch.rows == 0) return 0;
  batch.length = x[0]->numel() / batch.rows;
  batch.factor = layout.scale(shape);
  batch.wants_value = wants_value;

  const Tensor* tensors[row_slots] = {};
  for (int k = 0; k < count; ++k) {
    tensors[k] = x[k];
    if (grads && grads[k].defined()) tensors[first_gradient + k] = &grads[k];
  }
  if (constant.defined()) tensors[constant_slot] = &constant;
  if (cotangent.defined()) tensors[cotangent_slot] = &cotangent;
  if (values.defined()) tensors[value_slot] = &values;

  Tensor copies[row_slots];
  bool dense = layout.flatten || shape.empty() || layout.dim == shape.size() - 1;
  for (int i = 0; i < row_slots; ++i) {
    if (!tensors[i]) continue;
    if (layout.flatten && !tensors[i]->is_contiguous()) {  // rows over several dimensions are rows only where dense
      copies[i] = tensors[i]->contiguous();
      tensors[i] = &copies[i];
    }
    dense &= tensors[i]->is_contiguous();
  }
  const std::int64_t grain = info.terms > 0 ? rows_grain(batch.rows, batch.length, info.grain) : info.grain;
  const std::int64_t chunk_rows = rows_per_grain(batch.length, grain), chunks = chunk_count(batch.rows, chunk_rows);
  double partial[max_chunks];
  std::fill_n(partial, chunks, 0.0);

  if (dense) {
    for (int i = 0; i < row_slots; ++i) {
      if (!tensors[i]) continue;
      batch.data[i] = static_cast<char*>(tensors[i]->raw_data());
      batch.step[i] = static_cast<std::int64_t>(itemsize(tensors[i]->dtype())) * (tensors[i]->numel() / batch.rows);
    }
    parallel_chunks(batch.rows, chunk_rows, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
      RowBatch part = batch;
      for (int i = 0; i < row_slots; ++i)
        if (part.data[i]) part.data[i] += begin * part.step[i];
      part.rows = end - begin;
      partial[chunk] = run_batch(part, dtype);
    });
    return std::accumulate(partial, partial + chunks, 0.0);
  }

  int slots[row_slots], used = 0;
  for (int i = 0; i < row_slots; ++i) {
    if (!tensors[i]) continue;
    slots[used++] = i;
    if (tensors[i]->dim() == shape.size()) continue;
    copies[i] = tensors[i]->unsqueeze(layout.dim);
    tensors[i] = &copies[i];
  }
  slope::detail::with_count<2, row_slots>(used, [&](auto n) {
    [&]<std::size_t... Is>(std::index_sequence<Is...>) {
      const RowArg args[] = {{tensors[slots[Is]]->impl(), slots[Is] == value_slot || slots[Is] >= first_gradient}...};
      for_row_chunks(layout.dim, args, grain,
                     [&](std::int64_t chunk, char* const* data, const std::int64_t* steps, std::int64_t rows) {
                       RowBatch part = batch;
                       for (std::size_t j = 0; j < n(); ++j) {
                         part.data[slots[j]] = data[j];
                         part.step[slots[j]] = steps[j];
                       }
                       part.rows = rows;
                       partial[chunk] += run_batch(part, dtype);
                     });
    }(std::make_index_sequence<n()>());
  });
  return std::accumulate(partial, partial + chunks, 0.0);
}

double RowCall::run_batch(const RowBatch& batch, DType dtype) const {
  const RowKernel kernel = info.kernel[dtype == DType::float64];
  if (info.terms == 0 || !is_wide_row(batch.length)) return kernel(formula, batch);
  const auto item = static_cast<std::int64_t>(itemsize(dtype));
  bool differentiated = false;
  for (int k = 0; k < info.operands; ++k) differentiated |= batch.data[first_gradient + k] != nullptr;
  double total = 0;
  for (std::int64_t r = 0; r < batch.rows; ++r) {
    RowBatch row = batch;
    for (int i = 0; i < row_slots; ++i)
      if (row.data[i]) row.data[i] += r * row.step[i];
    row.rows = 1;
    const auto run_piece = [&](RowPhase phase, RowState& state, std::int64_t begin, std::int64_t end) {
      RowBatch piece = row;
      piece.length = end - begin;
      piece.phases = phase;
      piece.state = &state;
      for (int k = 0; k < info.operands; ++k)
        for (const int slot : {k, first_gradient + k})
          if (piece.data[slot]) piece.data[slot] += begin * item;
      if (phase != finish_phase) piece.data[value_slot] = nullptr;
      return kernel(formula, piece);
    };
    RowState state{};
    state.sum = over_segments(
        batch.length, state.sum,
        [&](std::int64_t begin, std::int64_t end) {
          RowState part{};
          run_piece(add_phase, part, begin, end);
          return part.sum;
        },
        [&](auto& sum, const auto& part) {
          for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = info.combine(sum[i], part[i]);
        });
    total += run_piece(finish_phase, state, 0, batch.length);
    if (differentiated)
      for_segments(batch.length, [&](std::int64_t begin, std::int64_t end) {
        RowState same = state;
        run_piece(gradient_phase, same, begin, end);
      });
  }
  return total;
}

void differentiate_composed(const Tensor& values, const Tensor& g, Tensor* args, std::size_t count) {
  std::vector<Tensor> wanted;
  for (std::size_t k = 0; k < count; ++k)
    if (args[k].defined()) wanted.push_back(args[k]);
  const auto found =
      autograd::grad({values}, wanted, {.grad_outputs = {g}, .create_graph = true, .allow_unused = true});
  std::size_t i = 0;
  for (std::size_t k = 0; k < count; ++k)
    if (args[k].defined()) args[k] = found[i++];
}

}  // namespace slope::nn::detail
