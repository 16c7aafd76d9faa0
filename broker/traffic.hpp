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
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/bus/frame.hpp"

namespace guild::broker {

enum class Loss { dropped_oldest, slow_consumer, session_ended };
inline constexpr std::size_t loss_kinds = 3;
bus::Code code_of(Loss loss);

struct Row {
  std::uint64_t published = 0;  ///< Accepted from the client.
  std::uint64_t routed = 0;     ///< For the client; all below are parts of it.
  std::uint64_t delivered = 0;  ///< Its session returned credit for it.
  std::uint64_t queued = 0, in_flight = 0;
  std::array<std::uint64_t, loss_kinds> dropped{};

  /// The epoch in which the client was found allowed to publish here; 0 is none.
  std::uint32_t publish_epoch = 0;
  bool stands_for_rest = false;

  bool busy() const { return queued != 0 || in_flight != 0; }
  void lose(std::uint64_t count, Loss loss) { dropped[static_cast<std::size_t>(loss)] += count; }
  void add(const Row& other);

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

  ClientTraffic(std::size_t rows_max, std::uint64_t& generation)
      : rows_max_(rows_max), generation_(&generation) {}

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

 private:
  ClientTraffic& find_or_make(std::string_view name);
  void fold();

  std::size_t clients_max_, rows_max_;
  std::uint64_t* generation_;
  TextMap<std::unique_ptr<ClientTraffic>> clients_;
};

}  // namespace guild::broker
