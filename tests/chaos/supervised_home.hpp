// SupervisedHome: a suite under its real supervisor, started and stopped by scripts/run_system.
// What was started is not our child, so it is ended here whatever a test did: by the script, and
// what still holds a lock then by its pid.
#pragma once

#include <string>

#include "tests/support/home.hpp"

namespace guild::test {

class SupervisedHome : public TestHome {
 public:
  ~SupervisedHome();

  /// `run_system start`; fails the test, showing what it said, when that does.
  void start_supervised();
  /// `run_system stop`.
  void stop_supervised();

  /// Of whoever holds the daemon's lock; fails the test when nobody does.
  int pid_of(const std::string& daemon) const;
  /// Sends it and waits for the end of the process.
  void kill_daemon(const std::string& daemon, int signal) const;

 private:
  Outcome run_system(const std::string& verb);
  bool started_ = false;
};

}  // namespace guild::test
