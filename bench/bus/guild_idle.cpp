// Holds sessions with a broker and does nothing in them, each a real client of the product's own
// library with one subscription. It says "ready" once every subscription is confirmed, and ends
// when its stdin closes.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "bench/bus/worker.hpp"
#include "common/bus/client.hpp"
#include "keys/keyring.hpp"

namespace guild::bench {
namespace {

constexpr std::string_view client_name = "bench";
constexpr Duration connect_limit = std::chrono::seconds(60);

struct Arguments {
  Work work;
  std::string home, endpoint;
};

class IdleSessions {
 public:
  explicit IdleSessions(const Arguments& arguments) : arguments_(arguments) {}

  Result<void> open() {
    for (std::int64_t i = 0; i < arguments_.work.sessions; ++i) {
      GUILD_CHECK(open_one(i));
    }
    return {};
  }

  /// Until stdin closes. A session that ends meanwhile is an error.
  Result<void> hold() {
    std::vector<pollfd> watched = {{STDIN_FILENO, POLLIN, 0}};
    for (const auto& client : clients_) watched.push_back({client->fd(), POLLIN, 0});
    while (watched.front().revents == 0) {
      if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR)
        return fail(system_error("wait for sessions", errno));
      for (const auto& client : clients_) client->pump();
      if (!std::ranges::all_of(clients_, [](const auto& each) { return each->connected(); }))
        return failed("session_lost", "an idle session ended");
    }
    return {};
  }

 private:
  Result<void> open_one(std::int64_t number) {
    GUILD_TRY(keys::ClientKeys keys, keys::load_client(arguments_.home + "/keys", client_name));
    bus::ClientOptions options;
    options.endpoint = arguments_.endpoint;
    options.credentials = {std::move(keys.name), keys.public_key, keys.secret_key,
                           keys.broker_public_key};
    options.give_up_when_refused = true;
    GUILD_TRY(auto client, bus::Client::make(std::move(options)));
    GUILD_CHECK(client->wait_connected(connect_limit));
    GUILD_CHECK(client->subscribe_and_wait(
        fmt::format("bench/idle/{}/{}", arguments_.work.index, number), [](const bus::Delivery&) {},
        connect_limit));
    clients_.push_back(std::move(client));
    return {};
  }

  const Arguments& arguments_;
  std::vector<std::unique_ptr<bus::Client>> clients_;
};

Result<void> run(const Arguments& arguments) {
  if (arguments.work.role != "idle")
    return failed("role_unknown", "idle is the only role here; guild bus bench has the others");
  IdleSessions sessions(arguments);
  GUILD_CHECK(sessions.open());
  say("ready");
  return sessions.hold();
}

}  // namespace
}  // namespace guild::bench

int main(int argc, char** argv) {
  using namespace guild::bench;
  CLI::App app("sessions that do nothing");
  Arguments arguments;
  add_options(app, arguments.work);
  app.add_option("--home", arguments.home, "whose keys to use")->required();
  app.add_option("--endpoint", arguments.endpoint, "of the broker")->required();
  return run_program(app, argc, argv, [&arguments] { return run(arguments); });
}
