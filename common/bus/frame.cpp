#include "common/bus/frame.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "common/base/assert.hpp"
#include "common/base/text.hpp"
#include "common/bus/topic.hpp"

namespace guild::bus {
namespace {

constexpr std::size_t length_bytes = 4;
constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t item_header_bytes = 4;
constexpr std::size_t deliver_fixed_bytes = 12;
constexpr std::size_t publish_fixed_bytes = 1;
constexpr std::uint8_t flag_ack_wanted = 1;

/// Where the header's fields are.
constexpr std::size_t at_kind = 4, at_topic_size = 5, at_name_size = 6, at_number = 8;

/// Takes fixed-size fields from the front of a body whose size was checked.
class Fields {
 public:
  explicit Fields(std::string_view body) : rest_(body) {}
  template <class Integer>
  Integer take() {
    const auto value = load_le<Integer>(rest_.data());
    rest_.remove_prefix(sizeof(Integer));
    return value;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

/// Puts fixed-size fields one after another.
class Put {
 public:
  explicit Put(char* at) : at_(at) {}
  template <class Integer>
  Put& operator()(Integer value) {
    store_le(at_, value);
    at_ += sizeof(Integer);
    return *this;
  }
  Put& operator()(std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
    return *this;
  }

 private:
  char* at_;
};

struct CodeText {
  Code code;
  std::string_view name;
  ErrorKind kind;
  std::string_view meaning, next_step;
};

constexpr CodeText code_texts[] = {
    {Code::version_unsupported, "version_unsupported", ErrorKind::failed,
     "the broker does not speak this version of the protocol",
     "run broker and clients of the same release"},
    {Code::hello_expected, "hello_expected", ErrorKind::failed, "the broker expected HELLO first",
     "report this; the client library is at fault"},
    {Code::malformed_frame, "malformed_frame", ErrorKind::failed, "a frame could not be read",
     "report this; run broker and clients of the same release"},
    {Code::credit_exceeded, "credit_exceeded", ErrorKind::failed,
     "more was sent than the broker gave credit for",
     "report this; the client library is at fault"},
    {Code::revoked, "revoked", ErrorKind::denied, "the key was taken off the broker's list",
     "guild keys list, guild keys add NAME"},
    {Code::shutting_down, "shutting_down", ErrorKind::unavailable, "the broker is shutting down",
     "start it again: scripts/run_system start"},
    {Code::slow_consumer, "slow_consumer", ErrorKind::exhausted,
     "this client read too slowly and its queue is full",
     "read faster, subscribe to less, or choose another policy for the topic"},
    {Code::too_many, "too_many", ErrorKind::exhausted, "a limit of the broker is reached",
     "guild bus clients shows who uses what"},
    {Code::no_permission, "no_permission", ErrorKind::denied, "the broker's list does not allow it",
     "guild keys list shows what a name may do; the list is keys/authorized_clients.toml"},
    {Code::topic_invalid, "topic_invalid", ErrorKind::invalid, "the topic is not valid",
     "levels are separated by single slashes, as in ledger/entry/bot-7"},
    {Code::payload_too_large, "payload_too_large", ErrorKind::invalid,
     "the payload is over 1,048,576 bytes", "split it, or send where it can be fetched"},
    {Code::deadline_invalid, "deadline_invalid", ErrorKind::invalid,
     "the deadline is not between 1 ms and 10 min", "choose one between 1 ms and 10 min"},
    {Code::no_responder, "no_responder", ErrorKind::unavailable, "nobody serves the name",
     "guild status shows which daemons run"},
    {Code::responder_gone, "responder_gone", ErrorKind::unavailable,
     "the responder left before it answered; the request may or may not have been carried out",
     "ask again, with the same id where the request has one"},
    {Code::timeout, "timeout", ErrorKind::timeout, "no answer came within the deadline",
     "ask again, with the same id where the request has one, or allow more time"},
    {Code::dropped_oldest, "dropped_oldest", ErrorKind::exhausted,
     "the subscriber's queue was full", "read faster or subscribe to less"},
    {Code::session_ended, "session_ended", ErrorKind::unavailable, "the session ended",
     "connect again"},
};

const CodeText* find_text(Code code) {
  const auto* found =
      std::ranges::find_if(code_texts, [&](const CodeText& text) { return text.code == code; });
  return found == std::end(code_texts) ? nullptr : found;
}

}  // namespace

std::string_view to_string(Code code) {
  const CodeText* text = find_text(code);
  return text == nullptr ? "unknown_code" : text->name;
}

Error to_error(Code code, std::string_view reason) {
  constexpr std::size_t reason_bytes_max = 1000;
  const CodeText* text = find_text(code);
  std::string message = escape_to_ascii(reason.substr(0, reason_bytes_max));
  if (text == nullptr) {
    if (message.empty())
      message = "the broker answered with code " + std::to_string(static_cast<unsigned>(code)) +
                ", which this client does not know";
    return {.kind = ErrorKind::failed,
            .code = "unknown_code",
            .message = std::move(message),
            .next_step = "run broker and clients of the same release"};
  }
  if (message.empty()) message = text->meaning;
  return {.kind = text->kind,
          .code = std::string(text->name),
          .message = std::move(message),
          .next_step = std::string(text->next_step)};
}

// ---- Reading -----------------------------------------------------------------------------------

std::optional<Record> FrameReader::next() {
  if (rest_.empty() || broken_) return {};
  broken_ = true;  // Until the record proves whole.
  if (rest_.size() < record_header_bytes) return {};
  const char* header = rest_.data();
  const std::size_t size = length_bytes + std::size_t{load_le<std::uint32_t>(header)};
  const std::size_t topic_size = load_le<std::uint8_t>(header + at_topic_size);
  const std::size_t name_size = load_le<std::uint16_t>(header + at_name_size);
  if (size > rest_.size() || topic_size > topic_bytes_max || name_size > name_bytes_max) return {};
  if (size < record_header_bytes + topic_size + name_size) return {};
  broken_ = false;

  const char* topic = header + record_header_bytes;
  const char* name = topic + topic_size;
  const char* body = name + name_size;
  rest_.remove_prefix(size);
  return Record{.kind = static_cast<Kind>(load_le<std::uint8_t>(header + at_kind)),
                .number = load_le<std::uint64_t>(header + at_number),
                .topic = {topic, topic_size},
                .name = {name, name_size},
                .body = {body, size - record_header_bytes - topic_size - name_size}};
}

std::optional<std::string_view> ItemReader::next() {
  if (rest_.empty() || broken_) return {};
  broken_ = true;
  if (rest_.size() < item_header_bytes) return {};
  const std::size_t size = load_le<std::uint32_t>(rest_.data());
  if (size > rest_.size() - item_header_bytes) return {};
  broken_ = false;
  const std::string_view item = rest_.substr(item_header_bytes, size);
  rest_.remove_prefix(item_header_bytes + size);
  return item;
}

std::optional<std::uint32_t> count_items(std::string_view items) {
  ItemReader reader(items);
  std::uint32_t count = 0;
  while (const auto item = reader.next()) {
    if (item->size() > payload_bytes_max) return {};
    ++count;
  }
  if (!reader.ok() || count == 0) return {};
  return count;
}

std::optional<Hello> read_hello(std::string_view body) {
  if (body.size() != 16) return {};
  Fields fields(body);
  Hello hello{};
  hello.version = fields.take<std::uint16_t>();
  hello.flags = fields.take<std::uint16_t>();
  hello.credit_messages = fields.take<std::uint32_t>();
  hello.credit_bytes = fields.take<std::uint64_t>();
  return hello;
}

std::optional<Welcome> read_welcome(std::string_view body) {
  if (body.size() != 44) return {};
  Fields fields(body);
  Welcome welcome;
  welcome.version = fields.take<std::uint16_t>();
  welcome.flags = fields.take<std::uint16_t>();
  welcome.epoch = fields.take<std::uint32_t>();
  for (std::uint8_t& byte : welcome.instance) byte = fields.take<std::uint8_t>();
  welcome.payload_max = fields.take<std::uint32_t>();
  welcome.frame_max = fields.take<std::uint32_t>();
  welcome.credit_messages = fields.take<std::uint32_t>();
  welcome.credit_bytes = fields.take<std::uint64_t>();
  return welcome;
}

std::optional<Publish> read_publish(std::string_view body) {
  if (body.size() < publish_fixed_bytes) return {};
  Fields fields(body);
  const auto flags = fields.take<std::uint8_t>();
  return Publish{.ack_wanted = (flags & flag_ack_wanted) != 0, .items = fields.rest()};
}

std::optional<Deliver> read_deliver(std::string_view body) {
  if (body.size() < deliver_fixed_bytes) return {};
  Fields fields(body);
  const auto time_ns = fields.take<std::int64_t>();
  const auto epoch = fields.take<std::uint32_t>();
  return Deliver{.time_ns = time_ns, .epoch = epoch, .items = fields.rest()};
}

std::optional<Denied> read_denied(std::string_view body) {
  if (body.size() < 5) return {};
  Fields fields(body);
  const auto code = static_cast<Code>(fields.take<std::uint8_t>());
  const auto count = fields.take<std::uint32_t>();
  return Denied{.code = code, .count = count, .reason = fields.rest()};
}

std::optional<Gap> read_gap(std::string_view body) {
  if (body.size() != 17) return {};
  Fields fields(body);
  const auto last = fields.take<std::uint64_t>();
  const auto count = fields.take<std::uint64_t>();
  const auto reason = static_cast<Code>(fields.take<std::uint8_t>());
  return Gap{.last = last, .count = count, .reason = reason};
}

std::optional<Request> read_request(std::string_view body) {
  if (body.size() < 4) return {};
  Fields fields(body);
  const auto deadline_ms = fields.take<std::uint32_t>();
  return Request{.deadline_ms = deadline_ms, .payload = fields.rest()};
}

std::optional<RequestDelivery> read_request_delivery(std::string_view body) {
  if (body.size() < 8) return {};
  Fields fields(body);
  const auto deadline_ms = fields.take<std::uint32_t>();
  const auto epoch = fields.take<std::uint32_t>();
  return RequestDelivery{.deadline_ms = deadline_ms, .epoch = epoch, .payload = fields.rest()};
}

std::optional<Reply> read_reply(std::string_view body) {
  if (body.empty()) return {};
  Fields fields(body);
  const auto status = fields.take<std::uint8_t>();
  if (status > 1) return {};
  return Reply{.is_error = status == 1, .payload = fields.rest()};
}

std::optional<Refused> read_refused(std::string_view body) {
  if (body.empty()) return {};
  Fields fields(body);
  const auto code = static_cast<Code>(fields.take<std::uint8_t>());
  return Refused{.code = code, .reason = fields.rest()};
}

std::optional<std::uint32_t> read_u32(std::string_view body) {
  if (body.size() != 4) return {};
  return load_le<std::uint32_t>(body.data());
}

// ---- Writing -----------------------------------------------------------------------------------

void FrameWriter::clear() {
  size_ = 0;
  run_at_ = no_run;
}

void FrameWriter::reserve(std::size_t more) {
  if (size_ + more > buffer_.size()) buffer_.resize(std::max(2 * buffer_.size(), size_ + more));
}

char* FrameWriter::open_record(Kind kind, std::uint64_t number, std::string_view topic,
                               std::string_view name, std::size_t body_size) {
  GUILD_ASSERT(topic.size() <= topic_bytes_max && name.size() <= name_bytes_max);
  const std::size_t size = record_header_bytes + topic.size() + name.size() + body_size;
  reserve(size);
  char* at = buffer_.data() + size_;
  Put put(at);
  put(static_cast<std::uint32_t>(size - length_bytes))(static_cast<std::uint8_t>(kind))(
      static_cast<std::uint8_t>(topic.size()))(static_cast<std::uint16_t>(name.size()))(number);
  put(topic)(name);
  size_ += size;
  run_at_ = no_run;
  return at + size - body_size;
}

void FrameWriter::hello(const Hello& hello) {
  Put put(open_record(Kind::hello, 0, {}, {}, 16));
  put(hello.version)(hello.flags)(hello.credit_messages)(hello.credit_bytes);
}

void FrameWriter::welcome(std::string_view own_name, const Welcome& welcome) {
  Put put(open_record(Kind::welcome, 0, {}, own_name, 44));
  put(welcome.version)(welcome.flags)(welcome.epoch)(as_text(welcome.instance));
  put(welcome.payload_max)(welcome.frame_max)(welcome.credit_messages)(welcome.credit_bytes);
}

void FrameWriter::plain(Kind kind, std::uint64_t number, std::string_view topic,
                        std::string_view body) {
  Put put(open_record(kind, number, topic, {}, body.size()));
  put(body);
}

const char* FrameWriter::open_run(Kind kind, std::uint64_t number, std::string_view topic,
                                  std::string_view name) const {
  if (run_at_ == no_run || number != run_next_) return nullptr;
  const char* at = buffer_.data() + run_at_;
  if (load_le<std::uint8_t>(at + at_kind) != static_cast<std::uint8_t>(kind)) return nullptr;
  if (load_le<std::uint8_t>(at + at_topic_size) != topic.size()) return nullptr;
  if (load_le<std::uint16_t>(at + at_name_size) != name.size()) return nullptr;
  const char* run_topic = at + record_header_bytes;
  const char* run_name = run_topic + topic.size();
  if (topic != std::string_view(run_topic, topic.size())) return nullptr;
  if (name != std::string_view(run_name, name.size())) return nullptr;
  return run_name + name.size();
}

/// Room for `more` bytes at the end of the open run.
char* FrameWriter::extend_run(std::size_t more) {
  reserve(more);
  char* run = buffer_.data() + run_at_;
  store_le(run, static_cast<std::uint32_t>(load_le<std::uint32_t>(run) + more));
  char* at = buffer_.data() + size_;
  size_ += more;
  return at;
}

void FrameWriter::publish_item(std::uint64_t sequence, std::string_view topic, bool ack_wanted,
                               std::string_view payload) {
  const std::uint8_t flags = ack_wanted ? flag_ack_wanted : 0;
  const std::size_t item_size = item_header_bytes + payload.size();
  const char* run = open_run(Kind::publish, sequence, topic, {});
  if (run != nullptr && load_le<std::uint8_t>(run) == flags) {
    Put put(extend_run(item_size));
    put(static_cast<std::uint32_t>(payload.size()))(payload);
  } else {
    const std::size_t at = size_;
    Put put(open_record(Kind::publish, sequence, topic, {}, publish_fixed_bytes + item_size));
    put(flags)(static_cast<std::uint32_t>(payload.size()))(payload);
    run_at_ = at;
  }
  run_next_ = sequence + 1;
}

void FrameWriter::deliver_run(std::uint64_t sequence, std::uint32_t count, std::string_view topic,
                              std::string_view sender, std::int64_t time_ns, std::uint32_t epoch,
                              std::string_view items) {
  const char* run = open_run(Kind::deliver, sequence, topic, sender);
  if (run != nullptr && load_le<std::int64_t>(run) == time_ns &&
      load_le<std::uint32_t>(run + sizeof time_ns) == epoch) {
    Put put(extend_run(items.size()));
    put(items);
  } else {
    const std::size_t at = size_;
    Put put(
        open_record(Kind::deliver, sequence, topic, sender, deliver_fixed_bytes + items.size()));
    put(time_ns)(epoch)(items);
    run_at_ = at;
  }
  run_next_ = sequence + count;
}

void FrameWriter::request(std::uint64_t correlation, std::string_view served_name,
                          std::uint32_t deadline_ms, std::string_view payload) {
  Put put(open_record(Kind::request, correlation, served_name, {}, 4 + payload.size()));
  put(deadline_ms)(payload);
}

void FrameWriter::request_delivery(std::uint64_t number, std::string_view served_name,
                                   std::string_view sender, std::uint32_t deadline_ms,
                                   std::uint32_t epoch, std::string_view payload) {
  Put put(open_record(Kind::request_delivery, number, served_name, sender, 8 + payload.size()));
  put(deadline_ms)(epoch)(payload);
}

void FrameWriter::reply(Kind kind, std::uint64_t number, std::string_view served_name,
                        std::string_view responder, bool is_error, std::string_view payload) {
  GUILD_ASSERT(kind == Kind::reply || kind == Kind::reply_delivery);
  Put put(open_record(kind, number, served_name, responder, 1 + payload.size()));
  put(static_cast<std::uint8_t>(is_error ? 1 : 0))(payload);
}

void FrameWriter::refusal(Kind kind, std::uint64_t number, std::string_view topic, Code code,
                          std::string_view reason) {
  GUILD_ASSERT(kind == Kind::refused || kind == Kind::failed);
  Put put(open_record(kind, number, topic, {}, 1 + reason.size()));
  put(static_cast<std::uint8_t>(code))(reason);
}

void FrameWriter::denied(std::uint64_t number, std::string_view topic, Code code,
                         std::uint32_t count, std::string_view reason) {
  Put put(open_record(Kind::denied, number, topic, {}, 5 + reason.size()));
  put(static_cast<std::uint8_t>(code))(count)(reason);
}

void FrameWriter::ack(std::uint64_t last, std::uint32_t count) {
  Put put(open_record(Kind::ack, last, {}, {}, 4));
  put(count);
}

void FrameWriter::gap(std::uint64_t first, std::string_view topic, std::string_view sender,
                      const Gap& gap) {
  Put put(open_record(Kind::gap, first, topic, sender, 17));
  put(gap.last)(gap.count)(static_cast<std::uint8_t>(gap.reason));
}

void FrameWriter::credit(Kind kind, std::uint64_t bytes, std::uint32_t messages) {
  GUILD_ASSERT(kind == Kind::credit || kind == Kind::credit_grant);
  Put put(open_record(kind, bytes, {}, {}, 4));
  put(messages);
}

}  // namespace guild::bus
