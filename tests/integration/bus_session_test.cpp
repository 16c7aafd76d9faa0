// What a client that is let in may say, and what becomes of one that lies.
#include <zmq.h>

#include <catch2/catch.hpp>

#include "tests/integration/bus_home.hpp"

namespace guild::test {
namespace {

using namespace raw;
using namespace std::chrono_literals;

/// Codes of the protocol.
constexpr unsigned hello_expected = 2, malformed_frame = 3, no_permission = 16, topic_invalid = 17,
                   payload_too_large = 18, no_responder = 32, timeout = 34;

TEST_CASE("a frame cut at each byte ends its own session, typed, and nobody else's") {
  BusHome home;
  const auto bystander = home.join("app-b");
  REQUIRE(bystander->ask(subscribe, "apps/**").kind == done);
  const std::string whole = publish_bytes(1, "apps/t", {"one", "two"});
  for (std::size_t size = 1; size < whole.size(); ++size) {
    INFO("cut at " << size);
    const auto liar = home.join("app-a");
    liar->send(std::string_view(whole).substr(0, size));
    CHECK(liar->expect(refused).code() == malformed_frame);
  }
  const auto honest = home.join("app-a");
  honest->send(whole);
  const RawRecord record = bystander->expect(deliver);
  CHECK(record.items() == std::vector<std::string>{"one", "two"});
  CHECK(record.name == "app-a");
}

TEST_CASE("lies in the fields: another's name, forged kinds, lengths past the end") {
  BusHome home;
  const auto bystander = home.join("app-b");
  REQUIRE(bystander->ask(subscribe, "apps/**").kind == done);

  SECTION("the name in a PUBLISH is ignored") {
    const auto liar = home.join("app-a");
    std::string body(1, '\0');
    body += u32_bytes(2) + "hi";
    liar->send(record_bytes(publish, 1, "apps/t", "operator", body));
    CHECK(bystander->expect(deliver).name == "app-a");
  }
  SECTION("kinds of the broker, and kinds that do not exist") {
    for (const unsigned kind : {0U, 14U, 64U, welcome, deliver, grant, reply_delivery, 255U}) {
      const auto liar = home.join("app-a");
      liar->send(record_bytes(kind, 1, "apps/t", "broker", std::string(12, '\0')));
      INFO("kind " << kind);
      CHECK(liar->expect(refused).code() == malformed_frame);
    }
  }
  SECTION("a length, a topic, a name, an item past the end") {
    std::vector<std::string> lies;
    const std::string good = publish_bytes(1, "apps/t", {"x"});
    for (const std::size_t at : {0U, 3U, 5U, 6U, 7U}) {
      lies.push_back(good);
      lies.back()[at] = '\x7f';
    }
    lies.push_back(
        record_bytes(publish, 1, "apps/t", {}, std::string(1, '\0') + u32_bytes(9) + "x"));
    lies.push_back(record_bytes(publish, 1, "apps/t", {}, std::string(1, '\0')));
    lies.push_back(record_bytes(credit, 5, {}, {}, u32_bytes(1)));
    lies.push_back(record_bytes(credit, 5, {}, {}, "abc"));
    lies.push_back(hello_bytes());
    lies.push_back(publish_bytes(0, "apps/t", {"x"}));
    for (const std::string& lie : lies) {
      const auto liar = home.join("app-a");
      liar->send(lie);
      CHECK(liar->next_of(refused));
    }
  }
  SECTION("before HELLO") {
    RawClient liar(home.bus_endpoint(), home.keys_of("app-a"));
    liar.send(publish_bytes(1, "apps/t", {"x"}));
    CHECK(liar.expect(refused).code() == hello_expected);
  }
  SECTION("several parts") {
    const auto liar = home.join("app-a");
    liar->send_parts({publish_bytes(1, "apps/t", {"x"}), "more"});
    CHECK(liar->expect(refused).code() == malformed_frame);
  }
  SECTION("a routing id of its own choice does not matter; what is over stays over") {
    const auto liar = home.join("app-a");
    liar->send("nonsense");
    CHECK(liar->expect(refused).code() == malformed_frame);
    liar->send(hello_bytes());
    CHECK_FALSE(liar->next_of(welcome, 300ms));
    CHECK(liar->wait_event(ZMQ_EVENT_DISCONNECTED, 2s) != 0);
  }
  // Whatever it was, the bystander is well and heard nothing false.
  bystander->send(record_bytes(ping, 9));
  CHECK(bystander->expect(pong).number == 9);
}

TEST_CASE("oversized: a payload is denied, a frame refused, a message cut off") {
  BusHome home;
  const auto client = home.join("app-a");
  client->send(publish_bytes(1, "apps/t", {std::string((1U << 20U) + 1, 'x')}, true));
  const RawRecord refusal = client->expect(denied);
  CHECK(refusal.code() == payload_too_large);
  CHECK(refusal.u32(1) == 1);
  client->send(publish_bytes(2, "apps/t", {std::string(1U << 20U, 'x')}, true));
  CHECK(client->expect(ack).number == 2);

  client->send(std::string(1'310'721, '\0'));
  CHECK(client->expect(refused).code() == malformed_frame);

  const auto other = home.join("app-a");
  other->send(std::string((2U << 20U) + 100, '\0'));
  CHECK(other->wait_event(ZMQ_EVENT_DISCONNECTED, 3s) != 0);
}

TEST_CASE("the roles' permissions, over the wire") {
  BusHome home;
  const auto watcher = home.watch_denials();
  const auto app = home.join("app-a");
  const auto viewer = home.join("viewer");
  std::uint64_t sequence = 0;
  const auto publishes = [&](RawClient& client, std::string_view topic) {
    client.send(publish_bytes(++sequence, topic, {"x"}, true));
    for (;;) {
      const auto record = client.next();
      REQUIRE(record);
      if (record->kind == ack) return 0U;
      if (record->kind == denied) return record->code();
    }
  };
  const auto answer = [](RawClient& client, unsigned kind, std::string_view topic) {
    const RawRecord record = client.ask(kind, topic);
    return record.kind == done ? 0U : record.code();
  };
  CHECK(publishes(*app, "apps/x/y") == 0);
  CHECK(publishes(*app, "ledger/entry/x") == no_permission);
  CHECK(publishes(*app, "bus/denied") == no_permission);
  CHECK(publishes(*app, "logs/app-a/main") == 0);
  CHECK(publishes(*app, "logs/app-b/main") == no_permission);
  CHECK(publishes(*app, "logs/ledgerd/main") == no_permission);
  CHECK(publishes(*app, "apps//x") == topic_invalid);
  sequence = 0;
  CHECK(publishes(*viewer, "apps/x") == no_permission);

  CHECK(answer(*app, subscribe, "apps/**") == 0);
  CHECK(answer(*app, subscribe, "**") == no_permission);
  CHECK(answer(*app, subscribe, "logs-committed/app-a") == 0);
  CHECK(answer(*app, subscribe, "logs-committed/app-b") == no_permission);
  CHECK(answer(*app, subscribe, "apps/**/x") == topic_invalid);
  CHECK(answer(*viewer, subscribe, "**") == 0);
  CHECK(answer(*app, serve, "apps/svc") == 0);
  CHECK(answer(*app, serve, "ledgerd/transfer") == no_permission);
  CHECK(answer(*viewer, serve, "apps/svc") == no_permission);
  CHECK(answer(*app, watch, "apps/x") == 0);
  CHECK(answer(*app, watch, "ledger/x") == no_permission);
  CHECK(app->call("ledgerd/transfer", "{}").code() == no_permission);
  CHECK(app->call("apps/nobody", "{}").code() == no_responder);
  CHECK(viewer->call("broker/stats", "{}").kind == reply_delivery);

  // The operator may publish everywhere but as a daemon.
  const auto person = home.join("operator");
  sequence = 0;
  CHECK(publishes(*person, "anything/else") == 0);
  CHECK(publishes(*person, "ledger/entry") == no_permission);
  CHECK(answer(*person, serve, "broker/stats") == no_permission);

  CHECK_FALSE(home.next_denial(*watcher, {R"(no_permission","client":"app-a)"}).empty());
}

TEST_CASE("requests over the wire: reply, timeout, a responder that dies") {
  BusHome home;
  const auto asker = home.join("app-a");
  const auto responder = home.join("app-b");
  REQUIRE(responder->ask(serve, "apps/svc").kind == done);
  const std::string body = u32_bytes(3'000) + std::string("question");
  asker->send(record_bytes(request, 1, "apps/svc", {}, body));
  const RawRecord got = responder->expect(request_delivery);
  CHECK(got.name == "app-a");
  CHECK(got.body.substr(8) == "question");
  responder->send(record_bytes(reply, got.number, {}, {}, std::string("\0answer", 7)));
  const RawRecord answer = asker->expect(reply_delivery);
  CHECK(answer.number == 1);
  CHECK(answer.name == "app-b");
  CHECK(answer.body.substr(1) == "answer");

  const auto begin = std::chrono::steady_clock::now();
  asker->send(record_bytes(request, 2, "apps/svc", {}, u32_bytes(150) + std::string("q")));
  CHECK(asker->expect(failed).code() == timeout);
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(took >= 150ms);
  CHECK(took < 1s);
}

}  // namespace
}  // namespace guild::test
