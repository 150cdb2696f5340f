#include "slope/optim/groups.h"

#include "slope/autograd/ops/ops.h"

namespace slope::optim {

namespace detail {

namespace {

/// Whether the whole name matches.
bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, from = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

std::vector<std::size_t> sort_by_pattern(const std::vector<std::pair<std::string, Tensor>>& named,
                                         const std::vector<std::string>& patterns, SourceLoc loc) {
  std::vector<std::size_t> places;
  std::vector<bool> used(patterns.size());
  for (const auto& [name, tensor] : named) {
    std::size_t at = 0;
    while (at < patterns.size() && !matches(patterns[at], name)) ++at;
    if (at < patterns.size()) used[at] = true;
    places.push_back(at);
  }
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (used[i]) continue;
    std::string some;
    for (std::size_t k = 0; k < named.size() && k < 4; ++k) some += (k ? ", " : "") + named[k].first;
    throw ValueError(concat("groups: no parameter belongs to the pattern '", patterns[i],
                            "' (the first that matches counts); the names are ", some, named.size() > 4 ? ", ..." : ""),
                     loc);
  }
  return places;
}

std::vector<std::string> child_patterns(const nn::Module& net, SourceLoc loc) {
  std::vector<std::string> all;
  for (const auto& [name, child] : net.named_children(loc))
    if (!child->parameters(true, loc).empty()) all.push_back(name + ".*");
  return all;
}

}  // namespace detail

GradientAccumulation::GradientAccumulation(Optimizer& optimizer, std::int64_t parts, SourceLoc loc)
    : optimizer_(optimizer), parts_(parts) {
  if (parts < 1) throw ValueError(concat("GradientAccumulation: parts must be at least 1, got ", parts), loc);
}

bool GradientAccumulation::backward(const Tensor& loss, SourceLoc loc) {
  CallerScope scope(loc);
  const Tensor share = loss / static_cast<double>(parts_);
  share.backward({}, {}, false, loc);
  if (++seen_ < parts_) return false;
  finish(loc);
  return true;
}

bool GradientAccumulation::flush(SourceLoc loc) {
  if (seen_ == 0) return false;
  CallerScope scope(loc);
  NoGradGuard no_grad;
  for (std::size_t g = 0; g < optimizer_.group_count(); ++g)
    for (const Tensor& p : optimizer_.group_params(g))
      if (p.grad().defined()) p.set_grad(p.grad() * (static_cast<double>(parts_) / static_cast<double>(seen_)));
  finish(loc);
  return true;
}

void GradientAccumulation::finish(SourceLoc loc) {
  optimizer_.step(loc);
  optimizer_.zero_grad(true, loc);
  seen_ = 0;
}

}  // namespace slope::optim
