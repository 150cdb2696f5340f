#include <boost/test/unit_test.hpp>
#include <stdexcept>
#include <thread>

#include "slope/slope.h"
#include "support/checks.h"

using namespace slope;

namespace {

// The text of an error without the line.
template <class E, class F>
std::string text_of(const F& call) {
  try {
    call();
  } catch (const E& e) {
    BOOST_TEST(typeid(e).name() == typeid(E).name());
    BOOST_TEST(e.where().file != nullptr);
    const std::string text = e.what();
    const std::size_t line = text.rfind(" (tests/nets/module_path_test.cpp:");
    BOOST_TEST(line != std::string::npos, text);
    BOOST_TEST(text.find(".cpp:") > line, text);  // one line, at the end
    return text.substr(0, line);
  }
  return "(nothing was thrown)";
}

struct Fails : nn::Module {
  Function<Tensor()> how;
  explicit Fails(Function<Tensor()> f) : how(std::move(f)) {}
  Tensor forward(const Tensor&) override { return how(); }
};

struct Body : nn::Module {
  nn::Sequential layers =
      add("layers", nn::Sequential(nn::Linear(2, 4), nn::ReLU(), nn::named("wrong", nn::Linear(5, 1))));
  Tensor forward(const Tensor& x) override { return layers(x); }
};
struct Net : nn::Module {
  Body body = add("body", Body());
  Tensor forward(const Tensor& x) override { return body(x); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(module_path)

BOOST_AUTO_TEST_CASE(an_error_names_the_layer_it_came_out_of_by_path_and_type) {
  const Tensor x = zeros({3, 2});
  nn::Sequential plain(nn::Linear(2, 4), nn::ReLU(), nn::Linear(4, 8), nn::Linear(4, 1));
  BOOST_TEST(text_of<ShapeError>([&] { (void)plain(x); }).starts_with("3 (Linear): linear: "));
  Net net;
  BOOST_TEST(text_of<ShapeError>([&] { (void)net(x); }).starts_with("body.layers.wrong (Linear): linear: "));
  // Once more says the same: nothing is kept from the first time.
  BOOST_TEST(text_of<ShapeError>([&] { (void)net(x); }).starts_with("body.layers.wrong (Linear): linear: "));
  // A part that is called by itself is where the path begins.
  BOOST_TEST(text_of<ShapeError>([&] { (void)net.body.layers(x); }).starts_with("layers.wrong (Linear): linear: "));
}

BOOST_AUTO_TEST_CASE(a_module_without_a_parent_adds_nothing) {
  nn::Linear alone(2, 4);
  BOOST_TEST(text_of<ShapeError>([&] { (void)alone(zeros({3})); }).starts_with("linear: "));
  BOOST_TEST(text_of<ShapeError>([&] { (void)nn::MSELoss()(zeros({2}), zeros({3})); }).starts_with("mse_loss: "));
}

BOOST_AUTO_TEST_CASE(losses_bilinear_and_hooks_are_modules_as_well) {
  struct Whole : nn::Module {
    nn::MSELoss loss = add("loss", nn::MSELoss());
    nn::Bilinear score = add("score", nn::Bilinear(2, 2, 1));
    nn::ReLU act = add("act", nn::ReLU());
  } whole;
  BOOST_TEST(
      text_of<ShapeError>([&] { (void)whole.loss(zeros({2}), zeros({3})); }).starts_with("loss (MSELoss): mse_loss: "));
  BOOST_TEST(
      text_of<ShapeError>([&] { (void)whole.score(zeros({1, 2}), zeros({1, 3})); }).starts_with("score (Bilinear): "));
  whole.act.register_forward_hook(
      [](nn::Module&, const Tensor& in, const Tensor&) { return matmul(in, zeros({7, 7})); });
  BOOST_TEST(text_of<ShapeError>([&] { (void)whole.act(zeros({2, 2})); }).starts_with("act (ReLU): matmul: "));
}

BOOST_AUTO_TEST_CASE(every_type_of_error_stays_what_it_is) {
  struct Own : ShapeError {
    using ShapeError::ShapeError;
  };
  const SourceLoc here = SourceLoc::here();
  const auto net_of = [](Function<Tensor()> f) {
    return nn::Sequential(nn::ReLU(), nn::Sequential(nn::ReLU(), Fails(std::move(f))));
  };
  const Tensor x = zeros({1});
  const std::string expected = "1.1 (Fails): sorry";
  BOOST_TEST(text_of<ShapeError>([&] { (void)net_of([=]() -> Tensor { throw ShapeError("sorry", here); })(x); }) ==
             expected);
  BOOST_TEST(text_of<DTypeError>([&] { (void)net_of([=]() -> Tensor { throw DTypeError("sorry", here); })(x); }) ==
             expected);
  BOOST_TEST(text_of<IndexError>([&] { (void)net_of([=]() -> Tensor { throw IndexError("sorry", here); })(x); }) ==
             expected);
  BOOST_TEST(text_of<ValueError>([&] { (void)net_of([=]() -> Tensor { throw ValueError("sorry", here); })(x); }) ==
             expected);
  BOOST_TEST(text_of<IoError>([&] { (void)net_of([=]() -> Tensor { throw IoError("sorry", here); })(x); }) == expected);
  BOOST_TEST(text_of<Error>([&] { (void)net_of([=]() -> Tensor { throw Error("sorry", here); })(x); }) == expected);
  BOOST_TEST(text_of<AutogradError>(
                 [&] { (void)net_of([=]() -> Tensor { throw AutogradError("sorry", here); })(x); }) == expected);
  // Types of others pass as they are.
  BOOST_TEST(text_of<Own>([&] { (void)net_of([=]() -> Tensor { throw Own("sorry", here); })(x); }) == "sorry");
  BOOST_CHECK_THROW((void)net_of([]() -> Tensor { throw std::out_of_range("mine"); })(x), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(an_error_caught_inside_a_forward_leaves_no_trace) {
  struct Tries : nn::Module {
    nn::Linear wrong = add("wrong", nn::Linear(7, 1)), right = add("right", nn::Linear(2, 1));
    Tensor forward(const Tensor& x) override {
      try {
        return wrong(x);
      } catch (const ShapeError&) {
        return right(x);
      }
    }
  };
  nn::Sequential net(Tries(), nn::Linear(3, 3));
  BOOST_TEST(text_of<ShapeError>([&] { (void)net(zeros({1, 2})); }).starts_with("1 (Linear): linear: "));
}

BOOST_AUTO_TEST_CASE(threads_do_not_mix_their_paths) {
  const auto fail = [](int depth) {
    nn::Sequential net(nn::Linear(3, 3));
    for (int i = 1; i < depth; ++i) {
      nn::Sequential outer;
      outer.append(std::move(net));
      net = std::move(outer);
    }
    std::string path = "0";
    for (int i = 1; i < depth; ++i) path += ".0";
    for (int i = 0; i < 200; ++i) try {
        (void)net(zeros({1, 2}));
        return false;
      } catch (const ShapeError& e) {
        if (!std::string(e.what()).starts_with(path + " (Linear): linear: ")) return false;
      }
    return true;
  };
  bool other = false;
  std::thread thread([&] { other = fail(5); });
  BOOST_TEST(fail(2));
  thread.join();
  BOOST_TEST(other);
}

BOOST_AUTO_TEST_SUITE_END()
