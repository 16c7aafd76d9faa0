#include "gateway/server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <list>

namespace guild::gateway {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::uint32_t header_bytes_max = 16'384;
// Time for a whole request to arrive, and for the next one to begin on a kept connection.
constexpr auto request_time_max = std::chrono::seconds(30);

using WireRequest = http::request<http::string_body>;
using WireResponse = http::response<http::string_body>;

Error read_error(error_code problem) {
  if (problem == http::error::body_limit)
    return {ErrorKind::invalid, "body_too_large", "the body is larger than this server takes",
            "see [gateway] body_bytes_max"};
  if (problem == http::error::header_limit)
    return {ErrorKind::invalid, "header_too_large", "the header is larger than 16 KiB", ""};
  return {ErrorKind::invalid, "request_malformed",
          "the request is not HTTP/1.1: " + problem.message(), ""};
}

// Ends that are nobody's fault: the peer left or took too long between requests.
bool is_quiet_end(error_code problem) {
  return problem == http::error::end_of_stream || problem == asio::error::eof ||
         problem == asio::error::connection_reset || problem == asio::error::operation_aborted ||
         problem == beast::error::timeout;
}

Request to_request(WireRequest& wire) {
  Request request;
  request.method = std::string(wire.method_string());
  for (const auto& field : wire) {
    std::string name(field.name_string());
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    request.headers.emplace(std::move(name), std::string(field.value()));
  }
  request.body = std::move(wire.body());
  return request;
}

WireResponse to_wire(Response response, unsigned version, bool keep_alive) {
  WireResponse wire{static_cast<http::status>(response.status), version};
  wire.set(http::field::server, "guildhall");
  wire.set(http::field::content_type, response.content_type);
  // Nothing here is for framing, sniffing or storing by browsers and caches in between.
  wire.set("X-Content-Type-Options", "nosniff");
  wire.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  wire.set(http::field::cache_control, "no-store");
  for (auto& [name, value] : response.headers) wire.set(name, value);
  wire.body() = std::move(response.body);
  wire.keep_alive(keep_alive);
  wire.prepare_payload();
  return wire;
}

}  // namespace

struct Server::State : std::enable_shared_from_this<Server::State> {
  struct Connection {
    beast::tcp_stream stream;
    bool answering = false;
  };

  State(asio::io_context& io, ServerOptions given, Handler handle)
      : loop(io), options(std::move(given)), handler(std::move(handle)), acceptor(io), retry(io) {}

  Result<void> listen();
  asio::awaitable<void> accept();
  asio::awaitable<void> converse(std::list<Connection>::iterator connection);
  asio::awaitable<bool> answer_one(Connection& connection, beast::flat_buffer& buffer);
  void leave(std::list<Connection>::iterator connection);

  asio::io_context& loop;
  ServerOptions options;
  Handler handler;
  tcp::acceptor acceptor;
  asio::steady_timer retry;
  std::list<Connection> connections;
  bool draining = false;
  std::function<void()> drained;
  Counters counters;
};

Result<void> Server::State::listen() {
  error_code problem;
  const auto address = asio::ip::make_address(options.address, problem);
  if (problem) {
    return fail(ErrorKind::invalid, "address_invalid",
                fmt::format("[gateway] address {} is not an IP address", options.address),
                "use 127.0.0.1");
  }
  const tcp::endpoint endpoint(address, options.port);
  const std::string shown = fmt::format("{}:{}", options.address, options.port);
  (void)acceptor.open(endpoint.protocol(), problem);
  if (!problem) (void)acceptor.set_option(tcp::acceptor::reuse_address(true), problem);
  if (!problem) (void)acceptor.bind(endpoint, problem);
  if (!problem) (void)acceptor.listen(asio::socket_base::max_listen_connections, problem);
  if (problem == asio::error::address_in_use) {
    return fail(ErrorKind::conflict, "port_taken",
                fmt::format("listen at {}: another process has this port", shown),
                "set [gateway] port to a free one, or to 0 to have one picked");
  }
  if (problem)
    return fail(ErrorKind::failed, "listen_failed",
                fmt::format("listen at {}: {}", shown, problem.message()));
  return {};
}

asio::awaitable<void> Server::State::accept() {
  auto self = shared_from_this();
  while (!draining) {
    auto [problem, socket] = co_await acceptor.async_accept(use_tuple);
    if (draining || problem == asio::error::operation_aborted) break;
    if (problem) {
      // Out of descriptors or memory: there will be some again when a connection has ended.
      retry.expires_after(std::chrono::milliseconds(100));
      co_await retry.async_wait(use_tuple);
      continue;
    }
    if (connections.size() >= options.connections_max) {
      ++counters.turned_away;
      continue;  // The socket closes as it leaves this scope.
    }
    ++counters.accepted;
    connections.emplace_front(Connection{beast::tcp_stream(std::move(socket)), false});
    asio::co_spawn(loop, converse(connections.begin()), asio::detached);
  }
}

asio::awaitable<void> Server::State::converse(std::list<Connection>::iterator connection) {
  auto self = shared_from_this();
  beast::flat_buffer buffer(header_bytes_max + 65'536);
  while (co_await answer_one(*connection, buffer)) {
  }
  error_code ignored;
  (void)connection->stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  leave(connection);
}

// One request and its answer; whether the connection may carry another.
asio::awaitable<bool> Server::State::answer_one(Connection& connection,
                                                beast::flat_buffer& buffer) {
  http::request_parser<http::string_body> parser;
  parser.header_limit(header_bytes_max);
  parser.body_limit(options.body_bytes_max);
  connection.stream.expires_after(request_time_max);
  const auto [problem, size] =
      co_await http::async_read(connection.stream, buffer, parser, use_tuple);
  if (problem && is_quiet_end(problem)) co_return false;
  connection.answering = true;

  Response response;
  bool keep_alive = false;
  unsigned version = 11;
  bool head_only = false;
  if (problem) {
    ++counters.malformed;
    response = gateway::problem(read_error(problem));
  } else {
    WireRequest wire = parser.release();
    version = wire.version();
    keep_alive = wire.keep_alive() && !draining;
    head_only = wire.method() == http::verb::head;
    Request request = to_request(wire);
    const auto target = parse_target(wire.target(), request);
    // The handler has its own deadline; the stream's would cut off a slow but sound answer.
    connection.stream.expires_never();
    // Not as one conditional expression: g++ 12 destroys a co_await's temporaries twice in it.
    if (target) {
      response = co_await handler(std::move(request));
    } else {
      response = gateway::problem(target.error());
    }
  }
  WireResponse wire = to_wire(std::move(response), version, keep_alive);
  if (head_only) wire.body().clear();
  connection.stream.expires_after(request_time_max);
  const auto [write_problem, written] =
      co_await http::async_write(connection.stream, wire, use_tuple);
  connection.answering = false;
  co_return !write_problem && keep_alive && !draining;
}

void Server::State::leave(std::list<Connection>::iterator connection) {
  connections.erase(connection);
  if (draining && connections.empty() && drained) std::exchange(drained, {})();
}

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::listen(asio::io_context& loop, ServerOptions options,
                                               Handler handler) {
  auto state = std::make_shared<State>(loop, std::move(options), std::move(handler));
  GUILD_CHECK(state->listen());
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

std::uint16_t Server::port() const {
  error_code problem;
  return state_->acceptor.local_endpoint(problem).port();
}

void Server::start() { asio::co_spawn(state_->loop, state_->accept(), asio::detached); }

void Server::drain(std::function<void()> done) {
  state_->draining = true;
  error_code ignored;
  (void)state_->acceptor.close(ignored);
  state_->retry.cancel();
  if (state_->connections.empty()) return done();
  state_->drained = std::move(done);
  for (auto& connection : state_->connections)
    if (!connection.answering) connection.stream.cancel();
}

const Server::Counters& Server::counters() const {
  state_->counters.open = static_cast<std::int64_t>(state_->connections.size());
  return state_->counters;
}

}  // namespace guild::gateway
