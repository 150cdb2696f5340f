// Operations say which line and which module recorded them.
#include <boost/test/unit_test.hpp>
#include <string>
#include <thread>
#include <vector>

#include "slope/autograd.h"
#include "slope/explain.h"
#include "slope/nn.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(call_path)

namespace {

struct Block : nn::Module {
  nn::Linear fc = add("fc", nn::Linear(2, 2));
  nn::Linear out = add("out", nn::Linear(2, 2));
  int line = 0;
  Tensor forward(const Tensor& x) override {
    line = __LINE__ + 1;
    return log(out(relu(fc(x))));
  }
};

struct Net : nn::Module {
  Block first = add("first", Block());
  nn::Sequential rest = add("rest", nn::Sequential(nn::Linear(2, 2), nn::Sigmoid()));
  Tensor forward(const Tensor& x) override { return rest(first(x)); }
};

std::string line_with(const std::string& text, const std::string& word, int number = 0) {
  std::size_t at = 0;
  for (int i = 0;; ++i) {
    at = text.find(word, at);
    if (at == std::string::npos) return "no line with " + word + " in\n" + text;
    if (i == number) break;
    ++at;
  }
  const std::size_t begin = text.rfind('\n', at) + 1;
  return text.substr(begin, text.find('\n', at) - begin);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace

BOOST_AUTO_TEST_CASE(explain_names_the_line_of_the_layers_call_and_the_modules_path) {
  Net net;
  const Tensor y = net(ones({3, 2}));
  const std::string text = autograd::explain(y);
  const std::string at = "call_path_test.cpp:" + std::to_string(net.first.line);
  const std::string out = line_with(text, "LinearBackward", 1), fc = line_with(text, "LinearBackward", 2);
  BOOST_TEST(contains(out, at + " in first.out"), out);
  BOOST_TEST(contains(fc, at + " in first.fc"), fc);
  const std::string own = line_with(text, "LogBackward");
  BOOST_TEST(contains(own, at + " in first"), own);
  BOOST_TEST(!contains(own, "first."), own);
  const std::string relu_line = line_with(text, "ReluBackward");
  BOOST_TEST(contains(relu_line, at), relu_line);
  BOOST_TEST(contains(line_with(text, "LinearBackward"), " in rest.0"), text);
  BOOST_TEST(contains(line_with(text, "SigmoidBackward"), " in rest.1"), text);
  BOOST_TEST(!contains(text, "slope/"), text);
  const std::string dot = autograd::explain_dot(y);
  BOOST_TEST(contains(dot, " in first.fc"), dot);
}

BOOST_AUTO_TEST_CASE(anomaly_names_the_line_of_the_layers_call_and_the_modules_path) {
  Net net;
  const AnomalyGuard anomaly;
  const Tensor y = net(full({3, 2}, -1.0));
  // log of a negative number
  for (const Tensor& p : net.first.out.parameters()) {
    NoGradGuard no_grad;
    p.fill_(-1.0);
  }
  const std::string message = message_of([&] { net(ones({3, 2})).sum().backward(); });
  BOOST_TEST(contains(message, "Backward returned NaN in its gradient"), message);
  BOOST_TEST(contains(message, "call_path_test.cpp:"), message);
  const std::string in = message_of([&] { sqrt(net.first.fc(ones({3, 2})) * 0.0 - 1.0).sum().backward(); });
  BOOST_TEST(contains(in, "SqrtBackward"), in);
  BOOST_TEST(!contains(in, "by module"), in);
}

BOOST_AUTO_TEST_CASE(a_layer_whose_own_derivative_is_nan_is_named) {
  struct Root : nn::Module {
    Tensor forward(const Tensor& x) override { return sqrt(x); }
  };
  struct Outer : nn::Module {
    Root root = add("root", Root());
    Tensor forward(const Tensor& x) override { return root(x); }
  } outer;
  const Tensor x = tensor({-1.0}, {.requires_grad = true});
  const AnomalyGuard anomaly;
  const std::string message = message_of([&] { outer(x).sum().backward(); });
  BOOST_TEST(contains(message, "SqrtBackward returned NaN in its gradient 0"), message);
  BOOST_TEST(contains(message, "by module root"), message);
}

BOOST_AUTO_TEST_CASE(what_a_backward_records_belongs_to_the_line_of_its_operation) {
  nn::Sequential net(nn::Linear(2, 2), nn::Tanh(), nn::Linear(2, 1));
  const Tensor x = ones({3, 2}).requires_grad_();
  const int line = __LINE__ + 1;
  const Tensor y = net(x).sum();
  const Tensor g = autograd::grad({y}, {x}, {.create_graph = true})[0];
  const std::string text = autograd::explain(g);
  BOOST_TEST(!contains(text, "slope/"), text);
  const std::string wanted = "call_path_test.cpp:" + std::to_string(line);
  std::size_t begin = text.find('\n') + 1;
  while (begin < text.size()) {
    const std::size_t end = text.find('\n', begin);
    const std::string one = text.substr(begin, end - begin);
    BOOST_TEST(contains(one, wanted), one);
    begin = end + 1;
  }
  BOOST_TEST(contains(text, " in 0"), text);
}

BOOST_AUTO_TEST_CASE(a_module_has_the_path_it_is_called_on_and_threads_do_not_meet) {
  struct Two : nn::Module {
    nn::Linear a = add("a", nn::Linear(2, 2));
    Tensor forward(const Tensor& x) override { return a(x); }
  };
  Two two;
  BOOST_TEST(contains(autograd::explain(two.a(ones({1, 2}))), " in a"));
  struct Holder : nn::Module {
    Two inner = add("inner", Two());
    Tensor forward(const Tensor& x) override { return inner(x); }
  } holder;
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const bool whole = (i + static_cast<int>(t)) % 2 == 0;
        const std::string text = autograd::explain(whole ? holder(ones({1, 2})) : holder.inner.a(ones({1, 2})));
        if (!contains(text, whole ? " in inner.a\n" : " in a\n")) ++wrong[t];
      }
    });
  for (auto& t : threads) t.join();
  for (int w : wrong) BOOST_TEST(w == 0);
  Holder moved = std::move(holder);
  BOOST_TEST(contains(autograd::explain(moved(ones({1, 2}))), " in inner.a"));
}

BOOST_AUTO_TEST_SUITE_END()
