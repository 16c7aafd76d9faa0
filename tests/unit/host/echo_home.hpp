// A test's home in which echo daemons run under the suite's names, and a service manager's end of
// the line: what a daemon tells it is the event that tests wait for.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/home.hpp"

namespace guild::test {

class ServiceManager {
 public:
  explicit ServiceManager(const std::filesystem::path& path)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path.string(), address.sun_path);
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~ServiceManager() { ::close(socket_); }
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  /// The next datagram; "" when none comes in 20 s.
  std::string receive() const {
    char text[256] = {};
    return ::recv(socket_, text, sizeof text - 1, 0) > 0 ? std::string(text) : std::string();
  }

 private:
  int socket_;
};

struct EchoHome : TestHome {
  explicit EchoHome(Keys keys = Keys::made) : TestHome(keys) {
    set_environment("NOTIFY_SOCKET", (root() / "notify").string());
    set_environment("WATCHDOG_USEC", "60000000");
  }

  Process spawn_echo(const std::string& name, std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {program_path("echo-daemon"), name});
    return Process::start(command(std::move(arguments)), capture(name));
  }
  Outcome run_echo(const std::string& name, std::vector<std::string> arguments = {}) {
    return spawn_echo(name, std::move(arguments)).wait();
  }
  /// Runs it until its loop runs: it then holds its lock and obeys signals and shutdown files.
  Process running_echo(const std::string& name) {
    Process process = spawn_echo(name);
    REQUIRE(manager.receive() == "WATCHDOG=1");
    return process;
  }
  /// Runs it until it is ready.
  Process ready_echo(const std::string& name) {
    Process process = running_echo(name);
    REQUIRE(manager.receive() == "READY=1\nSTATUS=ready");
    return process;
  }
  std::filesystem::path file(std::string_view name) const { return run_folder() / name; }

  ServiceManager manager{root() / "notify"};
};

}  // namespace guild::test
