#include "slope/autograd/core/call_path.h"

#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace slope::detail {

namespace {

struct Paths {
  std::mutex mutex;
  std::map<std::pair<CallPath, std::string>, CallPath> numbers;
  std::vector<std::string> texts{std::string()};
};

// Never destroyed: graphs may be looked at while the program ends.
Paths& paths() {
  static auto* const all = new Paths;
  return *all;
}

}  // namespace

CallPath extend_path(CallPath outer, const std::string& name) {
  Paths& all = paths();
  const std::lock_guard lock(all.mutex);
  const auto [at, fresh] = all.numbers.try_emplace({outer, name}, static_cast<CallPath>(all.texts.size()));
  if (fresh) all.texts.push_back(outer == 0 ? name : all.texts[outer] + "." + name);
  return at->second;
}

std::string path_text(CallPath path) {
  Paths& all = paths();
  const std::lock_guard lock(all.mutex);
  return all.texts[path];
}

}  // namespace slope::detail
