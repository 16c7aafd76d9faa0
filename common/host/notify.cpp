#include "common/host/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>

#include "common/base/file.hpp"

namespace guild::host {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

}  // namespace

Result<void> notify(std::string_view socket, std::string_view state) {
  if (socket.empty()) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if ((socket.front() != '/' && socket.front() != '@') || socket.size() >= sizeof address.sun_path)
    return fail(ErrorKind::invalid, "notify_address",
                "NOTIFY_SOCKET is neither a path nor an abstract name that fits the kernel",
                "the service manager sets it; unset it when there is none");
  std::ranges::copy(socket, address.sun_path);
  if (socket.front() == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());
  const Fd sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!sender) return fail(system_error("make a socket", errno));
  if (::sendto(sender.get(), state.data(), state.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), size) < 0)
    return fail(system_error("notify the service manager", errno));
  return {};
}

std::optional<Duration> watchdog_interval(std::string_view watchdog_usec,
                                          std::string_view watchdog_pid, pid_t own_pid) {
  const auto usec = number(watchdog_usec);
  constexpr std::uint64_t usec_max = 24ULL * 3'600 * 1'000'000;
  if (!usec || *usec == 0 || *usec > usec_max) return {};
  if (!watchdog_pid.empty() && number(watchdog_pid) != static_cast<std::uint64_t>(own_pid))
    return {};
  return Duration(std::chrono::microseconds(*usec)) / 2;
}

}  // namespace guild::host
