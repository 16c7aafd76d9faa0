// Any frames of any clients, in any order, through the broker's core: nothing may crash, hang, or
// lose a message uncounted. The input is steps: `u8 who and what, u16 size, bytes`; the bytes are a
// frame of one of three clients that may do everything under any topic, or the step is time
// passing, a client leaving, coming, or the list changing.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/core.hpp"
#include "common/base/assert.hpp"
#include "common/base/bytes.hpp"
#include "common/bus/frame.hpp"

using namespace guild;
using namespace guild::broker;

namespace {

class Nobody final : public Wire {
 public:
  void send(std::span<const SessionId>, std::string_view frame) override {
    GUILD_ASSERT(!frame.empty() && frame.size() <= bus::frame_bytes_max);
    bus::FrameReader reader(frame);
    while (reader.next()) {
    }
    GUILD_ASSERT(reader.ok());
  }
  void end(SessionId) override {}
  void denied(const messages::BusDenied&) override {}
  void client_event(const messages::BusClientEvent&) override {}
  void traffic(const messages::BusTraffic&) override {}
};

std::vector<keys::AuthorizedClient> list() {
  std::vector<keys::AuthorizedClient> clients;
  for (const char* name : {"ada", "bob", "eve"}) {
    keys::AuthorizedClient client;
    client.name = name;
    client.publish = client.subscribe = client.request = client.serve = {"**", "logs/**"};
    clients.push_back(client);
  }
  return clients;
}

CoreOptions options() {
  CoreOptions options;
  options.limits.queue_messages_max = 8;
  options.limits.queue_bytes_max = 4'096;
  options.limits.block_messages = 4;
  options.limits.window_messages = 32;
  options.limits.rows_max = 6;
  options.limits.topics_max = 4;
  options.limits.subscriptions_max = 8;
  options.overflow = {{.topics = "a/**", .subscriber = "", .overflow = Overflow::block},
                      {.topics = "b/**", .subscriber = "", .overflow = Overflow::disconnect}};
  return options;
}

class World {
 public:
  World() {
    for (std::size_t who = 0; who < sessions_.size(); ++who) join(who);
  }

  void step(std::uint8_t what, std::string_view bytes) {
    const std::size_t who = what % sessions_.size();
    switch (what / 32) {
      case 0:
        advance(std::chrono::milliseconds(bytes.size()));
        break;
      case 1:
        core_.disconnect(sessions_[who], now_);
        join(who);
        break;
      case 2:
        core_.replace_permissions(list(), now_);
        break;
      default:
        core_.receive(sessions_[who], bytes, now_);
    }
    if (what % 2 == 0) core_.flush();
  }

  void check() {
    core_.flush();
    advance(std::chrono::minutes(11));
    for (const auto& row : core_.stats().rows) {
      std::int64_t dropped = 0;
      for (const auto& [reason, count] : row.dropped) dropped += count;
      GUILD_ASSERT(row.routed == row.delivered + row.queued + row.in_flight + dropped);
    }
    GUILD_ASSERT(core_.requests_waiting() == 0);
    GUILD_ASSERT(core_.clients().clients.size() == core_.sessions_open());
  }

 private:
  void join(std::size_t who) {
    static constexpr const char* names[] = {"ada", "bob", "eve"};
    sessions_[who] = static_cast<SessionId>(++last_);
    core_.connect(sessions_[who], {.name = names[who], .key = {}, .label = "x#1"}, now_);
    bus::FrameWriter frame;
    frame.hello({.version = 1, .flags = 0, .credit_messages = 5, .credit_bytes = 500});
    core_.receive(sessions_[who], frame.frame(), now_);
  }
  void advance(Duration by) {
    now_.wall = now_.wall + by;
    now_.steady += by;
    core_.tick(now_);
    core_.flush();
  }

  Nobody wire_;
  Moment now_{Instant{1'700'000'000'000'000'000}, Steady{} + std::chrono::hours(1)};
  Core core_{options(), list(), wire_};
  std::array<SessionId, 3> sessions_{};
  std::uint64_t last_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = as_text({data, size});
  World world;
  constexpr std::size_t head = 3;
  while (rest.size() >= head) {
    const auto what = load_le<std::uint8_t>(rest.data());
    const std::size_t wanted = load_le<std::uint16_t>(rest.data() + 1);
    rest.remove_prefix(head);
    const std::string_view bytes = rest.substr(0, wanted);
    rest.remove_prefix(bytes.size());
    world.step(what, bytes);
  }
  world.check();
  return 0;
}
