// Those who got in and say what they may not: frames, permissions, requests.
#include <zmq.h>

#include "tests/integration/bus/refusal_row.hpp"

namespace guild::test {
namespace {

using namespace raw;
using namespace std::chrono_literals;

constexpr std::size_t payload_max = 1U << 20U, frame_max = 1'310'720, message_max = 2U << 20U;
const std::string a_second = u32_bytes(1'000);

/// One frame of a client that has WELCOME, and what it hears.
std::function<Seen(Stage&)> sends(std::string frame) {
  return [frame](Stage& stage) { return send_and_hear(*stage.join(), frame); };
}

/// The same of a connection that has not said HELLO.
std::function<Seen(Stage&)> opens_with(std::string frame) {
  return [frame](Stage& stage) {
    RawClient client(stage.endpoint(), stage.keys());
    // The handshake is not the act.
    client.wait_event(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    return send_and_hear(client, frame);
  };
}

std::function<Seen(Stage&)> as(const std::string& name, std::string frame) {
  return [name, frame](Stage& stage) { return send_and_hear(*stage.join_as(name), frame); };
}

Seen several_parts(Stage& stage) {
  const auto client = stage.join();
  const auto acted_at = std::chrono::steady_clock::now();
  client->send_parts({publish_bytes(1, "apps/t", {"x"}), "more"});
  return hear_since(*client, acted_at);
}

/// libzmq does not read a message that is larger than it was told to: no answer, no event.
Seen message_too_large(Stage& stage) {
  const auto client = stage.join();
  const auto acted_at = std::chrono::steady_clock::now();
  client->send(std::string(message_max + 100, '\0'));
  const bool cut = client->wait_event(ZMQ_EVENT_DISCONNECTED) != 0;
  return {cut ? "cut" : "nothing", acted_at, std::chrono::steady_clock::now()};
}

RefusalRow of_frame(std::string name, std::function<Seen(Stage&)> act, std::string code,
                    std::string operation = "frame") {
  return {.name = std::move(name),
          .act = std::move(act),
          .told = "REFUSED " + code,
          .reasons = {code},
          .operation = std::move(operation)};
}

RefusalRow denied_to(std::string name, std::function<Seen(Stage&)> act, std::string operation,
                     std::string code = "no_permission") {
  const std::string record = operation == "request" ? "FAILED " : "DENIED ";
  return {.name = std::move(name),
          .act = std::move(act),
          .told = record + code,
          .reasons = {code},
          .operation = std::move(operation)};
}

std::string hello_of_version(char version) {
  std::string frame = hello_bytes();
  frame[16] = version;
  return frame;
}

std::string request_bytes(std::uint64_t correlation, std::string_view name,
                          const std::string& deadline = a_second, std::size_t payload = 1) {
  return record_bytes(request, correlation, name, {}, deadline + std::string(payload, 'q'));
}

// ---- Requests ----------------------------------------------------------------------------------

Seen responder_leaves(Stage& stage) {
  auto responder = stage.join_helper();
  responder->ask(serve, "apps/leaves");
  const auto asker = stage.join();
  asker->send(request_bytes(1, "apps/leaves", u32_bytes(60'000)));
  responder->expect(request_delivery);
  const auto acted_at = std::chrono::steady_clock::now();
  responder.reset();
  return hear_since(*asker, acted_at);
}

Seen responder_is_silent(Stage& stage) {
  const auto responder = stage.join_helper();
  responder->ask(serve, "apps/silent");
  const auto asker = stage.join();
  return send_and_hear(*asker, request_bytes(1, "apps/silent", u32_bytes(150)));
}

Seen correlation_in_use(Stage& stage) {
  const auto responder = stage.join_helper();
  responder->ask(serve, "apps/twice");
  const auto asker = stage.join();
  asker->send(request_bytes(7, "apps/twice"));
  responder->expect(request_delivery);
  return send_and_hear(*asker, request_bytes(7, "apps/twice"));
}

/// The refusal is the responder's, and its requester is told.
Seen reply_too_large(Stage& stage) {
  const auto responder = stage.join();
  responder->ask(serve, "apps/large");
  const auto asker = stage.join_helper();
  asker->send(request_bytes(1, "apps/large"));
  const RawRecord asked = responder->expect(request_delivery);
  const auto acted_at = std::chrono::steady_clock::now();
  responder->send(
      record_bytes(reply, asked.number, {}, {}, std::string(1 + payload_max + 1, '\0')));
  return hear_since(*asker, acted_at);
}

/// A failure that is nobody's fault is told to the requester alone.
RefusalRow untold(std::string name, std::function<Seen(Stage&)> act, std::string told,
                  std::chrono::milliseconds grace = 0ms) {
  return {.name = std::move(name),
          .act = std::move(act),
          .told = std::move(told),
          .reasons = {},
          .operation = {},
          .count = 0,
          .grace = grace};
}

}  // namespace

std::vector<RefusalRow> rows_of_frames() {
  const std::string good = publish_bytes(1, "apps/t", {"x"});
  const std::string large(payload_max + 1, 'x');
  std::string twice_used = publish_bytes(2, "apps/t", {"x"}) + publish_bytes(2, "apps/t", {"y"});
  return {
      of_frame("a frame that is cut", sends(good.substr(0, good.size() - 1)), "malformed_frame"),
      of_frame("a header that is cut", sends(good.substr(0, 7)), "malformed_frame"),
      of_frame("a kind that does not exist", sends(record_bytes(200, 1)), "malformed_frame"),
      of_frame("a kind of the broker's", sends(record_bytes(welcome, 0)), "malformed_frame"),
      of_frame("a body of the wrong size", sends(record_bytes(credit, 1, {}, {}, "abc")),
               "malformed_frame"),
      of_frame("several parts", several_parts, "malformed_frame"),
      of_frame("a second HELLO", sends(hello_bytes()), "malformed_frame"),
      of_frame("no HELLO", opens_with(good), "hello_expected", "connect"),
      of_frame("a version of tomorrow", opens_with(hello_of_version(2)), "version_unsupported",
               "connect"),
      of_frame("a sequence that stands still", sends(twice_used), "malformed_frame"),
      of_frame("a sequence of 0", sends(publish_bytes(0, "apps/t", {"x"})), "malformed_frame"),
      of_frame("credit for what never came", sends(record_bytes(credit, 1, {}, {}, u32_bytes(1))),
               "credit_exceeded"),
      of_frame("a frame over 1.25 MiB", sends(std::string(frame_max + 1, '\0')), "malformed_frame"),
      of_frame("a topic over 250 bytes", sends(record_bytes(subscribe, 1, std::string(251, 'a'))),
               "malformed_frame"),
      denied_to("a payload over 1 MiB", sends(publish_bytes(1, "apps/t", {large})), "publish",
                "payload_too_large"),
      untold("a message over 2 MiB", message_too_large, "cut"),
  };
}

std::vector<RefusalRow> rows_of_permissions() {
  std::vector<RefusalRow> rows = {
      denied_to("publish elsewhere", sends(publish_bytes(1, "homes/t", {"x"})), "publish"),
      denied_to("subscribe to all", sends(record_bytes(subscribe, 1, "**")), "subscribe"),
      denied_to("request elsewhere", sends(request_bytes(1, "homes/svc")), "request"),
      denied_to("serve elsewhere", sends(record_bytes(serve, 1, "homes/svc")), "serve"),
      denied_to("watch elsewhere", sends(record_bytes(watch, 1, "homes/t")), "watch"),
      denied_to("publish another's log", sends(publish_bytes(1, "logs/broker/main", {"x"})),
                "publish"),
  };
  // A wildcard does not reach a reserved level, not even the operator's `**`. One refused run of
  // three items counts three.
  rows.push_back(denied_to("publish as a daemon",
                           as("operator", publish_bytes(1, "ledger/entry", {"x", "y", "z"})),
                           "publish"));
  rows.back().count = 3;
  rows.push_back(
      denied_to("serve as a daemon", as("operator", record_bytes(serve, 1, "broker/x")), "serve"));
  for (RefusalRow& row : rows)
    if (row.name.ends_with("as a daemon")) row.named = Named::operator_;
  return rows;
}

std::vector<RefusalRow> rows_of_requests() {
  return {
      denied_to("a deadline of 0", sends(request_bytes(1, "apps/svc", u32_bytes(0))), "request",
                "deadline_invalid"),
      denied_to("a deadline over 10 min", sends(request_bytes(1, "apps/svc", u32_bytes(600'001))),
                "request", "deadline_invalid"),
      denied_to("a request over 1 MiB",
                sends(request_bytes(1, "apps/svc", a_second, payload_max + 1)), "request",
                "payload_too_large"),
      {.name = "a reply over 1 MiB",
       .act = reply_too_large,
       .told = "FAILED payload_too_large",
       .reasons = {"payload_too_large"},
       .operation = "reply"},
      of_frame("a correlation in use", correlation_in_use, "malformed_frame"),
      untold("nobody serves the name", sends(request_bytes(1, "apps/nobody")),
             "FAILED no_responder"),
      untold("the responder leaves", responder_leaves, "FAILED responder_gone"),
      untold("the deadline passes", responder_is_silent, "FAILED timeout", 150ms),
  };
}

// ---- Topics ------------------------------------------------------------------------------------

std::vector<RefusalRow> rows_of_topics() {
  struct Form {
    std::string name, topic;
    bool valid_as_pattern = false;
  };
  const std::vector<Form> forms = {
      {"nothing", ""},
      {"an empty level", "apps//x"},
      {"a leading slash", "/apps/x"},
      {"a trailing slash", "apps/x/"},
      {"a wildcard", "apps/*", true},
      {"half a wildcard", "apps/x*"},
      {"a ** before the end", "apps/**/x"},
      {"eleven levels", "apps/2/3/4/5/6/7/8/9/10/11"},
      {"a control character", "apps/\x01x"},
      {"a C1 control", "apps/\xc2\x85"},
      {"white space", "apps/a b"},
      {"wide white space", "apps/\xe3\x80\x80"},
      {"a byte that is not UTF-8", "apps/\xff"},
      {"an overlong form", "apps/\xc0\xaf"},
      {"a surrogate", "apps/\xed\xa0\x80"},
      {"a cut character", "apps/\xe2\x82"},
  };
  struct Operation {
    std::string name;
    std::function<std::string(const std::string&)> frame;
    bool takes_patterns = false;
  };
  const std::vector<Operation> operations = {
      {"publish", [](const std::string& topic) { return publish_bytes(1, topic, {"x"}); }},
      {"subscribe", [](const std::string& topic) { return record_bytes(subscribe, 1, topic); },
       true},
      {"request", [](const std::string& topic) { return request_bytes(1, topic); }},
      {"serve", [](const std::string& topic) { return record_bytes(serve, 1, topic); }, true},
      {"watch", [](const std::string& topic) { return record_bytes(watch, 1, topic); }},
  };
  std::vector<RefusalRow> rows;
  for (const Operation& operation : operations)
    for (const Form& form : forms)
      if (!operation.takes_patterns || !form.valid_as_pattern)
        rows.push_back(denied_to(operation.name + " on " + form.name,
                                 sends(operation.frame(form.topic)), operation.name,
                                 "topic_invalid"));
  return rows;
}

}  // namespace guild::test
