// What the scheduler and guild-worker say to each other. guild-worker is started once per attempt,
// with no secrets and no command in its arguments: the order comes as a sealed memory file, and one
// socket carries the rest. It is the small init of its task: the command is its child, every
// descendant that loses its parent becomes its child, and it does not end before all of them have.
// When the socket closes, because the scheduler is gone, it kills them all.
#pragma once

#include <cstdint>

namespace guild::scheduler::worker {

// Descriptors that guild-worker is born with, besides /dev/null as 0 and the output pipe as 1
// and 2.
inline constexpr int spec_fd = 3, control_fd = 4, directory_fd = 5, first_other_fd = 6;

/// The memory file: this, then `arguments`, `environment` and `hidden` strings, each ended by NUL.
struct SpecHeader {
  std::uint32_t version = 1;
  std::uint32_t arguments = 0;
  std::uint32_t environment = 0;
  std::uint32_t hidden = 0;  ///< Absolute paths, without links, that the command must not reach.
  std::uint32_t is_confined =
      0;  ///< Whether Landlock hides them; it must then work, or nothing runs.
  std::uint32_t files_soft_max = 0, files_hard_max = 0;
  std::uint32_t reserved = 0;
};
inline constexpr std::uint32_t arguments_max = 256, environment_max = 32, hidden_max = 16;

/// One byte each, scheduler to guild-worker.
enum class Order : char {
  go = 'g',    ///< The lease is on disk: run the command.
  stop = 't',  ///< SIGTERM to the command's group.
  kill = 'k',  ///< SIGKILL to it and to every descendant.
};

enum class ReportKind : std::uint32_t {
  ready,        ///< From the command to be; value: its pid, which is also its session and group.
  not_started,  ///< step and value (errno).
  exited,       ///< value: the exit code.
  signalled,    ///< value: the signal.
};
enum class Step : std::uint32_t {
  none,
  read_order,
  fork,
  change_directory,
  limit,
  confine,
  execute
};

/// One message each, guild-worker to scheduler.
struct Report {
  ReportKind kind{};
  Step step{};
  std::int32_t value = 0;
};

}  // namespace guild::scheduler::worker
