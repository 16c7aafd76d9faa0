#include "cli/session.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "keys/keyring.hpp"

namespace guild::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Between sending a request again that lost its answerer: one slice of a daemon's restart.
constexpr Duration ask_again_after = std::chrono::milliseconds(100);
constexpr Duration quiet_for = std::chrono::seconds(1);

Duration left_of(Clock::time_point end) {
  return std::max<Duration>(end - Clock::now(), Duration::zero());
}

int poll_milliseconds(Duration limit) {
  using std::chrono::milliseconds;
  const auto rounded = std::chrono::ceil<milliseconds>(std::min<Duration>(limit, longest_limit));
  return static_cast<int>(rounded.count());
}

bool is_lost(const Error& error) {
  static constexpr std::array<std::string_view, 4> codes = {"session_lost", "responder_gone",
                                                            "no_responder", "not_connected"};
  return std::ranges::find(codes, error.code) != codes.end();
}

/// "ledgerd" of "ledgerd/transfer"
std::string_view daemon_of(std::string_view name) { return name.substr(0, name.find('/')); }

/// Bus errors say what happened on the bus; a person wants to know which daemon to look at.
Error told_for(std::string_view name, Error error) {
  // What was asked for is known to who typed it.
  if (const std::string prefix = fmt::format("request {}: ", name);
      error.message.starts_with(prefix))
    error.message.erase(0, prefix.size());
  if (error.code == "no_responder" || error.code == "responder_gone") {
    error.message = fmt::format("{} does not answer {}: {}", daemon_of(name), name, error.message);
    error.next_step = "guild status tells what runs; scripts/run_system start starts the suite";
  } else if (error.kind == ErrorKind::timeout && error.next_step.empty()) {
    error.next_step = "give it longer (--timeout 30s), or see guild status";
  }
  return error;
}

Result<keys::ClientKeys> load_keys(const host::Home& home, const std::string& name) {
  auto keys = keys::load_client(home.keys(), name);
  std::error_code ignored;
  if (!keys && keys.error().code == "secret_missing" &&
      !std::filesystem::exists(home.keys() / name, ignored))
    return fail(ErrorKind::not_found, "client_unknown",
                fmt::format("{} has no key in {}", name, home.keys().string()),
                fmt::format("guild keys list shows who has; guild keys add {} --role ROLE", name));
  return keys;
}

}  // namespace

Result<bus::ClientOptions> bus_options(Context& context, const std::string& name) {
  GUILD_TRY(const host::Home home, context.home());
  GUILD_TRY(const host::Settings settings, context.settings(home));
  bus::ClientOptions options;
  GUILD_TRY(options.endpoint, host::bus_endpoint(home, settings));
  GUILD_TRY(keys::ClientKeys keys, load_keys(home, name));
  options.credentials = {std::move(keys.name), keys.public_key, keys.secret_key,
                         keys.broker_public_key};
  return options;
}

bool is_broker_down(const Error& error) { return error.code == "broker_unreachable"; }

bool is_daemon_down(const Error& error) {
  return is_broker_down(error) || error.code == "no_responder" || error.code == "responder_gone";
}

Result<Session> Session::open(Context& context) {
  return open_as(context, context.client_name(), context.timeout_or(answer_limit), Patience::none);
}

Result<Session> Session::open_as(Context& context, const std::string& client, Duration limit,
                                 Patience patience) {
  GUILD_TRY(bus::ClientOptions options, bus_options(context, client));
  options.give_up_when_refused = true;
  std::string endpoint = options.endpoint;
  GUILD_TRY(auto made, bus::Client::make(std::move(options)));
  Session session(context, std::move(made), std::move(endpoint));
  GUILD_CHECK(session.connect(limit, patience));
  return session;
}

Result<void> Session::connect(Duration limit, Patience patience) {
  std::optional<Error> why;
  client_->on_session([&why](const bus::SessionEvent& event) {
    if (event.error) why = event.error;
  });
  const auto settled = [&] {
    if (client_->connected()) return true;
    if (!why) return false;
    if (is_broker_down(*why)) return patience != Patience::for_broker;
    return why->kind == ErrorKind::denied;
  };
  const bool in_time = wait(settled, limit, "the broker at " + endpoint_);
  client_->on_session({});
  if (client_->connected()) return {};
  if (why && is_broker_down(*why))
    return fail(ErrorKind::unavailable, "broker_unreachable",
                "the broker does not answer at " + endpoint_, why->next_step);
  if (why) return fail(*std::move(why));
  return fail(in_time ? ErrorKind::failed : ErrorKind::timeout,
              in_time ? "session_lost" : "timeout",
              fmt::format("no session with the broker at {} within {}", endpoint_, to_text(limit)),
              "see guild status; give it longer with --timeout");
}

void Session::wait_once(Duration limit, int fd) {
  std::array<pollfd, 2> watched = {pollfd{client_->fd(), POLLIN, 0}, pollfd{fd, POLLIN, 0}};
  // A signal or an event ends the wait; the caller looks again in any case.
  (void)::poll(watched.data(), fd < 0 ? 1 : 2, poll_milliseconds(limit));
}

void Session::pump_once(Duration limit, int fd) {
  client_->pump();
  wait_once(limit, fd);
  client_->pump();
}

bool Session::wait(const std::function<bool()>& done, Duration limit, std::string_view what) {
  const auto start = Clock::now();
  const auto end = start + limit;
  for (client_->pump(); !done();) {
    const Duration left = left_of(end);
    if (left == Duration::zero()) return false;
    const Duration waited = Clock::now() - start;
    if (waited >= quiet_for)
      context_->out.overwrite(
          fmt::format("waiting for {} ({} s)", what,
                      std::chrono::duration_cast<std::chrono::seconds>(waited).count()));
    pump_once(std::min(left, quiet_for));
  }
  return true;
}

Result<std::string> Session::ask_raw(std::string_view name, std::string_view payload,
                                     Duration limit) {
  const Duration deadline = std::min(limit, longest_limit);
  std::optional<Result<std::string>> answer;
  GUILD_CHECK(client_->request(name, payload, deadline,
                               [&answer](Result<std::string> came) { answer = std::move(came); }));
  // The broker keeps the deadline and the client watches the broker: an answer always comes.
  while (!answer) wait([&answer] { return answer.has_value(); }, longest_limit, name);
  if (*answer) return **std::move(answer);
  return fail(told_for(name, std::move(*answer).error()));
}

Result<std::string> Session::ask_raw_until_answered(std::string_view name, std::string_view payload,
                                                    Duration limit) {
  const auto end = Clock::now() + limit;
  auto answer = ask_raw(name, payload, limit);
  bool may_have_arrived = false;
  while (!answer && is_lost(answer.error()) && left_of(end) > ask_again_after) {
    may_have_arrived |= answer.error().code != "no_responder";
    if (!may_have_arrived) break;
    pump_once(ask_again_after);
    if (client_->connected()) answer = ask_raw(name, payload, left_of(end));
  }
  return answer;
}

}  // namespace guild::cli
