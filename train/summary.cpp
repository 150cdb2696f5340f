#include "slope/train/summary.h"

#include <set>

#include "slope/autograd/engine/grad_mode.h"
#include "slope/autograd/tensor/factory.h"
#include "slope/train/internal/mode_guard.h"

namespace slope::train {

namespace {

/// Hooks that are gone at the end of the scope.
struct Hooks {
  std::vector<nn::ForwardHookHandle> handles;
  Hooks() = default;
  Hooks(const Hooks&) = delete;
  Hooks& operator=(const Hooks&) = delete;
  ~Hooks() {
    for (auto& h : handles) h.remove();
  }
};

std::vector<std::int64_t> for_any_batch(const Shape& shape) {
  std::vector<std::int64_t> out(shape.begin(), shape.end());
  if (!out.empty()) out[0] = -1;
  return out;
}

}  // namespace

SummaryInfo summarize(nn::Module& net, const Tensor& example, SourceLoc loc) {
  const CallerScope caller(loc);
  SummaryInfo info;
  info.input_shapes.emplace_back(example.shape().begin() + (example.dim() > 0), example.shape().end());
  for (const Tensor& p : net.parameters())
    if (p.is_floating_point()) {
      info.bytes_per_number = static_cast<std::int64_t>(itemsize(p.dtype()));
      break;
    }

  Hooks hooks;
  std::set<const nn::Module*> seen;
  const std::int64_t batch = example.dim() > 0 && example.size(0) > 0 ? example.size(0) : 1;
  for (const auto& [path, module] : net.named_modules()) {
    if (!module->children().empty() && module->parameters(false).empty()) continue;
    hooks.handles.push_back(
        module->register_forward_hook([&, name = path](nn::Module& m, const Tensor&, const Tensor& output) {
          SummaryRow row{.type = m.class_name(),
                         .output_shape = for_any_batch(output.shape()),
                         .name = name,
                         .has_children = !m.children().empty()};
          for (const Tensor& p : m.parameters(false)) {
            row.params += p.numel();
            if (p.requires_grad()) row.trainable_params += p.numel();
          }
          row.macs = m.macs(output.shape()) / batch;
          row.reused = !seen.insert(&m).second;
          info.rows.push_back(std::move(row));
        }));
  }

  NoGradGuard no_grad;
  const ModeGuard mode(net, false);
  (void)net(In(example, loc));
  return info;
}

SummaryInfo summarize(nn::Module& net, const Shape& input_shape, SourceLoc loc) {
  const CallerScope caller(loc);
  Shape shape = input_shape;
  shape.insert(0, 1);
  DType dtype = float32;
  for (const Tensor& p : net.parameters())
    if (p.is_floating_point()) {
      dtype = p.dtype();
      break;
    }
  return summarize(net, zeros(shape, {.dtype = dtype}, loc), loc);
}

}  // namespace slope::train
