// `guild bus`: speak, listen and ask. bus_watch.cpp has what the broker tells of itself,
// bus_bench.cpp the measurements.
#include <memory>

#include <fmt/format.h>

#include "cli/bus.hpp"
#include "cli/nouns.hpp"
#include "cli/payload.hpp"
#include "cli/session.hpp"
#include "common/bus/topic.hpp"

namespace guild::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct PubArguments {
  std::string topic, payload;
  bool ack = false;
};

/// The broker's ack is waited for in any case: without it a refusal would go unseen.
Result<Exit> pub(Context& context, const PubArguments& arguments) {
  GUILD_CHECK(bus::check_topic(arguments.topic));
  GUILD_TRY(const std::string payload, read_payload(arguments.payload));
  GUILD_TRY(Session session, Session::open(context));
  const Duration limit = context.timeout_or(answer_limit);
  GUILD_CHECK(session.client().publish_and_wait(arguments.topic, payload, limit));
  if (arguments.ack)
    context.out.say(fmt::format("accepted: {} bytes on {}", payload.size(), arguments.topic));
  return Exit::ok;
}

struct SubArguments {
  std::string pattern;
  std::optional<messages::Range<1, 1'000'000'000>> count;
};

/// One subscription, printed as it comes.
class Listener {
 public:
  Listener(Context& context, Session session, std::optional<std::int64_t> wanted)
      : context_(context), wanted_(wanted), session_(std::move(session)) {}

  Result<void> subscribe(const std::string& pattern) {
    GUILD_CHECK(session_.client().subscribe_and_wait(
        pattern, [this](const bus::Delivery& delivery) { take(delivery); },
        context_.timeout_or(answer_limit), [this](const bus::GapNotice& gap) { tell(gap); }));
    context_.out.say("subscribed to " + pattern);
    session_.client().on_session([this](const bus::SessionEvent& event) { tell(event); });
    return {};
  }

  /// Until all that was wanted has come, the session is over, or the time is up.
  Result<Exit> listen(std::optional<Duration> limit) {
    const auto end = Clock::now() + limit.value_or(Duration::zero());
    for (;;) {
      session_.client().pump();
      context_.out.flush();
      if (is_done()) return Exit::ok;
      if (over_) return fail(*over_);
      const Duration left = limit ? end - Clock::now() : longest_limit;
      if (left <= Duration::zero()) return time_is_up(limit.value_or(longest_limit));
      session_.wait_once(left);
    }
  }

 private:
  bool is_done() const { return wanted_ && seen_ >= *wanted_; }

  void take(const bus::Delivery& delivery) {
    if (is_done()) return;
    ++seen_;
    const BusMessage message = message_of(delivery);
    context_.out.line(context_.json() ? messages::encode(message) : line_of(message));
  }

  void tell(const bus::GapNotice& gap) {
    context_.out.say(fmt::format("gap: {} messages of {} on {} ({} to {}) are lost: {}", gap.count,
                                 gap.sender, gap.topic, gap.first, gap.last, gap.reason));
  }

  void tell(const bus::SessionEvent& event) {
    if (event.resubscribed) context_.out.say("connected again, and subscribed again");
    if (event.state == bus::SessionState::refused || event.state == bus::SessionState::closed)
      over_ = event.error;
    else if (event.error)
      context_.out.say("not connected: " + event.error->message);
  }

  Result<Exit> time_is_up(Duration limit) const {
    if (!wanted_) return Exit::ok;  // It was to listen for so long.
    return fail(ErrorKind::timeout, "timeout",
                fmt::format("{} of {} messages came within {}", seen_, *wanted_, to_text(limit)),
                "see whether anybody publishes there: guild bus stats");
  }

  Context& context_;
  std::optional<std::int64_t> wanted_;
  std::int64_t seen_ = 0;
  std::optional<Error> over_;
  Session session_;  // Last, so that it ends first: it calls us back.
};

Result<Exit> sub(Context& context, const SubArguments& arguments) {
  GUILD_CHECK(bus::check_pattern(arguments.pattern));
  GUILD_TRY(Session session, Session::open(context));
  Listener listener(context, std::move(session), arguments.count);
  GUILD_CHECK(listener.subscribe(arguments.pattern));
  return listener.listen(context.has_timeout() ? std::optional(context.timeout_or(answer_limit))
                                               : std::nullopt);
}

struct RequestArguments {
  std::string name, payload;
};

Result<Exit> request(Context& context, const RequestArguments& arguments) {
  GUILD_CHECK(bus::check_topic(arguments.name));
  GUILD_TRY(const std::string payload, read_payload(arguments.payload));
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const std::string reply,
            session.ask_raw(arguments.name, payload, context.timeout_or(answer_limit)));
  context.out.line(context.out.data_is_terminal() ? escape_controls(reply) : reply);
  return Exit::ok;
}

struct PingArguments {
  std::string daemon = "broker";
  messages::Range<1, 1'000'000, 3> count;
};

Result<Exit> ping(Context& context, const PingArguments& arguments) {
  GUILD_CHECK(check_name("daemon", arguments.daemon));
  GUILD_TRY(Session session, Session::open(context));
  const std::string name = arguments.daemon + "/health";
  for (std::int64_t i = 0; i < arguments.count; ++i) {
    const auto start = Clock::now();
    GUILD_CHECK(session.ask_raw(name, messages::encode(messages::Nothing{}),
                                context.timeout_or(answer_limit)));
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
    context.out.line(context.json()
                         ? messages::encode(Pong{arguments.daemon, us.count()})
                         : fmt::format("{} answered in {}", arguments.daemon, to_text(us)));
    context.out.flush();
  }
  return Exit::ok;
}

}  // namespace

void add_bus(Command& root) {
  Command& noun = root.add("bus", "the encrypted bus: speak, listen, ask, watch, measure");

  const auto published = std::make_shared<PubArguments>();
  noun.add("pub", "publish one message")
      .takes("TOPIC", published->topic, "levels between slashes: demo/hello")
      .takes("PAYLOAD", published->payload, "the text itself, - for stdin, @FILE for a file")
      .flag("--ack", published->ack, "say so when the broker has accepted it")
      .runs([published](Context& context) { return pub(context, *published); });

  const auto subscribed = std::make_shared<SubArguments>();
  noun.add("sub", "print messages as they come")
      .takes("PATTERN", subscribed->pattern, "* is one level, a last ** the rest: 'demo/**'")
      .option("--count", "N", subscribed->count, "end after so many")
      .runs([subscribed](Context& context) { return sub(context, *subscribed); });

  const auto requested = std::make_shared<RequestArguments>();
  noun.add("request", "ask whoever serves a name, and print the reply as it came")
      .takes("NAME", requested->name, "a served name: ledgerd/balance")
      .takes("PAYLOAD", requested->payload, "the text itself, - for stdin, @FILE for a file")
      .runs([requested](Context& context) { return request(context, *requested); });

  const auto pinged = std::make_shared<PingArguments>();
  noun.add("ping", "how long a daemon takes to answer over the bus")
      .may_take("DAEMON", pinged->daemon, "broker, if left out")
      .option("--count", "N", pinged->count, "how often (3)")
      .runs([pinged](Context& context) { return ping(context, *pinged); });

  add_bus_watch(noun);
  add_bus_bench(noun);
}

}  // namespace guild::cli
