#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <iostream>
#include <sstream>

#include "support/checks.h"
#include "train/small_job.h"
#include "train_text/test_support.h"

using namespace small_job;
using train_text::FakeClock;

namespace {

const std::string bar = "\n" + std::string(80, '=') + "2020-07-11 23:34:17\n";

// Python's round(value, 3) printed: independent of the library's own text functions.
std::string rounded(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f", value);
  std::string out = text;
  while (out.ends_with("0") && !out.ends_with(".0")) out.pop_back();
  return out;
}

std::string cell(const std::string& text, std::size_t width) {
  const std::size_t slack = width - text.size();
  const std::size_t left = text.size() % 2 == 0 ? (slack + 1) / 2 : slack / 2;
  return "| " + std::string(left, ' ') + text + std::string(slack - left, ' ') + " ";
}

// The table the classic log shows after an epoch, drawn column by column.
std::string table(const std::vector<std::string>& titles, std::vector<double> values, int epoch) {
  std::string rule, head, row;
  for (std::size_t i = 0; i < titles.size(); ++i) {
    const std::string text = i == 0 ? std::to_string(epoch) : rounded(values[i - 1]);
    const std::size_t width = std::max(titles[i].size(), text.size());
    rule += "+" + std::string(width + 2, '-');
    head += cell(titles[i], width);
    row += cell(text, width);
  }
  return "\n " + rule + "+\n" + head + "|\n" + rule + "+\n" + row + "|\n" + rule + "+\n";
}

// The whole classic log of a run whose values are known.
std::string classic_log(const ByHand& run, bool validated, std::size_t log_step_freq) {
  std::vector<std::string> titles = {"epoch", "loss", "accuracy"};
  if (validated) titles.insert(titles.end(), {"val_loss", "val_accuracy"});
  std::string out = "Start Training ...\n" + bar;
  for (std::size_t e = 0; e < run.epochs.size(); ++e) {
    for (std::size_t step = 1; step <= run.steps[e].size(); ++step)
      if (step % log_step_freq == 0)
        out += "{'step': " + std::to_string(step) + ", 'loss': " + rounded(run.steps[e][step - 1][0]) +
               ", 'accuracy': " + rounded(run.steps[e][step - 1][1]) + "}\n";
    out += table(titles, run.epochs[e], static_cast<int>(e) + 1) + bar;
  }
  return out + "Finished Training...\n";
}

// What std::cout receives while this lives.
class CapturedOutput {
 public:
  CapturedOutput() : before_(std::cout.rdbuf(text_.rdbuf())) {}
  ~CapturedOutput() { std::cout.rdbuf(before_); }
  CapturedOutput(const CapturedOutput&) = delete;
  CapturedOutput& operator=(const CapturedOutput&) = delete;
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

// A run of three epochs under any options; every training or validation batch takes `seconds` of the fake clock.
struct Run {
  Net net;
  Data data;
  FakeClock clock;
  std::ostringstream out;
  optim::Adam adam{net.parameters(), {.lr = 0.05}};
  train::Model model{net};
  train::History history;

  explicit Run(double seconds = 0.25) {
    model.compile(
        [this, seconds](const Tensor& p, const Tensor& t) {
          clock.now += seconds;
          return F::binary_cross_entropy(p, t);
        },
        adam, {{"accuracy", train::accuracy}, {"mae", mean_absolute_error}});
  }
  std::string log(train::FitOptions options, bool validated = true) {
    options.out = &out;
    options.clock = &clock;
    history = validated ? model.fit(3, data.train, data.valid, options) : model.fit(3, data.train, options);
    return out.str();
  }
};

// What a terminal shows in the end: of every line what follows the last carriage return, without escape codes.
std::string shown(const std::string& written) {
  std::istringstream lines(written);
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.rfind('\r') + 1);
    BOOST_TEST(line.find('\x1b') == std::string::npos);
    out += line + "\n";
  }
  return out;
}

const std::string plain_log =
    "Epoch 1/3  1.2s  loss 0.6987  accuracy 0.7500  mae 0.5005  val_loss 0.6591  val_accuracy 0.7500  val_mae 0.4767\n"
    "Epoch 2/3  1.2s  loss 0.6600  accuracy 0.7500  mae 0.4767  val_loss 0.6518  val_accuracy 0.7500  val_mae 0.4703\n"
    "Epoch 3/3  1.2s  loss 0.6394  accuracy 0.6667  mae 0.4638  val_loss 0.6424  val_accuracy 0.6250  val_mae 0.4638\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(fit_log)

// The text is what the tutorial's training loop printed for these weights and data under PyTorch 1.13 and
// PrettyTable 3.6.
BOOST_AUTO_TEST_CASE(the_classic_log_of_a_training_is_that_of_pytorch_byte_for_byte) {
  Run run;
  BOOST_TEST(run.log({.log_step_freq = 2, .style = train::Style::classic}) == R"(Start Training ...

================================================================================2020-07-11 23:34:17
{'step': 2, 'loss': 0.658, 'accuracy': 0.875, 'mae': 0.481}

 +-------+-------+----------+-------+----------+--------------+---------+
| epoch |  loss | accuracy |  mae  | val_loss | val_accuracy | val_mae |
+-------+-------+----------+-------+----------+--------------+---------+
|   1   | 0.699 |   0.75   | 0.501 |  0.659   |     0.75     |  0.477  |
+-------+-------+----------+-------+----------+--------------+---------+

================================================================================2020-07-11 23:34:17
{'step': 2, 'loss': 0.601, 'accuracy': 0.875, 'mae': 0.446}

 +-------+------+----------+-------+----------+--------------+---------+
| epoch | loss | accuracy |  mae  | val_loss | val_accuracy | val_mae |
+-------+------+----------+-------+----------+--------------+---------+
|   2   | 0.66 |   0.75   | 0.477 |  0.652   |     0.75     |   0.47  |
+-------+------+----------+-------+----------+--------------+---------+

================================================================================2020-07-11 23:34:17
{'step': 2, 'loss': 0.579, 'accuracy': 0.75, 'mae': 0.431}

 +-------+-------+----------+-------+----------+--------------+---------+
| epoch |  loss | accuracy |  mae  | val_loss | val_accuracy | val_mae |
+-------+-------+----------+-------+----------+--------------+---------+
|   3   | 0.639 |  0.667   | 0.464 |  0.642   |    0.625     |  0.464  |
+-------+-------+----------+-------+----------+--------------+---------+

================================================================================2020-07-11 23:34:17
Finished Training...
)");
}

BOOST_AUTO_TEST_CASE(
    the_classic_log_follows_a_loop_by_hand_for_every_order_step_frequency_and_with_or_without_validation) {
  for (const std::uint64_t seed : {1, 2, 3})
    for (const bool validated : {true, false})
      for (const std::int64_t log_step_freq : {1, 2, 3, 4}) {
        const data::DataLoaderOptions order = {
            .batch_size = 3, .shuffle = true, .num_workers = static_cast<int>(seed) - 1, .seed = seed};
        Net by_hand_net;
        Data by_hand_data(order);
        const ByHand expected = train_by_hand(by_hand_net, 5, by_hand_data);

        Net net;
        Data data(order);
        optim::Adam adam(net.parameters(), {.lr = 0.05});
        train::Model model(net);
        model.compile(nn::BCELoss(), adam, {{"accuracy", train::accuracy}});
        FakeClock clock;
        std::ostringstream out;
        const train::FitOptions options = {
            .log_step_freq = log_step_freq, .style = train::Style::classic, .out = &out, .clock = &clock};
        const train::History history =
            validated ? model.fit(5, data.train, data.valid, options) : model.fit(5, data.train, options);
        BOOST_TEST(out.str() == classic_log(expected, validated, static_cast<std::size_t>(log_step_freq)));

        const std::vector<std::string> columns = {"loss", "accuracy", "val_loss", "val_accuracy"};
        BOOST_TEST_REQUIRE(history.size() == 5U);
        BOOST_TEST_REQUIRE(history.columns().size() == (validated ? 4U : 2U));
        for (std::size_t c = 0; c < history.columns().size(); ++c) {
          BOOST_TEST(history.columns()[c] == columns[c]);
          for (std::size_t e = 0; e < 5; ++e) BOOST_TEST(history[columns[c]][e] == expected.epochs[e][c]);
        }
      }
}

BOOST_AUTO_TEST_CASE(a_loss_that_is_not_a_number_is_logged_as_python_does) {
  Run run;
  run.model.compile([](const Tensor& p, const Tensor& t) { return F::mse_loss(p, t) * std::nan(""); }, run.adam);
  const std::string text = run.log({.style = train::Style::classic}, false);
  BOOST_TEST(train_text::holds(text, "\n{'step': 1, 'loss': nan}\n"));
  BOOST_TEST(train_text::holds(text, "| epoch | loss |\n+-------+------+\n|   1   | nan  |\n"));
}

BOOST_AUTO_TEST_CASE(elsewhere_the_log_is_one_line_an_epoch_for_every_step_frequency) {
  for (const std::int64_t log_step_freq : {1, 2, 1000}) {
    Run run;
    BOOST_TEST(run.log({.log_step_freq = log_step_freq}) == plain_log);
  }
  Run run(30);
  BOOST_TEST(run.log({}, false) ==
             "Epoch 1/3  01:30  loss 0.6987  accuracy 0.7500  mae 0.5005\n"
             "Epoch 2/3  01:30  loss 0.6600  accuracy 0.7500  mae 0.4767\n"
             "Epoch 3/3  01:30  loss 0.6394  accuracy 0.6667  mae 0.4638\n");
}

BOOST_AUTO_TEST_CASE(a_quiet_training_prints_nothing_and_measures_the_same) {
  Run quiet, loud;
  const CapturedOutput standard;
  BOOST_TEST(quiet.log({.style = train::Style::quiet}) == "");
  loud.log({});
  BOOST_TEST(standard.text() == "");
  for (const std::string& column : loud.history.columns())
    BOOST_TEST(quiet.history[column] == loud.history[column], boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_log_goes_to_standard_output_by_default) {
  Run run;
  const CapturedOutput standard;
  run.model.fit(3, run.data.train, run.data.valid, {.clock = &run.clock});
  BOOST_TEST(standard.text() == plain_log);
}

BOOST_AUTO_TEST_CASE(on_a_terminal_a_bar_is_redrawn_at_most_ten_times_a_second_and_only_the_epochs_stay) {
  const auto redraws = [](double seconds_of_a_batch, std::string& text) {
    Run run(seconds_of_a_batch);
    train::ProgressLogger logger(
        {.out = &run.out, .clock = &run.clock, .progress = {.columns = 120, .live = 1, .unicode = 1, .color = 0}});
    run.log({.logger = &logger});
    text = run.out.str();
    return std::count(text.begin(), text.end(), '\r');
  };
  std::string slow, fast;
  redraws(1, slow);
  BOOST_TEST(train_text::holds(slow, "\rEpoch 1/3:  33%|"));
  BOOST_TEST(train_text::holds(slow, "| 2/3 [00:02<00:01, 1.00it/s, loss=0.6576, accuracy=0.8750, mae=0.4809]"), slow);
  BOOST_TEST(train_text::holds(slow, "\rEpoch 1/3 valid:  50%|"));
  std::string expected = plain_log;
  for (std::size_t at = 0; (at = expected.find("1.2s", at)) != std::string::npos;) expected.replace(at, 4, "5.0s");
  BOOST_TEST(shown(slow) == expected);
  // 15 batches of a millisecond: the whole run is shorter than the time between two redraws.
  BOOST_TEST(redraws(0.001, fast) == 0);
}

BOOST_AUTO_TEST_CASE(a_logger_hears_every_event_in_its_order) {
  struct Recorder : train::Logger {
    std::string events;
    void begin_fit(std::int64_t epochs) override { events += "fit " + std::to_string(epochs) + "; "; }
    void begin_epoch(std::int64_t epoch, std::int64_t steps) override {
      events += "epoch " + std::to_string(epoch) + " of " + std::to_string(steps) + ": ";
    }
    bool step_done(std::int64_t step) override {
      events += std::to_string(step) + " ";
      return step == 2;
    }
    void show_step(std::int64_t step, const train::LogValues& running) override {
      events += "show " + std::to_string(step) + " " + running.at(0).first + " ";
    }
    void begin_validation(std::int64_t steps) override { events += "valid " + std::to_string(steps) + ": "; }
    void validation_step_done() override { events += "v "; }
    void end_epoch(std::int64_t epoch, const train::LogValues& values) override {
      events += "end " + std::to_string(epoch) + " with " + std::to_string(values.size()) + "; ";
    }
    void end_fit() override { events += "done"; }
    void note(std::string_view text) override { events += text; }
  } recorder;
  Run run;
  run.model.fit(2, run.data.train, run.data.valid, {.logger = &recorder});
  BOOST_TEST(recorder.events ==
             "fit 2; epoch 1 of 3: 1 2 show 2 loss 3 valid 2: v v end 1 with 6; "
             "epoch 2 of 3: 1 2 show 2 loss 3 valid 2: v v end 2 with 6; done");
}

BOOST_AUTO_TEST_CASE(no_epochs_are_a_start_and_an_end) {
  Run run;
  run.history =
      run.model.fit(0, run.data.train, {.style = train::Style::classic, .out = &run.out, .clock = &run.clock});
  BOOST_TEST(run.out.str() == "Start Training ...\n" + bar + "Finished Training...\n");
  BOOST_TEST(run.history.empty());
}

BOOST_AUTO_TEST_CASE(names_that_need_quotes_or_are_wide_keep_the_classic_table_straight) {
  Run run;
  run.model.compile(nn::BCELoss(), run.adam, {{"it's", mean_absolute_error}, {"精度", train::accuracy}});
  const std::string text = run.log({.log_step_freq = 3, .style = train::Style::classic}, false);
  BOOST_TEST(train_text::holds(text, ", \"it's\": 0.501, '精度': 0.75}\n"));
  BOOST_TEST(train_text::holds(text,
                               "| epoch |  loss |  it's | 精度 |\n+-------+-------+-------+------+\n"
                               "|   1   | 0.699 | 0.501 | 0.75 |\n"));
}

BOOST_AUTO_TEST_SUITE_END()
