#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

#include "list.h"

namespace bench {

/// One benchmark: what one contestant does.
struct Entry {
  LossCase loss;
  int threads = 1;
  const Contestant* who = nullptr;

  /// "forward+backward, f32, 1 thread": the entries of one table.
  std::string table() const;
  /// "mse_loss/forward+backward/f32/n:10000/threads:1/slope"
  std::string name() const;
};

/// Prints one line for a loss of one size, with a column for each contestant, as soon as it is measured.
class Table : public benchmark::BenchmarkReporter {
 public:
  /// `entries` by name are all there are; those that will be measured decide the columns.
  Table(std::map<std::string, Entry> entries, const std::vector<std::string>& measured, int width);

  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override { finish_line(); }

  bool failed() const { return failed_; }

 private:
  struct Column {
    const char* title;
    /// The contestant, or null for the ratio and GB/s.
    const Contestant* who;
    int width;
  };
  void begin_table(const Entry& e);
  void finish_line();

  std::map<std::string, Entry> entries_;
  std::vector<Column> columns_;
  int loss_width_ = 0;
  bool loss_on_own_line_ = false;
  std::string table_, last_loss_;
  /// The line that is being filled.
  const Entry* line_ = nullptr;
  std::map<const Contestant*, double> nanoseconds_;
  double gigabytes_ = 0;
  bool failed_ = false;
};

}  // namespace bench
