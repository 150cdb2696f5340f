#pragma once

#include <boost/test/unit_test.hpp>
#include <type_traits>

#include "slope/autograd/kernels/simd/cpu.h"

namespace slope::tests {

/// Runs a check, which may take the Isa, once with every instruction set this CPU has.
template <class Check>
void for_each_isa(const Check& check) {
  struct Restore {
    simd::Isa before;
    ~Restore() { simd::set_isa(before); }
  } restore{simd::best_isa()};
  for (const simd::Isa isa : {simd::Isa::baseline, simd::Isa::avx2, simd::Isa::avx512}) {
    if (isa > simd::supported_isa()) continue;
    simd::set_isa(isa);
    BOOST_TEST_CONTEXT(simd::isa_name(isa)) {
      if constexpr (std::is_invocable_v<Check, simd::Isa>) {
        check(isa);
      } else {
        check();
      }
    }
  }
}

}  // namespace slope::tests
