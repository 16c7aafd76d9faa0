// A consumer of the ledger's events that was away: over kills of ledgerd, of the broker and of the
// consumer itself it gets each leg exactly once, in order, by `ledgerd/events`.
#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>

#include "tests/integration/ledger/ledger_home.hpp"
#include "tests/support/scale.hpp"

using namespace guild::test;

namespace {

/// A consumer as a program of its own, that writes down what it gets.
class Consumer {
 public:
  explicit Consumer(LedgerHome& home) : home_(home) { start(); }

  void start() {
    process_.emplace(home_.guild_in_background(
        {"ledger", "events", "--follow", "--json", "--after", std::to_string(after())}));
    REQUIRE(process_->wait_for_err("subscribed"));
  }
  /// What it wrote down stays, but for a posting that is not whole: that it asks for again.
  void kill() {
    process_->kill();
    for (const Json& event : whole_lines()) kept_.push_back(event);
    process_.reset();
    while (!kept_.empty() && kept_.back().at("leg").get<int>() + 1 != kept_.back().at("legs"))
      kept_.pop_back();
  }
  std::int64_t after() const {
    return kept_.empty() ? 0 : kept_.back().at("seq").get<std::int64_t>();
  }
  std::size_t legs() const { return kept_.size() + (process_ ? whole_lines().size() : 0); }
  bool wait_for_legs(std::size_t wanted) {
    return process_->wait_until(
        home_.root() / "captured", [&] { return legs() >= wanted; }, seconds(60));
  }
  const std::vector<Json>& kept() const { return kept_; }
  std::string err() const { return process_->err(); }

 private:
  std::vector<Json> whole_lines() const {
    std::string out = process_->out();
    out.resize(out.rfind('\n') + 1);  // The rest of it, if any, was cut off.
    return json_lines(out);
  }

  LedgerHome& home_;
  std::optional<Process> process_;
  std::vector<Json> kept_;
};

Json transfer_n(unsigned n) {
  return transfer_of(id_of(7, n), "treasury", "user/u" + std::to_string(n % 3), "1.00");
}

void check_each_leg_once(const std::vector<Json>& events, std::int64_t postings) {
  std::int64_t seq = 1, leg = 0;
  std::map<std::string, std::int64_t> account_seqs;
  for (const Json& event : events) {
    REQUIRE(event.at("seq") == seq);
    REQUIRE(event.at("leg") == leg);
    REQUIRE(event.at("account_seq") == ++account_seqs[event.at("account")]);
    if (++leg < event.at("legs")) continue;
    ++seq;
    leg = 0;
  }
  CHECK(seq == postings + 1);
}

}  // namespace

TEST_CASE("a consumer that was away gets each leg exactly once, in order, whoever was killed") {
  LedgerHome home;
  Consumer consumer(home);
  home.add_key("writer", "operator");
  const unsigned count = scaled(1'000U, 10'000U), rounds = 5;
  REQUIRE(home.client("operator")
              .ask("transfer", transfer_of(id_of(9, 1), "treasury", "user/a", "1000"))
              .ok);
  for (unsigned round = 0; round < rounds; ++round) {
    INFO("round " << round);
    Process writer =
        Process::start(home.command({program_path("ledger_peer"), home.bus_endpoint(),
                                     home.keys().string(), "writer", std::to_string(round),
                                     "user/a", "user/b", std::to_string(count), "16"}),
                       home.capture("writer"));
    REQUIRE(consumer.wait_for_legs(consumer.legs() + 200));
    if (round % 2 == 0) consumer.kill();
    home.daemon("ledgerd").kill();
    if (round % 3 == 1) {
      home.daemon("broker").kill();
      home.start("broker");
    }
    home.start("ledgerd");
    if (round % 2 == 0) consumer.start();
    CHECK(writer.wait(seconds(120)).exit_code == 0);
  }
  const std::int64_t postings = home.verify().at("entries");
  CHECK(postings == 2 + rounds * count);
  INFO(consumer.err());
  REQUIRE(consumer.wait_for_legs(2 * static_cast<std::size_t>(postings)));
  consumer.kill();
  check_each_leg_once(consumer.kept(), postings);
  CHECK(home.verify().at("ok") == true);
}

TEST_CASE("a page holds what was published, to the byte, in whole postings") {
  LedgerHome home;
  LedgerClient listener = home.client("viewer"), client = home.client("operator");
  REQUIRE(listener.raw().ask(guild::raw::subscribe, "ledger/entry/**").kind == guild::raw::done);
  std::vector<Json> told;
  const auto hear = [&](std::size_t wanted) {
    while (told.size() < wanted) {
      const auto record = listener.raw().expect(guild::raw::deliver);
      for (const std::string& item : record.items()) told.push_back(Json::parse(item));
    }
  };
  const auto head = [&] {
    return client.ask("events", Json::object()).json.at("head").get<std::int64_t>();
  };
  const std::int64_t before = head();
  for (unsigned n = 0; n < 5; ++n) REQUIRE(client.ask("transfer", transfer_n(n)).ok);
  // What was booked before it listened may be told once more; of the rest nothing is missing.
  hear(10);
  while (told.back().at("seq") != before + 5 || told.back().at("leg") != 1) hear(told.size() + 1);
  std::erase_if(told, [&](const Json& event) { return event.at("seq") <= before; });

  std::vector<Json> read;
  std::int64_t after = before;
  for (bool more = true; more;) {
    const Json page = listener.ask("events", {{"after", after}, {"limit", 1}}).json;
    REQUIRE(page.at("events").size() == 2);
    CHECK(page.at("head") == before + 5);
    for (const Json& event : page.at("events")) read.push_back(event);
    after = read.back().at("seq");
    more = page.at("more");
  }
  CHECK(read == told);
  CHECK(client.ask("events", {{"after", before + 5}}).json.at("events").empty());
}

TEST_CASE("who may not hear the events may not ask for them, and bad pages are refused by name") {
  LedgerHome home;
  home.add_key("a-bot", "bot");
  home.add_key("an-app", "client");
  CHECK(home.client("viewer").ask("events", Json::object()).ok);
  for (const std::string name : {"a-bot", "an-app", "scheduler"}) {
    INFO(name);
    LedgerClient client = home.client(name);
    CHECK(client.raw().ask(guild::raw::subscribe, "ledger/entry/**").kind == guild::raw::denied);
    CHECK_FALSE(client.ask("events", Json::object()).ok);
  }
  LedgerClient client = home.client("operator");
  const auto code = [&](const Json& request) { return client.ask("events", request).code(); };
  CHECK(code({{"after", -1}}) == "field_range");
  CHECK(code({{"limit", 0}}) == "field_range");
  CHECK(code({{"limit", 501}}) == "field_range");
  CHECK(code({{"since", 1}}) == "field_unknown");
  CHECK(code({{"after", 99}}) == "seq_unknown");
}

TEST_CASE("guild ledger events: one account, so many, from the file too, and what it refuses") {
  LedgerHome home;
  LedgerClient client = home.client("operator");
  for (unsigned n = 0; n < 6; ++n) REQUIRE(client.ask("transfer", transfer_n(n)).ok);
  const auto lines = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"ledger", "events"});
    arguments.emplace_back("--json");
    const Outcome outcome = home.guild(arguments);
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return json_lines(outcome.out);
  };
  CHECK(lines({"--account", "user/u1"}).size() == 2);
  CHECK(lines({"--account", "user/u1", "--after", "3"}).size() == 1);
  CHECK(lines({"--count", "3"}).size() == 3);
  CHECK(lines({"--follow", "--count", "5"}).size() == 5);
  const auto all = lines({});
  check_each_leg_once(all, 7);
  CHECK(home.guild({"ledger", "events", "--after", "99"}).exit_code == 7);
  CHECK(home.guild({"ledger", "events", "--after", "-1"}).exit_code == 2);
  CHECK(home.guild({"ledger", "events", "--account", "user/nobody"}).exit_code == 3);
  CHECK(home.guild({"ledger", "events", "--account", "user/a b"}).exit_code == 2);
  home.stop();
  CHECK(lines({}) == all);
}
