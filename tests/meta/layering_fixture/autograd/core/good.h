#include <vector>

#include "slope/autograd/core/other.h"
