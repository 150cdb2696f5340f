#pragma once

#include <cstdint>

#include "slope/autograd/kernels/loops/rows.h"

/// The recursions of CTC over one sequence, in lanes.
namespace slope::nn::detail {

/// Where the log-probabilities and labels of a sequence are; strides in elements. T is float or double.
template <class T>
struct CtcSequence {
  const T* log_probs = nullptr;
  std::int64_t step_stride = 0, class_stride = 0, steps = 0;
  const std::int64_t* labels = nullptr;
  std::int64_t label_stride = 0, label_count = 0;
  std::int64_t blank = 0;
};

/// Memory for sequences of up to `steps` steps and `labels` labels, one at a time. Without
/// `for_gradient` there is a value only.
class CtcWorkspace {
 public:
  CtcWorkspace(std::int64_t steps, std::int64_t labels, bool for_gradient);
  double* data() const { return reinterpret_cast<double*>(buffer_.data()); }
  bool holds_every_step() const { return for_gradient_; }

 private:
  bool for_gradient_;
  slope::detail::RowBuffer buffer_;
};

/// -ln of the sum over all alignments of their probabilities; +inf when there is none. There is at least one step.
template <class T>
double ctc_value(const CtcSequence<T>& s, const CtcWorkspace& w);
/// After ctc_value of the same sequence with a finite result: dx[t, c] = -scale·(expected number of times in class c at
/// step t), for the classes that occur; the others are left alone. Classes are dense, steps `dx_step` elements apart.
template <class T>
void ctc_gradient(const CtcSequence<T>& s, const CtcWorkspace& w, T* dx, std::int64_t dx_step, double scale);

}  // namespace slope::nn::detail
