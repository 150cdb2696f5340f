#include "slope/autograd/engine/internal/parameter.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "slope/autograd/core/internal/fork.h"
#include "slope/autograd/engine/internal/extras.h"

namespace slope::detail {

namespace {

struct Orphan {
  std::uint64_t backward;
  std::weak_ptr<ParameterInfo> parameter;
};

std::atomic<std::uint64_t> g_backward{0};
std::atomic<bool> g_any{false};
std::mutex g_mutex;
[[maybe_unused]] const bool survives_fork = hold_across_fork(g_mutex, ForkOrder::outer);
std::vector<Orphan> g_orphans;  // the most recent ones
constexpr std::size_t most_orphans = 256;

}  // namespace

void mark_parameter(const Tensor& t, std::string name, SourceLoc where) {
  GradMeta& meta = meta_of(t.impl());
  if (meta.parameter) return;  // shared by two modules
  meta.parameter = std::make_shared<ParameterInfo>();
  meta.parameter->name = std::move(name);
  meta.parameter->shape = t.shape();
  meta.parameter->where = where;
}

void count_owner(const Tensor& t, int change) {
  if (GradMeta* meta = t.impl().meta; meta && meta->parameter) meta->parameter->owners += change;
}

bool may_have_orphans() { return g_any.load(std::memory_order_relaxed); }

std::uint64_t latest_backward() { return g_backward.load(std::memory_order_relaxed); }

std::uint64_t last_gradient(const Tensor& t) {
  const GradMeta* meta = t.impl().meta;
  if (!meta) return 0;
  const std::uint64_t reached = meta->last_backward.load(std::memory_order_relaxed);
  const std::uint64_t given = meta->gradient_given.load(std::memory_order_relaxed);
  return reached > given ? reached : given;
}

std::uint64_t next_backward() { return g_backward.fetch_add(1, std::memory_order_relaxed) + 1; }

void note_leaf(GradMeta& meta, std::uint64_t backward) {
  meta.last_backward.store(backward, std::memory_order_relaxed);
  if (!meta.parameter || meta.parameter->owners.load(std::memory_order_relaxed) > 0) return;
  std::lock_guard lock(g_mutex);
  if (g_orphans.size() == most_orphans) g_orphans.erase(g_orphans.begin(), g_orphans.begin() + most_orphans / 2);
  g_orphans.push_back({backward, meta.parameter});
  g_any.store(true, std::memory_order_relaxed);
}

namespace {
/// Those that died or found an owner meanwhile are no orphans.
void forget_others() {
  std::erase_if(g_orphans, [](const Orphan& o) {
    const auto p = o.parameter.lock();
    return !p || p->owners.load(std::memory_order_relaxed) > 0;
  });
  g_any.store(!g_orphans.empty(), std::memory_order_relaxed);
}
}  // namespace

std::shared_ptr<const ParameterInfo> find_orphan(const Tensor& held) {
  const GradMeta* meta = held.impl().meta;
  if (!meta) return nullptr;
  const std::uint64_t backward = meta->last_backward.load(std::memory_order_relaxed);
  std::lock_guard lock(g_mutex);
  forget_others();
  for (const Orphan& o : g_orphans)
    if (o.backward == backward && backward != 0) return o.parameter.lock();
  return nullptr;
}

std::vector<std::shared_ptr<const ParameterInfo>> orphans_since(std::uint64_t backward) {
  std::vector<std::shared_ptr<const ParameterInfo>> out;
  std::lock_guard lock(g_mutex);
  forget_others();
  for (const Orphan& o : g_orphans) {
    if (o.backward <= backward) continue;
    const auto p = o.parameter.lock();
    if (p && std::find(out.begin(), out.end(), p) == out.end()) out.push_back(p);
  }
  return out;
}

}  // namespace slope::detail
