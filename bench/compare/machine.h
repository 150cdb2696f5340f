#pragma once

#include <string>
#include <utility>
#include <vector>

namespace compare {

/// What figures depend on beside the work: processor, compiler, versions, the kernels OpenBLAS took, the load of the
/// machine.
std::vector<std::pair<std::string, std::string>> describe_machine();

}  // namespace compare
