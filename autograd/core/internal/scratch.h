#pragma once

#include <cstddef>
#include <cstdint>

#include "slope/autograd/core/pool.h"

namespace slope::memory {

/// Memory of the pool for the length of a scope: room for `n` values of T, uninitialised.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::int64_t n)
      : bytes_(static_cast<std::size_t>(n) * sizeof(T)), data_(n > 0 ? allocate(bytes_) : nullptr) {}
  ~Scratch() {
    if (data_) deallocate(data_, bytes_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return static_cast<T*>(data_); }

 private:
  std::size_t bytes_;
  void* data_;
};

}  // namespace slope::memory
