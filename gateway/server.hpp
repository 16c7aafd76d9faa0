// The HTTP/1.1 server: accepts, reads bounded requests, hands them to a handler, writes its
// answers. All on one loop. Limits: header 16 KiB, body `body_bytes_max`, `connections_max`
// connections, 30 s for a request to arrive and 60 s for an idle connection. Malformed requests are
// answered with a problem and the connection is closed. Source: RFC 9112, Boost.Beast.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "gateway/http.hpp"

namespace guild::gateway {

struct ServerOptions {
  std::string address;  ///< An IP address to bind.
  std::uint16_t port = 0;
  std::uint64_t body_bytes_max = 1U << 20U;
  std::size_t connections_max = 1'000;
};

class Server {
 public:
  using Handler = std::function<boost::asio::awaitable<Response>(Request)>;

  /// Binds and listens; accepting starts with `start`. Codes address_invalid, port_taken,
  /// listen_failed.
  static Result<std::unique_ptr<Server>> listen(boost::asio::io_context& loop,
                                                ServerOptions options, Handler handler);
  ~Server();

  std::uint16_t port() const;
  void start();
  /// Accepts no more, closes idle connections, lets requests in work be answered, then calls
  /// `done`.
  void drain(std::function<void()> done);

  struct Counters {
    std::int64_t accepted = 0, open = 0, turned_away = 0, malformed = 0;
  };
  const Counters& counters() const;

 private:
  struct State;
  explicit Server(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // Shared with the connections' coroutines.
};

}  // namespace guild::gateway
