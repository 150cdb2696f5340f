#pragma once

namespace slope {

/// A line of source code. As a defaulted argument, `SourceLoc loc = SourceLoc::here()` is the line of the caller.
struct SourceLoc {
  /// The file, null when it is not known.
  const char* file = nullptr;
  /// The line, counted from 1.
  int line = 0;

  /// Where the caller stands; meant as a default argument.
  static constexpr SourceLoc here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }

  /// True for lines of slope itself: its sources are compiled with file names that start with "slope/".
  constexpr bool in_library() const {
    const char prefix[] = "slope/";
    if (!file) return true;
    for (int i = 0; i < 6; ++i)
      if (file[i] != prefix[i]) return false;
    return true;
  }
};

namespace detail {
// Like all small thread-local variables of slope found by one offset from the thread's own address, without a call and
// the registers it takes, in shared libraries, too. What is large stays behind a pointer: such variables share a block of
// some hundred bytes that the system lays out when a program starts.
[[gnu::tls_model("initial-exec")]] inline thread_local constinit SourceLoc caller_line{};
}  // namespace detail

/// While it lives, errors raised by library code on this thread name `loc`, the user's line that called into the library.
/// Scopes nest; the innermost user line wins, and library lines never displace a user's line.
class CallerScope {
 public:
  explicit CallerScope(SourceLoc loc) : previous_(current()) {
    if (!loc.in_library()) current() = loc;
  }
  ~CallerScope() { current() = previous_; }
  CallerScope(const CallerScope&) = delete;
  CallerScope& operator=(const CallerScope&) = delete;

  /// The line that errors on this thread name; null outside of every scope.
  static SourceLoc& current() { return detail::caller_line; }

 private:
  SourceLoc previous_;
};

/// The line an error should name: `loc` itself when it is a user's line, else the innermost enclosing user line.
inline SourceLoc user_line(SourceLoc loc) { return loc.in_library() ? CallerScope::current() : loc; }

}  // namespace slope
