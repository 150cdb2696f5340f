#include "slope/io/internal/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "slope/autograd/core/error.h"

namespace slope::io {

int FileCalls::open(const char* path, int flags, unsigned mode) const { return ::open(path, flags, mode); }
std::ptrdiff_t FileCalls::write(int file, const void* data, std::size_t size) const {
  return ::write(file, data, size);
}
int FileCalls::fsync(int file) const { return ::fsync(file); }
int FileCalls::close(int file) const { return ::close(file); }
int FileCalls::rename(const char* from, const char* to) const { return std::rename(from, to); }
const FileCalls& FileCalls::system() {
  static const FileCalls calls;
  return calls;
}

namespace {

namespace fs = std::filesystem;

/// `call()` until it is not interrupted by a signal.
template <class F>
auto uninterrupted(const F& call) {
  for (;;)
    if (const auto result = call(); result >= 0 || errno != EINTR) return result;
}

/// Another name at every call, in this process and among processes.
std::string draft_of(const std::string& target) {
  static std::atomic<unsigned> count{0};
  return target + ".tmp" + std::to_string(::getpid()) + "-" + std::to_string(count.fetch_add(1));
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path, SourceLoc loc, const FileCalls& calls)
    : path_(path), target_(path), loc_(user_line(loc)), calls_(calls) {
  std::error_code error;
  if (fs::is_symlink(fs::symlink_status(path, error))) {
    const fs::path leads_to = fs::weakly_canonical(path, error);
    if (error) fail("following the link failed", error.value());
    target_ = leads_to.string();
  }
  if (const fs::path folder = fs::path(target_).parent_path(); !folder.empty()) {
    fs::create_directories(folder, error);
    if (error) fail("making its folder failed", error.value());
  }
  struct stat present = {};
  const bool exists = ::stat(target_.c_str(), &present) == 0;
  if (exists && S_ISDIR(present.st_mode)) fail("", EISDIR);
  const bool replaces = exists && S_ISREG(present.st_mode);
  const bool direct = exists && !replaces;
  if (!direct) draft_ = draft_of(target_);
  const int flags = O_WRONLY | O_CLOEXEC | (direct ? 0 : O_CREAT | O_EXCL);
  const std::string& name = direct ? target_ : draft_;
  file_ = uninterrupted([&] { return calls_.open(name.c_str(), flags, 0666); });
  if (file_ < 0) {
    const int why = errno;
    draft_.clear();  // not ours to remove
    fail("", why);
  }
  // A file system without permissions may refuse this, which does the contents no harm.
  if (replaces) (void)!::fchmod(file_, present.st_mode & 07777);
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (file_ >= 0) calls_.close(std::exchange(file_, -1));
  if (!draft_.empty()) ::unlink(draft_.c_str());
  draft_.clear();
}

void AtomicFile::fail(const std::string& what, int error) {
  discard();
  throw IoError(
      concat("cannot write ", path_, ": ", what, what.empty() ? "" : ": ", std::generic_category().message(error)),
      loc_);
}

void AtomicFile::write(std::string_view bytes) {
  if (file_ < 0) throw IoError(concat("cannot write ", path_, ": the file is closed already"), loc_);
  while (!bytes.empty()) {
    const ssize_t written = uninterrupted([&] { return calls_.write(file_, bytes.data(), bytes.size()); });
    if (written < 0) fail("", errno);
    if (written == 0) fail("", ENOSPC);  // POSIX leaves this open; going on could take for ever
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AtomicFile::sync(int file, const char* what) {
  if (uninterrupted([&] { return calls_.fsync(file); }) == 0) return;
  // Pipes, terminals and some file systems cannot be asked.
  if (errno != EINVAL && errno != ENOTSUP && errno != EROFS) fail(what, errno);
}

void AtomicFile::sync_folder() {
  const fs::path parent = fs::path(target_).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  const int opened = uninterrupted([&] { return calls_.open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0); });
  if (opened < 0) {
    if (errno == EACCES || errno == EPERM) return;  // a folder one may write to, but not read
    fail("it is written, but opening its folder failed, so a crash may lose it", errno);
  }
  try {
    sync(opened, "it is written, but bringing its folder to the disk failed, so a crash may lose it");
  } catch (...) {
    calls_.close(opened);
    throw;
  }
  calls_.close(opened);
}

void AtomicFile::commit() {
  if (file_ < 0) throw IoError(concat("cannot write ", path_, ": the file is closed already"), loc_);
  sync(file_, "bringing it to the disk failed");
  // Linux frees the descriptor also when close is interrupted; only another error tells of lost data (network disks).
  if (calls_.close(std::exchange(file_, -1)) != 0 && errno != EINTR) fail("closing it failed", errno);
  if (draft_.empty()) return;
  if (uninterrupted([&] { return calls_.rename(draft_.c_str(), target_.c_str()); }) != 0)
    fail("giving the new file its name failed", errno);
  draft_.clear();
  sync_folder();
}

}  // namespace slope::io
