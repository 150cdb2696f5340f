// Every operation meets every dtype, as that of each of its tensors and as the one that is asked for.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "op_table.h"
#include "slope/autograd.h"
#include "support/test_data.h"

using namespace slope;

BOOST_AUTO_TEST_SUITE(every_dtype)

namespace {

constexpr DType all_dtypes[] = {float32, float64, int64, boolean};

/// The outcome of a call: a tensor, or an error of slope that names a line of the user's.
struct Outcome {
  Tensor y;
  std::string error;
  bool dtype_error = false;
};

template <class Call>
Outcome outcome_of(const std::string& title, const Call& call) {
  Outcome o;
  try {
    o.y = call();
    return o;
  } catch (const DTypeError& e) {
    o.dtype_error = true;
    o.error = e.what();
  } catch (const Error& e) {
    o.error = e.what();
  } catch (const std::exception& e) {
    BOOST_ERROR(title + " throws another type: " + e.what());
    o.error = e.what();
    return o;
  }
  BOOST_TEST((o.error.find("_samples.cpp:") != std::string::npos || o.error.find("_test.cpp:") != std::string::npos),
             title << ": \"" << o.error << "\" names no line");
  return o;
}

/// The dtype that operands of these dtypes and dimensions compute in, by PyTorch's rules: categories first, then those with
/// dimensions before those without, then the widest.
DType common_dtype(const Inputs& inputs) {
  int highest = 0;
  for (const Tensor& t : inputs) highest = std::max(highest, category(t.dtype()));
  bool dimensioned = false;
  for (const Tensor& t : inputs) dimensioned |= t.dim() > 0 && category(t.dtype()) == highest;
  DType result = highest == 2 ? float32 : highest == 1 ? int64 : boolean;
  for (const Tensor& t : inputs)
    if (t.dtype() == float64 && (t.dim() > 0 || !dimensioned)) result = float64;
  return result;
}

bool close(const Tensor& y, const Tensor& expected) {
  if (y.shape() != expected.shape()) return false;
  const auto a = y.to_vector<double>(), b = expected.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])) ||
          std::abs(a[i] - b[i]) <= 1e-6 + 2e-5 * std::abs(b[i])))
      return false;
  return true;
}

bool draws(const OpSample& s) {
  return s.operation() == "uniform_" || s.operation() == "normal_" || s.operation() == "exponential_" ||
         s.operation() == "bernoulli_";
}
bool in_place(const OpSample& s) { return s.operation().ends_with('_'); }

}  // namespace

BOOST_AUTO_TEST_CASE(of_each_argument_gives_the_values_and_the_dtype_of_promotion_or_a_dtype_error) {
  // Sums, products and extremes of bools are logic; see the cases of their own below.
  const std::set<std::string> logic_on_bools = {"add", "mul", "maximum", "minimum", "add_", "mul_", "clamp"};
  // The result has the dtype of the first; a weight that counts as a number; a 0-d tensor that becomes one with a dimension.
  const std::set<std::string> of_its_own_dtype = {"index_put",        "index_put/accumulate", "index_put/slice",
                                                  "prelu/one_weight", "prelu/vector",         "hstack/0d"};
  const auto has_0d = [](const Inputs& inputs) {
    return std::any_of(inputs.begin(), inputs.end(), [](const Tensor& t) { return t.dim() == 0; });
  };
  for (const OpSample& s : op_table()) {
    const Inputs wide = sample_inputs(s);
    for (std::size_t k = 0; k <= wide.size(); ++k)  // one argument, and all of them
      for (DType dtype : all_dtypes) {
        Inputs given, same_values;
        bool any_bool = false;
        for (std::size_t i = 0; i < wide.size(); ++i) {
          const bool chosen = i == k || k == wide.size();
          // Whole numbers where they are converted to some, so that nothing is lost.
          const Tensor value = chosen && !is_floating(dtype) ? round(wide[i].detach() * 2.0) : wide[i].detach();
          given.push_back(chosen ? (dtype == boolean ? value > 0.5 : value.to(dtype)) : value);
          same_values.push_back(given.back().to(float64));
          any_bool |= given.back().dtype() == boolean;
        }
        const std::string title = s.title() + " with argument " + std::to_string(k) + " of " +
                                  std::to_string(wide.size()) + " as " + std::string(dtype_name(dtype));
        const Outcome got = outcome_of(title, [&] { return s.function(given); });
        if (!got.error.empty()) {
          // What float64 refuses as well is another matter.
          if (!got.dtype_error && is_floating(dtype)) BOOST_ERROR(title + ": " + got.error);
          continue;
        }
        const DType common = common_dtype(given);
        // Some samples compute with numbers first, which makes a default float of integers; and a 0-d tensor has no say then.
        bool plain = !of_its_own_dtype.contains(s.name);
        for (const Tensor& t : given) plain &= t.is_floating_point() || wide.size() == 1 || !has_0d(wide);
        if (s.name != "to/float64" && !s.name.ends_with("/dtype") && plain && is_floating(common) && !in_place(s))
          BOOST_TEST((got.y.dtype() == common || got.y.dtype() == boolean || got.y.dtype() == int64),
                     title << " gives " << dtype_name(got.y.dtype()));
        if (s.name != "to/float64" && s.name.find("/dtype") == std::string::npos && !is_floating(common) &&
            is_floating(got.y.dtype()))
          BOOST_TEST((got.y.dtype() == float32), title << " gives " << dtype_name(got.y.dtype()));
        if (draws(s) || s.name.find("/dtype") != std::string::npos) continue;
        if (any_bool && !is_floating(common) && (logic_on_bools.contains(s.operation()) || in_place(s))) continue;
        const Outcome expected = outcome_of(title, [&] { return s.function(same_values); });
        if (!expected.error.empty()) continue;
        const Tensor y = got.y.detach(), e = expected.y.detach();
        BOOST_TEST(close(y, got.y.dtype() == boolean ? e.to(boolean) : e),
                   title << " gives " << y.to_string() << ", float64 of the same values " << e.to_string());
      }
  }
}

BOOST_AUTO_TEST_CASE(of_functions_without_derivative_gives_what_float64_of_the_same_values_gives) {
  struct Row {
    const char* name;
    std::function<Tensor(const Tensor&, const Tensor&)> f;
  };
  const Row rows[] = {
      {"eq", [](const Tensor& a, const Tensor& b) { return eq(a, b); }},
      {"ne", [](const Tensor& a, const Tensor& b) { return ne(a, b); }},
      {"lt", [](const Tensor& a, const Tensor& b) { return lt(a, b); }},
      {"le", [](const Tensor& a, const Tensor& b) { return le(a, b); }},
      {"gt", [](const Tensor& a, const Tensor& b) { return gt(a, b); }},
      {"ge", [](const Tensor& a, const Tensor& b) { return ge(a, b); }},
      {"eq number", [](const Tensor& a, const Tensor&) { return eq(a, 1); }},
      {"lt number", [](const Tensor& a, const Tensor&) { return lt(a, 0.5); }},
      {"number lt", [](const Tensor& a, const Tensor&) { return lt(0.5, a); }},
      {"ge bool", [](const Tensor& a, const Tensor&) { return ge(a, true); }},
      {"ne big", [](const Tensor& a, const Tensor&) { return ne(1e30, a); }},
      {"isclose", [](const Tensor& a, const Tensor& b) { return isclose(a, b); }},
      {"isnan", [](const Tensor& a, const Tensor&) { return isnan(a); }},
      {"isinf", [](const Tensor& a, const Tensor&) { return isinf(a); }},
      {"isfinite", [](const Tensor& a, const Tensor&) { return isfinite(a); }},
      {"logical_not", [](const Tensor& a, const Tensor&) { return logical_not(a); }},
      {"logical_and", [](const Tensor& a, const Tensor& b) { return logical_and(a, b); }},
      {"logical_or", [](const Tensor& a, const Tensor& b) { return logical_or(a, b); }},
      {"logical_xor", [](const Tensor& a, const Tensor& b) { return logical_xor(a, b); }},
      {"count_nonzero", [](const Tensor& a, const Tensor&) { return count_nonzero(a, 1); }},
      {"any", [](const Tensor& a, const Tensor&) { return any(a, 0); }},
      {"all", [](const Tensor& a, const Tensor&) { return all(a, 1); }},
      {"argmax", [](const Tensor& a, const Tensor&) { return argmax(a, 1); }},
      {"argmin", [](const Tensor& a, const Tensor&) { return argmin(a); }},
      {"argsort", [](const Tensor& a, const Tensor&) { return argsort(a, 1, true); }},
      {"sort", [](const Tensor& a, const Tensor&) { return sort(a, 0).second; }},
      {"topk", [](const Tensor& a, const Tensor&) { return topk(a, 2, 1).second; }},
      {"mode", [](const Tensor& a, const Tensor&) { return mode(a, 1).first; }},
      {"median", [](const Tensor& a, const Tensor&) { return median(a, 1).second; }},
      {"nonzero", [](const Tensor& a, const Tensor&) { return nonzero(a); }},
      {"unique", [](const Tensor& a, const Tensor&) { return unique(a).inverse; }},
      {"unique counts", [](const Tensor& a, const Tensor&) { return unique(a).counts; }},
  };
  const Tensor a = tensor({{1.0, 0.0, 2.0, 1.0}, {0.0, 0.0, -3.0, 1.0}, {1.0, 1.0, 1.0, 1.0}}),
               b = tensor({{1.0, 1.0, 0.0, 2.0}, {0.0, -1.0, -3.0, 1.0}, {0.0, 1.0, 5.0, 1.0}});
  for (const Row& r : rows)
    for (DType first : all_dtypes)
      for (DType second : all_dtypes)
        for (bool strided : {false, true}) {
          const auto laid_out = [&](const Tensor& t) { return strided ? t.t().contiguous().t() : t; };
          const Tensor x = laid_out(a.to(first)), y = laid_out(b.to(second));
          const Tensor got = r.f(x, y), expected = r.f(x.to(float64), y.to(float64));
          BOOST_TEST(close(got, expected), r.name << " of " << dtype_name(first) << " and " << dtype_name(second)
                                                  << " gives " << got.to_string() << " instead of "
                                                  << expected.to_string());
        }
}

namespace {

/// A function that is asked for a dtype, and what it gives for the values converted to it, computed by plain loops. No
/// reference: it is one of probabilities or factories, and refuses the dtypes in `refused`.
struct DTypeRow {
  std::string name;
  std::function<Tensor(const Tensor& x, DType dtype)> f;
  std::function<std::vector<double>(const std::vector<double>&)> reference;
  std::set<DType> refused{};
  DType result_of(DType asked) const { return asked; }
};

std::vector<double> running(const std::vector<double>& v, bool product) {
  std::vector<double> out;
  double total = product ? 1 : 0;
  for (double e : v) out.push_back(total = product ? total * e : total + e);
  return out;
}

const std::vector<DTypeRow>& dtype_rows() {
  const auto total = [](const std::vector<double>& v) {
    return std::vector<double>{v.empty() ? 0 : running(v, false).back()};
  };
  const auto product = [](const std::vector<double>& v) {
    return std::vector<double>{v.empty() ? 1 : running(v, true).back()};
  };
  const auto soft = [](double sign, bool log) {
    return [=](const std::vector<double>& v) {
      double sum = 0;
      for (double e : v) sum += std::exp(sign * e);
      std::vector<double> out;
      for (double e : v) out.push_back(log ? sign * e - std::log(sum) : std::exp(sign * e) / sum);
      return out;
    };
  };
  static const std::vector<DTypeRow> rows = {
      {"to", [](const Tensor& x, DType d) { return to(x, d); }, [](const std::vector<double>& v) { return v; }},
      {"sum", [](const Tensor& x, DType d) { return sum(x, {}, false, d); }, total},
      {"nansum", [](const Tensor& x, DType d) { return nansum(x, {}, false, d); }, total},
      {"prod", [](const Tensor& x, DType d) { return prod(x, {}, false, d); }, product},
      {"mean",
       [](const Tensor& x, DType d) { return mean(x, {}, false, d); },
       [total](const std::vector<double>& v) {
         return std::vector<double>{total(v)[0] / static_cast<double>(v.size())};
       },
       {int64, boolean}},
      {"cumsum", [](const Tensor& x, DType d) { return cumsum(x, 0, d); },
       [](const std::vector<double>& v) { return running(v, false); }},
      {"cumprod", [](const Tensor& x, DType d) { return cumprod(x, 0, d); },
       [](const std::vector<double>& v) { return running(v, true); }},
      {"softmax", [](const Tensor& x, DType d) { return softmax(x, 0, d); }, soft(1, false), {int64, boolean}},
      {"log_softmax", [](const Tensor& x, DType d) { return log_softmax(x, 0, d); }, soft(1, true), {int64, boolean}},
      {"softmin", [](const Tensor& x, DType d) { return softmin(x, 0, d); }, soft(-1, false), {int64, boolean}},
      {"scalar_tensor", [](const Tensor&, DType d) { return scalar_tensor(1, {.dtype = d}); }, {}},
      {"tensor", [](const Tensor&, DType d) { return tensor({{1, 0}, {0, 1}}, {.dtype = d}); }, {}},
      {"zeros", [](const Tensor&, DType d) { return zeros({3}, {.dtype = d}); }, {}},
      {"ones", [](const Tensor&, DType d) { return ones({3}, {.dtype = d}); }, {}},
      {"empty", [](const Tensor&, DType d) { return empty({3}, {.dtype = d}); }, {}},
      {"full", [](const Tensor&, DType d) { return full({3}, 2, {.dtype = d}); }, {}},
      {"zeros_like", [](const Tensor& x, DType d) { return zeros_like(x, {.dtype = d}); }, {}},
      {"ones_like", [](const Tensor& x, DType d) { return ones_like(x, {.dtype = d}); }, {}},
      {"empty_like", [](const Tensor& x, DType d) { return empty_like(x, {.dtype = d}); }, {}},
      {"full_like", [](const Tensor& x, DType d) { return full_like(x, 2, {.dtype = d}); }, {}},
      {"eye", [](const Tensor&, DType d) { return eye(3, {.dtype = d}); }, {}},
      {"arange", [](const Tensor&, DType d) { return arange(0, 5, 2, {.dtype = d}); }, {}, {boolean}},
      {"linspace", [](const Tensor&, DType d) { return linspace(0, 5, 6, {.dtype = d}); }, {}, {boolean}},
      {"from_blob",
       [](const Tensor& x, DType d) {
         static std::int64_t memory[8] = {};
         return from_blob(memory, {x.numel() > 0 ? 2 : 0}, d);
       },
       {}},
      {"rand", [](const Tensor&, DType d) { return rand({3}, {.dtype = d}); }, {}, {int64, boolean}},
      {"randn", [](const Tensor&, DType d) { return randn({3}, {.dtype = d}); }, {}, {int64, boolean}},
      {"rand_like", [](const Tensor& x, DType d) { return rand_like(x, {.dtype = d}); }, {}, {int64, boolean}},
      {"randn_like", [](const Tensor& x, DType d) { return randn_like(x, {.dtype = d}); }, {}, {int64, boolean}},
      {"randint", [](const Tensor&, DType d) { return randint(2, {3}, {.dtype = d}); }, {}},
      {"randint_like", [](const Tensor& x, DType d) { return randint_like(x, 0, 2, {.dtype = d}); }, {}},
      {"randperm", [](const Tensor&, DType d) { return randperm(2, {.dtype = d}); }, {}},
      {"normal", [](const Tensor&, DType d) { return normal(0, 1, {3}, {.dtype = d}); }, {}, {int64, boolean}},
  };
  return rows;
}

/// A number as an element of a dtype.
double as_element(double v, DType dtype) {
  switch (dtype) {
    case DType::boolean: return v != 0;
    case DType::int64: return std::trunc(v);
    default: return v;
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(that_is_asked_for_is_what_comes_out_or_a_dtype_error) {
  const std::vector<std::vector<double>> values = {{1.5, 2.0, 3.0}, {0.5, 0.0, -1.25, 2.0, 1.0}, {1.0}, {}};
  for (const DTypeRow& row : dtype_rows())
    for (const auto& v : values)
      for (DType from : all_dtypes)
        for (DType asked : all_dtypes)
          for (int layout : {0, 1, 2}) {  // dense, every second element, one value everywhere
            Tensor x = tensor(v, {.dtype = float64}).to(from);
            if (layout == 1) x = stack({x, zeros_like(x)}, 1).select(1, 0);
            if (layout == 2) {
              if (v.empty()) continue;
              x = x.narrow(0, 0, 1).expand({5});
            }
            const std::string title =
                concat(row.name, " of ", dtype_name(from), " ", x.to_string(), ", asked for ", dtype_name(asked));
            const Outcome got = outcome_of(title, [&] { return row.f(x, asked); });
            if (row.refused.contains(asked)) {
              BOOST_TEST(got.dtype_error, title << ": " << got.error);
              BOOST_TEST(got.error.starts_with(row.name + ": "), title << ": " << got.error);
              continue;
            }
            BOOST_TEST(got.error == "", title << ": " << got.error);
            if (!got.error.empty()) continue;
            BOOST_TEST((got.y.dtype() == asked), title << " gives " << dtype_name(got.y.dtype()));
            if (!row.reference) continue;
            std::vector<double> converted = x.to_vector<double>();
            for (double& e : converted) e = as_element(e, asked);
            std::vector<double> expected = row.reference(converted);
            for (double& e : expected) e = as_element(e, asked);
            BOOST_TEST(close(got.y.reshape({-1}), tensor(expected)),
                       title << " gives " << got.y.to_string() << " instead of " << tensor(expected).to_string());
          }
}

BOOST_AUTO_TEST_CASE(of_a_running_or_whole_sum_may_be_bool_and_large) {
  // Enough elements for a kernel that read the wrong type to leave the memory of the tensor.
  for (std::int64_t n : {3, 1000, 70'001}) {
    const Tensor one = ones({n}), few = zeros({n});
    few[n / 2].fill_(1);
    BOOST_TEST(cumsum(one, 0, boolean).all().item<bool>());
    BOOST_TEST(cumsum(few, 0, boolean).to(int64).sum().item<std::int64_t>() == n - n / 2);
    BOOST_TEST(cumprod(1 - few, 0, boolean).to(int64).sum().item<std::int64_t>() == n / 2);
    BOOST_TEST(cumsum(one.to(boolean), 0).to(float64)[n - 1].item() == static_cast<double>(n));
    BOOST_TEST((cumsum(one.to(boolean), 0).dtype() == int64));
    BOOST_TEST((cumprod(one.to(boolean), 0).dtype() == int64));
    for (DType dtype : all_dtypes)
      BOOST_TEST(nansum(one, {}, false, dtype).item() == (dtype == boolean ? 1.0 : static_cast<double>(n)));
  }
  BOOST_TEST(nansum(tensor({1.5, 2.0, 3.0}), {}, false, int64).item<std::int64_t>() == 6);
  BOOST_TEST(nansum(tensor({1.5, std::nan(""), 3.0}), {}, false, int64).item<std::int64_t>() == 4);
  BOOST_TEST(!nansum(tensor({std::nan("")}), {}, false, boolean).item<bool>());
}

namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

BOOST_AUTO_TEST_CASE(has_a_row_for_every_function_that_takes_one) {
  const std::filesystem::path autograd = source_root() / "autograd";
  std::set<std::string> rows, functions;
  for (const DTypeRow& r : dtype_rows()) rows.insert(r.name);
  // A declaration, up to its semicolon or body, that has a DType or TensorOptions among its parameters.
  const std::regex declaration(R"(\n(?:inline )?Tensor (\w+)\(([^;{}]|\{\})*?(?:DType|TensorOptions)\b)");
  for (const char* folder : {"ops", "tensor"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(autograd / folder)) {
      if (entry.path().extension() != ".h" || entry.path().parent_path().filename() == "internal") continue;
      std::string text = text_of(entry.path());
      // What the library alone calls.
      for (std::size_t at = 0; (at = text.find("\nnamespace detail {", at)) != std::string::npos;)
        text.erase(at, text.find("\n}", at) - at);
      for (std::sregex_iterator it(text.begin(), text.end(), declaration), end; it != end; ++it)
        functions.insert((*it)[1]);
    }
  for (const char* f : {"make_empty", "make_number", "wrap_blob", "wrap_owned_blob"})
    functions.erase(f);  // for the library
  BOOST_TEST(functions.size() > 25u);
  for (const std::string& f : functions) BOOST_TEST(rows.contains(f), f << " takes a dtype and has no row");
  for (const std::string& r : rows) BOOST_TEST(functions.contains(r), r << " has a row and takes no dtype");
}

BOOST_AUTO_TEST_SUITE_END()
