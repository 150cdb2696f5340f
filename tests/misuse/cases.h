#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "slope/gradcheck.h"
#include "slope/slope.h"
#include "support/sanitizers.h"

// What arguments of a type can be: plain ones, from which a call that succeeds is put together, and bad ones. A type without a line
// here is default-constructed; an aggregate of options is bad in one member at a time.

namespace misuse {

// A sanitizer ends the process where the standard library is refused memory. (Tensors are refused theirs by a null pointer.)
#if defined(SLOPE_UNDER_ASAN) || defined(SLOPE_UNDER_TSAN)
constexpr bool standard_containers_may_be_huge = false;
#else
constexpr bool standard_containers_may_be_huge = true;
#endif

template <class T>
struct Case {
  std::string text;
  std::function<T()> make;
};

template <class T>
struct Cases {
  std::vector<Case<T>> plain, bad;

  std::size_t size() const { return plain.size() + bad.size(); }
  const Case<T>& operator[](std::size_t i) const { return i < plain.size() ? plain[i] : bad[i - plain.size()]; }
};

template <class T>
struct Type {};

template <class T>
const Cases<T>& cases();

/// Values that are copied, with the text they print as.
template <class T>
Cases<T> listed(const std::vector<T>& plain, const std::vector<T>& bad = {}) {
  const auto add = [](std::vector<Case<T>>& to, const std::vector<T>& values) {
    for (const T& value : values) {
      std::string text;
      if constexpr (requires(std::ostream& out) { out << value; }) {
        std::ostringstream out;
        out << value;
        text = out.str();
      } else {
        text = "#" + std::to_string(to.size());
      }
      to.push_back({text, [value] { return value; }});
    }
  };
  Cases<T> all;
  add(all.plain, plain);
  add(all.bad, bad);
  return all;
}

// ---- types of slope and of the standard library; in cases.cpp where that compiles faster
Cases<slope::Tensor> make_cases(Type<slope::Tensor>);
Cases<slope::Scalar> make_cases(Type<slope::Scalar>);
Cases<slope::Shape> make_cases(Type<slope::Shape>);
Cases<slope::Dims> make_cases(Type<slope::Dims>);
Cases<slope::IntArray> make_cases(Type<slope::IntArray>);
Cases<slope::nn::ConvPadding> make_cases(Type<slope::nn::ConvPadding>);
Cases<slope::DType> make_cases(Type<slope::DType>);
Cases<slope::Index> make_cases(Type<slope::Index>);
Cases<slope::Slice> make_cases(Type<slope::Slice>);
Cases<slope::Generator> make_cases(Type<slope::Generator>);
Cases<std::string> make_cases(Type<std::string>);
Cases<double> make_cases(Type<double>);
Cases<bool> make_cases(Type<bool>);
Cases<slope::nn::ReductionOption> make_cases(Type<slope::nn::ReductionOption>);
Cases<slope::nn::Lengths> make_cases(Type<slope::nn::Lengths>);
Cases<slope::nn::TransformerActivation> make_cases(Type<slope::nn::TransformerActivation>);
Cases<slope::optim::ParamList> make_cases(Type<slope::optim::ParamList>);
Cases<slope::io::StateDict> make_cases(Type<slope::io::StateDict>);
Cases<slope::data::Batch> make_cases(Type<slope::data::Batch>);
Cases<slope::train::History> make_cases(Type<slope::train::History>);
Cases<slope::train::LossFunction> make_cases(Type<slope::train::LossFunction>);
Cases<slope::train::NamedMetric> make_cases(Type<slope::train::NamedMetric>);
Cases<slope::train::TextTable> make_cases(Type<slope::train::TextTable>);
Cases<slope::autograd::CheckedFunction> make_cases(Type<slope::autograd::CheckedFunction>);
Cases<std::shared_ptr<slope::nn::Module>> make_cases(Type<std::shared_ptr<slope::nn::Module>>);
Cases<std::unique_ptr<slope::nn::Module>> make_cases(Type<std::unique_ptr<slope::nn::Module>>);
Cases<std::shared_ptr<slope::optim::Optimizer>> make_cases(Type<std::shared_ptr<slope::optim::Optimizer>>);
Cases<std::shared_ptr<const slope::data::Dataset>> make_cases(Type<std::shared_ptr<const slope::data::Dataset>>);
Cases<std::shared_ptr<const slope::data::Sampler>> make_cases(Type<std::shared_ptr<const slope::data::Sampler>>);
Cases<std::shared_ptr<slope::data::DataLoader>> make_cases(Type<std::shared_ptr<slope::data::DataLoader>>);
Cases<std::shared_ptr<slope::train::Metric>> make_cases(Type<std::shared_ptr<slope::train::Metric>>);
Cases<std::string_view> make_cases(Type<std::string_view>);
Cases<std::ostream*> make_cases(Type<std::ostream*>);
Cases<slope::train::Clock*> make_cases(Type<slope::train::Clock*>);

template <class I>
  requires(std::is_integral_v<I> && !std::is_same_v<I, bool>)
Cases<I> make_cases(Type<I>) {
  constexpr I least = std::numeric_limits<I>::min(), most = std::numeric_limits<I>::max();
  std::vector<I> bad = {least, most, static_cast<I>(most - 1), static_cast<I>(most / 2 + 1), 100};
  if constexpr (std::is_signed_v<I>) bad.insert(bad.end(), {-1, -2, static_cast<I>(least + 1)});
  if constexpr (sizeof(I) == 8) {
    if constexpr (standard_containers_may_be_huge)
      bad.insert(bad.end(), {I{1} << 31, I{1} << 32, I{1} << 40});
    else
      bad.insert(bad.end(), {I{1} << 20, I{1} << 61, I{1} << 62});
  }
  return listed<I>({1, 0, 2, 3}, bad);
}
template <class E>
  requires std::is_enum_v<E>
Cases<E> make_cases(Type<E>) {
  return listed<E>({E{}});
}
template <class T>
Cases<std::optional<T>> make_cases(Type<std::optional<T>>) {
  Cases<std::optional<T>> all;
  all.plain.push_back({"nothing", [] { return std::optional<T>(); }});
  const auto add = [](auto& to, const auto& from) {
    for (const Case<T>& c : from) to.push_back({c.text, [c] { return std::optional<T>(c.make()); }});
  };
  add(all.plain, cases<T>().plain);
  add(all.bad, cases<T>().bad);
  return all;
}
template <class T>
Cases<std::vector<T>> make_cases(Type<std::vector<T>>) {
  using Items = std::vector<Case<T>>;
  const auto list = [](Items items) {
    std::string text;
    for (const Case<T>& c : items) text += (text.empty() ? "" : ", ") + c.text;
    return Case<std::vector<T>>{"{" + text + "}", [items] {
                                  std::vector<T> made;
                                  for (const Case<T>& c : items) made.push_back(c.make());
                                  return made;
                                }};
  };
  Cases<std::vector<T>> all;
  const Cases<T>& of = cases<T>();
  for (std::size_t n : {1, 2, 3})
    for (std::size_t i = 0; i < std::min<std::size_t>(of.plain.size(), n == 1 ? 30 : 4); ++i)
      all.plain.push_back(list(Items(n, of.plain[i])));
  if (of.plain.size() > 2) {
    all.plain.push_back(list({of.plain[0], of.plain[1]}));
    all.plain.push_back(list({of.plain[1], of.plain[2]}));
  }
  all.bad.push_back(list({}));
  for (const Case<T>& c : of.bad) {
    all.bad.push_back(list({c}));
    all.bad.push_back(list({of.plain[0], c}));
  }
  all.bad.push_back(list(Items(9, of.plain[0])));
  return all;
}
template <class A, class B>
Cases<std::pair<A, B>> make_cases(Type<std::pair<A, B>>) {
  Cases<std::pair<A, B>> all;
  const auto pair = [](const Case<A>& a, const Case<B>& b) {
    return Case<std::pair<A, B>>{a.text + ": " + b.text, [a, b] { return std::pair<A, B>(a.make(), b.make()); }};
  };
  const Cases<A>& as = cases<A>();
  const Cases<B>& bs = cases<B>();
  for (std::size_t i = 0; i < std::min(as.plain.size(), bs.plain.size()); ++i)
    all.plain.push_back(pair(as.plain[i], bs.plain[i]));
  for (const Case<A>& c : as.bad) all.bad.push_back(pair(c, bs.plain[0]));
  for (const Case<B>& c : bs.bad) all.bad.push_back(pair(as.plain[0], c));
  return all;
}
template <class R, class... A>
Cases<slope::Function<R(A...)>> make_cases(Type<slope::Function<R(A...)>>) {
  using F = slope::Function<R(A...)>;
  return {{{"a function", [] { return F([](A...) -> R { return R(); }); }}},
          {{"an empty function", [] { return F(); }}}};
}
template <class T, std::size_t n>
Cases<std::array<T, n>> make_cases(Type<std::array<T, n>>) {
  Cases<std::array<T, n>> all;
  const auto add = [](auto& to, const auto& from) {
    for (const Case<T>& c : from)
      to.push_back({c.text, [c] {
                      std::array<T, n> made;
                      for (T& item : made) item = c.make();
                      return made;
                    }});
  };
  add(all.plain, cases<T>().plain);
  add(all.bad, cases<T>().bad);
  return all;
}
template <class T>
Cases<T*> make_cases(Type<T*>) {
  return {{{"null", [] { return static_cast<T*>(nullptr); }}}, {}};
}

// ---- aggregates
template <class>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;

struct AnyMember {
  template <class T>
    requires(!std::is_same_v<T, std::string_view> && !is_optional<T>)
  operator T() const;
};

template <class S, class... Members>
constexpr std::size_t member_count() {
  if constexpr (requires { S{Members{}..., AnyMember{}}; })
    return member_count<S, Members..., AnyMember>();
  else if constexpr (requires { S{Members{}..., std::string_view{}}; })
    return member_count<S, Members..., std::string_view>();
  else
    return sizeof...(Members);
}

/// f(member) for each member of an aggregate.
template <class S, class F>
void each_member(S& s, const F& f) {
  constexpr std::size_t n = member_count<S>();
  static_assert(n <= 10, "more members than each_member() can name");
  const auto each = [&](auto&... members) { (f(members), ...); };
  if constexpr (n == 1) {
    auto& [a] = s;
    each(a);
  } else if constexpr (n == 2) {
    auto& [a, b] = s;
    each(a, b);
  } else if constexpr (n == 3) {
    auto& [a, b, c] = s;
    each(a, b, c);
  } else if constexpr (n == 4) {
    auto& [a, b, c, d] = s;
    each(a, b, c, d);
  } else if constexpr (n == 5) {
    auto& [a, b, c, d, e] = s;
    each(a, b, c, d, e);
  } else if constexpr (n == 6) {
    auto& [a, b, c, d, e, g] = s;
    each(a, b, c, d, e, g);
  } else if constexpr (n == 7) {
    auto& [a, b, c, d, e, g, h] = s;
    each(a, b, c, d, e, g, h);
  } else if constexpr (n == 8) {
    auto& [a, b, c, d, e, g, h, i] = s;
    each(a, b, c, d, e, g, h, i);
  } else if constexpr (n == 9) {
    auto& [a, b, c, d, e, g, h, i, j] = s;
    each(a, b, c, d, e, g, h, i, j);
  } else if constexpr (n == 10) {
    auto& [a, b, c, d, e, g, h, i, j, k] = s;
    each(a, b, c, d, e, g, h, i, j, k);
  }
}

template <class T>
Cases<T> make_cases(Type<T>) {
  Cases<T> all;
  all.plain.push_back({"{}", [] { return T{}; }});
  if constexpr (std::is_aggregate_v<T> && !std::is_empty_v<T>) {
    T sample{};
    std::size_t at = 0;
    each_member(sample, [&]<class M>(M&) {
      const std::size_t position = at++;
      const auto add = [&](auto& to, const Case<M>& c) {
        to.push_back({"{member " + std::to_string(position + 1) + ": " + c.text + "}", [c, position] {
                        T made{};
                        std::size_t i = 0;
                        each_member(made, [&]<class N>(N& member) {
                          if constexpr (std::is_same_v<M, N>)
                            if (i == position) member = c.make();
                          ++i;
                        });
                        return made;
                      }});
      };
      const Cases<M>& of = cases<M>();
      for (std::size_t i = 0; i < std::min<std::size_t>(of.plain.size(), 6); ++i) add(all.plain, of.plain[i]);
      for (const Case<M>& c : of.bad) add(all.bad, c);
    });
  }
  return all;
}

template <class T>
const Cases<T>& cases() {
  static const Cases<T> made = make_cases(Type<T>());
  return made;
}

}  // namespace misuse
