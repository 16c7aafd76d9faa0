// Process: a real program run by a test, watched without sleeping. Its stdout and stderr go to
// files, so that it never blocks on us and a failed test can show them; its end is seen through a
// pidfd. A child dies with the test (PDEATHSIG), and a Process that goes out of scope kills and
// reaps it. Limits are wall-clock upper bounds, not waits. What cannot work at all fails the test
// (Catch FAIL).
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace guild::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Command {
  std::vector<std::string> argv;  ///< argv[0] is the path of the program.
  /// Beside PATH, HOME, LANG, TMPDIR and the sanitizers' options; nothing else is inherited.
  std::map<std::string, std::string> environment;
  std::filesystem::path folder = "/";
  std::string input;  ///< What stdin holds.
};

struct Outcome {
  std::optional<int> exit_code;  ///< Nothing when a signal ended it.
  int signal = 0;
  std::string out, err;
};

class Process {
 public:
  /// Captures into `<capture>.out` and `<capture>.err`; the folder must exist.
  static Process start(const Command& command, const std::filesystem::path& capture);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  int pid() const { return pid_; }
  bool running();
  void signal(int number);
  void kill();  ///< SIGKILL, and waits for the end.
  /// The end of it; fails the test, showing stderr, when it does not come within `limit`.
  Outcome wait(milliseconds limit = seconds(20));
  /// Nothing when it is still running after `limit`.
  std::optional<Outcome> wait_if_ended(milliseconds limit);

  std::string out() const;
  std::string err() const;
  /// Waits until stderr contains `text`; false when the time is up, or it ended without.
  bool wait_for_err(std::string_view text, milliseconds limit = seconds(20));
  /// Waits until `done`, which is asked again at every change in `folder` and at the end of the
  /// process; false when the time is up, or it ended without.
  bool wait_until(const std::filesystem::path& folder, const std::function<bool()>& done,
                  milliseconds limit = seconds(20));

 private:
  Process(int pid, int pidfd, std::filesystem::path capture);
  void reap();

  int pid_ = -1;
  int pidfd_ = -1;
  std::filesystem::path capture_;
  std::optional<Outcome> outcome_;
};

/// Starts, waits, answers. Fails the test when it does not end within `limit`.
Outcome run(const Command& command, const std::filesystem::path& capture,
            milliseconds limit = seconds(30));

std::string read_text(const std::filesystem::path& file);
void write_text(const std::filesystem::path& file, std::string_view text);

/// Asks `done` again whenever something changes in `folder` (not below it) or `extra_fd` is
/// readable; false when the time is up.
bool wait_for_change(const std::filesystem::path& folder, const std::function<bool()>& done,
                     milliseconds limit, int extra_fd = -1);

}  // namespace guild::test
