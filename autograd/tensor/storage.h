#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "slope/autograd/core/pool.h"
#include "slope/autograd/core/ref.h"

namespace slope {

/// The memory of a tensor and its version, shared by all its views. Header and data are one block of the allocator,
/// unless the data belongs to somebody else (`from_blob`). Between them there may be room for the tensor that the
/// storage is made for. A few bytes of data fit into what the header leaves free of its cache line.
struct Storage {
  RefCount refs;
  /// Grows with every in-place change; saved values remember it to notice that they were overwritten.
  std::atomic<std::uint32_t> version{0};
  std::size_t bytes = 0;
  void* data = nullptr;
  void (*release_external)(void* context) = nullptr;
  void* external_context = nullptr;
  /// Size of the allocator's block.
  std::size_t block_bytes = 0;

  /// `room` bytes, a multiple of 64, are left free behind the header.
  static Ref<Storage> create(std::size_t bytes, std::size_t room = 0);
  void* room() { return reinterpret_cast<char*>(this) + header; }
  /// Refers to memory owned elsewhere; `release(context)` runs when the last tensor is gone (may be null).
  static Ref<Storage> external(void* data, std::size_t bytes, void (*release)(void*), void* context);
  static void destroy(Storage* s);

  static constexpr std::size_t header = 64;

  std::uint32_t current_version() const { return version.load(std::memory_order_relaxed); }
  void bump_version() { version.store(current_version() + 1, std::memory_order_relaxed); }

 private:
  void fill_with_nan();
};

inline Ref<Storage> Storage::create(std::size_t bytes, std::size_t room) {
  const bool inside = bytes <= header - sizeof(Storage);
  const std::size_t block_bytes = header + room + (inside ? 0 : bytes);
  void* block = memory::allocate(block_bytes);
  auto* s = new (block) Storage;
  s->bytes = bytes;
  s->block_bytes = block_bytes;
  s->data = static_cast<char*>(block) + (inside ? sizeof(Storage) : header + room);
  if (memory::poison()) [[unlikely]]
    s->fill_with_nan();
  return Ref<Storage>::adopt(s);
}

}  // namespace slope
