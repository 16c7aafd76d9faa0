// Traffic: what became of every message, by client and topic, for one life of the broker. The law,
// at every moment and exactly:
//   routed = delivered + queued + in_flight + dropped (each reason)
// and the `routed` of a topic, over all subscribers, is the sum over its publishes of items times
// subscribers at that moment. Bounded: a client's rows past the limit, and clients past theirs, are
// folded into one row that stands for the rest, quiet ones first; totals stay exact.
// Callers keep Row pointers until `generation` changes; a row with messages queued or in flight is
// never folded.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/bus/frame.hpp"

namespace guild::broker {

enum class Loss { dropped_oldest, slow_consumer, session_ended };
inline constexpr std::size_t loss_kinds = 3;
bus::Code code_of(Loss loss);

/// The sums over all rows there ever were.
struct Totals {
  std::uint64_t published = 0, routed = 0, delivered = 0;
  std::array<std::uint64_t, loss_kinds> dropped{};

  /// Queued or in flight now.
  std::uint64_t waiting() const {
    return std::accumulate(dropped.begin(), dropped.end(), routed - delivered, std::minus<>{});
  }
};

struct Row {
  explicit Row(Totals& sums) : totals(&sums) {}

  std::uint64_t published = 0;  ///< Accepted from the client.
  std::uint64_t routed = 0;     ///< For the client; all below are parts of it.
  std::uint64_t delivered = 0;  ///< Its session returned credit for it.
  std::uint64_t queued = 0, in_flight = 0;
  std::array<std::uint64_t, loss_kinds> dropped{};
  Totals* totals;

  /// The epoch in which the client was found allowed to publish here; 0 is none.
  std::uint32_t publish_epoch = 0;
  bool stands_for_rest = false;

  bool busy() const { return queued != 0 || in_flight != 0; }
  // What becomes of messages, here and in the totals.
  void publish(std::uint64_t count) {
    published += count;
    totals->published += count;
  }
  void route(std::uint64_t count) {
    routed += count;
    totals->routed += count;
  }
  void deliver(std::uint64_t count) {
    delivered += count;
    totals->delivered += count;
  }
  void lose(std::uint64_t count, Loss loss) {
    dropped[static_cast<std::size_t>(loss)] += count;
    totals->dropped[static_cast<std::size_t>(loss)] += count;
  }
  /// Takes over the figures of a row that ends; the totals have them already.
  void absorb(const Row& other);

 private:
  friend class ClientTraffic;
  std::uint64_t activity() const { return published + routed; }
  std::uint64_t seen_activity_ = 0;  ///< At the last fold.
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

class ClientTraffic {
 public:
  /// The topic of the row that stands for the rest; no real topic has it.
  static constexpr std::string_view rest_topic = "**";

  ClientTraffic(std::size_t rows_max, std::uint64_t& generation, Totals& totals)
      : rows_max_(rows_max), generation_(&generation), totals_(&totals) {}

  Row& row(std::string_view topic);
  /// nullptr when the topic has no row of its own.
  Row* find_row(std::string_view topic);
  const TextMap<Row>& rows() const { return rows_; }
  void absorb(const ClientTraffic& other);

  std::size_t sessions = 0;  ///< Open now.

 private:
  Row& rest();
  void fold();
  template <class Condition>
  void fold_where(const Condition& condition);

  std::size_t rows_max_;
  std::uint64_t* generation_;
  Totals* totals_;
  TextMap<Row> rows_;
};

class Traffic {
 public:
  /// The client that stands for the rest.
  static constexpr std::string_view rest_client = "**";

  /// `generation` is raised whenever a Row pointer may have become invalid.
  Traffic(std::size_t clients_max, std::size_t rows_max, std::uint64_t& generation)
      : clients_max_(clients_max), rows_max_(rows_max), generation_(&generation) {}

  /// Stays where it is while it has sessions.
  ClientTraffic& client(std::string_view name);
  const TextMap<std::unique_ptr<ClientTraffic>>& clients() const { return clients_; }
  const Totals& totals() const { return totals_; }

 private:
  ClientTraffic& find_or_make(std::string_view name);
  void fold();

  std::size_t clients_max_, rows_max_;
  std::uint64_t* generation_;
  Totals totals_;
  TextMap<std::unique_ptr<ClientTraffic>> clients_;
};

}  // namespace guild::broker
