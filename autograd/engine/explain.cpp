#include "slope/autograd/engine/explain.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "slope/autograd/engine/node.h"

namespace slope::autograd {

namespace {

std::string bytes_text(std::size_t bytes) {
  if (bytes < 10000) return concat(bytes, bytes == 1 ? " byte" : " bytes");
  constexpr const char* units[] = {"kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes) / 1000;
  int unit = 0;
  for (; value >= 1000 && unit < 3; ++unit) value /= 1000;
  return concat(std::round(value * 10) / 10, " ", units[unit]);
}

std::string count_text(std::size_t n, const char* what) { return concat(n, " ", what, n == 1 ? "" : "s"); }

/// What is known of one operation of the graph.
struct Entry {
  const Node* node;
  std::vector<Shape> kept;  // shapes of the saved values
  std::size_t bytes = 0;    // of storages no later operation keeps as well
};

/// All operations reachable from the outputs, the latest first.
class Graph {
 public:
  explicit Graph(const std::vector<Tensor>& outputs) {
    std::vector<const Node*> work;
    std::unordered_set<const Node*> seen;
    const auto follow = [&](const Edge& e) {
      if (const Node* n = e.node(); n && seen.insert(n).second) work.push_back(n);
      if (const TensorImpl* l = e.leaf(); l && leaf_set_.insert(l).second) leaves.push_back(l);
    };
    for (const Tensor& t : outputs) {
      const Edge e = Edge::to(t);
      if (e.node()) learn_shape(e.node(), e.output_nr(), t.shape());
      follow(e);
      roots_.push_back(e);  // keeps the graph alive while it is looked at
    }
    while (!work.empty()) {
      const Node* n = work.back();
      work.pop_back();
      entries.push_back({n, {}, 0});
      for (const Edge& e : n->edges()) follow(e);
    }
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.node->id() > b.node->id(); });
    std::unordered_set<const Storage*> storages;
    std::vector<SavedTensor> saved;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Entry& entry = entries[i];
      numbers_[entry.node] = entries.size() - i;
      saved.clear();
      entry.node->collect_saved(saved);
      for (const SavedTensor& s : saved) {
        const TensorImpl& impl = s.peek().impl();
        entry.kept.push_back(impl.sizes);
        if (s.is_output())
          learn_shape(entry.node, s.output_nr(), impl.sizes);
        else if (impl.producer)
          learn_shape(impl.producer, impl.output_nr, impl.sizes);
        if (storages.insert(impl.storage).second) entry.bytes += impl.storage->bytes;
      }
      bytes += entry.bytes;
      for (std::size_t k = 0; k < entry.node->edges().size(); ++k)
        if (const Edge& e = entry.node->edges()[k]; e.node())
          if (const Shape* s = entry.node->input_shape_of(k)) learn_shape(e.node(), e.output_nr(), *s);
    }
  }

  std::size_t number(const Node* n) const { return numbers_.at(n); }

  /// The shapes of the inputs of `node` that need a gradient, "?" where nothing tells.
  std::string input_shapes(const Node* node) const {
    std::string text;
    for (std::size_t k = 0; k < node->edges().size(); ++k) {
      const Edge& e = node->edges()[k];
      if (!e) continue;
      if (!text.empty()) text += ' ';
      if (const TensorImpl* l = e.leaf()) {
        text += to_text(l->sizes);
      } else if (const Shape* s = node->input_shape_of(k)) {
        text += to_text(*s);
      } else {
        const auto known = shapes_.find(key(e.node(), e.output_nr()));
        text += known == shapes_.end() ? "?" : to_text(known->second);
      }
    }
    return text;
  }

  std::vector<Entry> entries;
  std::vector<const TensorImpl*> leaves;
  std::size_t bytes = 0;

 private:
  static std::uint64_t key(const Node* n, std::uint16_t output) {
    return reinterpret_cast<std::uintptr_t>(n) ^ (std::uint64_t{output} << 48);
  }
  void learn_shape(const Node* n, std::uint16_t output, const Shape& s) { shapes_.emplace(key(n, output), s); }

  std::vector<Edge> roots_;
  std::unordered_set<const TensorImpl*> leaf_set_;
  std::unordered_map<const Node*, std::size_t> numbers_;
  std::unordered_map<std::uint64_t, Shape> shapes_;
};

std::string where_text(const Node& node) {
  const SourceLoc where = node.where();
  std::string text = where.file ? concat(where.file, ":", where.line) : std::string();
  if (node.path()) text += concat(text.empty() ? "in " : " in ", detail::path_text(node.path()));
  return text;
}

std::string kept_text(const Entry& entry) {
  if (entry.kept.empty()) return {};
  std::string text = "keeps";
  for (const Shape& s : entry.kept) text += " " + to_text(s);
  return concat(text, " (", bytes_text(entry.bytes), ")");
}

std::string totals(const Graph& g, std::size_t outputs) {
  return concat("graph of ", count_text(outputs, "output"), ": ", count_text(g.entries.size(), "operation"), ", ",
                g.leaves.size(), g.leaves.size() == 1 ? " leaf, " : " leaves, ", bytes_text(g.bytes),
                " kept for backward");
}

std::size_t listed(const Graph& g, const ExplainOptions& options) {
  const std::size_t n = g.entries.size();
  return options.max_nodes > 0 ? std::min(n, static_cast<std::size_t>(options.max_nodes)) : n;
}

/// Text between the quotes of a DOT string.
std::string quoted(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string explain(const std::vector<Tensor>& outputs, const ExplainOptions& options, SourceLoc loc) {
  const CallerScope caller(loc);
  const Graph graph(outputs);
  if (graph.entries.empty() && graph.leaves.empty())
    return "no graph: nothing here requires grad, or it was computed under a NoGradGuard\n";
  std::string text = totals(graph, outputs.size()) + "\n";
  const std::size_t shown = listed(graph, options);
  for (std::size_t i = 0; i < shown; ++i) {
    const Entry& entry = graph.entries[i];
    text += concat("#", graph.number(entry.node), " ", entry.node->name(), "Backward   ",
                   graph.input_shapes(entry.node), "  <-");
    for (const Edge& e : entry.node->edges())
      if (e) text += e.leaf() ? std::string(" leaf") : concat(" #", graph.number(e.node()));
    for (const std::string& part : {kept_text(entry), where_text(*entry.node)})
      if (!part.empty()) text += "   " + part;
    text += "\n";
  }
  if (shown < graph.entries.size())
    text += concat("... and ", count_text(graph.entries.size() - shown, "earlier operation"), "\n");
  return text;
}

std::string explain_dot(const std::vector<Tensor>& outputs, const ExplainOptions& options, SourceLoc loc) {
  const CallerScope caller(loc);
  const Graph graph(outputs);
  std::string text = concat("digraph slope {\n  label=\"", totals(graph, outputs.size()),
                            "\";\n  node [shape=ellipse, style=filled, fillcolor=white, fontname=sans];\n");
  const std::size_t shown = listed(graph, options);
  std::unordered_map<const TensorImpl*, std::size_t> leaf_names;
  for (std::size_t i = 0; i < shown; ++i) {
    const Entry& entry = graph.entries[i];
    const std::size_t number = graph.number(entry.node);
    std::string label = concat(quoted(entry.node->name()), "\\n", graph.input_shapes(entry.node));
    for (const std::string& part : {kept_text(entry), where_text(*entry.node)})
      if (!part.empty()) label += "\\n" + quoted(part);
    // From white for nothing to a clear orange for all of the memory.
    const double share = graph.bytes ? static_cast<double>(entry.bytes) / static_cast<double>(graph.bytes) : 0.0;
    text += concat("  n", number, " [label=\"", label, "\", fillcolor=\"0.08 ", std::round(share * 1000) / 1000,
                   " 1.0\"];\n");
    for (const Edge& e : entry.node->edges()) {
      if (const TensorImpl* l = e.leaf()) {
        const auto [at, fresh] = leaf_names.emplace(l, leaf_names.size());
        if (fresh) text += concat("  leaf", at->second, " [shape=box, label=\"leaf ", to_text(l->sizes), "\"];\n");
        text += concat("  leaf", at->second, " -> n", number, ";\n");
      } else if (e.node()) {
        text += concat("  n", graph.number(e.node()), " -> n", number, ";\n");
      }
    }
  }
  return text + "}\n";
}

std::string explain(const Tensor& output, const ExplainOptions& options, SourceLoc loc) {
  const CallerScope caller(loc);
  return explain(std::vector<Tensor>{output}, options, loc);
}

std::string explain_dot(const Tensor& output, const ExplainOptions& options, SourceLoc loc) {
  const CallerScope caller(loc);
  return explain_dot(std::vector<Tensor>{output}, options, loc);
}

}  // namespace slope::autograd
