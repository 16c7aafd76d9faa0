// Session: this command's own session with the broker, as one client of the list, and requests over
// it with typed answers. The encrypted session is real: open answers only after WELCOME.
// Errors are those of the bus client with the command's next step; a request that nobody serves
// names the daemon that is down. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cli/context.hpp"
#include "common/bus/client.hpp"
#include "common/messages/codec.hpp"

namespace guild::cli {

inline constexpr Duration answer_limit = std::chrono::seconds(5);
/// The longest deadline that the protocol knows.
inline constexpr Duration longest_limit = std::chrono::minutes(10);

enum class Patience {
  none,        ///< A broker that does not answer, or a key it refuses, ends it at once.
  for_broker,  ///< Waits for the broker, but not for a key it refuses.
};

class Session {
 public:
  /// As the client of --as, within --timeout.
  static Result<Session> open(Context& context);
  static Result<Session> open_as(Context& context, const std::string& client, Duration limit,
                                 Patience patience);

  bus::Client& client() { return *client_; }
  const std::string& endpoint() const { return endpoint_; }

  template <class Reply, class Request>
  Result<Reply> ask(std::string_view name, const Request& request, Duration limit) {
    GUILD_TRY(const std::string answer, ask_raw(name, messages::encode(request), limit));
    return messages::decode<Reply>(answer);
  }
  /// The same, sent again when its answer was lost (the broker or the daemon restarts), until
  /// `limit`: only for requests that mean the same when they come twice. Somebody must have been
  /// there for the first.
  template <class Reply, class Request>
  Result<Reply> ask_until_answered(std::string_view name, const Request& request, Duration limit) {
    GUILD_TRY(const std::string answer,
              ask_raw_until_answered(name, messages::encode(request), limit));
    return messages::decode<Reply>(answer);
  }
  Result<std::string> ask_raw(std::string_view name, std::string_view payload, Duration limit);
  Result<std::string> ask_raw_until_answered(std::string_view name, std::string_view payload,
                                             Duration limit);

  /// Pumps until `done`, telling on stderr what is waited for when it takes over a second.
  bool wait(const std::function<bool()>& done, Duration limit, std::string_view what);
  /// Waits until there is something to pump, `fd` (if any) is readable, or `limit`. Pump before it:
  /// who prints what came does so between the two, or it stands there until the next thing comes.
  void wait_once(Duration limit, int fd = -1);
  /// Pumps, waits, pumps.
  void pump_once(Duration limit, int fd = -1);

 private:
  Session(Context& context, std::unique_ptr<bus::Client> client, std::string endpoint)
      : context_(&context), client_(std::move(client)), endpoint_(std::move(endpoint)) {}
  Result<void> connect(Duration limit, Patience patience);

  Context* context_;
  std::unique_ptr<bus::Client> client_;
  std::string endpoint_;
};

/// What a bus client of our own needs to be `name`.
Result<bus::ClientOptions> bus_options(Context& context, const std::string& name);

/// The broker is not there, or whoever should answer is not: reads may look into the file instead.
bool is_broker_down(const Error& error);
bool is_daemon_down(const Error& error);

}  // namespace guild::cli
