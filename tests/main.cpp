#define BOOST_TEST_MODULE slope
#include <boost/test/unit_test.hpp>
