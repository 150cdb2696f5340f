#pragma once

// The tensor and its derivative: everything of autograd/ that programs use. `pointwise.h` is opt-in.
#include "slope/autograd/core/parallel.h"
#include "slope/autograd/core/pool.h"
#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/custom.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/engine/hooks.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/print.h"
#include "slope/autograd/tensor/random.h"
