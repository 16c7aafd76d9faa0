// RawClient: a DEALER that speaks docs/protocol.md by hand, written from that page alone. It can
// say anything, true or not. Also the peers' process (bus_peer) is made of it. What cannot work at
// all throws std::runtime_error, which fails the test.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace guild::raw {

/// Kinds of the protocol.
inline constexpr unsigned hello = 1, subscribe = 2, serve = 4, publish = 6, request = 7, reply = 8,
                          credit = 9, watch = 10, goodbye = 11, ping = 12;
inline constexpr unsigned welcome = 65, refused = 66, done = 67, denied = 68, deliver = 69,
                          ack = 70, gap = 71, grant = 72, request_delivery = 73,
                          reply_delivery = 74, failed = 75, presence = 76, pong = 77;

/// Raw CURVE keys, 32 bytes each.
struct RawKeys {
  std::string public_key, secret_key, server_key;

  static RawKeys random(std::string server_key);
  /// Of a client in a home's keys folder.
  static RawKeys load(const std::filesystem::path& keys_dir, const std::string& name);
};

struct RawRecord {
  unsigned kind = 0;
  std::uint64_t number = 0;
  std::string topic, name, body;

  /// The first byte of REFUSED, DENIED and FAILED.
  unsigned code() const { return body.empty() ? 0 : static_cast<unsigned char>(body[0]); }
  std::uint32_t u32(std::size_t at) const;
  /// Items of a DELIVER.
  std::vector<std::string> items() const;
  std::size_t size() const { return 16 + topic.size() + name.size() + body.size(); }
};

std::string u32_bytes(std::uint32_t value);
std::string u64_bytes(std::uint64_t value);
std::string record_bytes(unsigned kind, std::uint64_t number, std::string_view topic = {},
                         std::string_view name = {}, std::string_view body = {});
std::string hello_bytes(std::uint32_t messages = 1U << 20U, std::uint64_t bytes = 4U << 20U);
std::string publish_bytes(std::uint64_t number, std::string_view topic,
                          const std::vector<std::string>& items, bool ack_wanted = false);

class RawClient {
 public:
  using Limit = std::chrono::milliseconds;

  /// Starts connecting, with CURVE when there are keys. `frames_held_max`: what its own libzmq
  /// takes in before it is asked; 0 is no limit.
  RawClient(const std::string& endpoint, const std::optional<RawKeys>& keys,
            int frames_held_max = 0);
  /// Lets what was sent leave.
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// Connects, says HELLO and takes WELCOME; throws when that does not come.
  static std::unique_ptr<RawClient> join(const std::string& endpoint, const RawKeys& keys,
                                         std::uint32_t messages = 1U << 20U,
                                         std::uint64_t bytes = 4U << 20U);

  void send(std::string_view frame);
  void send_parts(const std::vector<std::string>& parts);
  /// The next record; nothing when none comes in time.
  std::optional<RawRecord> next(Limit limit = std::chrono::seconds(5));
  /// The next of `kind`; others are passed over.
  std::optional<RawRecord> next_of(unsigned kind, Limit limit = std::chrono::seconds(5));
  /// As next_of, and throws when it does not come.
  RawRecord expect(unsigned kind, Limit limit = std::chrono::seconds(5));
  /// Sends one and takes its answer, DONE or DENIED.
  RawRecord ask(unsigned kind, std::string_view topic);
  /// REQUEST and its answer, REPLY or FAILED.
  RawRecord call(std::string_view name, std::string_view payload,
                 std::uint32_t deadline_ms = 5'000);
  void return_credit(const RawRecord& record, std::uint32_t messages);

  /// The first of these monitor events (ZMQ_EVENT_..., or-ed), or 0 when none comes in time.
  int wait_event(int events, Limit limit = std::chrono::seconds(5));
  std::uint32_t event_value() const { return event_value_; }

  const RawRecord& welcomed() const { return welcomed_; }

 private:
  bool receive_frame(Limit limit);

  void* context_ = nullptr;
  void* socket_ = nullptr;
  void* monitor_ = nullptr;
  std::string frame_;
  std::size_t at_ = 0;
  std::uint32_t event_value_ = 0;
  std::uint64_t correlation_ = 0;
  RawRecord welcomed_;
};

}  // namespace guild::raw
