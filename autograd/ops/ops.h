#pragma once

// All operations on tensors, by family.
#include "slope/autograd/ops/index/index.h"
#include "slope/autograd/ops/index/sort.h"
#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/activation.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/inplace.h"
#include "slope/autograd/ops/reduce/reduce.h"
#include "slope/autograd/ops/reduce/softmax.h"
#include "slope/autograd/ops/view/join.h"
#include "slope/autograd/ops/view/view.h"
