#include "slope/train/plot/internal/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "slope/autograd/core/error.h"

namespace slope::train {
namespace {

class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0) throw IoError(std::string("cannot open a pipe: ") + std::strerror(errno));
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void close_writer() { close_end(1); }

 private:
  void close_end(std::size_t i) {
    if (ends_[i] >= 0) close(ends_[i]);
    ends_[i] = -1;
  }
  std::array<int, 2> ends_ = {-1, -1};
};

class SpawnActions {
 public:
  SpawnActions() { posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

bool is_program(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
}

// Both pipes are drained together: a program blocked on a full one would never close the other.
void drain(Pipe& output, std::string& output_text, Pipe& message, std::string& message_text) {
  std::array<pollfd, 2> watched = {{{output.reader(), POLLIN, 0}, {message.reader(), POLLIN, 0}}};
  const std::array<std::string*, 2> texts = {&output_text, &message_text};
  std::array<char, 16384> buffer{};
  while (watched[0].fd >= 0 || watched[1].fd >= 0) {
    if (poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) break;
    for (std::size_t i = 0; i < watched.size(); ++i) {
      if (watched[i].fd < 0 || watched[i].revents == 0) continue;
      const ssize_t count = read(watched[i].fd, buffer.data(), buffer.size());
      if (count > 0) {
        texts[i]->append(buffer.data(), static_cast<std::size_t>(count));
      } else if (count == 0 || errno != EINTR) {
        watched[i].fd = -1;
      }
    }
  }
}

}  // namespace

std::string find_program(const std::string& name) {
  if (name.empty()) return "";
  if (name.find('/') != std::string::npos) return is_program(name) ? name : "";
  const char* const path = std::getenv("PATH");
  std::string_view folders = path ? path : "";
  while (!folders.empty()) {
    const std::size_t end = folders.find(':');
    const std::string_view folder = folders.substr(0, end);
    folders.remove_prefix(end == std::string_view::npos ? folders.size() : end + 1);
    if (folder.empty() || folder.front() != '/') continue;
    const std::string candidate = std::string(folder) + "/" + name;
    if (is_program(candidate)) return candidate;
  }
  return "";
}

ProcessResult run_process(const std::vector<std::string>& arguments, const std::string& folder, SourceLoc loc) {
  const CallerScope scope(loc);
  if (arguments.empty()) throw ValueError("run_process: no program was named");
  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    if (argument.find('\0') != std::string::npos) throw ValueError("run_process: an argument holds a zero byte");
    argv.push_back(const_cast<char*>(argument.c_str()));  // posix_spawn takes char* for historical reasons
  }
  argv.push_back(nullptr);

  Pipe output;
  Pipe message;
  SpawnActions actions;
  posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(actions.get(), output.writer(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(actions.get(), message.writer(), STDERR_FILENO);
  if (!folder.empty()) posix_spawn_file_actions_addchdir_np(actions.get(), folder.c_str());
  pid_t child = 0;
  const int error = posix_spawn(&child, arguments[0].c_str(), actions.get(), nullptr, argv.data(), environ);
  if (error != 0) throw IoError("cannot run " + arguments[0] + ": " + std::strerror(error));
  output.close_writer();
  message.close_writer();

  ProcessResult result;
  drain(output, result.output, message, result.message);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

}  // namespace slope::train
