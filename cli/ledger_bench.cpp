// guild ledger bench: transfers per second and how long each request takes, through the bus, of a
// scratch suite on this machine's own disk. Afterwards the whole book is recomputed from its file,
// so that no figure stands for transfers that are not there.
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>

#include <fmt/format.h>

#include "cli/answers.hpp"
#include "cli/latencies.hpp"
#include "cli/ledger.hpp"
#include "cli/scratch_suite.hpp"
#include "common/base/file.hpp"
#include "common/messages/transfer_batch.hpp"

namespace guild::cli {
namespace {

using Clock = std::chrono::steady_clock;
using messages::BatchTransfer;
using messages::TransferBatch;

constexpr Duration request_limit = std::chrono::minutes(1);
constexpr std::size_t accounts_a_batch = 4'000;
constexpr std::int64_t start_units = 1'000'000 * Money::units_per_one;

struct BenchArguments {
  messages::Range<1, 1'000'000'000, 1'000'000> transfers;
  messages::Range<1, messages::batch_transfers_max, messages::batch_transfers_max> batch;
  messages::Range<2, 1'000'000, 1'000> accounts;
  messages::Range<1, 256, 2> clients;
};

std::string account_name(std::int64_t number) { return fmt::format("user/b{}", number); }

/// Makes batches of transfers between accounts by chance, always the same ones.
class Orders {
 public:
  explicit Orders(const BenchArguments& arguments)
      : accounts_(arguments.accounts),
        batch_(arguments.batch),
        left_(arguments.transfers),
        place_(static_cast<std::size_t>(accounts_), 0) {}

  bool is_done() const { return left_ == 0; }

  TransferBatch next() {
    TransferBatch batch;
    batch.references = {"bench"};
    const std::int64_t count = std::min(batch_, left_);
    batch.transfers.reserve(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t debit = chance(accounts_);
      const std::int64_t credit = (debit + 1 + chance(accounts_ - 1)) % accounts_;
      batch.transfers.push_back({.id = next_id(),
                                 .hold = {},
                                 .debit = index_of(debit, batch),
                                 .credit = index_of(credit, batch),
                                 .reference = 0,
                                 .kind = messages::BatchKind::transfer,
                                 .is_linked = false,
                                 .amount = Money::of_units(1 + chance(1'000)),
                                 .lifetime_s = 0});
    }
    for (const std::int64_t used : used_) place_[static_cast<std::size_t>(used)] = 0;
    used_.clear();
    left_ -= count;
    return batch;
  }

 private:
  std::int64_t chance(std::int64_t below) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(below));
  }
  Uuid next_id() {
    Uuid id;
    store_le(id.bytes.data(), random_());
    store_le(id.bytes.data() + 8, random_());
    return id;
  }
  /// Where the account is in the batch's own table.
  std::uint16_t index_of(std::int64_t account, TransferBatch& batch) {
    std::uint16_t& place = place_[static_cast<std::size_t>(account)];
    if (place == 0) {
      batch.accounts.push_back(account_name(account));
      used_.push_back(account);
      place = static_cast<std::uint16_t>(batch.accounts.size());
    }
    return static_cast<std::uint16_t>(place - 1);
  }

  const std::int64_t accounts_, batch_;
  std::int64_t left_;
  std::vector<std::uint16_t> place_;
  std::vector<std::int64_t> used_;
  std::mt19937_64 random_{7};
};

/// Clients with a session each, every one with a request under way.
class Bench {
 public:
  Bench(Context& context, const BenchArguments& arguments)
      : context_(context), arguments_(arguments), orders_(arguments) {}

  Result<void> connect() {
    GUILD_TRY(bus::ClientOptions options, bus_options(context_, "operator"));
    options.shares_io_thread = true;
    for (std::int64_t i = 0; i < arguments_.clients; ++i) {
      GUILD_TRY(auto client, bus::Client::make(options));
      GUILD_CHECK(client->wait_connected(std::chrono::seconds(10)));
      clients_.push_back(std::move(client));
    }
    return {};
  }

  /// Opens the accounts, each with enough for whatever chance does.
  Result<void> fund() {
    std::mt19937_64 random(11);
    for (std::int64_t first = 0; first < arguments_.accounts;) {
      TransferBatch batch;
      batch.references = {"start"};
      batch.accounts = {"world"};
      for (; first < arguments_.accounts && batch.transfers.size() < accounts_a_batch; ++first) {
        batch.accounts.push_back(account_name(first));
        batch.transfers.push_back({.id = Uuid::make(),
                                   .hold = {},
                                   .debit = 0,
                                   .credit = static_cast<std::uint16_t>(batch.accounts.size() - 1),
                                   .reference = 0,
                                   .kind = messages::BatchKind::transfer,
                                   .is_linked = false,
                                   .amount = Money::of_units(start_units),
                                   .lifetime_s = 0});
      }
      GUILD_TRY(const std::string answer,
                clients_.front()->request_and_wait("ledgerd/transfers", messages::encode(batch),
                                                   request_limit));
      GUILD_CHECK(count(answer));
    }
    if (refused_ == 0) return {};
    return fail(ErrorKind::failed, "bench_failed", "the accounts could not be funded");
  }

  Result<LedgerBench> run() {
    booked_ = 0;
    const auto start = Clock::now();
    for (auto& client : clients_) ask(*client);
    GUILD_CHECK(pump());
    const auto took = std::max<Clock::duration>(Clock::now() - start, std::chrono::nanoseconds(1));
    const double seconds = std::chrono::duration<double>(took).count();
    return LedgerBench{
        .transfers_per_s = static_cast<std::int64_t>(static_cast<double>(booked_) / seconds),
        .p50_us = in_us(latencies_.at(0.5)),
        .p99_us = in_us(latencies_.at(0.99)),
        .transfers = arguments_.transfers,
        .batch = arguments_.batch,
        .clients = arguments_.clients,
        .accounts = arguments_.accounts,
        .booked = booked_,
        .refused = refused_,
        .durable = false,
        .verify_ms = 0,
        .start_ms = 0};
  }

 private:
  static std::int64_t in_us(Duration duration) {
    return std::chrono::round<std::chrono::microseconds>(duration).count();
  }

  void ask(bus::Client& client) {
    if (orders_.is_done() || failed_) return;
    ++under_way_;
    const auto asked = Clock::now();
    const auto answered = [this, &client, asked](const Result<std::string>& answer) {
      --under_way_;
      latencies_.record(Clock::now() - asked);
      const Result<void> counted = answer ? count(*answer) : fail(answer.error());
      if (!counted && !failed_) failed_ = counted.error();
      ask(client);
    };
    const auto sent = client.request("ledgerd/transfers", messages::encode(orders_.next()),
                                     request_limit, answered);
    if (sent) return;
    --under_way_;
    failed_ = sent.error();
  }

  Result<void> count(std::string_view answer) {
    GUILD_TRY(const auto outcomes, messages::decode_batch_outcomes(answer));
    for (const messages::BatchOutcome& outcome : outcomes)
      ++(outcome.code == messages::outcome_booked ? booked_ : refused_);
    return {};
  }

  /// By epoll: to look through every client's descriptor for each answer would cost more than it.
  Result<void> pump() {
    const Fd ready(::epoll_create1(EPOLL_CLOEXEC));
    if (!ready) return fail(system_error("wait for answers", errno));
    for (const auto& client : clients_) {
      epoll_event watched{.events = EPOLLIN, .data = {.ptr = client.get()}};
      if (::epoll_ctl(ready.get(), EPOLL_CTL_ADD, client->fd(), &watched) != 0)
        return fail(system_error("wait for answers", errno));
    }
    for (auto& client : clients_) client->pump();
    std::array<epoll_event, 64> events{};
    while (under_way_ > 0) {
      const int count = ::epoll_wait(ready.get(), events.data(), std::ssize(events), 1'000);
      if (count < 0 && errno != EINTR) return fail(system_error("wait for answers", errno));
      for (int i = 0; i < count; ++i)
        static_cast<bus::Client*>(events[static_cast<std::size_t>(i)].data.ptr)->pump();
    }
    if (failed_) return fail(*failed_);
    return {};
  }

  Context& context_;
  const BenchArguments& arguments_;
  Orders orders_;
  std::vector<std::unique_ptr<bus::Client>> clients_;
  Latencies latencies_;
  std::int64_t booked_ = 0, refused_ = 0, under_way_ = 0;
  std::optional<Error> failed_;
};

/// Recomputes the book from its file: every transfer that was answered is there.
Result<void> prove(ScratchSuite& suite, const BenchArguments& arguments, LedgerBench& result) {
  const auto start = Clock::now();
  GUILD_TRY(Session session, Session::open(suite.context()));
  GUILD_TRY(const auto report, session.ask<messages::VerifyReport>(
                                   "ledgerd/verify", messages::Nothing{}, longest_limit));
  result.verify_ms = std::chrono::round<std::chrono::milliseconds>(Clock::now() - start).count();
  // The genesis, and one to fund each account.
  result.durable = report.ok && report.entries == 1 + arguments.accounts + result.booked;
  if (result.durable && result.refused == 0 && result.booked == arguments.transfers) return {};
  return fail(ErrorKind::failed, "bench_failed",
              fmt::format("of {} transfers {} were booked and {} refused; the file holds {} "
                          "postings{}{}",
                          arguments.transfers.value, result.booked, result.refused, report.entries,
                          report.ok ? "" : ": ", report.problem));
}

Result<Exit> bench(Context& context, const BenchArguments& arguments) {
  GUILD_TRY(const auto suite, ScratchSuite::start(context.out));
  LedgerBench result;
  {
    Bench bench(suite->context(), arguments);
    GUILD_CHECK(bench.connect());
    GUILD_CHECK(bench.fund());
    GUILD_TRY(result, bench.run());
  }
  GUILD_CHECK(prove(*suite, arguments, result));
  GUILD_TRY(const Duration start, suite->restart_ledgerd());
  result.start_ms = std::chrono::round<std::chrono::milliseconds>(start).count();
  context.out.line(
      context.json()
          ? messages::encode(result)
          : fmt::format("{} transfers/s in batches of {} from {} clients over {} accounts; a "
                        "request took p50 {} us, p99 {} us; recomputed from the file in {} ms, "
                        "ready again in {} ms",
                        result.transfers_per_s, result.batch, result.clients, result.accounts,
                        result.p50_us, result.p99_us, result.verify_ms, result.start_ms));
  return Exit::ok;
}

}  // namespace

void add_ledger_bench(Command& ledger) {
  const auto arguments = std::make_shared<BenchArguments>();
  ledger.add("bench", "transfers per second, of a scratch suite; the real book stays as it is")
      .option("--transfers", "N", arguments->transfers, "in all (1000000)")
      .option("--batch", "N", arguments->batch, "transfers in a request (8000)")
      .option("--accounts", "N", arguments->accounts, "that they are spread over (1000)")
      .option("--clients", "N", arguments->clients, "with a request each under way (2)")
      .runs([arguments](Context& context) { return bench(context, *arguments); });
  add_scratch_daemon(ledger);
}

}  // namespace guild::cli
