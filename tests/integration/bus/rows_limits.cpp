// Those who want more than there is, at a broker with small limits; and those whom a changed list
// reaches.
#include <zmq.h>

#include "tests/integration/bus/refusal_row.hpp"

namespace guild::test {
namespace {

using namespace raw;
using namespace std::chrono_literals;

/// The broker's own client, the watch, and two more.
constexpr int sessions_max = 4;
constexpr int queue_messages_max = 100;
constexpr int gaps_max = 4'096, subscriptions_max = 1'024, served_max = 256, watches_max = 256;
/// The broker looks at a changed list when the one who writes it is done.
/// From the changed list to the end of the session.
constexpr auto revoked_within = 50ms;

/// The end of a session that the broker knows of: it cuts the connection.
void leave(RawClient& client) {
  client.send(record_bytes(goodbye, 0));
  client.wait_event(ZMQ_EVENT_DISCONNECTED);
}

Seen one_session_more(Stage& stage) {
  const auto first = stage.join_helper(), second = stage.join_helper();
  RawClient client(stage.endpoint(), stage.keys());
  client.wait_event(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  const Seen seen = send_and_hear(client, hello_bytes());
  leave(*first);
  leave(*second);
  return seen;
}

/// `held` of a kind are taken, one more is not.
std::function<Seen(Stage&)> one_more(unsigned kind, int held) {
  return [kind, held](Stage& stage) {
    const auto client = stage.join();
    std::string frame;
    for (int i = 0; i < held; ++i)
      frame += record_bytes(kind, static_cast<std::uint64_t>(i), "apps/" + std::to_string(i));
    client->send(frame);
    for (int i = 0; i < held; ++i)
      if (client->expect(done).number != static_cast<std::uint64_t>(i)) return Seen{};
    const Seen seen = send_and_hear(*client, record_bytes(kind, 1'000'000, "apps/one-more"));
    leave(*client);
    return seen;
  };
}

/// A subscriber under policy `block` that takes nothing holds back its publisher's credit, and the
/// publisher goes on all the same: by a window and one frame it may, and then no more.
Seen publishes_beyond_credit(Stage& stage) {
  const auto subscriber = stage.join_helper(0);
  subscriber->ask(subscribe, "bench/held");
  const auto client = stage.join();
  const std::vector<std::string> crowd(queue_messages_max + 1, "x");
  client->send(publish_bytes(1, "bench/held", crowd, true));
  client->expect(ack);
  std::uint64_t sequence = crowd.size();
  const std::string half(1U << 19U, 'x');
  // 1 MiB of credit and at most 1.25 MiB beyond it: four halves fit, the fifth does not.
  for (int i = 0; i < 4; ++i) {
    client->send(publish_bytes(++sequence, "bench/held", {half}, true));
    client->expect(ack);
  }
  const Seen seen = send_and_hear(*client, publish_bytes(++sequence, "bench/held", {half}));
  leave(*subscriber);
  return seen;
}

/// Its queue is full, and what it has lost cannot even be noted any more: one notice for each
/// topic.
Seen cannot_keep_up(Stage& stage) {
  const auto subscriber = stage.join(0);
  subscriber->ask(subscribe, "apps/**");
  const auto publisher = stage.join_helper();
  std::uint64_t sequence = 0;
  const auto next_topic = [&](bool ack_wanted) {
    ++sequence;
    return publish_bytes(sequence, "apps/" + std::to_string(sequence), {"x"}, ack_wanted);
  };
  std::string frame;
  for (int i = 1; i < queue_messages_max + gaps_max; ++i) frame += next_topic(false);
  publisher->send(frame + next_topic(true));
  publisher->expect(ack);
  const auto acted_at = std::chrono::steady_clock::now();
  publisher->send(next_topic(false));
  const Seen seen = hear_since(*subscriber, acted_at);
  leave(*publisher);
  return seen;
}

/// One message more than its queue holds, on a topic whose policy is to disconnect.
Seen falls_behind_where_it_must_not(Stage& stage) {
  const auto subscriber = stage.join(0);
  subscriber->ask(subscribe, "apps/strict/**");
  const auto publisher = stage.join_helper();
  const std::vector<std::string> full(queue_messages_max, "x");
  publisher->send(publish_bytes(1, "apps/strict/orders", full, true));
  publisher->expect(ack);
  const auto acted_at = std::chrono::steady_clock::now();
  publisher->send(publish_bytes(queue_messages_max + 1, "apps/strict/orders", {"one more"}));
  const Seen seen = hear_since(*subscriber, acted_at);
  leave(*publisher);
  return seen;
}

/// A responder whose queue is full is asked no more.
Seen asks_a_full_responder(Stage& stage) {
  const auto responder = stage.join_helper(0);
  responder->ask(serve, "apps/full");
  const auto client = stage.join();
  const auto ask = [](std::uint64_t correlation) {
    return record_bytes(request, correlation, "apps/full", {},
                        u32_bytes(60'000) + std::string("q"));
  };
  std::string frame;
  for (std::uint64_t i = 0; i <= queue_messages_max; ++i) frame += ask(i);
  client->send(frame);
  const Seen seen = send_and_hear(*client, ask(1'000));
  leave(*client);
  leave(*responder);
  return seen;
}

RefusalRow over_limit(std::string name, std::function<Seen(Stage&)> act, std::string record,
                      std::string operation, std::string code = "too_many") {
  return {.name = std::move(name),
          .act = std::move(act),
          .told = record + " " + code,
          .reasons = {code},
          .operation = std::move(operation)};
}

Seen taken_off_the_list(Stage& stage) {
  const auto client = stage.join();
  client->send(record_bytes(ping, 1));
  client->expect(pong);
  const std::string shorter = stage.list_without_client();
  stage.write_list(shorter);
  return hear_since(*client, std::chrono::steady_clock::now());
}

/// Nobody is told but the operator; what the clients hold stays.
Seen list_with_a_fault(Stage& stage) {
  const std::string before = stage.list();
  const auto client = stage.join();
  const std::size_t from = stage.watch().count();
  stage.write_list(before + "\n[[client]]\nname = \"No Name\"\n");
  const auto acted_at = std::chrono::steady_clock::now();
  stage.watch().wait(
      from, [](const Json& denial) { return denial.at("operation") == "reload"; }, 2s);
  const auto told_at = std::chrono::steady_clock::now();
  const bool holds = client->ask(subscribe, "apps/**").kind == done;
  stage.write_list(before);
  return {holds ? "nobody" : "a bystander", acted_at, told_at};
}

}  // namespace

Stage::Settings narrow_settings() {
  return {{"GUILD_BROKER_SESSIONS_MAX", std::to_string(sessions_max)},
          {"GUILD_BROKER_QUEUE_MESSAGES_MAX", std::to_string(queue_messages_max)},
          {"GUILD_BROKER_OVERFLOW", "apps/strict/** disconnect"}};
}

std::vector<RefusalRow> rows_of_limits() {
  std::vector<RefusalRow> rows = {
      over_limit("a session too many", one_session_more, "REFUSED", "connect"),
      over_limit("a subscription too many", one_more(subscribe, subscriptions_max), "DENIED",
                 "subscribe"),
      over_limit("a served name too many", one_more(serve, served_max), "DENIED", "serve"),
      over_limit("a watch too many", one_more(watch, watches_max), "DENIED", "watch"),
      over_limit("publishing beyond credit", publishes_beyond_credit, "REFUSED", "frame",
                 "credit_exceeded"),
      over_limit("a responder whose queue is full", asks_a_full_responder, "FAILED", "request"),
      over_limit("a consumer too slow for its topic's policy", falls_behind_where_it_must_not,
                 "REFUSED", "frame", "slow_consumer"),
      // Last: it leaves thousands of topics in the statistics.
      over_limit("a consumer too slow to be told of its losses", cannot_keep_up, "REFUSED", "frame",
                 "slow_consumer"),
  };
  return rows;
}

std::vector<RefusalRow> rows_of_the_list() {
  return {
      {.name = "taken off the list",
       .act = taken_off_the_list,
       .told = "REFUSED revoked",
       .reasons = {"revoked"},
       .operation = "frame",
       .limit = revoked_within},
      {.name = "a list with a fault",
       .act = list_with_a_fault,
       .told = "nobody",
       .reasons = {"list_invalid"},
       .operation = "reload",
       .named = Named::nobody},
  };
}

}  // namespace guild::test
