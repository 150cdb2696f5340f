// A tour of the losses with the tutorial's numbers.
#include <cmath>
#include <iostream>
#include <string>

#include "slope/slope.h"

using namespace slope;

namespace {

bool all_right = true;

void show(const std::string& what, const Tensor& value, double expected) {
  const bool right = std::abs(value.item() - expected) < 5e-5;
  all_right &= right;
  std::cout << what << ": " << value << (right ? "" : "  WRONG, expected " + std::to_string(expected)) << "\n";
}

}  // namespace

int main() {
  // Cross entropy is LogSoftmax followed by the negative log likelihood.
  const Tensor scores = tensor({{10.0, 0.0, -10.0}, {8.0, 8.0, 8.0}}), classes = tensor({0, 2});
  show("CrossEntropyLoss         ", nn::CrossEntropyLoss()(scores, classes), 0.5493);
  show("NLLLoss after LogSoftmax ", nn::NLLLoss()(nn::LogSoftmax(1)(scores), classes), 0.5493);

  // The focal loss turns down what is easy already.
  const Tensor hard_p = tensor({{0.5}, {0.5}}), easy_p = tensor({{0.9}, {0.1}}), truth = tensor({{1.0}, {0.0}});
  nn::FocalLoss focal({.gamma = 2.0, .alpha = 0.75});
  nn::BCELoss bce;
  show("focal loss, hard samples ", focal(hard_p, truth), 0.0866);
  show("BCELoss,    hard samples ", bce(hard_p, truth), 0.6931);
  show("focal loss, easy samples ", focal(easy_p, truth), 0.0005);
  show("BCELoss,    easy samples ", bce(easy_p, truth), 0.1054);

  // BCEWithLogits is BCE of the sigmoid, without losing the tails.
  const Tensor logits = tensor({5.0, 3.0, 10.0, -5.0, -3.0, -10.0}), labels = tensor({1.0, 1.0, 1.0, 0.0, 0.0, 0.0});
  show("BCELoss of the sigmoid   ", bce(sigmoid(logits), labels), 0.0184);
  show("BCEWithLogitsLoss        ", nn::BCEWithLogitsLoss()(logits, labels), 0.0184);

  // Regression: squared, absolute, and in between.
  const Tensor predicted = tensor({0.0, 2.0, 5.0}), wanted = tensor({0.5, 2.0, 3.0});
  show("MSELoss                  ", nn::MSELoss()(predicted, wanted), 4.25 / 3);
  show("L1Loss                   ", nn::L1Loss()(predicted, wanted), 2.5 / 3);
  show("SmoothL1Loss             ", nn::SmoothL1Loss()(predicted, wanted), 1.625 / 3);
  // Class and function are one thing.
  show("F::smooth_l1_loss        ", F::smooth_l1_loss(predicted, wanted), 1.625 / 3);

  std::cout << (all_right ? "all as in the tutorial\n" : "SOMETHING IS WRONG\n");
  return all_right ? 0 : 1;
}
