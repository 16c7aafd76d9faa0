// `guild logs`: look for lines, follow them, count them. logs_emit.cpp writes some.
#include "cli/logs.hpp"

#include <memory>

#include <fmt/format.h>

#include "cli/nouns.hpp"
#include "cli/source.hpp"
#include "common/log/record.hpp"
#include "logconsumer/store.hpp"

namespace guild::cli {

std::vector<std::string> lines_of(const messages::StoredLogRecord& stored) {
  std::vector<std::string> lines;
  const std::string producer = escape_to_ascii(stored.producer);
  if (stored.unknown_after)
    lines.push_back(fmt::format("-- {} ended without its last word: unknown loss after seq {} --",
                                producer, *stored.unknown_after));
  if (stored.lost_before > 0)
    lines.push_back(
        fmt::format("-- {} lines of {} are lost here --", stored.lost_before, producer));
  messages::LogRecord record = stored.record;
  record.daemon = stored.producer;  // As the broker stamped it.
  lines.push_back(log::plain_line(record));
  return lines;
}

namespace {

using messages::LogLevel;
using messages::LogsPage;
using messages::LogsQuery;

constexpr std::int64_t page_size = 1'000;

Colour colour_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return Colour::dim;
    case LogLevel::warn:
      return Colour::yellow;
    case LogLevel::error:
    case LogLevel::critical:
      return Colour::red;
    case LogLevel::info:
      break;
  }
  return Colour::none;
}

void show(Context& context, const LogsPage& page) {
  for (const messages::StoredLogRecord& stored : page.records) {
    if (context.json()) {
      context.out.line(messages::encode(stored));
      continue;
    }
    for (const std::string& line : lines_of(stored))
      context.out.line(context.out.paint(colour_of(stored.record.level), line));
  }
  context.out.flush();
}

/// The log consumer, or its file.
class LogSource {
 public:
  static Result<LogSource> open(Context& context) {
    GUILD_TRY(Source source, Source::open(context, database_in(logconsumer::database_file),
                                          logconsumer::schema()));
    return LogSource(context, std::move(source));
  }

  Result<LogsPage> page(const LogsQuery& query) {
    return source_.ask<LogsPage>(
        "logconsumer/query", query, limit_,
        [&](storage::Connection& file) { return logconsumer::read_page(file, query); });
  }
  Result<messages::LogsStats> stats() {
    return source_.ask<messages::LogsStats>("logconsumer/stats", messages::Nothing{}, limit_,
                                            logconsumer::read_stats);
  }
  Session* session() { return source_.session(); }

 private:
  LogSource(Context& context, Source source)
      : limit_(context.timeout_or(answer_limit)), source_(std::move(source)) {}

  Duration limit_;
  Source source_;
};

struct Filters {
  std::optional<Moment> since, until;
  LogsQuery query;

  LogsQuery as_query() const {
    LogsQuery asked = query;
    if (since) asked.since = since->at;
    if (until) asked.until = until->at;
    return asked;
  }
};

void add_filters(Command& verb, const std::shared_ptr<Filters>& filters) {
  verb.option("--level", "LEVEL", filters->query.level,
              "this one and worse: debug, info, warn, ...")
      .option("--daemon", "NAME", filters->query.daemon, "who logged it, as the broker saw it")
      .option("--module", "NAME", filters->query.module, "of that daemon")
      .option("--grep", "TEXT", filters->query.grep, "a part of the message, letter by letter")
      .option("--trace", "ID", filters->query.trace, "of one trace")
      .option("--limit", "N", filters->query.limit, "the newest so many (100, at most 1000)");
}

Result<Exit> query(Context& context, const Filters& filters) {
  GUILD_TRY(LogSource source, LogSource::open(context));
  GUILD_TRY(const LogsPage page, source.page(filters.as_query()));
  show(context, page);
  return Exit::ok;
}

struct TailArguments {
  std::shared_ptr<Filters> filters = std::make_shared<Filters>();
  std::optional<Duration> last;
  bool follow = false;
};

/// Lines in order of their commit, page by page.
class Tail {
 public:
  Tail(Context& context, LogSource source) : context_(context), source_(std::move(source)) {}

  /// Lines that were there before.
  Result<void> start(const TailArguments& arguments) {
    query_ = arguments.filters->as_query();
    if (!arguments.last) {
      GUILD_TRY(const LogsPage page, source_.page(query_));
      take(page);
      return {};
    }
    query_.since = now() - *arguments.last;
    query_.after_id = 0;
    query_.limit = page_size;
    return catch_up();
  }

  /// A commit of the log consumer tells that there is something to ask for; nothing else does.
  Result<void> watch() {
    Session* const session = source_.session();
    if (session == nullptr)
      return fail(ErrorKind::unavailable, "broker_unreachable",
                  "following needs the log consumer to run",
                  "scripts/run_system start; or read what is there without -f");
    return session->client().subscribe_and_wait(
        "logs-committed/**", [this](const bus::Delivery&) { news_ = true; },
        context_.timeout_or(answer_limit));
  }

  /// For ever, or for as long as --timeout says.
  Result<Exit> follow() {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + context_.timeout_or(Duration::zero());
    query_.limit = page_size;
    for (;;) {
      const Duration left = context_.has_timeout() ? end - Clock::now() : longest_limit;
      if (left <= Duration::zero()) return Exit::ok;
      source_.session()->pump_once(left);
      if (std::exchange(news_, false)) GUILD_CHECK(catch_up());
    }
  }

 private:
  /// A full page may have more behind it, and so may one that ended early because it was long.
  Result<void> catch_up() {
    for (std::size_t count = 1; count > 0;) {
      GUILD_TRY(const LogsPage page, source_.page(query_));
      count = page.records.size();
      take(page);
    }
    return {};
  }

  void take(const LogsPage& page) {
    show(context_, page);
    query_.after_id = page.last_id;
  }

  Context& context_;
  LogsQuery query_;
  bool news_ = false;
  LogSource source_;  // Last, so that it ends first: its session calls us back.
};

Result<Exit> tail(Context& context, const TailArguments& arguments) {
  GUILD_TRY(LogSource source, LogSource::open(context));
  Tail tail(context, std::move(source));
  // Subscribed before the first look, so that nothing falls in between.
  if (arguments.follow) GUILD_CHECK(tail.watch());
  GUILD_CHECK(tail.start(arguments));
  return arguments.follow ? tail.follow() : Exit::ok;
}

Row row_of(const messages::LogsProducer& producer) {
  return {producer.producer,
          producer.boot.text(),
          fmt::to_string(producer.records),
          fmt::to_string(producer.last_seq),
          {fmt::to_string(producer.lost), producer.lost > 0 ? Colour::red : Colour::none},
          producer.ended ? "yes" : "no"};
}

Result<Exit> stats(Context& context) {
  GUILD_TRY(LogSource source, LogSource::open(context));
  GUILD_TRY(const messages::LogsStats stats, source.stats());
  if (context.json()) {
    context.out.line(messages::encode(stats));
    return Exit::ok;
  }
  std::vector<Row> rows;
  for (const auto& producer : stats.producers) rows.push_back(row_of(producer));
  context.out.table({{"PRODUCER"},
                     {"BOOT"},
                     {"RECORDS", Align::right},
                     {"LAST SEQ", Align::right},
                     {"LOST", Align::right},
                     {"ENDED"}},
                    rows);
  context.out.say(fmt::format("{} records, {} lost, {} duplicates turned away, {} refused",
                              stats.records, stats.lost, stats.duplicates, stats.refused));
  return Exit::ok;
}

}  // namespace

void add_logs(Command& root) {
  Command& noun = root.add("logs", "every line that a daemon or client logged, once");

  const auto asked = std::make_shared<Filters>();
  Command& querying = noun.add("query", "the newest lines that match, oldest first");
  querying.option("--since", "TIME", asked->since, "10m, or 2026-01-02T03:04:05Z")
      .option("--until", "TIME", asked->until, "the same, not included")
      .option("--after-id", "ID", asked->query.after_id,
              "committed after this one, oldest first, instead of the newest");
  add_filters(querying, asked);
  querying.runs([asked](Context& context) { return query(context, *asked); });

  const auto followed = std::make_shared<TailArguments>();
  Command& tailing = noun.add("tail", "the newest lines; with -f also those to come");
  tailing.flag("-f,--follow", followed->follow, "go on as lines are committed")
      .option("--last", "TIME", followed->last, "all of the last 30m, say, instead of the newest");
  add_filters(tailing, followed->filters);
  tailing.runs([followed](Context& context) { return tail(context, *followed); });

  add_logs_emit(noun);
  noun.add("stats", "how many lines of each life of each producer are stored or lost").runs(stats);
}

}  // namespace guild::cli
