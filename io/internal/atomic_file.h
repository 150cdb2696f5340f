#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "slope/autograd/core/source_loc.h"

namespace slope::io {

/// The calls of the system that writing a file takes, so that tests can let each of them fail. All as POSIX has them:
/// -1 and errno for a failure.
struct FileCalls {
  virtual ~FileCalls() = default;
  virtual int open(const char* path, int flags, unsigned mode) const;
  virtual std::ptrdiff_t write(int file, const void* data, std::size_t size) const;
  virtual int fsync(int file) const;
  virtual int close(int file) const;
  virtual int rename(const char* from, const char* to) const;
  static const FileCalls& system();
};

/// A file that appears whole or not at all, and that survives a crash once commit() has returned.
///
/// What is written goes to a new file in the same folder. commit() brings it to the disk, gives it the name, and brings
/// the folder to the disk, too. Until then, and when anything fails, what stood under the name stays; the draft is removed.
/// A symbolic link to a file stays one, and that file is replaced; a file keeps its permissions. What is no regular
/// file (a terminal, a pipe) is written to directly. Missing folders are made.
///
///     AtomicFile file(path);
///     file.write(header);
///     file.write(body);
///     file.commit();
///
/// Throws IoError, naming the path and what the system said.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path, SourceLoc loc = SourceLoc::here(),
                      const FileCalls& calls = FileCalls::system());
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void commit();

 private:
  [[noreturn]] void fail(const std::string& what, int error);
  void sync(int file, const char* what);
  void sync_folder();
  void discard() noexcept;

  std::string path_;    // as the user gave it, for messages
  std::string target_;  // behind symbolic links
  std::string draft_;   // empty when written to directly, and after commit()
  SourceLoc loc_;
  const FileCalls& calls_;
  int file_ = -1;
};

}  // namespace slope::io
