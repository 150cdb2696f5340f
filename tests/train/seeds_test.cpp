#include <boost/test/unit_test.hpp>

#include "slope/slope.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(focal_job)

namespace {

struct DNNModel : nn::Module {
  nn::Linear fc1 = add("fc1", nn::Linear(2, 4));
  nn::Linear fc2 = add("fc2", nn::Linear(4, 8));
  nn::Linear fc3 = add("fc3", nn::Linear(8, 1));
  Tensor forward(const Tensor& x) override { return sigmoid(fc3(relu(fc2(relu(fc1(x)))))); }
};

train::History run(std::uint64_t seed, double coefficient) {
  manual_seed(seed);
  const auto [x, y] = data::two_rings(200, 6000);
  const auto [ds_train, ds_valid] = data::random_split(data::TensorDataset(x, y), 0.7);
  data::DataLoader dl_train(ds_train, {.batch_size = 100, .shuffle = true});
  data::DataLoader dl_valid(ds_valid, {.batch_size = 100});
  DNNModel net;
  optim::Adam adam(net.parameters(), {.lr = 0.01});
  train::Model model(net);
  model.compile(
      [&](const Tensor& p, const Tensor& t) {
        return F::focal_loss(p, t) + nn::l2_penalty(net, coefficient) + nn::l1_penalty(net, coefficient);
      },
      adam, {{"auc", train::AUC()}, {"recall", train::Recall()}});
  return model.fit(30, dl_train, dl_valid, {.style = train::Style::quiet});
}

}  // namespace

BOOST_AUTO_TEST_CASE(at_least_15_of_16_seeds_learn_with_small_penalties) {
  int learned = 0;
  for (std::uint64_t seed = 1; seed <= 16; ++seed) {
    const train::History h = run(seed, 1e-4);
    const bool ok = h["val_recall"].back() > 0.05 && h["val_auc"].back() > 0.9;
    learned += ok;
    BOOST_TEST_MESSAGE("seed " << seed << ": AUC " << h["val_auc"].back() << ", recall " << h["val_recall"].back());
  }
  BOOST_TEST(learned >= 15);
}

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_history_for_every_thread_count) {
  const int before = get_num_threads();
  set_num_threads(1);
  const train::History one = run(3, 1e-4);
  set_num_threads(3);
  const train::History three = run(3, 1e-4);
  set_num_threads(before);
  for (const auto& column : one.columns()) BOOST_TEST(one[column] == three[column], boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
