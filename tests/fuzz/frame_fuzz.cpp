// Any bytes as a frame: read record by record, body by body, and then by a session that is
// connected, subscribes, serves and waits for answers. Nothing may crash, read past the end, or
// hang.
#include <cstdint>
#include <memory>
#include <string_view>

#include "common/base/assert.hpp"
#include "common/bus/frame.hpp"
#include "common/bus/session.hpp"

using namespace guild;
using namespace guild::bus;

namespace {

const Monotonic now{std::chrono::hours(1)};

void read_body(std::string_view body) {
  static_cast<void>(read_hello(body));
  static_cast<void>(read_welcome(body));
  static_cast<void>(read_denied(body));
  static_cast<void>(read_gap(body));
  static_cast<void>(read_request(body));
  static_cast<void>(read_request_delivery(body));
  static_cast<void>(read_reply(body));
  static_cast<void>(read_refused(body));
  static_cast<void>(read_u32(body));
  if (const auto publish = read_publish(body)) {
    const auto count = count_items(publish->items);
    ItemReader reader(publish->items);
    std::uint32_t seen = 0;
    while (reader.next()) ++seen;
    if (count) GUILD_ASSERT(reader.ok() && seen == *count);
  }
}

void read_records(std::string_view frame) {
  FrameReader reader(frame);
  std::size_t bytes = 0;
  while (const auto record = reader.next()) {
    bytes += record_header_bytes + record->topic.size() + record->name.size() + record->body.size();
    read_body(record->body);
  }
  GUILD_ASSERT(bytes <= frame.size());
  GUILD_ASSERT(reader.ok() == (bytes == frame.size()));
}

Standing standing(Kind kind, std::string pattern) {
  Standing made;
  made.kind = kind;
  made.pattern = std::move(pattern);
  made.deliver = [](const Delivery&) {};
  made.gap = [](const GapNotice&) {};
  made.handle = [](std::string_view payload, Responder responder) { responder.reply(payload); };
  made.changed = [](const std::vector<std::string>&) {};
  return made;
}

void send_all(Session& session) {
  for (auto frame = session.outbox().next(); !frame.empty(); frame = session.outbox().next())
    session.outbox().sent();
}

void receive(std::string_view frame) {
  const auto session = std::make_shared<Session>(Session::Options{.expected_name = "fuzz",
                                                                  .receive_credit_messages = 100,
                                                                  .receive_credit_bytes = 10'000,
                                                                  .outgoing_bytes_max = 1U << 20U,
                                                                  .on_output = [] {}});
  static_cast<void>(session->stand(standing(Kind::subscribe, "prices/*")));
  static_cast<void>(session->stand(standing(Kind::serve, "ledgerd/**")));
  static_cast<void>(session->stand(standing(Kind::watch, "prices/eur")));
  session->connection_opened();
  static_cast<void>(session->receive(frame, now));  // Before WELCOME.
  if (!session->connected()) {
    FrameWriter welcome;
    welcome.welcome("fuzz", {.credit_messages = 100, .credit_bytes = 10'000});
    if (!session->receive(welcome.frame(), now)) return;
  }
  int asked = 0, answers = 0;
  for (int i = 0; i < 5; ++i)
    asked += session->publish("prices/eur", "x", [&](const Result<void>&) { ++answers; }) ? 1 : 0;
  asked += session->request(
               "ledgerd/transfer", "q", std::chrono::seconds(1),
               [&](const Result<std::string>&) { ++answers; }, now)
               ? 1
               : 0;
  send_all(*session);
  static_cast<void>(session->receive(frame, now));
  session->advance(now + std::chrono::seconds(5));
  send_all(*session);
  session->connection_lost({.error = Error{ErrorKind::failed, "fuzz", "over", ""}});
  GUILD_ASSERT(answers == asked);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view frame(reinterpret_cast<const char*>(data), size);
  read_records(frame);
  receive(frame);
  return 0;
}
