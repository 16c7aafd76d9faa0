// Those who do not get in: no key, a wrong one, another broker's, no ZMTP, and those who take their
// time.
#include <zmq.h>

#include "tests/integration/bus/door.hpp"
#include "tests/integration/bus/refusal_row.hpp"

namespace guild::test {
namespace {

using namespace raw;
using namespace std::chrono_literals;

constexpr int handshake_ends =
    ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
    ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED;
constexpr auto handshake_limit = 2s;
constexpr auto patience = 5s;

std::string text_of(int event, std::uint32_t value) {
  if (event == 0) return "nothing";
  if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return "welcome";
  if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return "ZAP " + std::to_string(value);
  return "cut";
}

Seen knock(Stage& stage, const std::optional<RawKeys>& keys) {
  const auto acted_at = std::chrono::steady_clock::now();
  RawClient client(stage.endpoint(), keys);
  const int event = client.wait_event(handshake_ends, patience);
  return {text_of(event, client.event_value()), acted_at, std::chrono::steady_clock::now()};
}

Seen knock_as_stranger(Stage& stage) { return knock(stage, stage.strange_keys()); }
Seen knock_without_key(Stage& stage) { return knock(stage, {}); }
Seen knock_at_another_broker(Stage& stage) {
  RawKeys keys = stage.keys();
  keys.server_key = stage.strange_keys().public_key;
  return knock(stage, keys);
}

Line line_to(Stage& stage) { return Line(stage.home().run_folder() / "bus.sock"); }

Seen cut_after(Line& line, Steady acted_at) {
  const bool closed = line.wait_closed(patience);
  return {closed ? "cut" : "nothing", acted_at, std::chrono::steady_clock::now()};
}

/// Says `words` and no more.
std::function<Seen(Stage&)> says(std::string words) {
  return [words](Stage& stage) {
    const auto acted_at = std::chrono::steady_clock::now();
    Line line = line_to(stage);
    line.write(words);
    return cut_after(line, acted_at);
  };
}

/// A byte at a time, so slowly that the greeting would take 10 s; each byte shows that somebody is
/// there.
Seen drips(Stage& stage) {
  constexpr auto between_bytes = 150ms;
  const auto acted_at = std::chrono::steady_clock::now();
  Line line = line_to(stage);
  bool closed = false;
  for (const char byte : zmtp_greeting("CURVE")) {
    if (!line.write({&byte, 1})) break;
    closed = line.wait_closed(between_bytes);
    if (closed) break;
  }
  closed = closed || line.wait_closed(0ms);
  return {closed ? "cut" : "nothing", acted_at, std::chrono::steady_clock::now()};
}

/// Greeting and CURVE's HELLO, true ones; the INITIATE that would show the key never comes.
Seen stops_after_hello(Stage& stage) {
  constexpr std::size_t greeting_and_hello = 64 + 2 + 200;
  const auto path = stage.home().root() / "relay.sock";
  Relay relay(path);
  const auto acted_at = std::chrono::steady_clock::now();
  RawClient client("ipc://" + path.string(), stage.keys());
  Line line = line_to(stage);
  const bool closed = relay.pass(line, greeting_and_hello, patience);
  const auto told_at = std::chrono::steady_clock::now();
  std::filesystem::remove(path);
  return {closed ? "cut" : "nothing", acted_at, told_at};
}

RefusalRow late(std::string name, std::function<Seen(Stage&)> act) {
  return {.name = std::move(name),
          .act = std::move(act),
          .told = "cut",
          .reasons = {"handshake_failed"},
          .operation = "connect",
          .named = Named::nobody,
          .grace = handshake_limit};
}

}  // namespace

std::vector<RefusalRow> rows_of_the_door() {
  return {
      {.name = "a key that is not on the list",
       .act = knock_as_stranger,
       .told = "ZAP 400",
       .reasons = {"key_unlisted"},
       .operation = "connect",
       .named = Named::stranger_key},
      {.name = "no key, by hand",
       .act = says(zmtp_greeting("NULL")),
       .told = "cut",
       .reasons = {"mechanism_refused"},
       .operation = "connect",
       .named = Named::nobody},
      {.name = "not ZMTP at all",
       .act = says("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
       .told = "cut",
       .reasons = {"handshake_malformed"},
       .operation = "connect",
       .named = Named::nobody},
      {.name = "a command of no mechanism",
       .act = says(zmtp_greeting("CURVE") + "\x04\x05HELLO"),
       .told = "cut",
       .reasons = {"handshake_malformed"},
       .operation = "connect",
       .named = Named::nobody},
      {.name = "another broker's key",
       .act = knock_at_another_broker,
       .told = "cut",
       .reasons = {"wrong_server_key"},
       .operation = "connect",
       .named = Named::nobody,
       .limit = 2s},
      late("says nothing", says("")),
      late("half a greeting", says(zmtp_greeting("CURVE").substr(0, 32))),
      {.name = "no key, by libzmq",
       .act = knock_without_key,
       .told = "cut",
       .reasons = {"mechanism_refused", "handshake_failed"},
       .operation = "connect",
       .named = Named::nobody},
      late("a greeting, dripping", drips),
      late("stops after the greeting", says(zmtp_greeting("CURVE"))),
      late("stops after HELLO", stops_after_hello),
      {.name = "no ZMTP after the greeting",
       .act = says(zmtp_greeting("CURVE") + std::string(64, '\xff')),
       .told = "cut",
       .reasons = {"handshake_malformed"},
       .operation = "connect",
       .named = Named::nobody},
  };
}

}  // namespace guild::test
