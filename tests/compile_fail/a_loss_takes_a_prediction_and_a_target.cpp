// expect: a loss is called with \(prediction, target\) and returns a Tensor; wrap other functions
#include "slope/nn.h"
#include "slope/train.h"
using namespace slope;
void compiles(train::Model& model) {
#ifdef SLOPE_MAKE_VALID
  model.compile([](const Tensor& y_pred, const Tensor& y_true) { return nn::functional::mse_loss(y_pred, y_true); });
#else
  model.compile([](const Tensor& y_pred) { return mean(y_pred); });
#endif
}
