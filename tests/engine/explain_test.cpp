#include "slope/explain.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/ops/ops.h"
#include "slope/autograd/tensor/factory.h"
#include "support/checks.h"

using namespace slope;
using autograd::explain;
using autograd::explain_dot;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (char c : text)
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += c;
  lines.pop_back();
  return lines;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string line_text(int line) { return "explain_test.cpp:" + std::to_string(line); }

}  // namespace

BOOST_AUTO_TEST_SUITE(explain_suite)

BOOST_AUTO_TEST_CASE(each_operation_has_a_line_with_its_inputs_its_memory_and_its_place) {
  const Tensor x = ones({2, 3}, {.requires_grad = true}), w = ones({4, 3}, {.requires_grad = true}),
               b = ones({4}, {.requires_grad = true});
  const int first = __LINE__ + 1;
  const Tensor h = linear(x, w, b);
  const Tensor loss = sigmoid(h).sum();
  const auto lines = lines_of(explain(loss));
  BOOST_REQUIRE_EQUAL(lines.size(), 4u);
  // x 24, w 48 and the sigmoid's own value 32 bytes
  BOOST_TEST(lines[0] == "graph of 1 output: 3 operations, 3 leaves, 104 bytes kept for backward");
  BOOST_TEST(contains(lines[1], "#3 SumBackward   [2, 4]  <- #2"), lines[1]);
  BOOST_TEST(contains(lines[1], line_text(first + 1)), lines[1]);
  BOOST_TEST(contains(lines[2], "#2 SigmoidBackward   [2, 4]  <- #1   keeps [2, 4] (32 bytes)"), lines[2]);
  BOOST_TEST(
      contains(lines[3], "#1 LinearBackward   [2, 3] [4, 3] [4]  <- leaf leaf leaf   keeps [2, 3] [4, 3] (72 bytes)"),
      lines[3]);
  BOOST_TEST(contains(lines[3], line_text(first)), lines[3]);
}

BOOST_AUTO_TEST_CASE(memory_kept_by_several_operations_is_counted_once) {
  const Tensor x = ones({100}, {.requires_grad = true});
  const Tensor y = x * x + exp(x).sum() + x.square();
  BOOST_TEST(contains(explain(y), "1 leaf, 800 bytes kept for backward"), explain(y));  // x, and the value of exp
}

BOOST_AUTO_TEST_CASE(freed_graphs_keep_nothing) {
  const Tensor x = ones({100}, {.requires_grad = true});
  const Tensor y = (x * x).sum();
  y.backward();
  BOOST_TEST(contains(explain(y), "2 operations, 1 leaf, 0 bytes kept for backward"), explain(y));
}

BOOST_AUTO_TEST_CASE(tensors_without_a_graph_say_so) {
  BOOST_TEST(contains(explain(ones({2})), "no graph"));
  const Tensor x = ones({2}, {.requires_grad = true});
  NoGradGuard no_grad;
  BOOST_TEST(contains(explain(x * 2), "no graph"));
  BOOST_TEST(contains(explain(x), "0 operations, 1 leaf, 0 bytes"));
}

BOOST_AUTO_TEST_CASE(long_graphs_are_walked_without_recursion_and_listed_in_part) {
  Tensor x = ones({1}, {.requires_grad = true});
  Tensor y = x;
  for (int i = 0; i < 200000; ++i) y = y + x;
  const auto lines = lines_of(explain(y, {.max_nodes = 5}));
  BOOST_REQUIRE_EQUAL(lines.size(), 7u);
  BOOST_TEST(contains(lines[0], "200000 operations, 1 leaf"));
  BOOST_TEST(contains(lines[1], "#200000 AddBackward"));
  BOOST_TEST(lines[6] == "... and 199995 earlier operations");
}

BOOST_AUTO_TEST_CASE(dot_has_a_node_for_each_operation_and_leaf_and_an_edge_for_each_use) {
  const Tensor x = ones({2}, {.requires_grad = true}), y = ones({2}, {.requires_grad = true});
  const std::string dot = explain_dot(x * y + x);
  BOOST_TEST(contains(dot, "digraph slope {"));
  BOOST_TEST(contains(dot, "n1 [label=\"Mul\\n[2] [2]\\nkeeps [2] [2] (16 bytes)"), dot);
  BOOST_TEST(contains(dot, "leaf0 -> n2;"), dot);
  BOOST_TEST(contains(dot, "leaf0 -> n1;"), dot);
  BOOST_TEST(contains(dot, "leaf1 -> n1;"), dot);
  BOOST_TEST(contains(dot, "n1 -> n2;"), dot);
  BOOST_TEST(dot.substr(dot.size() - 2) == "}\n");
}

BOOST_AUTO_TEST_SUITE_END()
