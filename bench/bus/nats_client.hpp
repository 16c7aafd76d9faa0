// A NATS client as its maker recommends for speed: publishing is asynchronous (the library gathers
// and a flush at the end waits for the server's answer), receiving is by callback on a thread of
// the library's. TLS verifies the server's certificate against our CA and its name. It does not
// reconnect: whatever would lose or refuse a message is a problem, kept here and told. Source:
// nats.h 3.4.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>

#include <nats/nats.h>

#include "common/base/result.hpp"

namespace guild::bench {

struct NatsServer {
  std::string url;
  std::string ca_file, password_file;
  std::string user = "bench";
};

/// Whether what is published is sent at once, from the publisher's thread, or gathered first.
enum class Sending { gathered, at_once };

/// Made once for all clients of a process: OpenSSL reads its whole store of certificates for each.
using NatsOptions = std::unique_ptr<natsOptions, decltype(&natsOptions_Destroy)>;
Result<NatsOptions> nats_options(const NatsServer& server, Sending sending);

class NatsClient {
 public:
  using OnMessage = std::function<void(natsConnection*, natsMsg*)>;

  static Result<std::unique_ptr<NatsClient>> connect(const NatsOptions& options);
  NatsClient(const NatsClient&) = delete;
  NatsClient& operator=(const NatsClient&) = delete;
  ~NatsClient();

  Result<void> publish(const std::string& subject, std::string_view payload);
  /// Waits until the server has taken all that was published.
  Result<void> flush();
  /// Once it returns, the server has it. Nothing is dropped on our side, however much waits.
  Result<void> subscribe(const std::string& subject, OnMessage on_message);
  Result<std::string> request(const std::string& subject, std::string_view payload);

  /// What the library told of on its own: a refused permission, a slow consumer, a lost
  /// connection.
  Result<void> check() const;

 private:
  NatsClient() = default;
  void note(std::string problem);
  static void on_error(natsConnection*, natsSubscription*, natsStatus status, void* self);
  static void on_closed(natsConnection*, void* self);
  static void on_complete(void* self);
  static void on_message(natsConnection* connection, natsSubscription*, natsMsg* message,
                         void* self);

  mutable std::mutex mutex_;
  std::optional<std::string> problem_;
  OnMessage on_message_;
  // Released by the library's threads when they will not call us again.
  std::binary_semaphore closed_{0}, complete_{0};
  std::unique_ptr<natsSubscription, decltype(&natsSubscription_Destroy)> subscription_ = {
      nullptr, &natsSubscription_Destroy};
  std::unique_ptr<natsConnection, decltype(&natsConnection_Destroy)> connection_ = {
      nullptr, &natsConnection_Destroy};
};

std::string_view payload_of(natsMsg* message);

}  // namespace guild::bench
