// The bus protocol's records and frames (docs/protocol.md), shared by the client and the broker.
// Parsing allocates nothing: a Record's fields are views into the frame. Writing appends to a
// buffer that keeps its capacity. Both sides are pure; golden bytes are in tests/golden.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace guild::bus {

inline constexpr std::uint16_t protocol_version = 1;
inline constexpr std::size_t frame_bytes_max = 1'310'720;
inline constexpr std::size_t payload_bytes_max = 1'048'576;
inline constexpr std::size_t record_header_bytes = 16;
inline constexpr std::uint32_t deadline_ms_max = 600'000;

enum class Kind : std::uint8_t {
  // Client to broker.
  hello = 1,
  subscribe,
  unsubscribe,
  serve,
  unserve,
  publish,
  request,
  reply,
  credit,
  watch,
  goodbye,
  ping,
  cancel,
  // Broker to client.
  welcome = 65,
  refused,
  done,
  denied,
  deliver,
  ack,
  gap,
  credit_grant,
  request_delivery,
  reply_delivery,
  failed,
  presence,
  pong,
  cancelled,
};

/// The codes of docs/protocol.md. Stable numbers; to_string gives the stable snake_case names.
enum class Code : std::uint8_t {
  version_unsupported = 1,
  hello_expected,
  malformed_frame,
  credit_exceeded,
  revoked,
  shutting_down,
  slow_consumer,
  too_many,
  no_permission = 16,
  topic_invalid,
  payload_too_large,
  deadline_invalid,
  no_responder = 32,
  responder_gone,
  timeout,
  dropped_oldest = 48,
  session_ended,
};
std::string_view to_string(Code code);
/// The Error a caller sees for `code`: kind, code name, `reason`, next step.
Error to_error(Code code, std::string_view reason);

struct Record {
  Kind kind{};
  std::uint64_t number = 0;
  std::string_view topic, name;
  std::string_view body;
};

/// Reads the records of a frame one by one. After `next` has answered nothing, `ok` tells whether
/// the frame ended exactly at a record's end.
class FrameReader {
 public:
  explicit FrameReader(std::string_view frame) : rest_(frame) {}
  std::optional<Record> next();
  bool ok() const { return !broken_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool broken_ = false;
};

/// Reads the items of a PUBLISH or DELIVER body (after its fixed part).
class ItemReader {
 public:
  explicit ItemReader(std::string_view items) : rest_(items) {}
  std::optional<std::string_view> next();
  bool ok() const { return !broken_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool broken_ = false;
};
/// The number of items, or nothing when malformed, empty, or one is over payload_bytes_max.
std::optional<std::uint32_t> count_items(std::string_view items);

/// Fixed parts of bodies. `read_*` answers nothing when the size is wrong.
struct Hello {
  std::uint16_t version, flags;
  std::uint32_t credit_messages;
  std::uint64_t credit_bytes;
};
struct Welcome {
  std::uint16_t version = protocol_version, flags = 0;
  std::uint32_t epoch = 0;
  std::array<std::uint8_t, 16> instance{};
  std::uint32_t payload_max = payload_bytes_max, frame_max = frame_bytes_max;
  std::uint32_t credit_messages = 0;
  std::uint64_t credit_bytes = 0;
};
struct Publish {
  bool ack_wanted;
  std::string_view items;
};
struct Deliver {
  std::int64_t time_ns;
  std::uint32_t epoch;
  std::string_view items;
};
struct Denied {
  Code code;
  std::uint32_t count;
  std::string_view reason;
};
struct Gap {
  std::uint64_t last, count;
  Code reason;
};
struct Request {
  std::uint32_t deadline_ms;
  std::string_view payload;
};
struct RequestDelivery {
  std::uint32_t deadline_ms;
  std::uint32_t epoch;
  std::string_view payload;
};
struct Reply {
  bool is_error;
  std::string_view payload;
};
struct Refused {
  Code code;
  std::string_view reason;
};  // also FAILED

std::optional<Hello> read_hello(std::string_view body);
std::optional<Welcome> read_welcome(std::string_view body);
std::optional<Publish> read_publish(std::string_view body);
std::optional<Deliver> read_deliver(std::string_view body);
std::optional<Denied> read_denied(std::string_view body);
std::optional<Gap> read_gap(std::string_view body);
std::optional<Request> read_request(std::string_view body);
std::optional<RequestDelivery> read_request_delivery(std::string_view body);
std::optional<Reply> read_reply(std::string_view body);
std::optional<Refused> read_refused(std::string_view body);
std::optional<std::uint32_t> read_u32(std::string_view body);

/// Builds a frame, record by record. A run of PUBLISH or DELIVER items to one topic shares one
/// record: `append_item` extends the last record when kind, topic, name, flags and the next number
/// fit, else it opens a new one.
class FrameWriter {
 public:
  void hello(const Hello& hello);
  void welcome(std::string_view own_name, const Welcome& welcome);
  /// SUBSCRIBE, UNSUBSCRIBE, SERVE, UNSERVE, WATCH, GOODBYE, PING, CANCEL, DONE, PONG, CANCELLED,
  /// PRESENCE.
  void plain(Kind kind, std::uint64_t number, std::string_view topic = {},
             std::string_view body = {});
  void publish_item(std::uint64_t sequence, std::string_view topic, bool ack_wanted,
                    std::string_view payload);
  /// A whole run as it came in `items`; `count` of them. Extends the open run where it can.
  void deliver_run(std::uint64_t sequence, std::uint32_t count, std::string_view topic,
                   std::string_view sender, std::int64_t time_ns, std::uint32_t epoch,
                   std::string_view items);
  void request(std::uint64_t correlation, std::string_view served_name, std::uint32_t deadline_ms,
               std::string_view payload);
  void request_delivery(std::uint64_t number, std::string_view served_name, std::string_view sender,
                        std::uint32_t deadline_ms, std::uint32_t epoch, std::string_view payload);
  /// REPLY in both directions (kind reply or reply_delivery).
  void reply(Kind kind, std::uint64_t number, std::string_view served_name,
             std::string_view responder, bool is_error, std::string_view payload);
  /// REFUSED or FAILED.
  void refusal(Kind kind, std::uint64_t number, std::string_view topic, Code code,
               std::string_view reason);
  void denied(std::uint64_t number, std::string_view topic, Code code, std::uint32_t count,
              std::string_view reason);
  void ack(std::uint64_t last, std::uint32_t count);
  void gap(std::uint64_t first, std::string_view topic, std::string_view sender, const Gap& gap);
  /// CREDIT in both directions (kind credit or credit_grant).
  void credit(Kind kind, std::uint64_t bytes, std::uint32_t messages);

  std::string_view frame() const { return {buffer_.data(), size_}; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// Empty again; keeps the capacity.
  void clear();

 private:
  char* open_record(Kind kind, std::uint64_t number, std::string_view topic, std::string_view name,
                    std::size_t body_size);
  void reserve(std::size_t more);
  /// The fixed part of the open run's body, if the next item may join it: same kind, topic and
  /// name.
  const char* open_run(Kind kind, std::uint64_t number, std::string_view topic,
                       std::string_view name) const;
  char* extend_run(std::size_t more);

  std::vector<char> buffer_;
  std::size_t size_ = 0;
  // The open run, while the last record is one.
  std::size_t run_at_ = no_run;
  std::uint64_t run_next_ = 0;
  static constexpr std::size_t no_run = static_cast<std::size_t>(-1);
};

}  // namespace guild::bus
