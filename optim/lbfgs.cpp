#include "slope/optim/lbfgs.h"

#include <algorithm>
#include <cmath>

#include "slope/optim/internal/grouped_update.h"

namespace slope::optim {

struct detail::LBFGSRule {
  static constexpr const char* name = "LBFGS";
  static constexpr bool needs_closure = true;
  static constexpr Slot<LBFGSOptions> slots[] = {{"d"}, {"prev_flat_grad"}, {"old_dirs"}, {"old_stps"}};
  static constexpr Number numbers[] = {{"func_evals"}, {"n_iter"}, {"t"}, {"H_diag", 1}, {"prev_loss"}};
  /// The history is as long as it happens to be.
  static Shape slot_shape(std::size_t slot, const Tensor& p, const Shape& loaded) {
    Shape shape = p.shape();
    if (slot >= 2) shape.insert(0, loaded.empty() ? 0 : loaded[0]);
    return shape;
  }
  static void check_groups(std::size_t count, SourceLoc loc) {
    if (count > 1)
      throw ValueError(
          "LBFGS: LBFGS doesn't support per-parameter options (parameter groups); list all parameters in one", loc);
  }
};

namespace {

/// All parameters as one vector: the elements of float32, and those of float64.
struct Flat {
  Tensor part[2];
};

template <class F>
Flat each(const F& f) {
  return {{f(0), f(1)}};
}
double total(const Flat& a, const Function<double(const Tensor&)>& f) {
  double sum = 0;
  for (const Tensor& part : a.part) sum += f(part);
  return sum;
}
double dot(const Flat& a, const Flat& b) {
  return slope::dot(a.part[0], b.part[0]).item() + slope::dot(a.part[1], b.part[1]).item();
}
double largest(const Flat& a) {
  double most = 0;
  for (const Tensor& part : a.part)
    if (part.numel() > 0) {
      const double here = part.norm(INFINITY).item();
      if (!(here <= most)) most = here;  // NaN, too
    }
  return most;
}
Flat sum(const Flat& a, double factor, const Flat& b) {
  return each([&](int i) { return a.part[i] + factor * b.part[i]; });
}
void add(const Flat& to, double factor, const Flat& a) {
  for (int i : {0, 1}) to.part[i].add_(a.part[i], factor);
}
Flat scaled(double factor, const Flat& a) {
  return each([&](int i) { return factor * a.part[i]; });
}

/// Where each parameter's elements are: in the order of the names, if there are any, so that sums do not depend on the order in
/// which the parameters are listed.
class Layout {
 public:
  Layout(const std::vector<Tensor>& params, const std::vector<std::string>& names)
      : params_(params), order_(params.size()), places_(params.size()) {
    for (std::size_t i = 0; i < params.size(); ++i) order_[i] = i;
    if (!names.empty())
      std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) { return names[a] < names[b]; });
    for (const std::size_t i : order_) {
      const int part = params[i].dtype() == DType::float64;
      places_[i] = {part, size_[part]};
      size_[part] += params[i].numel();
    }
  }

  /// `of(i)` is something of the i-th parameter, in its shape after `leading` dimensions: side by side in the last dimension.
  template <class F>
  Flat gather(const F& of, const Shape& leading = {}) const {
    std::vector<Tensor> list[2];
    for (const std::size_t i : order_) {
      Shape flat = leading;
      flat.push_back(params_[i].numel());
      const Tensor t = of(i);
      list[places_[i].part].push_back(t.to(params_[i].dtype()).reshape(flat));
    }
    return each([&](int part) {
      Shape none = leading;
      none.push_back(0);
      if (list[part].empty()) return zeros(none, {.dtype = part ? DType::float64 : DType::float32});
      return cat(list[part], -1);
    });
  }
  Flat values() const {
    return gather([&](std::size_t i) { return params_[i].detach(); });
  }
  Flat gradients() const {
    return gather([&](std::size_t i) {
      const Tensor g = params_[i].grad();
      return g.defined() ? g.detach() : zeros_like(params_[i]);
    });
  }
  /// What belongs to the i-th parameter.
  Tensor part(const Flat& x, std::size_t i) const {
    const auto& [part, begin] = places_[i];
    const Tensor& all = x.part[part];
    Shape shape = params_[i].shape();
    if (all.dim() > 1) shape.insert(0, all.size(0));
    return all.narrow(-1, begin, params_[i].numel()).reshape(shape);
  }
  std::vector<Tensor> parts(const Flat& x) const {
    std::vector<Tensor> all;
    for (std::size_t i = 0; i < params_.size(); ++i) all.push_back(part(x, i));
    return all;
  }
  /// Writes the parameters; does not throw.
  void write(const std::vector<Tensor>& parts) const {
    for (std::size_t i = 0; i < params_.size(); ++i) {
      copy_kernel(params_[i].impl(), parts[i].impl());
      params_[i].impl().storage->bump_version();
    }
  }

 private:
  struct Place {
    int part;
    std::int64_t begin;
  };
  const std::vector<Tensor>& params_;
  std::vector<std::size_t> order_;
  std::vector<Place> places_;
  std::int64_t size_[2] = {0, 0};
};

struct Change {
  Flat y, s;  // of the gradient, of the parameters
  double ro;
};

/// What lasts from step to step.
struct Memory {
  Flat d, gradient;
  std::vector<Change> history;
  double func_evals = 0, n_iter = 0, t = 0, h_diag = 1, loss = 0;
};

/// A point of a line: the distance, the loss, its gradient, and that along the line.
struct Point {
  double t = 0, f = 0;
  Flat g;
  double slope = 0;
};

/// The minimum of the cubic through two points, within the bounds.
double cubic(const Point& a, const Point& b, double low, double high) {
  const Point &left = a.t <= b.t ? a : b, &right = a.t <= b.t ? b : a;
  const double d1 = left.slope + right.slope - 3 * (left.f - right.f) / (left.t - right.t);
  const double square = d1 * d1 - left.slope * right.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const double d2 = std::sqrt(square);
  const double t = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  return std::min(std::max(t, low), high);
}

class Search {
 public:
  Search(const LBFGSOptions& options, const Layout& layout, const Function<double(bool)>& closure, Memory& memory)
      : o_(options), layout_(layout), closure_(closure), m_(memory), x_(layout.values()) {}

  /// `after_first` is called when the loss was evaluated for the first time.
  void run(const Function<void()>& after_first) {
    const std::int64_t max_eval = o_.max_eval > 0 ? o_.max_eval : o_.max_iter * 5 / 4;
    Point here = evaluate();
    after_first();
    if (largest(here.g) <= o_.tolerance_grad) return;
    for (std::int64_t n = 1;; ++n) {
      m_.n_iter += 1;
      m_.d = m_.n_iter == 1 ? scaled(-1, here.g) : direction(here.g);
      m_.gradient = here.g;
      m_.loss = here.f;
      m_.t = o_.lr;
      if (m_.n_iter == 1)
        m_.t *= std::min(1.0, 1 / total(here.g, [](const Tensor& part) { return part.norm(1).item(); }));
      here.slope = dot(here.g, m_.d);
      if (here.slope > -o_.tolerance_change) return;
      if (o_.line_search_fn == LineSearch::strong_wolfe) {
        const Flat from = x_;
        here = line_search(from, here);
        m_.t = here.t;
        move(sum(from, m_.t, m_.d));
      } else {
        move(sum(x_, m_.t, m_.d));
        if (n == o_.max_iter) return;
        here = evaluate();
      }
      if (n == o_.max_iter || evals_ >= max_eval || largest(here.g) <= o_.tolerance_grad) return;
      if (largest(m_.d) * m_.t <= o_.tolerance_change || std::abs(here.f - m_.loss) < o_.tolerance_change) return;
    }
  }

 private:
  void move(const Flat& x) {
    layout_.write(layout_.parts(x));
    x_ = x;
  }
  Point evaluate() {
    ++evals_;
    m_.func_evals += 1;
    Point p;
    p.f = closure_(true);
    p.g = layout_.gradients();
    return p;
  }
  Point at(const Flat& from, double t) {
    move(sum(from, t, m_.d));
    Point p = evaluate();
    p.t = t;
    p.slope = dot(p.g, m_.d);
    return p;
  }

  /// Minus the gradient times what the history says of the inverse Hessian.
  Flat direction(const Flat& g) {
    const Flat y = sum(g, -1, m_.gradient), s = scaled(m_.t, m_.d);
    if (const double ys = dot(y, s); ys > 1e-10) {
      if (static_cast<std::int64_t>(m_.history.size()) >= o_.history_size)
        m_.history.erase(m_.history.begin(), m_.history.end() - (o_.history_size - 1));
      m_.history.push_back({y, s, 1 / ys});
      m_.h_diag = ys / dot(y, y);
    }
    const Flat q = scaled(-1, g);
    std::vector<double> al(m_.history.size());
    for (std::size_t i = al.size(); i-- > 0;) {
      const Change& c = m_.history[i];
      al[i] = dot(c.s, q) * c.ro;
      add(q, -al[i], c.y);
    }
    const Flat r = scaled(m_.h_diag, q);
    for (std::size_t i = 0; i < al.size(); ++i) {
      const Change& c = m_.history[i];
      add(r, al[i] - dot(c.y, r) * c.ro, c.s);
    }
    return r;
  }

  /// A point that satisfies the strong Wolfe conditions, or the best that was found.
  Point line_search(const Flat& from, const Point& start) {
    constexpr double c1 = 1e-4, c2 = 0.9;
    constexpr int max_tries = 25;
    const double longest = largest(m_.d);
    // NaN is too high as well.
    const auto too_high = [&](const Point& p) { return !(p.f <= start.f + c1 * p.t * start.slope); };
    const auto flat_enough = [&](const Point& p) { return std::abs(p.slope) <= -c2 * start.slope; };

    // A bracket around a minimum.
    Point before = start, trial = at(from, m_.t);
    before.t = 0;
    int tries = 0;
    for (;; ++tries) {
      if (tries == max_tries) {
        before = start;
        before.t = 0;
        break;
      }
      if (too_high(trial) || (tries > 1 && trial.f >= before.f)) break;
      if (flat_enough(trial)) return trial;
      if (trial.slope >= 0) break;
      const double t = cubic(before, trial, trial.t + 0.01 * (trial.t - before.t), 10 * trial.t);
      before = trial;
      trial = at(from, t);
    }

    // A smaller and smaller one.
    Point bracket[2] = {before, trial};
    const auto lower = [&] { return bracket[0].f <= bracket[1].f || std::isnan(bracket[1].f) ? 0 : 1; };
    int at_low = lower();
    bool insufficient = false;
    while (tries < max_tries) {
      Point &low = bracket[at_low], &high = bracket[1 - at_low];
      const double left = std::min(low.t, high.t), right = std::max(low.t, high.t);
      if ((right - left) * longest < o_.tolerance_change) break;
      double t = cubic(low, high, left, right);
      const double margin = 0.1 * (right - left);
      const bool near_an_end = std::min(right - t, t - left) < margin;
      if (near_an_end && (insufficient || t >= right || t <= left)) {
        t = std::abs(t - right) < std::abs(t - left) ? right - margin : left + margin;
        insufficient = false;
      } else {
        insufficient = near_an_end;
      }
      Point next = at(from, t);
      ++tries;
      if (too_high(next) || next.f >= low.f) {
        high = std::move(next);
        at_low = lower();
        continue;
      }
      const bool done = flat_enough(next);
      if (!done && next.slope * (high.t - low.t) >= 0) high = low;
      low = std::move(next);
      if (done) break;
    }
    return bracket[at_low];
  }

  const LBFGSOptions& o_;
  const Layout& layout_;
  const Function<double(bool)>& closure_;
  Memory& m_;
  Flat x_;
  std::int64_t evals_ = 0;
};

/// What the parameters' states hold.
Memory remembered(const Layout& layout, const std::vector<ParamState*>& states) {
  Memory m;
  if (std::none_of(states.begin(), states.end(), [](const ParamState* s) { return s->initialized; })) return m;
  for (const ParamState* s : states)
    if (!s->initialized || s->numbers != states[0]->numbers || s->tensors[2].size(0) != states[0]->tensors[2].size(0) ||
        s->tensors[3].size(0) != s->tensors[2].size(0))
      throw ValueError(
          "LBFGS: the states of the parameters do not belong together; load a state dict as LBFGS saved it");
  const auto slot = [&](std::size_t k, const Shape& leading = {}) {
    return layout.gather([&](std::size_t i) { return states[i]->tensors[k]; }, leading);
  };
  const auto& numbers = states[0]->numbers;
  m.func_evals = numbers[0];
  m.n_iter = numbers[1];
  m.t = numbers[2];
  m.h_diag = numbers[3];
  m.loss = numbers[4];
  m.d = slot(0);
  m.gradient = slot(1);
  const std::int64_t length = states[0]->tensors[2].size(0);
  if (length == 0) return m;
  const Flat y = slot(2, {length}), s = slot(3, {length});
  for (std::int64_t i = 0; i < length; ++i) {
    const auto row = [i](const Flat& of) { return each([&](int part) { return of.part[part].select(0, i); }); };
    Change c{row(y), row(s), 0};
    c.ro = 1 / dot(c.y, c.s);
    m.history.push_back(std::move(c));
  }
  return m;
}

std::vector<ParamState> states_of(const Layout& layout, const Memory& m, const std::vector<Tensor>& params,
                                  const std::vector<ParamState*>& old) {
  std::vector<ParamState> states(params.size());
  const auto own = [](const Tensor& t) { return t.clone().contiguous(); };
  for (std::size_t i = 0; i < params.size(); ++i) {
    ParamState& s = states[i];
    s.step = old[i]->step + 1;
    s.initialized = true;
    s.numbers = {m.func_evals, m.n_iter, m.t, m.h_diag, m.loss};
    const bool any = m.d.part[0].defined();
    std::vector<Tensor> y, steps;
    for (const Change& c : m.history) {
      y.push_back(layout.part(c.y, i));
      steps.push_back(layout.part(c.s, i));
    }
    const Tensor none = zeros(detail::LBFGSRule::slot_shape(2, params[i], {}), {.dtype = params[i].dtype()});
    s.tensors = {any ? own(layout.part(m.d, i)) : zeros_like(params[i]).detach(),
                 any ? own(layout.part(m.gradient, i)) : zeros_like(params[i]).detach(), y.empty() ? none : stack(y),
                 y.empty() ? none.clone() : stack(steps)};
  }
  return states;
}

}  // namespace

void LBFGS::step_with(const Function<double(bool)>& closure, SourceLoc loc) {
  check_not_moved_from(loc);
  NoGradGuard no_grad;
  CallerScope scope(loc);
  const auto& group = param_groups()[0];
  const Layout layout(group.params, group.names);
  std::vector<ParamState*> states;
  for (const Tensor& p : group.params) states.push_back(&state_of(p));
  Memory memory = remembered(layout, states);
  const std::vector<Tensor> before = layout.parts(layout.values());
  try {
    Search(group, layout, closure, memory).run([&] { check_for_orphans(loc); });
    std::vector<ParamState> after = states_of(layout, memory, group.params, states);
    for (std::size_t i = 0; i < states.size(); ++i) *states[i] = std::move(after[i]);
  } catch (...) {
    layout.write(before);
    throw;
  }
  stepped();
}

template class GroupedOptimizer<LBFGSOptions, LBFGSGroup, detail::LBFGSRule>;

}  // namespace slope::optim
