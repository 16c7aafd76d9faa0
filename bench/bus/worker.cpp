#include "bench/bus/worker.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include <fmt/format.h>

#include "cli/answers.hpp"
#include "common/messages/codec.hpp"

namespace guild::bench {
namespace {

constexpr std::int64_t quiet_limit_ns = 5'000'000'000;
/// The first few warm up caches; `guild bus bench --echo` leaves out as many.
constexpr std::int64_t echo_warm_up = 200;

}  // namespace

void add_options(CLI::App& app, Work& work) {
  app.add_option("role", work.role)->required();
  app.add_option("--run", work.run, "names this run in its topics");
  app.add_option("--index", work.index)->check(CLI::Range(0, 63));
  app.add_option("--publishers", work.publishers)->check(CLI::Range(1, 64));
  app.add_option("--subscribers", work.subscribers)->check(CLI::Range(1, 64));
  app.add_option("--topics", work.topics)->check(CLI::Range(1, 10'000));
  app.add_option("--messages", work.messages)->check(CLI::Range(0, 1'000'000'000));
  app.add_option("--size", work.size)->check(CLI::Range(cli::bench_size_min, 1'048'576L));
  app.add_option("--stamp-every", work.stamp_every)->check(CLI::Range(1, 1'000'000));
  app.add_option("--sessions", work.sessions)->check(CLI::Range(1, 1'000));
}

void report(const cli::BenchReport& seen) { say(messages::encode(seen)); }

void await_told() {
  std::array<char, 64> told{};
  while (::read(STDIN_FILENO, told.data(), told.size()) < 0 && errno == EINTR) {
  }
}

bool is_told_something() {
  pollfd told{STDIN_FILENO, POLLIN, 0};
  if (::poll(&told, 1, 0) <= 0) return false;
  await_told();
  return true;
}

Load::Load(const Work& work) : work_(work), payload_(static_cast<std::size_t>(work.size), 'x') {}

const std::string& Load::next() {
  const bool stamped = sent_ % work_.stamp_every == 0;
  cli::write_head(payload_, {static_cast<std::uint64_t>(sent_), stamped ? now_ns() : 0});
  ++sent_;
  return payload_;
}

Tally::Tally(const Work& work) : work_(work), order_(static_cast<std::size_t>(work.publishers)) {}

bool Tally::take(std::optional<std::size_t> publisher, std::string_view payload) {
  const auto head = cli::read_head(payload);
  const bool known = publisher && *publisher < static_cast<std::size_t>(work_.publishers);
  if (!head || !known || payload.size() != static_cast<std::size_t>(work_.size)) {
    ++strangers_;
    return false;
  }
  order_.take(*publisher, head->number);
  if (head->sent_ns != 0) latencies_.record(Duration(now_ns() - head->sent_ns));
  const std::int64_t received = this->received() + 1;
  const bool last = received == work_.messages;
  if (last) last_ns_ = now_ns();
  received_.store(received, std::memory_order_relaxed);
  return last;
}

Result<cli::BenchReport> Tally::report() const {
  if (strangers_ > 0 || order_.out_of_order() > 0)
    return failed("messages_wrong",
                  fmt::format("{} messages came out of order, {} were not of this run",
                              order_.out_of_order(), strangers_));
  cli::BenchReport seen;
  seen.messages = received();
  seen.last_ns = last_ns_;
  seen.latencies = latencies_.buckets();
  return seen;
}

Result<void> Patience::check(std::int64_t received) {
  if (!all_published_ && is_told_something()) {
    all_published_ = true;
    changed_ns_ = now_ns();
  }
  if (received != received_) {
    received_ = received;
    changed_ns_ = now_ns();
  }
  if (!all_published_ || now_ns() - changed_ns_ < quiet_limit_ns) return {};
  return failed("messages_lost", fmt::format("{} of {} messages never came",
                                             work_.messages - received, work_.messages));
}

Result<void> measure_echo(const Work& work,
                          const std::function<Result<std::string>(std::string_view)>& ask) {
  cli::Latencies latencies;
  std::string payload(static_cast<std::size_t>(work.size), 'x');
  for (std::int64_t i = 0; i < work.messages + echo_warm_up; ++i) {
    const std::int64_t start = now_ns();
    cli::write_head(payload, {static_cast<std::uint64_t>(i), start});
    GUILD_TRY(const std::string answer, ask(payload));
    if (answer != payload) return failed("answer_wrong", "another payload came back");
    if (i >= echo_warm_up) latencies.record(Duration(now_ns() - start));
  }
  const auto in_us = [&latencies](double share) {
    return std::chrono::round<std::chrono::microseconds>(latencies.at(share)).count();
  };
  say(messages::encode(cli::EchoBench{in_us(0.5), in_us(0.99), latencies.count()}));
  return {};
}

}  // namespace guild::bench
