#include "slope/io/internal/atomic_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "slope/autograd/core/error.h"
#include "slope/io/internal/text_file.h"
#include "train_text/test_support.h"

using namespace slope;
using train_text::contents;
using train_text::error_of;
using train_text::holds;
using train_text::TemporaryFolder;

namespace {

namespace fs = std::filesystem;

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::string said(int error) { return std::strerror(error); }

// The system, but for one call that goes wrong in a way of its choice. It keeps a list of what was done.
struct Scripted : io::FileCalls {
  enum Call { none, open_draft, open_folder, first_write, second_write, sync_file, sync_folder, close_file, rename_it };
  Call fails = none;
  int error = 0;
  int interruptions = 0;          // EINTR that comes before each call succeeds
  std::size_t at_most = 1 << 20;  // bytes one write takes
  mutable int left = 0, writes = 0;
  mutable std::string done;

  bool interrupted() const {
    if (left++ < interruptions) {
      errno = EINTR;
      return true;
    }
    left = 0;
    return false;
  }
  bool refuses(Call call) const {
    if (fails != call) return false;
    errno = error;
    return true;
  }
  static bool is_folder(int file) {
    struct stat s = {};
    return ::fstat(file, &s) == 0 && S_ISDIR(s.st_mode);
  }
  int open(const char* path, int flags, mode_t mode) const override {
    if (interrupted() || refuses(flags & O_DIRECTORY ? open_folder : open_draft)) return -1;
    done += flags & O_DIRECTORY ? "open-folder " : "open ";
    return io::FileCalls::open(path, flags, mode);
  }
  ssize_t write(int file, const void* data, std::size_t size) const override {
    if (interrupted()) return -1;
    if (++writes == 1 ? refuses(first_write) : refuses(second_write)) return error == 0 ? 0 : -1;
    done += "write ";
    return io::FileCalls::write(file, data, std::min(size, at_most));
  }
  int fsync(int file) const override {
    const bool folder = is_folder(file);
    if (interrupted() || refuses(folder ? sync_folder : sync_file)) return -1;
    done += folder ? "sync-folder " : "sync ";
    return io::FileCalls::fsync(file);
  }
  int close(int file) const override {
    const bool folder = is_folder(file);
    const int result = io::FileCalls::close(file);
    if (!folder) done += "close ";
    if (!folder && refuses(close_file)) return -1;
    return result;
  }
  int rename(const char* from, const char* to) const override {
    if (interrupted() || refuses(rename_it)) return -1;
    done += "rename ";
    return io::FileCalls::rename(from, to);
  }
};

void write_both_halves(const std::string& path, const io::FileCalls& calls) {
  io::AtomicFile file(path, SourceLoc::here(), calls);
  file.write("new ");
  file.write("text");
  file.commit();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(atomic_file)

BOOST_AUTO_TEST_CASE(contents_reach_the_disk_before_the_name_and_the_folder_after_it) {
  const TemporaryFolder folder;
  const Scripted calls;
  write_both_halves(folder / "f", calls);
  BOOST_TEST(calls.done == "open write write sync close rename open-folder sync-folder ");
  BOOST_TEST(contents(folder / "f") == "new text");
  BOOST_TEST(files_in(folder.path()) == std::vector<std::string>{"f"});
}

BOOST_AUTO_TEST_CASE(short_writes_and_interruptions_are_gone_on_with) {
  const TemporaryFolder folder;
  Scripted calls;
  calls.at_most = 1;
  calls.interruptions = 3;
  write_both_halves(folder / "f", calls);
  BOOST_TEST(contents(folder / "f") == "new text");
  BOOST_TEST(calls.writes == 8);
}

BOOST_AUTO_TEST_CASE(whatever_fails_the_old_file_stays_no_draft_is_left_and_the_error_says_why) {
  struct Case {
    Scripted::Call call;
    int error;
    std::string why;
  };
  const std::vector<Case> cases = {{Scripted::open_draft, EACCES, said(EACCES)},
                                   {Scripted::open_draft, EMFILE, said(EMFILE)},
                                   {Scripted::first_write, ENOSPC, said(ENOSPC)},
                                   {Scripted::second_write, ENOSPC, said(ENOSPC)},
                                   {Scripted::second_write, EIO, said(EIO)},
                                   {Scripted::second_write, 0, said(ENOSPC)},
                                   {Scripted::sync_file, EIO, "bringing it to the disk failed: " + said(EIO)},
                                   {Scripted::sync_file, ENOSPC, "bringing it to the disk failed: " + said(ENOSPC)},
                                   {Scripted::close_file, EIO, "closing it failed: " + said(EIO)},
                                   {Scripted::rename_it, EXDEV, "giving the new file its name failed: " + said(EXDEV)}};
  for (const Case& c : cases)
    for (const bool existed : {true, false}) {
      const TemporaryFolder folder;
      const std::string path = folder / "f";
      if (existed) io::write_text_file(path, "old text");
      Scripted calls;
      calls.fails = c.call;
      calls.error = c.error;
      const std::string message = error_of<IoError>([&] { write_both_halves(path, calls); });
      BOOST_TEST(message == "cannot write " + path + ": " + c.why, c.call << ": " << message);
      BOOST_TEST(files_in(folder.path()) == (existed ? std::vector<std::string>{"f"} : std::vector<std::string>{}));
      if (existed) BOOST_TEST(contents(path) == "old text");
    }
}

BOOST_AUTO_TEST_CASE(when_only_the_folder_does_not_reach_the_disk_the_new_file_stands_and_the_error_says_so) {
  for (const Scripted::Call call : {Scripted::open_folder, Scripted::sync_folder}) {
    const TemporaryFolder folder;
    Scripted calls;
    calls.fails = call;
    calls.error = EIO;
    const std::string message = error_of<IoError>([&] { write_both_halves(folder / "f", calls); });
    BOOST_TEST(holds(message, "so a crash may lose it: " + said(EIO)), message);
    BOOST_TEST(contents(folder / "f") == "new text");
    BOOST_TEST(files_in(folder.path()) == std::vector<std::string>{"f"});
  }
  // File systems that cannot do it are not asked to.
  for (const int error : {EINVAL, ENOTSUP}) {
    const TemporaryFolder folder;
    Scripted calls;
    calls.fails = Scripted::sync_folder;
    calls.error = error;
    write_both_halves(folder / "f", calls);
    BOOST_TEST(contents(folder / "f") == "new text");
  }
}

BOOST_AUTO_TEST_CASE(a_file_without_commit_was_never_there) {
  const TemporaryFolder folder;
  io::write_text_file(folder / "f", "old text");
  {
    io::AtomicFile file(folder / "f");
    file.write("new text");
    BOOST_TEST(files_in(folder.path()).size() == 2u);
  }
  BOOST_TEST(contents(folder / "f") == "old text");
  BOOST_TEST(files_in(folder.path()).size() == 1u);
  io::AtomicFile file(folder / "f");
  file.commit();
  BOOST_TEST(contents(folder / "f") == "");
  BOOST_TEST(holds(error_of<IoError>([&] { file.write("x"); }), "the file is closed already"));
  BOOST_TEST(holds(error_of<IoError>([&] { file.commit(); }), "the file is closed already"));
}

BOOST_AUTO_TEST_CASE(a_file_larger_than_the_system_allows_leaves_the_old_one) {
  const TemporaryFolder folder;
  const std::string path = folder / "f";
  io::write_text_file(path, "old text");
  // The limit is the process's, so a child takes it; SIGXFSZ would end the child before write() could say no.
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string message = error_of<IoError>([&] { io::write_text_file(path, std::string(10000, 'x')); });
    _exit(message.starts_with("cannot write " + path + ": " + said(EFBIG)) ? 0 : 1);
  }
  int status = 0;
  BOOST_REQUIRE(waitpid(child, &status, 0) == child);
  BOOST_TEST(status == 0);
  BOOST_TEST(contents(path) == "old text");
  BOOST_TEST(files_in(folder.path()) == std::vector<std::string>{"f"});
}

BOOST_AUTO_TEST_CASE(a_link_stays_a_link_and_permissions_stay) {
  const TemporaryFolder folder;
  io::write_text_file(folder / "real/f", "old text");
  fs::create_symlink("real/f", folder / "link");
  fs::permissions(folder / "real/f", fs::perms::owner_read | fs::perms::owner_write);
  io::write_text_file(folder / "link", "new text");
  BOOST_TEST(fs::is_symlink(fs::symlink_status(folder / "link")));
  BOOST_TEST(contents(folder / "real/f") == "new text");
  BOOST_TEST((fs::status(folder / "real/f").permissions() == (fs::perms::owner_read | fs::perms::owner_write)));
  BOOST_TEST(files_in(folder / "real").size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_no_regular_file_is_written_to_and_not_replaced) {
  io::write_text_file("/dev/null", "gone");
  BOOST_TEST(fs::is_character_file("/dev/null"));
  if (fs::exists("/dev/full"))
    BOOST_TEST(holds(error_of<IoError>([] { io::write_text_file("/dev/full", "x"); }),
                     "cannot write /dev/full: " + said(ENOSPC)));
  const TemporaryFolder folder;
  const std::string path = folder / "pipe";
  BOOST_REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  std::string received;
  std::thread reader([&] { received = contents(path); });
  io::write_text_file(path, "through");
  reader.join();
  BOOST_TEST(received == "through");
  BOOST_TEST(fs::is_fifo(path));
}

BOOST_AUTO_TEST_CASE(two_writers_of_one_file_leave_one_of_the_two_texts) {
  const TemporaryFolder folder;
  const std::string path = folder / "f", a(100000, 'a'), b(100000, 'b');
  for (int round = 0; round < 20; ++round) {
    std::thread other([&] { io::write_text_file(path, a); });
    io::write_text_file(path, b);
    other.join();
    const std::string got = contents(path);
    BOOST_TEST((got == a || got == b));
  }
  BOOST_TEST(files_in(folder.path()) == std::vector<std::string>{"f"});
}

BOOST_AUTO_TEST_SUITE_END()
