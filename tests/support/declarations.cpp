#include "support/declarations.h"

#include <regex>

namespace {

/// Without comments, preprocessor lines and the contents of strings.
std::string plain_code(const std::string& text) {
  std::string out;
  bool line_start = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (line_start && c == '#') {
      while (i < text.size() && text[i] != '\n') i += text[i] == '\\' ? 2 : 1;
    } else if (text.compare(i, 2, "//") == 0) {
      while (i + 1 < text.size() && text[i + 1] != '\n') ++i;
    } else if (c == '"' || c == '\'') {
      const std::size_t begin = i++;
      while (i < text.size() && text[i] != c) i += text[i] == '\\' ? 2 : 1;
      out += i - begin > 1 && c == '\'' ? "'x'" : "\"\"";
    } else {
      out += c;
    }
    line_start = i < text.size() && (text[i] == '\n' || (line_start && text[i] == ' '));
  }
  return out;
}

struct Scope {
  enum Kind { space, type, body } kind;
  std::string name;
  bool hidden = false;  // private, or detail
};

std::string trimmed(const std::string& s) {
  const auto begin = s.find_first_not_of(" \n\t");
  return begin == std::string::npos ? "" : s.substr(begin, s.find_last_not_of(" \n\t") - begin + 1);
}

/// `template <...>` and `requires ...` in front are of no interest here.
std::string without_template(std::string s) {
  s = trimmed(s);
  while (s.starts_with("template")) {
    std::size_t i = s.find('<'), depth = 0;
    for (; i < s.size(); ++i) {
      if (s[i] == '<') ++depth;
      if (s[i] == '>' && --depth == 0) break;
    }
    s = trimmed(s.substr(std::min(s.size(), i + 1)));
  }
  // A clause in parentheses, or a concept up to the end of its line.
  if (s.starts_with("requires")) {
    std::size_t i = 8, depth = 0;
    for (; i < s.size(); ++i) {
      if (s[i] == '(' || s[i] == '<') ++depth;
      if (s[i] == ')' || s[i] == '>') --depth;
      if (s[i] == '\n' && depth == 0) break;
    }
    s = trimmed(s.substr(i));
  }
  return s;
}

}  // namespace

std::vector<Declaration> public_functions(const std::string& header) {
  static const std::regex access(R"(^(public|protected|private)\s*:)");
  static const std::regex space(R"(^(?:inline\s+)?namespace\s*([\w:]*)$)");
  static const std::regex type(R"(^(class|struct)\s+(?:\[\[\w+\]\]\s*)?(\w+)(?:\s+final)?\s*(?::[^:][\s\S]*)?$)");
  static const std::regex named(R"((operator\s*(?:\(\)|\[\]|[^\s\w(]+|\w+)|~?\w+)\s*\()");
  static const std::regex member_initialiser(R"(\)\s*(?:noexcept\s*)?:\s*(?:[\s\S]*,\s*)?\w+$)");
  std::vector<Declaration> out;
  std::vector<Scope> scopes;
  std::string pending;
  const auto in_body = [&] { return !scopes.empty() && scopes.back().kind == Scope::body; };
  const auto take_access = [&] {
    std::string s = trimmed(pending);
    std::smatch m;
    while (std::regex_search(s, m, access)) {
      if (!scopes.empty()) scopes.back().hidden = m[1] == "private";
      s = trimmed(m.suffix().str());
    }
    pending = s;
  };
  const auto finish = [&] {
    take_access();
    std::string text = without_template(pending);
    pending.clear();
    std::string owner;
    for (const Scope& s : scopes) {
      if (s.hidden) return;
      if (s.kind == Scope::type) owner += s.name + "::";
    }
    if (text.starts_with("friend") || text.starts_with("using") || text.starts_with("typedef") ||
        text.ends_with("= delete"))
      return;
    std::smatch m;
    if (!std::regex_search(text, m, named)) return;
    std::string name = std::regex_replace(m[1].str(), std::regex(R"(\s+)"), "");
    out.push_back({owner + name, text});
  };
  const std::string code = plain_code(header);
  for (std::size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    if (c == '{') {
      if (in_body()) {
        scopes.push_back({Scope::body, ""});
        continue;
      }
      take_access();
      const std::string head = without_template(pending);
      std::smatch m;
      if (std::regex_match(head, m, space)) {
        scopes.push_back({Scope::space, m[1], m[1].str().find("detail") != std::string::npos});
        pending.clear();
      } else if (std::regex_match(head, m, type)) {
        scopes.push_back({Scope::type, m[2], m[1] == "class"});
        pending.clear();
      } else {
        scopes.push_back({Scope::body, ""});
      }
    } else if (c == '}') {
      if (scopes.empty()) continue;
      const Scope::Kind kind = scopes.back().kind;
      scopes.pop_back();
      if (kind != Scope::body) {
        pending.clear();
      } else if (!in_body()) {
        // The end of a function, unless it is that of a default argument or an initialiser: then the text goes on.
        const std::string text = trimmed(pending);
        int open = 0;
        for (const char t : text) open += t == '(' ? 1 : t == ')' ? -1 : 0;
        // Braces after the name of a member are its initialiser; a body is what no comma or other brace follows.
        std::size_t next = i + 1;
        while (next < code.size() && (code[next] == ' ' || code[next] == '\n')) ++next;
        const bool body_of_constructor = std::regex_search(text, member_initialiser) &&
                                         (next == code.size() || (code[next] != ',' && code[next] != '{'));
        const bool function = open == 0 && text.find('(') != std::string::npos && !text.ends_with('=') &&
                              !text.ends_with(',') &&
                              (text.ends_with(')') || text.ends_with("const") || text.ends_with('&') ||
                               text.ends_with("override") || text.ends_with("noexcept") || body_of_constructor);
        if (function) finish();
      }
    } else if (c == ';' && !in_body()) {
      finish();
    } else if (!in_body()) {
      pending += c;
    }
  }
  return out;
}

bool takes_callers_line(const Declaration& declaration) {
  static const std::regex argument(
      R"([(,]\s*(?:const\s+)?(?:[\w]+::)*(SourceLoc|In|At|Key)\b\s*&?\s*\w*\s*(?:=[^,]*)?[,)])");
  return std::regex_search(declaration.text, argument);
}
