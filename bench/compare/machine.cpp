#include "machine.h"

#include <fstream>
#include <thread>

#include "harness.h"
#include "slope/autograd/kernels/gemm/blas_core.h"

namespace compare {

namespace {

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  std::string line, text;
  // Virtual machines often hide the name of the model but not its number.
  for (const char* key : {"model name", "cpu family", "model\t"}) {
    file.clear();
    file.seekg(0);
    while (std::getline(file, line))
      if (line.starts_with(key) && line.find(": ") != std::string::npos) {
        text += (text.empty()                       ? ""
                 : key == std::string("cpu family") ? ", family "
                                                    : ", model ") +
                line.substr(line.find(": ") + 2);
        break;
      }
  }
  return text.empty() ? "unknown" : text;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> describe_machine() {
  std::vector<std::pair<std::string, std::string>> all;
  all.emplace_back("processor", processor());
  all.emplace_back("cores", std::to_string(std::thread::hardware_concurrency()));
#if defined(__clang__)
  all.emplace_back("compiler", __VERSION__);
#else
  all.emplace_back("compiler", "GCC " __VERSION__);
#endif
  if (*slope::blas_core_name()) all.emplace_back("openblas_core", slope::blas_core_name());
  if (!torch_works().version.empty()) all.emplace_back("libtorch", torch_works().version);
  std::string load;
  if (std::ifstream("/proc/loadavg") >> load) all.emplace_back("load_average", load);
  return all;
}

}  // namespace compare
