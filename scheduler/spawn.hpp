// Starts one guild-worker (worker_spec.hpp) without copying this process's memory: posix_spawn,
// which is vfork and exec. It inherits nothing but the six descriptors it is meant to have, two
// variables and no signal mask. All descriptors here are close-on-exec.
// Codes: worker_missing, spawn_failed, and system_error's.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/file.hpp"
#include "common/base/result.hpp"

namespace guild::scheduler {

/// What is the same for every attempt.
struct WorkerSetup {
  std::filesystem::path program{};    ///< guild-worker itself.
  std::vector<std::string> hidden{};  ///< Folders that Landlock keeps from the command.
  bool is_confined = false;           ///< Whether Landlock is used.
  std::uint32_t files_soft_max = 1'024, files_hard_max = 65'536;
};

struct WorkerOrder {
  std::string label;                     ///< The task's id: all that `ps` shows.
  std::vector<std::string> command;      ///< argv.
  std::vector<std::string> environment;  ///< All of it, "NAME=value".
  Fd directory;                          ///< Where it runs.
};

struct Spawned {
  pid_t pid = 0;  ///< guild-worker's; ours to reap.
  Fd process;     ///< Its pidfd: readable once it has ended.
  Fd output;      ///< What the command writes; does not block.
  Fd control;     ///< The socket of worker_spec.hpp; does not block.
};
Result<Spawned> spawn(const WorkerSetup& setup, WorkerOrder order);

}  // namespace guild::scheduler
