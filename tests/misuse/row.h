#pragma once

#include <array>
#include <memory>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "misuse/cases.h"

// A row of the table: a public function, named as its header declares it, with what each of its arguments may be, taken from the
// function's type:
//
//     row("matmul", matmul), row<Tensor(In)>("max", max), row<Tensor(SourceLoc) const, Tensor>("Tensor::max", &Tensor::max),
//     made<nn::Linear(std::int64_t, std::int64_t)>("Linear::Linear")
//
// Anything that takes no pointer is a lambda with the arguments it wants.

namespace misuse {

using slope::SourceLoc;
using slope::Tensor;

/// A tensor or a number.
struct TensorOrNumber {
  Tensor tensor;
  std::optional<slope::Scalar> number;
};
inline Cases<TensorOrNumber> make_cases(Type<TensorOrNumber>) {
  Cases<TensorOrNumber> all;
  const auto add = [](auto& to, const auto& tensors, const auto& numbers) {
    for (const auto& c : tensors) to.push_back({c.text, [c] { return TensorOrNumber{c.make(), {}}; }});
    for (const auto& c : numbers) to.push_back({c.text, [c] { return TensorOrNumber{{}, c.make()}; }});
  };
  add(all.plain, cases<Tensor>().plain, cases<slope::Scalar>().plain);
  add(all.bad, cases<Tensor>().bad, cases<slope::Scalar>().bad);
  return all;
}

/// How an argument of type A is kept and handed over.
template <class A>
struct Pass {
  using Held = std::remove_cvref_t<A>;
  static A pass(Held& held, SourceLoc) {
    if constexpr (std::is_lvalue_reference_v<A>)
      return held;
    else
      return std::move(held);
  }
};
template <class A>
  requires(std::is_abstract_v<std::remove_cvref_t<A>> || std::is_same_v<std::remove_cvref_t<A>, slope::nn::Module> ||
           std::is_same_v<std::remove_cvref_t<A>, slope::data::DataLoader>)
struct Pass<A> {
  using Held = std::shared_ptr<std::conditional_t<std::is_same_v<std::remove_cvref_t<A>, slope::data::Dataset> ||
                                                      std::is_same_v<std::remove_cvref_t<A>, slope::data::Sampler>,
                                                  const std::remove_cvref_t<A>, std::remove_cvref_t<A>>>;
  static A pass(Held& held, SourceLoc loc) {
    if (!held) throw slope::ValueError("there is no object to call it with", loc);
    return static_cast<A>(*held);
  }
};
template <>
struct Pass<SourceLoc> {
  using Held = std::monostate;
  static SourceLoc pass(Held&, SourceLoc loc) { return loc; }
};
template <class A>
  requires std::is_same_v<std::remove_cvref_t<A>, slope::In>
struct Pass<A> {
  using Held = Tensor;
  static slope::In pass(Held& held, SourceLoc loc) { return {held, loc}; }
};
template <class A>
  requires std::is_same_v<std::remove_cvref_t<A>, slope::Operand>
struct Pass<A> {
  using Held = TensorOrNumber;
  static slope::Operand pass(Held& held, SourceLoc loc) {
    return held.number ? slope::Operand(*held.number, loc) : slope::Operand(held.tensor, loc);
  }
};
template <class A>
  requires std::is_same_v<std::remove_cvref_t<A>, slope::At>
struct Pass<A> {
  using Held = std::int64_t;
  static slope::At pass(Held& held, SourceLoc loc) { return {held, loc}; }
};
template <>
struct Pass<slope::detail::Key> {
  using Held = std::string;
  static slope::detail::Key pass(Held& held, SourceLoc loc) { return {held, loc}; }
};
template <>
struct Pass<std::string_view> {
  using Held = std::string;
  static std::string_view pass(Held& held, SourceLoc) { return held; }
};
template <>
struct Pass<const char*> {
  using Held = std::string;
  static const char* pass(Held& held, SourceLoc) { return held.c_str(); }
};
template <class T>
struct Pass<std::span<const T>> {
  using Held = std::vector<T>;
  static std::span<const T> pass(Held& held, SourceLoc) { return held; }
};
template <>
struct Pass<std::ostream&> {
  using Held = std::shared_ptr<std::ostringstream>;
  static std::ostream& pass(Held& held, SourceLoc) { return *(held = std::make_shared<std::ostringstream>()); }
};

// ---- what a call that failed must not have changed
void look(const Tensor& t, std::string& out);
void look(const slope::nn::Module& m, std::string& out);
void look(const slope::Shape& s, std::string& out);
inline void look(const TensorOrNumber& t, std::string& out) { look(t.tensor, out); }
inline void look(const slope::Generator& g, std::string& out) { out += std::to_string(g.offset()) + " "; }
void look(const slope::io::StateDict& d, std::string& out);
void look(const slope::optim::Optimizer& o, std::string& out);
void look(const slope::train::History& h, std::string& out);
/// Everything else, and what is derived from a type above.
template <class T>
void look(const T& value, std::string& out) {
  if constexpr (std::is_base_of_v<Tensor, T>)
    look(static_cast<const Tensor&>(value), out);
  else if constexpr (std::is_base_of_v<slope::nn::Module, T>)
    look(static_cast<const slope::nn::Module&>(value), out);
  else if constexpr (std::is_base_of_v<slope::optim::Optimizer, T>)
    look(static_cast<const slope::optim::Optimizer&>(value), out);
  else if constexpr (std::is_base_of_v<slope::Shape, T>)
    look(static_cast<const slope::Shape&>(value), out);
}
template <class T>
  requires(!std::is_void_v<T>)
void look(const std::shared_ptr<T>& p, std::string& out) {
  if (p) look(*p, out);
}
template <class T>
void look(const std::vector<T>& list, std::string& out) {
  out += std::to_string(list.size()) + " ";
  for (const T& item : list) look(item, out);
}

// ---- the tensors among the results of a call, which are read and differentiated afterwards
using Results = std::vector<Tensor>;
template <class T>
void collect(T& value, Results& out, SourceLoc loc) {
  using Plain = std::remove_const_t<T>;
  if constexpr (std::is_base_of_v<Tensor, Plain>) {
    out.push_back(value);
  } else if constexpr (std::is_same_v<Plain, std::vector<Tensor>>) {
    out.insert(out.end(), value.begin(), value.end());
  } else if constexpr (std::is_same_v<Plain, std::pair<Tensor, Tensor>>) {
    out.insert(out.end(), {value.first, value.second});
  } else if constexpr (std::is_base_of_v<slope::nn::Module, T> &&
                       requires(T& layer, const slope::In& x) { layer(x); }) {
    // A layer that was made is also called.
    const Tensor x = slope::full({2, 2}, 0.25);
    auto result = value(slope::In(x, loc));
    collect(result, out, loc);
  }
}

struct Argument {
  std::size_t plain, all;
  std::string (*text)(std::size_t);
  std::shared_ptr<void> (*make)(std::size_t);
  void (*look)(const void*, std::string&);
};

template <class A>
Argument argument() {
  using Held = typename Pass<A>::Held;
  const Cases<Held>& of = cases<Held>();
  return {of.plain.size(), of.size(), [](std::size_t i) { return cases<Held>()[i].text; },
          [](std::size_t i) { return std::shared_ptr<void>(new Held(cases<Held>()[i].make())); },
          [](const void* held, std::string& out) {
            // What is taken by value is the function's own.
            if constexpr (std::is_reference_v<A> || !std::is_same_v<A, Held>)
              look(*static_cast<const Held*>(held), out);
          }};
}

struct Row {
  std::string name;
  SourceLoc loc;
  std::vector<Argument> arguments;
  /// Calls with arguments that were made, and returns the tensors of the result.
  std::function<Results(void* const*)> call;
  /// No call succeeds, by nature.
  bool always_throws = false;
};

template <class R, class... A, class F>
Row row_of(std::string name, const F& f, SourceLoc loc) {
  const auto call = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return [f, loc](void* const* held) {
      (void)held, (void)loc;  // without arguments or results
      Results results;
      if constexpr (std::is_void_v<R>) {
        f(Pass<A>::pass(*static_cast<typename Pass<A>::Held*>(held[I]), loc)...);
      } else {
        decltype(auto) result = f(Pass<A>::pass(*static_cast<typename Pass<A>::Held*>(held[I]), loc)...);
        constexpr bool itself = std::is_reference_v<R> && std::is_base_of_v<slope::nn::Module, std::remove_cvref_t<R>>;
        if constexpr (!itself) collect(result, results, loc);
      }
      return results;
    };
  };
  return {std::move(name), loc, {argument<A>()...}, call(std::index_sequence_for<A...>()), false};
}

// Functions, methods and lambdas.
template <class R, class... A>
Row row(std::string name, R (*f)(A...), SourceLoc loc = SourceLoc::here()) {
  return row_of<R, A...>(std::move(name), f, loc);
}
#define MISUSE_METHOD(qualifiers, object)                                                            \
  template <class R, class C, class... A>                                                            \
  Row row(std::string name, R (C::*f)(A...) qualifiers, SourceLoc loc = SourceLoc::here()) {         \
    return row_of<R, object, A...>(                                                                  \
        std::move(name), [f](object c, A... a) -> R { return (c.*f)(std::forward<A>(a)...); }, loc); \
  }
MISUSE_METHOD(, C&)
MISUSE_METHOD(const, const C&)
MISUSE_METHOD(const noexcept, const C&)
MISUSE_METHOD(noexcept, C&)
MISUSE_METHOD(const&, const C&)
#undef MISUSE_METHOD
template <class L, class R, class... A>
Row row_of_lambda(std::string name, L f, R (L::*)(A...) const, SourceLoc loc) {
  return row_of<R, A...>(std::move(name), f, loc);
}
template <class L>
  requires requires { &L::operator(); }
Row row(std::string name, L f, SourceLoc loc = SourceLoc::here()) {
  return row_of_lambda(std::move(name), f, &L::operator(), loc);
}
/// One of several overloads, by its type.
template <class Signature>
Row row(std::string name, std::type_identity_t<Signature>* f, SourceLoc loc = SourceLoc::here()) {
  return row(std::move(name), f, loc);
}
template <class Signature, class C>
Row row(std::string name, std::type_identity_t<Signature> C::* f, SourceLoc loc = SourceLoc::here()) {
  return row(std::move(name), f, loc);
}

template <class T>
struct Constructor;
template <class T, class... A>
struct Constructor<T(A...)> {
  static Row row(std::string name, SourceLoc loc) {
    if constexpr (std::is_constructible_v<T, A..., SourceLoc>)
      return row_of<T, A..., SourceLoc>(
          std::move(name), [](A... a, SourceLoc l) { return T(std::forward<A>(a)..., l); }, loc);
    else
      return row_of<T, A...>(std::move(name), [](A... a) { return T(std::forward<A>(a)...); }, loc);
  }
};
/// A constructor, with the caller's line where it takes one; a layer that was made is called, too.
template <class Signature>
Row made(std::string name, SourceLoc loc = SourceLoc::here()) {
  return Constructor<Signature>::row(std::move(name), loc);
}

inline Row always_throws(Row row) {
  row.always_throws = true;
  return row;
}

std::vector<Row> op_rows();
std::vector<Row> tensor_rows();
std::vector<Row> method_rows();
std::vector<Row> nn_rows();
std::vector<Row> recurrence_rows();
std::vector<Row> utils_rows();
std::vector<Row> attention_rows();
std::vector<Row> module_rows();
std::vector<Row> normalization_rows();
std::vector<Row> pool_rows();
std::vector<Row> loss_rows();
std::vector<Row> optim_rows();
std::vector<Row> data_rows();
std::vector<Row> train_rows();

}  // namespace misuse
