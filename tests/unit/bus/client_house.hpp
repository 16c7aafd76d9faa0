// What the tests of the client share: a folder with a broker's socket and both sides' keys, a
// client run as a program with an event loop runs it (it polls fd() alone, and pumps only when that
// is readable), and what it told of its session.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/bus/client.hpp"
#include "common/bus/frame.hpp"
#include "tests/unit/bus/fake_broker.hpp"

namespace guild::bus::test {

using namespace std::chrono_literals;

using Clock = std::chrono::steady_clock;

/// A folder for the broker's socket, and the keys of both sides.
class House {
 public:
  House() {
    static int serial = 0;
    folder_ = std::filesystem::temp_directory_path() /
              ("guild-bus-" + std::to_string(getpid()) + "-" + std::to_string(++serial));
    std::filesystem::create_directories(folder_);
  }
  ~House() { std::filesystem::remove_all(folder_); }

  std::string endpoint() const { return "ipc://" + (folder_ / "bus.sock").string(); }
  FakeBroker::Options broker() const {
    FakeBroker::Options options;
    options.endpoint = endpoint();
    options.keys = broker_keys;
    return options;
  }
  ClientOptions client() const {
    ClientOptions options;
    options.endpoint = endpoint();
    options.credentials = {.name = "tester",
                           .public_key = client_keys.public_key,
                           .secret_key = client_keys.secret_key,
                           .broker_public_key = broker_keys.public_key};
    return options;
  }

  KeyPair broker_keys = make_keys();
  KeyPair client_keys = make_keys();

 private:
  std::filesystem::path folder_;
};

inline std::unique_ptr<Client> make(ClientOptions options) {
  auto client = Client::make(std::move(options));
  REQUIRE(client.has_value());
  return std::move(*client);
}

/// Answers whether `done` came true. `done` may look at the broker, so it is asked now and then.
inline bool run(const std::vector<Client*>& clients, const std::function<bool()>& done,
                Duration limit = 10s) {
  const auto end = Clock::now() + limit;
  while (!done()) {
    if (Clock::now() >= end) return false;
    std::vector<pollfd> waiting;
    for (Client* client : clients) waiting.push_back({client->fd(), POLLIN, 0});
    poll(waiting.data(), waiting.size(), 5);
    for (std::size_t i = 0; i < clients.size(); ++i)
      if (waiting[i].revents != 0) clients[i]->pump();
  }
  return true;
}
inline bool run(Client& client, const std::function<bool()>& done, Duration limit = 10s) {
  return run({&client}, done, limit);
}
inline bool connect(Client& client) {
  return run(client, [&] { return client.connected(); });
}

/// Remembers every session event.
struct Events {
  std::deque<SessionEvent> seen;
  explicit Events(Client& client) {
    client.on_session([this](const SessionEvent& event) { seen.push_back(event); });
  }
  bool has(SessionState state) const {
    return std::ranges::any_of(seen, [&](const auto& event) { return event.state == state; });
  }
  const SessionEvent* with_code(std::string_view code) const {
    for (const auto& event : seen)
      if (event.error && event.error->code == code) return &event;
    return nullptr;
  }
  bool resubscribed() const {
    return std::ranges::any_of(seen, [](const auto& event) { return event.resubscribed; });
  }
};

inline std::string code_of(const Result<void>& result) {
  return result ? "ok" : result.error().code;
}
inline std::string text_of(const Result<std::string>& result) {
  return result ? *result : "error " + result.error().code;
}

}  // namespace guild::bus::test
