// Line: a connection to the broker's door below ZeroMQ, byte by byte, and ZMTP's greeting to say
// there (RFC 23, version 3).
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

namespace guild::test {

/// 64 bytes: signature, version 3.0, the mechanism's name, a client.
std::string zmtp_greeting(std::string_view mechanism);

class Line {
 public:
  explicit Line(const std::filesystem::path& socket);
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  int fd() const { return fd_; }
  /// False when the other end has closed.
  bool write(std::string_view bytes);
  /// Reads and forgets until the other end closes; false when it has not within `limit`.
  bool wait_closed(std::chrono::milliseconds limit);

 private:
  int fd_ = -1;
};

/// Passes bytes between a client that connects to `listen_at` and the broker, but only the client's
/// first `bytes`; answers when the broker has closed, or after `limit`: whether it did.
class Relay {
 public:
  explicit Relay(const std::filesystem::path& listen_at);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  bool pass(Line& broker, std::size_t bytes, std::chrono::milliseconds limit);

 private:
  int listener_ = -1, client_ = -1;
};

}  // namespace guild::test
