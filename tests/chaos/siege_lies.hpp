// What a listed client may say that is not true, not allowed or not readable (docs/protocol.md),
// and how it is told.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "tests/chaos/siege_socket.hpp"
#include "tests/integration/raw_client.hpp"

namespace guild::siege {

struct Siege {
  std::string endpoint, socket_path;
  raw::RawKeys keys;  ///< Of the liar.
  Clock::time_point end;
  std::size_t crowd = 0;
  std::uint32_t seed = 0;

  bool over() const { return Clock::now() >= end; }
};

struct Lie {
  std::vector<std::string> frames;  ///< After WELCOME.
  bool over_limit = false;          ///< It is only too large.
  bool in_parts = false;            ///< The frames are parts of one message.
};

std::vector<Lie> lies(std::mt19937& random);

/// Joins, tells it, and waits for the broker's last word on it: the end of the session, or the
/// answer to what was asked after it. Throws when there is neither.
void tell(const Siege& siege, const Lie& lie);

}  // namespace guild::siege
