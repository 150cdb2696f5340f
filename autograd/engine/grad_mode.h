#pragma once

namespace slope {

namespace detail {
[[gnu::tls_model("initial-exec")]] inline thread_local constinit bool grad_mode = true;
[[gnu::tls_model("initial-exec")]] inline thread_local constinit bool anomaly_enabled = false;
}  // namespace detail

/// True while operations on this thread record a graph.
inline bool grad_enabled() { return detail::grad_mode; }

/// Sets recording on this thread for its lifetime; nests, and restores also when an exception passes.
class [[nodiscard]] GradModeGuard {
 public:
  [[nodiscard]] explicit GradModeGuard(bool on) : previous_(detail::grad_mode) { detail::grad_mode = on; }
  ~GradModeGuard() { detail::grad_mode = previous_; }
  GradModeGuard(const GradModeGuard&) = delete;
  GradModeGuard& operator=(const GradModeGuard&) = delete;

 private:
  bool previous_;
};

/// `{ NoGradGuard no_grad; p -= lr * g; }`: nothing inside is recorded.
class [[nodiscard]] NoGradGuard : public GradModeGuard {
 public:
  [[nodiscard]] NoGradGuard() : GradModeGuard(false) {}
};

/// Records again inside a NoGradGuard.
class [[nodiscard]] EnableGradGuard : public GradModeGuard {
 public:
  [[nodiscard]] EnableGradGuard() : GradModeGuard(true) {}
};

/// While it lives, backward checks every gradient for NaN and names the operation and the line that created it.
class [[nodiscard]] AnomalyGuard {
 public:
  [[nodiscard]] explicit AnomalyGuard(bool on = true) : previous_(detail::anomaly_enabled) {
    detail::anomaly_enabled = on;
  }
  ~AnomalyGuard() { detail::anomaly_enabled = previous_; }
  AnomalyGuard(const AnomalyGuard&) = delete;
  AnomalyGuard& operator=(const AnomalyGuard&) = delete;

 private:
  bool previous_;
};

}  // namespace slope
