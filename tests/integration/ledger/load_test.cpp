// Several processes book at once, and ledgerd is killed under that load: what was acknowledged is
// there, once; the sums are right; every leg was told at least once, in order.
#include <algorithm>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "tests/integration/ledger/ledger_home.hpp"
#include "tests/support/scale.hpp"

using namespace guild::test;

namespace {

constexpr unsigned writers = 4;

class Load {
 public:
  /// Each writer moves `count` times 0.01 from its own account on to the next one's.
  Load(LedgerHome& home, unsigned count) : home_(home), count_(count) {
    LedgerClient client = home.client("operator");
    for (unsigned i = 0; i < writers; ++i) {
      home.add_key("writer-" + std::to_string(i), "operator");
      REQUIRE(client.ask("transfer", transfer_of(id_of(99, i), "treasury", account(i), "100")).ok);
    }
    for (unsigned i = 0; i < writers; ++i) processes_.push_back(start(i));
  }

  static std::string account(unsigned writer) { return "user/u" + std::to_string(writer); }

  bool is_running() {
    for (Process& process : processes_)
      if (process.running()) return true;
    return false;
  }
  void wait() {
    for (Process& process : processes_) {
      const Outcome outcome = process.wait(seconds(200));
      INFO(outcome.err);
      REQUIRE(outcome.exit_code == 0);
    }
  }
  std::size_t acknowledged() const {
    std::size_t lines = 0;
    for (const Process& process : processes_) {
      const std::string out = process.out();
      lines += static_cast<std::size_t>(std::count(out.begin(), out.end(), '\n'));
    }
    return lines;
  }

  /// Every transfer of every writer is in its account's history, once.
  void check_history() {
    for (unsigned i = 0; i < writers; ++i) {
      const Outcome outcome =
          home_.guild({"ledger", "entries", account(i), "--json"}, {}, seconds(60));
      REQUIRE(outcome.exit_code == 0);
      std::map<std::string, int> booked;
      std::int64_t last = 0;
      for (const Json& entry : json_lines(outcome.out)) {
        REQUIRE(entry.at("account_seq") == ++last);
        if (entry.at("amount") == "-0.01") ++booked[entry.at("id")];
      }
      REQUIRE(booked.size() == count_);
      for (unsigned n = 0; n < count_; ++n) REQUIRE(booked[id_of(i, n)] == 1);
    }
  }

 private:
  Process start(unsigned i) {
    const std::string name = "writer-" + std::to_string(i);
    return Process::start(home_.command({program_path("ledger_peer"), home_.bus_endpoint(),
                                         home_.keys().string(), name, std::to_string(i), account(i),
                                         account((i + 1) % writers), std::to_string(count_), "64"}),
                          home_.capture(name));
  }

  LedgerHome& home_;
  const unsigned count_;
  std::vector<Process> processes_;
};

/// Hears every event until told to stop: the seqs of each account, in the order they came.
class Listener {
 public:
  explicit Listener(const LedgerHome& home) : client_(home.client("operator")) {
    REQUIRE(client_.raw().ask(guild::raw::subscribe, "ledger/entry/**").kind == guild::raw::done);
    thread_ = std::jthread([this](const std::stop_token& stop) { listen(stop); });
  }

  /// Until the highest seq of every writer's account is this.
  bool wait_for_all(std::int64_t last, seconds limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] {
      for (unsigned i = 0; i < writers; ++i)
        if (last_of(heard_[Load::account(i)]) < last) return false;
      return true;
    });
  }
  /// Ends the listening.
  std::map<std::string, std::vector<std::int64_t>> heard() {
    thread_.request_stop();
    thread_.join();
    return std::move(heard_);
  }

 private:
  static std::int64_t last_of(const std::vector<std::int64_t>& seqs) {
    return seqs.empty() ? 0 : *std::max_element(seqs.begin(), seqs.end());
  }
  void listen(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const auto record = client_.raw().next(milliseconds(100));
      if (!record || record->kind != guild::raw::deliver) continue;
      const auto items = record->items();
      const std::lock_guard lock(mutex_);
      for (const std::string& item : items) {
        const Json entry = Json::parse(item);
        heard_[entry.at("account")].push_back(entry.at("account_seq"));
      }
      client_.raw().return_credit(*record, static_cast<std::uint32_t>(items.size()));
      changed_.notify_all();
    }
  }

  LedgerClient client_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::vector<std::int64_t>> heard_;
  std::jthread thread_;
};

}  // namespace

TEST_CASE("several processes book at once, and nothing is lost, doubled or made") {
  LedgerHome home;
  Load load(home, scaled(500U, 20'000U));
  load.wait();
  for (unsigned i = 0; i < writers; ++i) CHECK(home.balance(Load::account(i)) == "100.00");
  load.check_history();
  const Json report = home.verify();
  CHECK(report.at("ok") == true);
  CHECK(report.at("entries") == 1 + writers + writers * scaled(500U, 20'000U));
  home.stop();
  const Outcome offline = home.guild({"ledger", "verify", "--json"});
  CHECK(Json::parse(offline.out).at("root") == report.at("root"));
}

TEST_CASE("ledgerd killed under load keeps what it acknowledged, and tells every leg") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  LedgerHome home;
  Listener listener(home);
  const unsigned count = scaled(4'000U, 20'000U);
  Load load(home, count);
  int kills = 0;
  while (load.is_running()) {
    // The next kill comes once some more were acknowledged, wherever that finds it.
    const std::size_t wanted = load.acknowledged() + 100 + random() % 400;
    REQUIRE(wait_for_change(
        home.root() / "captured",
        [&] { return load.acknowledged() >= wanted || !load.is_running(); }, seconds(60)));
    home.daemon("ledgerd").kill();
    home.start("ledgerd");
    ++kills;
  }
  load.wait();
  CHECK(kills >= 4);
  load.check_history();
  const Json report = home.verify();
  CHECK(report.at("ok") == true);
  CHECK(report.at("entries") == 1 + writers + writers * count);

  // Its drain publishes what is left; what is on its way to a listener ends with the broker, so
  // that is stopped once all was heard.
  home.daemon("ledgerd").signal(SIGTERM);
  CHECK(home.daemon("ledgerd").wait().exit_code == 0);
  CHECK(listener.wait_for_all(1 + 2 * count, seconds(120)));
  auto heard = listener.heard();
  for (unsigned i = 0; i < writers; ++i) {
    const auto& seqs = heard[Load::account(i)];
    const std::set<std::int64_t> distinct(seqs.begin(), seqs.end());
    CHECK(distinct.size() == 1 + 2 * count);
    CHECK(*distinct.rbegin() == 1 + 2 * count);
    // In order but for what is told again after a crash: nothing new comes before its time.
    std::int64_t furthest = 0;
    for (const std::int64_t seq : seqs) {
      REQUIRE(seq <= furthest + 1);
      furthest = std::max(furthest, seq);
    }
  }
  WARN(kills << " kills, " << load.acknowledged() << " acknowledged");
}
