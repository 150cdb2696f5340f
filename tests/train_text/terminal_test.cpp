#include "slope/train/console/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <iostream>
#include <sstream>

#include "slope/train/console/progress.h"
#include "test_support.h"

using namespace slope::train;
using namespace train_text;

namespace {

// What `action` prints when standard output is a terminal of the given width.
template <class Action>
std::string on_a_terminal(unsigned short columns, Action action) {
  const int controller = posix_openpt(O_RDWR | O_NOCTTY);
  BOOST_TEST_REQUIRE(controller >= 0);
  BOOST_TEST_REQUIRE(grantpt(controller) == 0);
  BOOST_TEST_REQUIRE(unlockpt(controller) == 0);
  const winsize size = {24, columns, 0, 0};
  std::cout.flush();
  const int terminal = open(ptsname(controller), O_RDWR | O_NOCTTY);
  BOOST_TEST_REQUIRE(terminal >= 0);
  ioctl(terminal, TIOCSWINSZ, &size);
  const pid_t child = fork();
  if (child == 0) {
    dup2(terminal, STDOUT_FILENO);
    action();
    std::cout.flush();
    _exit(0);
  }
  close(terminal);
  std::string text;
  char buffer[4096];
  // The far end's closing reads as an error, the end of what was printed.
  for (ssize_t n = 0; (n = read(controller, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  int status = 0;
  waitpid(child, &status, 0);
  close(controller);
  BOOST_TEST(WIFEXITED(status));
  return text;
}

std::string described(const std::ostream& stream) {
  const Terminal terminal = Terminal::of(stream);
  return std::string(terminal.live ? "live" : "dead") + (terminal.unicode ? " unicode" : " ascii") +
         (terminal.color ? " color" : " plain");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(terminal)

BOOST_AUTO_TEST_CASE(a_string_stream_is_no_terminal) {
  const std::ostringstream out;
  BOOST_TEST(!Terminal::of(out).live);
  BOOST_TEST(!Terminal::of(out).color);
}

BOOST_AUTO_TEST_CASE(standard_output_on_a_terminal_is_live_and_knows_its_width) {
  const ScopedVariable term("TERM", "xterm");
  const ScopedVariable no_color("NO_COLOR", nullptr);
  const ScopedVariable locale("LC_ALL", "C.UTF-8");
  const ScopedVariable columns("COLUMNS", "200");
  BOOST_TEST(on_a_terminal(57, [] { std::cout << described(std::cout) << " " << terminal_columns(std::cout); }) ==
             "live unicode color 57");
}

BOOST_AUTO_TEST_CASE(no_color_takes_the_colours_but_not_the_bar) {
  const ScopedVariable term("TERM", "xterm");
  const ScopedVariable locale("LC_ALL", "C.UTF-8");
  {
    const ScopedVariable no_color("NO_COLOR", "1");
    BOOST_TEST(on_a_terminal(57, [] { std::cout << described(std::cout); }) == "live unicode plain");
  }
  {
    const ScopedVariable no_color("NO_COLOR", "");
    BOOST_TEST(on_a_terminal(57, [] { std::cout << described(std::cout); }) == "live unicode color");
  }
}

BOOST_AUTO_TEST_CASE(a_dumb_terminal_is_not_redrawn) {
  const ScopedVariable term("TERM", "dumb");
  const ScopedVariable locale("LC_ALL", "C");
  BOOST_TEST(on_a_terminal(57, [] { std::cout << described(std::cout); }) == "dead ascii plain");
}

BOOST_AUTO_TEST_CASE(the_locale_variables_are_asked_in_their_order) {
  const ScopedVariable all("LC_ALL", "");
  const ScopedVariable ctype("LC_CTYPE", "C");
  const ScopedVariable lang("LANG", "en_US.UTF-8");
  BOOST_TEST(!Terminal::of(std::cout).unicode);
  const ScopedVariable better("LC_CTYPE", "de_DE.utf8");
  BOOST_TEST(Terminal::of(std::cout).unicode);
}

BOOST_AUTO_TEST_CASE(without_a_terminal_the_width_is_columns_or_80) {
  const std::ostringstream out;
  {
    const ScopedVariable columns("COLUMNS", "123");
    BOOST_TEST(terminal_columns(out) == 123);
  }
  for (const char* const nonsense : {"", "zero", "-5", "0", "99999999"}) {
    const ScopedVariable columns("COLUMNS", nonsense);
    BOOST_TEST(terminal_columns(out) == 80);
  }
  const ScopedVariable columns("COLUMNS", nullptr);
  BOOST_TEST(terminal_columns(out) == 80);
}

BOOST_AUTO_TEST_CASE(a_bar_on_a_narrow_terminal_stays_on_one_line) {
  const ScopedVariable term("TERM", "xterm");
  const ScopedVariable no_color("NO_COLOR", "1");
  const ScopedVariable locale("LC_ALL", "C.UTF-8");
  const std::string text = on_a_terminal(30, [] {
    FakeClock clock;
    Progress bar(4, {.description = "Epoch 1/2", .clock = &clock});
    for (int i = 0; i < 4; ++i) {
      clock.now += 1;
      if (bar.advance()) bar.draw({{"loss", 0.123456}});
    }
  });
  BOOST_TEST(holds(text, "\rEpoch 1/2:  25% 1/4"));
  std::istringstream lines(text);
  int widest = 0;
  for (std::string line; std::getline(lines, line, '\r');) {
    if (!line.empty() && line.back() == '\n') line.pop_back();
    if (line.ends_with("\x1b[K")) line.erase(line.size() - 3);
    widest = std::max(widest, display_width(line));
  }
  // Three columns stay free, one for terminals that wrap early and two for the ^C of a Ctrl-C.
  BOOST_TEST(widest <= 27);
  BOOST_TEST(widest >= 19);
}

BOOST_AUTO_TEST_SUITE_END()
