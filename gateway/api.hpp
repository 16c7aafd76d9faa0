// The REST routes: who may call which, what each asks of the bus, and how the answer reads.
// A route is one coroutine on the host's loop thread. Every failure becomes a problem document; the
// details of our own failures go to the log only. Bounded by [gateway] request_timeout.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/host/host.hpp"
#include "gateway/guard.hpp"
#include "gateway/http.hpp"

namespace guild::gateway {

/// A caller whose credential was verified, but for routes where the owner of the data alone does.
struct Caller {
  messages::Credential
      credential;  ///< Goes along to the daemon that owns the data, which checks it.
  bool is_operator = false;
  std::string bot;  ///< Its handle, when not an operator.

  std::string principal() const { return is_operator ? "operator" : "bot/" + bot; }
};

class Api {
 public:
  Api(host::Host& host, std::array<std::uint8_t, 32> operator_token_hash);

  /// Where requests may come from; the port is known once the server listens.
  void set_allowed(Allowed allowed) { allowed_ = std::move(allowed); }
  /// Never fails: what goes wrong is the response. The Api must outlive it.
  boost::asio::awaitable<Response> handle(Request request);

  struct Counters {
    std::int64_t requests = 0, refused = 0, failed = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  using Answer = boost::asio::awaitable<Result<Response>>;
  struct Route;
  static const std::vector<Route>& routes();
  Result<const Route*> find_route(const Request& request) const;
  Answer respond(const Request& request);
  boost::asio::awaitable<Result<Caller>> identify(const Request& request);

  /// Asks `<served name>` over the bus; the reply decoded, or the responder's error.
  template <class Reply, class Message>
  boost::asio::awaitable<Result<Reply>> ask(std::string_view served_name, const Message& message);
  /// The same, as the answer of a route.
  template <class Reply, class Message>
  Answer pass_on(std::string_view served_name, const Message& message, unsigned status = 200);
  boost::asio::awaitable<Result<std::string>> ask_raw(std::string served_name, std::string payload,
                                                      Duration deadline);

  Answer get_healthz(const Request& request, const Caller& caller);
  Answer get_readyz(const Request& request, const Caller& caller);
  Answer get_metrics(const Request& request, const Caller& caller);
  Answer get_bots(const Request& request, const Caller& caller);
  Answer post_bots(const Request& request, const Caller& caller);
  Answer get_bot(const Request& request, const Caller& caller);
  Answer delete_bot(const Request& request, const Caller& caller);
  Answer post_revival(const Request& request, const Caller& caller);
  Answer get_insights(const Request& request, const Caller& caller);
  Answer post_token(const Request& request, const Caller& caller);
  Answer post_transfers(const Request& request, const Caller& caller);
  Answer get_tasks(const Request& request, const Caller& caller);
  Answer post_tasks(const Request& request, const Caller& caller);
  Answer get_task(const Request& request, const Caller& caller);
  Answer delete_task(const Request& request, const Caller& caller);
  Answer get_task_output(const Request& request, const Caller& caller);
  Answer get_logs(const Request& request, const Caller& caller);
  // The economy's (api_economy.cpp).
  Answer get_feed(const Request& request, const Caller& caller);
  Answer get_markets(const Request& request, const Caller& caller);
  Answer post_markets(const Request& request, const Caller& caller);
  Answer get_market(const Request& request, const Caller& caller);
  Answer post_market_answer(const Request& request, const Caller& caller);
  Answer get_viability(const Request& request, const Caller& caller);
  Answer get_observation(const Request& request, const Caller& caller);
  Answer post_action(const Request& request, const Caller& caller);

  host::Host& host_;
  std::array<std::uint8_t, 32> operator_token_hash_;
  Allowed allowed_;
  Counters counters_;
};

}  // namespace guild::gateway
