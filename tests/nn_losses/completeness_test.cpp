// Every loss of the headers stands in the tables of tests and benchmarks. Of docs/losses.md a test of its own says so
// (tests/meta/losses_doc.sh), and that bench_losses runs each in all forms, bench/tests/complete.sh.
#include <boost/test/unit_test.hpp>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "slope/nn/losses/losses.h"
#include "support/loss_table.h"
#include "support/test_data.h"

using namespace slope;
namespace F = slope::nn::functional;

namespace {

using Names = std::set<std::string>;

// Their values are proved by the table of the edges alone: what recorded the oracle does not have them.
const Names without_oracle = {"charbonnier_loss", "generalized_box_iou_loss", "mape_loss", "msle_loss", "sce_loss"};

const std::filesystem::path root = source_root();

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  BOOST_REQUIRE_MESSAGE(in, path << " cannot be read");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Names matches(const std::string& text, const std::string& pattern) {
  Names all;
  const std::regex regex(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) all.insert(it->str(1));
  return all;
}

const std::string& headers() {
  static const std::string text = [] {
    std::string all;
    for (const auto& family : std::filesystem::directory_iterator(root / "nn/losses"))
      if (family.is_directory())
        for (const auto& entry : std::filesystem::directory_iterator(family))
          if (entry.path().extension() == ".h") all += text_of(entry.path());
    return all;
  }();
  return text;
}

std::string in_snake_case(const std::string& name) {
  std::string all;
  for (const char c : name) {
    if (std::isupper(static_cast<unsigned char>(c)) && !all.empty()) all += '_';
    all += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return all;
}
std::string without_underscores(std::string name) {
  std::erase(name, '_');
  return name;
}

/// The functions, and modules that are the only form of their loss.
const Names& losses() {
  static const Names all = [] {
    Names names = matches(headers(), "\nTensor (\\w+)\\(In "), plain;
    for (const std::string& name : names) plain.insert(without_underscores(name));
    for (const std::string& module : matches(headers(), "\nclass (\\w+Loss) : public Module \\{"))
      if (!plain.contains(without_underscores(in_snake_case(module)))) names.insert(in_snake_case(module));
    return names;
  }();
  return all;
}

/// The first words of the rows of a table, up to what tells a row from others of its loss.
Names rows_of(const char* file) { return matches(text_of(root / file), "\n      \\{\"(\\w+)[^\"]*\","); }

void demand(const Names& rows, const char* file, const Names& except = {}) {
  for (const std::string& loss : losses())
    BOOST_TEST(rows.contains(loss) == !except.contains(loss),
               loss << (except.contains(loss) ? " is an exception, but has a row in " : " has no row in ") << file);
}
void refuse_others(const Names& rows, const char* file) {
  for (const std::string& row : rows)
    BOOST_TEST(losses().contains(row), file << " has " << row << ", which no header declares");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(each_loss_of_the_headers)

BOOST_AUTO_TEST_CASE(is_found) {
  for (const char* name : {"mse_loss", "cross_entropy", "kl_div", "pairwise_distance", "generalized_box_iou_loss",
                           "arcface_loss", "adaptive_log_softmax_with_loss"})
    BOOST_TEST(losses().contains(name), name);
  BOOST_TEST(losses().size() >= 40u);
}

BOOST_AUTO_TEST_CASE(is_swept) {
  Names swept, refused;
  const auto loss_of = [](const std::string& text) {
    const std::string name = text.substr(0, text.find_first_of(",: /"));
    return std::isupper(static_cast<unsigned char>(name.at(0))) ? in_snake_case(name) : name;
  };
  for (const LossSample& sample : loss_table()) swept.insert(loss_of(sample.name));
  for (const LossRefusal& refusal : loss_refusals()) refused.insert(loss_of(refusal.text));
  demand(swept, "tests/support/losses");
  for (const std::string& loss : losses())
    BOOST_TEST(refused.contains(loss), loss << " refuses nothing in tests/support/losses");
}

BOOST_AUTO_TEST_CASE(has_edges) {
  const char* file = "tests/edges/loss_calls.cpp";
  demand(rows_of(file), file);
  refuse_others(rows_of(file), file);
}

BOOST_AUTO_TEST_CASE(is_compared_with_the_oracle_or_a_stated_exception) {
  const char* file = "tests/oracle/losses.cpp";
  demand(rows_of(file), file, without_oracle);
  refuse_others(rows_of(file), file);
  for (const std::string& loss : without_oracle) BOOST_TEST(losses().contains(loss), loss << " is no loss");
}

BOOST_AUTO_TEST_CASE(is_measured) {
  const char* file = "bench/losses/list.cpp";
  demand(rows_of(file), file);
}

BOOST_AUTO_TEST_CASE(has_a_module_that_a_test_makes) {
  std::string tests = text_of(root / "tests/oracle/losses.cpp");
  for (const auto& entry : std::filesystem::directory_iterator(root / "tests/nn_losses"))
    tests += text_of(entry.path());
  const Names modules = matches(headers(), "\nclass (?!LossModule)(\\w+)\\s*: public (?:LossModule<|Module \\{)");
  BOOST_TEST(modules.size() >= losses().size() - 1);
  for (const std::string& module : modules)
    BOOST_TEST(std::regex_search(tests, std::regex("nn::" + module + "\\b")), "no test makes nn::" << module);
}

namespace {

template <class Module, auto function, class Options>
void agrees(const Options& options, const Tensor& target) {
  const Tensor x = numbers({4, 3}, 1), same = x.detach().clone().requires_grad_();
  const Tensor of_module = Module(options)(x, target), of_function = function(same, target, options);
  of_module.backward();
  of_function.backward();
  BOOST_TEST(of_module.detach().equal(of_function.detach()));
  BOOST_TEST(x.grad().equal(same.grad()));
  BOOST_TEST(!of_module.detach().equal(function(same, target, Options{.reduction = options.reduction}).detach()));
}

}  // namespace

BOOST_AUTO_TEST_CASE(that_the_oracle_does_not_have_gives_as_a_module_what_it_gives_as_a_function) {
  const Tensor t = constants({4, 3}, 2), labels = tensor({0, 2, 1, 0});
  for (const Reduction r : {Reduction::mean, Reduction::sum}) {
    agrees<nn::CharbonnierLoss, F::charbonnier_loss>(nn::CharbonnierLossOptions{.eps = 0.5, .reduction = r}, t);
    agrees<nn::MAPELoss, F::mape_loss>(nn::MAPELossOptions{.eps = 0.5, .reduction = r}, t);
    agrees<nn::SCELoss, F::sce_loss>(nn::SCELossOptions{.alpha = 0.5, .reduction = r}, labels);
  }
  const Tensor x = numbers({4, 3}, 1);
  BOOST_TEST(
      nn::MSLELoss({.reduction = Reduction::sum})(x, t).equal(F::msle_loss(x, t, {.reduction = Reduction::sum})));
}

BOOST_AUTO_TEST_SUITE_END()
