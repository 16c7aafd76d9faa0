#include "bench/bus/nats_client.hpp"

#include <fmt/format.h>

#include "bench/bus/worker.hpp"
#include "common/base/file.hpp"

namespace guild::bench {
namespace {

constexpr std::int64_t answer_limit_ms = 10'000;
/// What waits may be a whole run.
constexpr std::int64_t flush_limit_ms = 120'000;
constexpr std::size_t password_bytes_max = 1'024;
/// The name in the certificate that the server is started with.
constexpr const char* server_name = "localhost";

Result<void> checked(natsStatus status, std::string_view action) {
  if (status == NATS_OK) return {};
  const char* detail = nats_GetLastError(nullptr);
  return failed("nats_failed", fmt::format("{}: {} ({})", action, natsStatus_GetText(status),
                                           detail == nullptr ? "no detail" : detail));
}

}  // namespace

Result<NatsOptions> nats_options(const NatsServer& server, Sending sending) {
  GUILD_TRY(const std::string password, read_file(server.password_file, password_bytes_max));
  natsOptions* made = nullptr;
  GUILD_CHECK(checked(natsOptions_Create(&made), "make options"));
  NatsOptions options(made, &natsOptions_Destroy);
  GUILD_CHECK(checked(natsOptions_SetURL(made, server.url.c_str()), "set the url"));
  GUILD_CHECK(checked(natsOptions_SetUserInfo(made, server.user.c_str(), password.c_str()),
                      "set user and password"));
  GUILD_CHECK(checked(natsOptions_SetSecure(made, true), "ask for TLS"));
  GUILD_CHECK(checked(natsOptions_LoadCATrustedCertificates(made, server.ca_file.c_str()),
                      "load the CA " + server.ca_file));
  GUILD_CHECK(checked(natsOptions_SetExpectedHostname(made, server_name), "set the server's name"));
  GUILD_CHECK(checked(natsOptions_SetAllowReconnect(made, false), "forbid reconnects"));
  GUILD_CHECK(
      checked(natsOptions_SetSendAsap(made, sending == Sending::at_once), "set how to send"));
  return options;
}

Result<std::unique_ptr<NatsClient>> NatsClient::connect(const NatsOptions& options) {
  std::unique_ptr<NatsClient> client(new NatsClient);
  GUILD_CHECK(checked(natsOptions_SetErrorHandler(options.get(), &on_error, client.get()),
                      "set the error handler"));
  GUILD_CHECK(checked(natsOptions_SetClosedCB(options.get(), &on_closed, client.get()),
                      "set the closed handler"));
  natsConnection* connection = nullptr;
  GUILD_CHECK(checked(natsConnection_Connect(&connection, options.get()), "connect"));
  client->connection_.reset(connection);
  return client;
}

NatsClient::~NatsClient() {
  if (connection_ == nullptr) return;
  natsConnection_Close(connection_.get());
  if (subscription_ != nullptr) complete_.acquire();
  closed_.acquire();
}

Result<void> NatsClient::publish(const std::string& subject, std::string_view payload) {
  const natsStatus status = natsConnection_Publish(
      connection_.get(), subject.c_str(), payload.data(), static_cast<int>(payload.size()));
  if (status == NATS_OK) return {};
  return checked(status, "publish on " + subject);
}

Result<void> NatsClient::flush() {
  return checked(natsConnection_FlushTimeout(connection_.get(), flush_limit_ms), "flush");
}

Result<void> NatsClient::subscribe(const std::string& subject, OnMessage on_message) {
  on_message_ = std::move(on_message);
  natsSubscription* subscription = nullptr;
  GUILD_CHECK(checked(natsConnection_Subscribe(&subscription, connection_.get(), subject.c_str(),
                                               &NatsClient::on_message, this),
                      "subscribe to " + subject));
  GUILD_CHECK(checked(natsSubscription_SetOnCompleteCB(subscription, &on_complete, this),
                      "set the last handler"));
  subscription_.reset(subscription);
  GUILD_CHECK(checked(natsSubscription_SetPendingLimits(subscription, -1, -1), "lift the limits"));
  GUILD_CHECK(flush());
  return check();
}

Result<std::string> NatsClient::request(const std::string& subject, std::string_view payload) {
  natsMsg* answer = nullptr;
  GUILD_CHECK(
      checked(natsConnection_Request(&answer, connection_.get(), subject.c_str(), payload.data(),
                                     static_cast<int>(payload.size()), answer_limit_ms),
              "request " + subject));
  const std::unique_ptr<natsMsg, decltype(&natsMsg_Destroy)> owned(answer, &natsMsg_Destroy);
  return std::string(payload_of(answer));
}

Result<void> NatsClient::check() const {
  const std::scoped_lock lock(mutex_);
  if (problem_) return failed("nats_failed", *problem_);
  return {};
}

void NatsClient::note(std::string problem) {
  const std::scoped_lock lock(mutex_);
  if (!problem_) problem_ = std::move(problem);
}

void NatsClient::on_error(natsConnection*, natsSubscription*, natsStatus status, void* self) {
  static_cast<NatsClient*>(self)->note(
      fmt::format("the library reports: {}", natsStatus_GetText(status)));
}

void NatsClient::on_closed(natsConnection*, void* self) {
  static_cast<NatsClient*>(self)->note("the connection was closed");
  static_cast<NatsClient*>(self)->closed_.release();
}

void NatsClient::on_complete(void* self) { static_cast<NatsClient*>(self)->complete_.release(); }

void NatsClient::on_message(natsConnection* connection, natsSubscription*, natsMsg* message,
                            void* self) {
  const std::unique_ptr<natsMsg, decltype(&natsMsg_Destroy)> owned(message, &natsMsg_Destroy);
  static_cast<NatsClient*>(self)->on_message_(connection, message);
}

std::string_view payload_of(natsMsg* message) {
  return {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))};
}

}  // namespace guild::bench
