#pragma once

// Modules, losses, penalties, initialisers.
#include "slope/nn/containers.h"
#include "slope/nn/functional.h"
#include "slope/nn/init.h"
#include "slope/nn/layers/activation.h"
#include "slope/nn/layers/conv.h"
#include "slope/nn/layers/dropout.h"
#include "slope/nn/layers/fold.h"
#include "slope/nn/layers/linear.h"
#include "slope/nn/layers/normalization.h"
#include "slope/nn/layers/padding.h"
#include "slope/nn/layers/pooling.h"
#include "slope/nn/layers/resampling.h"
#include "slope/nn/layers/shuffle.h"
#include "slope/nn/losses/losses.h"
#include "slope/nn/module.h"
#include "slope/nn/penalties.h"
