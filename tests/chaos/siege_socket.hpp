// Stranger: a connection to the broker's socket that speaks ZMTP by hand, or not at all; and what a
// stranger may say that is not ZMTP, or not with our mechanism (RFC 37, RFC 26).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace guild::siege {

using Clock = std::chrono::steady_clock;

class Stranger {
 public:
  /// Connects at once or not at all: a full backlog turns it away.
  explicit Stranger(const std::string& socket_path);
  ~Stranger();
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  bool connected() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  /// As much as the socket takes.
  void say(std::string_view bytes) const;
  /// Reads and forgets; answers whether the broker has hung up.
  bool has_ended() const;
  bool wait_for_end(std::chrono::milliseconds limit) const;

 private:
  int fd_ = -1;
};

/// Waits until one of them hears something, or its end.
void wait_for_any_end(const std::vector<std::unique_ptr<Stranger>>& strangers,
                      std::chrono::milliseconds limit);

/// A ZMTP 3.1 greeting, and a command as it follows.
std::string greeting(std::string_view mechanism);
std::string command(std::string_view name, std::string_view body);

/// What no client says: each is one connection's first words.
std::vector<std::string> malformed_openings(std::mt19937& random);

}  // namespace guild::siege
