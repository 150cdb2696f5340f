// The nets of all contestants.
#include "net.h"

#include "harness.h"

namespace {

using namespace compare;

const Registered registered([] {
  const auto enter = [](Contestant& contestant, bench::Work (*work_of)(const net::Net&, bool)) {
    for (const net::Net& n : net::nets())
      for (const bool training : {false, true})
        contestant.add(net::name_of(n, training), [=] { return work_of(n, training); });
  };
  enter(slope_works(), net::slope_net);
#ifdef BENCH_TORCH
  enter(torch_works(), net::torch_net);
#endif
});

}  // namespace
