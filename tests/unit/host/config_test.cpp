#include "common/host/config.hpp"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <fstream>

#include "tests/unit/base/scratch_folder.hpp"

using namespace guild;
using namespace std::chrono_literals;
using Environment = std::vector<std::string_view>;

namespace {

Result<host::Settings> parse(std::string_view toml, const Environment& environment = {}) {
  return host::parse_settings(toml, "/home/of/suite/guild.toml", environment);
}

void check_refused(const Result<host::Settings>& parsed, std::string_view code,
                   std::initializer_list<std::string_view> parts) {
  REQUIRE_FALSE(parsed);
  const std::string text = parsed.error().text();
  INFO(text);
  CHECK(parsed.error().code == code);
  CHECK(parsed.error().kind == ErrorKind::invalid);
  for (const std::string_view part : parts) CHECK(text.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("an empty file means all defaults") {
  const auto settings = parse("");
  REQUIRE(settings);
  CHECK_FALSE(settings->bus.endpoint);
  CHECK(settings->log.level == host::LogLevel::info);
  CHECK(settings->gateway.port == 8787);
  CHECK(settings->gateway.address.value == "127.0.0.1");
  CHECK(settings->economy.genesis_grant.text() == "1000.00");
  CHECK(settings->scheduler.cancel_grace == 5s);
  CHECK(settings->scheduler.allowed_roots.empty());
}

TEST_CASE("values of every type are read") {
  const auto settings = parse(R"(
    [bus]
    endpoint = "tcp://127.0.0.1:5570"
    [log]
    level = "debug"
    fallback_after = "250ms"
    [economy]
    genesis_grant = "12.50000001"
    [scheduler]
    allowed_roots = ["/srv/a", "work"]
    workers_max = 8
    [gateway]
    port = 0
    allowed_hosts = ["guild.example"]
  )");
  REQUIRE(settings);
  CHECK(settings->bus.endpoint->value == "tcp://127.0.0.1:5570");
  CHECK(settings->log.level == host::LogLevel::debug);
  CHECK(settings->log.fallback_after == 250ms);
  CHECK(settings->economy.genesis_grant.text() == "12.50000001");
  CHECK(settings->scheduler.workers_max == 8);
  CHECK(settings->gateway.port == 0);
  REQUIRE(settings->gateway.allowed_hosts.size() == 1);
}

TEST_CASE("what overflows is a list of rules, each of a pattern, a policy and perhaps a name") {
  const auto settings =
      parse("[broker]\noverflow = [\"apps/** block\", \"apps/*/x disconnect  trader-1\"]\n");
  REQUIRE(settings);
  const auto& rules = settings->broker.overflow;
  REQUIRE(rules.size() == 2);
  CHECK(rules[0].topics == "apps/**");
  CHECK(rules[0].policy == host::OverflowPolicy::block);
  CHECK(rules[0].subscriber.empty());
  CHECK(rules[1].topics == "apps/*/x");
  CHECK(rules[1].policy == host::OverflowPolicy::disconnect);
  CHECK(rules[1].subscriber == "trader-1");
  for (const char* bad : {"", "apps/**", "apps/** drop", "apps/** block Trader", "block apps/**",
                          "apps/** block trader-1 more"})
    check_refused(parse("[broker]\noverflow = [\"" + std::string(bad) + "\"]\n"), "config_type",
                  {"[broker] overflow: element 1", "TOPICS POLICY"});
  check_refused(parse("[broker]\noverflow = [\"apps/**/x block\"]\n"), "config_range",
                {"element 1", "expected"});
}

TEST_CASE("relative paths are meant from the folder of the file that holds them") {
  const auto settings = parse(
      "[scheduler]\nallowed_roots = [\"work\", \"../x\", \"/abs/./y\"]\n"
      "[bus]\nendpoint = \"ipc://other/bus.sock\"\n"
      "[market_maker]\nquestions = \"q/../questions.jsonl\"\n");
  REQUIRE(settings);
  CHECK(settings->market_maker.questions->value == "/home/of/suite/questions.jsonl");
  CHECK(settings->scheduler.allowed_roots[0].value == "/home/of/suite/work");
  CHECK(settings->scheduler.allowed_roots[1].value == "/home/of/x");
  CHECK(settings->scheduler.allowed_roots[2].value == "/abs/y");
  CHECK(settings->bus.endpoint->value == "ipc:///home/of/suite/other/bus.sock");
}

TEST_CASE("an unknown key is refused with the nearest known one") {
  check_refused(parse("\n[gateway]\nportt = 1\n"), "config_unknown_key",
                {"guild.toml:3:", "[gateway] portt", "did you mean port?"});
  check_refused(parse("[gateway]\nzzzzzz = 1\n"), "config_unknown_key",
                {"its keys are address, port"});
  check_refused(parse("[log]\nport = 1\n"), "config_unknown_key", {"port is a key of [gateway]"});
  check_refused(parse("[gatway]\nport = 1\n"), "config_unknown_key",
                {"guild.toml:1:", "unknown section", "did you mean gateway?"});
  check_refused(parse("port = 1\n"), "config_unknown_key",
                {"unknown key", "port is a key of [gateway]"});
  check_refused(parse("[gateway.port]\nx = 1\n"), "config_type",
                {"a table; expected an integer from 0 to 65535"});
}

TEST_CASE("a wrong type is refused with what was found and what was expected") {
  check_refused(
      parse("[gateway]\nport = \"8080\"\n"), "config_type",
      {"guild.toml:2: [gateway] port", "\"8080\"", "expected an integer from 0 to 65535"});
  check_refused(parse("[gateway]\nport = 80.5\n"), "config_type", {"a floating-point number"});
  check_refused(parse("[gateway]\naddress = 5\n"), "config_type", {"5; expected text in quotes"});
  check_refused(parse("[gateway]\nallowed_hosts = \"a\"\n"), "config_type", {"expected an array"});
  check_refused(parse("[gateway]\nallowed_hosts = [\"a\", 2]\n"), "config_type",
                {"allowed_hosts: element 2: 2"});
  check_refused(parse("[log]\nlevel = 3\n"), "config_type", {"one of debug, info, warn"});
  check_refused(parse("[log]\nfallback_after = 10\n"), "config_type", {"a duration in quotes"});
  check_refused(parse("[log]\nfallback_after = \"10\"\n"), "config_type", {"a duration in quotes"});
  check_refused(parse("[economy]\ngenesis_grant = 1000.0\n"), "config_type",
                {"an amount in quotes"});
  check_refused(parse("[economy]\ngenesis_grant = \"0.123456789\"\n"), "config_type",
                {"at most eight places"});
  check_refused(parse("gateway = 1\n"), "config_type", {"write [gateway] on a line"});
}

TEST_CASE("a value out of range is refused with the range") {
  check_refused(parse("[gateway]\nport = 65536\n"), "config_range",
                {"65536 is out of range", "0 to 65535"});
  check_refused(parse("[gateway]\nport = -1\n"), "config_range", {"-1 is out of range"});
  check_refused(parse("[log]\nlevel = \"loud\"\n"), "config_range",
                {"\"loud\"", "debug, info, warn, error, critical"});
  check_refused(parse("[log]\nfallback_after = \"0s\"\n"), "config_range", {"from 1ms to 24h"});
  check_refused(parse("[gateway]\nrequest_timeout = \"1h\"\n"), "config_range",
                {"from 1ms to 10m"});
  check_refused(parse("[gateway]\naddress = \"localhost\"\n"), "config_range",
                {"a numeric IPv4 or IPv6 address"});
  check_refused(parse("[economy]\ngenesis_grant = \"-1.00\"\n"), "config_range", {"not negative"});
  check_refused(parse("[economy]\nmode = \"strict\"\n"), "config_range", {"observe"});
  check_refused(parse("[economy]\nbet_share = \"1.01\"\n"), "config_range", {"1.00"});
  check_refused(parse("[economy]\nresearch_stake = \"0.00\"\n"), "config_range", {"above zero"});
  for (const char* wrong :
       {"questions = \"\"", "open_min = 0", "open_min = 1001", "bounty = \"0.00\"",
        "bounty = \"-1.00\"", "deadline = \"0s\"", "every = \"99ms\"", "every = \"25h\""})
    check_refused(parse("[market_maker]\n" + std::string(wrong) + "\n"), "config_range",
                  {"[market_maker]"});
  check_refused(parse("[economy]\nidle_every = 0\n"), "config_range", {"1"});
  check_refused(parse("[economy]\nwager_horizon = \"0s\"\n"), "config_range", {"1ms"});
  check_refused(parse("[economy]\nmodels = [\"m 3.00\"]\n"), "config_range", {"RATE_OUT"});
  check_refused(parse(fmt::format("[bus]\nendpoint = \"ipc://{}\"\n", std::string(200, 'x'))),
                "config_range", {"at most 200 bytes"});
  std::string roots = "[scheduler]\nallowed_roots = [";
  for (int i = 0; i < 65; ++i) roots += "\"/a\",";
  check_refused(parse(roots + "]\n"), "config_range", {"65 elements", "at most 64"});
  CHECK(parse("[gateway]\nport = 65535\n"));
}

TEST_CASE("an endpoint is ipc or tcp with a port") {
  for (const std::string_view bad : {"", "ipc://", "udp://1:2", "tcp://127.0.0.1", "tcp://:80",
                                     "tcp://h:0", "tcp://h:65536", "tcp://h:80x", "127.0.0.1:80"}) {
    INFO(bad);
    check_refused(parse(fmt::format("[bus]\nendpoint = \"{}\"\n", bad)), "config_range",
                  {"ipc://PATH or tcp://ADDRESS:PORT"});
  }
}

TEST_CASE("broken TOML is refused with line and column") {
  check_refused(parse("[gateway\nport = 1\n"), "config_syntax", {"guild.toml:1:"});
  check_refused(parse("[gateway]\nport = 1\nport = 2\n"), "config_syntax", {"guild.toml:3:"});
}

TEST_CASE("the environment overrides the file") {
  const auto settings =
      parse("[gateway]\nport = 1\n",
            {"GUILD_GATEWAY_PORT=8788", "GUILD_ECONOMY_GENESIS_GRANT=2.00", "GUILD_LOG_LEVEL=warn",
             "GUILD_LOG_FALLBACK_AFTER=1m", "GUILD_GATEWAY_ALLOWED_HOSTS=a,b",
             "GUILD_SCHEDULER_ALLOWED_ROOTS=work", "PATH=/bin", "GUILDHALL=x"});
  REQUIRE(settings);
  CHECK(settings->gateway.port == 8788);
  CHECK(settings->economy.genesis_grant.text() == "2.00");
  CHECK(settings->log.level == host::LogLevel::warn);
  CHECK(settings->log.fallback_after == 60s);
  CHECK(settings->gateway.allowed_hosts.size() == 2);
  CHECK(settings->scheduler.allowed_roots.at(0).value == "/home/of/suite/work");
}

TEST_CASE("an empty variable is an empty value, never the default") {
  CHECK(parse("[gateway]\nallowed_hosts = [\"a\"]\n", {"GUILD_GATEWAY_ALLOWED_HOSTS="})
            ->gateway.allowed_hosts.empty());
  check_refused(parse("", {"GUILD_GATEWAY_PORT="}), "config_type", {"GUILD_GATEWAY_PORT: \"\""});
}

TEST_CASE("the environment is checked like the file") {
  check_refused(parse("", {"GUILD_GATEWAY_PROT=1"}), "config_environment",
                {"GUILD_GATEWAY_PROT", "did you mean GUILD_GATEWAY_PORT?"});
  check_refused(parse("", {"GUILD_WHATEVER_ELSE=1"}), "config_environment", {"unset it"});
  check_refused(parse("", {"GUILD_GATEWAY_PORT=80x"}), "config_type",
                {"environment GUILD_GATEWAY_PORT", "\"80x\""});
  check_refused(parse("", {"GUILD_GATEWAY_PORT=99999"}), "config_range", {"99999"});
  check_refused(parse("", {"GUILD_LOG_LEVEL=loud"}), "config_range", {"\"loud\""});
  check_refused(parse("", {"GUILD_GATEWAY_ADDRESS=\xff"}), "config_range", {"UTF-8"});
}

TEST_CASE("reserved names are not settings") {
  CHECK(parse("", {"GUILD_HOME=/x", "GUILD_TASK_ID=1", "GUILD_TASK_ANYTHING=1"}));
  check_refused(parse("", {"GUILD_HOME_DIR=/x"}), "config_environment", {"GUILD_HOME_DIR"});
}

TEST_CASE("what is written reads back the same, defaults included") {
  auto settings = parse(
      "[bus]\nendpoint = \"tcp://127.0.0.1:5570\"\n[gateway]\n"
      "allowed_hosts = [\"a\\\"b\", \"c\"]\n[log]\nlevel = \"error\"\n");
  REQUIRE(settings);
  const std::string text = host::format_settings(*settings);
  const auto again = parse(text);
  REQUIRE(again);
  CHECK(host::format_settings(*again) == text);
  CHECK(text.find("endpoint = \"tcp://127.0.0.1:5570\"") != std::string::npos);
  CHECK(text.find("genesis_grant = \"1000.00\"") != std::string::npos);
  CHECK(host::format_settings(*parse("")).find("# endpoint is not set") != std::string::npos);
}

TEST_CASE("a missing file means defaults; an unreadable one does not") {
  ScratchFolder scratch;
  const host::Home home{scratch.path()};
  CHECK(host::load_settings(home, {}));
  std::ofstream(home.config()) << "[gateway]\nport = 9\n";
  CHECK(host::load_settings(home, {})->gateway.port == 9);
  std::ofstream(home.config()) << std::string((1U << 20U) + 1, '#');
  const auto large = host::load_settings(home, {});
  REQUIRE_FALSE(large);
  CHECK(large.error().code == "file_too_large");
  std::filesystem::remove(home.config());
  std::filesystem::create_directory(home.config());
  CHECK_FALSE(host::load_settings(home, {}));
}

TEST_CASE("a socket path too long for the kernel is refused with the reason") {
  const auto settings = parse("");
  const std::string_view tail = "/run/bus.sock";
  const host::Home fits{"/" + std::string(107 - tail.size() - 1, 'h')};
  REQUIRE(host::bus_endpoint(fits, *settings));
  CHECK(host::bus_endpoint(fits, *settings)->size() == 107 + 6);
  const host::Home too_long{"/" + std::string(107 - tail.size(), 'h')};
  const auto refused = host::bus_endpoint(too_long, *settings);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "socket_path_too_long");
  CHECK(refused.error().message.find("108 bytes, the kernel takes 107") != std::string::npos);
  const auto tcp = parse("[bus]\nendpoint = \"tcp://127.0.0.1:5570\"\n");
  CHECK(*host::bus_endpoint(too_long, *tcp) == "tcp://127.0.0.1:5570");
}

TEST_CASE("a home is what is given, and whole") {
  ScratchFolder scratch;
  CHECK(host::Home::find(scratch.path().string())->root == scratch.path());
  CHECK(host::Home::find(scratch.path().string() + "/x/..//")->root == scratch.path());
  CHECK(host::Home::find("here")->root == std::filesystem::current_path() / "here");
}
