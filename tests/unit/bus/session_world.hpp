// A session without a socket, for tests: frames and times in, frames and callbacks out.
#pragma once

#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/bus/session.hpp"
#include "tests/unit/bus/frames_of_every_kind.hpp"

namespace guild::bus::test {

/// What the session sent, in a form that outlives the frame.
struct Sent {
  Kind kind{};
  std::uint64_t number = 0;
  std::string topic, body;
};

class World {
 public:
  explicit World(std::uint32_t credit_messages = 1'000, std::uint64_t credit_bytes = 100'000)
      : session(
            std::make_shared<Session>(Session::Options{.expected_name = "tester",
                                                       .receive_credit_messages = credit_messages,
                                                       .receive_credit_bytes = credit_bytes,
                                                       .outgoing_bytes_max = 1U << 20U,
                                                       .on_output = [this] { ++outputs; }})) {
    session->on_session = [this](const SessionEvent& event) { events.push_back(event); };
  }

  /// The records that left since the last call.
  std::vector<Sent> sent() {
    std::vector<Sent> records;
    Outbox& outbox = session->outbox();
    for (auto frame = outbox.next(); !frame.empty(); frame = outbox.next()) {
      FrameReader reader(frame);
      while (const auto record = reader.next())
        records.push_back(
            {record->kind, record->number, std::string(record->topic), std::string(record->body)});
      outbox.sent();
    }
    return records;
  }
  std::vector<Sent> sent(Kind kind) {
    auto records = sent();
    std::erase_if(records, [&](const Sent& record) { return record.kind != kind; });
    return records;
  }

  Result<void> receive(const std::function<void(FrameWriter&)>& write) {
    FrameWriter writer;
    write(writer);
    return session->receive(writer.frame(), now);
  }
  Result<void> receive_plain(Kind kind, std::uint64_t number, std::string_view topic = {},
                             std::string_view body = {}) {
    return receive([&](FrameWriter& writer) { writer.plain(kind, number, topic, body); });
  }
  Result<void> welcome(std::uint64_t credit_bytes = 1U << 20U) {
    Welcome welcome;
    welcome.credit_bytes = credit_bytes;
    welcome.credit_messages = 10'000;
    welcome.instance[0] = ++instances;
    return receive([&](FrameWriter& writer) { writer.welcome("anna", welcome); });
  }
  void connect() {
    session->connection_opened();
    REQUIRE(welcome().has_value());
    sent();
  }
  void lose() {
    session->connection_lost({.error = Error{ErrorKind::unavailable, "session_lost", "lost", ""}});
  }
  Result<void> subscribe(
      std::string pattern, OnDelivery deliver = [](const Delivery&) {}, OnDone confirmed = {}) {
    Standing standing;
    standing.kind = Kind::subscribe;
    standing.pattern = std::move(pattern);
    standing.deliver = std::move(deliver);
    standing.confirmed = std::move(confirmed);
    GUILD_CHECK(session->stand(std::move(standing)));
    return {};
  }

  std::shared_ptr<Session> session;
  std::deque<SessionEvent> events;
  Monotonic now{std::chrono::hours(1)};
  int outputs = 0;
  std::uint8_t instances = 0;
};

inline OnDone into(std::vector<std::string>& answers, const std::string& what) {
  return [&answers, what](const Result<void>& result) {
    answers.push_back(what + " " + (result ? "ok" : result.error().code));
  };
}

inline std::string malformed(const Result<void>& result) {
  return result ? "ok" : result.error().code;
}

}  // namespace guild::bus::test
