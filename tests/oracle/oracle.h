#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "slope/autograd/tensor/tensor.h"

// Expected values recorded from a reference implementation, tests/data/oracle.jsonl: one JSON record per line. Tensors are
// {"dtype", "shape", "data"}; numbers that are not finite are the strings "nan", "inf" and "-inf".
namespace oracle {

using Json = nlohmann::json;
using Tensors = std::map<std::string, slope::Tensor>;

/// A number, also where it is written as a string.
double number(const Json& j);
slope::Tensor tensor(const Json& j);

struct Tolerance {
  double absolute = 1e-10;
  double relative = 1e-8;
};

/// One record of the file.
class Record {
 public:
  explicit Record(Json json) : json_(std::move(json)) {}

  const Json& json() const { return json_; }
  std::string text(const char* field) const { return json_.value(field, std::string()); }
  std::string id() const { return text("id"); }
  std::string kind() const { return text("kind"); }
  std::string name() const { return text("name"); }
  bool expects_error() const { return json_.value("expect_error", false); }
  /// "v-0215 cross_entropy {"reduction":"mean"}".
  std::string title() const;

  const Json& options() const { return json_.at("options"); }
  bool has(const char* option) const { return options().contains(option) && !options().at(option).is_null(); }
  double real(const char* option, double otherwise) const {
    return has(option) ? number(options().at(option)) : otherwise;
  }
  std::int64_t integer(const char* option, std::int64_t otherwise) const {
    return has(option) ? options().at(option).get<std::int64_t>() : otherwise;
  }
  bool flag(const char* option, bool otherwise) const {
    return has(option) ? options().at(option).get<bool>() : otherwise;
  }
  std::string word(const char* option, const std::string& otherwise) const {
    return has(option) ? options().at(option).get<std::string>() : otherwise;
  }

  /// Inputs and parameters as fresh leaves, those to be differentiated marked. `strided` lays them out with gaps.
  Tensors leaves(bool strided = false) const;
  /// What a function takes: the leaves after the operations of "pre".
  Tensors prepared(const Tensors& leaves) const;
  std::vector<std::string> differentiated() const;
  Tolerance tolerance() const;

 private:
  Json json_;
};

/// All records of one kind.
std::vector<Record> records(const std::string& kind);

/// "" when equal: shape, dtype, NaN, infinities with sign, numbers within the tolerance; else what differs.
std::string difference(const slope::Tensor& got, const slope::Tensor& expected, Tolerance tolerance);

/// Results by name; a function with one result calls it "".
using Function = std::function<Tensors(const Record&, const Tensors& inputs)>;

/// Checks a record with Boost.Test: the outputs; the gradients on dense and on strided inputs, by the plain backward and by one that
/// is recorded; second order where there is one; an error that leaves the inputs alone where one is expected.
void check(const Record& record, const Function& function);

}  // namespace oracle
