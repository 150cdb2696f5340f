#include <fmt/format.h>
#include <omp.h>

#include "other.h"
#include "slope/autograd/ops/ops.h"
#include "slope/slope.h"
#include "slope/autograd/core/internal/scratch.h"
