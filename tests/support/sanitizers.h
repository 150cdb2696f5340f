#pragma once

// Which sanitizer the tests run under, whichever compiler it is of.

#if defined(__SANITIZE_THREAD__)
#define SLOPE_UNDER_TSAN 1
#elif defined(__SANITIZE_ADDRESS__)
#define SLOPE_UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLOPE_UNDER_TSAN 1
#elif __has_feature(address_sanitizer)
#define SLOPE_UNDER_ASAN 1
#endif
#endif
