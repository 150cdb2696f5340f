#include "slope/autograd/kernels/window/window.h"

#include <algorithm>

namespace slope {

using std::int64_t;

namespace {

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
int64_t ceil_div(int64_t a, int64_t b) { return -floor_div(-a, b); }

/// One number per dimension of each option, checked.
struct Numbers {
  Shape kernel, stride, before, after, dilation;
};

Numbers checked_numbers(const char* op, int dims, const WindowOptions& o, SourceLoc loc) {
  Numbers n{o.kernel.expanded(dims, op, "kernel_size", loc),
            (o.stride.empty() ? o.kernel : o.stride).expanded(dims, op, "stride", loc),
            o.padding.expanded(dims, op, "padding", loc),
            (o.padding_after.empty() ? o.padding : o.padding_after).expanded(dims, op, "padding", loc),
            o.dilation.expanded(dims, op, "dilation", loc)};
  const auto require = [&](const Shape& values, int64_t least, const char* what) {
    for (const int64_t v : values)
      if (v < least) throw ValueError(concat(op, ": ", what, ", got ", values), loc);
  };
  require(n.kernel, 1, "kernel size should be greater than zero");
  require(n.stride, 1, "non-positive stride is not supported");
  require(n.before, 0, "negative padding is not supported");
  require(n.after, 0, "negative padding is not supported");
  require(n.dilation, 1, "dilation should be greater than zero");
  return n;
}

/// The axis for one dimension without its numbers of elements and windows. Its extent fits int64.
WindowAxis axis_of(const Numbers& n, int d, const char* op, SourceLoc loc) {
  WindowAxis a;
  a.kernel = n.kernel[d];
  a.stride = n.stride[d];
  a.before = n.before[d];
  a.after = n.after[d];
  a.dilation = n.dilation[d];
  checked_add(checked_mul(a.dilation, a.kernel - 1, op, loc), 1, op, loc);
  return a;
}

Shape last(const Shape& s, int dims, const char* op, SourceLoc loc) {
  if (s.size() < dims)
    throw ShapeError(concat(op, ": needs at least ", dims, " dimensions, but got a tensor of shape ", s), loc);
  return Shape(s.end() - dims, static_cast<std::size_t>(dims));
}

Shape with_last(Shape s, const Window& w, int64_t WindowAxis::* size) {
  for (int d = 0; d < w.dims; ++d) s[s.size() - w.dims + d] = w.axes[static_cast<std::size_t>(3 - w.dims + d)].*size;
  return s;
}

}  // namespace

TapRange WindowAxis::taps(int64_t window) const {
  const int64_t start = position(window, 0);
  const int64_t begin = std::max<int64_t>(0, ceil_div(-start, dilation));
  return {begin, std::max(begin, std::min(kernel, floor_div(input - 1 - start, dilation) + 1))};
}

TapRange WindowAxis::outputs(int64_t tap) const {
  const int64_t offset = tap * dilation - before;
  const int64_t begin = std::max<int64_t>(0, ceil_div(-offset, stride));
  return {begin, std::max(begin, std::min(output, floor_div(input - 1 - offset, stride) + 1))};
}

Shape Window::output_shape(Shape shape) const { return with_last(shape, *this, &WindowAxis::output); }
Shape Window::input_shape(Shape shape) const { return with_last(shape, *this, &WindowAxis::input); }

std::string times_text(const Shape& sizes) {
  std::string text = "(";
  for (int d = 0; d < sizes.size(); ++d) text += concat(d ? " x " : "", sizes[d]);
  return text + ")";
}

Window possible_windows(const char* op, const Shape& input, int dims, const WindowOptions& options, SourceLoc loc) {
  const Numbers n = checked_numbers(op, dims, options, loc);
  const Shape sizes = last(input, dims, op, loc);
  Window w;
  w.dims = dims;
  for (int d = 0; d < dims; ++d) {
    WindowAxis& a = w.axes[static_cast<std::size_t>(3 - dims + d)] = axis_of(n, d, op, loc);
    a.input = sizes[d];
    const int64_t room = checked_add(checked_add(a.input, a.before, op, loc), a.after, op, loc) - a.extent();
    // A window that ceil_mode adds may begin anywhere but in the padding behind.
    a.output = (options.ceil_mode ? ceil_div(room, a.stride) : floor_div(room, a.stride)) + 1;
    if (options.ceil_mode && a.output > 1 && (a.output - 1) * a.stride >= a.input + a.before) --a.output;
  }
  return w;
}

Window sliding_window(const char* op, const Shape& input, int dims, const WindowOptions& options, SourceLoc loc) {
  const Window w = possible_windows(op, input, dims, options, loc);
  Shape padded, extents;
  bool fits = true;
  for (int d = 3 - dims; d < 3; ++d) {
    const WindowAxis& a = w.axes[static_cast<std::size_t>(d)];
    padded.push_back(a.input + a.before + a.after);
    extents.push_back(a.extent());
    fits = fits && a.output > 0;
  }
  if (!fits)
    throw ShapeError(concat(op, ": Calculated padded input size per channel: ", times_text(padded), ". Kernel size: ",
                            times_text(extents), ". Kernel size can't be greater than actual input size"),
                     loc);
  return w;
}

Window transposed_window(const char* op, const Shape& output, int dims, const WindowOptions& options,
                         const IntArray& extra, SourceLoc loc) {
  const Numbers n = checked_numbers(op, dims, options, loc);
  const Shape sizes = last(output, dims, op, loc), more = extra.expanded(dims, op, "output_padding", loc);
  Window w;
  w.dims = dims;
  Shape inputs = sizes;
  bool fits = true;
  for (int d = 0; d < dims; ++d) {
    WindowAxis& a = w.axes[static_cast<std::size_t>(3 - dims + d)] = axis_of(n, d, op, loc);
    if (more[d] < 0)
      throw ValueError(concat(op, ": negative output_padding is not supported, got ", std::span<const int64_t>(extra)),
                       loc);
    a.output = sizes[d];
    const int64_t spread = checked_mul(a.output - 1, a.stride, op, loc);
    const int64_t whole = checked_add(checked_add(spread, a.extent(), op, loc), more[d], op, loc);
    const int64_t padding = checked_add(a.before, a.after, op, loc);
    inputs[d] = a.input = whole - padding;
    fits = fits && a.input > 0;
  }
  if (!fits)
    throw ShapeError(concat(op, ": Given input size per channel: ", times_text(sizes),
                            ". Calculated output size per channel: ", times_text(inputs), ". Output size is too small"),
                     loc);
  return w;
}

}  // namespace slope
