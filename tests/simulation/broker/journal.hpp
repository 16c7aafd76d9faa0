// Journal: what the applications did and what they were told of it, over all clients and lives.
// What the laws of the ends are checked against: every question has one answer, and what was
// accepted after a subscription was confirmed has come, or its loss was told.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "tests/simulation/broker/timeline.hpp"

namespace guild::simulation {

enum class Fate { unanswered, accepted, denied, unknown, abandoned };

/// An item whose publisher asked for an ack.
struct Publication {
  std::string name, topic, payload;
  std::uint64_t sequence = 0, process = 0;
  Time at;
  Fate fate = Fate::unanswered;
};

struct Question {
  std::uint64_t asker = 0;  ///< Whose process.
  std::string payload;
  int answers = 0;
  bool abandoned = false;
};

struct Journal {
  std::deque<Publication> publications;  // Callbacks point into these.
  std::deque<Question> questions;
  std::map<std::string, std::uint64_t> lives;  ///< Connections so far, by name.
  std::uint64_t acked = 0, denied = 0, unknown = 0, abandoned = 0;
  std::uint64_t processes = 0, answered = 0;
};

}  // namespace guild::simulation
