#pragma once

// All losses, as functions and as modules.
#include "slope/nn/losses/adaptive_log_softmax.h"
#include "slope/nn/losses/arcface.h"
#include "slope/nn/losses/bce.h"
#include "slope/nn/losses/bce_with_logits.h"
#include "slope/nn/losses/cosine_similarity.h"
#include "slope/nn/losses/cross_entropy.h"
#include "slope/nn/losses/ctc.h"
#include "slope/nn/losses/focal.h"
#include "slope/nn/losses/info_nce.h"
#include "slope/nn/losses/l1.h"
#include "slope/nn/losses/lovasz.h"
#include "slope/nn/losses/mse.h"
#include "slope/nn/losses/nll.h"
#include "slope/nn/losses/nt_xent.h"
#include "slope/nn/losses/smooth_l1.h"
