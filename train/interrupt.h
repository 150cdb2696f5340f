#pragma once

namespace slope::train {

/// Turns Ctrl-C into a request while it lives. The first SIGINT only sets a flag, which a loop polls between two
/// batches; the second one has the default effect and ends the program. The last guard to go puts the previous handler
/// back. Guards nest, also across threads, and share the flag: a request seen by an inner loop still holds for the
/// outer one. A program started with SIGINT ignored (nohup, a background job) keeps ignoring it.
///
///     InterruptGuard interrupt;
///     for (auto batch : loader) {
///       step(batch);
///       if (interrupt.requested()) break;
///     }
class [[nodiscard]] InterruptGuard {
 public:
  [[nodiscard]] InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  /// True from the first SIGINT on, until the outermost guard is gone. Costs one load.
  bool requested() const noexcept;
};

}  // namespace slope::train
