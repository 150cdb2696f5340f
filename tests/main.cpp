#define BOOST_TEST_MODULE slope
#include "support/test_data.h"

#include <boost/test/unit_test.hpp>

const std::filesystem::path& test_data() {
  static const std::filesystem::path folder = SLOPE_TEST_DATA;
  return folder;
}

std::filesystem::path source_root() { return test_data().parent_path().parent_path(); }
