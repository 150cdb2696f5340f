#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 32)
#define SLOPE_SINGLE_THREADED __libc_single_threaded
// As in <sys/single_threaded.h>, which is no header of the C++ standard library.
extern "C" char __libc_single_threaded;
#else
#define SLOPE_SINGLE_THREADED false
#endif

namespace slope {

namespace detail {
/// True while the process has one thread, as far as the C library can tell.
inline bool single_threaded() { return SLOPE_SINGLE_THREADED; }
}  // namespace detail
#undef SLOPE_SINGLE_THREADED

/// A reference count that starts at one. Dropping the last reference costs a load, not an atomic update: a count of one
/// means nobody else can reach the object, so nobody else can change it. Nor does anybody while there is one thread.
class RefCount {
 public:
  void acquire() {
    if (detail::single_threaded())
      count_.store(value() + 1, std::memory_order_relaxed);
    else
      count_.fetch_add(1, std::memory_order_relaxed);
  }
  /// True when the caller held the last reference.
  bool release() {
    const std::uint32_t before = count_.load(std::memory_order_acquire);
    if (before == 1) return true;
    if (!detail::single_threaded()) return count_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    count_.store(before - 1, std::memory_order_relaxed);
    return false;
  }
  bool unique() const { return count_.load(std::memory_order_acquire) == 1; }
  std::uint32_t value() const { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> count_{1};
};

/// An owning pointer to an object that counts its own references: `T` has a RefCount `refs` and a static
/// `T::destroy(T*)`.
template <class T>
class Ref {
 public:
  Ref() = default;
  /// Takes over a reference that the caller already owns.
  static Ref adopt(T* p) {
    Ref r;
    r.p_ = p;
    return r;
  }
  /// Adds a reference.
  static Ref share(T* p) {
    if (p) p->refs.acquire();
    return adopt(p);
  }
  Ref(const Ref& o) : p_(o.p_) {
    if (p_) p_->refs.acquire();
  }
  Ref(Ref&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  Ref& operator=(Ref o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Ref() {
    if (p_ && p_->refs.release()) T::destroy(p_);
  }

  T* get() const { return p_; }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }
  void reset() {
    if (T* const p = std::exchange(p_, nullptr))
      if (p->refs.release()) T::destroy(p);
  }
  T* release() { return std::exchange(p_, nullptr); }
  friend bool operator==(const Ref& a, const Ref& b) { return a.p_ == b.p_; }

 private:
  T* p_ = nullptr;
};

}  // namespace slope
