#include "slope/train/console/progress.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "test_support.h"

using namespace slope::train;
using namespace train_text;

namespace {

ProgressState three_quarters() {
  return {.description = "Epoch 3/30",
          .done = 33,
          .total = 44,
          .elapsed = 4.2,
          .rate = 11.84,
          .values = {{"loss", 0.02124}, {"accuracy", 0.9715}}};
}

// A live bar that writes into a string, on a clock the test moves.
struct Bench {
  FakeClock clock;
  std::ostringstream out;

  ProgressOptions options(const std::string& description = "") {
    return {
        .description = description, .out = &out, .clock = &clock, .columns = 60, .live = 1, .unicode = 0, .color = 0};
  }
  std::size_t redraws() const {
    const std::string text = out.str();
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\r'));
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(progress_text)

BOOST_AUTO_TEST_CASE(a_line_reads_as_tqdm_users_expect) {
  BOOST_TEST(progress_line(three_quarters(), 90, true) ==
             "Epoch 3/30:  75%|███████▌  | 33/44 [00:04<00:00, 11.84it/s, loss=0.02124, accuracy=0.9715]");
  BOOST_TEST(progress_line(three_quarters(), 90, false) ==
             "Epoch 3/30:  75%|#######   | 33/44 [00:04<00:00, 11.84it/s, loss=0.02124, accuracy=0.9715]");
}

BOOST_AUTO_TEST_CASE(the_bar_is_drawn_in_eighths_and_has_a_greatest_width) {
  ProgressState state = {.total = 320};
  const auto bar = [&](std::int64_t done) {
    state.done = done;
    const std::string line = progress_line(state, 200, true);
    return line.substr(line.find('|') + 1, line.rfind('|') - line.find('|') - 1);
  };
  BOOST_TEST(bar(0) == std::string(40, ' '));
  BOOST_TEST(bar(1) == "▏" + std::string(39, ' '));
  BOOST_TEST(bar(7) == "▉" + std::string(39, ' '));
  BOOST_TEST(bar(8) == "█" + std::string(39, ' '));
  BOOST_TEST(bar(12) == "█▌" + std::string(38, ' '));
  BOOST_TEST(display_width(bar(320)) == 40);
  BOOST_TEST(!holds(bar(320), " "));
}

BOOST_AUTO_TEST_CASE(percent_is_100_only_when_all_is_done) {
  BOOST_TEST(holds(progress_line({.done = 9999, .total = 10000}, 80, false), " 99%|"));
  BOOST_TEST(holds(progress_line({.done = 10000, .total = 10000}, 80, false), "100%|"));
  BOOST_TEST(holds(progress_line({.done = 0, .total = 0}, 80, false), "100%|"));
  BOOST_TEST(holds(progress_line({.done = 12, .total = 10}, 80, false), "100%|"));
}

BOOST_AUTO_TEST_CASE(an_unknown_total_shows_the_count_alone) {
  ProgressState state = three_quarters();
  state.total = -1;
  BOOST_TEST(progress_line(state, 90, true) == "Epoch 3/30: 33it [00:04, 11.84it/s, loss=0.02124, accuracy=0.9715]");
}

BOOST_AUTO_TEST_CASE(what_matters_least_goes_first_when_room_is_short) {
  const ProgressState state = three_quarters();
  const auto line = [&](int columns) { return progress_line(state, columns, true); };
  BOOST_TEST(line(79) == "Epoch 3/30:  75%|███████▌  | 33/44 [00:04<00:00, loss=0.02124, accuracy=0.9715]");
  BOOST_TEST(line(78) == "Epoch 3/30:  75%|███████████▎   | 33/44 [00:04<00:00, 11.84it/s, loss=0.02124]");
  BOOST_TEST(line(67) == "Epoch 3/30:  75%|███████████▎   | 33/44 [00:04<00:00, loss=0.02124]");
  BOOST_TEST(line(60) == "Epoch 3/30:  75%|███████████████▊     | 33/44 [loss=0.02124]");
  BOOST_TEST(line(40) == "Epoch 3/30:  75% 33/44 [loss=0.02124]");
  BOOST_TEST(line(30) == "Epoch 3/30:  75% 33/44");
  BOOST_TEST(line(20) == "Epoch 3/30:  75%");
  BOOST_TEST(line(12) == "Epoch :  75%");
  BOOST_TEST(line(5) == " 75%");
  BOOST_TEST(line(2) == " 7");
  BOOST_TEST(line(0) == "");
}

BOOST_AUTO_TEST_CASE(no_line_is_ever_wider_than_its_room) {
  for (const char* const description : {"", "Epoch 3/30", "训练"}) {
    for (const std::int64_t total : {std::int64_t{44}, std::int64_t{-1}, std::int64_t{0}}) {
      ProgressState state = three_quarters();
      state.description = description;
      state.total = total;
      for (int columns = 0; columns <= 160; ++columns) {
        BOOST_TEST_REQUIRE(display_width(progress_line(state, columns, true)) <= columns);
        BOOST_TEST_REQUIRE(display_width(progress_line(state, columns, false)) <= columns);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(colours_are_escape_codes_around_the_bar_only) {
  std::string colored = progress_line(three_quarters(), 90, true, true);
  for (const char* const code : {"\x1b[36m", "\x1b[0m"}) {
    const std::size_t at = colored.find(code);
    BOOST_TEST_REQUIRE(at != std::string::npos);
    colored.erase(at, std::string(code).size());
  }
  BOOST_TEST(colored == progress_line(three_quarters(), 90, true));
}

BOOST_AUTO_TEST_CASE(durations_grow_from_minutes_to_hours_to_days) {
  BOOST_TEST(duration_text(0) == "00:00");
  BOOST_TEST(duration_text(59.999) == "00:59");
  BOOST_TEST(duration_text(60) == "01:00");
  BOOST_TEST(duration_text(3599) == "59:59");
  BOOST_TEST(duration_text(3600) == "1:00:00");
  BOOST_TEST(duration_text(36610) == "10:10:10");
  BOOST_TEST(duration_text(86399) == "23:59:59");
  BOOST_TEST(duration_text(86400 * 3 + 4 * 3600 + 5 * 60 + 6) == "3d 04:05:06");
  BOOST_TEST(duration_text(-1) == "?");
  BOOST_TEST(duration_text(std::nan("")) == "?");
  BOOST_TEST(duration_text(std::numeric_limits<double>::infinity()) == "?");
  BOOST_TEST(duration_text(1e300) == "?");
}

BOOST_AUTO_TEST_CASE(rates_change_unit_with_their_size) {
  BOOST_TEST(rate_text(11.84) == "11.84it/s");
  BOOST_TEST(rate_text(1) == "1.00it/s");
  BOOST_TEST(rate_text(0.5) == "2.00s/it");
  BOOST_TEST(rate_text(0.0001) == "10000.00s/it");
  BOOST_TEST(rate_text(9999) == "9999.00it/s");
  BOOST_TEST(rate_text(12345) == "12.3kit/s");
  BOOST_TEST(rate_text(2.5e7) == "25.0Mit/s");
  BOOST_TEST(rate_text(0) == "?it/s");
  BOOST_TEST(rate_text(std::nan("")) == "?it/s");
  BOOST_TEST(rate_text(std::numeric_limits<double>::infinity()) == "?it/s");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(progress_bar)

BOOST_AUTO_TEST_CASE(a_second_of_fast_steps_redraws_at_most_ten_times) {
  Bench bench;
  Progress bar(1000, bench.options());
  std::size_t due = 0;
  for (int i = 0; i < 1000; ++i) {
    bench.clock.now += 0.001;
    if (bar.advance()) {
      ++due;
      bar.draw();
    }
  }
  BOOST_TEST(due >= 9U);
  BOOST_TEST(due <= 10U);
  BOOST_TEST(bench.redraws() == due);
}

BOOST_AUTO_TEST_CASE(slow_steps_are_each_shown) {
  Bench bench;
  Progress bar(5, bench.options());
  for (int i = 0; i < 5; ++i) {
    bench.clock.now += 2;
    BOOST_TEST(bar.advance());
    bar.draw();
  }
  BOOST_TEST(bench.redraws() == 5U);
}

BOOST_AUTO_TEST_CASE(the_rate_follows_a_change_of_speed_within_a_few_redraws) {
  Bench bench;
  Progress bar(-1, bench.options());
  for (int i = 0; i < 20; ++i) {
    bench.clock.now += 1;
    bar.advance(100);
    bar.draw();
  }
  BOOST_TEST(bar.state().rate == 100, boost::test_tools::tolerance(1e-9));
  for (int i = 0; i < 15; ++i) {
    bench.clock.now += 1;
    bar.advance(10);
    bar.draw();
  }
  BOOST_TEST(bar.state().rate < 12);
  BOOST_TEST(bar.state().rate > 10);
}

BOOST_AUTO_TEST_CASE(drawing_without_progress_does_not_disturb_the_rate) {
  Bench bench;
  Progress bar(-1, bench.options());
  bench.clock.now += 1;
  bar.draw();
  bench.clock.now += 1;
  bar.advance(10);
  bar.draw();
  BOOST_TEST(bar.state().rate == 5);
}

BOOST_AUTO_TEST_CASE(the_final_line_stays_and_tells_the_mean_rate) {
  Bench bench;
  {
    ProgressOptions options = bench.options("test");
    options.columns = 70;
    Progress bar(10, options);
    bar.advance(1);
    bench.clock.now += 5;
    bar.advance(9);
    bar.draw({{"loss", 0.5}});
  }
  const std::string text = bench.out.str();
  BOOST_TEST(text.substr(text.rfind('\r')) ==
             "\rtest: 100%|############| 10/10 [00:05<00:00, 2.00it/s, loss=0.5000]\x1b[K\n");
}

BOOST_AUTO_TEST_CASE(a_shorter_line_wipes_the_rest_of_a_longer_one) {
  Bench bench;
  Progress bar(-1, bench.options());
  bar.draw({{"loss", 0.0123456}});
  bar.draw({{"loss", 1}});
  BOOST_TEST(bench.out.str() == "\r0it [00:00, ?it/s, loss=0.01235]\x1b[K\r0it [00:00, ?it/s, loss=1.000]\x1b[K");
}

BOOST_AUTO_TEST_CASE(a_bar_that_is_not_left_wipes_itself) {
  Bench bench;
  ProgressOptions options = bench.options();
  options.leave = false;
  {
    Progress bar(-1, options);
    bar.draw();
  }
  BOOST_TEST(bench.out.str() == "\r0it [00:00, ?it/s]\x1b[K\r\x1b[K\r");
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_no_terminal_gets_nothing) {
  Bench bench;
  ProgressOptions options = bench.options();
  options.live = -1;
  {
    Progress bar(3, options);
    for (int i = 0; i < 3; ++i) {
      bench.clock.now += 1;
      BOOST_TEST(!bar.advance());
      bar.draw({{"loss", 1}});
    }
    BOOST_TEST(bar.state().done == 3);
    bar.close();
  }
  BOOST_TEST(bench.out.str() == "");
}

BOOST_AUTO_TEST_CASE(quiet_outweighs_a_terminal) {
  Bench bench;
  ProgressOptions options = bench.options();
  options.quiet = true;
  {
    Progress bar(3, options);
    bench.clock.now += 1;
    BOOST_TEST(!bar.advance());
    bar.draw();
  }
  BOOST_TEST(bench.out.str() == "");
}

BOOST_AUTO_TEST_CASE(an_exception_leaves_the_line_ended) {
  Bench bench;
  try {
    Progress bar(3, bench.options());
    bar.draw();
    throw std::runtime_error("from the loop");
  } catch (const std::runtime_error&) {
  }
  BOOST_TEST(bench.out.str().back() == '\n');
}

BOOST_AUTO_TEST_CASE(a_stream_that_throws_does_not_end_the_program) {
  Bench bench;
  Progress* bar = new Progress(3, bench.options());
  bench.out.exceptions(std::ios::badbit);
  struct Broken : std::streambuf {
    int overflow(int) override { throw std::runtime_error("disk full"); }
  } broken;
  std::streambuf* const sound = bench.out.std::ios::rdbuf(&broken);
  BOOST_CHECK_NO_THROW(delete bar);
  bench.out.exceptions(std::ios::goodbit);
  bench.out.std::ios::rdbuf(sound);
}

BOOST_AUTO_TEST_CASE(nothing_happens_after_close) {
  Bench bench;
  Progress bar(3, bench.options());
  bar.close();
  const std::string before = bench.out.str();
  bench.clock.now += 10;
  BOOST_TEST(!bar.advance());
  bar.draw();
  bar.close();
  BOOST_TEST(bench.out.str() == before);
}

BOOST_AUTO_TEST_CASE(counts_at_the_ends_of_their_range_do_not_overflow) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max(), least = std::numeric_limits<std::int64_t>::min();
  Bench bench;
  Progress bar(most, bench.options());
  for (const std::int64_t n : {most, most, std::int64_t{1}}) {
    bench.clock.now += 1;
    bar.advance(n);
    bar.draw();
    BOOST_TEST(bar.state().done == most);
  }
  for (const std::int64_t n : {least, std::int64_t{-1}, least}) {
    bench.clock.now += 1;
    bar.advance(n);
    bar.draw();
    BOOST_TEST(bar.state().done == 0);
  }
  bar.advance(5);
  bar.advance(-2);
  BOOST_TEST(bar.state().done == 3);
  BOOST_TEST(!progress_line({.done = least, .total = most, .elapsed = 1, .rate = 2}, 60, false).empty());
  BOOST_TEST(!progress_line({.done = most, .total = 0, .elapsed = 1, .rate = 2}, 60, false).empty());
}

BOOST_AUTO_TEST_SUITE_END()
