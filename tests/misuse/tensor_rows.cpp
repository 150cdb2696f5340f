#include <cstdlib>

#include "misuse/row.h"
#include "slope/explain.h"
#include "slope/op.h"

namespace misuse {

using namespace slope;
using namespace slope::autograd;

namespace {

using Size = std::int64_t;
using Options = const TensorOptions&;
using Tensors = std::vector<Tensor>;

// Memory for from_blob: enough for the plain shapes, which are what a caller may promise.
float numbers[64] = {1, 2, 3};
/// What fill_*() write into; as many elements as may be asked for.
std::vector<double> room(100);

struct Twice {
  static constexpr std::string_view name = "Twice";
  struct Saved {};
  Tensor forward(Saved&, const Tensor& x) { return x * 2.0; }
  Grads<1> backward(const Saved&, const Tensor& g) const { return {g * 2.0}; }
};

/// Numbers of elements that memory was made for, or that must be refused.
template <class F>
auto filling(const F& f) {
  return [f](bool none, Size bad, Generator& gen, double a, double b, SourceLoc loc) {
    f(none ? 0 : bad < 0 ? bad : 50, a, b, gen, loc);
  };
}

}  // namespace

std::vector<Row> tensor_rows() {
  return {
      // ---- core
      row("itemsize", itemsize),
      row("is_floating", is_floating),
      row("category", category),
      row("dtype_name", dtype_name),
      row<std::ostream&(std::ostream&, DType)>("operator<<", operator<<),
      row("dtype_of", [] { return dtype_of<float>(); }),
      row("default_dtype", default_dtype),
      row("set_default_dtype", set_default_dtype),
      row("Scalar::Scalar", [](std::uint64_t n, SourceLoc loc) { return Scalar(n, loc); }),
      row("Scalar::category", &Scalar::category),
      row("Scalar::dtype", &Scalar::dtype),
      row("Scalar::to", [](Scalar s) { return concat(s.to<Size>(), s.to<bool>(), s.to<float>()); }),
      row("Error::Error", [](std::string message, SourceLoc loc) { return Error(std::move(message), loc); }),
      row("Error::what", [](std::string message) { return std::string(Error(message).what()); }),
      row("Error::where", [](std::string message) { return Error(message).where(); }),
      row("concat", [](const std::string& s, Size n, double x, const Shape& shape) { return concat(s, n, x, shape); }),
      row<std::string(double)>("to_text", to_text),
      row("get_num_threads", get_num_threads),
      row("set_num_threads", set_num_threads),
      row("on_num_threads_changed",
          [](bool null, SourceLoc loc) { on_num_threads_changed(null ? nullptr : +[](int) {}, loc); }),
      row("in_parallel_region", in_parallel_region),
      row("SerialGuard::SerialGuard", [] { SerialGuard guard; }),
      made<At(Size)>("At::At"),
      // ---- generators
      made<Generator(std::uint64_t)>("Generator::Generator"),
      row("Generator::manual_seed", &Generator::manual_seed),
      row("Generator::seed", &Generator::seed),
      row("Generator::initial_seed", &Generator::initial_seed),
      row("Generator::offset", &Generator::offset),
      row("Generator::reserve", &Generator::reserve),
      row("Generator::next_u64", &Generator::next_u64),
      row("Generator::next_double", &Generator::next_double),
      row("Generator::next_below", &Generator::next_below),
      row("Generator::fork", &Generator::fork),
      row("Generator::get_state", &Generator::get_state),
      row("Generator::set_state",
          [](Generator& g, std::vector<std::uint8_t> state, bool own, SourceLoc loc) {
            if (own) state = Generator(5).get_state();
            g.set_state(state, loc);
          }),
      row("default_generator", default_generator),
      row("manual_seed", manual_seed),
      row("initial_seed", initial_seed),
      row("derive_seed", derive_seed),
      row("fill_uniform", filling([](Size n, double a, double b, Generator& g, SourceLoc loc) {
            fill_uniform(reinterpret_cast<float*>(room.data()), n, a, b, g, loc);
          })),
      row("fill_uniform", filling([](Size n, double a, double b, Generator& g, SourceLoc loc) {
            fill_uniform(room.data(), n, a, b, g, loc);
          })),
      row("fill_normal", filling([](Size n, double a, double b, Generator& g, SourceLoc loc) {
            fill_normal(reinterpret_cast<float*>(room.data()), n, a, b, g, loc);
          })),
      row("fill_normal", filling([](Size n, double a, double b, Generator& g, SourceLoc loc) {
            fill_normal(room.data(), n, a, b, g, loc);
          })),
      row("fill_exponential", filling([](Size n, double a, double, Generator& g, SourceLoc loc) {
            fill_exponential(reinterpret_cast<float*>(room.data()), n, a, g, loc);
          })),
      row("fill_exponential", filling([](Size n, double a, double, Generator& g, SourceLoc loc) {
            fill_exponential(room.data(), n, a, g, loc);
          })),
      row("fill_bernoulli", filling([](Size n, double a, double, Generator& g, SourceLoc loc) {
            fill_bernoulli(room.data(), n, a, g, loc);
          })),
      row("fill_bernoulli", filling([](Size n, double a, double, Generator& g, SourceLoc loc) {
            const std::vector<double> p(50, a);
            fill_bernoulli(room.data(), n, p.data(), g, loc);
          })),
      row("fill_randint",
          [](Generator& g, Size low, Size high, SourceLoc loc) {
            fill_randint(reinterpret_cast<Size*>(room.data()), 50, low, high, g, loc);
          }),
      row("fill_randperm",
          [](Generator& g, SourceLoc loc) { fill_randperm(reinterpret_cast<Size*>(room.data()), 50, g, loc); }),
      row("fill_multinomial",
          [](Generator& g, bool none, bool replacement, SourceLoc loc) {
            const double weights[] = {0.5, 0.25, 0.25};
            fill_multinomial(reinterpret_cast<Size*>(room.data()), weights, none ? -1 : 1, 3, 2, replacement, g, loc);
          }),
      // ---- shapes
      made<Shape()>("Shape::Shape"),
      always_throws(row("Shape::Shape", [](SourceLoc loc) { return Shape({1, 2, 3, 4, 5, 6, 7, 8, 9}, loc); })),
      made<Shape(std::span<const Size>)>("Shape::Shape"),
      made<Shape(const std::vector<Size>&)>("Shape::Shape"),
      row("Shape::Shape",
          [](const std::vector<Size>& sizes, SourceLoc loc) { return Shape(sizes.data(), sizes.size(), loc); }),
      row("Shape::filled", &Shape::filled),
      row("Shape::size", &Shape::size),
      row("Shape::empty", &Shape::empty),
      row<Size(At) const, Shape>("Shape::operator[]", &Shape::operator[]),
      row<Size&(At), Shape>("Shape::operator[]", &Shape::operator[]),
      row("Shape::back", &Shape::back),
      row<const Size*() const, Shape>("Shape::begin", &Shape::begin),
      row<const Size*() const, Shape>("Shape::end", &Shape::end),
      row<Size*(), Shape>("Shape::begin", &Shape::begin),
      row<Size*(), Shape>("Shape::end", &Shape::end),
      row("Shape::push_back", &Shape::push_back),
      row("Shape::insert", &Shape::insert),
      row("Shape::erase", &Shape::erase),
      made<Dims(const Shape&)>("Dims::Dims"),
      made<Dims(Size)>("Dims::Dims"),
      row("checked_numel", checked_numel),
      row("checked_add", checked_add),
      row("checked_mul", checked_mul),
      row("contiguous_strides", contiguous_strides),
      row<bool(const Shape&, const Shape&)>("is_contiguous", is_contiguous),
      row("wrap_dim", [](Size dim, SourceLoc loc) { return wrap_dim(dim, 2, "a call", loc); }),
      row("broadcast_shapes", broadcast_shapes),
      row<std::string(const Shape&)>("to_text", to_text),
      row<std::ostream&(std::ostream&, const Shape&)>("operator<<", operator<<),
      // ---- the engine
      row<void(const Tensors&, const Tensors&, BackwardOptions, SourceLoc)>("backward", backward),
      row("grad", [](const Tensor& x, const Tensors& inputs, bool own, const GradOptions& o,
                     SourceLoc loc) { return grad({x * 2.0}, own ? Tensors{x} : inputs, o, loc); }),
      row("custom",
          [](std::string name, const Tensors& in, const Tensor& out, Function<Tensors(const Tensor&)> f,
             CustomOptions o, SourceLoc loc) { return custom(std::move(name), in, out, std::move(f), o, loc); }),
      row("custom",
          [](std::string name, const Tensors& in, const Tensors& out, Function<Tensors(const Tensors&)> f,
             CustomOptions o, SourceLoc loc) { return custom(std::move(name), in, out, std::move(f), o, loc); }),
      row<std::string(const Tensor&, const ExplainOptions&, SourceLoc)>("explain", explain),
      row<std::string(const Tensors&, const ExplainOptions&, SourceLoc)>("explain", explain),
      row<std::string(const Tensor&, const ExplainOptions&, SourceLoc)>("explain_dot", explain_dot),
      row<std::string(const Tensors&, const ExplainOptions&, SourceLoc)>("explain_dot", explain_dot),
      row("grad_enabled", grad_enabled),
      row("GradModeGuard::GradModeGuard", [](bool on) { GradModeGuard guard(on); }),
      row("NoGradGuard::NoGradGuard", [] { NoGradGuard guard; }),
      row("EnableGradGuard::EnableGradGuard", [] { EnableGradGuard guard; }),
      row("AnomalyGuard::AnomalyGuard", [](bool on) { AnomalyGuard guard(on); }),
      row("CheckedFunction::CheckedFunction",
          [] { return CheckedFunction([](const Tensors&) { return tensor(1.0); }); }),
      row("CheckedFunction::operator()", [](const CheckedFunction& f) { return f({full({3, 3}, 0.5)}); }),
      row("gradcheck", gradcheck),
      row("gradgradcheck", gradgradcheck),
      row("require_gradcheck", require_gradcheck),
      row("require_gradgradcheck", require_gradgradcheck),
      row("HookHandle::remove",
          [](bool twice) {
            const Tensor x = zeros({2}, {.requires_grad = true});
            HookHandle handle = x.register_hook([](const Tensor&) {});
            handle.remove();
            if (twice) handle.remove();
          }),
      row("on_gradient_complete",
          [](const Tensor& x, GradHook hook, SourceLoc loc) { on_gradient_complete(x, std::move(hook), loc); }),
      made<NoGrad(Tensor)>("NoGrad::NoGrad"),
      made<View(Tensor)>("View::View"),
      row("apply", [](In x) { return apply(x.loc, Twice{}, x); }),
      // ---- making tensors
      row("Literal::Literal", [] { return tensor(Literal()); }),
      row("Literal::Literal", [](double x) { return tensor(Literal(x)); }),
      row("Literal::Literal", [](SourceLoc loc) { return tensor({{1.0, 2.0}, {3.0, 4.0}}, {}, loc); }),
      row("Literal::is_list", [] { return Literal(1).is_list(); }),
      row("Literal::value", [](double x) { return Literal(x).value(); }),
      row("Literal::begin", [] { return Literal{1, 2}.begin()->value(); }),
      row("Literal::end", [] { return Literal(1).end() - Literal(1).begin(); }),
      row("Literal::size", [] { return Literal{1, 2}.size(); }),
      row("tensor", [](double a, double b, Options o, SourceLoc loc) { return tensor({a, b}, o, loc); }),
      row("tensor",
          [](const std::vector<std::vector<double>>& v, Options o, SourceLoc loc) { return tensor(v, o, loc); }),
      row("tensor", [](const std::vector<bool>& v, Options o, SourceLoc loc) { return tensor(v, o, loc); }),
      row("scalar_tensor", scalar_tensor),
      row<Tensor(const Shape&, Options, SourceLoc)>("zeros", zeros),
      row<Tensor(const Shape&, Options, SourceLoc)>("ones", ones),
      row<Tensor(const Shape&, Options, SourceLoc)>("empty", empty),
      row<Tensor(Size, Size, Options, SourceLoc)>("zeros", zeros),
      row<Tensor(Size, Size, Size, Options, SourceLoc)>("ones", ones),
      row<Tensor(Size, Options, SourceLoc)>("empty", empty),
      row("full", full),
      row("zeros_like", zeros_like),
      row("ones_like", ones_like),
      row("empty_like", empty_like),
      row("full_like", full_like),
      row<Tensor(Size, Options, SourceLoc)>("eye", eye),
      row<Tensor(Size, Size, Options, SourceLoc)>("eye", eye),
      row<Tensor(Scalar, Scalar, Scalar, Options, SourceLoc)>("arange", arange),
      row<Tensor(Scalar, Scalar, Options, SourceLoc)>("arange", arange),
      row<Tensor(Scalar, Options, SourceLoc)>("arange", arange),
      row("linspace", linspace),
      // The shapes are taken small: what memory there is, the caller says.
      row("from_blob",
          [](bool null, DType dtype, bool large, SourceLoc loc) {
            return from_blob(null ? nullptr : numbers, large ? Shape{INT64_MAX, 2} : Shape{2}, dtype, loc);
          }),
      row("from_blob",
          [](bool null, DType dtype, bool large, SourceLoc loc) {
            return from_blob(null ? nullptr : numbers, {2}, large ? Shape{INT64_MAX} : Shape{1}, dtype, loc);
          }),
      row("from_blob",
          [](bool null, DType dtype, bool large, SourceLoc loc) {
            return from_blob(
                null ? nullptr : numbers, large ? Shape{INT64_MAX, 2} : Shape{2}, dtype, [](void*) {}, loc);
          }),
      row("from_blob",
          [](bool null, DType dtype, bool large, SourceLoc loc) {
            return from_blob(null ? nullptr : numbers, {2}, large ? Shape{1, 1} : Shape{1}, dtype, [](void*) {}, loc);
          }),
      row("from_blob",
          [](bool null, bool large, SourceLoc loc) {
            return from_blob(null ? static_cast<float*>(nullptr) : numbers, large ? Shape{-1} : Shape{2}, Shape{1},
                             loc);
          }),
      // ---- drawing
      row<Tensor(const Shape&, Options, Generator&, SourceLoc)>("rand", slope::rand),
      row<Tensor(const Shape&, Options, Generator&, SourceLoc)>("randn", slope::randn),
      row<Tensor(Size, Size, Options, Generator&, SourceLoc)>("rand", slope::rand),
      row<Tensor(Size, Options, Generator&, SourceLoc)>("randn", slope::randn),
      row<Tensor(Size, const Shape&, Options, Generator&, SourceLoc)>("randint", randint),
      row<Tensor(Size, Size, const Shape&, Options, Generator&, SourceLoc)>("randint", randint),
      row("rand_like", rand_like),
      row("randn_like", randn_like),
      row("randint_like", randint_like),
      row("randperm", randperm),
      row<Tensor(const Tensor&, Generator&, SourceLoc)>("bernoulli", bernoulli),
      row<Tensor(const Tensor&, const Tensor&, Generator&, SourceLoc)>("normal", normal),
      row<Tensor(const Tensor&, double, Generator&, SourceLoc)>("normal", normal),
      row<Tensor(double, const Tensor&, Generator&, SourceLoc)>("normal", normal),
      row<Tensor(double, double, const Shape&, Options, Generator&, SourceLoc)>("normal", normal),
      row("multinomial", multinomial),
      // ---- printing
      row("set_print_options", set_print_options),
      row("print_options", print_options),
      row("PrintOptionsGuard::PrintOptionsGuard",
          [](const PrintOptions& o, const Tensor& x, SourceLoc loc) {
            const PrintOptionsGuard guard(o, loc);
            return x.to_string(loc);
          }),
      row("format_tensor", format_tensor),
      row<std::ostream&(std::ostream&, const Tensor&)>("operator<<", operator<<),
  };
}

}  // namespace misuse
