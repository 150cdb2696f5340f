// Every public function with undefined, empty, wrong-dtype, huge and NaN arguments: it succeeds, or throws a slope::Error that names
// the line of the call and leaves its arguments and the process as they were. Whatever else is wrong, the sanitizers say.
#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <set>

#include "misuse/row.h"
#include "misuse/unlisted.h"
#include "support/declarations.h"
#include "support/sanitizers.h"
#include "support/test_data.h"

#if defined(SLOPE_UNDER_ASAN) || defined(SLOPE_UNDER_TSAN)
#include <sanitizer/common_interface_defs.h>
#define MISUSE_SANITIZED 1
// What no machine has is refused, as it is without a sanitizer.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1:max_allocation_size_mb=1000"; }
extern "C" const char* __tsan_default_options() { return "allocator_may_return_null=1:max_allocation_size_mb=1000"; }
#endif

using namespace misuse;
using namespace slope;

namespace {

#ifdef MISUSE_SANITIZED
constexpr double most_seconds = 300;
#else
constexpr double most_seconds = 20;
#endif

/// The call under way, for reports of crashes.
std::string under_way;

struct Quiet {
  Quiet() : before(std::cout.rdbuf(text.rdbuf())), log(before) {
    boost::unit_test::unit_test_log.set_stream(log);  // which goes to std::cout otherwise
#ifndef MISUSE_SANITIZED
    // Otherwise impossible sizes might just be slow.
    const rlimit limit = {std::size_t{3} << 30, std::size_t{3} << 30};
    setrlimit(RLIMIT_AS, &limit);
#else
    __sanitizer_set_death_callback([] { std::cerr << "while calling " << under_way << "\n"; });
#endif
  }
  ~Quiet() {
    std::cout.rdbuf(before);
    boost::unit_test::unit_test_log.set_stream(std::cout);
  }
  std::ostringstream text;
  std::streambuf* before;
  std::ostream log;
};

std::string state_of_the_process() {
  const PrintOptions p = print_options();
  return concat(dtype_name(default_dtype()), " ", grad_enabled(), " ", get_num_threads(), " ", p.precision, " ",
                p.threshold, " ", p.edgeitems, " ", p.linewidth);
}

void restore_the_process() {
  static const int threads = get_num_threads();
  if (get_num_threads() != threads) set_num_threads(threads);
  set_default_dtype(float32);
  set_print_options({}, {});
  CallerScope::current() = {};
  manual_seed(1);
}

using Choice = std::vector<std::size_t>;

std::string text_of(const Row& row, const Choice& choice) {
  std::string text = row.name + "(";
  for (std::size_t i = 0; i < choice.size(); ++i) {
    const std::string argument = row.arguments[i].text(choice[i]);
    if (argument != "{}" || choice.size() > 1) text += (text.ends_with('(') ? "" : "; ") + argument.substr(0, 60);
  }
  return text + ")";
}

struct Outcome {
  bool threw = false;
  std::string finding;  // empty when all is well
};

Outcome attempt(const Row& row, const Choice& choice) {
  under_way = text_of(row, choice);
  BOOST_TEST_CHECKPOINT(under_way);
  std::vector<std::shared_ptr<void>> kept;
  std::vector<void*> held;
  for (std::size_t i = 0; i < choice.size(); ++i) {
    kept.push_back(row.arguments[i].make(choice[i]));
    held.push_back(kept.back().get());
  }
  const auto look = [&] {
    std::string text = state_of_the_process();
    for (std::size_t i = 0; i < held.size(); ++i) row.arguments[i].look(held[i], text);
    return text;
  };
  std::string before = look();
  Outcome outcome;
  const auto start = std::chrono::steady_clock::now();
  const char* what = "";
  try {
    const Results results = row.call(held.data());
    // The results are read and differentiated: what a call let through must not fail worse later.
    what = " (in the result)";
    before = look();
    for (const Tensor& t : results) {
      if (!t.defined() || t.numel() > 1000) continue;
      (void)t.to_vector<double>();
      if (t.requires_grad() && t.is_floating_point())
        t.backward(ones_like(t.detach(), {}, row.loc), true, false, row.loc);
    }
  } catch (const Error& e) {
    outcome.threw = true;
    // A line of the row, or of what a user of it would have written: a net, a function.
    static const std::regex line(R"(\(tests/misuse/\w+\.cpp:\d+\)$)");
    if (!std::regex_search(e.what(), line))
      outcome.finding = concat("does not name the line", what, ": ", e.what());
    else if (look() != before)
      outcome.finding = concat("changed something", what, " before it threw: ", e.what());
  } catch (const std::exception& e) {
    outcome.threw = true;
    outcome.finding = concat("is no slope::Error", what, ": ", typeid(e).name(), ", ", e.what());
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (seconds > most_seconds && outcome.finding.empty()) outcome.finding = concat("took ", seconds, " s");
  if (CallerScope::current().file && outcome.finding.empty()) outcome.finding = "left the line of the call behind";
  restore_the_process();
  return outcome;
}

/// A call that succeeds, looked for among plain arguments.
std::optional<Choice> succeeding(const Row& row, Generator& g) {
  Choice choice(row.arguments.size(), 0);
  for (int i = 0; i < 4000; ++i) {
    const Outcome outcome = attempt(row, choice);
    if (!outcome.threw) return choice;
    for (std::size_t a = 0; a < choice.size(); ++a)
      choice[a] = g.next_below(3) == 0 && row.arguments[a].plain > 3 ? 0 : g.next_below(row.arguments[a].plain);
  }
  return {};
}

/// As the list of functions without a line names it, since some names are used by several headers: "train_rows History::row".
std::string key_of(const Row& row) { return std::filesystem::path(row.loc.file).stem().string() + " " + row.name; }

void misuse_row(const Row& row, std::set<std::string>& without_line) {
  Generator g(static_cast<std::uint64_t>(row.name.size() * 1000 + row.name[0]));
  restore_the_process();
  std::map<std::string, std::string> findings;  // by kind
  const auto try_it = [&](const Choice& choice) {
    const Outcome outcome = attempt(row, choice);
    if (outcome.finding.empty()) return;
    if (outcome.finding.starts_with("does not name the line") && lines_that_cannot_be_named().contains(key_of(row))) {
      without_line.insert(key_of(row));
      return;
    }
    findings.emplace(outcome.finding.substr(0, 40), under_way + " " + outcome.finding);
  };
  const std::optional<Choice> good = succeeding(row, g);
  if (!good && !row.always_throws) BOOST_ERROR(row.name << ": no call with plain arguments succeeds: " << under_way);
  const Choice base = good.value_or(Choice(row.arguments.size(), 0));
  const auto may_be_bad = [&](std::size_t a) { return row.arguments[a].all > row.arguments[a].plain; };
  for (std::size_t a = 0; a < base.size(); ++a) {
    const Argument& argument = row.arguments[a];
    Choice choice = base;
    for (std::size_t i = 0; i < (may_be_bad(a) ? argument.all : argument.plain); ++i) {
      choice[a] = i;
      try_it(choice);
    }
  }
  if (base.size() > 1)
    for (int i = 0; i < 40; ++i) {
      Choice choice = base;
      for (std::size_t a = 0; a < base.size(); ++a) {
        const std::uint64_t what = g.next_below(4);
        const Argument& argument = row.arguments[a];
        if (what == 0) choice[a] = g.next_below(argument.plain);
        if (what == 1 && may_be_bad(a)) choice[a] = argument.plain + g.next_below(argument.all - argument.plain);
      }
      try_it(choice);
    }
  for (const auto& [kind, text] : findings) BOOST_ERROR(text);
}

void misuse_rows(const std::vector<Row>& rows) {
  const Quiet quiet;
  const char* only = std::getenv("MISUSE_ROW");
  std::set<std::string> without_line;
  for (const Row& row : rows)
    if (!only || row.name == only) misuse_row(row, without_line);
  // The list of functions that cannot name a line is exact.
  if (!only)
    for (const Row& row : rows)
      if (lines_that_cannot_be_named().contains(key_of(row)))
        BOOST_TEST(without_line.contains(key_of(row)), row.name << " names its line always: take it off the list");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(misuse_of)

BOOST_AUTO_TEST_CASE(operations) { misuse_rows(op_rows()); }
BOOST_AUTO_TEST_CASE(making_and_drawing_tensors) { misuse_rows(tensor_rows()); }
BOOST_AUTO_TEST_CASE(methods_of_tensors) { misuse_rows(method_rows()); }
BOOST_AUTO_TEST_CASE(functions_and_layers) { misuse_rows(nn_rows()); }
BOOST_AUTO_TEST_CASE(recurrence) { misuse_rows(recurrence_rows()); }
BOOST_AUTO_TEST_CASE(nn_utils) { misuse_rows(utils_rows()); }
BOOST_AUTO_TEST_CASE(normalization) { misuse_rows(normalization_rows()); }
BOOST_AUTO_TEST_CASE(attention_and_transformers) { misuse_rows(attention_rows()); }
BOOST_AUTO_TEST_CASE(modules_and_containers) { misuse_rows(module_rows()); }
BOOST_AUTO_TEST_CASE(pooling_and_resampling) { misuse_rows(pool_rows()); }
BOOST_AUTO_TEST_CASE(losses) { misuse_rows(loss_rows()); }
BOOST_AUTO_TEST_CASE(optimizers) { misuse_rows(optim_rows()); }
BOOST_AUTO_TEST_CASE(data_and_files) { misuse_rows(data_rows()); }
BOOST_AUTO_TEST_CASE(training) { misuse_rows(train_rows()); }

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(misuse_table)

namespace {

/// The functions of public headers; macros that declare several are written out.
std::map<std::string, int> declared_functions() {
  std::map<std::string, int> declared;
  const std::filesystem::path root = source_root();
  for (const char* folder : {"autograd", "nn", "optim", "io", "data", "train"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      const std::string path = std::filesystem::relative(entry.path(), root).string();
      if (!path.ends_with(".h") || path.find("/internal/") != std::string::npos) continue;
      if (headers_without_rows().contains(path) || path.starts_with("autograd/kernels/")) continue;
      std::ifstream file(entry.path());
      std::ostringstream text;
      text << file.rdbuf();
      std::string header = std::regex_replace(
          text.str(), std::regex(R"(\n *SLOPE_(?:REDUCTION_METHOD|SIZES)\((\w+)\)(?=\n))"), "\nTensor $1();");
      // What the compiler writes, and what moves, takes no argument that could be bad.
      static const std::regex moves(R"((?:\b(\w+)\(\s*(?:const\s+)?\1|operator=\(\s*(?:const\s+)?\w+)\s*&&?\s*\w*\))");
      for (const Declaration& d : public_functions(header))
        if (!(d.name == "default_generator" && path.ends_with("tensor.h")) &&  // declared ahead
            !d.text.ends_with("= default") && !std::regex_search(d.text, moves) &&
            d.name.find("::~") == std::string::npos)
          ++declared[d.name];
    }
  return declared;
}

}  // namespace

BOOST_AUTO_TEST_CASE(has_a_row_for_every_function_of_the_public_headers) {
  std::map<std::string, int> rows;
  std::set<std::string> keys;
  for (const auto& part :
       {op_rows(), tensor_rows(), method_rows(), nn_rows(), attention_rows(), recurrence_rows(), utils_rows(),
        module_rows(), normalization_rows(), pool_rows(), loss_rows(), optim_rows(), data_rows(), train_rows()})
    for (const Row& row : part) ++rows[row.name], keys.insert(key_of(row));
  // tensor-unary.h is a table of functions and methods, and so are the rows for it.
#define SLOPE_UNARY(name, ...)                                                  \
  for (const std::string row : {#name, "Tensor::" #name, "Tensor::" #name "_"}) \
    BOOST_TEST(rows.erase(row) == 1u, row << " has no row");
#include "slope/autograd/tensor/tensor-unary.h"
  const std::map<std::string, int> declared = declared_functions();
  BOOST_TEST(declared.size() > 800u);
  std::set<std::string> used;
  for (const auto& [name, count] : declared) {
    if (const std::string reason = why_without_row(name); !reason.empty()) {
      used.insert(reason);
      BOOST_TEST(!rows.contains(name), name << " has a row though it needs none: " << reason);
      continue;
    }
    const auto found = rows.find(name);
    const int there = found == rows.end() ? 0 : found->second;
    BOOST_TEST(there == count, name << ": " << count << " declared, " << there << " rows");
  }
  for (const auto& [name, count] : rows) BOOST_TEST(declared.contains(name), name << " is not declared any more");
  for (const auto& [name, reason] : functions_without_rows())
    BOOST_TEST(declared.contains(name), name << " needs no row, but is not declared any more");
  for (const auto& [name, reason] : lines_that_cannot_be_named())
    BOOST_TEST(keys.contains(name), name << " cannot name a line, but has no row");
}

BOOST_AUTO_TEST_SUITE_END()
