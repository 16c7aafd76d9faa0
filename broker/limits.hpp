// The broker's bounds, all known at start. Bytes are bytes on the wire unless a comment says
// otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

namespace guild::broker {

struct Limits {
  std::size_t sessions_max = 4'096;
  // Of one session.
  std::size_t subscriptions_max = 1'024;
  std::size_t served_max = 256;
  std::size_t watches_max = 256;
  std::size_t requests_max = 65'536;  ///< Asked and not answered.

  /// What waits for one subscriber that is out of credit; past it the topic's policy decides.
  std::size_t queue_messages_max = 1U << 20U;
  std::size_t queue_bytes_max = 64U << 20U;
  /// Where policy `block` begins to hold back credit: enough to keep a pipe full, and no more,
  /// since what waits goes through the cache twice. Publishers go on below half of it.
  std::size_t block_messages = 1U << 18U;
  std::size_t block_bytes = 8U << 20U;
  /// A queue under `block` goes past its limits by what its publishers had credit for; by more
  /// windows than this it does not: PUBLISH is denied.
  std::size_t windows_past_block = 16;
  std::size_t gaps_max = 4'096;  ///< Notices of loss that wait for one subscriber.

  /// In flight to one session at most, whatever credit its HELLO offers.
  std::uint32_t in_flight_messages_max = 1U << 22U;
  std::uint64_t in_flight_bytes_max = 64U << 20U;
  /// What a session may send before we return credit. Measured: 256 KiB is already enough.
  std::uint32_t window_messages = 1U << 18U;
  std::uint64_t window_bytes = 1U << 20U;

  /// What a busy session may move a second while others speak; its credit comes in parts
  /// (pace.hpp). 0: no limit. Measured with tests/chaos/fairness_test.cpp.
  std::uint64_t pace_bytes_per_s = 1U << 20U;
  std::uint64_t pace_burst_bytes = 256U << 10U;
  std::uint64_t pace_part_bytes = 64U << 10U;

  /// A frame is sent once it has this size. Above the clients' 64 KiB, so that a full frame of a
  /// publisher, with our stamp on it, is still one frame.
  std::size_t frame_target = 90'000;
  /// From this size on a run for several subscribers is built once and shared.
  std::size_t shared_run_min = 8'192;

  std::size_t topics_max = 65'536;   ///< Cached matches.
  std::size_t rows_max = 16'384;     ///< Statistics of one client, by topic.
  std::size_t clients_max = 65'536;  ///< Statistics by client.
  std::size_t presence_names_max = 10'000;
  std::size_t denial_kinds_max = 1'024;  ///< Kept apart within a second; the rest is added up.
};

}  // namespace guild::broker
