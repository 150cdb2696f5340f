#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "slope/autograd/ops/linalg/matmul.h"
#include "slope/autograd/ops/pointwise/elementwise.h"
#include "slope/autograd/ops/pointwise/internal/promote.h"
#include "slope/autograd/ops/view/view.h"

namespace slope {

namespace {

using std::int64_t;

/// Letters are numbered 0-51 (A-Z, a-z); the dimensions of an ellipsis follow, the last of them 52 + max_dims - 1.
constexpr int letters = 52;
constexpr int labels = letters + max_dims;
using Labels = std::vector<int>;

struct Equation {
  std::vector<Labels> inputs;
  Labels output;
};

/// The text of a label, for errors.
std::string label_text(int label) {
  if (label >= letters) return "...";
  return std::string(1, static_cast<char>(label < 26 ? 'A' + label : 'a' + label - 26));
}

class Parser {
 public:
  Parser(std::string_view equation, const std::vector<Tensor>& operands, SourceLoc loc)
      : text_(equation), operands_(operands), loc_(loc) {}

  Equation parse() {
    const std::size_t arrow = text_.find("->");
    const std::string_view left = text_.substr(0, arrow);
    Equation eq;
    std::size_t begin = 0;
    while (true) {
      const std::size_t comma = left.find(',', begin);
      const std::size_t at = eq.inputs.size();
      if (at >= operands_.size()) fail(concat("has more than the ", operands_.size(), " operands given"));
      const Tensor& t = operands_[at];
      const std::string_view part = left.substr(begin, comma == std::string_view::npos ? comma : comma - begin);
      eq.inputs.push_back(subscripts(part, t.dim(), concat("operand ", at)));
      if (comma == std::string_view::npos) break;
      begin = comma + 1;
    }
    if (eq.inputs.size() != operands_.size())
      fail(concat("has ", eq.inputs.size(), " operands, but ", operands_.size(), " were given"));
    std::array<int, labels> seen{};
    for (const Labels& in : eq.inputs)
      for (int l : in) ++seen[static_cast<std::size_t>(l)];
    if (arrow == std::string_view::npos) {
      for (int l = letters; l < labels; ++l)
        if (seen[static_cast<std::size_t>(l)]) eq.output.push_back(l);
      for (int l = 0; l < letters; ++l)
        if (seen[static_cast<std::size_t>(l)] == 1) eq.output.push_back(l);
    } else {
      eq.output = subscripts(text_.substr(arrow + 2), -1, "the output");
      std::array<bool, labels> used{};
      for (int l : eq.output) {
        if (!seen[static_cast<std::size_t>(l)])
          fail(concat("has '", label_text(l), "' in the output, which no operand has"));
        if (std::exchange(used[static_cast<std::size_t>(l)], true))
          fail(concat("has '", label_text(l), "' more than once in the output"));
      }
    }
    return eq;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ValueError(concat("einsum: the equation \"", text_, "\" ", what), loc_);
  }

  /// The labels of one group; dims < 0 for the output, whose ellipsis has the dimensions met in the operands.
  Labels subscripts(std::string_view part, int dims, const std::string& where) {
    Labels before, after;
    bool ellipsis = false;
    for (std::size_t i = 0; i < part.size(); ++i) {
      const char c = part[i];
      if (c == ' ') continue;
      if (c == '.') {
        if (part.substr(i, 3) != "...") fail(concat("has a '.' that is not part of an ellipsis in ", where));
        if (ellipsis) fail(concat("has two ellipses in ", where));
        ellipsis = true;
        i += 2;
      } else if (c >= 'A' && c <= 'Z') {
        (ellipsis ? after : before).push_back(c - 'A');
      } else if (c >= 'a' && c <= 'z') {
        (ellipsis ? after : before).push_back(c - 'a' + 26);
      } else {
        fail(concat("has the character '", std::string_view(&c, 1), "' in ", where, ", where only letters may stand"));
      }
    }
    const int named = static_cast<int>(before.size() + after.size());
    int hidden = 0;
    if (dims < 0) {
      hidden = ellipsis ? ellipsis_dims_ : 0;
    } else {
      hidden = dims - named;
      if (hidden < 0 || (hidden > 0 && !ellipsis))
        throw ShapeError(concat("einsum: ", where, " of \"", text_, "\" has ", named, " letters, but the tensor has ",
                                dims, " dimensions"),
                         loc_);
      ellipsis_dims_ = std::max(ellipsis_dims_, hidden);
    }
    // Aligned at the end, so that the last dimensions of all ellipses share their labels.
    for (int d = 0; d < hidden; ++d) before.push_back(labels - hidden + d);
    before.insert(before.end(), after.begin(), after.end());
    return before;
  }

  std::string_view text_;
  const std::vector<Tensor>& operands_;
  SourceLoc loc_;
  int ellipsis_dims_ = 0;
};

/// A tensor whose dimensions bear distinct labels.
struct Term {
  Tensor tensor;
  Labels names;

  int find(int label) const {
    const auto it = std::find(names.begin(), names.end(), label);
    return it == names.end() ? -1 : static_cast<int>(it - names.begin());
  }
};

/// Repeated labels of one operand: its diagonal.
Term take_diagonals(const Tensor& t, const Labels& names, std::string_view equation, SourceLoc loc) {
  Term term{t, names};
  for (std::size_t i = 0; i < term.names.size(); ++i)
    for (std::size_t j = i + 1; j < term.names.size();) {
      if (term.names[i] != term.names[j]) {
        ++j;
        continue;
      }
      const auto di = static_cast<int>(i), dj = static_cast<int>(j);
      if (term.tensor.shape()[di] != term.tensor.shape()[dj])
        throw ShapeError(concat("einsum: '", label_text(term.names[i]), "' of \"", equation,
                                "\" is repeated in one operand with the sizes ", term.tensor.shape()[di], " and ",
                                term.tensor.shape()[dj]),
                         loc);
      const int last = term.tensor.dim() - 2;  // where diagonal() puts the new dimension
      term.tensor = diagonal({term.tensor, loc}, 0, di, dj);
      term.names.erase(term.names.begin() + dj);
      if (last != di) term.tensor = movedim({term.tensor, loc}, {last}, {di});
    }
  return term;
}

void sum_out(Term& term, const std::array<bool, labels>& wanted, SourceLoc loc) {
  Shape dims;
  Labels kept;
  for (std::size_t i = 0; i < term.names.size(); ++i)
    if (wanted[static_cast<std::size_t>(term.names[i])])
      kept.push_back(term.names[i]);
    else
      dims.push_back(static_cast<int64_t>(i));
  if (dims.empty()) return;
  term.tensor = term.tensor.sum(dims, false, loc);
  term.names = std::move(kept);
}

/// `term` with its dimensions in the order of `groups`, each group merged into one.
Tensor grouped(const Term& term, const std::array<const Labels*, 3>& groups, const std::array<int64_t, 3>& sizes,
               SourceLoc loc) {
  Shape order;
  for (const Labels* g : groups)
    for (int l : *g) order.push_back(term.find(l));
  return reshape({permute({term.tensor, loc}, order), loc}, {sizes[0], sizes[1], sizes[2]});
}

/// Contracts two terms: labels of both that are wanted later are a batch, those of both that are not are summed.
Term contract(Term a, Term b, const std::array<bool, labels>& wanted, SourceLoc loc) {
  // A dimension of size 1 that broadcasts against the other operand's is left out: it contributes to every element
  // alike.
  for (Term* t : {&a, &b}) {
    const Term& other = t == &a ? b : a;
    for (std::size_t i = 0; i < t->names.size();) {
      const int d = static_cast<int>(i), o = other.find(t->names[i]);
      if (o >= 0 && t->tensor.shape()[d] == 1 && other.tensor.shape()[o] != 1) {
        t->tensor = squeeze({t->tensor, loc}, d);
        t->names.erase(t->names.begin() + d);
      } else {
        ++i;
      }
    }
  }
  std::array<bool, labels> needed_a = wanted, needed_b = wanted;
  for (int l : b.names) needed_a[static_cast<std::size_t>(l)] = true;
  for (int l : a.names) needed_b[static_cast<std::size_t>(l)] = true;
  sum_out(a, needed_a, loc);
  sum_out(b, needed_b, loc);

  Labels batch, summed, only_a, only_b;
  std::array<int64_t, 4> size = {1, 1, 1, 1};  // of these four
  for (std::size_t i = 0; i < a.names.size(); ++i) {
    const int l = a.names[i];
    const int group = b.find(l) < 0 ? 2 : wanted[static_cast<std::size_t>(l)] ? 0 : 1;
    (group == 2 ? only_a : group == 1 ? summed : batch).push_back(l);
    size[static_cast<std::size_t>(group)] *= a.tensor.shape()[static_cast<int>(i)];
  }
  for (std::size_t i = 0; i < b.names.size(); ++i)
    if (a.find(b.names[i]) < 0) {
      only_b.push_back(b.names[i]);
      size[3] *= b.tensor.shape()[static_cast<int>(i)];
    }
  Term out;
  out.names = batch;
  out.names.insert(out.names.end(), only_a.begin(), only_a.end());
  out.names.insert(out.names.end(), only_b.begin(), only_b.end());
  if (out.names.size() > static_cast<std::size_t>(max_dims))
    throw ShapeError(concat("einsum: an intermediate product would have ", out.names.size(), " dimensions, at most ",
                            max_dims, " are possible; reorder or split the equation"),
                     loc);
  Shape shape;
  for (int l : batch) shape.push_back(a.tensor.shape()[a.find(l)]);
  for (int l : only_a) shape.push_back(a.tensor.shape()[a.find(l)]);
  for (int l : only_b) shape.push_back(b.tensor.shape()[b.find(l)]);
  const Tensor left = grouped(a, {&batch, &only_a, &summed}, {size[0], size[2], size[1]}, loc);
  const Tensor right = grouped(b, {&batch, &summed, &only_b}, {size[0], size[1], size[3]}, loc);
  const Tensor product = summed.empty() ? mul({left, loc}, {right, loc}) : bmm({left, loc}, right);
  out.tensor = reshape({product, loc}, shape);
  return out;
}

}  // namespace

Tensor einsum(std::string_view equation, const std::vector<Tensor>& operands, SourceLoc loc) {
  CallerScope scope(loc);
  if (operands.empty()) throw ValueError("einsum: at least one operand must be given", loc);
  for (const Tensor& t : operands) detail::require_defined("einsum", {t, loc});
  const Equation eq = Parser(equation, operands, loc).parse();

  std::vector<Term> terms;
  std::array<int64_t, labels> size;
  size.fill(-1);
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (i > 0) detail::check_product_dtypes("einsum", operands[0], operands[i], loc);
    terms.push_back(take_diagonals(operands[i], eq.inputs[i], equation, loc));
    for (std::size_t d = 0; d < terms[i].names.size(); ++d) {
      int64_t& known = size[static_cast<std::size_t>(terms[i].names[d])];
      const int64_t here = terms[i].tensor.shape()[static_cast<int>(d)];
      if (known == -1 || known == 1)
        known = here;
      else if (here != known && here != 1)
        throw ShapeError(concat("einsum: '", label_text(terms[i].names[d]), "' of \"", equation, "\" has size ", here,
                                " in operand ", i, " but ", known, " before"),
                         loc);
    }
  }
  Term result = std::move(terms[0]);
  for (std::size_t i = 0; i < terms.size(); ++i) {
    // What is still to be named: the output, and all operands that follow.
    std::array<bool, labels> wanted{};
    for (int l : eq.output) wanted[static_cast<std::size_t>(l)] = true;
    for (std::size_t j = i + 1; j < terms.size(); ++j)
      for (int l : terms[j].names) wanted[static_cast<std::size_t>(l)] = true;
    if (i == 0)
      sum_out(result, wanted, loc);
    else
      result = contract(std::move(result), std::move(terms[i]), wanted, loc);
  }
  Shape order;
  for (int l : eq.output) order.push_back(result.find(l));
  return permute({result.tensor, loc}, order);
}

}  // namespace slope
