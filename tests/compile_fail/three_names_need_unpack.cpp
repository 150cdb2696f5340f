// expect: while .*Batch.* decomposes into 2 elements|decomposes into 2 elements, but 3 names were provided
#include "slope/data.h"
using namespace slope;
void loops(data::DataLoader& loader) {
#ifdef SLOPE_MAKE_VALID
  for (auto& batch : loader) {
    auto [a, b, c] = batch.unpack<3>();
    (void)a, (void)b, (void)c;
  }
#else
  for (auto& [a, b, c] : loader) (void)a, (void)b, (void)c;
#endif
}
