#include <boost/test/unit_test.hpp>
#include <cmath>

#include "slope/autograd/core/random.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/autograd/tensor/random.h"
#include "support/checks.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(drawing_in_place)

BOOST_AUTO_TEST_CASE(gives_the_numbers_of_the_generator_whatever_the_layout) {
  for (DType dtype : {float32, float64}) {
    const Tensor dense = empty({3, 4}, {.dtype = dtype}), columns = empty({4, 3}, {.dtype = dtype}).t();
    const auto same = [&](auto draw) {
      Generator a(5), b(5);
      draw(dense, a);
      draw(columns, b);
      BOOST_TEST(equal(dense, columns));
      BOOST_TEST(a.next_u64() == b.next_u64());
    };
    same([](const Tensor& t, Generator& g) { t.uniform_(-1, 2, g); });
    BOOST_TEST(((dense >= -1) & (dense < 2)).all().item<bool>());
    same([](const Tensor& t, Generator& g) { t.normal_(3, 0.1, g); });
    BOOST_TEST(((dense > 2) & (dense < 4)).all().item<bool>());
    same([](const Tensor& t, Generator& g) { t.exponential_(2, g); });
    BOOST_TEST((dense >= 0).all().item<bool>());
    same([](const Tensor& t, Generator& g) { t.bernoulli_(0.5, g); });
    BOOST_TEST(((dense == 0) | (dense == 1)).all().item<bool>());
  }
}

BOOST_AUTO_TEST_CASE(of_an_own_generator_leaves_the_default_one_alone_and_without_takes_it) {
  manual_seed(3);
  const Tensor first = rand({4});
  manual_seed(3);
  Generator own(9);
  empty({4}).uniform_(0, 1, own);
  BOOST_TEST(equal(empty({4}).uniform_(), first));
  BOOST_TEST(empty({100}).bernoulli_(1.0).sum().item() == 100.0);
  check_values(tensor({1, 2, 3}).bernoulli_(0.0), {0, 0, 0});
  check_values(tensor({true, true}).bernoulli_(0.0), {0, 0});
}

BOOST_AUTO_TEST_CASE(ends_gradients_counts_a_version_and_protects_leaves) {
  const Tensor x = ones({3}, {.requires_grad = true});
  const Tensor y = x * 2.0;
  y.slice(0, 1).uniform_();
  y.sum().backward();
  check_values(x.grad(), {2, 0, 0});
  check_error<AutogradError>([&] { x.normal_(); }, "normal_: a leaf that requires grad cannot be changed in place");
  NoGradGuard no_grad;
  const auto before = x.version();
  x.normal_();
  BOOST_TEST(x.version() == before + 1);
}

BOOST_AUTO_TEST_CASE(with_bad_arguments_throws_and_changes_nothing) {
  const Tensor x = ones({2}), i = tensor({1, 2});
  Generator g(1), same(1);
  check_error<ValueError>([&] { x.uniform_(2, 1, g); }, "uniform");
  check_error<ValueError>([&] { x.normal_(0, -1, g); }, "normal");
  check_error<ValueError>([&] { x.exponential_(-1, g); }, "exponential");
  check_error<ValueError>([&] { x.bernoulli_(1.5, g); }, "bernoulli");
  check_error<DTypeError>([&] { i.uniform_(0, 1, g); },
                          "uniform_: the input must be a floating point tensor, got int64");
  check_error<DTypeError>([&] { i.normal_(0, 1, g); }, "normal_: the input must be a floating point tensor");
  check_error<DTypeError>([&] { i.exponential_(1, g); }, "exponential_: the input must be a floating point tensor");
  check_error<ShapeError>([&] { ones({1}).expand({3}).uniform_(0, 1, g); },
                          "uniform_: some elements of the tensor share memory, as after expand()");
  check_values(x, {1, 1});
  BOOST_TEST(x.version() == 0u);
  BOOST_TEST(g.next_u64() == same.next_u64());
}

BOOST_AUTO_TEST_SUITE_END()
