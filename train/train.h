#pragma once

// Training the Keras way: model, metrics, history, logs, plots.
#include "slope/train/callback.h"
#include "slope/train/console/logger.h"
#include "slope/train/history.h"
#include "slope/train/interrupt.h"
#include "slope/train/loop.h"
#include "slope/train/loss_function.h"
#include "slope/train/metrics/metrics.h"
#include "slope/train/model.h"
#include "slope/train/plot/plot.h"
#include "slope/train/summary.h"
