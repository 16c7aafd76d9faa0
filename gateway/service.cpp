#include "gateway/service.hpp"

#include <boost/asio/ip/address.hpp>

#include <fmt/format.h>

#include "common/base/file.hpp"
#include "common/log/log.hpp"
#include "gateway/api.hpp"
#include "gateway/server.hpp"
#include "keys/keyring.hpp"

namespace guild::gateway {

namespace {

Result<void> check_loopback(const std::string& text) {
  boost::system::error_code problem;
  const auto address = boost::asio::ip::make_address(text, problem);
  if (problem || address.is_loopback()) return {};  // What is no address is named by listen().
  return fail(
      ErrorKind::invalid, "address_not_loopback",
      fmt::format("[gateway] address {} is reachable from other machines, and this door has no TLS",
                  text),
      "use 127.0.0.1 with a TLS proxy in front");
}

Allowed allowed_sources(const host::GatewaySettings& settings, std::uint16_t port) {
  Allowed allowed{.hosts = {"localhost", settings.address.value}, .origins = {}};
  if (settings.address.value.find(':') != std::string::npos)
    allowed.hosts.push_back("[" + settings.address.value + "]");
  for (const std::string& host : allowed.hosts)
    allowed.origins.push_back(fmt::format("http://{}:{}", host, port));
  for (const auto& host : settings.allowed_hosts) allowed.hosts.push_back(host);
  for (const auto& origin : settings.allowed_origins) allowed.origins.push_back(origin);
  return allowed;
}

class Gateway : public host::Service {
 public:
  Gateway(host::Host& host, std::array<std::uint8_t, 32> token_hash)
      : host_(host), api_(host, token_hash) {}

  Result<void> listen() {
    const auto& settings = host_.settings().gateway;
    GUILD_CHECK(check_loopback(settings.address));
    ServerOptions options{
        .address = settings.address,
        .port = static_cast<std::uint16_t>(settings.port.value),
        .body_bytes_max = static_cast<std::uint64_t>(settings.body_bytes_max.value),
        .connections_max = static_cast<std::size_t>(settings.connections_max.value)};
    GUILD_TRY(server_, Server::listen(host_.loop(), std::move(options), [this](Request request) {
                return api_.handle(std::move(request));
              }));
    const std::uint16_t port = server_->port();
    api_.set_allowed(allowed_sources(settings, port));
    GUILD_CHECK(replace_file(port_file(), fmt::format("{}\n", port)));
    server_->start();
    GUILD_LOG(info, "server", "listening at http://{}:{}", settings.address.value, port);
    return {};
  }

  void drain(std::function<void()> done) override {
    std::error_code ignored;
    std::filesystem::remove(port_file(), ignored);
    server_->drain(std::move(done));
  }

  std::map<std::string, std::int64_t> counters() const override {
    const auto& server = server_->counters();
    const auto& api = api_.counters();
    return {{"requests", api.requests},
            {"requests_refused", api.refused},
            {"requests_failed", api.failed},
            {"connections", server.open},
            {"connections_accepted", server.accepted},
            {"connections_turned_away", server.turned_away},
            {"requests_malformed", server.malformed}};
  }

 private:
  std::filesystem::path port_file() const { return host_.home().run() / "gateway.port"; }

  host::Host& host_;
  Api api_;
  std::unique_ptr<Server> server_;
};

}  // namespace

Result<std::unique_ptr<host::Service>> start(host::Host& host) {
  GUILD_TRY(const auto token_hash, keys::load_operator_token_hash(host.home().keys(), "gateway"));
  auto gateway = std::make_unique<Gateway>(host, token_hash);
  GUILD_CHECK(gateway->listen());
  return gateway;
}

}  // namespace guild::gateway
