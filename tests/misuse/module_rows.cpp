#include "misuse/row.h"

namespace misuse {

using namespace slope;

namespace {

using Size = std::int64_t;
using Loc = SourceLoc;
using nn::Module;
using Owned = std::unique_ptr<Module>;

/// Gives what a module offers its members.
struct Open : Module {
  using Module::forward;
  using Module::unlink;
  void add_child(const std::string& name, Loc loc) { (void)add(name, nn::ReLU(), loc); }
  void add_owned(const std::string& name, Owned child, Loc loc) { (void)add(name, std::move(child), loc); }
  void link_child(const std::string& name, Module& child, Loc loc) { link(name, child, loc); }
  Tensor make_parameter(const std::string& name, const Tensor& value, Loc loc) { return parameter(name, value, loc); }
  Tensor make_buffer(const std::string& name, const Tensor& value, bool keep, Loc loc) {
    return buffer(name, value, keep, loc);
  }
  Tensor operator()(In x, const Tensor& y) {
    return run(x, [&](const Tensor& t) { return t + y; });
  }
};
/// With something in it already.
struct Filled : Open {
  Filled() { add_child("a", Loc::here()); }
};

nn::Sequential sequence() { return nn::Sequential(nn::Linear(3, 3), nn::named("last", nn::ReLU())); }
nn::ModuleDict dict() {
  nn::ModuleDict d;
  d.insert("a", nn::ReLU());
  return d;
}
nn::ParameterDict parameters() {
  nn::ParameterDict d;
  d.insert("a", zeros({2}));
  return d;
}

}  // namespace

std::vector<Row> module_rows() {
  return {
      // ---- modules
      row("Module::Module", [] { return Open(); }),
      row("Module::forward", [](Module& m, In x) { return m(x); }),
      row("Module::operator()", [](Module& m, In x) { return m(x); }),
      row("Module::named_parameters", &Module::named_parameters),
      row("Module::parameters", &Module::parameters),
      row("Module::each_parameter", &Module::each_parameter),
      row("Module::named_buffers", &Module::named_buffers),
      row("Module::buffers", &Module::buffers),
      row("Module::named_children", &Module::named_children),
      row("Module::children", &Module::children),
      row("Module::named_modules", &Module::named_modules),
      row("Module::modules", &Module::modules),
      row("Module::apply", &Module::apply),
      row("Module::train", &Module::train),
      row("Module::eval", &Module::eval),
      row("Module::is_training", &Module::is_training),
      row("Module::zero_grad", &Module::zero_grad),
      row("Module::requires_grad_", &Module::requires_grad_),
      row("Module::to", &Module::to),
      row("Module::state_dict", &Module::state_dict),
      row("Module::load_state_dict", &Module::load_state_dict),
      row("Module::register_forward_pre_hook",
          [](Module& m, bool other, In x, Loc loc) {
            m.register_forward_pre_hook([other](Module&, const Tensor& t) { return other ? Tensor() : t; }, loc);
            return m(x);
          }),
      row("Module::register_forward_hook",
          [](Module& m, bool other, In x, Loc loc) {
            m.register_forward_hook([other](Module&, const Tensor&, const Tensor& y) { return other ? Tensor() : y; },
                                    loc);
            return m(x);
          }),
      row("Module::class_name", &Module::class_name),
      row("Module::extra_repr", &Module::extra_repr),
      row("Module::to_string", &Module::to_string),
      row("Module::macs", &Module::macs),
      row("Module::add", [](Filled& m, const std::string& name, Loc loc) { m.add_child(name, loc); }),
      row("Module::add",
          [](Filled& m, const std::string& name, Owned child, Loc loc) { m.add_owned(name, std::move(child), loc); }),
      row("Module::link",
          [](const std::string& name, bool itself, Loc loc) {
            nn::ReLU child;
            Filled m;
            m.link_child(name, itself ? static_cast<Module&>(m) : child, loc);
          }),
      row("Module::unlink",
          [](bool twice) {
            nn::ReLU child;
            Open m;
            m.link_child("child", child, Loc::here());
            m.unlink(child);
            if (twice) m.unlink(child);
          }),
      row("Module::parameter", [](Filled& m, const std::string& name, const Tensor& value,
                                  Loc loc) { return m.make_parameter(name, value, loc); }),
      row("Module::buffer", [](Filled& m, const std::string& name, const Tensor& value, bool keep,
                               Loc loc) { return m.make_buffer(name, value, keep, loc); }),
      row("Module::run", [](Open& m, In x, const Tensor& y) { return m(x, y); }),
      row<std::ostream&(std::ostream&, const Module&)>("operator<<", nn::operator<<),
      row("clone_into", nn::clone_into),
      row("ForwardHookHandle::ForwardHookHandle", [] { nn::ForwardHookHandle({}, 1).remove(); }),
      row("ForwardHookHandle::remove",
          [](Module& m, bool twice, Loc loc) {
            nn::ForwardHookHandle handle = m.register_forward_pre_hook([](Module&, const Tensor&) {}, loc);
            handle.remove();
            if (twice) handle.remove();
          }),
      row("Parameter::tie", [](const Tensor& other, Loc loc) { nn::Linear(3, 3).weight.tie(other, loc); }),
      // ---- containers
      row("named", [](std::string name, Loc loc) { return nn::named(std::move(name), nn::ReLU(), loc).name; }),
      row("ModuleSequence::size", [] { return sequence().size(); }),
      row("ModuleSequence::empty", [] { return sequence().empty(); }),
      row("ModuleSequence::operator[]", [](const At& i) { return sequence()[i].class_name(); }),
      row("ModuleSequence::at", [](const At& i) { return sequence().at<nn::Linear>(i).class_name(); }),
      row("ModuleSequence::push_back", [](Loc loc) { return sequence().push_back(nn::ReLU(), loc).class_name(); }),
      row("ModuleSequence::push_back",
          [](std::string name, Loc loc) {
            return sequence().push_back(std::move(name), nn::ReLU(), loc).class_name();
          }),
      row("ModuleSequence::push_back", [](Owned child, Loc loc) { sequence().push_back(std::move(child), loc); }),
      row("ModuleSequence::push_back",
          [](std::string name, Owned child, Loc loc) { sequence().push_back(std::move(name), std::move(child), loc); }),
      row("ModuleSequence::insert",
          [](Size at, Loc loc) { return sequence().insert(at, nn::ReLU(), loc).class_name(); }),
      row("ModuleSequence::pop", [](Size at, Loc loc) { return sequence().pop(at, loc)->class_name(); }),
      row("ModuleSequence::begin", [] { return (*sequence().begin()).class_name(); }),
      row("ModuleSequence::end", [] { return nn::Sequential().begin() == nn::Sequential().end(); }),
      row("Sequential::Sequential",
          [](std::string name) { return nn::Sequential(nn::named(std::move(name), nn::ReLU())); }),
      row("Sequential::append",
          [](std::string name, Loc loc) { sequence().append(nn::named(std::move(name), nn::ReLU(), loc), loc); }),
      row("Sequential::extend", [](Loc loc) { sequence().extend(nn::Sequential(nn::ReLU()), loc); }),
      row("Sequential::forward", [](In x) { return sequence()(x); }),
      row("ModuleList::ModuleList", [] { return nn::ModuleList(nn::ReLU(), nn::ReLU()).size(); }),
      row("ModuleList::append", [](Owned child, Loc loc) { nn::ModuleList().append(std::move(child), loc); }),
      row("ModuleList::extend", [](Loc loc) { nn::ModuleList().extend(nn::ModuleList(nn::ReLU()), loc); }),
      row("ModuleDict::insert",
          [](std::string name, Loc loc) { (void)dict().insert(std::move(name), nn::ReLU(), loc); }),
      row("ModuleDict::insert",
          [](std::string name, Owned child, Loc loc) { dict().insert(std::move(name), std::move(child), loc); }),
      row("ModuleDict::size", [] { return dict().size(); }),
      row("ModuleDict::contains", [](std::string_view name) { return dict().contains(name); }),
      row("ModuleDict::at", [](std::string_view name, Loc loc) { return dict().at(name, loc).class_name(); }),
      row("ModuleDict::operator[]", [](slope::detail::Key name) { return dict()[name].class_name(); }),
      row("ModuleDict::keys", [] { return dict().keys(); }),
      row("ModuleDict::pop", [](std::string_view name, Loc loc) { return dict().pop(name, loc)->class_name(); }),
      row("ParameterList::ParameterList",
          [](const std::vector<Tensor>& values, Loc loc) { return nn::ParameterList(values, loc).size(); }),
      row("ParameterList::append", [](const Tensor& value, Loc loc) { nn::ParameterList().append(value, loc); }),
      row("ParameterList::size", [] { return nn::ParameterList().size(); }),
      row("ParameterList::operator[]",
          [](const At& i) -> Tensor { return nn::ParameterList({zeros({2}), zeros({3})})[i]; }),
      row("ParameterList::begin", [] { return nn::ParameterList({zeros({2})}).begin()->numel(); }),
      row("ParameterList::end", [] { return nn::ParameterList().begin() == nn::ParameterList().end(); }),
      row("ParameterDict::insert",
          [](const std::string& name, const Tensor& value, Loc loc) { parameters().insert(name, value, loc); }),
      row("ParameterDict::size", [] { return parameters().size(); }),
      row("ParameterDict::contains", [](std::string_view name) { return parameters().contains(name); }),
      row("ParameterDict::at", [](std::string_view name, Loc loc) -> Tensor { return parameters().at(name, loc); }),
      row("ParameterDict::operator[]", [](slope::detail::Key name) -> Tensor { return parameters()[name]; }),
      row("ParameterDict::keys", [] { return parameters().keys(); }),
  };
}

}  // namespace misuse
