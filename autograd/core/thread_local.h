#pragma once

/// Goes in front of a small thread-local variable that every operation reads: it is found by one offset from the thread's
/// own address, without a call and without the registers a call takes. Such variables have their place in a small block
/// that a program lays out when it starts, also for libraries it loads later (some hundred bytes for all of them), so
/// what is large stays behind a pointer.
#if defined(__ELF__)
#define SLOPE_INITIAL_EXEC [[gnu::tls_model("initial-exec")]]
#else
#define SLOPE_INITIAL_EXEC
#endif
