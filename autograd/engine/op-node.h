#pragma once

// A part of op.h: what the signatures of an operation mean, which of them are refused, and its node.

namespace slope::detail {

/// Makes `node` (whose reference it takes over) the producer of `out`.
void set_producer(const Tensor& out, Node* node);
/// The same for several results, each a pointer to one or null where there is no derivative; result i becomes output i.
void set_producers(Node* node, std::span<const Tensor* const> results);
/// The same for a tensor that may have a history already, which ends: output `output_nr` of `node` (null: nothing) is
/// what it is now. The gradient that retain_grad() keeps is from now on that of the new value.
void replace_producer(TensorImpl& t, Node* node, std::uint16_t output_nr);
/// Records that `out` is a view of `of`, so that in-place changes of either reach the other's history.
void mark_view(const Tensor& out, const Tensor& of);

[[noreturn]] void throw_returned_input(std::string_view op, SourceLoc loc);
[[noreturn]] void throw_saved_result(std::string_view op, SourceLoc loc);
[[noreturn]] void throw_gradient_count(std::string_view op, std::size_t got, std::size_t want, SourceLoc loc);
[[noreturn]] void throw_freed();
/// Throws the error that is being handled on, with the user's line `loc` where it has none.
[[noreturn]] void rethrow_at(const Error& e, SourceLoc loc);

// ---- signatures

enum class ResultKind { tensor, view, no_grad };
template <ResultKind K>
using KindTag = std::integral_constant<ResultKind, K>;

template <class T>
struct OneResult {
  static constexpr bool valid = false;
};
template <>
struct OneResult<Tensor> {
  static constexpr bool valid = true;
  static constexpr KindTag<ResultKind::tensor> kind{};
};
template <>
struct OneResult<View> {
  static constexpr bool valid = true;
  static constexpr KindTag<ResultKind::view> kind{};
};
template <>
struct OneResult<NoGrad> {
  static constexpr bool valid = true;
  static constexpr KindTag<ResultKind::no_grad> kind{};
};

inline constexpr std::size_t any_number = static_cast<std::size_t>(-1);

/// What forward may return: `count` results, or any number.
template <class R>
struct Results {
  static constexpr bool valid = OneResult<R>::valid && !std::is_same_v<R, NoGrad>;
  static constexpr bool several = false;
  static constexpr std::size_t count = 1;
};
template <class... R>
struct Results<std::tuple<R...>> {
  static constexpr bool valid = sizeof...(R) > 0 && (OneResult<R>::valid && ...);
  static constexpr bool several = true;
  static constexpr std::size_t count = sizeof...(R);
};
template <class A, class B>
struct Results<std::pair<A, B>> : Results<std::tuple<A, B>> {};
template <class R, std::size_t N>
struct Results<std::array<R, N>> {
  static constexpr bool valid = N > 0 && OneResult<R>::valid && !std::is_same_v<R, NoGrad>;
  static constexpr bool several = true;
  static constexpr std::size_t count = N;
};
template <class R>
struct Results<std::vector<R>> {
  static constexpr bool valid = OneResult<R>::valid && !std::is_same_v<R, NoGrad>;
  static constexpr bool several = true;
  static constexpr std::size_t count = any_number;
};

/// f(i, tensor, kind) for each result.
template <class R, class F>
void each_result(const R& out, const F& f) {
  if constexpr (!Results<R>::several) {
    f(std::size_t{0}, out, OneResult<R>::kind);
  } else if constexpr (requires { out.size(); }) {
    for (std::size_t i = 0; i < out.size(); ++i) f(i, out[i], OneResult<typename R::value_type>::kind);
  } else {
    std::apply(
        [&](const auto&... one) {
          std::size_t i = 0;
          (f(i++, one, OneResult<std::remove_cvref_t<decltype(one)>>::kind), ...);
        },
        out);
  }
}

inline Tensor as_tensors(Tensor&& out) { return std::move(out); }
template <class A, class B>
std::pair<Tensor, Tensor> as_tensors(std::pair<A, B>&& out) {
  return {as_tensors(std::move(out.first)), as_tensors(std::move(out.second))};
}
template <class... R>
auto as_tensors(std::tuple<R...>&& out) {
  return std::apply([](R&... one) { return std::tuple(as_tensors(std::move(one))...); }, out);
}
template <class R, std::size_t N>
std::array<Tensor, N> as_tensors(std::array<R, N>&& out) {
  if constexpr (std::is_same_v<R, Tensor>) {
    return std::move(out);
  } else {
    std::array<Tensor, N> all;
    for (std::size_t i = 0; i < N; ++i) all[i] = as_tensors(std::move(out[i]));
    return all;
  }
}
template <class R>
std::vector<Tensor> as_tensors(std::vector<R>&& out) {
  if constexpr (std::is_same_v<R, Tensor>) {
    return std::move(out);
  } else {
    std::vector<Tensor> all;
    all.reserve(out.size());
    for (R& one : out) all.push_back(as_tensors(std::move(one)));
    return all;
  }
}

template <class P>
constexpr bool is_input = std::is_same_v<std::remove_cvref_t<P>, Tensor> && std::is_convertible_v<const Tensor&, P>;
template <class P>
constexpr bool is_constant = std::is_same_v<std::remove_cvref_t<P>, NoGrad> && std::is_convertible_v<const Tensor&, P>;
template <class P>
constexpr bool is_list = std::is_same_v<P, const std::vector<Tensor>&>;

/// The types of a member function.
template <class F>
struct Signature {
  static constexpr bool valid = false;
};
template <class R, bool Const, class... P>
struct SignatureOf {
  static constexpr bool valid = true;
  static constexpr bool constant = Const;
  using Result = R;
  using Parameters = std::tuple<P...>;
};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...)> : SignatureOf<R, false, P...> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...) const> : SignatureOf<R, true, P...> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...) noexcept> : SignatureOf<R, false, P...> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...) const noexcept> : SignatureOf<R, true, P...> {};

/// What follows Saved& among the parameters of forward.
template <class Parameters>
struct InputsOf {
  static constexpr bool saved_first = false;
};
template <class S, class... P>
struct InputsOf<std::tuple<S, P...>> {
  template <class Saved>
  static constexpr bool starts_with = std::is_same_v<S, Saved&>;
  static constexpr std::size_t given = sizeof...(P);
  static constexpr bool list = (is_list<P> || ... || false);
  static constexpr bool known = ((is_input<P> || is_constant<P> || is_list<P>) && ... && true);
  /// Places in what backward returns; of a list one that stands for all.
  static constexpr std::size_t count = (std::size_t{is_input<P> || is_list<P>} + ... + 0);
  static constexpr bool constants_last = [] {
    bool constant = false, right = true;
    ((constant |= is_constant<P>, right &= !constant || is_constant<P>), ...);
    return right;
  }();
};

template <class Op>
struct Contract {
  using Forward = Signature<decltype(&Op::forward)>;
  using Inputs = InputsOf<typename Forward::Parameters>;
  using Outputs = Results<typename Forward::Result>;
  static constexpr std::size_t inputs = Inputs::count;
};

/// Turns into a Tensor and nothing else.
struct OnlyTensor {
  operator Tensor() const;
};
/// Whether a member that a Tensor can initialise is found among the first of an aggregate. Stops at what AnyField
/// cannot initialise.
template <class Op, class... Before>
constexpr bool has_tensor_member() {
  if constexpr (sizeof...(Before) >= 12)
    return false;
  else if constexpr (requires { Op{Before{}..., OnlyTensor{}}; })
    return true;
  else if constexpr (requires { Op{Before{}..., AnyField{}}; })
    return has_tensor_member<Op, Before..., AnyField>();
  else
    return false;
}

template <class Op, class Gradient>
constexpr bool takes_gradient() {
  return requires(const Op& op, const typename Op::Saved& s, Gradient g) { op.backward(s, g); };
}

/// Refuses, with a sentence, whatever does not follow the contract.
template <class Op, class... Given>
consteval bool fits_the_contract() {
  constexpr bool named = requires { std::string_view(Op::name); };
  static_assert(named, "an operation needs `static constexpr std::string_view name`");
  constexpr bool saves = requires { typename Op::Saved; };
  static_assert(saves, "an operation needs `struct Saved { ... };`, empty when backward needs nothing");
  constexpr bool runs = requires { &Op::forward; };
  static_assert(runs, "an operation needs one member function `forward`, neither overloaded nor a template");
  constexpr bool differentiates = requires { &Op::backward; };
  static_assert(differentiates, "an operation needs one member function `backward`, neither overloaded nor a template");
  constexpr bool old_view = requires { Op::is_view; } || requires { Op::isView; } || requires { Op::view_of_input; };
  static_assert(!old_view, "a view is declared by the type of the result: `View forward(...)`");
  if constexpr (named && saves && runs && differentiates && !old_view) {
    using Saved = typename Op::Saved;
    using Forward = Signature<decltype(&Op::forward)>;
    using Backward = Signature<decltype(&Op::backward)>;
    using Inputs = InputsOf<typename Forward::Parameters>;
    constexpr bool first = [] {
      if constexpr (std::tuple_size_v<typename Forward::Parameters> == 0)
        return false;
      else
        return std::is_same_v<std::tuple_element_t<0, typename Forward::Parameters>, Saved&>;
    }();
    static_assert(first, "the first parameter of forward must be `Saved&`");
    static_assert(std::is_default_constructible_v<Saved> && std::is_move_assignable_v<Saved>,
                  "Saved must be default constructible and movable: backward frees it by assigning an empty one");
    static_assert(!has_tensor_member<Op>(),
                  "a tensor must not be an attribute, which lives as long as the graph: pass it to forward as `NoGrad` "
                  "and keep it in Saved");
    using Outputs = Results<typename Forward::Result>;
    static_assert(Outputs::valid,
                  "forward returns a Tensor or View, or a tuple, pair, array or vector of Tensor, View and NoGrad");
    if constexpr (first && Outputs::valid) {
      static_assert(Inputs::known,
                    "forward takes `const Tensor&` (or one `const std::vector<Tensor>&`), then `NoGrad` for what is "
                    "never differentiated");
      static_assert(Inputs::constants_last,
                    "what is `NoGrad` stands behind the inputs, so that gradient i belongs to input i");
      static_assert(Inputs::count > 0, "forward needs an input that can be differentiated");
      static_assert(!Inputs::list || Inputs::count == 1, "a list of inputs takes the place of all single ones");
      static_assert(Inputs::given == sizeof...(Given), "apply: pass one tensor for each input of forward");
      static_assert(Backward::constant, "backward must be const: it may run again after retain_graph");
      constexpr bool one_for_one = Outputs::several || takes_gradient<Op, const Tensor&>();
      static_assert(one_for_one, "backward of one result takes `const Saved&` and `const Tensor& g`");
      using Span = std::conditional_t<Outputs::count == any_number, std::span<const Tensor>,
                                      std::span<const Tensor, Outputs::count>>;
      constexpr bool one_for_each = !Outputs::several || takes_gradient<Op, Span>();
      static_assert(
          one_for_each,
          "backward of several results takes `const Saved&` and `std::span<const Tensor> g`, of their number");
      if constexpr (Inputs::list)
        static_assert(std::is_same_v<typename Backward::Result, std::vector<Tensor>>,
                      "backward of a list of inputs returns `std::vector<Tensor>`, one gradient for each");
      else
        static_assert(std::is_same_v<typename Backward::Result, Grads<Inputs::count>>,
                      "backward returns `Grads<N>`, one gradient for each input of forward that is not `NoGrad`");
      return Inputs::known && Inputs::constants_last && Inputs::given == sizeof...(Given) && Inputs::count > 0 &&
             Backward::constant && one_for_one && one_for_each;
    }
  }
  return false;
}

// ---- nodes

template <class Op, class Outputs>
struct OpNodeBase : Node {
  OpNodeBase(Op&& o, typename Op::Saved&& s, std::span<Edge> edges, std::uint32_t bytes, SourceLoc where)
      : Node(edges, bytes, where), op(std::move(o)), saved(std::move(s)) {}
  std::string_view name() const override { return Op::name; }
  void release_saved() override {
    if constexpr (!std::is_empty_v<typename Op::Saved>) {
      freed = freed || holds_tensors(saved);
      saved = typename Op::Saved{};
    }
  }
  void collect_saved(std::vector<SavedTensor>& into) const override { collect_fields(saved, into); }

  auto gradients(std::span<Tensor> g) const {
    if (freed) throw_freed();
    if constexpr (!Outputs::several)
      return op.backward(saved, std::as_const(g[0]));
    else if constexpr (Outputs::count == any_number)
      return op.backward(saved, std::span<const Tensor>(g));
    else
      return op.backward(saved, std::span<const Tensor, Outputs::count>(g.data(), Outputs::count));
  }

  Op op;
  typename Op::Saved saved;
  bool freed = false;  // something had been saved
};

/// The number of outputs, where it is not one.
template <class Op, class Outputs>
struct OutputsNode : OpNodeBase<Op, Outputs> {
  using OpNodeBase<Op, Outputs>::OpNodeBase;
  int outputs() const override { return static_cast<int>(output_count); }
  std::size_t output_count = Outputs::count;
};
template <class Op, class Outputs>
using NodeFor = std::conditional_t<Outputs::several, OutputsNode<Op, Outputs>, OpNodeBase<Op, Outputs>>;

/// A node with a fixed number of inputs: op, saved values and edges in one allocation.
template <class Op, std::size_t N, class Outputs = Results<Tensor>>
struct OpNode final : NodeFor<Op, Outputs> {
  OpNode(Op&& o, typename Op::Saved&& s, SourceLoc where)
      : NodeFor<Op, Outputs>(std::move(o), std::move(s), std::span<Edge>(links, N), sizeof(OpNode), where) {}
  void backward(std::span<Tensor> g, std::span<Tensor> into) override {
    Grads<N> grads = this->gradients(g);
    for (std::size_t i = 0; i < N; ++i)
      if (links[i]) into[i] = std::move(grads[i]);
  }
  Edge links[N];
};

template <class Op, class Outputs>
struct ListNode final : NodeFor<Op, Outputs> {
  ListNode(Op&& o, typename Op::Saved&& s, std::vector<Edge>&& e, SourceLoc where)
      : NodeFor<Op, Outputs>(std::move(o), std::move(s), std::span<Edge>(e), sizeof(ListNode), where),
        links(std::move(e)) {}
  void backward(std::span<Tensor> g, std::span<Tensor> into) override {
    std::vector<Tensor> grads = this->gradients(g);
    if (grads.size() != links.size()) throw_gradient_count(Op::name, grads.size(), links.size(), this->where());
    for (std::size_t i = 0; i < links.size(); ++i)
      if (links[i]) into[i] = std::move(grads[i]);
  }
  std::vector<Edge> links;
};

// ---- the steps of apply()

inline bool wants_grad(const Tensor& t) { return t.defined() && t.requires_grad(); }
inline bool wants_grad(const std::vector<Tensor>& all) {
  for (const Tensor& t : all)
    if (wants_grad(t)) return true;
  return false;
}

inline bool is_same(const Tensor& a, const Tensor& b) { return a.ref().get() == b.ref().get(); }
inline bool is_same(const Tensor& a, const std::vector<Tensor>& all) {
  for (const Tensor& t : all)
    if (is_same(a, t)) return true;
  return false;
}

/// A result that is an input would lose the input's own history.
template <class Op, class... In>
void check_result(const Tensor& y, SourceLoc loc, const In&... in) {
  if (!y.defined()) return;
  std::size_t i = 0;
  if (((i++ < Contract<Op>::inputs && is_same(y, in)) || ...)) [[unlikely]]
    throw_returned_input(Op::name, loc);
}

/// A list has no views; whether this is asked for one is known only where the kind of the result is.
template <class First, class... Rest>
void mark_view_of_first(const Tensor& y, const First& first, const Rest&...) {
  if constexpr (std::is_convertible_v<const First&, const Tensor&>) mark_view(y, first);
}

template <class C, class R, class... In>
bool wants_node(const R& out, const In&... in) {
  if constexpr (!C::Outputs::several)
    if (!out.defined() || !is_floating(out.dtype())) return false;
  std::size_t i = 0;
  return ((i++ < C::inputs && wants_grad(in)) || ...);
}

template <class C, class Op, class R, class... In>
void record_op(Op&& op, typename Op::Saved&& saved, SourceLoc loc, const R& out, const In&... in) {
  each_result(out, [&](std::size_t, const Tensor& y, auto kind) {
    if constexpr (kind != ResultKind::no_grad)
      if (holds_tensor(saved, y)) [[unlikely]]
        throw_saved_result(Op::name, loc);
  });
  Node* made = nullptr;
  if constexpr (C::Inputs::list) {
    using N = ListNode<Op, typename C::Outputs>;
    const std::vector<Tensor>& all = std::get<0>(std::tie(in...));
    std::vector<Edge> edges;
    edges.reserve(all.size());
    for (const Tensor& t : all) edges.push_back(Edge::to(t));
    auto* node = new (allocate_node(sizeof(N))) N(std::forward<Op>(op), std::move(saved), std::move(edges), loc);
    if constexpr (C::Outputs::count == any_number) node->output_count = out.size();
    made = node;
  } else {
    using N = OpNode<Op, C::inputs, typename C::Outputs>;
    auto* node = new (allocate_node(sizeof(N))) N(std::forward<Op>(op), std::move(saved), loc);
    if constexpr (C::Outputs::count == any_number) node->output_count = out.size();
    std::size_t i = 0;
    const auto link = [&](const auto& t) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(t)>, Tensor>)
        if (i < C::inputs) node->links[i++] = Edge::to(t);
    };
    (link(in), ...);
    made = node;
  }
  if constexpr (!C::Outputs::several) {
    set_producer(out, made);
  } else {
    const auto differentiable = [](const Tensor& y, ResultKind kind) {
      return kind != ResultKind::no_grad && y.defined() && is_floating(y.dtype()) ? &y : nullptr;
    };
    if constexpr (C::Outputs::count == any_number) {
      std::vector<const Tensor*> results;
      results.reserve(out.size());
      each_result(out, [&](std::size_t, const Tensor& y, auto kind) { results.push_back(differentiable(y, kind)); });
      set_producers(made, results);
    } else {
      std::array<const Tensor*, C::Outputs::count> results;
      each_result(out, [&](std::size_t k, const Tensor& y, auto kind) { results[k] = differentiable(y, kind); });
      set_producers(made, results);
    }
  }
}

}  // namespace slope::detail
