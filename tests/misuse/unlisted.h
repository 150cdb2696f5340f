#pragma once

#include <map>
#include <string>

// What the table leaves out, each with the reason.

namespace misuse {

/// Functions whose errors cannot name the caller's line. The list is exact: a row of it that always names its line is an error.
const std::map<std::string, std::string>& lines_that_cannot_be_named();

/// Headers that users do not include for themselves: the library's own tools, whose arguments the library made.
const std::map<std::string, std::string>& headers_without_rows();

/// Single functions without a row.
const std::map<std::string, std::string>& functions_without_rows();

/// Why a function has no row; empty when it must have one.
std::string why_without_row(const std::string& name);

}  // namespace misuse
