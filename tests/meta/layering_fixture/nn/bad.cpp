  #  include "slope/optim/good.h"
#include "slope/autograd/core/good.h"
