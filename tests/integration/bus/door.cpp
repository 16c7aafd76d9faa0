#include "tests/integration/bus/door.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace guild::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t mechanism_bytes = 20, greeting_bytes = 64;

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path)
    throw std::runtime_error("too long for a socket: " + path.string());
  std::memcpy(address.sun_path, path.c_str(), path.native().size() + 1);
  return address;
}

int stream_socket() {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::runtime_error(std::string("no socket: ") + std::strerror(errno));
  return fd;
}

int left_ms(Clock::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(left);
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

std::string zmtp_greeting(std::string_view mechanism) {
  std::string greeting = "\xff";
  greeting.append(8, '\0').append("\x7f\x03").push_back('\0');
  greeting.append(mechanism).append(mechanism_bytes - mechanism.size(), '\0');
  return greeting.append(greeting_bytes - greeting.size(), '\0');
}

Line::Line(const std::filesystem::path& socket) : fd_(stream_socket()) {
  const sockaddr_un address = address_of(socket);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect to " + socket.string());
}

Line::~Line() { ::close(fd_); }

bool Line::write(std::string_view bytes) { return send_all(fd_, bytes); }

bool Line::wait_closed(std::chrono::milliseconds limit) {
  const auto end = Clock::now() + limit;
  for (;;) {
    pollfd readable{fd_, POLLIN, 0};
    if (::poll(&readable, 1, left_ms(end)) <= 0) return false;
    std::array<char, 1'024> bytes;
    if (::read(fd_, bytes.data(), bytes.size()) <= 0) return true;
  }
}

Relay::Relay(const std::filesystem::path& listen_at) : listener_(stream_socket()) {
  const sockaddr_un address = address_of(listen_at);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 1) != 0)
    throw std::runtime_error("cannot listen at " + listen_at.string());
}

Relay::~Relay() {
  ::close(listener_);
  if (client_ >= 0) ::close(client_);
}

bool Relay::pass(Line& broker, std::size_t bytes, std::chrono::milliseconds limit) {
  const auto end = Clock::now() + limit;
  client_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  std::array<char, 4'096> buffer;
  while (left_ms(end) > 0) {
    // A client whose share is used up is not listened to any more.
    pollfd ends[] = {{broker.fd(), POLLIN, 0}, {bytes == 0 ? -1 : client_, POLLIN, 0}};
    if (::poll(ends, 2, left_ms(end)) <= 0) return false;
    if (ends[0].revents != 0) {
      const ssize_t got = ::read(broker.fd(), buffer.data(), buffer.size());
      if (got <= 0) return true;
      send_all(client_, {buffer.data(), static_cast<std::size_t>(got)});
    }
    if (ends[1].revents != 0) {
      const ssize_t got = ::read(client_, buffer.data(), std::min(bytes, buffer.size()));
      if (got <= 0) return false;
      broker.write({buffer.data(), static_cast<std::size_t>(got)});
      bytes -= static_cast<std::size_t>(got);
    }
  }
  return false;
}

}  // namespace guild::test
