#include "slope/train/model.h"
