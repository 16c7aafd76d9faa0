// The peer PostgreSQL: so many clients, each with a connection and a thread of its own, each with
// one transfer under way at a time. They take their transfers from one count, so all work until the
// last is taken. The first of each client are not measured.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "bench/ledger/postgres_client.hpp"
#include "bench/program.hpp"
#include "cli/latencies.hpp"

namespace guild::bench {
namespace {

struct Arguments {
  std::string connect;
  std::int64_t clients = 1;
  std::int64_t accounts = 1'000;
  std::int64_t transfers = 0;  ///< Measured ones, of all clients.
  std::int64_t warm_up = 0;    ///< Of each client, before.
};

constexpr std::int64_t amount_max = 1'000;

/// The transfers of one client: between two accounts, any other each time.
class Choice {
 public:
  Choice(std::int64_t client, std::int64_t accounts)
      : random_(static_cast<std::mt19937_64::result_type>(client)),
        debit_(1, static_cast<std::int32_t>(accounts)),
        credit_(1, static_cast<std::int32_t>(accounts) - 1) {}

  PostgresTransfer next() {
    PostgresTransfer transfer{Uuid::make(), debit_(random_), credit_(random_), amount_(random_)};
    if (transfer.credit >= transfer.debit) ++transfer.credit;
    return transfer;
  }

 private:
  std::mt19937_64 random_;
  std::uniform_int_distribution<std::int32_t> debit_, credit_;
  std::uniform_int_distribution<std::int64_t> amount_{1, amount_max};
};

class Measurement {
 public:
  explicit Measurement(const Arguments& arguments)
      : arguments_(arguments), ready_(arguments.clients) {}

  Result<void> run() {
    {
      std::vector<std::jthread> clients;
      clients.reserve(static_cast<std::size_t>(arguments_.clients));
      for (std::int64_t i = 0; i < arguments_.clients; ++i)
        clients.emplace_back([this, i] { client(i); });
      ready_.wait();
      start_ns_ = now_ns();
      go_.count_down();
    }
    if (problem_) return std::unexpected(*problem_);
    report();
    return {};
  }

 private:
  void client(std::int64_t index) {
    Choice choice(index, arguments_.accounts);
    auto connection = connect(choice);
    ready_.count_down();
    go_.wait();
    const Result<void> done =
        connection ? work(*connection, choice) : std::unexpected(connection.error());
    if (done) return;
    const std::scoped_lock lock(mutex_);
    problem_ = done.error();
    next_ = arguments_.transfers;  // The others need not go on.
  }

  Result<PostgresClient> connect(Choice& choice) {
    GUILD_TRY(PostgresClient connection, PostgresClient::connect(arguments_.connect));
    for (std::int64_t i = 0; i < arguments_.warm_up; ++i)
      GUILD_CHECK(connection.transfer(choice.next()));
    return connection;
  }

  Result<void> work(PostgresClient& connection, Choice& choice) {
    cli::Latencies latencies;
    std::int64_t end_ns = 0;
    while (next_.fetch_add(1, std::memory_order_relaxed) < arguments_.transfers) {
      const PostgresTransfer transfer = choice.next();
      const std::int64_t start_ns = now_ns();
      GUILD_CHECK(connection.transfer(transfer));
      end_ns = now_ns();
      latencies.record(Duration(end_ns - start_ns));
    }
    const std::scoped_lock lock(mutex_);
    latencies_.add(latencies.buckets());
    end_ns_ = std::max(end_ns_, end_ns);
    return {};
  }

  void report() const {
    const auto in_us = [this](double share) {
      return std::chrono::round<std::chrono::microseconds>(latencies_.at(share)).count();
    };
    const double seconds = static_cast<double>(end_ns_ - start_ns_) / 1e9;
    say(fmt::format(R"({{"transfers_per_s":{:.1f},"p50_us":{},"p99_us":{},"transfers":{}}})",
                    static_cast<double>(latencies_.count()) / seconds, in_us(0.5), in_us(0.99),
                    latencies_.count() + arguments_.clients * arguments_.warm_up));
  }

  const Arguments& arguments_;
  std::latch ready_, go_{1};
  std::atomic<std::int64_t> next_ = 0;
  std::int64_t start_ns_ = 0;
  std::mutex mutex_;  ///< Of what follows, while clients run.
  cli::Latencies latencies_;
  std::int64_t end_ns_ = 0;
  std::optional<Error> problem_;
};

}  // namespace
}  // namespace guild::bench

int main(int argc, char** argv) {
  using namespace guild::bench;
  CLI::App app("closed loops of transfers, on PostgreSQL");
  Arguments arguments;
  app.add_option("--connect", arguments.connect, "as libpq takes it")->required();
  app.add_option("--clients", arguments.clients)->check(CLI::Range(1, 1'000));
  app.add_option("--accounts", arguments.accounts)->check(CLI::Range(2, 1'000'000));
  app.add_option("--transfers", arguments.transfers, "of all clients, measured")
      ->required()
      ->check(CLI::Range(1, 1'000'000'000));
  app.add_option("--warm-up", arguments.warm_up, "of each client, before")
      ->check(CLI::Range(0, 1'000'000));
  return run_program(app, argc, argv, [&arguments] { return Measurement(arguments).run(); });
}
