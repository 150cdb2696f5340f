#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "oracle/record.h"

// What the runner of the oracle does with a record. Nothing here reports to a test: faults are sentences in a list, so that a test can
// also demand that there are some.
namespace oracle {

using Problems = std::vector<std::string>;

/// Results by name; a function with one result calls it "".
using Function = std::function<Tensors(const Record&, const Arguments& inputs)>;

/// One way to run a record: a loss is run as a function and as a module.
using Form = std::function<void(const Record&, Problems&)>;
/// All ways to run the records of one kind and name.
using Forms = std::vector<Form>;
using Drivers = std::map<std::pair<std::string, std::string>, Forms>;

/// Checks a record of a function: the outputs; the gradients on dense and on strided inputs, by the plain backward and by one that is
/// recorded; second order where there is one; an error that leaves the inputs alone where one is expected.
Form function_form(Function function);
/// The same for a function that makes a module, whose class it compares with the record's.
Form module_form(Function function);

/// "" or what is wrong in a call that a record expects to fail.
void expect_error(const Record& record, const std::function<void()>& call, Problems& problems);
void expect_same(const slope::Tensor& got, const slope::Tensor& expected, Tolerance tolerance, const std::string& what,
                 Problems& problems);

// ---- the drivers, one file per kind
void add_losses(Drivers& drivers);
void add_activations(Drivers& drivers);
void add_operations(Drivers& drivers);
void add_modules(Drivers& drivers);
void add_functionals(Drivers& drivers);
void add_convolutions(Drivers& drivers);
void add_normalization(Drivers& drivers);
void add_attention(Drivers& drivers);
void add_optimizers(Drivers& drivers);
void add_pool_layers(Drivers& drivers);
void add_recurrence(Drivers& drivers);
void add_utils(Drivers& drivers);
const Drivers& drivers();

// ---- the one list of what is not done, which is exact: see oracle_test.cpp
/// Kinds and names that have records, and are not built yet.
const std::vector<std::pair<std::string, std::string>>& not_built_yet();
/// Records of what is built that do not agree yet, with the reason.
const std::map<std::string, std::string>& not_right_yet();

/// What is wrong with a record itself, whether or not it is run: a field its kind does not have, an output, an upstream gradient or a
/// gradient that is missing.
Problems format_problems(const Json& json);
/// What is wrong after running a record by one form: results that differ, and what was not read.
Problems problems_of(const Json& json, const Form& form);
/// All of that, or that nobody knows the record.
Problems problems_of(const Json& json);

}  // namespace oracle
