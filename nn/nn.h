#pragma once

// Modules, losses, penalties, initialisers.
#include "slope/nn/containers.h"
#include "slope/nn/functional.h"
#include "slope/nn/init.h"
#include "slope/nn/layers/activation.h"
#include "slope/nn/layers/dropout.h"
#include "slope/nn/layers/linear.h"
#include "slope/nn/losses/losses.h"
#include "slope/nn/module.h"
#include "slope/nn/penalties.h"
