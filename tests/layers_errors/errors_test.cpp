#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "layers_errors/rows.h"
#include "slope/autograd/core/error.h"
#include "support/test_data.h"

// Every layer refuses bad sizes, options and inputs in a sentence that is stated here word by word.

namespace layers_errors {
namespace {

std::vector<Row> all_rows() {
  std::vector<Row> all;
  for (const auto* part : {&convolution_rows(), &pooling_rows(), &padding_rows(), &normalization_rows(),
                           &recurrence_rows(), &attention_rows(), &small_rows()})
    all.insert(all.end(), part->begin(), part->end());
  return all;
}

/// The sentence that a call throws without its line, and whether that line is one of these files.
struct Thrown {
  std::string sentence;
  bool names_this_line = false;
};

Thrown thrown_by(const Row& row) {
  try {
    row.call();
  } catch (const slope::Error& e) {
    const std::string what = e.what();
    const std::size_t line = what.rfind(" (");
    return {what.substr(0, line), line != std::string::npos && what.find("layers_errors/", line) != std::string::npos};
  } catch (const std::exception& e) {
    return {std::string("no slope::Error, but ") + e.what()};
  }
  return {"nothing was thrown"};
}

/// The layers that the headers declare: classes derived from Module, but for those that others are made of.
std::set<std::string> declared_layers() {
  const std::filesystem::path root = source_root();
  static const std::regex a_class(R"(\nclass (\w+)\s*: public ([\w:]+))");
  static const std::set<std::string> parts = {"PlainActivation", "DimActivation", "TransformerLayer", "ConvPadding"};
  std::set<std::string> layers = {"CosineSimilarity", "PairwiseDistance"};
  for (const auto& entry : std::filesystem::directory_iterator(root / "nn" / "layers")) {
    if (entry.path().extension() != ".h") continue;
    std::ifstream file(entry.path());
    std::ostringstream text;
    text << file.rdbuf();
    const std::string header = text.str();
    for (auto at = std::sregex_iterator(header.begin(), header.end(), a_class); at != std::sregex_iterator(); ++at)
      if (const std::string name = (*at)[1]; !name.ends_with("Module") && !parts.contains(name)) layers.insert(name);
  }
  return layers;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(errors_of_layers)

BOOST_AUTO_TEST_CASE(are_the_stated_sentences_and_name_the_callers_line) {
  for (const Row& row : all_rows()) {
    const Thrown thrown = thrown_by(row);

    BOOST_TEST(thrown.sentence == row.sentence);
    BOOST_TEST(thrown.names_this_line, row.layer << ": " << thrown.sentence);
  }
}

BOOST_AUTO_TEST_CASE(name_the_operation_and_what_was_wrong) {
  std::set<std::string> sentences;
  for (const Row& row : all_rows()) {
    const std::string sentence = row.sentence;
    const std::size_t colon = sentence.find(": ");
    BOOST_TEST((colon != std::string::npos && colon > 2),
               row.layer << " does not begin with its operation: " << sentence);
    BOOST_TEST(sentence.size() > colon + 15, "more than a word: " << sentence);
    sentences.insert(std::string(row.layer) + sentence);
  }
  // Not one sentence for everything that can go wrong.
  BOOST_TEST(sentences.size() >= 350u);
}

BOOST_AUTO_TEST_CASE(are_stated_for_every_layer_of_the_headers) {
  std::set<std::string> stated;
  for (const Row& row : all_rows()) stated.insert(row.layer);
  const std::set<std::string> declared = declared_layers();
  BOOST_TEST(declared.size() > 100u);
  for (const std::string& layer : declared)
    if (layer != "Identity")  // refuses nothing
      BOOST_TEST(stated.contains(layer), layer << " has no row");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace layers_errors
