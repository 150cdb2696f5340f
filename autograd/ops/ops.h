#pragma once

// All operations on tensors, by family.
#include "slope/autograd/ops/activation.h"
#include "slope/autograd/ops/elementwise.h"
#include "slope/autograd/ops/index.h"
#include "slope/autograd/ops/inplace.h"
#include "slope/autograd/ops/join.h"
#include "slope/autograd/ops/matmul.h"
#include "slope/autograd/ops/reduce.h"
#include "slope/autograd/ops/softmax.h"
#include "slope/autograd/ops/sort.h"
#include "slope/autograd/ops/view.h"
