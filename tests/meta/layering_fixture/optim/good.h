#include "slope/autograd/ops/ops.h"
