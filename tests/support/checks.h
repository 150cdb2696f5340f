#pragma once

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <initializer_list>
#include <string>
#include <vector>

#include "slope/autograd/core/error.h"
#include "slope/autograd/tensor/tensor.h"

// What many tests say: "these values", "about these values", "this error".

inline bool same_number(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

inline void check_values(const slope::Tensor& t, std::initializer_list<double> expected) {
  BOOST_REQUIRE(t.defined());
  const std::vector<double> got = t.to_vector<double>();
  BOOST_REQUIRE_EQUAL(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    BOOST_TEST(same_number(got[i], expected.begin()[i]),
               "element " << i << ": " << got[i] << " != " << expected.begin()[i]);
}

inline void check_close(const slope::Tensor& t, std::initializer_list<double> expected, double tolerance) {
  BOOST_REQUIRE(t.defined());
  const std::vector<double> got = t.to_vector<double>();
  BOOST_REQUIRE_EQUAL(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double e = expected.begin()[i];
    BOOST_TEST((same_number(got[i], e) || std::abs(got[i] - e) <= tolerance * std::max(1.0, std::abs(e))),
               "element " << i << ": " << got[i] << " is not within " << tolerance << " of " << e);
  }
}

/// `call` throws an `E` whose text contains `text` and names a line of the calling test.
template <class E, class F>
void check_error(const F& call, const std::string& text, const char* file = __builtin_FILE()) {
  try {
    call();
    BOOST_ERROR("expected an error containing \"" + text + "\", nothing was thrown");
  } catch (const E& e) {
    const std::string what = e.what();
    BOOST_TEST(what.find(text) != std::string::npos,
               "the error \"" << what << "\" does not contain \"" << text << "\"");
    const std::string path(file);
    const std::string name = path.substr(path.find_last_of('/') + 1);
    BOOST_TEST(what.find(name + ":") != std::string::npos,
               "the error \"" << what << "\" does not name a line of " << name);
  } catch (const std::exception& e) {
    BOOST_ERROR("expected another type of error, got \"" + std::string(e.what()) + "\"");
  }
}
