// Macros that others define before slope's headers are included: Qt, X11, Apple and Windows headers, test frameworks.
// (`min` and `max` are none of them: libstdc++ takes them away.)
#define check(x) foreign
#define verify(x) foreign
#define require(x) foreign
#define signals public
#define slots
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
#define major(x) foreign
#define minor(x) foreign
#define makedev(x, y) foreign
#define assert_equal(a, b) foreign
#define ASSERT(x) foreign
#define CHECK(x) foreign
#define TEST(x) foreign
#define FAIL() foreign
#define LOG(x) foreign
#define TRUE 1
#define FALSE 0
#define BOOL int
#define DELETE 3
#define CONST const
#define VOID void
#define PI 3
#define unix 1
#define linux 1
#define MIN(a, b) foreign
#define MAX(a, b) foreign
#include "slope/explain.h"
#include "slope/gradcheck.h"
#include "slope/op.h"
#include "slope/pointwise.h"
#include "slope/slope.h"
#include "slope/version.h"
