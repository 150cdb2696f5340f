#pragma once

// What is kept: state dicts.
#include "slope/io/state_dict.h"
