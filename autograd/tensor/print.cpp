#include "slope/autograd/tensor/print.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <mutex>
#include <ostream>
#include <string_view>
#include <vector>

#include "slope/autograd/core/internal/fork.h"

namespace slope {

namespace {

constexpr std::string_view prefix = "tensor(";

std::mutex g_mutex;
[[maybe_unused]] const bool survives_fork = detail::hold_across_fork(g_mutex, detail::ForkOrder::outer);
PrintOptions g_options;

/// The indices shown of one dimension: the first `head` and, when shortened, as many of the end.
struct Shown {
  std::int64_t head = 0, size = 0;
  bool shortened = false;
  std::int64_t count() const { return shortened ? 2 * head : size; }
};

// std::to_chars rather than printf: the decimal point does not depend on the locale.
std::string real_text(double v, std::chars_format format, int precision) {
  if (std::isnan(v)) return "nan";
  char small[64];
  if (auto [end, failed] = std::to_chars(small, small + sizeof small, v, format, precision); failed == std::errc())
    return std::string(small, end);
  std::string large(static_cast<std::size_t>(precision) + std::numeric_limits<double>::max_exponent10 + 8, '\0');
  large.resize(static_cast<std::size_t>(
      std::to_chars(large.data(), large.data() + large.size(), v, format, precision).ptr - large.data()));
  return large;
}

/// Turns the shown elements of a floating tensor into text of one notation.
class RealNotation {
 public:
  RealNotation(const std::vector<double>& values, const PrintOptions& options) : precision_(options.precision) {
    double least = std::numeric_limits<double>::infinity(), greatest = 0;
    for (double v : values) {
      if (!decides(v)) continue;
      least = std::min(least, std::fabs(v));
      greatest = std::max(greatest, std::fabs(v));
      integral_ = integral_ && v == std::ceil(v);
    }
    const bool any = greatest > 0;
    scientific_ = options.sci_mode.value_or(
        any && (greatest / least > 1000.0 || greatest > 1.0e8 || (!integral_ && least < 1.0e-4)));
    for (double v : values)
      if (decides(v)) width_ = std::max(width_, text(v).size());
  }

  std::size_t width() const { return width_; }
  std::string text(double v) const {
    if (scientific_) return real_text(v, std::chars_format::scientific, precision_);
    if (!integral_) return real_text(v, std::chars_format::fixed, precision_);
    std::string out = real_text(v, std::chars_format::fixed, 0);
    if (std::isfinite(v)) out += '.';
    return out;
  }

 private:
  static bool decides(double v) { return std::isfinite(v) && v != 0; }

  int precision_;
  bool integral_ = true, scientific_ = false;
  std::size_t width_ = 1;
};

class Writer {
 public:
  Writer(const TensorImpl& t, const PrintOptions& options) : options_(options) {
    const bool shorten = t.numel > options.threshold;
    for (std::int64_t size : t.sizes) {
      Shown s{size, size, false};
      // Not 2 * edgeitems: a large setting must not overflow.
      if (shorten && size - options.edgeitems > options.edgeitems) s = {options.edgeitems, size, true};
      dims_.push_back(s);
    }
    format_elements(t);
  }

  std::string write() {
    std::string out(prefix);
    write_block(out, 0);
    return out;
  }

 private:
  /// Visits the shown elements in row-major order.
  template <class T, class F>
  void each(const TensorImpl& t, const F& visit) const {
    each_from<T>(t, visit, 0, t.ptr<T>());
  }
  template <class T, class F>
  void each_from(const TensorImpl& t, const F& visit, int d, const T* at) const {
    if (d == t.sizes.size()) return visit(*at);
    const Shown& s = dims_[static_cast<std::size_t>(d)];
    for (std::int64_t i = 0; i < s.count(); ++i) {
      const std::int64_t index = s.shortened && i >= s.head ? s.size - s.count() + i : i;
      each_from<T>(t, visit, d + 1, at + index * t.strides[d]);
    }
  }

  void format_elements(const TensorImpl& t) {
    visit_dtype(t.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_floating_point_v<T>) {
        std::vector<double> values;
        each<T>(t, [&](T v) { values.push_back(static_cast<double>(v)); });
        const RealNotation notation(values, options_);
        width_ = notation.width();
        for (double v : values) texts_.push_back(notation.text(v));
      } else {
        each<T>(t, [&](T v) {
          if constexpr (std::is_same_v<T, bool>)
            texts_.push_back(v ? "True" : "False");
          else
            texts_.push_back(std::to_string(v));
          width_ = std::max(width_, texts_.back().size());
        });
      }
    });
  }

  void write_element(std::string& out) {
    const std::string& text = texts_[next_++];
    if (text.size() < width_) out.append(width_ - text.size(), ' ');
    out += text;
  }

  /// Writes the next elements as the dimensions from `d` on.
  void write_block(std::string& out, std::size_t d) {
    if (d == dims_.size()) return write_element(out);
    if (d + 1 == dims_.size()) return write_row(out, d);
    std::string separator(1, ',');
    separator.append(dims_.size() - d - 1, '\n').append(column(d) + 1, ' ');
    const Shown& s = dims_[d];
    out += '[';
    for (std::int64_t i = 0; i < s.count(); ++i) {
      if (i > 0) out += separator;
      if (s.shortened && i == s.head) out.append("...").append(separator);
      write_block(out, d + 1);
    }
    out += ']';
  }

  void write_row(std::string& out, std::size_t d) {
    const Shown& s = dims_[d];
    const std::size_t line = static_cast<std::size_t>(options_.linewidth), start = column(d);
    const std::size_t per_line = std::max<std::size_t>(1, line > start ? (line - start) / (width_ + 2) : 0);
    std::string separator(",\n");
    separator.append(start + 1, ' ');
    std::size_t items = 0;
    auto next = [&] {
      if (items > 0) out += items % per_line == 0 ? separator : ", ";
      ++items;
    };
    out += '[';
    for (std::int64_t i = 0; i < s.count(); ++i) {
      if (s.shortened && i == s.head) {
        next();
        out += " ...";
      }
      next();
      write_element(out);
    }
    out += ']';
  }

  static std::size_t column(std::size_t d) { return prefix.size() + d; }

  const PrintOptions& options_;
  std::vector<Shown> dims_;
  std::vector<std::string> texts_;
  std::size_t width_ = 1;
  std::size_t next_ = 0;
};

std::string size_suffix(const Shape& sizes) {
  std::string out = to_text(sizes);
  out.front() = '(';
  out.back() = ')';
  return "size=" + out;
}

std::vector<std::string> suffixes_of(const Tensor& t) {
  std::vector<std::string> out;
  const DType dtype = t.dtype();
  const bool is_default = dtype == default_dtype();
  if (t.numel() == 0 && t.dim() != 1) out.push_back(size_suffix(t.shape()));
  if (t.numel() == 0 ? !is_default : is_floating(dtype) && !is_default)
    out.push_back(concat("dtype=", dtype_name(dtype)));
  if (const std::string grad_fn = t.grad_fn(); !grad_fn.empty())
    out.push_back("grad_fn=<" + grad_fn + "0>");
  else if (t.requires_grad())
    out.push_back("requires_grad=True");
  return out;
}

void check(const PrintOptions& o, SourceLoc loc) {
  if (o.precision < 0 || o.precision > 100)
    throw ValueError(concat("set_print_options: precision must be between 0 and 100, got ", o.precision), loc);
  if (o.threshold < 0)
    throw ValueError(concat("set_print_options: threshold must not be negative, got ", o.threshold), loc);
  if (o.edgeitems < 1)
    throw ValueError(concat("set_print_options: edgeitems must be at least 1, got ", o.edgeitems), loc);
  if (o.linewidth < 1)
    throw ValueError(concat("set_print_options: linewidth must be at least 1, got ", o.linewidth), loc);
}

}  // namespace

PrintOptions print_options() {
  std::lock_guard lock(g_mutex);
  return g_options;
}

void set_print_options(const PrintOptions& options, SourceLoc loc) {
  check(options, loc);
  std::lock_guard lock(g_mutex);
  g_options = options;
}

PrintOptionsGuard::PrintOptionsGuard(const PrintOptions& options, SourceLoc loc) : previous_(print_options()) {
  set_print_options(options, loc);
}

PrintOptionsGuard::~PrintOptionsGuard() {
  std::lock_guard lock(g_mutex);
  g_options = previous_;
}

std::string format_tensor(const Tensor& t, const PrintOptions& options, SourceLoc loc) {
  check(options, loc);
  if (!t.defined()) return "tensor(undefined)";
  std::string out = t.numel() == 0 ? std::string(prefix) + "[]" : Writer(t.impl(), options).write();

  const std::size_t last_break = out.rfind('\n');
  // The two columns that a first line counts extra are PyTorch's.
  std::size_t used = last_break == std::string::npos ? out.size() + 2 : out.size() - last_break + 1;
  for (const std::string& suffix : suffixes_of(t)) {
    if (used + suffix.size() + 2 > static_cast<std::size_t>(options.linewidth)) {
      out.append(",\n").append(prefix.size(), ' ').append(suffix);
      used = prefix.size() + suffix.size();
    } else {
      out.append(", ").append(suffix);
      used += suffix.size() + 2;
    }
  }
  return out + ")";
}

std::string Tensor::to_string(SourceLoc loc) const {
  const CallerScope caller(loc);
  return format_tensor(*this, print_options());
}

std::ostream& operator<<(std::ostream& out, const Tensor& t) { return out << t.to_string(); }

}  // namespace slope
