#pragma once

// Optimizers.
#include "slope/optim/adam.h"
#include "slope/optim/optimizer.h"
#include "slope/optim/sgd.h"
