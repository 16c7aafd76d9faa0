// The guild command without a suite: what it refuses, how it says so, and that it leaves no trace.
#include <sys/stat.h>

#include <fstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/home.hpp"

using namespace guild::test;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> files_in(const fs::path& folder) {
  std::vector<std::string> files;
  for (const auto& each : fs::recursive_directory_iterator(folder))
    files.push_back(each.path().string());
  std::ranges::sort(files);
  return files;
}

struct Refusal {
  std::vector<std::string> arguments;
  int exit_code;
  std::string code;
};

void check_refused(TestHome& home, const Refusal& refusal) {
  std::vector<std::string> arguments = refusal.arguments;
  arguments.insert(arguments.begin(), "--json");
  const Outcome outcome = home.guild(arguments);
  INFO(outcome.err);
  CHECK(outcome.exit_code == refusal.exit_code);
  CHECK(outcome.out.empty());
  const Json error = Json::parse(outcome.err);
  CHECK(error.at("code") == refusal.code);
  CHECK(error.size() == 4);
  CHECK_FALSE(error.at("message").get<std::string>().empty());
  CHECK_FALSE(error.at("next_step").get<std::string>().empty());
}

}  // namespace

TEST_CASE("wrong arguments end with 2, and nothing is looked for or made") {
  TestHome home(Keys::none);
  const auto before = files_in(home.root() / "captured").size();
  for (const Refusal& refusal : std::vector<Refusal>{
           {{"frobnicate"}, 2, "command_unknown"},
           {{"ledger", "frobnicate"}, 2, "command_unknown"},
           {{"ledger"}, 2, "command_incomplete"},
           {{"ledger", "transfer", "treasury", "bot/a"}, 2, "argument_missing"},
           {{"ledger", "transfer", "treasury", "bot/a", "-5"}, 2, "amount_negative"},
           {{"ledger", "transfer", "treasury", "bot/a", "0"}, 2, "amount_zero"},
           {{"ledger", "transfer", "treasury", "bot/a", "1.123456789"}, 2, "money_places"},
           {{"ledger", "transfer", "treasury", "bot/a", "1", "--id", "7"}, 2, "uuid_format"},
           {{"ledger", "transfer", "treasury", "bot/a", "1", "--frob"}, 2, "argument_invalid"},
           {{"task", "run", "--cost", "-1", "--bot", "a", "--", "true"}, 2, "amount_negative"},
           {{"task", "run", "--cost", "1", "--", "true"}, 2, "cost_without_bot"},
           {{"task", "run", "--bot", "a"}, 2, "argument_missing"},
           {{"task", "run", "--priority", "3", "--", "true"}, 2, "number_range"},
           {{"logs", "query", "--limit", "1001"}, 2, "number_range"},
           {{"logs", "query", "--level", "loud"}, 2, "choice_unknown"},
           {{"bus", "pub", "a//b", "x"}, 2, "topic_invalid"},
           {{"bus", "sub", "a/**/b"}, 2, "topic_invalid"},
           {{"status", "--daemon", "ledgr"}, 2, "daemon_unknown"},
           {{"bus", "bench", "--size", "15"}, 2, "number_range"}}) {
    CAPTURE(refusal.arguments);
    check_refused(home, refusal);
  }
  CHECK_FALSE(fs::exists(home.keys()));
  CHECK_FALSE(fs::exists(home.run_folder()));
  CHECK_FALSE(fs::exists(home.data()));
  CHECK(files_in(home.root() / "captured").size() > before);  // Only what the test itself captured.
}

TEST_CASE("a usage error shows a person the usage line of that verb") {
  TestHome home(Keys::none);
  const Outcome outcome = home.guild({"ledger", "transfer", "treasury", "bot/a", "-5"});
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.out.empty());
  CHECK(outcome.err ==
        "guild: AMOUNT: \"-5\" is negative; the direction is in the names\n"
        "usage: guild ledger transfer FROM TO AMOUNT [--id ID] [--reference TEXT]\n");
}

TEST_CASE("without keys, and without a broker, what to do next is said") {
  TestHome bare(Keys::none);
  check_refused(bare, {{"bus", "ping"}, 3, "keys_missing"});
  TestHome home;
  check_refused(home, {{"bus", "ping"}, 1, "broker_unreachable"});
  check_refused(home, {{"ledger", "transfer", "treasury", "bot/a", "1"}, 1, "broker_unreachable"});
  check_refused(home, {{"task", "run", "--", "true"}, 1, "broker_unreachable"});
  check_refused(home, {{"--as", "stranger", "bus", "ping"}, 3, "client_unknown"});
  // Its last line is the cause: whoever starts a daemon shows that line.
  const Outcome late = home.guild({"status", "--daemon", "broker", "--wait", "100ms"});
  CHECK(late.exit_code == 5);
  CHECK(late.err == "guild: broker is not ready after 100ms: it has not said that it is ready\n");
  CHECK_FALSE(fs::exists(home.data()));
}

TEST_CASE("status names every daemon also when none runs") {
  TestHome home;
  const Outcome outcome = home.guild({"status", "--json"});
  CHECK(outcome.exit_code == 1);
  std::istringstream lines(outcome.out);
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    const Json status = Json::parse(line);
    CHECK(status.at("ready") == false);
    CHECK(status.at("reason") == "not running");
    names.push_back(status.at("name"));
  }
  CHECK(names ==
        std::vector<std::string>{"broker", "logconsumer", "ledgerd", "scheduler", "gateway"});
}

TEST_CASE("keys are made once, closed to others, and no secret is printed") {
  TestHome home(Keys::none);
  const Outcome made = home.guild({"keys", "init"});
  REQUIRE(made.exit_code == 0);
  std::size_t files = 0;
  for (const auto& each : fs::recursive_directory_iterator(home.keys())) {
    struct stat found{};
    REQUIRE(::lstat(each.path().c_str(), &found) == 0);
    CHECK((found.st_mode & 077U) == 0);
    if (!each.is_regular_file()) continue;
    ++files;
    CHECK(made.out.find(each.path().string() + "\n") != std::string::npos);
    std::ifstream file(each.path());
    std::string first;
    std::getline(file, first);
    if (first.size() >= 32) CHECK((made.out + made.err).find(first) == std::string::npos);
  }
  CHECK(files >= 40);
  const auto before = read_text(home.keys() / "authorized_clients.toml");
  check_refused(home, {{"keys", "init"}, 7, "keys_exist"});
  CHECK(read_text(home.keys() / "authorized_clients.toml") == before);
  check_refused(home, {{"keys", "add", "x", "--role", "king"}, 2, "role_unknown"});
  check_refused(home, {{"keys", "add", "operator", "--role", "viewer"}, 7, "name_taken"});
  check_refused(home, {{"keys", "revoke", "broker"}, 4, "name_protected"});
  check_refused(home, {{"keys", "revoke", "nobody"}, 3, "name_unknown"});
  CHECK(read_text(home.keys() / "authorized_clients.toml") == before);
}

TEST_CASE("doctor passes a sound home, and names what is wrong with another") {
  TestHome home;
  const Outcome sound = home.guild({"doctor", "--before-start"});
  INFO(sound.out);
  CHECK(sound.exit_code == 0);
  CHECK(sound.out.empty());

  const auto found = [&home](std::string_view part) {
    const Outcome outcome = home.guild({"doctor", "--before-start"});
    INFO(outcome.out);
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.find("FAIL") != std::string::npos);
    CHECK(outcome.out.find("next: ") != std::string::npos);
    CHECK(outcome.out.find(part) != std::string::npos);
  };
  SECTION("an unknown key in the config") {
    home.write_config("[gateway]\nprot = 1\n");
    found("port");
  }
  SECTION("a secret that others may read") {
    fs::permissions(home.keys() / "ledgerd" / "database.key", fs::perms::others_read,
                    fs::perm_options::add);
    found("ledgerd/database.key");
  }
  SECTION("no master key") {
    fs::remove(home.keys() / "master.key");
    found("master key");
  }
  SECTION("no key of a daemon") {
    fs::remove(home.keys() / "scheduler" / "bus.secret");
    found("scheduler/bus.secret");
  }
  SECTION("a database in clear under our name") {
    fs::create_directory(home.data());
    fs::permissions(home.data(), fs::perms::owner_all);
    write_text(home.data() / "ledger.db", "SQLite format 3" + std::string(5'000, '\0'));
    found("ledger.db");
  }
  SECTION("a home too deep for a socket") {
    const fs::path deep = home.root() / std::string(100, 'd');
    fs::create_directory(deep);
    const Outcome outcome = home.guild({"--home", deep.string(), "doctor", "--before-start"});
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.find("bus address") != std::string::npos);
  }
}

TEST_CASE("config is shown with its defaults, and a wrong one is refused by name") {
  TestHome home;
  home.write_config("[gateway]\nport = 0\n");
  const Outcome shown = home.guild({"config", "show", "--json"});
  REQUIRE(shown.exit_code == 0);
  CHECK(Json::parse(shown.out).at("gateway").at("port") == 0);
  CHECK(Json::parse(shown.out).at("economy").at("genesis_grant") == "1000.00");
  CHECK(home.guild({"config", "path"}).out == (home.root() / "guild.toml").string() + "\n");
  home.write_config("[gateway]\nport = \"high\"\n");
  check_refused(home, {{"config", "check"}, 2, "config_type"});
}

TEST_CASE("help, version and completion need no home") {
  TestHome home(Keys::none);
  CHECK(home.guild({"--version"}).out.starts_with("guild "));
  const Outcome help = home.guild({"help"});
  CHECK(help.exit_code == 0);
  for (const auto* noun :
       {"status", "doctor", "bus", "logs", "ledger", "bot", "task", "db", "keys"})
    CHECK(help.out.find(noun) != std::string::npos);
  const Outcome script = home.guild({"completion", "bash"});
  REQUIRE(script.exit_code == 0);
  const Command complete =
      home.command({"/bin/bash", "-c",
                    script.out + "\nCOMP_WORDS=(guild --home x ledger ver) COMP_CWORD=4; _guild; "
                                 "printf '%s\\n' \"${COMPREPLY[@]}\""});
  CHECK(run(complete, home.capture("bash")).out == "verify\n");
}

TEST_CASE("output that cannot be written is an error, not silence") {
  TestHome home;
  const Command listing =
      home.command({"/bin/sh", "-c", "exec \"$0\" keys list >/dev/full", program_path("guild")});
  const Outcome outcome = run(listing, home.capture("full"));
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.err.find("No space left on device") != std::string::npos);
}
