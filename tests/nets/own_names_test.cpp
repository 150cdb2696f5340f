#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "slope/slope.h"

// Programs with names of their own that slope has, too. A `using namespace slope` at the top of a file makes every name of
// slope as near as the program's own global ones, so the same name twice is ambiguous. Two styles never are: a namespace for
// the program, whose names then come first, and no directive at all.

// ---- a namespace for the program: its own names hide slope's, and slope's are all there
namespace a_program {

using namespace slope;

double data = 0.25;  // slope::data
struct F {           // slope::F
  double value = 2;
};
double train(double epochs) { return epochs + 1; }  // slope::train
double mean(const std::vector<double>& v) { return v.empty() ? 0 : v[0]; }
std::string concat(const char* a, const char* b) { return std::string(a) + "+" + b; }
using slope::std;  // the free function: elsewhere `std(x)` would be the namespace
struct Index {
  int i = 7;
};
enum class Reduction { mine };
struct At {};
struct In {};
struct Key {};
enum class Mode { fast };

struct Net : nn::Module {
  nn::Linear fc = add("fc", nn::Linear(2, 1));
  Tensor forward(const Tensor& x) override { return sigmoid(fc(x)); }
};

double run() {
  const F f;
  Net net;
  // Before `::` only namespaces and types count, so a function `train` and a variable `data` do not hide those.
  data::DataLoader loader(data::TensorDataset({zeros({4, 2}), ones({4, 1})}), {.batch_size = 2});
  train::Model model(net);
  model.compile(nn::functional::binary_cross_entropy);  // F is the program's own here
  const train::History history = model.fit(1, loader, {.style = train::Style::quiet});
  const Tensor x = tensor({1.0, 3.0});
  return f.value + data + train(3) + mean({5.0}) + std(x).item() + static_cast<double>(history.size()) +
         static_cast<double>(concat("a", "b").size()) + Index().i + (Reduction::mine == Reduction{} ? 1 : 0) +
         slope::mean(x).item();
}

}  // namespace a_program

// ---- no directive: names one by one, short ones for namespaces
namespace nn = slope::nn;
using slope::Tensor;

namespace another_program {

struct data {
  int rows = 3;
};
int train(const data& d) { return d.rows; }
int F(int x) { return 2 * x; }

}  // namespace another_program

BOOST_AUTO_TEST_SUITE(own_names)

BOOST_AUTO_TEST_CASE(in_a_namespace_of_its_own_a_programs_names_come_before_slopes) {
  BOOST_TEST(a_program::run() == 2 + 0.25 + 4 + 5 + std::sqrt(2.0) + 1 + 3 + 7 + 1 + 2,
             boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(without_a_directive_nothing_is_ambiguous) {
  nn::Linear fc(2, 1);
  const Tensor y = fc(slope::zeros({1, 2}));
  BOOST_TEST(y.numel() == 1);
  BOOST_TEST(another_program::F(another_program::train({})) == 6);
}

BOOST_AUTO_TEST_SUITE_END()
