#pragma once

#include <array>
#include <memory>
#include <tuple>

#include "slope/autograd/kernels/recurrence/internal/recurrence.h"
#include "slope/autograd/tensor/tensor.h"

namespace slope::nn::detail {

/// What one direction of a recurrent layer computes with.
enum RecurrentInput : std::size_t {
  input_rows,  ///< [rows, in], laid out as `steps` says
  initial_h,   ///< [N, state]; this and what follows, but for the weights, may be undefined
  initial_c,
  w_ih,
  w_hh,
  b_ih,
  b_hh,
  w_hr,
  recurrent_inputs
};
using RecurrentInputs = std::array<Tensor, recurrent_inputs>;

/// One direction of one layer as one node: (output [rows, state], h_n [N, state], c_n [N, H]; the last undefined but for an
/// LSTM). Shapes and dtypes are the caller's business.
///
/// The gradient that create_graph asks for is that of the same steps made of tensor operations.
std::tuple<Tensor, Tensor, Tensor> recurrent_layer(RecurrentCell cell,
                                                   const std::shared_ptr<const SequenceSteps>& steps, bool reverse,
                                                   const RecurrentInputs& in, SourceLoc loc);

}  // namespace slope::nn::detail
