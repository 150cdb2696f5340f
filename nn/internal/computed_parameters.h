#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "slope/nn/containers.h"
#include "slope/nn/module.h"

/// Parameters that a module computes from others: the one mechanism behind parametrizations, weight_norm, spectral_norm and pruning.
///
/// Such a parameter is no entry of its module any more. What it is computed from are entries (of the module, or of its child
/// `parametrizations`), and every Parameter that stands for it is given the result, with its graph, before a forward.
namespace slope::nn::detail {

/// A parameter as a module keeps it, with all Parameters that stand for it.
class Registered : public Tensor {
 public:
  explicit Registered(const Tensor& t) : Tensor(t) {}
  /// Makes it, and all that stand for it, another tensor.
  void set(const Tensor& t);

  void join(Parameter& p);
  void leave(const Parameter& p) noexcept;
  /// `to` takes the place of `from`.
  void move(const Parameter& from, Parameter& to) noexcept;

  /// What computes it: "weight_norm"; empty for a parameter that is an entry.
  std::string computed_by;

 private:
  std::mutex mutex_;
  std::vector<Parameter*> handles_;
};
using RegisteredPtr = std::shared_ptr<Registered>;

/// Which rule computes a parameter; how it is undone depends on it.
enum class ComputedBy { parametrizations, weight_norm, spectral_norm, prune };

struct ComputedParameter {
  std::string name;
  ComputedBy by;
  RegisteredPtr target;
  /// The value. `training` is the module's mode; without it nothing else may change.
  Function<Tensor(bool training)> compute;
  /// Names of what it is computed from, and what they are called by the other spelling.
  std::vector<std::pair<std::string, std::string>> spellings{};
};

class ComputedParameters {
 public:
  /// In order of registration. A later one may compute what an earlier one is computed from.
  std::vector<ComputedParameter> all;
  /// The child of this name, once there is one.
  std::unique_ptr<ModuleDict> parametrizations;

  const ComputedParameter* find(const std::string& name) const;
  void begin(bool training);
  void end() noexcept;
  /// Brings the values up to date where nobody calls the module, without recording or changing anything else.
  void refresh();
  /// After the dtype of what they are computed from changed.
  void convert(DType dtype);

 private:
  void compute(bool training);
  std::recursive_mutex mutex_;
  int depth_ = 0;
};

/// What these functions do to a module from outside.
struct ModuleAccess {
  using Computed = std::shared_ptr<ComputedParameters>;
  /// Null unless a parameter of the module itself is computed.
  static Computed computed(const Module& m) {
    const auto& hooks = m.state().hooks;
    return hooks ? hooks->computed : nullptr;
  }
  static Computed make_computed(Module& m);
  /// Forgets a computed parameter, which it returns; and `parametrizations` when it was the last of those.
  static RegisteredPtr forget_computed(Module& m, const std::string& name);

  /// Null when there is no such entry.
  static RegisteredPtr find_parameter(const Module& m, const std::string& name);
  static std::shared_ptr<Tensor> find_buffer(const Module& m, const std::string& name);
  static std::vector<std::string> parameter_names(const Module& m);
  /// Makes an entry of what had been one, or takes one away.
  static void put_parameter(Module& m, std::string name, RegisteredPtr parameter);
  static void drop_parameter(Module& m, const std::string& name);
  static void drop_buffer(Module& m, const std::string& name);
  static Parameter add_parameter(Module& m, std::string name, const Tensor& value, SourceLoc loc) {
    return m.parameter(std::move(name), value, loc);
  }
  static Tensor add_buffer(Module& m, std::string name, const Tensor& value, SourceLoc loc) {
    return m.buffer(std::move(name), value, true, loc);
  }
  static void check_name(const Module& m, const std::string& name, SourceLoc loc) { m.check_name(name, loc); }
  static void link(Module& m, std::string name, Module& child, SourceLoc loc) { m.link(std::move(name), child, loc); }
  /// Of this module alone.
  static void set_mode(Module& m, bool training) { m.state().training = training; }
  /// Parameters of a module are handles of this.
  static Parameter handle(const RegisteredPtr& r) { return Parameter(std::static_pointer_cast<Tensor>(r)); }
};

/// Makes `value` a parameter, or throws and changes nothing.
void become_parameter(const std::string& what, std::string name, const Tensor& value, SourceLoc loc);
/// Notes that parameters anywhere came, went or became others.
void structure_changed();

}  // namespace slope::nn::detail
