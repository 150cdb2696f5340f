#pragma once

#include <string>
#include <utility>
#include <vector>

namespace compare {

/// What figures depend on beside the work: processor, compiler, versions, the kernels OpenBLAS took, the load of the
/// machine.
std::vector<std::pair<std::string, std::string>> describe_machine();
/// Empty, or why OpenBLAS is slower than it could be here.
std::string openblas_warning();

}  // namespace compare
