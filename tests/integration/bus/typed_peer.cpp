// typed_peer ENDPOINT KEYS_DIR NAME connect
// typed_peer ENDPOINT KEYS_DIR NAME publish TOPIC BYTES | subscribe PATTERN | serve PATTERN |
//            watch TOPIC | request NAME DEADLINE_MS BYTES
// One act of the suite's own client library, as any program would do it, and the error that the
// program gets: {"code", "kind", "acted_ns", "told_ns"} on stdout, of the monotonic clock.
// `connect` says "ready" on stderr once it has a session, and waits for the error that ends it.
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/bus/client.hpp"
#include "keys/keyring.hpp"

namespace {

using namespace guild;
using namespace std::chrono_literals;

constexpr auto limit = 10s;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Result<std::unique_ptr<bus::Client>> make_client(const std::string& endpoint,
                                                 const std::string& keys_dir,
                                                 const std::string& name) {
  GUILD_TRY(keys::ClientKeys keys, keys::load_client(keys_dir, name));
  bus::ClientOptions options;
  options.endpoint = endpoint;
  options.give_up_when_refused = true;
  options.credentials = {std::move(keys.name), keys.public_key, keys.secret_key,
                         keys.broker_public_key};
  return bus::Client::make(std::move(options));
}

/// The error of one act; nothing when it was allowed.
class Act {
 public:
  explicit Act(bus::Client& client) : client_(client) {}

  std::optional<Error> connect() {
    listen_for_session_errors();
    bool told_ready = false;
    client_.pump_until(
        [&] {
          if (client_.connected() && !std::exchange(told_ready, true))
            std::fprintf(stderr, "ready\n");
          return error_.has_value();
        },
        limit);
    return error_;
  }

  std::optional<Error> publish(const std::string& topic, std::size_t size) {
    return wait(client_.publish(topic, std::string(size, 'x'), noting()));
  }
  std::optional<Error> subscribe(const std::string& pattern) {
    return wait(client_.subscribe(pattern, [](const bus::Delivery&) {}, noting()));
  }
  std::optional<Error> serve(const std::string& pattern) {
    return wait(client_.serve(pattern, [](std::string_view, bus::Responder) {}, noting()));
  }
  std::optional<Error> watch(const std::string& topic) {
    listen_for_session_errors();
    return wait(client_.watch(topic, [this](const auto&) { answered_ = true; }));
  }
  std::optional<Error> request(const std::string& name, std::chrono::milliseconds deadline,
                               std::size_t size) {
    return wait(client_.request(name, std::string(size, 'x'), deadline,
                                [this](Result<std::string> reply) { note(reply); }));
  }

 private:
  void listen_for_session_errors() {
    client_.on_session([this](const bus::SessionEvent& event) {
      if (event.error && !error_) error_ = event.error;
    });
  }
  bus::OnDone noting() {
    return [this](Result<void> result) { note(result); };
  }
  template <class T>
  void note(const Result<T>& result) {
    answered_ = true;
    if (!result) error_ = result.error();
  }
  std::optional<Error> wait(const Result<void>& queued) {
    note(queued);
    answered_ = !queued;
    client_.pump_until([&] { return answered_ || error_; }, limit);
    return error_;
  }

  bus::Client& client_;
  std::optional<Error> error_;
  bool answered_ = false;
};

std::optional<Error> act(Act& act, const std::vector<std::string>& words) {
  const std::string& what = words[0];
  if (what == "publish") return act.publish(words.at(1), std::stoul(words.at(2)));
  if (what == "subscribe") return act.subscribe(words.at(1));
  if (what == "serve") return act.serve(words.at(1));
  if (what == "watch") return act.watch(words.at(1));
  if (what == "request")
    return act.request(words.at(1), std::chrono::milliseconds(std::stol(words.at(2))),
                       std::stoul(words.at(3)));
  return act.connect();
}

int report(const std::optional<Error>& error, std::int64_t acted_ns) {
  const std::string code = error ? error->code : "none";
  std::printf(R"({"code":"%s","acted_ns":%lld,"told_ns":%lld})"
              "\n",
              code.c_str(), static_cast<long long>(acted_ns), static_cast<long long>(now_ns()));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  const std::vector<std::string> words(argv + 4, argv + argc);
  auto acted_ns = now_ns();
  auto client = make_client(argv[1], argv[2], argv[3]);
  if (!client) return report(client.error(), acted_ns);
  if (words[0] != "connect") {
    if (const auto connected = (*client)->wait_connected(limit); !connected)
      return report(connected.error(), acted_ns);
    acted_ns = now_ns();
  }
  Act one(**client);
  return report(act(one, words), acted_ns);
}
