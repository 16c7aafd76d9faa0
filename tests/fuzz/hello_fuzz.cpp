// Any bytes as what a connection says first, before the broker knows more of it than its key: no
// answer but WELCOME or REFUSED comes before a good HELLO, nothing comes after REFUSED, and what
// HELLO offers, however much, is a bound on what is sent. The first byte says whether the key is
// still listed and whether the broker is draining.
#include <cstdint>
#include <string_view>

#include "broker/core.hpp"
#include "common/base/assert.hpp"
#include "common/base/bytes.hpp"
#include "common/bus/frame.hpp"

using namespace guild;
using namespace guild::broker;

namespace {

constexpr SessionId stranger{1}, publisher{2};

class Listener final : public Wire {
 public:
  void send(std::span<const SessionId> to, std::string_view frame) override {
    if (to.front() != stranger) return;
    bus::FrameReader reader(frame);
    while (const auto record = reader.next()) hear(*record);
    GUILD_ASSERT(reader.ok());
  }
  void end(SessionId session) override { ended = ended || session == stranger; }
  void denied(const messages::BusDenied&) override {}
  void client_event(const messages::BusClientEvent&) override {}
  void traffic(const messages::BusTraffic&) override {}

  bool welcome = false, refused = false, ended = false;
  std::uint64_t items = 0;

 private:
  void hear(const bus::Record& record) {
    GUILD_ASSERT(!refused && !ended);
    if (record.kind == bus::Kind::welcome) {
      GUILD_ASSERT(!welcome && record.name == "ada" && bus::read_welcome(record.body));
      welcome = true;
      return;
    }
    refused = record.kind == bus::Kind::refused;
    GUILD_ASSERT(refused || welcome);
    if (record.kind == bus::Kind::deliver)
      items += bus::count_items(bus::read_deliver(record.body)->items).value();
  }
};

/// What the first record is allowed to begin, if it is a good HELLO.
std::optional<bus::Hello> hello_of(std::string_view frame) {
  bus::FrameReader reader(frame);
  const auto record = reader.next();
  if (!record || record->kind != bus::Kind::hello) return {};
  const auto hello = bus::read_hello(record->body);
  return hello && hello->version == bus::protocol_version ? hello : std::nullopt;
}

keys::AuthorizedClient client(const char* name) {
  keys::AuthorizedClient client;
  client.name = name;
  client.publish = client.subscribe = client.request = client.serve = {"**"};
  return client;
}

void send(Core& core, SessionId session, const bus::FrameWriter& frame, const Moment& now) {
  core.receive(session, frame.frame(), now);
  core.flush();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool listed = (data[0] & 1U) == 0, draining = (data[0] & 2U) != 0;
  const std::string_view bytes = as_text({data + 1, size - 1});
  const Moment now{Instant{1'700'000'000'000'000'000}, Steady{} + std::chrono::hours(1)};
  Listener wire;
  CoreOptions options;
  options.limits.queue_messages_max = 20;
  Core core(options, {client("ada"), client("bob")}, wire);

  bus::FrameWriter frame;
  core.connect(publisher, {.name = "bob", .key = {}, .label = "bob#1"}, now);
  frame.hello({.version = 1, .flags = 0, .credit_messages = 9, .credit_bytes = 999});
  send(core, publisher, frame, now);

  core.connect(stranger, {.name = "ada", .key = {}, .label = "ada#1"}, now);
  if (!listed) core.replace_permissions({client("bob")}, now);
  if (draining) core.start_draining();
  core.receive(stranger, bytes, now);
  core.flush();
  const auto hello = hello_of(bytes);
  const bool wanted = hello && listed && !draining;
  // Who says GOODBYE in the same frame is told nothing.
  GUILD_ASSERT(wire.welcome ? wanted : !wanted || wire.ended);
  if (wire.refused) GUILD_ASSERT(wire.ended);

  frame.clear();
  frame.plain(bus::Kind::subscribe, 1, "a");
  send(core, stranger, frame, now);
  frame.clear();
  for (std::uint64_t sequence = 1; sequence <= 50; ++sequence)
    frame.publish_item(2 * sequence, "a", false, "x");  // Each a record of its own.
  send(core, publisher, frame, now);
  // Fifty items, and those that it sent itself and heard.
  if (wire.welcome) GUILD_ASSERT(wire.items <= hello->credit_messages + std::uint64_t{size});
  if (!wire.welcome) GUILD_ASSERT(wire.items == 0);

  core.disconnect(stranger, now);
  core.disconnect(publisher, now);
  GUILD_ASSERT(core.sessions_open() == 0);
  for (const auto& row : core.stats().rows) {
    std::int64_t dropped = 0;
    for (const auto& [reason, count] : row.dropped) dropped += count;
    GUILD_ASSERT(row.queued == 0 && row.in_flight == 0 && row.routed == row.delivered + dropped);
  }
  return 0;
}
