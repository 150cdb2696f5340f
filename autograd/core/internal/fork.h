#pragma once

#include <cstdint>
#include <mutex>

/// fork() copies one thread. A mutex that another thread held at that moment stays locked in the child for ever, and what
/// it guards may be half changed. So every mutex of the whole process (not those of single objects) is registered here.
namespace slope::detail {

/// What may be held while what is taken: `outer` mutexes before `inner` ones, and no two of the same kind together.
enum class ForkOrder { outer, inner };

/// From now on fork() waits until nobody holds `mutex`, which must live as long as the process. Calling it twice for one
/// mutex, or for more than 32, aborts: both are mistakes in slope itself. Returns true, for use in an initializer.
bool hold_across_fork(std::mutex& mutex, ForkOrder order);

/// 0 in the first process, one more in each child: an object that lives on threads of its parent compares it with what
/// it was when the threads were started.
std::uint64_t fork_generation();

/// An object with static storage that is usable before constructors run and never destroyed: threads may outlive main.
template <class T>
union Immortal {
  T value;
  constexpr Immortal() : value{} {}
  ~Immortal() {}  // NOLINT(modernize-use-equals-default): a union with such a member has none otherwise
  T* operator->() { return &value; }
};

}  // namespace slope::detail
