#include "cli/bench_worker.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include <fmt/format.h>

#include "cli/answers.hpp"
#include "common/base/bytes.hpp"

namespace guild::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Items queued between two looks at what came in.
constexpr std::int64_t burst_max = 512;
/// A subscriber that was told that all is published gives up on what does not come for so long.
constexpr Duration quiet_limit = std::chrono::seconds(5);
constexpr Duration confirm_limit = std::chrono::seconds(10);

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

void say(Context& context, std::string_view line) {
  context.out.line(line);
  context.out.flush();
}

/// Takes what the bench said; waits for it. A bench that is gone closes the pipe, which is the
/// same.
void await_go() {
  std::array<char, 64> told{};
  while (::read(STDIN_FILENO, told.data(), told.size()) < 0 && errno == EINTR) {
  }
}

/// The same without waiting.
bool is_told_something() {
  pollfd told{STDIN_FILENO, POLLIN, 0};
  if (::poll(&told, 1, 0) <= 0) return false;
  await_go();
  return true;
}

std::vector<std::string> topics_of(const BenchWork& work) {
  std::vector<std::string> topics;
  topics.reserve(static_cast<std::size_t>(work.topics));
  for (std::int64_t i = 0; i < work.topics; ++i)
    topics.push_back(bench_topic(work.run, work.index, i));
  return topics;
}

/// Publishes its share as fast as credit allows.
Result<BenchReport> publish(Session& session, const BenchWork& work) {
  const std::vector<std::string> topics = topics_of(work);
  std::string payload(static_cast<std::size_t>(work.size), 'x');
  bus::Client& client = session.client();
  BenchReport report;
  std::optional<Result<void>> last_accepted;
  report.first_ns = now_ns();
  while (report.messages < work.messages) {
    const std::int64_t burst =
        std::min({burst_max, work.messages - report.messages,
                  static_cast<std::int64_t>(client.publish_room()) / work.size});
    for (std::int64_t i = 0; i < burst; ++i) {
      const bool stamped = report.messages % work.stamp_every == 0;
      write_head(payload, {static_cast<std::uint64_t>(report.messages), stamped ? now_ns() : 0});
      const std::string& topic = topics[static_cast<std::size_t>(report.messages % work.topics)];
      const bool last = ++report.messages == work.messages;
      GUILD_CHECK(client.publish(
          topic, payload,
          last ? bus::OnDone([&](Result<void> done) { last_accepted = done; }) : bus::OnDone{}));
    }
    if (burst > 0)
      client.pump();
    else if (!client.connected())
      return fail(ErrorKind::unavailable, "session_lost", "the session ended while publishing");
    else
      session.pump_once(confirm_limit);
  }
  while (!last_accepted) session.pump_once(confirm_limit);
  GUILD_CHECK(*last_accepted);
  report.last_ns = now_ns();
  return report;
}

/// Takes what all publishers send; ends when it has all, or when nothing comes any more.
class Subscriber {
 public:
  Subscriber(Context& context, Session session, const BenchWork& work)
      : context_(context),
        work_(work),
        order_(static_cast<std::size_t>(work.publishers)),
        session_(std::move(session)) {}

  Result<BenchReport> run() {
    GUILD_CHECK(session_.client().subscribe_and_wait(
        fmt::format("bench/{}/*/*", work_.run),
        [this](const bus::Delivery& delivery) { take(delivery); }, confirm_limit));
    say(context_, "ready");
    while (report_.messages < work_.messages && !given_up()) receive_some();
    report_.out_of_order = order_.out_of_order();
    report_.latencies = latencies_.buckets();
    return std::move(report_);
  }

 private:
  void receive_some() {
    const std::int64_t before = report_.messages;
    session_.pump_once(quiet_limit / 10, all_published_ns_ ? -1 : STDIN_FILENO);
    if (report_.messages != before) report_.last_ns = now_ns();
    if (!all_published_ns_ && is_told_something()) all_published_ns_ = now_ns();
  }

  bool given_up() const {
    if (!all_published_ns_) return false;
    return now_ns() - std::max(report_.last_ns, *all_published_ns_) > quiet_limit.count();
  }

  void take(const bus::Delivery& delivery) {
    const auto head = read_head(delivery.payload);
    const auto publisher = publisher_of(delivery.topic);
    if (!head || !publisher || *publisher >= static_cast<std::size_t>(work_.publishers)) return;
    order_.take(*publisher, head->number);
    ++report_.messages;
    if (head->sent_ns != 0) latencies_.record(Duration(now_ns() - head->sent_ns));
  }

  Context& context_;
  const BenchWork& work_;
  OrderCheck order_;
  Latencies latencies_;
  BenchReport report_;
  std::optional<std::int64_t> all_published_ns_;
  Session session_;  // Last, so that it ends first: it calls us back.
};

/// Sends back what comes, until the bench ends.
Result<BenchReport> echo(Context& context, Session& session, const BenchWork& work) {
  bus::Client& client = session.client();
  const std::string answers = fmt::format("bench/{}/pong", work.run);
  BenchReport report;
  std::optional<Error> problem;
  GUILD_CHECK(client.subscribe_and_wait(
      fmt::format("bench/{}/ping", work.run),
      [&](const bus::Delivery& delivery) {
        ++report.messages;
        if (auto sent = client.publish(answers, delivery.payload); !sent) problem = sent.error();
      },
      confirm_limit));
  say(context, "ready");
  while (!problem && !is_told_something()) session.pump_once(confirm_limit, STDIN_FILENO);
  if (problem) return fail(*problem);
  return report;
}

/// One message at a time, there and back.
class Asker {
 public:
  Asker(Context& context, Session session, const BenchWork& work)
      : context_(context), work_(work), session_(std::move(session)) {}

  Result<BenchReport> run() {
    bus::Client& client = session_.client();
    GUILD_CHECK(client.subscribe_and_wait(
        fmt::format("bench/{}/pong", work_.run),
        [this](const bus::Delivery& delivery) { take(delivery); }, confirm_limit));
    say(context_, "ready");
    await_go();
    report_.first_ns = now_ns();
    // The first few warm up caches and the broker's loop.
    for (std::int64_t i = 0; i < work_.messages + warm_up; ++i) GUILD_CHECK(ask(i));
    report_.last_ns = now_ns();
    report_.messages = latencies_.count();
    report_.latencies = latencies_.buckets();
    return std::move(report_);
  }

 private:
  static constexpr std::int64_t warm_up = 200;

  Result<void> ask(std::int64_t number) {
    std::string payload(static_cast<std::size_t>(work_.size), 'x');
    expected_ = static_cast<std::uint64_t>(number);
    answered_ = false;
    const std::int64_t start = now_ns();
    write_head(payload, {expected_, start});
    GUILD_CHECK(session_.client().publish(fmt::format("bench/{}/ping", work_.run), payload));
    while (!answered_) {
      if (!session_.client().connected())
        return fail(ErrorKind::unavailable, "session_lost", "the session ended while measuring");
      session_.pump_once(confirm_limit);
    }
    if (number >= warm_up) latencies_.record(Duration(now_ns() - start));
    return {};
  }

  void take(const bus::Delivery& delivery) {
    const auto head = read_head(delivery.payload);
    if (head && head->number == expected_)
      answered_ = true;
    else
      ++report_.out_of_order;
  }

  Context& context_;
  const BenchWork& work_;
  Latencies latencies_;
  BenchReport report_;
  std::uint64_t expected_ = 0;
  bool answered_ = false;
  Session session_;  // Last, so that it ends first: it calls us back.
};

Result<BenchReport> publish_when_told(Context& context, Session& session, const BenchWork& work) {
  say(context, "ready");
  await_go();
  return publish(session, work);
}

Result<BenchReport> work_as(Context& context, Session session, const BenchWork& work) {
  switch (work.role) {
    case BenchRole::publisher:
      return publish_when_told(context, session, work);
    case BenchRole::subscriber:
      return Subscriber(context, std::move(session), work).run();
    case BenchRole::echo:
      return echo(context, session, work);
    case BenchRole::asker:
      break;
  }
  return Asker(context, std::move(session), work).run();
}

}  // namespace

void write_head(std::string& payload, const BenchHead& head) {
  store_le(payload.data(), head.number);
  store_le(payload.data() + sizeof head.number, static_cast<std::uint64_t>(head.sent_ns));
}

std::optional<BenchHead> read_head(std::string_view payload) {
  if (payload.size() < static_cast<std::size_t>(bench_size_min)) return {};
  return BenchHead{load_le<std::uint64_t>(payload.data()),
                   static_cast<std::int64_t>(load_le<std::uint64_t>(payload.data() + 8))};
}

std::string bench_topic(std::string_view run, std::int64_t publisher, std::int64_t topic) {
  return fmt::format("bench/{}/{}/{}", run, publisher, topic);
}

std::optional<std::size_t> publisher_of(std::string_view topic) {
  const std::size_t end = topic.rfind('/');
  if (end == std::string_view::npos || end == 0) return {};
  const std::size_t start = topic.rfind('/', end - 1) + 1;  // npos + 1 is the beginning.
  const std::string_view level = topic.substr(start, end - start);
  std::size_t publisher = 0;
  const auto [rest, problem] =
      std::from_chars(level.data(), level.data() + level.size(), publisher);
  if (problem != std::errc{} || rest != level.data() + level.size()) return {};
  return publisher;
}

bool OrderCheck::take(std::size_t publisher, std::uint64_t number) {
  std::uint64_t& expected = expected_[publisher];
  const bool is_next = number == expected;
  if (!is_next) ++out_of_order_;
  expected = std::max(expected, number + 1);
  return is_next;
}

Result<Exit> work(Context& context, Session session, const BenchWork& work) {
  GUILD_TRY(const BenchReport report, work_as(context, std::move(session), work));
  say(context, messages::encode(report));
  // The session stays until the bench has heard of everybody: leaving is work for the broker.
  await_go();
  return Exit::ok;
}

}  // namespace guild::cli
