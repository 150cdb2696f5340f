#include "report.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "machine.h"

namespace compare {

namespace {

std::string time_text(double ns) {
  char text[32];
  const char* units[] = {"ns", "us", "ms", "s"};
  int unit = 0;
  while (ns >= 1000 && unit < 3) ns /= 1000, ++unit;
  std::snprintf(text, sizeof text,
                ns < 1     ? "%.3f %s"
                : ns < 10  ? "%.2f %s"
                : ns < 100 ? "%.1f %s"
                           : "%.0f %s",
                ns, units[unit]);
  return text;
}

std::string ratio_text(const Spread& s) {
  char text[48];
  std::snprintf(text, sizeof text, "%.2f (%.2f-%.2f)", s.median, s.low, s.high);
  return text;
}

nlohmann::json json_of(const Spread& s) { return {{"median", s.median}, {"low", s.low}, {"high", s.high}}; }

// What takes less is all overhead: there a loop is no bound to come near.
constexpr double least_limit_ns = 50'000;

// The geometric mean of a ratio, and what lies on the wrong side of a bound.
std::string summary_of(const std::vector<Figures>& all, bool torch, double bound) {
  double logs = 0;
  int n = 0;
  std::string beyond;
  for (const Figures& f : all) {
    if (torch ? !f.has_torch : !f.has_limit || f.limit.median < least_limit_ns) continue;
    const double ratio = torch ? f.torch_ratio.median : f.limit_ratio.median;
    logs += std::log(ratio);
    ++n;
    if (torch ? ratio < bound : ratio > bound)
      beyond += "\n- " + f.work + ", " + std::to_string(f.threads) + (f.threads == 1 ? " thread: " : " threads: ") +
                ratio_text(torch ? f.torch_ratio : f.limit_ratio);
  }
  if (n == 0) return "";
  char text[160];
  std::snprintf(text, sizeof text, "\n%s: geometric mean %.2f over %d rows; %s %.1f:",
                torch ? "libtorch / slope" : "slope / limit, where the limit takes 50 us or more", std::exp(logs / n),
                n, torch ? "below" : "above", bound);
  return text + (beyond.empty() ? std::string(" none.\n") : beyond + "\n");
}

}  // namespace

std::string table_head() {
  return "| work | threads | slope | libtorch | libtorch / slope | limit | slope / limit |\n| --- | --- | --- | --- | "
         "--- | --- | --- |\n";
}

std::string table_row(const Figures& f) {
  const auto time = [&](const Spread& s) { return time_text(s.median / f.count); };
  return "| " + f.work + (f.unit.empty() ? "" : ", per " + f.unit) + " | " + std::to_string(f.threads) + " | " +
         time(f.slope) + " | " + (f.has_torch ? time(f.torch) : "") + " | " +
         (f.has_torch ? ratio_text(f.torch_ratio) : "") + " | " + (f.has_limit ? time(f.limit) : "") + " | " +
         (f.has_limit ? ratio_text(f.limit_ratio) : "") + " |\n";
}

std::string summary(const std::vector<Figures>& all) {
  return summary_of(all, true, 1.0) + summary_of(all, false, 1.3);
}

std::string json_text(const std::vector<Figures>& all, const std::string& command) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Figures& f : all) {
    nlohmann::json r = {{"work", f.work}, {"threads", f.threads}, {"slope_ns", json_of(f.slope)}};
    if (!f.unit.empty()) r["count"] = f.count, r["unit"] = f.unit;
    if (f.has_torch) r["libtorch_ns"] = json_of(f.torch), r["libtorch_over_slope"] = json_of(f.torch_ratio);
    if (f.has_limit) r["limit_ns"] = json_of(f.limit), r["slope_over_limit"] = json_of(f.limit_ratio);
    rows.push_back(std::move(r));
  }
  nlohmann::json machine;
  for (const auto& [key, value] : describe_machine()) machine[key] = value;
  return nlohmann::json{{"command", command}, {"machine", machine}, {"works", rows}}.dump(1) + "\n";
}

std::string provenance(const std::string& command) {
  std::string text = "\n";
  for (const auto& [key, value] : describe_machine()) text += (text.size() > 1 ? "; " : "") + key + ": " + value;
  return text + ". Made by\n\n```\n" + command + "\n```\n";
}

}  // namespace compare
