#pragma once

// Training the Keras way: model, metrics, history, logs, plots.
#include "slope/train/history.h"
#include "slope/train/interrupt.h"
#include "slope/train/logger.h"
#include "slope/train/metrics.h"
#include "slope/train/model.h"
#include "slope/train/plot.h"
#include "slope/train/summary.h"
