// expect: LossModule registers the tensor options called weight and pos_weight
#include "slope/nn.h"
using namespace slope;
struct MyLossOptions {
  nn::ReductionOption reduction = Reduction::mean;
  double margin = 1.0;
#ifdef SLOPE_MAKE_VALID
  Tensor weight{};
#else
  Tensor class_prior{};
#endif
};
Tensor my_loss(In x, const Tensor& t, const MyLossOptions&) { return (x.tensor - t).sum(); }
class MyLoss : public nn::LossModule<MyLossOptions, my_loss> {
  using LossModule::LossModule;
};
Tensor apply_loss(const Tensor& x, const Tensor& t) { return MyLoss()(x, t); }
