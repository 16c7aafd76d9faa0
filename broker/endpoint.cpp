#include "broker/endpoint.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/file.hpp"
#include "common/base/text.hpp"

namespace guild::broker {
namespace {

constexpr std::string_view ipc = "ipc://", tcp = "tcp://";

/// No connection gets the last of them: the list is read again and broker.db writes also when the
/// door is crowded.
constexpr rlim_t descriptors_kept = 32;

bool is_of_the_last(int descriptor) {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
         static_cast<rlim_t>(descriptor) + descriptors_kept >= limit.rlim_cur;
}

std::unexpected<Error> invalid(std::string_view endpoint, std::string_view why) {
  return fail(ErrorKind::invalid, "endpoint_invalid",
              fmt::format("[bus] endpoint {}: {}", guild::quoted(endpoint), why),
              "it is ipc:///an/absolute/path or tcp://127.0.0.1:PORT");
}

std::unexpected<Error> in_use(std::string_view endpoint) {
  return fail(ErrorKind::conflict, "address_in_use",
              fmt::format("another process listens at {}", endpoint),
              "stop it, or give this home another [bus] endpoint in guild.toml");
}

std::string_view path_of(std::string_view endpoint) { return endpoint.substr(ipc.size()); }

bool is_loopback(const std::string& host) {
  if (host == "localhost" || host == "[::1]") return true;
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 &&
         (ntohl(address.s_addr) >> 24U) == 127U;
}

Result<void> check_tcp(std::string_view endpoint) {
  const std::string_view address = endpoint.substr(tcp.size());
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == address.size())
    return invalid(endpoint, "host or port is missing");
  const std::string host(address.substr(0, colon));
  if (is_loopback(host)) return {};
  return fail(ErrorKind::invalid, "endpoint_not_loopback",
              fmt::format("[bus] endpoint {}: {} is not this machine's loopback",
                          guild::quoted(endpoint), guild::quoted(host)),
              "use 127.0.0.1 or the ipc socket; the gateway is the door to other machines");
}

Result<void> check_ipc(std::string_view endpoint) {
  const std::string_view path = path_of(endpoint);
  if (!path.starts_with('/')) return invalid(endpoint, "the path is not absolute");
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return invalid(endpoint, fmt::format("the path has {} bytes, and the kernel allows {}",
                                         path.size(), sizeof(sockaddr_un::sun_path) - 1));
  return {};
}

/// Whether a process accepts connections at this socket file.
bool somebody_listens(const std::string& path) {
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(probe.get(), generic, sizeof address) == 0) return true;
  // A full backlog is somebody too.
  return errno == EAGAIN || errno == EINPROGRESS;
}

Result<void> clear_path(const std::string& endpoint) {
  const std::string path(path_of(endpoint));
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return fail(system_error("look at " + path, errno));
  }
  if (!S_ISSOCK(found.st_mode))
    return fail(ErrorKind::conflict, "not_a_socket",
                fmt::format("{} is there and is not a socket", path),
                "move it away; the broker's socket goes there");
  if (somebody_listens(path)) return in_use(endpoint);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail(system_error("remove the stale " + path, errno));
  return {};
}

}  // namespace

Result<void> check_listen_endpoint(const std::string& endpoint) {
  if (endpoint.starts_with(ipc)) return check_ipc(endpoint);
  if (endpoint.starts_with(tcp)) return check_tcp(endpoint);
  return invalid(endpoint, "neither ipc:// nor tcp://");
}

Result<void> listen(ZmqSocket& socket, const std::string& endpoint) {
  GUILD_CHECK(check_listen_endpoint(endpoint));
  const bool is_ipc = endpoint.starts_with(ipc);
  if (is_ipc) GUILD_CHECK(clear_path(endpoint));
  if (const int problem = socket.try_bind(endpoint); problem != 0) {
    if (problem == EADDRINUSE) return in_use(endpoint);
    return fail(system_error("listen at " + endpoint, problem));
  }
  const std::string path(is_ipc ? path_of(endpoint) : std::string_view());
  if (is_ipc && ::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0)
    return fail(system_error("chmod 0600 " + path, errno));
  return {};
}

void remove_socket_file(const std::string& endpoint) {
  if (endpoint.starts_with(ipc)) ::unlink(std::string(path_of(endpoint)).c_str());
}

std::string self_test_endpoint(const std::string& endpoint) {
  if (endpoint.starts_with(tcp)) return "tcp://127.0.0.1:*";
  // No longer than the real one, which was found to fit.
  const std::size_t slash = endpoint.rfind('/');
  return endpoint.substr(0, slash + 1) + ".t";
}

}  // namespace guild::broker

// In place of libc's, for libzmq (docs/adr/0004): 4.3.4 aborts when an ipc socket's accept4 answers
// EMFILE, and tries for ever at a tcp one. Descriptors are given out lowest first, so a high one
// means that few are left; who got it is hung up on, which libzmq takes for a peer that left
// (ZMQ_EVENT_ACCEPT_FAILED).
extern "C" int accept4(int listener, sockaddr* address, socklen_t* size, int flags) {
  const auto accepted = static_cast<int>(::syscall(SYS_accept4, listener, address, size, flags));
  if (accepted < 0) {
    if (errno == EMFILE) errno = ENFILE;
    return -1;
  }
  if (!guild::broker::is_of_the_last(accepted)) return accepted;
  ::close(accepted);
  errno = ECONNABORTED;
  return -1;
}
