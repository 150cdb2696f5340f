#pragma once

#include <cstdint>
#include <string>

/// Which modules' forwards are running on this thread, so that an operation can say later whose it was.
namespace slope::detail {

/// The number of a path of names, "encoder.0.fc1"; 0 is the empty one. Equal paths have equal numbers.
using CallPath = std::uint32_t;

/// Where this thread is. Part of a module's call; Node keeps it.
[[gnu::tls_model("initial-exec")]] inline thread_local constinit CallPath call_path = 0;

/// The path that continues `outer` with `name`. Paths are few and kept for good.
CallPath extend_path(CallPath outer, const std::string& name);
/// "encoder.0.fc1", empty for 0.
std::string path_text(CallPath path);

/// Sets this thread's path for its lifetime.
class CallPathScope {
 public:
  explicit CallPathScope(CallPath path) : previous_(call_path) { call_path = path; }
  ~CallPathScope() { call_path = previous_; }
  CallPathScope(const CallPathScope&) = delete;
  CallPathScope& operator=(const CallPathScope&) = delete;

 private:
  CallPath previous_;
};

}  // namespace slope::detail
