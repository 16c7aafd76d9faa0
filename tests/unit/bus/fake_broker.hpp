// A broker small enough to misbehave on purpose: raw libzmq, one thread, no permissions but these:
// topics under `forbidden/` are denied, requests under `slow/` are never answered, and those under
// `gone/` fail with responder_gone. It speaks through our own frame code, whose bytes the golden
// tests pin; it shares nothing else with the client.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/base/secret.hpp"
#include "common/bus/client.hpp"
#include "common/bus/frame.hpp"

namespace guild::bus::test {

struct KeyPair {
  std::array<std::uint8_t, 32> public_key{};
  Secret32 secret_key;
};
KeyPair make_keys();

class FakeBroker {
 public:
  struct Options {
    std::string endpoint;
    KeyPair keys;
    bool refuse_keys = false;  ///< ZAP 400 for everyone.
    bool welcome = true;
    std::uint64_t credit_bytes = 1U << 20U;
    std::uint32_t credit_messages = 1U << 18U;
    std::uint32_t payload_max = payload_bytes_max;
    std::string name = "tester";  ///< What it calls every client.
  };
  explicit FakeBroker(Options options);
  /// Gone as if killed: nothing is said to the clients.
  ~FakeBroker();
  FakeBroker(const FakeBroker&) = delete;

  /// As bound: with a port of its own where the options asked for any.
  std::string endpoint() const;

  // Switches; may change while it runs.
  std::atomic<bool> return_credit{true};
  std::atomic<bool> hold_publish_credit{false};  ///< As under policy `block`.
  std::atomic<bool> ack{true};
  std::atomic<bool> deny_subscriptions{false};

  /// Sends these bytes to every session, as one frame, or as two parts of one message.
  void inject(std::string frame, bool as_two_parts = false);

  // What it has seen.
  std::atomic<int> sessions{0}, goodbyes{0}, cancels{0}, out_of_order{0}, before_hello{0};
  std::atomic<std::uint64_t> items{0}, data_frames{0}, requests{0}, replies{0};
  std::atomic<std::uint64_t> credited_bytes{0}, credited_messages{0}, sent_bytes{0},
      sent_messages{0};
  std::vector<std::string> asked() const;     ///< "subscribe a/b", in order.
  std::vector<std::string> payloads() const;  ///< Of the first 1000 items.

 private:
  struct Session {
    std::uint64_t next_sequence = 1;
    std::set<std::string> subscriptions, serves;
    FrameWriter out;
  };
  struct Open {
    std::string requester;
    std::uint64_t correlation;
    std::string name;
  };
  void serve_keys();
  void serve_clients();
  void take(const std::string& id, std::string_view frame);
  void apply(const std::string& id, Session& session, const Record& record);
  void apply_publish(Session& session, const Record& record);
  void apply_request(const std::string& id, const Record& record);
  void apply_reply(const Record& record);
  void give_credit(Session& session, const Record& record, std::uint32_t messages);
  void flush();
  void send_injected();

  Options options_;
  void* context_ = nullptr;
  void* router_ = nullptr;
  void* keys_ = nullptr;
  std::map<std::string, Session> sessions_;
  std::map<std::uint64_t, Open> open_;
  std::uint64_t next_request_ = 1;
  std::array<std::uint8_t, 16> instance_{};

  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, bool>> injected_;
  std::vector<std::string> asked_, payloads_;
  std::atomic<bool> stop_{false};
  std::thread keys_thread_, clients_thread_;
};

}  // namespace guild::bus::test
