#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "slope/autograd/tensor/tensor.h"

// Expected values recorded from a reference implementation, tests/data/oracle*.jsonl: one JSON record per line. Tensors are
// {"dtype", "shape", "data"}; numbers that are not finite are the strings "nan", "inf" and "-inf".
//
// A record is read through Value, which notes what was read. What nobody read when a test is done (an option the test does not
// know, an input it does not pass on, a field of a new format) is a fault of the test: unread() names it.
namespace oracle {

using Json = nlohmann::json;
using Tensors = std::map<std::string, slope::Tensor>;

/// A number, also where it is written as a string.
double number(const Json& j);
slope::Tensor tensor(const Json& j);
bool is_tensor(const Json& j);

/// What was read, by address.
using Reads = std::set<const Json*>;

/// A value of a record. Every function but is_tensor, contains, keys, size and at notes that the value was read.
class Value {
 public:
  Value(const Json& json, Reads& reads) : json_(&json), reads_(&reads) {}

  bool contains(const std::string& key) const { return json_->is_object() && json_->contains(key); }
  std::vector<std::string> keys() const;
  std::size_t size() const { return json_->size(); }
  Value at(const std::string& key) const { return {json_->at(key), *reads_}; }
  Value at(std::size_t i) const { return {json_->at(i), *reads_}; }
  bool is_tensor() const { return oracle::is_tensor(*json_); }

  bool is_null() const;
  double real() const { return number(raw()); }
  std::int64_t integer() const { return raw().get<std::int64_t>(); }
  bool flag() const { return raw().get<bool>(); }
  std::string text() const { return raw().get<std::string>(); }
  std::vector<std::string> words() const { return raw().get<std::vector<std::string>>(); }
  std::vector<std::int64_t> integers() const { return raw().get<std::vector<std::int64_t>>(); }
  slope::Tensor tensor() const { return oracle::tensor(raw()); }
  /// One tensor, called "", or several by name.
  Tensors tensors() const;

 private:
  const Json& raw() const {
    reads_->insert(json_);
    return *json_;
  }
  const Json* json_;
  Reads* reads_;
};

struct Tolerance {
  double absolute = 1e-10;
  double relative = 1e-8;
};

/// One record, and what was read of it.
class Record {
 public:
  explicit Record(const Json& json) : json_(json) {}
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;

  const Json& json() const { return json_; }
  Value value() const { return {json_, reads_}; }
  Value at(const char* field) const { return value().at(field); }
  bool contains(const char* field) const { return json_.contains(field); }

  std::string id() const { return at("id").text(); }
  std::string kind() const { return at("kind").text(); }
  std::string name() const { return at("name").text(); }
  bool expects_error() const { return contains("expect_error") && at("expect_error").flag(); }
  /// "v-0215 cross_entropy {"reduction":"mean"}".
  std::string title() const;
  /// Whether the record has a tag.
  bool tagged(const std::string& tag) const;
  Tolerance tolerance() const;

  // ---- options; null is as absent
  bool has(const char* option) const;
  double real(const char* option, double otherwise) const { return has(option) ? option_(option).real() : otherwise; }
  std::int64_t integer(const char* option, std::int64_t otherwise) const {
    return has(option) ? option_(option).integer() : otherwise;
  }
  bool flag(const char* option, bool otherwise) const { return has(option) ? option_(option).flag() : otherwise; }
  std::string word(const char* option, const std::string& otherwise) const {
    return has(option) ? option_(option).text() : otherwise;
  }
  std::vector<std::int64_t> integers(const char* option) const { return option_(option).integers(); }

  // ---- tensors
  /// Inputs and parameters as fresh leaves, those to be differentiated marked. `strided` lays them out with gaps.
  Tensors leaves(bool strided = false) const;
  std::vector<std::string> differentiated() const;

  /// Paths of what was not read.
  std::vector<std::string> unread() const;

 private:
  friend class Arguments;
  Value option_(const char* name) const { return at("options").at(name); }
  Json json_;
  mutable Reads reads_;
};

/// The tensors a function takes: the leaves of a record, after the operations of "pre". Taking one notes that it was read, so a
/// function takes all of its arguments before it makes a call that may throw.
class Arguments {
 public:
  Arguments(const Record& record, const Tensors& leaves);
  bool contains(const std::string& name) const { return tensors_.contains(name); }
  const slope::Tensor& at(const std::string& name) const;
  /// Undefined where there is none.
  slope::Tensor get(const std::string& name) const { return contains(name) ? at(name) : slope::Tensor(); }

 private:
  const Record* record_;
  Tensors tensors_;
};

/// All records of all files.
const std::vector<Json>& records();

/// "" when equal: shape, dtype, NaN, infinities with sign, numbers within the tolerance; else what differs.
std::string difference(const slope::Tensor& got, const slope::Tensor& expected, Tolerance tolerance);

}  // namespace oracle
