#include "tests/chaos/siege_lies.hpp"

#include <zmq.h>

#include <algorithm>
#include <stdexcept>

namespace guild::siege {
namespace {

using namespace raw;
using namespace std::chrono_literals;

constexpr std::size_t frame_bytes_max = 1'310'720, payload_bytes_max = 1'048'576;
constexpr std::uint64_t last_ping = 4'711;

/// What a bot may speak of lies under its own level; so nothing it may do is an attack on others.
const std::string own_level = "bots/liar/", own_topic = own_level + "lie",
                  nobodys_name = own_level + "none";

std::string u16_bytes(unsigned value) {
  return {static_cast<char>(value & 0xFFU), static_cast<char>(value >> 8U)};
}

/// A record whose own sizes are what they are said to be, not what they are.
std::string record_that_says(std::uint32_t length, unsigned kind, unsigned topic_size,
                             unsigned name_size, std::string_view rest) {
  std::string bytes = u32_bytes(length);
  bytes.push_back(static_cast<char>(kind));
  bytes.push_back(static_cast<char>(topic_size));
  return (bytes + u16_bytes(name_size) + u64_bytes(1)).append(rest);
}

std::string hello_that_says(unsigned version, std::uint32_t messages, std::uint64_t bytes) {
  return record_bytes(
      hello, 0, {}, {},
      u16_bytes(version) + u16_bytes(0xFFFF) + u32_bytes(messages) + u64_bytes(bytes));
}

std::string ask_for(std::uint64_t number, std::string_view name, std::uint32_t deadline_ms) {
  return record_bytes(request, number, name, {}, u32_bytes(deadline_ms) + "payload");
}

/// Items whose sizes say more, or less, than there is.
std::string items_that_say(std::uint32_t size) {
  return std::string(1, '\1') + u32_bytes(size) + "item";
}

std::string corrupted(std::mt19937& random) {
  std::string bytes = publish_bytes(1, own_topic, {"one", "two"}, true) +
                      record_bytes(subscribe, 2, own_topic) + ask_for(3, nobodys_name, 5'000) +
                      record_bytes(credit, 0, {}, {}, u32_bytes(0));
  for (unsigned i = 0; i < 1 + random() % 8; ++i)
    bytes[random() % bytes.size()] = static_cast<char>(random() & 0xFFU);
  return bytes;
}

/// Names, topics and numbers that are not for it.
std::vector<Lie> about_rights() {
  std::vector<Lie> list;
  for (const std::string_view topic :
       {"bus/denied", "logs/ledgerd/book", "logs-committed/broker", "ledger/entry", "apps/echo",
        "apps/flow", "**", "bots/*/lie", "bots/liar", "bots/liar//x", "/bots/liar", "bots/liar/",
        "bots/liar/ x", "bots/liar/\x01", "bots/liar/\xFF\xFE", "a/b/c/d/e/f/g/h/i/j/k", ""})
    list.push_back({{record_bytes(publish, 1, topic, "operator", items_that_say(4)) +
                     record_bytes(subscribe, 2, topic, "operator") + record_bytes(serve, 3, topic) +
                     record_bytes(watch, 4, topic) + ask_for(5, topic, 1'000)}});
  return list;
}

std::vector<Lie> about_sizes() {
  const std::string body = items_that_say(4);
  return {
      {{record_that_says(0, publish, 0, 0, body)}},
      {{record_that_says(11, publish, 0, 0, body)}},
      {{record_that_says(0xFFFFFFFF, publish, 8, 0, body)}},
      {{record_that_says(0x7FFFFFFF, publish, 8, 0, body)}},
      {{record_that_says(20, publish, 255, 0, body)}},
      {{record_that_says(20, publish, 0, 0xFFFF, body)}},
      {{record_that_says(20, publish, 251, 65, body)}},
      {{record_bytes(publish, 1, own_topic, {}, items_that_say(0xFFFFFFFF))}},
      {{record_bytes(publish, 1, own_topic, {}, items_that_say(3))}},
      {{record_bytes(publish, 1, own_topic, {}, items_that_say(5))}},
      {{record_bytes(publish, 1, own_topic, {}, std::string(1, '\1'))}},
      {{record_bytes(publish, 1, own_topic)}},
      {{record_bytes(credit, 1, {}, {}, "12")}},
      {{record_bytes(request, 1, nobodys_name, {}, "1")}},
      {{record_bytes(reply, 1)}},
      {{record_bytes(publish, 1, own_topic, std::string(64, 'n'), body) + "rest"}},
  };
}

std::vector<Lie> about_numbers() {
  const auto max = ~std::uint64_t{0};
  const std::vector<std::string> item = {"item"};
  return {
      {{publish_bytes(0, own_topic, item, true)}},
      {{publish_bytes(max, own_topic, item, true)}},
      {{publish_bytes(max - 1, own_topic, {"one", "two"}, true)}},
      {{publish_bytes(9, own_topic, item) + publish_bytes(9, own_topic, item)}},
      {{publish_bytes(9, own_topic, item) + publish_bytes(8, own_topic, item)}},
      {{record_bytes(credit, 1, {}, {}, u32_bytes(1))}},
      {{record_bytes(credit, max, {}, {}, u32_bytes(0xFFFFFFFF))}},
      {{record_bytes(reply, max, {}, {}, std::string(1, '\0') + "of nobody's request")}},
      {{record_bytes(13, max) + record_bytes(3, max, nobodys_name) + record_bytes(5, 0, "x")}},
      {{ask_for(1, nobodys_name, 0) + ask_for(2, nobodys_name, 0xFFFFFFFF)}},
      // A request to itself that stays unanswered, and its number again.
      {{record_bytes(serve, 1, own_topic) + ask_for(2, own_topic, 600'000) +
        ask_for(2, own_topic, 600'000)}},
      {{hello_bytes()}},
      {{hello_that_says(999, 0, 0)}},
      {{record_bytes(goodbye, 0) + publish_bytes(1, own_topic, item), hello_bytes()}},
  };
}

/// Kinds that only the broker speaks, and that nobody does.
std::vector<Lie> about_kinds() {
  std::vector<Lie> list;
  for (const unsigned kind : {0U, 14U, 64U, welcome, refused, deliver, ack, grant, presence, 255U})
    list.push_back({{record_bytes(kind, 1, own_topic, "operator", "body")}});
  return list;
}

std::vector<Lie> over_the_limits() {
  const std::string large(payload_bytes_max + 1, 'x');
  return {
      {.frames = {publish_bytes(1, own_topic, {large}, true)}, .over_limit = true},
      {.frames = {std::string(frame_bytes_max + 1, 'x')}, .over_limit = true},
      {.frames = {publish_bytes(1, own_topic, {large, large})}, .over_limit = true},
      {.frames = {std::string(3U << 20U, 'x')}, .over_limit = true},
  };
}

/// What grows in the broker: topics, subscriptions, names, requests.
std::vector<Lie> about_plenty(std::mt19937& random) {
  std::string topics, subscriptions, requests = record_bytes(serve, 1, own_topic);
  for (std::uint64_t i = 1; i <= 1'000; ++i)
    topics += publish_bytes(i, own_level + std::to_string(random()), {"x"}, true);
  for (std::uint64_t i = 1; i <= 1'100; ++i)
    subscriptions += record_bytes(subscribe, i, own_level + std::to_string(random()) + "/**");
  for (std::uint64_t i = 2; i <= 1'000; ++i) requests += ask_for(i, own_topic, 600'000);
  return {{{topics}}, {{subscriptions}}, {{requests}}};
}

void append(std::vector<Lie>& list, std::vector<Lie> more) {
  std::ranges::move(more, std::back_inserter(list));
}

}  // namespace

std::vector<Lie> lies(std::mt19937& random) {
  std::vector<Lie> list = {
      {{"", "", "", record_bytes(ping, 1)}},
      {.frames = {record_bytes(ping, 1), record_bytes(ping, 2), "third"}, .in_parts = true},
      {{record_that_says(12, ping, 0, 0, ""), std::string(65'536, '\0')}},
  };
  append(list, about_rights());
  append(list, about_sizes());
  append(list, about_numbers());
  append(list, about_kinds());
  append(list, about_plenty(random));
  append(list, over_the_limits());
  for (int i = 0; i < 50; ++i) list.push_back({{corrupted(random)}});
  std::ranges::shuffle(list, random);
  return list;
}

void tell(const Siege& siege, const Lie& lie) {
  const auto client = RawClient::join(siege.endpoint, siege.keys, ~std::uint32_t{0}, 1U << 20U);
  if (lie.in_parts)
    client->send_parts(lie.frames);
  else
    for (const std::string& frame : lie.frames) client->send(frame);
  try {
    client->send(record_bytes(ping, last_ping));
  } catch (const std::runtime_error&) {
    return;  // Cut off already.
  }
  const auto limit = Clock::now() + 10s;
  while (Clock::now() < limit) {
    const auto record = client->next(50ms);
    if (record &&
        (record->kind == refused || (record->kind == pong && record->number == last_ping)))
      return;
    if (!record && client->wait_event(ZMQ_EVENT_DISCONNECTED, 0ms) != 0) return;
  }
  throw std::runtime_error("the broker neither answered nor hung up");
}

}  // namespace guild::siege
