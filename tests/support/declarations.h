#pragma once

#include <string>
#include <vector>

// What the headers declare, read without a compiler: enough of C++ for this project's own style. Tables of tests use it to
// demand a row for every function.

struct Declaration {
  /// Class::function, or function; operators as `operator[]`.
  std::string name;
  /// The declaration without comments and body.
  std::string text;
};

/// The functions that a header declares for users: of namespaces (but `detail`), and public or protected ones of classes.
std::vector<Declaration> public_functions(const std::string& header);

/// Whether the function takes a SourceLoc, or an argument that brings one along (In, At, Key).
bool takes_callers_line(const Declaration& declaration);
