#include "slope/autograd/tensor/storage.h"

#include <cstring>
#include <new>

#include "slope/autograd/core/pool.h"

namespace slope {

static_assert(sizeof(Storage) % 16 == 0 && sizeof(Storage) <= Storage::header);

// 0x7fa00000 repeated reads as a signalling NaN in float32 and as NaN in float64.
void Storage::fill_with_nan() {
  auto* words = static_cast<std::uint32_t*>(data);
  for (std::size_t i = 0; i < bytes / 4; ++i) words[i] = 0x7fa00000u;
  std::memset(static_cast<char*>(data) + bytes / 4 * 4, 0x7f, bytes % 4);
}

Ref<Storage> Storage::external(void* data, std::size_t bytes, void (*release)(void*), void* context) {
  auto* s = new (memory::allocate(header)) Storage;
  s->bytes = bytes;
  s->block_bytes = header;
  s->data = data;
  s->release_external = release;
  s->external_context = context;
  return Ref<Storage>::adopt(s);
}

void Storage::destroy(Storage* s) {
  const std::size_t block = s->block_bytes;
  if (s->release_external) [[unlikely]]
    s->release_external(s->external_context);
  s->~Storage();
  memory::deallocate(s, block);
}

}  // namespace slope
