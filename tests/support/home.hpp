// TestHome: a suite of its own for one test: a temporary home with keys, real daemons started by
// path, the real `guild` command. Everything it started is killed and the folder removed with it; a
// failed test's home stays when GUILD_TEST_KEEP is set.
//
//   TestHome home;                                  // keys made
//   home.write_config("[gateway]\nport = 0\n");     // optional
//   home.start("broker");                           // returns once its ready file was written
//   home.start("ledgerd");
//   auto shown = home.guild({"status", "--json"});  // exit_code, out, err
//   home.daemon("ledgerd").kill();                  // SIGKILL
//   home.start("ledgerd");                          // again
//   home.stop();                                    // system.shutdown; every daemon must exit 0
//
// Programs come from the environment, set by meson: GUILD_BIN_BROKER, GUILD_BIN_LEDGERD, ...,
// GUILD_BIN_GUILD. Nothing of the product is linked. In a test's meson.build:
//   test('integration x', exe, env: test_env, depends: suite_programs, suite: 'integration')
// A process belongs to the thread that started it: it dies with that thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/process.hpp"

namespace guild::test {

/// The program that meson named for `program` ("broker", "guild"); fails the test when there is
/// none.
std::string program_path(std::string_view program);
/// Whether meson named one.
bool has_program(std::string_view program);

/// A folder of its own with a short path (Unix sockets), removed with it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

enum class Keys { made, none };

class TestHome {
 public:
  explicit TestHome(Keys keys = Keys::made);
  ~TestHome();
  TestHome(const TestHome&) = delete;
  TestHome& operator=(const TestHome&) = delete;

  const std::filesystem::path& root() const { return folder_.path(); }
  std::filesystem::path keys() const { return root() / "keys"; }
  std::filesystem::path data() const { return root() / "data"; }
  std::filesystem::path run_folder() const { return root() / "run"; }
  std::string bus_endpoint() const { return "ipc://" + (run_folder() / "bus.sock").string(); }

  void write_config(std::string_view toml);
  /// For every program started from now on: GUILD_GATEWAY_PORT and the like.
  void set_environment(const std::string& name, const std::string& value);

  void init_keys();
  void add_key(std::string_view name, std::string_view role);
  void revoke_key(std::string_view name);

  /// Starts it and waits until it writes its ready file; fails the test, showing its stderr, when
  /// it ends first.
  Process& start(std::string_view daemon, std::vector<std::string> arguments = {});
  /// The five, in order.
  void start_suite();
  /// Starts it only.
  Process& spawn(std::string_view daemon, std::vector<std::string> arguments = {});
  Process& daemon(std::string_view name);
  /// Runs a daemon that is expected to end by itself: bad config, second instance.
  Outcome run_daemon(std::string_view daemon, std::vector<std::string> arguments = {},
                     milliseconds limit = seconds(20));
  /// Touches system.shutdown; every running daemon must exit 0 within `limit`.
  void stop(milliseconds limit = seconds(20));

  /// `guild ARGUMENTS...` with this home.
  Outcome guild(std::vector<std::string> arguments, std::string input = {},
                milliseconds limit = seconds(30));
  /// The same, not waited for.
  Process guild_in_background(std::vector<std::string> arguments);
  /// Any other program with this home in its environment.
  Command command(std::vector<std::string> argv) const;
  /// A new name to capture into.
  std::filesystem::path capture(std::string_view name);

 private:
  Outcome key_tool(std::vector<std::string> arguments);

  TempFolder folder_;
  std::map<std::string, std::string> environment_;
  std::map<std::string, Process, std::less<>> daemons_;
  int captures_ = 0;
};

}  // namespace guild::test
