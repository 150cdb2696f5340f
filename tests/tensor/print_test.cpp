#include "slope/autograd/tensor/print.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "slope/autograd/tensor/factory.h"
#include "support/test_data.h"

namespace {

using namespace slope;
using std::int64_t;

struct RestoreDefaultDtype {
  DType before = default_dtype();
  ~RestoreDefaultDtype() { set_default_dtype(before); }
};

/// One record of print_cases.txt; tests/reference/print_cases.py states the format.
struct Case {
  std::string name, text;
  std::map<std::string, std::string> fields;

  std::string field(const std::string& key, const std::string& otherwise = "") const {
    const auto found = fields.find(key);
    return found == fields.end() ? otherwise : found->second;
  }
  std::vector<int64_t> integers(const std::string& key) const {
    std::istringstream in(field(key));
    std::vector<int64_t> out;
    for (int64_t v; in >> v;) out.push_back(v);
    return out;
  }
};

std::vector<Case> read_cases() {
  const std::string path = (test_data() / "print_cases.txt").string();
  std::ifstream in(path);
  BOOST_REQUIRE_MESSAGE(in.is_open(), "cannot open " << path);
  std::vector<Case> cases;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '|') {
      std::string& text = cases.back().text;
      if (!text.empty()) text += '\n';
      text += line.substr(1);
      continue;
    }
    const std::size_t space = line.find(' ');
    const std::string key = line.substr(0, space), value = space == std::string::npos ? "" : line.substr(space + 1);
    if (key == "case") cases.emplace_back().name = value;
    cases.back().fields[key] = value;
  }
  return cases;
}

DType dtype_named(const std::string& name) {
  for (DType d : {float32, float64, slope::int64, boolean})
    if (dtype_name(d) == name) return d;
  throw ValueError("no dtype is called " + name);
}

template <class T>
std::vector<T> numbers(const Case& c) {
  std::vector<T> out;
  if (const auto f = c.integers("formula"); !f.empty()) {
    for (int64_t i = 0; i < f[0]; ++i) {
      const int64_t v = (i * f[1]) % f[2] - f[3];
      if constexpr (std::is_floating_point_v<T>)
        out.push_back(static_cast<T>(static_cast<double>(v) / static_cast<double>(f[4])));
      else
        out.push_back(static_cast<T>(v));
    }
    return out;
  }
  std::istringstream in(c.field("storage"));
  for (std::string token; in >> token;) {
    if constexpr (std::is_floating_point_v<T>)
      out.push_back(static_cast<T>(std::strtod(token.c_str(), nullptr)));
    else
      out.push_back(static_cast<T>(std::strtoll(token.c_str(), nullptr, 10)));
  }
  return out;
}

PrintOptions options_of(const Case& c) {
  PrintOptions options;
  std::istringstream in(c.field("options"));
  for (std::string token; in >> token;) {
    const std::size_t at = token.find('=');
    const std::string key = token.substr(0, at);
    const int value = std::stoi(token.substr(at + 1));
    if (key == "precision")
      options.precision = value;
    else if (key == "threshold")
      options.threshold = value;
    else if (key == "edgeitems")
      options.edgeitems = value;
    else if (key == "linewidth")
      options.linewidth = value;
    else
      throw ValueError("no print option is called " + key);
  }
  return options;
}

std::string printed(const Case& c) {
  RestoreDefaultDtype restore;
  set_default_dtype(dtype_named(c.field("default", "float32")));
  const DType dtype = dtype_named(c.field("dtype"));
  return visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const std::vector<T> values = numbers<T>(c);
    // A buffer of exactly the storage's size, so that a read beyond it is a read beyond an allocation.
    const auto buffer = std::make_unique<T[]>(values.size());
    std::copy(values.begin(), values.end(), buffer.get());
    Tensor t = from_blob(buffer.get() + c.integers("offset").at(0), c.integers("sizes"), c.integers("strides"));
    const std::string grad = c.field("grad", "none");
    if (grad != "none") t.requires_grad_();
    if (grad == "mul") t = t * 1.0;
    return format_tensor(t, options_of(c));
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(print)

BOOST_AUTO_TEST_CASE(every_recorded_tensor_prints_byte_for_byte_as_in_pytorch) {
  const std::vector<Case> cases = read_cases();
  BOOST_TEST(cases.size() >= 300u);
  for (const Case& c : cases) {
    BOOST_TEST_CONTEXT(c.name) {
      BOOST_REQUIRE(!c.text.empty());
      BOOST_TEST(printed(c) == c.text);
    }
  }
}

BOOST_AUTO_TEST_CASE(printing_uses_the_stream_and_to_string_alike) {
  const Tensor t = tensor({{1.0, 2.0}});
  std::ostringstream out;
  out << t;
  BOOST_TEST(out.str() == "tensor([[1., 2.]])");
  BOOST_TEST(t.to_string() == out.str());
}

BOOST_AUTO_TEST_CASE(the_stream_state_does_not_change_numbers) {
  std::ostringstream out;
  out.precision(1);
  out << std::hex << std::showpos << tensor({255, 16}) << tensor({0.25});
  BOOST_TEST(out.str() == "tensor([255,  16])tensor([0.2500])");
}

BOOST_AUTO_TEST_CASE(an_undefined_tensor_prints_as_such) { BOOST_TEST(Tensor().to_string() == "tensor(undefined)"); }

BOOST_AUTO_TEST_CASE(print_options_apply_until_their_guard_ends) {
  const Tensor t = tensor({0.123456, 2.0});
  {
    PrintOptionsGuard guard({.precision = 2});
    BOOST_TEST(t.to_string() == "tensor([0.12, 2.00])");
    BOOST_TEST(print_options().precision == 2);
  }
  BOOST_TEST(t.to_string() == "tensor([0.1235, 2.0000])");
}

BOOST_AUTO_TEST_CASE(scientific_notation_can_be_forced_and_forbidden) {
  const Tensor t = tensor({1.0, 2.0}), wide = tensor({1e-6, 2.0});
  BOOST_TEST(format_tensor(t, {.sci_mode = true}) == "tensor([1.0000e+00, 2.0000e+00])");
  BOOST_TEST(format_tensor(wide, {.sci_mode = false}) == "tensor([0.0000, 2.0000])");
  const std::string text = format_tensor(tensor({1e300, 0.5}, {.dtype = float64}), {.precision = 1, .sci_mode = false});
  BOOST_TEST(text.find("1000000000000000052504760255204420248704468581108159") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(bad_print_options_throw_and_change_nothing) {
  const auto rejects = [](const PrintOptions& options, const std::string& part) {
    BOOST_CHECK_EXCEPTION(set_print_options(options), ValueError,
                          [&](const ValueError& e) { return std::string(e.what()).find(part) != std::string::npos; });
    BOOST_CHECK_THROW(format_tensor(tensor({1.0}), options), ValueError);
  };
  rejects({.precision = -1}, "precision must be between 0 and 100, got -1");
  rejects({.precision = 101}, "precision must be between 0 and 100, got 101");
  rejects({.threshold = -1}, "threshold must not be negative, got -1");
  rejects({.edgeitems = 0}, "edgeitems must be at least 1, got 0");
  rejects({.linewidth = 0}, "linewidth must be at least 1, got 0");
  BOOST_TEST(print_options().precision == 4);
  BOOST_TEST(print_options().threshold == 1000);
}

BOOST_AUTO_TEST_CASE(huge_edgeitems_do_not_overflow) {
  const PrintOptions options{.threshold = 0, .edgeitems = std::numeric_limits<int64_t>::max()};
  BOOST_TEST(format_tensor(arange(3), options) == "tensor([0, 1, 2])");
}

BOOST_AUTO_TEST_CASE(an_operation_is_named_as_in_pytorch) {
  const Tensor x = tensor({2.0}, {.requires_grad = true});
  BOOST_TEST(x.to_string() == "tensor([2.], requires_grad=True)");
  BOOST_TEST((x * x).to_string() == "tensor([4.], grad_fn=<MulBackward0>)");
}

BOOST_AUTO_TEST_CASE(shapes_and_dtypes_can_be_printed) {
  std::ostringstream out;
  out << zeros({2, 0, 3}).shape() << " " << tensor(1.0).shape() << " " << tensor({1}).dtype() << " " << float32 << " "
      << boolean;
  BOOST_TEST(out.str() == "[2, 0, 3] [] int64 float32 bool");
}

BOOST_AUTO_TEST_SUITE_END()
