// Nothing that is secret, and no payload, lies open: not in files, not in logs, not in /proc.
#include <cstring>

#include <catch2/catch.hpp>

#include "tests/support/home.hpp"
#include "tests/support/json.hpp"

using namespace guild::test;
namespace fs = std::filesystem;

namespace {

// Words that go in as payload and may not be found in a file.
constexpr const char* marker = "xyzzy-plugh-payload";

std::vector<std::string> secrets_of(const TestHome& home) {
  std::vector<std::string> secrets;
  for (const auto& entry : fs::recursive_directory_iterator(home.keys())) {
    const fs::path& path = entry.path();
    if (!entry.is_regular_file() || path.extension() == ".public" || path.extension() == ".toml" ||
        path.extension() == ".hash")
      continue;
    std::string text = read_text(path);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    REQUIRE(text.size() >= 32);
    secrets.push_back(text);
    // Raw bytes are as bad as hex.
    std::string raw;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
      raw.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
    secrets.push_back(raw);
  }
  return secrets;
}

void check_holds_none(const fs::path& file, const std::vector<std::string>& words) {
  const std::string content = read_text(file);
  for (const std::string& word : words) {
    INFO(file.string() << " holds a word of " << word.size() << " bytes that should not be there");
    CHECK(content.find(word) == std::string::npos);
  }
}

}  // namespace

TEST_CASE("data, output and processes hold no key, and data no payload in clear") {
  TestHome home;
  home.write_config("[gateway]\nport = 0\n[log]\nlevel = \"debug\"\n");
  home.start_suite();
  const Outcome bot = home.guild({"bot", "add", "courier", "--json"});
  REQUIRE(bot.exit_code == 0);
  REQUIRE(home.guild({"task", "run", "--bot", "courier", "--cost", "0.10", "--", "echo", marker})
              .exit_code == 0);
  REQUIRE(home.guild({"ledger", "transfer", "bot/courier", std::string("user/") + "plugh", "1.00"})
              .exit_code == 0);
  REQUIRE(home.guild({"logs", "emit", "--count", "10"}).exit_code == 0);

  std::vector<std::string> secrets = secrets_of(home);
  REQUIRE(secrets.size() > 20);
  const Json created = Json::parse(bot.out);
  secrets.push_back(created.at("api_secret"));
  secrets.push_back(created.at("api_key"));

  SECTION("files in data are no SQLite databases and show no payload") {
    std::vector<std::string> words = secrets;
    words.insert(words.end(), {marker, "courier", "CHARGE", "SQLite format 3"});
    std::size_t databases = 0;
    for (const auto& entry : fs::directory_iterator(home.data())) {
      check_holds_none(entry.path(), words);
      if (entry.path().extension() != ".db") continue;
      ++databases;
      const Outcome sqlite =
          run(home.command({"/usr/bin/sqlite3", "-readonly", entry.path().string(), ".tables"}),
              home.capture("sqlite3"));
      INFO(entry.path().string());
      CHECK(sqlite.exit_code != 0);
      CHECK(sqlite.err.find("not a database") != std::string::npos);
    }
    CHECK(databases >= 4);
  }

  SECTION("what the daemons wrote elsewhere holds no key") {
    for (const auto& folder : {home.run_folder(), home.root() / "captured"}) {
      for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file()) continue;
        // The one place where the bot's secret was shown, to this very test.
        if (read_text(entry.path()) == bot.out) continue;
        check_holds_none(entry.path(), secrets);
      }
    }
  }

  SECTION("the log holds no key") {
    const Outcome logs =
        home.guild({"logs", "query", "--level", "debug", "--limit", "1000", "--json"});
    REQUIRE(logs.exit_code == 0);
    for (const std::string& secret : secrets) CHECK(logs.out.find(secret) == std::string::npos);
  }

  SECTION("arguments and environments of the daemons hold no key") {
    for (const char* daemon : {"broker", "logconsumer", "ledgerd", "scheduler", "gateway"}) {
      const fs::path proc = fs::path("/proc") / std::to_string(home.daemon(daemon).pid());
      check_holds_none(proc / "cmdline", secrets);
      check_holds_none(proc / "environ", secrets);
    }
  }
}
