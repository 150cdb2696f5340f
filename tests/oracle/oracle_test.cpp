#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "oracle/check.h"
#include "support/test_data.h"

using oracle::Json;
using Key = std::pair<std::string, std::string>;

namespace {

const std::set<Key>& recorded() {
  static const std::set<Key> all = [] {
    std::set<Key> keys;
    for (const Json& json : oracle::records()) keys.emplace(json.at("kind"), json.at("name"));
    return keys;
  }();
  return all;
}

/// All names of classes and functions that the headers declare.
const std::set<std::string>& declared() {
  static const std::set<std::string> all = [] {
    std::set<std::string> names;
    const std::regex declaration(R"((?:class|struct) (\w+)|\b(\w+)\()");
    const std::filesystem::path root = source_root();
    for (const char* folder : {"autograd/ops", "nn", "optim"})
      for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
        if (entry.path().extension() != ".h" || entry.path().parent_path().filename() == "internal") continue;
        std::ifstream in(entry.path());
        for (std::string line; std::getline(in, line);) {
          if (line.find("///") != std::string::npos) continue;
          for (std::sregex_iterator it(line.begin(), line.end(), declaration), end; it != end; ++it)
            names.insert((*it)[(*it)[1].matched ? 1 : 2]);
        }
      }
    return names;
  }();
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(records)

BOOST_AUTO_TEST_CASE(all_agree_with_the_reference_and_are_read_to_the_last_field) {
  for (const Json& json : oracle::records()) {
    const std::vector<std::string> problems = oracle::problems_of(json);
    const auto known = oracle::not_right_yet().find(json.at("id"));
    if (known == oracle::not_right_yet().end())
      for (const std::string& problem : problems) BOOST_ERROR(problem);
    else
      BOOST_TEST(!problems.empty(), known->first << " agrees, and still stands in the list of what does not");
  }
}

BOOST_AUTO_TEST_CASE(no_two_have_the_same_id) {
  std::set<std::string> ids;
  for (const Json& json : oracle::records())
    BOOST_TEST(ids.insert(json.at("id")).second, json.at("id").get<std::string>());
  for (const auto& [id, reason] : oracle::not_right_yet()) BOOST_TEST(ids.contains(id), id << " has no record");
}

BOOST_AUTO_TEST_CASE(every_driver_has_records) {
  for (const auto& [key, forms] : oracle::drivers()) {
    BOOST_TEST(recorded().contains(key), key.first << " " << key.second << " has no record");
    BOOST_TEST(!forms.empty());
  }
}

BOOST_AUTO_TEST_CASE(the_list_of_what_is_not_built_is_exact) {
  BOOST_TEST(declared().contains("Linear"));
  BOOST_TEST(declared().contains("Adam"));
  BOOST_TEST(declared().contains("one_hot"));
  std::set<Key> listed;
  for (const Key& key : oracle::not_built_yet()) {
    const std::string title = key.first + " " + key.second;
    BOOST_TEST(listed.insert(key).second, title << " is listed twice");
    BOOST_TEST(recorded().contains(key), title << " has no record");
    BOOST_TEST(!oracle::drivers().contains(key), title << " is built, and still stands in the list of what is not");
    const std::string name = key.second.substr(key.second.rfind('.') + 1);
    BOOST_TEST(
        !declared().contains(name),
        title << " is declared in a header, so it needs a driver in tests/oracle in place of its line in the list");
  }
}

BOOST_AUTO_TEST_SUITE_END()
