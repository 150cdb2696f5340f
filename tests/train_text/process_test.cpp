#include "slope/train/plot/internal/process.h"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <filesystem>

#include "slope/autograd/core/error.h"
#include "slope/io/internal/text_file.h"
#include "test_support.h"

using namespace slope::train;
using namespace train_text;

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(a_program_is_found_on_path_only_in_absolute_folders) {
  const TemporaryFolder folder;
  slope::io::write_text_file(folder / "slope-tool", "#!/bin/sh\n");
  slope::io::write_text_file(folder / "slope-text", "no program\n");
  std::filesystem::permissions(folder / "slope-tool", std::filesystem::perms::owner_all);
  {
    const ScopedVariable path("PATH", ("/nonexistent::relative:" + folder.path()).c_str());
    BOOST_TEST(find_program("slope-tool") == folder / "slope-tool");
    BOOST_TEST(find_program("slope-text") == "");
    BOOST_TEST(find_program("slope-none") == "");
    BOOST_TEST(find_program("") == "");
  }
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  for (const char* const list : {"", ":", ".", "./"}) {
    const ScopedVariable path("PATH", list);
    BOOST_TEST(find_program("slope-tool") == "");
  }
  std::filesystem::current_path(before);
  const ScopedVariable unset("PATH", nullptr);
  BOOST_TEST(find_program("slope-tool") == "");
  BOOST_TEST(find_program(folder / "slope-tool") == folder / "slope-tool");
}

BOOST_AUTO_TEST_CASE(arguments_reach_the_program_as_they_are) {
  const ProcessResult run =
      run_process({"/bin/sh", "-c", "printf '%s|' \"$@\"", "sh", "$HOME", "a b", "`id`", "'", ";"});
  BOOST_TEST(run.exit_code == 0);
  BOOST_TEST(run.output == "$HOME|a b|`id`|'|;|");
}

BOOST_AUTO_TEST_CASE(both_outputs_and_the_exit_code_come_back) {
  const ProcessResult run = run_process({"/bin/sh", "-c", "echo out; echo err >&2; exit 7"});
  BOOST_TEST(run.exit_code == 7);
  BOOST_TEST(run.output == "out\n");
  BOOST_TEST(run.message == "err\n");
  BOOST_TEST(run_process({"/bin/sh", "-c", "kill -TERM $$"}).exit_code == 128 + SIGTERM);
}

BOOST_AUTO_TEST_CASE(large_outputs_on_both_sides_do_not_block) {
  const ProcessResult run = run_process(
      {"/bin/sh", "-c", "i=0; while [ $i -lt 3000 ]; do printf '%0100d' 0; printf '%0100d' 1 >&2; i=$((i+1)); done"});
  BOOST_TEST(run.output.size() == 300000U);
  BOOST_TEST(run.message.size() == 300000U);
}

BOOST_AUTO_TEST_CASE(a_program_runs_in_its_folder_with_nothing_to_read) {
  const TemporaryFolder folder;
  const ProcessResult run = run_process({"/bin/sh", "-c", "pwd; cat"}, folder.path());
  BOOST_TEST(run.output == std::filesystem::canonical(folder.path()).string() + "\n");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_started_is_an_error) {
  BOOST_TEST(error_of<slope::IoError>([] { run_process({"/nonexistent/tool"}); }) ==
             "cannot run /nonexistent/tool: No such file or directory");
  BOOST_TEST(error_of<slope::ValueError>([] { run_process({}); }) == "run_process: no program was named");
  BOOST_TEST(error_of<slope::ValueError>([] { run_process({"/bin/echo", std::string("a\0b", 3)}); }) ==
             "run_process: an argument holds a zero byte");
}

BOOST_AUTO_TEST_SUITE_END()
