#pragma once

// All of slope but what few programs need: slope/pointwise.h (fused operations of your own), slope/op.h (operations of your own),
// slope/gradcheck.h and slope/explain.h.
#include "slope/autograd.h"
#include "slope/data.h"
#include "slope/io.h"
#include "slope/nn.h"
#include "slope/optim.h"
#include "slope/train.h"
#include "slope/version.h"
