// Macros that others define before slope's headers are included: Qt, X11, Apple and Windows headers, test frameworks.
#define check(x) foreign
#define verify(x) foreign
#define require(x) foreign
#define signals public
#define emit
#define foreach foreign
#define None 0L
#define Bool int
#define True 1
#define False 0
#define Status int
#define Always 2
#define Success 0
#define interface struct
#define near
#define far
#define small char
#define IN
#define OUT
#define OPTIONAL
#define ERROR 0
#define DIFFERENCE 7
#define I foreign
#include "slope/explain.h"
#include "slope/gradcheck.h"
#include "slope/op.h"
#include "slope/pointwise.h"
#include "slope/slope.h"
#include "slope/version.h"
