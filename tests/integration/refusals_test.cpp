// What a daemon refuses to start on, and what it does when the disk is full.
#include <sys/mount.h>

#include <fstream>

#include <catch2/catch.hpp>

#include "tests/support/home.hpp"
#include "tests/support/json.hpp"

using namespace guild::test;
namespace fs = std::filesystem;

namespace {

bool mentions(const Outcome& outcome, std::string_view word) {
  return outcome.err.find(word) != std::string::npos || outcome.out.find(word) != std::string::npos;
}

void flip_bytes(const fs::path& file, std::streamoff at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  REQUIRE(stream);
  stream.seekg(at);
  char bytes[16];
  stream.read(bytes, sizeof bytes);
  REQUIRE(stream);
  for (char& byte : bytes) byte = static_cast<char>(byte ^ 0x5a);
  stream.seekp(at);
  stream.write(bytes, sizeof bytes);
}

}  // namespace

TEST_CASE("a daemon refuses bad settings by name, with the nearest known one, and writes nothing") {
  TestHome home;
  struct Case {
    std::string toml, word, hint;
  };
  const std::vector<Case> cases = {
      {"[gatway]\nport = 0\n", "gatway", "gateway"},
      {"[gateway]\nprot = 0\n", "prot", "port"},
      {"[gateway]\nport = \"80\"\n", "port", "integer"},
      {"[gateway]\nport = 70000\n", "port", "65535"},
      {"[gateway]\nport = -1\n", "port", "65535"},
      {"[economy]\ngenesis_grant = 1.5\n", "genesis_grant", "\""},
      {"[economy]\ngenesis_grant = \"1.123456789\"\n", "genesis_grant", "8"},
      {"[log\nlevel = 1\n", "guild.toml", "1"},
  };
  for (const Case& bad : cases) {
    home.write_config(bad.toml);
    const Outcome outcome = home.run_daemon("ledgerd");
    INFO(bad.toml << "-> " << outcome.err);
    CHECK(outcome.exit_code == 2);
    CHECK(mentions(outcome, bad.word));
    CHECK(mentions(outcome, bad.hint));
  }
  CHECK_FALSE(fs::exists(home.data() / "ledger.db"));
  home.write_config("");
  home.set_environment("GUILD_GATEWAY_PROT", "1");
  CHECK(mentions(home.run_daemon("ledgerd"), "GUILD_GATEWAY_PORT"));
}

TEST_CASE("missing and loose secrets stop a daemon, with the command that mends them") {
  TestHome home;
  const fs::path key = home.keys() / "ledgerd" / "database.key";
  SECTION("a key that others can read") {
    fs::permissions(key, fs::perms::others_read, fs::perm_options::add);
    const Outcome outcome = home.run_daemon("ledgerd");
    CHECK(outcome.exit_code == 4);
    CHECK(mentions(outcome, "chmod 600"));
  }
  SECTION("a key that is not there") {
    fs::remove(key);
    const Outcome outcome = home.run_daemon("ledgerd");
    CHECK(outcome.exit_code != 0);
    CHECK(mentions(outcome, "database.key"));
  }
  SECTION("no keys at all") {
    fs::remove_all(home.keys());
    const Outcome outcome = home.run_daemon("broker");
    CHECK(outcome.exit_code != 0);
    CHECK(mentions(outcome, "keys init"));
  }
  CHECK_FALSE(fs::exists(home.data() / "ledger.db"));
}

TEST_CASE("a second instance on the same home is refused and names the first") {
  TestHome home;
  home.start("broker");
  const Outcome outcome = home.run_daemon("broker");
  CHECK(outcome.exit_code == 7);
  CHECK(mentions(outcome, std::to_string(home.daemon("broker").pid())));
  CHECK(home.guild({"bus", "ping", "broker"}).exit_code == 0);  // The first is none the worse.
}

TEST_CASE("a store that is not ours, not whole or not encrypted is refused and left alone") {
  TestHome home;
  home.start("broker");
  home.start("ledgerd");
  REQUIRE(home.guild({"bot", "add", "courier"}).exit_code == 0);
  home.stop();
  const fs::path database = home.data() / "ledger.db";
  const auto refused = [&](std::string_view word) {
    const std::string before = read_text(database);
    home.start("broker");
    const Outcome outcome = home.run_daemon("ledgerd");
    INFO(outcome.err);
    CHECK(outcome.exit_code != 0);
    CHECK(mentions(outcome, "ledger.db"));
    CHECK(mentions(outcome, word));
    CHECK(read_text(database) == before);
  };
  SECTION("another key") {
    write_text(home.keys() / "ledgerd" / "database.key", std::string(64, 'a') + "\n");
    refused("wrong key");
  }
  SECTION("a damaged first page") {
    flip_bytes(database, 1000);
    refused("damaged");
  }
  SECTION("a damaged page in the middle") {
    flip_bytes(database, static_cast<std::streamoff>(fs::file_size(database) / 2));
    const Outcome check = home.guild({"db", "check"}, {}, seconds(60));
    CHECK(check.exit_code == 1);
    CHECK(mentions(check, "ledger.db"));
  }
  SECTION("a truncated file") {
    fs::resize_file(database, fs::file_size(database) / 2 + 100);
    const Outcome check = home.guild({"db", "check"}, {}, seconds(60));
    CHECK(check.exit_code == 1);
  }
}

TEST_CASE("a full disk refuses what it cannot keep, says so, and goes on when there is room") {
  TestHome home;
  fs::create_directory(home.data());
  fs::permissions(home.data(), fs::perms::owner_all);
  if (::mount("guild-test", home.data().c_str(), "tmpfs", MS_NOSUID | MS_NODEV,
              "size=4m,mode=0700") != 0) {
    WARN("SKIPPED: this machine does not let us mount a small file system");
    return;
  }
  struct Unmount {
    std::string path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } const unmount{home.data().string()};
  home.start("broker");
  home.start("ledgerd");
  REQUIRE(home.guild({"bot", "add", "courier"}).exit_code == 0);
  const auto transfer = [&](int number) {
    char id[37];
    std::snprintf(id, sizeof id, "0199aabb-ccdd-7000-8000-%012d", number);
    return home.guild(
        {"ledger", "transfer", "bot/courier", "user/ann", "0.01", "--id", id, "--json"});
  };
  const fs::path filler = home.data() / "filler";
  {
    std::ofstream stream(filler, std::ios::binary);
    const std::string block(4096, 'x');
    while (stream.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  int booked = 0;
  Outcome refused;
  for (int i = 0; i < 200 && refused.exit_code.value_or(0) == 0; ++i) {
    refused = transfer(booked);
    if (refused.exit_code == 0) ++booked;
  }
  INFO(refused.err);
  REQUIRE(refused.exit_code == 1);
  CHECK(Json::parse(refused.err).at("code") == "disk_full");
  fs::remove(filler);
  CHECK(transfer(booked).exit_code == 0);
  const auto entries = json_lines(home.guild({"ledger", "entries", "user/ann", "--json"}).out);
  CHECK(entries.size() == static_cast<std::size_t>(booked) + 1);
  CHECK(home.guild({"ledger", "verify"}).exit_code == 0);
}
