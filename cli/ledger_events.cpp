// guild ledger events: every leg of the book in order, from where a consumer stopped, and on as
// they are booked. With --follow it subscribes first, then reads what it missed, then goes on with
// what comes; where anything is missing (it was away, the broker or ledgerd was, it was too slow)
// it asks again from its last posting.
#include <deque>
#include <memory>

#include <fmt/format.h>

#include "cli/event_cursor.hpp"
#include "cli/ledger.hpp"
#include "common/bus/topic.hpp"
#include "common/messages/enum_name.hpp"
#include "ledgerd/history.hpp"

namespace guild::cli {
namespace {

using Clock = std::chrono::steady_clock;
using messages::Entry;
using messages::EventsPage;

constexpr std::int64_t page_size = 500;
/// Legs that came live while older ones are being read; past it they are asked for.
constexpr std::size_t waiting_max = 65'536;
/// Between asking again a daemon that is not there.
constexpr Duration ask_again_after = std::chrono::milliseconds(100);

struct EventsArguments {
  messages::Range<0, std::numeric_limits<std::int64_t>::max()> after;
  std::optional<messages::AccountName> account;
  std::optional<messages::Range<1, 1'000'000'000>> count;
  bool follow = false;
};

/// Prints each event once and in order, those of one account or all.
class Printer {
 public:
  Printer(Context& context, const EventsArguments& arguments)
      : context_(context), arguments_(arguments), cursor_(arguments.after) {}

  EventCursor::Verdict take(const Entry& event) {
    const EventCursor::Verdict verdict = cursor_.look_at(event);
    if (verdict == EventCursor::Verdict::next && !is_done()) print(event);
    return verdict;
  }
  Result<void> take(const EventsPage& page) {
    bool is_whole = !page.events.empty() || !page.more;
    for (const Entry& event : page.events)
      is_whole = is_whole && take(event) != EventCursor::Verdict::hole;
    context_.out.flush();
    if (is_whole) return {};
    return fail(ErrorKind::failed, "history_damaged",
                fmt::format("postings after {} are missing from the book", cursor_.after()),
                "run `guild ledger verify`");
  }
  bool is_done() const { return arguments_.count && printed_ >= *arguments_.count; }
  messages::ListEvents next_page() const { return {cursor_.after(), page_size}; }

 private:
  void print(const Entry& event) {
    if (arguments_.account && arguments_.account->view() != event.account.view()) return;
    ++printed_;
    context_.out.line(context_.json() ? messages::encode(event) : line_of(event));
  }
  static std::string line_of(const Entry& event) {
    return escape_to_ascii(fmt::format("{}.{}  {}  {}  {}  {}  {}", event.seq, event.leg,
                                       to_rfc3339(event.time), event.account.value,
                                       messages::enum_name(event.type), event.amount.text(),
                                       event.reference.value));
  }

  Context& context_;
  const EventsArguments& arguments_;
  EventCursor cursor_;
  std::int64_t printed_ = 0;
};

Result<Exit> list(Context& context, const EventsArguments& arguments) {
  GUILD_TRY(Source source, open_ledger(context));
  const Duration limit = context.timeout_or(answer_limit);
  if (arguments.account) {
    const messages::ListEntries one{*arguments.account, 0, 1};
    GUILD_CHECK(source.ask<messages::EntriesPage>(
        "ledgerd/entries", one, limit, [&](storage::Connection& file) {
          return ledgerd::read_entries(file, one.account.view(), one.after, one.limit);
        }));
  }
  Printer printer(context, arguments);
  for (bool more = true; more && !printer.is_done();) {
    const messages::ListEvents request = printer.next_page();
    GUILD_TRY(
        const auto page,
        source.ask<EventsPage>("ledgerd/events", request, limit, [&](storage::Connection& file) {
          return ledgerd::read_events(file, request.after, request.limit);
        }));
    GUILD_CHECK(printer.take(page));
    more = page.more;
  }
  return Exit::ok;
}

/// What passes by itself: the broker or ledgerd restarts, or has too much to do.
bool is_passing(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timeout ||
         error.kind == ErrorKind::exhausted || is_daemon_down(error) ||
         error.code == "session_lost" || error.code == "not_connected";
}

class Follower {
 public:
  Follower(Context& context, const EventsArguments& arguments, Session session)
      : context_(context), printer_(context, arguments), session_(std::move(session)) {}

  Result<void> subscribe() {
    GUILD_CHECK(session_.client().subscribe_and_wait(
        "ledger/entry/**", [this](const bus::Delivery& delivery) { take(delivery); }, answer_limit,
        [this](const bus::GapNotice&) { must_ask_ = true; }));
    session_.client().on_session([this](const bus::SessionEvent& event) { take(event); });
    context_.out.say("subscribed");
    return {};
  }

  /// Until all that was wanted has come, the session is over, or the time is up.
  Result<Exit> run(std::optional<Duration> limit) {
    const auto end = Clock::now() + limit.value_or(Duration::zero());
    while (!printer_.is_done()) {
      if (over_) return fail(*over_);
      const Duration left = limit ? end - Clock::now() : longest_limit;
      if (left <= Duration::zero()) break;
      if (must_ask_ && session_.client().connected()) GUILD_CHECK(catch_up(left));
      print_waiting();
      wait(left);
    }
    return Exit::ok;
  }

 private:
  void take(const bus::Delivery& delivery) {
    auto event = messages::decode<Entry>(delivery.payload);
    if (event && delivery.sender == "ledgerd" && waiting_.size() < waiting_max)
      return waiting_.push_back(*std::move(event));
    must_ask_ = true;
  }
  void take(const bus::SessionEvent& event) {
    if (event.state == bus::SessionState::connected) {
      must_ask_ = true;  // Whatever was published meanwhile went to nobody.
      context_.out.say("connected again, and subscribed again");
    } else if (event.state == bus::SessionState::refused ||
               event.state == bus::SessionState::closed) {
      over_ = event.error;
    }
  }

  /// Reads on to the end of the book; what cannot be read now is asked for again.
  Result<void> catch_up(Duration left) {
    must_ask_ = false;
    for (bool more = true; more && !printer_.is_done();) {
      auto page = session_.ask<EventsPage>("ledgerd/events", printer_.next_page(),
                                           std::min(left, answer_limit));
      if (!page && is_passing(page.error())) return pause(page.error());
      if (!page) return fail(std::move(page).error());
      is_silent_ = false;
      GUILD_CHECK(printer_.take(*page));
      more = page->more;
    }
    return {};
  }
  Result<void> pause(const Error& error) {
    must_ask_ = true;
    if (!std::exchange(is_silent_, true)) context_.out.say(error.message + "; asking again");
    session_.client().pump_until([] { return false; }, ask_again_after);
    return {};
  }

  void print_waiting() {
    for (; !waiting_.empty() && !must_ask_; waiting_.pop_front())
      if (printer_.take(waiting_.front()) == EventCursor::Verdict::hole) must_ask_ = true;
    if (must_ask_) waiting_.clear();  // All of it is in the pages to come.
    context_.out.flush();
  }
  void wait(Duration left) {
    session_.client().pump_until(
        [this] {
          return over_ || printer_.is_done() || !waiting_.empty() ||
                 (must_ask_ && session_.client().connected());
        },
        left);
  }

  Context& context_;
  Printer printer_;
  std::deque<Entry> waiting_;
  bool must_ask_ = true;    // What it missed, before the first live one.
  bool is_silent_ = false;  // ledgerd does not answer, which was told.
  std::optional<Error> over_;
  Session session_;  // Last, so that it ends first: it calls us back.
};

Result<Exit> events(Context& context, const EventsArguments& arguments) {
  if (arguments.account) GUILD_CHECK(bus::check_topic("ledger/entry/" + arguments.account->value));
  if (!arguments.follow) return list(context, arguments);
  GUILD_TRY(Session session, Session::open(context));
  Follower follower(context, arguments, std::move(session));
  GUILD_CHECK(follower.subscribe());
  return follower.run(context.has_timeout() ? std::optional(context.timeout_or(answer_limit))
                                            : std::nullopt);
}

}  // namespace

void add_ledger_events(Command& ledger) {
  const auto asked = std::make_shared<EventsArguments>();
  ledger
      .add("events", "every leg of the book in order, from where you stopped, and on as they come")
      .option("--after", "SEQ", asked->after, "the last posting that you have; 0, if left out")
      .option("--account", "ACCOUNT", asked->account, "only what this account was part of")
      .option("--count", "N", asked->count, "end after so many")
      .flag("--follow", asked->follow, "go on with what is booked from now on")
      .runs([asked](Context& context) { return events(context, *asked); });
}

}  // namespace guild::cli
