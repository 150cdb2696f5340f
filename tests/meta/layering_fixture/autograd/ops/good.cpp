#include <fmt/format.h>

#include "slope/autograd/core/good.h"
