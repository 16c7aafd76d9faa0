// Messages that every daemon answers. Served as `<daemon>/health` by its host, so that an answer
// also proves the encrypted path to it. Sizes are bytes, times seconds. No answer means down or not
// ready; the caller tells which by the error it gets.
#pragma once

#include <map>
#include <string>

#include "common/messages/types.hpp"

namespace guild::messages {

/// The answer to `<daemon>/health` (request: Nothing). That it came at all proves the encrypted
/// path.
struct Health {
  std::string daemon;
  std::int64_t pid = 0;
  bool ready = false;  ///< Recovered, serving, and not draining.
  std::string state;   ///< "starting", "ready", "draining"
  std::int64_t uptime_s = 0;
  std::int64_t rss_bytes = 0;
  std::string version;
  std::map<std::string, std::int64_t> counters;  ///< The daemon's own figures, snake_case names.
};
BOOST_DESCRIBE_STRUCT(Health, (),
                      (daemon, pid, ready, state, uptime_s, rss_bytes, version, counters))

}  // namespace guild::messages
