// The losses of all contestants, and, as scale/..., how the cost of some grows.
#include "losses/list.h"

#include "harness.h"

namespace {

/// One work: a loss at one size.
struct LossWork {
  std::string name;
  bench::LossCase loss;
  /// Elements, where the cost of one is asked for.
  double count = 1;
  const char* unit = "";
};

std::vector<bench::Size> growing(const std::string& loss) {
  std::vector<bench::Size> sizes;
  if (loss == "mse_loss" || loss == "binary_cross_entropy_with_logits")
    for (std::int64_t n = 100; n <= 100'000'000; n *= 10) sizes.push_back({1, n});
  if (loss == "cross_entropy")
    for (std::int64_t classes = 10; classes <= 1'000'000; classes *= 10)
      sizes.push_back({std::max<std::int64_t>(10, 1'000'000 / classes), classes});
  return sizes;
}

std::vector<LossWork> works() {
  std::vector<LossWork> all;
  for (const bench::LossRow& row : bench::loss_rows()) {
    const std::string loss = row.name;
    for (const bench::Size& size : sizes_of(row))
      for (const bool backward : {false, true})
        all.push_back(
            {"loss/" + loss + "/" + size_text(row, size) + (backward ? "/fwd+bwd" : "/fwd"), {row, size, backward}});
    for (const bench::Size& size : growing(loss))
      all.push_back({"scale/" + loss + "/" + std::to_string(size.columns),
                     {row, size, true},
                     static_cast<double>(size.rows * size.columns),
                     "element"});
  }
  return all;
}

const compare::Registered registered([] {
  const auto enter = [](compare::Contestant& contestant, const bench::Contestant& who) {
    contestant.set_threads = who.set_threads;
    for (const LossWork& work : works())
      if (who.has(work.loss.row))
        contestant.add(work.name, [work, prepare = who.prepare] {
          compare::Work prepared = prepare(work.loss);
          prepared.count = work.count;
          prepared.unit = work.unit;
          return prepared;
        });
  };
  enter(compare::slope_works(), bench::built_in);
  enter(compare::limit_works(), bench::loop);
#ifdef BENCH_TORCH
  enter(compare::torch_works(), bench::libtorch);
  compare::torch_works().version = bench::torch_version();
#endif
});

}  // namespace
