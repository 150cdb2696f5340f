#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

/// A callable of any type behind one signature: what std::function is, without the 6,000 lines that its header adds
/// to every program. Anything std::function takes converts to it (lambdas, function and member pointers, function
/// objects, std::function itself), and it converts to std::function in turn.
///
///     Function<double(double)> f = [scale](double x) { return scale * x; };
///     f(2.0);
///     if (f) f = nullptr;
namespace slope {

template <class Signature>
class Function;

namespace detail {
[[noreturn]] void call_of_empty_function();

/// Callables that can be null: pointers, std::function and the like. A lambda cannot, though it may compare with
/// nullptr.
template <class F>
concept Nullable = std::is_constructible_v<F, std::nullptr_t> && requires(const F& f) { f == nullptr; };

/// f(args...), with f a member pointer as well.
template <class F, class... Args>
  requires(!std::is_member_pointer_v<F>)
constexpr decltype(auto) call(F& f, Args&&... args) {
  return f(std::forward<Args>(args)...);
}
template <class Member, class Class, class Self, class... Args>
constexpr decltype(auto) call(Member Class::* member, Self&& self, Args&&... args) {
  auto&& object = [&]() -> decltype(auto) {
    if constexpr (std::is_base_of_v<Class, std::remove_cvref_t<Self>>)
      return std::forward<Self>(self);
    else
      return *std::forward<Self>(self);
  }();
  if constexpr (std::is_member_function_pointer_v<Member Class::*>)
    return (std::forward<decltype(object)>(object).*member)(std::forward<Args>(args)...);
  else
    return std::forward<decltype(object)>(object).*member;
}
}  // namespace detail

/// Copies copy the callable, which must be copyable; a moved-from Function is empty. Callables of up to three pointers
/// that move without throwing are kept inside, others on the heap. Calling an empty one throws ValueError. Calls are
/// const and see the one callable, which may change itself. When construction or assignment throws, the target is
/// unchanged.
template <class R, class... Args>
class Function<R(Args...)> {
 public:
  /// What a call returns.
  using result_type = R;

  Function() noexcept = default;
  /// One that may not be called.
  Function(std::nullptr_t) noexcept {}
  /// Empty when `callable` is null or an empty Function or std::function.
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Function> && std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
  Function(F&& callable) {
    using Held = std::decay_t<F>;
    static_assert(std::is_copy_constructible_v<Held>, "slope::Function holds callables that can be copied");
    if constexpr (detail::Nullable<Held>)
      if (static_cast<const Held&>(callable) == nullptr) return;
    if constexpr (is_small<Held>)
      ::new (static_cast<void*>(buffer_)) Held(std::forward<F>(callable));
    else
      at<Held*>(buffer_) = new Held(std::forward<F>(callable));
    call_ = [](void* buffer, Args&&... args) -> R {
      if constexpr (std::is_void_v<R>)
        detail::call(held<Held>(buffer), std::forward<Args>(args)...);
      else
        return detail::call(held<Held>(buffer), std::forward<Args>(args)...);
    };
    manage_ = manage<Held>;
  }
  Function(const Function& other) {
    if (!other.call_) return;
    other.manage_(Task::copy, buffer_, other.buffer_);
    call_ = other.call_;
    manage_ = other.manage_;
  }
  Function(Function&& other) noexcept { take(other); }
  // NOLINTNEXTLINE(bugprone-unhandled-self-assignment): a copy is made first
  Function& operator=(const Function& other) { return *this = Function(other); }
  Function& operator=(Function&& other) noexcept {
    if (this != &other) {
      Function old(std::move(*this));  // goes last: its destructor may run anything
      take(other);
    }
    return *this;
  }
  ~Function() {
    if (call_) manage_(Task::destroy, buffer_, nullptr);
  }

  /// Whether it may be called.
  explicit operator bool() const noexcept { return call_ != nullptr; }
  friend bool operator==(const Function& f, std::nullptr_t) noexcept { return !f; }

  /// Calls what it holds.
  R operator()(Args... args) const {
    if (!call_) [[unlikely]]
      detail::call_of_empty_function();
    return call_(buffer_, std::forward<Args>(args)...);
  }

 private:
  enum class Task { copy, relocate, destroy };
  static constexpr std::size_t capacity = 3 * sizeof(void*);

  template <class Held>
  static constexpr bool is_small =
      sizeof(Held) <= capacity && alignof(Held) <= alignof(void*) && std::is_nothrow_move_constructible_v<Held>;
  template <class T>
  static T& at(void* buffer) {
    return *std::launder(static_cast<T*>(buffer));
  }
  template <class Held>
  static Held& held(void* buffer) {
    if constexpr (is_small<Held>)
      return at<Held>(buffer);
    else
      return *at<Held*>(buffer);
  }
  /// `to` and `from` are buffers; copy and relocate construct in `to`, relocate ends the one in `from`.
  template <class Held>
  static void manage(Task task, void* to, void* from) {
    if constexpr (is_small<Held>) {
      if (task == Task::destroy)
        at<Held>(to).~Held();
      else if (task == Task::copy)
        ::new (to) Held(std::as_const(at<Held>(from)));
      else {
        ::new (to) Held(std::move(at<Held>(from)));
        at<Held>(from).~Held();
      }
    } else {
      if (task == Task::destroy)
        delete at<Held*>(to);
      else if (task == Task::copy)
        at<Held*>(to) = new Held(std::as_const(held<Held>(from)));
      else
        at<Held*>(to) = at<Held*>(from);
    }
  }
  void take(Function& other) noexcept {
    call_ = other.call_;
    manage_ = other.manage_;
    if (call_) manage_(Task::relocate, buffer_, other.buffer_);
    other.call_ = nullptr;
  }

  alignas(void*) mutable std::byte buffer_[capacity];
  R (*call_)(void*, Args&&...) = nullptr;
  void (*manage_)(Task, void*, void*) = nullptr;
};

}  // namespace slope
