// ScratchSuite: a broker and a ledgerd of their own, in a new home that goes with them: what a
// benchmark measures, so that no real book holds its transfers. Real processes, keys, sockets and
// files. The home is made in $TMPDIR, else /var/tmp; where that is decides which disk is measured.
// The daemons die with us. Codes: program_missing, system_error, and those of starting.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "cli/context.hpp"
#include "common/base/result.hpp"

namespace guild::cli {

class ScratchSuite {
 public:
  /// Ready to be asked.
  static Result<std::unique_ptr<ScratchSuite>> start(Output& output);
  ~ScratchSuite();
  ScratchSuite(const ScratchSuite&) = delete;
  ScratchSuite& operator=(const ScratchSuite&) = delete;

  /// For verbs that work with this home.
  Context& context() { return *context_; }
  /// Stops ledgerd in order, starts it again, and answers how long it took to be ready.
  Result<Duration> restart_ledgerd();

 private:
  explicit ScratchSuite(Output& output);
  Result<void> prepare();
  Result<void> start_daemon(std::string_view name);
  Result<void> wait_ready();
  void stop_last();

  struct Daemon {
    std::string_view name;
    pid_t pid;
  };

  Globals globals_;
  std::unique_ptr<Context> context_;
  std::filesystem::path home_;
  std::vector<Daemon> daemons_;
};

class Command;
/// The hidden verb that a daemon is started through, so that it dies with its bench.
void add_scratch_daemon(Command& noun);

}  // namespace guild::cli
