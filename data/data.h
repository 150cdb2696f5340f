#pragma once

// Datasets, samplers, loading.
#include "slope/data/dataset.h"
#include "slope/data/loader.h"
#include "slope/data/sampler.h"
