#pragma once

// All of slope but the opt-in header for user-defined fused operations, slope/autograd/ops/pointwise.h.
#include "slope/autograd/autograd.h"
#include "slope/data/data.h"
#include "slope/nn/nn.h"
#include "slope/optim/optim.h"
#include "slope/train/train.h"
