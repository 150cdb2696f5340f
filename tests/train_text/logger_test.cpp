#include "slope/train/console/logger.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <sstream>

#include "slope/autograd/core/error.h"
#include "test_support.h"

using namespace slope::train;
using namespace train_text;

namespace {

struct Bench {
  FakeClock clock;
  std::ostringstream out;

  LoggerOptions options(bool live) {
    LoggerOptions options;
    options.out = &out;
    options.clock = &clock;
    options.progress = {.columns = 100, .live = live ? 1 : 0, .unicode = 0, .color = 0};
    return options;
  }
};

// The calls of a training loop; every step takes `seconds`.
void train(Logger& log, FakeClock& clock, int epochs, int steps, double seconds) {
  log.begin_fit(epochs);
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    log.begin_epoch(epoch, steps);
    for (int step = 1; step <= steps; ++step) {
      clock.now += seconds;
      if (log.step_done(step)) log.show_step(step, {{"loss", 1.0 / (epoch * step)}, {"accuracy", 0.97166}});
    }
    log.begin_validation(2);
    for (int step = 1; step <= 2; ++step) {
      clock.now += seconds;
      log.validation_step_done();
    }
    log.end_epoch(epoch,
                  {{"loss", 0.02214 / epoch}, {"accuracy", 0.9711}, {"val_loss", 0.02471}, {"val_accuracy", 0.96}});
  }
  log.end_fit();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(logger)

BOOST_AUTO_TEST_CASE(the_classic_log_is_that_of_torchkeras_byte_for_byte) {
  Bench bench;
  LoggerOptions options = bench.options(false);
  options.log_step_freq = 2;
  ClassicLogger log(options);
  train(log, bench.clock, 2, 5, 0.1);
  BOOST_TEST(bench.out.str() == R"(Start Training ...

================================================================================2020-07-11 23:34:17
{'step': 2, 'loss': 0.5, 'accuracy': 0.972}
{'step': 4, 'loss': 0.25, 'accuracy': 0.972}

 +-------+-------+----------+----------+--------------+
| epoch |  loss | accuracy | val_loss | val_accuracy |
+-------+-------+----------+----------+--------------+
|   1   | 0.022 |  0.971   |  0.025   |     0.96     |
+-------+-------+----------+----------+--------------+

================================================================================2020-07-11 23:34:17
{'step': 2, 'loss': 0.25, 'accuracy': 0.972}
{'step': 4, 'loss': 0.125, 'accuracy': 0.972}

 +-------+-------+----------+----------+--------------+
| epoch |  loss | accuracy | val_loss | val_accuracy |
+-------+-------+----------+----------+--------------+
|   2   | 0.011 |  0.971   |  0.025   |     0.96     |
+-------+-------+----------+----------+--------------+

================================================================================2020-07-11 23:34:17
Finished Training...
)");
}

BOOST_AUTO_TEST_CASE(the_classic_log_without_validation_and_steps_is_one_table_an_epoch) {
  Bench bench;
  LoggerOptions options = bench.options(false);
  options.log_step_freq = 30;
  ClassicLogger log(options);
  log.begin_fit(1);
  log.begin_epoch(1, 29);
  for (int step = 1; step < 30; ++step) BOOST_TEST(!log.step_done(step));
  log.end_epoch(1, {{"loss", 1}});
  log.end_fit();
  BOOST_TEST(bench.out.str() == "Start Training ...\n\n" + std::string(80, '=') +
                                    "2020-07-11 23:34:17\n\n +-------+------+\n| epoch | loss |\n+-------+------+\n"
                                    "|   1   | 1.0  |\n+-------+------+\n\n" +
                                    std::string(80, '=') + "2020-07-11 23:34:17\nFinished Training...\n");
}

BOOST_AUTO_TEST_CASE(a_step_frequency_below_one_is_refused) {
  Bench bench;
  LoggerOptions options = bench.options(false);
  options.log_step_freq = 0;
  BOOST_TEST(error_of<slope::ValueError>([&] { ClassicLogger log(options); }) ==
             "ClassicLogger: log_step_freq must be at least 1, got 0");
}

BOOST_AUTO_TEST_CASE(without_a_terminal_the_default_log_is_one_line_an_epoch) {
  Bench bench;
  ProgressLogger log(bench.options(false));
  train(log, bench.clock, 2, 5, 0.25);
  BOOST_TEST(bench.out.str() ==
             "Epoch 1/2  1.8s  loss 0.02214  accuracy 0.9711  val_loss 0.02471  val_accuracy 0.9600\n"
             "Epoch 2/2  1.8s  loss 0.01107  accuracy 0.9711  val_loss 0.02471  val_accuracy 0.9600\n");
}

BOOST_AUTO_TEST_CASE(on_a_terminal_the_bars_come_and_go_and_the_epoch_lines_stay) {
  Bench bench;
  ProgressLogger log(bench.options(true));
  train(log, bench.clock, 1, 2, 1);
  const std::string text = bench.out.str();
  BOOST_TEST(holds(text, "\rEpoch 1/1:  50%|####"));
  BOOST_TEST(holds(text, "| 1/2 [00:01<00:01, 1.00it/s, loss=1.000, accuracy=0.9717]"));
  BOOST_TEST(holds(text, "\rEpoch 1/1 valid:  50%|"));
  // What a terminal shows in the end: of every line only what follows the last carriage return.
  std::istringstream lines(text);
  std::string shown;
  for (std::string line; std::getline(lines, line);) shown += line.substr(line.rfind('\r') + 1) + "\n";
  BOOST_TEST(shown == "Epoch 1/1  4.0s  loss 0.02214  accuracy 0.9711  val_loss 0.02471  val_accuracy 0.9600\n");
}

BOOST_AUTO_TEST_CASE(running_values_are_asked_for_only_when_they_will_be_seen) {
  Bench bench;
  ProgressLogger live(bench.options(true));
  live.begin_fit(1);
  live.begin_epoch(1, 1000);
  int asked = 0;
  for (int step = 1; step <= 1000; ++step) {
    bench.clock.now += 0.001;
    if (live.step_done(step)) {
      ++asked;
      live.show_step(step, {});
    }
  }
  BOOST_TEST(asked >= 9);
  BOOST_TEST(asked <= 10);
  ProgressLogger plain(bench.options(false));
  plain.begin_epoch(1, 10);
  bench.clock.now += 10;
  BOOST_TEST(!plain.step_done(1));
  BOOST_TEST(!QuietLogger().step_done(1));
}

BOOST_AUTO_TEST_CASE(a_quiet_log_says_nothing_at_all) {
  Bench bench;
  LoggerOptions options = bench.options(true);
  options.progress.quiet = true;
  ProgressLogger log(options);
  train(log, bench.clock, 2, 5, 1);
  log.note("a word");
  BOOST_TEST(bench.out.str() == "");
}

BOOST_AUTO_TEST_CASE(a_note_stands_on_a_line_of_its_own) {
  Bench bench;
  ProgressLogger log(bench.options(true));
  log.begin_fit(1);
  log.begin_epoch(1, 2);
  bench.clock.now += 1;
  if (log.step_done(1)) log.show_step(1, {{"loss", 1}});
  log.note("interrupted after epoch 1, step 1");
  const std::string text = bench.out.str();
  BOOST_TEST(text.substr(text.rfind('\r')) == "\rinterrupted after epoch 1, step 1\n");
  BOOST_CHECK_NO_THROW(log.step_done(2));
}

BOOST_AUTO_TEST_CASE(an_epoch_line_pads_the_epoch_and_writes_long_times_as_clocks_do) {
  BOOST_TEST(epoch_line(3, 100, 0.04, {{"loss", 0.5}}) == "Epoch   3/100  40ms  loss 0.5000");
  BOOST_TEST(epoch_line(3, 3, 0.0004, {}) == "Epoch 3/3   0ms");
  BOOST_TEST(epoch_line(3, 3, 0.0994, {}) == "Epoch 3/3  99ms");
  BOOST_TEST(epoch_line(3, 3, 0.0996, {}) == "Epoch 3/3  0.1s");
  BOOST_TEST(epoch_line(100, 100, 59.94, {}) == "Epoch 100/100  59.9s");
  BOOST_TEST(epoch_line(1, 1, 60, {}) == "Epoch 1/1  01:00");
  BOOST_TEST(epoch_line(1, 1, 3725, {}) == "Epoch 1/1  1:02:05");
}

BOOST_AUTO_TEST_CASE(on_a_narrow_terminal_the_epoch_line_breaks_between_values_and_first_of_all_before_the_validation) {
  const LogValues values = {{"loss", 0.03841},     {"accuracy", 0.9251},    {"auc", 0.6901},     {"recall", 0.03623},
                            {"val_loss", 0.03099}, {"val_accuracy", 0.966}, {"val_auc", 0.8005}, {"val_recall", 0.0}};
  const auto line = [&](int columns) { return epoch_line(1, 30, 0.02, values, columns); };
  BOOST_TEST(line(0) ==
             "Epoch  1/30  20ms  loss 0.03841  accuracy 0.9251  auc 0.6901  recall 0.03623"
             "  val_loss 0.03099  val_accuracy 0.9660  val_auc 0.8005  val_recall 0.000");
  BOOST_TEST(line(149) == line(0));
  BOOST_TEST(line(148) ==
             "Epoch  1/30  20ms  loss 0.03841  accuracy 0.9251  auc 0.6901  recall 0.03623\n"
             "    val_loss 0.03099  val_accuracy 0.9660  val_auc 0.8005  val_recall 0.000");
  BOOST_TEST(line(80) == line(148));
  BOOST_TEST(line(60) ==
             "Epoch  1/30  20ms  loss 0.03841  accuracy 0.9251  auc 0.6901\n"
             "    recall 0.03623\n"
             "    val_loss 0.03099  val_accuracy 0.9660  val_auc 0.8005\n"
             "    val_recall 0.000");
  BOOST_TEST(epoch_line(1, 2, 1, {{"loss", 1}, {"val_loss", 2}}, 1) ==
             "Epoch 1/2  1.0s  loss 1.000\n    val_loss 2.000");

  // Nothing is lost, and nothing is too wide that need not be: the first line holds one value at least.
  for (int columns = 24; columns <= 160; ++columns) {
    std::istringstream lines(line(columns));
    std::string words;
    for (std::string text; std::getline(lines, text);) {
      BOOST_TEST_REQUIRE(display_width(text) <= std::max(columns, 34));
      words += (words.empty() ? "" : "  ") + text.substr(words.empty() ? 0 : 4);
    }
    BOOST_TEST_REQUIRE(words == line(0));
  }
}

BOOST_AUTO_TEST_CASE(only_a_terminal_breaks_the_epoch_line) {
  for (const bool live : {true, false}) {
    Bench bench;
    LoggerOptions options = bench.options(live);
    options.progress.columns = 40;
    ProgressLogger log(options);
    train(log, bench.clock, 1, 0, 0);
    BOOST_TEST(bench.out.str() ==
               (live ? "Epoch 1/1   0ms  loss 0.02214\n    accuracy 0.9711\n"
                       "    val_loss 0.02471\n    val_accuracy 0.9600\n"
                     : "Epoch 1/1   0ms  loss 0.02214  accuracy 0.9711  val_loss 0.02471  val_accuracy 0.9600\n"));
  }
}

BOOST_AUTO_TEST_CASE(a_time_stamp_is_a_date_and_a_time) {
  const std::string stamp = Clock::system().timestamp();
  std::string shape = stamp;
  std::replace_if(shape.begin(), shape.end(), [](unsigned char c) { return std::isdigit(c) != 0; }, '9');
  BOOST_TEST(shape == "9999-99-99 99:99:99");
  const double before = Clock::system().seconds();
  BOOST_TEST(Clock::system().seconds() >= before);
}

BOOST_AUTO_TEST_SUITE_END()
