// The market maker by the real programs: what it keeps open out of its file, over kills at any
// moment, and that nobody is told an answer.
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>
#include <sstream>

#include "tests/integration/ledger/ledger_home.hpp"

using namespace guild::test;
namespace fs = std::filesystem;

namespace {

std::string question(const std::string& name, const std::string& more = "") {
  return R"({"question":")" + name + R"(?","answer":"SECRET-)" + name + '"' + more + "}\n";
}

class MakerHome : public TestHome {
 public:
  explicit MakerHome(std::string_view questions, const std::string& settings = "open_min = 3") {
    write_config("[market_maker]\nquestions = \"questions.jsonl\"\n" + settings + "\n");
    put(questions);
  }

  fs::path file() const { return root() / "questions.jsonl"; }
  /// As an editor does: beside it, closed, and moved over it.
  void put(std::string_view questions, fs::perms mode = fs::perms::owner_read) {
    const fs::path beside = root() / "questions.new";
    fs::remove(beside);
    write_text(beside, questions);
    fs::permissions(beside, mode);
    fs::rename(beside, file());
  }
  void begin() {
    start("broker");
    start("ledgerd");
  }

  LedgerClient client() const { return {*this, "operator"}; }
  std::vector<Json> markets(bool open_only = false) const {
    return client()
        .ask("market-list", {{"open_only", open_only}, {"limit", 200}})
        .json.at("markets");
  }
  /// "a? b?", of those that are open.
  std::string open() const {
    std::string all;
    for (const Json& market : markets(true))
      all += (all.empty() ? "" : " ") + market.at("question").get<std::string>();
    return all;
  }
  std::string market_of(const std::string& asked) const {
    for (const Json& market : markets(true))
      if (market.at("question") == asked) return market.at("market");
    FAIL("no open market asks " << asked);
    return "";
  }
  /// Each opening is an entry of the treasury's.
  bool wait_for_open(const std::string& questions) {
    return wait_for_treasury([&] { return open() == questions; });
  }
  bool wait_for_treasury(const std::function<bool()>& done) {
    constexpr int looks = 15;
    for (int i = 0; i < looks && !done(); ++i)
      guild({"bus", "sub", "ledger/entry/treasury", "--count", "1", "--timeout", "2s"});
    return done();
  }
  std::int64_t counter(const std::string& name) const {
    return client().ask("health", Json::object()).json.at("counters").at(name);
  }
  /// Asks again with each answer: the next look is at most `every` away.
  bool wait_for_counter(const std::string& name, std::int64_t value) const {
    LedgerClient asking = client();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end)
      if (asking.ask("health", Json::object()).json.at("counters").at(name) == value) return true;
    return false;
  }
  Reply answer(unsigned number, const std::string& market, const std::string& text) const {
    return client().ask(
        "market-answer",
        {{"id", id_of(7, number)}, {"market", market}, {"bot", "alice"}, {"answer", text}});
  }
};

}  // namespace

TEST_CASE("so many research markets are open as should be: one that is solved makes way") {
  MakerHome home(
      question("a") + question("b", R"(,"bounty":"25.00")") + question("c") + question("d"),
      "open_min = 2\nbounty = \"5.00\"\ndeadline = \"1h\"");
  home.begin();
  REQUIRE(home.client().ask("bot-create", {{"handle", "alice"}}).ok);
  REQUIRE(home.wait_for_open("a? b?"));
  CHECK(home.client().ask("balance", {{"account", "treasury"}}).json.at("balance") == "999970.00");
  CHECK(home.answer(1, home.market_of("b?"), "no").json.at("outcome") == "MISS");
  CHECK(home.answer(2, home.market_of("b?"), "SECRET-b").json.at("outcome") == "WIN");
  REQUIRE(home.wait_for_open("a? c?"));
  home.daemon("ledgerd").kill();
  home.start("ledgerd");
  REQUIRE(home.wait_for_counter("maker_questions_left", 1));
  CHECK(home.open() == "a? c?");
  CHECK(home.answer(3, home.market_of("a?"), "SECRET-a").json.at("outcome") == "WIN");
  REQUIRE(home.wait_for_open("c? d?"));
  CHECK(home.answer(4, home.market_of("c?"), "SECRET-c").json.at("outcome") == "WIN");
  // A solved question is not asked again: one market is all that can be open.
  REQUIRE(home.wait_for_counter("maker_exhausted", 1));
  CHECK(home.open() == "d?");
  const Outcome doctor = home.guild({"doctor"});
  CHECK(doctor.out.find("warn  market maker: fewer questions are left") != std::string::npos);
  home.put(question("a") + question("e"));
  REQUIRE(home.wait_for_open("d? e?"));
  REQUIRE(home.wait_for_counter("maker_exhausted", 0));
  CHECK(home.client().ask("verify", Json::object()).json.at("ok") == true);
  home.stop();
}

TEST_CASE("a question that nobody solves is asked again when its market has ended") {
  MakerHome home(question("a") + question("b") + question("c"),
                 "open_min = 2\ndeadline = \"1s\"\nevery = \"1h\"");
  home.begin();
  // Each is asked a second time before any is a third time.
  REQUIRE(home.wait_for_treasury([&] { return home.markets().size() >= 6; }));
  const auto all = home.markets();
  std::multiset<std::string> asked;
  for (std::size_t i = 0; i < 6; ++i) asked.insert(all[i].at("question").get<std::string>());
  for (const char* each : {"a?", "b?", "c?"}) CHECK(asked.count(each) == 2);
  CHECK(all[0].at("status") == "REFUNDED");
  home.stop();
}

TEST_CASE("killed between any two steps, ledgerd opens no question twice") {
  std::string questions;
  std::set<std::string> names;
  for (char name = 'a'; name < 'a' + 12; ++name) {
    questions += question(std::string(1, name));
    names.insert(std::string(1, name) + "?");
  }
  MakerHome home(questions, "open_min = 1");
  home.start("broker");
  // More are to be opened with each start, and it is killed while it opens them.
  for (int min = 1; min <= 12; ++min) {
    home.set_environment("GUILD_MARKET_MAKER_OPEN_MIN", std::to_string(min));
    home.start("ledgerd");
    home.daemon("ledgerd").kill();
  }
  home.start("ledgerd");
  REQUIRE(home.wait_for_treasury([&] { return home.markets(true).size() == 12; }));
  std::set<std::string> asked;
  for (const Json& market : home.markets()) CHECK(asked.insert(market.at("question")).second);
  CHECK(asked == names);
  CHECK(home.client().ask("balance", {{"account", "treasury"}}).json.at("balance") == "999880.00");
  CHECK(home.client().ask("verify", Json::object()).json.at("ok") == true);
  home.stop();
}

TEST_CASE("a file that becomes invalid is told and changes nothing; mended, it is taken") {
  MakerHome home(question("a") + question("b"), "open_min = 1\nevery = \"1h\"");
  home.begin();
  home.start("logconsumer");
  REQUIRE(home.wait_for_open("a?"));
  home.put(question("a") + R"({"question":"x?","answer":"SECRET-x","hint":"SECRET-y"})" + "\n");
  REQUIRE(home.wait_for_counter("maker_files_refused", 1));
  home.put(question("z"), fs::perms::owner_read | fs::perms::others_read);
  REQUIRE(home.wait_for_counter("maker_files_refused", 2));
  fs::remove(home.file());
  REQUIRE(home.wait_for_counter("maker_files_refused", 3));
  CHECK(home.counter("maker_questions") == 2);
  CHECK(home.open() == "a?");
  // In place, as a shell does.
  write_text(home.file(), question("a") + question("b") + question("c"));
  fs::permissions(home.file(), fs::perms::owner_read | fs::perms::owner_write);
  REQUIRE(home.wait_for_counter("maker_questions", 3));
  CHECK(home.open() == "a?");

  const auto logged = [&](const std::string& text) {
    return home.guild({"logs", "query", "--daemon", "ledgerd", "--grep", text}).out;
  };
  CHECK(logged("market maker opened").find(home.market_of("a?")) != std::string::npos);
  CHECK(logged("questions.jsonl:2: field hint").find("there is no such field") !=
        std::string::npos);
  CHECK(logged("SECRET").empty());
  CHECK(home.guild({"market", "list", "--json"}).out.find("SECRET") == std::string::npos);
  CHECK(home.guild({"ledger", "entries", "treasury", "--json"}).out.find("SECRET") ==
        std::string::npos);
  CHECK(home.daemon("ledgerd").err().find("SECRET") == std::string::npos);
  home.stop();
}

TEST_CASE("a treasury that cannot pay opens nothing, and is told once") {
  MakerHome home(question("a") + question("b"),
                 "open_min = 2\nbounty = \"7.00\"\nevery = \"100ms\"\n"
                 "[economy]\ntreasury_grant = \"10.00\"");
  home.begin();
  home.start("logconsumer");
  REQUIRE(home.wait_for_open("a?"));
  REQUIRE(home.wait_for_counter("maker_treasury_short", 1));
  REQUIRE(
      home.client()
          .ask(
              "transfer",
              {{"id", id_of(1, 1)}, {"debit", "world"}, {"credit", "treasury"}, {"amount", "5.00"}})
          .ok);
  REQUIRE(home.wait_for_open("a? b?"));
  REQUIRE(home.wait_for_counter("maker_treasury_short", 0));
  const std::string told =
      home.guild({"logs", "query", "--grep", "treasury cannot pay", "--json"}).out;
  CHECK(std::ranges::count(told, '\n') == 1);
  home.stop();
}

TEST_CASE("with a file that is missing, open to others or wrong, ledgerd does not start") {
  MakerHome home("");
  home.start("broker");
  const auto refused = [&](int exit_code, const std::string& why) {
    const Outcome outcome = home.run_daemon("ledgerd");
    INFO(outcome.err);
    CHECK(outcome.exit_code == exit_code);
    CHECK(outcome.err.find("[market_maker] questions: ") != std::string::npos);
    CHECK(outcome.err.find(why) != std::string::npos);
    CHECK(outcome.err.find("SECRET") == std::string::npos);
    const Outcome doctor = home.guild({"doctor", "--before-start"});
    CHECK(doctor.exit_code == 1);
    CHECK(doctor.out.find(why) != std::string::npos);
  };
  refused(2, "is empty");
  home.put(question("a") + question("a"));
  refused(2, "questions.jsonl:2: field question: the same as on line 1");
  home.put(question("a"), fs::perms::owner_read | fs::perms::group_read);
  refused(4, "lets others at the secret");
  fs::remove(home.file());
  refused(3, "no such secret file");
  home.put(question("a"));
  CHECK(home.guild({"doctor", "--before-start"}).exit_code == 0);
  home.start("ledgerd");
  home.stop();
}
