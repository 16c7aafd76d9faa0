#include "tests/chaos/siege_socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace guild::siege {
namespace {

constexpr std::size_t mechanism_bytes = 20, filler_bytes = 31;
constexpr std::size_t curve_hello_bytes = 200;

std::string random_bytes(std::mt19937& random, std::size_t size) {
  std::string bytes(size, '\0');
  std::ranges::generate(bytes, [&] { return static_cast<char>(random() & 0xFFU); });
  return bytes;
}

/// The long form of a frame's head: flags and 8 bytes of size.
std::string long_head(unsigned flags, std::uint64_t size) {
  std::string head(1, static_cast<char>(flags));
  for (int shift = 56; shift >= 0; shift -= 8)
    head.push_back(static_cast<char>((size >> static_cast<unsigned>(shift)) & 0xFFU));
  return head;
}

/// A HELLO of CURVE whose box nobody closed, cut or drawn out to `size`.
std::string curve_hello(std::mt19937& random, std::size_t size) {
  std::string body =
      std::string("\1\0", 2) + std::string(72, '\0') + random_bytes(random, curve_hello_bytes - 80);
  body.resize(size - 6, '\0');
  return command("HELLO", body);
}

}  // namespace

Stranger::Stranger(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) return;
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
  ::close(fd_);
  fd_ = -1;
}

Stranger::~Stranger() {
  if (fd_ >= 0) ::close(fd_);
}

void Stranger::say(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool Stranger::has_ended() const {
  char bytes[512];
  ssize_t got = 0;
  while ((got = ::recv(fd_, bytes, sizeof bytes, 0)) > 0) {
  }
  return got == 0 || (errno != EAGAIN && errno != EINTR);
}

bool Stranger::wait_for_end(std::chrono::milliseconds limit) const {
  const auto end = Clock::now() + limit;
  for (;;) {
    if (has_ended()) return true;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd readable{fd_, POLLIN, 0};
    if (left <= 0 || ::poll(&readable, 1, static_cast<int>(left)) == 0) return false;
  }
}

void wait_for_any_end(const std::vector<std::unique_ptr<Stranger>>& strangers,
                      std::chrono::milliseconds limit) {
  std::vector<pollfd> fds;
  for (const auto& stranger : strangers)
    if (stranger->connected()) fds.push_back({stranger->fd(), POLLIN, 0});
  ::poll(fds.data(), fds.size(), static_cast<int>(limit.count()));
}

std::string greeting(std::string_view mechanism) {
  std::string bytes = "\xFF" + std::string(8, '\0') + "\x7F\x03\x01";
  bytes += mechanism;
  bytes.resize(12 + mechanism_bytes, '\0');
  return bytes + std::string(1 + filler_bytes, '\0');
}

std::string command(std::string_view name, std::string_view body) {
  std::string bytes(1, static_cast<char>(name.size()));
  bytes.append(name).append(body);
  const std::string head = bytes.size() < 256 ? std::string("\4") + static_cast<char>(bytes.size())
                                              : long_head(6, bytes.size());
  return head + bytes;
}

std::vector<std::string> malformed_openings(std::mt19937& random) {
  const std::string curve = greeting("CURVE");
  return {
      random_bytes(random, 1 + random() % 4'096),
      curve.substr(0, random() % curve.size()),
      "GET / HTTP/1.1\r\nHost: bus\r\n\r\n",
      std::string("\1\0", 2),                                                 // ZMTP 1.0
      "\xFF" + std::string(7, '\0') + "\1\x7F\1\5" + std::string("\0\0", 2),  // ZMTP 2.0
      greeting("PLAIN") + command("HELLO", "\5admin\5admin"),
      greeting(std::string(mechanism_bytes, 'X')),
      curve + curve_hello(random, curve_hello_bytes),
      curve + curve_hello(random, curve_hello_bytes - 1),
      curve + curve_hello(random, curve_hello_bytes + 1),
      curve + curve_hello(random, 60'000),
      curve + command("INITIATE", random_bytes(random, 300)),
      curve + command("READY", ""),
      curve + command("ERROR", "\xFFno"),
      curve + long_head(6, std::uint64_t{1} << 62U),  // A command of 4 EiB,
      curve + long_head(6, ~std::uint64_t{0}),        // and one that has no size.
      curve + long_head(2, 3U << 20U) + random_bytes(random, 65'536),
      curve + random_bytes(random, 1 + random() % 4'096),
      curve + curve,
  };
}

}  // namespace guild::siege
