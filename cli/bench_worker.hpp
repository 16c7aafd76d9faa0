// The worker processes of `guild bus bench`: each a real client with a session of its own. They
// speak with the bench by lines (child.hpp): a worker says "ready" once it is subscribed or
// connected, starts when told "go", and says what it saw as one JSON line. A measured payload
// begins with its number and the time it was sent (16 bytes, little-endian, the machine's steady
// clock, 0 where the time is not taken); the rest is filling.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/latencies.hpp"
#include "cli/session.hpp"
#include "common/messages/types.hpp"

namespace guild::cli {

inline constexpr std::int64_t bench_size_min = 16;

enum class BenchRole { publisher, subscriber, echo, asker };
BOOST_DESCRIBE_ENUM(BenchRole, publisher, subscriber, echo, asker)

struct BenchWork {
  BenchRole role{};
  std::string run;         ///< Topics are bench/<run>/<publisher>/<topic>
  std::int64_t index = 0;  ///< Of a publisher.
  std::int64_t publishers = 1;
  std::int64_t topics = 1;    ///< Of each publisher, taken in turn.
  std::int64_t messages = 0;  ///< Of this publisher; in all, for a subscriber.
  std::int64_t size = 100;
  std::int64_t stamp_every = 1;
};

/// What a worker saw. Times are of the machine's steady clock.
struct BenchReport {
  std::int64_t messages = 0, out_of_order = 0, first_ns = 0, last_ns = 0;
  std::map<std::string, std::int64_t> latencies;
};
BOOST_DESCRIBE_STRUCT(BenchReport, (), (messages, out_of_order, first_ns, last_ns, latencies))

/// What a measured payload begins with.
struct BenchHead {
  std::uint64_t number = 0;
  std::int64_t sent_ns = 0;  ///< 0 where the time is not taken.
};
void write_head(std::string& payload, const BenchHead& head);
/// None when the payload is too short to have one.
std::optional<BenchHead> read_head(std::string_view payload);

std::string bench_topic(std::string_view run, std::int64_t publisher, std::int64_t topic);
/// The publisher that such a topic names.
std::optional<std::size_t> publisher_of(std::string_view topic);

/// Checks that each publisher's messages come once each and in order. Pure.
class OrderCheck {
 public:
  explicit OrderCheck(std::size_t publishers) : expected_(publishers, 0) {}
  /// False when it is not the next of that publisher.
  bool take(std::size_t publisher, std::uint64_t number);
  std::int64_t out_of_order() const { return out_of_order_; }

 private:
  std::vector<std::uint64_t> expected_;
  std::int64_t out_of_order_ = 0;
};

Result<Exit> work(Context& context, Session session, const BenchWork& work);

}  // namespace guild::cli
