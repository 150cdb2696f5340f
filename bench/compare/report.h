#pragma once

#include <string>
#include <vector>

#include "harness.h"

namespace compare {

/// The head of the Markdown table, and its row of one work.
std::string table_head();
std::string table_row(const Figures& f);
/// Geometric means of the ratios, and the rows on the wrong side of a bound.
std::string summary(const std::vector<Figures>& all);
/// Machine, command and all figures.
std::string json_text(const std::vector<Figures>& all, const std::string& command);
/// Machine and command, for the end of the Markdown file.
std::string provenance(const std::string& command);

}  // namespace compare
