// `guild bus bench`: throughput and latency between real processes over the encrypted bus. This
// process only starts the workers, tells them when, and adds up what they saw; bench_worker.cpp is
// what they do.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "cli/answers.hpp"
#include "cli/bench_worker.hpp"
#include "cli/bus.hpp"
#include "cli/child.hpp"
#include "cli/session.hpp"

namespace guild::cli {
namespace {

constexpr std::string_view bench_client = "bench";
constexpr Duration start_limit = std::chrono::seconds(10);
constexpr Duration bench_limit = std::chrono::minutes(10);
/// Every message is timed in a short run; in a long one the clock would be part of what is
/// measured.
constexpr std::int64_t timed_whole_max = 100'000;
constexpr std::int64_t stamp_every = 64;

struct BenchArguments {
  messages::Range<bench_size_min, 1'048'576, 100> size;
  messages::Range<1, 1'000'000'000, 1'000'000> messages;
  messages::Range<1, 64, 1> publishers, subscribers;
  messages::Range<1, 10'000, 1> topics;
  bool echo = false;
};

class Bench {
 public:
  Bench(Context& context, const BenchArguments& arguments)
      : context_(context), arguments_(arguments), run_(Uuid::make().text()) {}

  Result<BusBench> throughput() {
    GUILD_TRY(std::vector<Child> subscribers, start_subscribers());
    GUILD_TRY(std::vector<Child> publishers, start_publishers());
    for (Child& child : publishers) GUILD_CHECK(child.tell("go"));
    GUILD_TRY(const auto sent, reports_of(publishers));
    for (Child& child : subscribers) GUILD_CHECK(child.tell("all published"));
    GUILD_TRY(const auto received, reports_of(subscribers));
    return sum(sent, received);
  }

  Result<EchoBench> echo() {
    std::vector<Child> both;
    for (const std::string_view role : {"echo", "asker"}) {
      GUILD_TRY(Child child, start({.role = role, .messages = arguments_.messages}));
      both.push_back(std::move(child));
    }
    GUILD_CHECK(both[1].tell("go"));
    GUILD_TRY(const BenchReport report, report_of(both[1]));
    Latencies latencies;
    latencies.add(report.latencies);
    return EchoBench{in_us(latencies.at(0.5)), in_us(latencies.at(0.99)), report.messages};
  }

 private:
  struct Worker {
    std::string_view role;
    std::int64_t index = 0, messages = 0;
  };

  static std::int64_t in_us(Duration duration) {
    return std::chrono::round<std::chrono::microseconds>(duration).count();
  }

  Result<Child> start(const Worker& worker) {
    std::vector<std::string> words = {"bus", "bench-worker", std::string(worker.role), run_};
    const auto add = [&words](std::string name, std::int64_t value) {
      words.insert(words.end(), {std::move(name), fmt::to_string(value)});
    };
    add("--index", worker.index);
    add("--messages", worker.messages);
    add("--publishers", arguments_.publishers);
    add("--topics", arguments_.topics);
    add("--size", arguments_.size);
    add("--stamp-every", arguments_.messages > timed_whole_max ? stamp_every : 1);
    words.insert(words.end(), {"--as", context_.client_name_or(bench_client)});
    if (!context_.home_as_given().empty())
      words.insert(words.end(), {"--home", context_.home_as_given()});
    GUILD_TRY(Child child, Child::start(words));
    GUILD_CHECK(child.hear(start_limit));  // "ready"
    return child;
  }

  Result<std::vector<Child>> start_subscribers() {
    std::vector<Child> children;
    for (std::int64_t i = 0; i < arguments_.subscribers; ++i) {
      GUILD_TRY(Child child,
                start({.role = "subscriber", .index = i, .messages = arguments_.messages}));
      children.push_back(std::move(child));
    }
    return children;
  }

  Result<std::vector<Child>> start_publishers() {
    std::vector<Child> children;
    const std::int64_t each = arguments_.messages / arguments_.publishers;
    const std::int64_t rest = arguments_.messages % arguments_.publishers;
    for (std::int64_t i = 0; i < arguments_.publishers; ++i) {
      GUILD_TRY(Child child,
                start({.role = "publisher", .index = i, .messages = each + (i < rest ? 1 : 0)}));
      children.push_back(std::move(child));
    }
    return children;
  }

  Result<BenchReport> report_of(Child& child) {
    GUILD_TRY(const std::string line, child.hear(context_.timeout_or(bench_limit)));
    return messages::decode<BenchReport>(line);
  }

  Result<std::vector<BenchReport>> reports_of(std::vector<Child>& children) {
    std::vector<BenchReport> reports;
    for (Child& child : children) {
      GUILD_TRY(reports.emplace_back(), report_of(child));
    }
    return reports;
  }

  BusBench sum(const std::vector<BenchReport>& sent, const std::vector<BenchReport>& received) {
    BusBench bench;
    Latencies latencies;
    std::int64_t start = sent.front().first_ns, end = 0;
    for (const BenchReport& report : sent) {
      bench.published += report.messages;
      start = std::min(start, report.first_ns);
    }
    for (const BenchReport& report : received) {
      bench.delivered += report.messages;
      bench.out_of_order += report.out_of_order;
      latencies.add(report.latencies);
      end = std::max(end, report.last_ns);
    }
    bench.dropped = bench.published * arguments_.subscribers - bench.delivered;
    const double seconds = static_cast<double>(std::max<std::int64_t>(end - start, 1)) / 1e9;
    bench.messages_per_s =
        static_cast<std::int64_t>(static_cast<double>(bench.published) / seconds);
    bench.p50_us = in_us(latencies.at(0.5));
    bench.p99_us = in_us(latencies.at(0.99));
    bench.size = arguments_.size;
    bench.publishers = arguments_.publishers;
    bench.subscribers = arguments_.subscribers;
    return bench;
  }

  Context& context_;
  const BenchArguments& arguments_;
  std::string run_;
};

Result<Exit> bench_echo(Context& context, Bench& bench) {
  GUILD_TRY(const EchoBench result, bench.echo());
  context.out.line(context.json()
                       ? messages::encode(result)
                       : fmt::format("there and back: p50 {} us, p99 {} us over {} messages",
                                     result.p50_us, result.p99_us, result.messages));
  return Exit::ok;
}

Result<Exit> bench_throughput(Context& context, Bench& bench) {
  GUILD_TRY(const BusBench result, bench.throughput());
  context.out.line(
      context.json()
          ? messages::encode(result)
          : fmt::format("{} messages/s of {} bytes, {} to {}; latency p50 {} us, p99 {} us; "
                        "published {}, delivered {}, dropped {}, out of order {}",
                        result.messages_per_s, result.size, result.publishers, result.subscribers,
                        result.p50_us, result.p99_us, result.published, result.delivered,
                        result.dropped, result.out_of_order));
  if (result.dropped == 0 && result.out_of_order == 0) return Exit::ok;
  return fail(ErrorKind::failed, "messages_lost",
              fmt::format("{} messages were dropped and {} came out of order", result.dropped,
                          result.out_of_order),
              "guild bus stats tells why messages were dropped");
}

Result<Exit> bench(Context& context, const BenchArguments& arguments) {
  // A session of our own first: what is wrong with home, key or broker is told once, by us.
  GUILD_CHECK(Session::open_as(context, context.client_name_or(bench_client),
                               context.timeout_or(answer_limit), Patience::none));
  Bench bench(context, arguments);
  return arguments.echo ? bench_echo(context, bench) : bench_throughput(context, bench);
}

struct WorkerArguments {
  BenchWork work;
  messages::Range<0, 63> index;
  messages::Range<1, 64, 1> publishers;
  messages::Range<1, 10'000, 1> topics;
  messages::Range<0, 1'000'000'000> messages;
  messages::Range<bench_size_min, 1'048'576, 100> size;
  messages::Range<1, 1'000'000, 1> stamp_every;
};

Result<Exit> worker(Context& context, const WorkerArguments& arguments) {
  die_with_parent();
  BenchWork asked = arguments.work;
  asked.index = arguments.index;
  asked.publishers = arguments.publishers;
  asked.topics = arguments.topics;
  asked.messages = arguments.messages;
  asked.size = arguments.size;
  asked.stamp_every = arguments.stamp_every;
  GUILD_TRY(Session session, Session::open_as(context, context.client_name_or(bench_client),
                                              answer_limit, Patience::none));
  return work(context, std::move(session), asked);
}

void add_worker(Command& bus) {
  const auto arguments = std::make_shared<WorkerArguments>();
  bus.add("bench-worker", "one process of a bench; started by bench itself")
      .takes("ROLE", arguments->work.role, "publisher, subscriber, echo or asker")
      .takes("RUN", arguments->work.run, "the bench's id")
      .option("--index", "N", arguments->index, "of this publisher")
      .option("--publishers", "N", arguments->publishers, "how many there are")
      .option("--topics", "N", arguments->topics, "of this publisher, taken in turn")
      .option("--messages", "N", arguments->messages, "how many to send or to expect")
      .option("--size", "BYTES", arguments->size, "of a payload")
      .option("--stamp-every", "N", arguments->stamp_every, "how often the time is taken")
      .hidden()
      .runs([arguments](Context& context) { return worker(context, *arguments); });
}

}  // namespace

void add_bus_bench(Command& bus) {
  const auto arguments = std::make_shared<BenchArguments>();
  bus.add("bench", "messages per second and latency between real processes")
      .option("--size", "BYTES", arguments->size, "of a payload (100, at least 16)")
      .option("--messages", "N", arguments->messages, "in all (1000000)")
      .option("--publishers", "N", arguments->publishers, "processes that send (1)")
      .option("--subscribers", "N", arguments->subscribers, "processes that receive all (1)")
      .option("--topics", "N", arguments->topics, "of each publisher, taken in turn (1)")
      .flag("--echo", arguments->echo, "one message at a time, there and back")
      .runs([arguments](Context& context) { return bench(context, *arguments); });
  add_worker(bus);
}

}  // namespace guild::cli
