#include "common/host/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

#include "common/base/file.hpp"
#include "tests/unit/base/scratch_folder.hpp"

using namespace guild;
using namespace std::chrono_literals;

namespace {

/// A service manager's end: bound to `name`, "@..." for the abstract namespace.
Fd bound_to(std::string name) {
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  REQUIRE(fd);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.front() == '@') name.front() = '\0';
  std::ranges::copy(name, address.sun_path);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) == 0);
  return fd;
}

std::string received(const Fd& fd) {
  std::array<char, 256> text{};
  const ssize_t size = ::recv(fd.get(), text.data(), text.size(), 0);
  return size < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(size));
}

}  // namespace

TEST_CASE("a state reaches the service manager as one datagram") {
  ScratchFolder scratch;
  const Fd by_path = bound_to(scratch / "notify");
  REQUIRE(host::notify((scratch / "notify").string(), "READY=1\nSTATUS=ready"));
  CHECK(received(by_path) == "READY=1\nSTATUS=ready");

  const std::string abstract_name = "@guild-test-" + scratch.path().filename().string();
  const Fd abstract_fd = bound_to(abstract_name);
  REQUIRE(host::notify(abstract_name, "WATCHDOG=1"));
  CHECK(received(abstract_fd) == "WATCHDOG=1");
}

TEST_CASE("without a service manager nothing is told") { CHECK(host::notify("", "READY=1")); }

TEST_CASE("a manager that is not there is an error, not a crash") {
  ScratchFolder scratch;
  CHECK(host::notify((scratch / "nobody").string(), "READY=1").error().code == "system_error");
  CHECK(host::notify("relative", "READY=1").error().code == "notify_address");
  CHECK(host::notify("/" + std::string(200, 'x'), "READY=1").error().code == "notify_address");
}

TEST_CASE("the watchdog is fed twice as often as it asks") {
  CHECK(host::watchdog_interval("2000000", "", 7) == Duration(1s));
  CHECK(host::watchdog_interval("2000000", "7", 7) == Duration(1s));
}

TEST_CASE("no watchdog: not asked for, or for another process, or nonsense") {
  for (const std::string_view usec : {"", "0", "-1", "1s", "99999999999999999999", "90000000000"})
    CHECK_FALSE(host::watchdog_interval(usec, "", 7));
  CHECK_FALSE(host::watchdog_interval("2000000", "8", 7));
  CHECK_FALSE(host::watchdog_interval("2000000", "x", 7));
}
