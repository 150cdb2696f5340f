#include "slope/autograd/ops/pointwise.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "slope/autograd/engine/backward.h"
#include "slope/autograd/engine/op.h"
#include "slope/autograd/kernels/iterate.h"
#include "slope/autograd/ops/pointwise_value.h"
#include "slope/autograd/ops/promote.h"
#include "slope/autograd/ops/view.h"
#include "slope/autograd/tensor/constants.h"
#include "slope/autograd/tensor/factory.h"

namespace slope::detail {

namespace {

constexpr std::int64_t block = 512;

/// A number, and how it looks as an element of the compute dtype.
struct Number {
  Number() = default;
  Number(const Scalar& s, DType dtype) : value(s.to<double>()) {
    if (dtype == DType::float32)
      cell.f = s.to<float>();
    else if (dtype == DType::float64)
      cell.d = value;
    else
      cell.i = s.to<std::int64_t>();
  }
  double value;
  union {
    float f;
    double d;
    std::int64_t i;
  } cell;
};

/// An argument ready for a kernel: a tensor of the compute dtype, or a number in it, which is set only where there is
/// no tensor.
struct Arg {
  const Tensor* tensor;
  Number number;
};

/// Tensors that live as long as one call: few calls need any.
class Temporaries {
 public:
  Temporaries() = default;
  Temporaries(const Temporaries&) = delete;
  Temporaries& operator=(const Temporaries&) = delete;
  ~Temporaries() {
    while (count_ > 0) at(--count_)->~Tensor();
  }
  const Tensor* keep(Tensor t) { return new (at(count_++)) Tensor(std::move(t)); }

 private:
  Tensor* at(int i) { return reinterpret_cast<Tensor*>(memory_) + i; }
  int count_ = 0;
  alignas(Tensor) unsigned char memory_[max_arity * sizeof(Tensor)];
};

struct Prepared {
  Arg args[max_arity];  // as many as there are arguments are set
  Temporaries converted;
  DType dtype = DType::float32;
  Shape shape;
  SourceLoc loc;
  bool dense = true;       // every tensor has exactly `shape` and is contiguous
  bool same_shape = true;  // every tensor has exactly `shape`
  bool any_grad = false;   // some tensor requires a gradient
};

// "mul", "mse_loss": the function's name, which a message starts with, from the node's.
std::string function_name(const FormulaInfo& info) {
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  std::string s;
  for (std::size_t i = 0; i < info.name.size(); ++i) {
    const char c = info.name[i];
    if (i > 0 && is_upper(c) && !is_upper(info.name[i - 1])) s += '_';
    s += is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return s;
}

// "argument 'weight'", or "argument 2" of a formula that does not name them.
std::string argument_name(const FormulaInfo& info, int i) {
  return info.arguments ? concat("argument '", info.arguments[i], "'") : concat("argument ", i);
}

Shape common_shape(const FormulaInfo& info, const Shape& a, const Shape& b, SourceLoc loc) {
  try {
    return broadcast_shapes(a, b);
  } catch (const ShapeError&) {
    return broadcast_shapes(a, b, function_name(info).c_str(), loc);  // throws again, with the name
  }
}

void prepare(Prepared& p, const FormulaInfo& info, const Operand* args) {
  const Tensor* first = nullptr;
  bool uniform = true;
  for (int i = 0; i < info.arity; ++i) {
    if (!p.loc.file && args[i].loc.file) p.loc = args[i].loc;
    if (!args[i].tensor) continue;
    if (!args[i].tensor->defined())
      throw ValueError(concat(function_name(info), ": ", argument_name(info, i), " is an undefined tensor"),
                       args[i].loc);
    if (!first)
      first = args[i].tensor;
    else
      uniform &= args[i].tensor->dtype() == first->dtype();
  }
  if (!first) throw ValueError(concat(function_name(info), ": at least one argument must be a tensor"), p.loc);
  if (uniform && is_floating(first->dtype())) {
    p.dtype = first->dtype();
  } else {
    p.dtype = promote(args, info.arity);
    if (!is_floating(p.dtype) && !(info.integer && p.dtype == DType::int64)) p.dtype = default_dtype();
  }
  p.shape = first->shape();
  for (int i = 0; i < info.arity; ++i) {
    if (!args[i].tensor) {
      p.args[i].tensor = nullptr;
      p.args[i].number = Number(args[i].scalar, p.dtype);
      continue;
    }
    const Tensor* t = args[i].tensor;
    if (t->dtype() != p.dtype) t = p.converted.keep(t->to(p.dtype, p.loc));
    p.args[i].tensor = t;
    p.any_grad |= t->requires_grad();
    p.dense &= t->is_contiguous();
    if (t->shape() != p.shape) {
      p.shape = common_shape(info, p.shape, t->shape(), p.loc);
      p.same_shape = p.dense = false;
    }
  }
}

/// Where a kernel reads one of its inputs.
struct Source {
  const TensorImpl* tensor = nullptr;
  BlockIn number;  // when there is no tensor

  BlockIn block() const { return tensor ? BlockIn{tensor->data} : number; }
  StridedArg strided(const Shape& shape) const {
    if (!tensor) return {const_cast<void*>(number.data), Shape::filled(shape.size(), 0)};
    return {tensor->data, broadcast_byte_strides(*tensor, shape)};
  }
};

Source source(const Tensor& t) { return {&t.impl(), {}}; }
Source source(const Arg& arg) { return arg.tensor ? source(*arg.tensor) : Source{nullptr, {&arg.number.cell, true}}; }

BlockIn shifted(BlockIn in, std::int64_t bytes) {
  if (!in.splat) in.data = static_cast<const char*>(in.data) + bytes;
  return in;
}
void* shifted(void* out, std::int64_t bytes) { return out ? static_cast<char*>(out) + bytes : nullptr; }

/// Runs `body(ins, outs, n)` over all elements: `ins` are blocks, `outs` pointers to contiguous memory. Strided inputs
/// are gathered into small buffers first and strided outputs scattered afterwards.
template <int N, class Body>
void for_blocks(const Shape& shape, std::int64_t item, const StridedArg* args, int inputs, std::int64_t grain,
                const Body& body) {
  StridedLoop<N> loop(shape, args);
  parallel_chunks(loop.numel(), grain, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
    alignas(64) char buffers[N][block * 8];
    loop.run_range(begin, end, [&](char* const* p, const std::int64_t* s, std::int64_t n) {
      bool direct = true;
      for (int k = 0; k < N; ++k) direct &= s[k] == item || (k < inputs && s[k] == 0);
      const std::int64_t step = direct ? n : block;
      for (std::int64_t at = 0; at < n; at += step) {
        const std::int64_t m = std::min(step, n - at);
        BlockIn in[N];
        void* out[N];
        for (int k = 0; k < N; ++k) {
          char* src = p[k] + at * s[k];
          if (s[k] == item || (k < inputs && s[k] == 0)) {
            in[k] = {src, s[k] == 0};
            out[k] = src;
          } else {
            if (k < inputs) {
              if (item == 4)
                for (std::int64_t i = 0; i < m; ++i) std::memcpy(buffers[k] + i * 4, src + i * s[k], 4);
              else
                for (std::int64_t i = 0; i < m; ++i) std::memcpy(buffers[k] + i * 8, src + i * s[k], 8);
            }
            in[k] = {buffers[k], false};
            out[k] = buffers[k];
          }
        }
        body(chunk, in, out + inputs, m);
        for (int k = inputs; k < N; ++k)
          if (s[k] != item) {
            char* dst = p[k] + at * s[k];
            for (std::int64_t i = 0; i < m; ++i)
              std::memcpy(dst + i * s[k], buffers[k] + i * item, static_cast<std::size_t>(item));
          }
      }
    });
  });
}

void compute_value(const FormulaInfo& info, const void* formula, const Prepared& p, const TensorImpl& out) {
  const ValueKernel kernel = p.dtype == DType::int64 ? info.integer : info.value[p.dtype == DType::float64];
  const auto item = static_cast<std::int64_t>(itemsize(p.dtype));
  if (out.numel == 0) return;
  if (p.dense && out.contiguous) {
    BlockIn in[max_arity];
    for (int i = 0; i < info.arity; ++i) in[i] = source(p.args[i]).block();
    if (out.numel <= info.grain) return kernel(formula, in, out.data, out.numel);
    return parallel_for(out.numel, info.grain, [&](std::int64_t begin, std::int64_t end) {
      BlockIn at[max_arity];
      for (int i = 0; i < info.arity; ++i) at[i] = shifted(in[i], begin * item);
      kernel(formula, at, shifted(out.data, begin * item), end - begin);
    });
  }
  StridedArg args[max_arity + 1];
  for (int i = 0; i < info.arity; ++i) args[i] = source(p.args[i]).strided(p.shape);
  args[info.arity] = Source{&out, {}}.strided(p.shape);
  with_count<2, max_arity + 1>(info.arity + 1, [&](auto n) {
    for_blocks<n()>(
        p.shape, item, args, info.arity, info.grain,
        [&](std::int64_t, const BlockIn* in, void* const* to, std::int64_t m) { kernel(formula, in, to[0], m); });
  });
}

/// What pointwise nodes of one arity share: saved arguments and edges. Behind the node, in the same block, lie the
/// formula and, when arguments differ in shape, their shapes.
template <int N>
struct FormulaNode : Node {
  FormulaNode(const FormulaInfo& i, const void* f, std::size_t formula_bytes, char* behind, std::uint32_t bytes,
              const Prepared& p)
      : Node(std::span<Edge>(links, N), bytes, p.loc), info(i), formula(behind), dtype(p.dtype), shape(p.shape) {
    std::memcpy(behind, f, formula_bytes);
    for (int k = 0; k < N; ++k) {
      if (!p.args[k].tensor) {
        numbers[k] = p.args[k].number;
        continue;
      }
      is_tensor |= 1u << k;
      links[k] = Edge::to(*p.args[k].tensor);
      if (links[k]) mentioned |= info.mentions[k];
    }
    for (int k = 0; k < N; ++k)
      if (mentioned & is_tensor & 1u << k) saved[k] = save(*p.args[k].tensor);
    if (p.same_shape) return;
    auto* shapes = new (behind + aligned(formula_bytes)) Shape[N];
    for (int k = 0; k < N; ++k)
      if (p.args[k].tensor) shapes[k] = p.args[k].tensor->shape();
    shapes_of_inputs = shapes;
  }
  static constexpr std::size_t aligned(std::size_t bytes) {
    constexpr std::size_t align = alignof(std::max_align_t);
    return (bytes + align - 1) / align * align;
  }
  /// What is needed behind the node.
  static std::size_t bytes_behind(std::size_t formula_bytes, const Prepared& p) {
    return p.same_shape ? formula_bytes : aligned(formula_bytes) + N * sizeof(Shape);
  }
  const Shape& input_shape(int k) const { return shapes_of_inputs ? shapes_of_inputs[k] : shape; }
  /// The gradient of input k, given one of the result's shape.
  Tensor reduced(Tensor g, int k) const {
    return shapes_of_inputs || g.shape() != shape ? sum_to(g, input_shape(k)) : std::move(g);
  }

  std::string_view name() const override { return info.name; }
  const Shape* input_shape_of(std::size_t i) const override {
    return i < N ? &input_shape(static_cast<int>(i)) : nullptr;
  }
  void collect_saved(std::vector<SavedTensor>& into) const override {
    for (const SavedTensor& s : saved)
      if (s) into.push_back(s);
  }
  bool saves() const { return mentioned != 0; }

  // The saved arguments as tensors; what was not saved stays undefined.
  void unpack(Tensor* args) const {
    for (int k = 0; k < N; ++k)
      if (mentioned & is_tensor & 1u << k) args[k] = saved[k].get();
  }

  // As above with numbers as 0-d constants, for the Tensor reading.
  void unpack_for_composing(Tensor* args) const {
    unpack(args);
    for (int k = 0; k < N; ++k)
      if (!(is_tensor & 1u << k)) args[k] = make_number(numbers[k].value, dtype);
  }

  // Gradients written as tensor operations, to be differentiated again.
  void composed_backward(const Tensor& value, const Tensor& g, std::span<Tensor> into) {
    const ConstantDTypeGuard constants(dtype);
    Tensor args[N];
    unpack_for_composing(args);
    if (info.partial) {
      for (int k = 0; k < N; ++k) {
        if (!links[k]) continue;
        const Tensor d = info.partial(formula, k, args, value);
        const Tensor passed = info.selects ? scale_cotangent(d, g) : scale_cotangent(g, d);
        into[static_cast<std::size_t>(k)] = sum_to(passed, input_shape(k));
      }
      return;
    }
    std::vector<Tensor> wanted;
    for (int k = 0; k < N; ++k)
      if (links[k]) {
        args[k] = args[k].view(args[k].shape());  // its own node, so that f(x, x) yields one gradient per argument
        wanted.push_back(args[k]);
      }
    const Tensor composed = info.compose(formula, args).expand(g.shape());
    auto grads = autograd::grad({composed}, wanted, {.grad_outputs = {g}, .create_graph = true, .allow_unused = true});
    std::size_t i = 0;
    for (int k = 0; k < N; ++k)
      if (links[k]) into[static_cast<std::size_t>(k)] = sum_to(grads[i++], input_shape(k));
  }

  const FormulaInfo& info;
  const void* formula;
  DType dtype;
  unsigned mentioned = 0, is_tensor = 0;
  const Shape* shapes_of_inputs = nullptr;
  Shape shape;  // of the result
  Number numbers[N];
  SavedTensor saved[N];
  Edge links[N];
};

template <int N>
struct PointwiseNode final : FormulaNode<N> {
  using Base = FormulaNode<N>;
  using Base::Base, Base::info, Base::formula, Base::links, Base::mentioned, Base::is_tensor, Base::dtype, Base::shape;
  SavedTensor value;

  void collect_saved(std::vector<SavedTensor>& into) const override {
    Base::collect_saved(into);
    if (value) into.push_back(value);
  }
  void release_saved() override {
    for (auto& s : Base::saved) s.reset();
    value.reset();
  }

  void backward(std::span<Tensor> g, std::span<Tensor> into) override {
    if (grad_enabled()) {
      const Tensor y = mentioned & mentions_value ? value.get() : Tensor();
      return this->composed_backward(y, g[0], into);
    }
    unsigned passing = 0, scaled = 0;  // arguments whose gradient is g itself, and the other ones
    for (int k = 0; k < N; ++k)
      if (links[k]) (info.constant[k] && info.constant_value[k] == 1 ? passing : scaled) |= 1u << k;
    for (int k = 0; k < N; ++k)
      if (passing & 1u << k) {
        passing &= ~(1u << k);
        into[static_cast<std::size_t>(k)] = this->reduced(passing || scaled ? g[0] : std::move(g[0]), k);
      }
    if (scaled) scaled_backward(scaled, g[0], into);
  }

  void scaled_backward(unsigned wanted, Tensor& g, std::span<Tensor> into) const {
    bool dense = g.is_contiguous();
    auto source_of = [&](const SavedTensor& s) {
      const TensorImpl& t = s.value();
      dense &= t.contiguous && t.sizes == shape;
      return Source{&t, {}};
    };
    Source args[N], y{nullptr, any_block(dtype)};
    for (int k = 0; k < N; ++k) {
      if (!(is_tensor & 1u << k))
        args[k].number = {&this->numbers[k].cell, true};
      else if (mentioned & 1u << k)
        args[k] = source_of(this->saved[k]);
      else
        args[k].number = any_block(dtype);
    }
    if (mentioned & mentions_value) y = source_of(value);
    Tensor grads[N];
    // A gradient nobody else holds is overwritten in place: each element is read before it is written.
    const bool reuse = dense && (wanted & (wanted - 1)) == 0 && g.sole_owner() && g.dtype() == dtype;
    for (int k = 0; k < N; ++k)
      if (wanted & 1u << k) grads[k] = reuse ? std::move(g) : make_empty(shape, dtype);
    compute(args, y, reuse ? grads[__builtin_ctz(wanted)] : g, grads, dense);
    for (int k = 0; k < N; ++k)
      if (wanted & 1u << k) into[static_cast<std::size_t>(k)] = this->reduced(std::move(grads[k]), k);
  }

  void compute(const Source* args, const Source& y, const Tensor& g, const Tensor* grads, bool dense) const {
    const BackwardKernel kernel = info.backward[dtype == DType::float64];
    const auto item = static_cast<std::int64_t>(itemsize(dtype));
    const std::int64_t n = g.numel();
    if (dense) {
      BlockIn in[N];
      void* to[N];
      for (int k = 0; k < N; ++k) {
        in[k] = args[k].block();
        to[k] = grads[k].defined() ? grads[k].impl().data : nullptr;
      }
      const BlockIn value_in = y.block(), up = {g.impl().data};
      if (n <= info.grain) return kernel(formula, in, value_in, up, to, n);
      return parallel_for(n, info.grain, [&](std::int64_t begin, std::int64_t end) {
        BlockIn at[N];
        void* to_at[N];
        for (int k = 0; k < N; ++k) {
          at[k] = shifted(in[k], begin * item);
          to_at[k] = shifted(to[k], begin * item);
        }
        kernel(formula, at, shifted(value_in, begin * item), shifted(up, begin * item), to_at, end - begin);
      });
    }
    StridedArg strided_args[2 * N + 2];
    int inputs = 0;
    for (int k = 0; k < N; ++k) strided_args[inputs++] = args[k].strided(shape);
    strided_args[inputs++] = y.strided(shape);
    strided_args[inputs++] = source(g).strided(shape);
    int outs = 0, which[N];
    for (int k = 0; k < N; ++k)
      if (grads[k].defined()) {
        which[outs] = k;
        strided_args[inputs + outs++] = source(grads[k]).strided(shape);
      }
    with_count<N + 3, 2 * N + 2>(inputs + outs, [&](auto count) {
      for_blocks<count()>(shape, item, strided_args, inputs, info.grain,
                          [&](std::int64_t, const BlockIn* in, void* const* out, std::int64_t m) {
                            void* to[N] = {};
                            for (int j = 0; j < outs; ++j) to[which[j]] = out[j];
                            kernel(formula, in, in[N], in[N + 1], to, m);
                          });
    });
  }
};

/// A mean or sum whose local gradient was computed in forward.
template <int N>
struct ReducedNode final : FormulaNode<N> {
  using Base = FormulaNode<N>;
  using Base::Base, Base::links, Base::shape;
  Tensor local[N];
  double scale = 1;
  bool freed = false;

  void collect_saved(std::vector<SavedTensor>& into) const override {
    Base::collect_saved(into);
    for (const Tensor& l : local)
      if (l.defined()) into.emplace_back(l);
  }
  void release_saved() override {
    for (auto& s : Base::saved) s.reset();
    for (auto& l : local) l = Tensor();
    freed = true;
  }

  void backward(std::span<Tensor> g, std::span<Tensor> into) override {
    Tensor args[N];
    this->unpack(args);  // also notices inputs that were overwritten or freed
    if (freed) (void)SavedTensor().get();
    if (grad_enabled()) {
      const Tensor spread = (g[0] * scale).expand(shape);
      Tensor value;
      return this->composed_backward(value, spread, into);
    }
    const double up = g[0].template item<double>();
    for (int k = 0; k < N; ++k) {
      if (!links[k]) continue;
      Tensor gx = local[k];
      if (up == 0)
        gx = zeros(gx.shape(), {.dtype = gx.dtype()});
      else if (up != 1)
        gx = gx.mul(up);
      into[static_cast<std::size_t>(k)] = this->reduced(std::move(gx), k);
    }
  }
};

template <class MakeNode>
Node* with_arity(int n, const MakeNode& make) {
  Node* node = nullptr;
  with_count<1, max_arity>(n, [&](auto count) { node = make(count); });
  return node;
}

template <class NodeType>
NodeType* make_node(const FormulaInfo& info, const void* formula, std::size_t bytes, const Prepared& p) {
  constexpr std::size_t head = NodeType::aligned(sizeof(NodeType));
  const std::size_t all = head + NodeType::bytes_behind(bytes, p);
  char* memory = static_cast<char*>(allocate_node(all));
  return new (memory) NodeType(info, formula, bytes, memory + head, static_cast<std::uint32_t>(all), p);
}

bool wants_graph(const FormulaInfo& info, const Prepared& p) {
  if (!p.any_grad || !grad_enabled() || !is_floating(p.dtype)) return false;
  if (info.differentiable == (1u << info.arity) - 1) return true;
  for (int i = 0; i < info.arity; ++i)
    if (p.args[i].tensor && p.args[i].tensor->requires_grad() && !(info.differentiable >> i & 1))
      throw AutogradError(
          concat(function_name(info), ": the function '", function_name(info),
                 "' is not differentiable with respect to ", argument_name(info, i), "; pass it with .detach()"),
          p.loc);
  return true;
}

}  // namespace

Tensor run_pointwise(const FormulaInfo& info, const void* formula, std::size_t bytes, const Operand* args) {
  Prepared p;
  prepare(p, info, args);
  const bool record = wants_graph(info, p);
  Tensor out = make_empty(p.shape, p.dtype);
  compute_value(info, formula, p, out.impl());
  if (record)
    set_producer(out, with_arity(info.arity, [&](auto n) -> Node* {
                   auto* node = make_node<PointwiseNode<n()>>(info, formula, bytes, p);
                   if (node->mentioned & mentions_value) node->value = save_output(out);
                   return node;
                 }));
  return out;
}

void run_pointwise_into(const FormulaInfo& info, const void* formula, const Operand* args, const Tensor& out) {
  NoGradGuard no_grad;
  Prepared p;
  prepare(p, info, args);
  compute_value(info, formula, p, out.impl());
}

Tensor run_reduced(const FormulaInfo& info, const void* formula, std::size_t bytes, const Operand* args,
                   Reduction reduction) {
  Prepared p;
  prepare(p, info, args);
  const bool record = wants_graph(info, p);
  const std::int64_t n = checked_numel(p.shape, "loss");
  double scale = 1;
  if (reduction == Reduction::mean) scale = 1.0 / static_cast<double>(n);  // inf for an empty mean, whose value is 0/0
  if (reduction == Reduction::batchmean && p.shape.size() > 0)
    scale = 1.0 / static_cast<double>(args[0].tensor->size(0));

  Tensor local[max_arity];
  if (record)
    for (int i = 0; i < info.arity; ++i)
      if (p.args[i].tensor && p.args[i].tensor->requires_grad()) local[i] = make_empty(p.shape, p.dtype);

  const ReduceKernel kernel = info.reduce[p.dtype == DType::float64];
  const auto item = static_cast<std::int64_t>(itemsize(p.dtype));
  double partial_small[16];
  std::vector<double> partial_large;
  double* partial = partial_small;
  const std::int64_t chunks = chunk_count(n, info.grain);
  if (chunks > 16) {
    partial_large.resize(static_cast<std::size_t>(chunks));
    partial = partial_large.data();
  }
  if (p.dense) {
    parallel_chunks(n, info.grain, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
      BlockIn in[max_arity];
      void* to[max_arity];
      for (int k = 0; k < info.arity; ++k) {
        in[k] = shifted(source(p.args[k]).block(), begin * item);
        to[k] = local[k].defined() ? shifted(local[k].impl().data, begin * item) : nullptr;
      }
      partial[chunk] = kernel(formula, in, to, scale, end - begin);
    });
  } else if (n > 0) {
    StridedArg strided_args[2 * max_arity];
    int outs = 0, which[max_arity];
    for (int k = 0; k < info.arity; ++k) strided_args[k] = source(p.args[k]).strided(p.shape);
    for (int k = 0; k < info.arity; ++k)
      if (local[k].defined()) {
        which[outs] = k;
        strided_args[info.arity + outs++] = source(local[k]).strided(p.shape);
      }
    for (std::int64_t c = 0; c < chunks; ++c) partial[c] = 0;
    with_count<1, 2 * max_arity>(info.arity + outs, [&](auto count) {
      for_blocks<count()>(p.shape, item, strided_args, info.arity, info.grain,
                          [&](std::int64_t chunk, const BlockIn* in, void* const* out, std::int64_t m) {
                            void* to[max_arity] = {};
                            for (int j = 0; j < outs; ++j) to[which[j]] = out[j];
                            partial[chunk] += kernel(formula, in, to, scale, m);
                          });
    });
  }
  double total = 0;
  for (std::int64_t c = 0; c < chunks; ++c) total += partial[c];
  if (reduction == Reduction::mean)
    total /= static_cast<double>(n);
  else if (reduction == Reduction::batchmean && p.shape.size() > 0)
    total /= static_cast<double>(args[0].tensor->size(0));

  Tensor out = make_empty({}, p.dtype);
  if (p.dtype == DType::float64)
    *out.impl().ptr<double>() = total;
  else
    *out.impl().ptr<float>() = static_cast<float>(total);
  if (record)
    set_producer(out, with_arity(info.arity, [&](auto count) -> Node* {
                   constexpr int arity = count();
                   auto* node = make_node<ReducedNode<arity>>(info, formula, bytes, p);
                   node->scale = scale;
                   for (int k = 0; k < arity; ++k) node->local[k] = std::move(local[k]);
                   return node;
                 }));
  return out;
}

double sum_of_values(const FormulaInfo& info, const void* formula, const Tensor& x) {
  NoGradGuard no_grad;
  // One chunk: the same sum as run_reduced forms, but for its rounding to the dtype.
  if (x.is_contiguous() && x.is_floating_point() && x.numel() <= info.grain) {
    const BlockIn in{x.impl().data};
    void* none = nullptr;
    return info.reduce[x.dtype() == DType::float64](formula, &in, &none, 1, x.numel());
  }
  const Operand operand(x);
  return run_reduced(info, formula, 0, &operand, Reduction::sum).item<double>();
}

}  // namespace slope::detail
