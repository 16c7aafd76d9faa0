// The guild command against a running suite: bad input is refused by the name of its fault and
// changes nothing; reads work with and without the daemon; a task, its output and its cost.
#include <csignal>
#include <sstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/home.hpp"

using namespace guild::test;
using Json = nlohmann::json;

namespace {

std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(Json::parse(line));
  return lines;
}

Json answer_of(TestHome& home, std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const Outcome outcome = home.guild(arguments);
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  return Json::parse(outcome.out);
}

void check_refused(TestHome& home, std::vector<std::string> arguments, int exit_code,
                   std::string_view code) {
  arguments.insert(arguments.begin(), "--json");
  CAPTURE(arguments);
  const Outcome outcome = home.guild(arguments);
  INFO(outcome.err);
  CHECK(outcome.exit_code == exit_code);
  CHECK(outcome.out.empty());
  const Json error = Json::parse(outcome.err);
  CHECK(error.at("code") == code);
  CHECK_FALSE(error.at("message").get<std::string>().empty());
}

std::string transfer(std::string_view amount) {
  return R"({"id":"01900000-0000-7000-8000-000000000001","debit":"treasury","credit":"bot/demo","amount":")" +
         std::string(amount) + "\"}";
}

}  // namespace

TEST_CASE("bad input to the book is refused by name and books nothing") {
  TestHome home;
  for (const auto* daemon : {"broker", "logconsumer", "ledgerd"}) home.start(daemon);
  REQUIRE(home.guild({"bot", "add", "demo"}).exit_code == 0);
  const Json before = answer_of(home, {"ledger", "verify"});
  const Json demo_before = answer_of(home, {"ledger", "balance", "bot/demo"});

  const auto request = [&](const std::string& payload, int exit_code, std::string_view code) {
    check_refused(home, {"bus", "request", "ledgerd/transfer", payload}, exit_code, code);
  };
  request("{bad", 2, "json_invalid");
  request("[]", 2, "field_type");
  request(R"({"id":"01900000-0000-7000-8000-000000000001"})", 2, "field_missing");
  request(transfer("1\",\"amont\":\"1"), 2, "field_unknown");
  request(transfer("-5"), 2, "amount_not_positive");
  request(transfer("1.123456789"), 2, "field_value");
  request(
      R"({"id":"01900000-0000-7000-8000-000000000001","debit":"treasury","credit":"bot/demo","amount":1})",
      2, "field_type");

  check_refused(home, {"ledger", "transfer", "treasury", "bot/demo", "-5"}, 2, "amount_negative");
  check_refused(home, {"ledger", "transfer", "treasury", "bot/demo", "1.123456789"}, 2,
                "money_places");
  check_refused(home, {"ledger", "transfer", "treasury", "bot/nobody", "1"}, 3,
                "credit_account_unknown");
  check_refused(home, {"ledger", "transfer", "bot/nobody", "treasury", "1"}, 3,
                "debit_account_unknown");
  check_refused(home, {"ledger", "transfer", "bot/demo", "treasury", "1000.01"}, 6, "funds_short");
  check_refused(home, {"ledger", "balance", "bot/nobody"}, 3, "account_unknown");
  check_refused(home, {"bot", "show", "nobody"}, 3, "bot_unknown");
  check_refused(home, {"bot", "add", "demo"}, 7, "handle_taken");
  check_refused(home, {"bot", "add", "Demo!"}, 2, "handle_format");
  check_refused(home, {"--as", "viewer", "ledger", "transfer", "treasury", "bot/demo", "1"}, 4,
                "no_permission");

  CHECK(answer_of(home, {"ledger", "verify"}) == before);
  CHECK(answer_of(home, {"ledger", "balance", "bot/demo"}) == demo_before);
}

TEST_CASE("a transfer with the same id is booked once, with other content refused") {
  TestHome home;
  for (const auto* daemon : {"broker", "ledgerd"}) home.start(daemon);
  REQUIRE(home.guild({"bot", "add", "demo"}).exit_code == 0);
  const std::vector<std::string> order = {"ledger",
                                          "transfer",
                                          "treasury",
                                          "bot/demo",
                                          "2.50",
                                          "--id",
                                          "01900000-0000-7000-8000-000000000002"};
  const Json first = answer_of(home, order);
  const Json second = answer_of(home, order);
  CHECK(second.at("repeated") == true);
  CHECK(second.at("seq") == first.at("seq"));
  check_refused(home,
                {"ledger", "transfer", "treasury", "bot/demo", "2.51", "--id",
                 "01900000-0000-7000-8000-000000000002"},
                7, "id_reused");
  CHECK(answer_of(home, {"ledger", "balance", "bot/demo"}).at("balance") == "1002.50");
  const auto entries = json_lines(home.guild({"ledger", "entries", "bot/demo", "--json"}).out);
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].at("type") == "GRANT");
  CHECK(entries[0].at("previous_hash") == std::string(64, '0'));
  CHECK(entries[1].at("amount") == "2.50");
  CHECK(entries[1].at("previous_hash") == entries[0].at("hash"));
}

TEST_CASE("an unlisted key and a wrong server key are refused by name within a moment") {
  TestHome home;
  TestHome elsewhere;
  home.start("broker");
  // A keypair of another home that knows this broker: its line was never on this list.
  elsewhere.add_key("other", "client");
  std::filesystem::copy(elsewhere.keys() / "other", home.keys() / "other");
  std::filesystem::copy_file(home.keys() / "viewer" / "broker.public",
                             home.keys() / "other" / "broker.public",
                             std::filesystem::copy_options::overwrite_existing);
  check_refused(home, {"--as", "other", "bus", "ping"}, 4, "not_authorized");

  write_text(home.keys() / "viewer" / "broker.public", std::string(64, 'a') + "\n");
  check_refused(home, {"--as", "viewer", "bus", "ping"}, 4, "wrong_server_key");
}

TEST_CASE("a key that was just added is welcomed, one that was revoked is not") {
  TestHome home;
  home.start("broker");
  const Outcome added = home.guild({"keys", "add", "courier", "--role", "client"});
  INFO(added.err);
  CHECK(added.exit_code == 0);
  CHECK(added.err.find("the broker welcomed courier") != std::string::npos);
  CHECK(home.guild({"--as", "courier", "bus", "pub", "apps/x", "hello"}).exit_code == 0);
  check_refused(home, {"--as", "courier", "bus", "pub", "demo/x", "hello"}, 4, "no_permission");
  CHECK(home.guild({"keys", "revoke", "courier"}).exit_code == 0);
  check_refused(home, {"--as", "courier", "bus", "ping"}, 3, "client_unknown");
}

TEST_CASE("a list of an earlier version is told by doctor and mended by extend, while all runs") {
  TestHome home;
  const auto path = home.keys() / "authorized_clients.toml";
  std::string list = read_text(path);
  const std::string lost = "\"broker/health\"";
  const auto at = list.find(lost, list.find("name = \"broker\""));
  REQUIRE(at != std::string::npos);
  list.erase(at, lost.size());
  write_text(path, list);
  home.start("broker");
  const Outcome warned = home.guild({"doctor"});
  CHECK((warned.out + warned.err).find("the list does not let broker request broker/health") !=
        std::string::npos);
  CHECK((warned.out + warned.err).find("guild keys extend broker") != std::string::npos);
  const Outcome extended = home.guild({"keys", "extend", "--json"});
  CHECK(extended.exit_code == 0);
  CHECK(json_lines(extended.out) ==
        std::vector<Json>{
            Json{{"client", "broker"}, {"field", "request"}, {"pattern", "broker/health"}}});
  CHECK(home.guild({"doctor"}).out.find("keys extend") == std::string::npos);
  check_refused(home, {"keys", "extend", "nobody"}, 3, "name_unknown");
}

TEST_CASE("a message after the confirmation is received, with who sent it") {
  TestHome home;
  home.start("broker");
  Process listener = home.guild_in_background(
      {"bus", "sub", "demo/**", "--count", "2", "--json", "--timeout", "20s"});
  REQUIRE(listener.wait_for_err("subscribed to demo/**"));
  CHECK(home.guild({"bus", "pub", "demo/text", "hello", "--ack"}).exit_code == 0);
  CHECK(home.guild({"bus", "pub", "demo/bytes", "-"}, "\xff\x01").exit_code == 0);
  const Outcome heard = listener.wait();
  CHECK(heard.exit_code == 0);
  const auto messages = json_lines(heard.out);
  REQUIRE(messages.size() == 2);
  CHECK(messages[0] ==
        Json{{"topic", "demo/text"}, {"sender", "operator"}, {"seq", 1}, {"payload", "hello"}});
  CHECK(messages[1].at("payload_hex") == "ff01");

  const Outcome nothing =
      home.guild({"bus", "sub", "demo/**", "--count", "1", "--timeout", "200ms"});
  CHECK(nothing.exit_code == 5);
  CHECK(home.guild({"bus", "sub", "demo/**", "--timeout", "200ms"}).exit_code == 0);
}

TEST_CASE("refusals are seen by whoever watches") {
  TestHome home;
  home.start("broker");
  Process monitor = home.guild_in_background({"bus", "monitor", "--timeout", "3s"});
  REQUIRE(monitor.wait_for_err("watching"));
  check_refused(home, {"--as", "viewer", "bus", "pub", "demo/x", "hello"}, 4, "no_permission");
  const Outcome seen = monitor.wait();
  CHECK(seen.exit_code == 0);
  CHECK(seen.out.find("viewer  publish demo/x: no_permission") != std::string::npos);
}

TEST_CASE("headers of traffic are seen by whoever may, on the record, and by nobody else") {
  TestHome home;
  home.start("broker");
  check_refused(home, {"--as", "viewer", "bus", "monitor", "demo/**"}, 4, "no_permission");
  check_refused(home, {"bus", "monitor", "demo/***"}, 2, "topic_invalid");
  Process audit = home.guild_in_background(
      {"--as", "viewer", "bus", "sub", "bus/audit", "--count", "2", "--json", "--timeout", "30s"});
  REQUIRE(audit.wait_for_err("subscribed to bus/audit"));
  Process monitor =
      home.guild_in_background({"bus", "monitor", "demo/**", "--json", "--timeout", "3s"});
  REQUIRE(monitor.wait_for_err("watching"));
  CHECK(home.guild({"bus", "pub", "demo/x", "a secret", "--ack"}).exit_code == 0);
  const Outcome seen = monitor.wait();
  CHECK(seen.exit_code == 0);
  CHECK(seen.out.find("secret") == std::string::npos);
  int headers = 0;
  for (const Json& line : json_lines(seen.out)) {
    if (!line.at("topic").get<std::string>().starts_with("bus/traffic/")) continue;
    const Json& header = line.at("event").at("headers").at(0);
    CHECK(header.at("operation") == "publish");
    CHECK(header.at("topic") == "demo/x");
    CHECK(header.at("sender") == "operator");
    CHECK(header.at("count") == 1);
    CHECK(header.at("bytes") == 8);
    ++headers;
  }
  CHECK(headers == 1);

  const Outcome told = audit.wait();
  CHECK(told.exit_code == 0);
  std::vector<std::string> actions;
  for (const Json& line : json_lines(told.out)) {
    const Json event = Json::parse(line.at("payload").get<std::string>());
    CHECK(event.at("client") == "operator");
    CHECK(event.at("pattern") == "demo/**");
    actions.push_back(event.at("action"));
  }
  CHECK(actions == std::vector<std::string>{"monitor_started", "monitor_ended"});
}

TEST_CASE("the broker tells its figures every second, and they add up") {
  TestHome home;
  home.start("broker");
  const Outcome heard =
      home.guild({"bus", "sub", "bus/status", "--count", "2", "--json", "--timeout", "20s"});
  REQUIRE(heard.exit_code == 0);
  for (const Json& line : json_lines(heard.out)) {
    const Json status = Json::parse(line.at("payload").get<std::string>());
    std::int64_t dropped = 0;
    for (const auto& [reason, count] : status.at("dropped").items())
      dropped += count.get<std::int64_t>();
    CHECK(status.at("routed") == status.at("delivered").get<std::int64_t>() +
                                     status.at("waiting").get<std::int64_t>() + dropped);
    CHECK(status.at("sessions") == 2);  // The broker's own, and the listener.
    CHECK(status.at("rss_bytes") > 1'000'000);
    CHECK(status.at("instance").get<std::string>().size() == 32);
  }
}

TEST_CASE("a request nobody serves fails at once and names the daemon") {
  TestHome home;
  home.start("broker");
  const Outcome outcome = home.guild({"bot", "list", "--json"}, {}, seconds(4));
  CHECK(outcome.exit_code == 1);
  const Json error = Json::parse(outcome.err);
  CHECK(error.at("code") == "no_responder");
  CHECK(error.at("message").get<std::string>().find("ledgerd does not answer") == 0);
}

TEST_CASE("a bench counts and orders every message between processes") {
  TestHome home;
  home.start("broker");
  const Json bench = answer_of(
      home, {"bus", "bench", "--messages", "20000", "--publishers", "2", "--subscribers", "2"});
  CHECK(bench.at("published") == 20'000);
  CHECK(bench.at("delivered") == 40'000);
  CHECK(bench.at("dropped") == 0);
  CHECK(bench.at("out_of_order") == 0);
  CHECK(bench.at("messages_per_s") > 0);
  const Json echo = answer_of(home, {"bus", "bench", "--echo", "--messages", "500"});
  CHECK(echo.at("messages") == 500);
  CHECK(echo.at("p50_us") > 0);
  CHECK(echo.at("p99_us") >= echo.at("p50_us"));
}

TEST_CASE("lines that were emitted are all found, whether the log consumer runs or not") {
  TestHome home;
  home.start("broker");
  home.start("logconsumer");
  const Json emitted = answer_of(home, {"logs", "emit", "--count", "300"});
  CHECK(emitted.at("acknowledged") == 300);
  CHECK(emitted.at("dropped") == 0);
  const std::vector<std::string> query = {"logs",   "query",   "--daemon", "operator", "--grep",
                                          "of 300", "--limit", "1000",     "--json"};
  const Outcome over_the_bus = home.guild(query);
  CHECK(json_lines(over_the_bus.out).size() == 300);

  home.daemon("logconsumer").signal(SIGTERM);
  CHECK(home.daemon("logconsumer").wait().exit_code == 0);
  const Outcome from_the_file = home.guild(query);
  CHECK(from_the_file.exit_code == 0);
  CHECK(from_the_file.out == over_the_bus.out);
  CHECK(from_the_file.err.find("logs.db itself") != std::string::npos);

  // What could not be stored is told line by line; the error is the last line.
  const Outcome unstored =
      home.guild({"logs", "emit", "--count", "2", "--timeout", "300ms", "--json"});
  CHECK(unstored.exit_code == 5);
  CHECK(unstored.err.starts_with("[FALLBACK] "));
  CHECK(unstored.err.find("line 2 of 2") != std::string::npos);
  const auto last_line = unstored.err.rfind('\n', unstored.err.size() - 2) + 1;
  CHECK(Json::parse(unstored.err.substr(last_line)).at("code") == "timeout");
}

TEST_CASE("tail follows what is committed") {
  TestHome home;
  home.start("broker");
  home.start("logconsumer");
  Process tail =
      home.guild_in_background({"logs", "tail", "-f", "--daemon", "operator", "--timeout", "5s"});
  // It has asked once it has its own session; what comes later reaches it by the commit's event.
  REQUIRE(home.guild({"logs", "emit", "--count", "20"}).exit_code == 0);
  REQUIRE(tail.wait_until(home.root() / "captured",
                          [&] { return tail.out().find("line 20 of 20") != std::string::npos; }));
  CHECK(tail.out().find("line 1 of 20") != std::string::npos);
}

TEST_CASE("the book is read and verified without ledgerd, and only read") {
  TestHome home;
  home.start("broker");
  home.start("ledgerd");
  REQUIRE(home.guild({"bot", "add", "demo"}).exit_code == 0);
  const auto ask_all = [&home] {
    std::string all;
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"ledger", "balance", "bot/demo", "--json"},
          {"ledger", "entries", "bot/demo", "--json"},
          {"ledger", "verify", "--json"}}) {
      const Outcome outcome = home.guild(arguments);
      INFO(outcome.err);
      CHECK(outcome.exit_code == 0);
      all += outcome.out;
    }
    return all;
  };
  const std::string with_ledgerd = ask_all();
  home.daemon("ledgerd").kill();
  CHECK(ask_all() == with_ledgerd);
  check_refused(home, {"ledger", "transfer", "treasury", "bot/demo", "1"}, 1, "no_responder");
  home.stop();
  CHECK(ask_all() == with_ledgerd);
  CHECK(home.guild({"db", "check"}).exit_code == 0);
}

TEST_CASE("a damaged page is found and its file named") {
  TestHome home;
  home.start("broker");
  home.start("ledgerd");
  REQUIRE(home.guild({"bot", "add", "demo"}).exit_code == 0);
  home.stop();
  REQUIRE(home.guild({"db", "check"}).exit_code == 0);
  const auto ledger = home.data() / "ledger.db";
  std::string bytes = read_text(ledger);
  constexpr std::size_t page = 4'096;
  REQUIRE(bytes.size() > 3 * page);
  for (std::size_t i = 2 * page; i < 2 * page + 64; ++i) bytes[i] = static_cast<char>(~bytes[i]);
  write_text(ledger, bytes);
  const Outcome outcome = home.guild({"db", "check", "--json"});
  CHECK(outcome.exit_code == 1);
  CHECK(Json::parse(outcome.err).at("message").get<std::string>().find("ledger.db") !=
        std::string::npos);
  for (const Json& verdict : json_lines(outcome.out))
    CHECK(verdict.at("ok") == (verdict.at("file") != "ledger.db"));
}

TEST_CASE("status waits for readiness, and doctor sees what runs") {
  TestHome home;
  Process waiting = home.guild_in_background({"status", "--daemon", "ledgerd", "--wait", "20s"});
  home.start("broker");
  home.start("ledgerd");
  const Outcome ready = waiting.wait();
  INFO(ready.err);
  CHECK(ready.exit_code == 0);
  CHECK(ready.out.find("ready") != std::string::npos);

  const auto statuses = json_lines(home.guild({"status", "--json"}).out);
  REQUIRE(statuses.size() == 5);
  CHECK(statuses[0].at("ready") == true);
  CHECK(statuses[0].at("pid") == home.daemon("broker").pid());
  CHECK(statuses[0].at("rss_bytes") > 0);
  CHECK(statuses[1].at("ready") == false);

  home.daemon("ledgerd").signal(SIGSTOP);
  const auto stopped = json_lines(home.guild({"status", "--json", "--timeout", "300ms"}).out);
  CHECK(stopped[2].at("state") == "silent");
  CHECK(stopped[2].at("pid") == home.daemon("ledgerd").pid());
  const Outcome doctor = home.guild({"doctor", "--timeout", "300ms"});
  CHECK(doctor.exit_code == 1);
  CHECK(doctor.out.find("FAIL  daemon ledgerd") != std::string::npos);
  CHECK(doctor.out.find("FAIL  log lines") != std::string::npos);
  home.daemon("ledgerd").signal(SIGCONT);
}

TEST_CASE("a task's output is shown, its cost booked once, its failure told") {
  TestHome home;
  for (const auto* daemon : {"broker", "ledgerd", "scheduler"}) home.start(daemon);
  REQUIRE(home.guild({"bot", "add", "demo"}).exit_code == 0);
  const Outcome done = home.guild({"task", "run", "--bot", "demo", "--cost", "0.25", "--", "sh",
                                   "-c", "echo one; echo two >&2; echo \"[a,b]\""});
  INFO(done.err);
  CHECK(done.exit_code == 0);
  CHECK(done.out == "one\ntwo\n[a,b]\n");
  CHECK(done.err.find("0.25 booked to bot/demo") != std::string::npos);
  CHECK(answer_of(home, {"ledger", "balance", "bot/demo"}).at("balance") == "999.75");

  const Outcome failed = home.guild({"task", "run", "--json", "--", "sh", "-c", "echo x; exit 3"});
  CHECK(failed.exit_code == 1);
  const Json run = Json::parse(failed.out);
  CHECK(run.at("task").at("exit_code") == 3);
  CHECK(run.at("output") == "x\n");

  const auto tasks_before = json_lines(home.guild({"task", "list", "--json"}).out).size();
  check_refused(home, {"task", "run", "--bot", "nobody", "--cost", "1", "--", "true"}, 3,
                "bot_unknown");
  check_refused(home, {"bus", "request", "scheduler/submit", "{bad"}, 2, "json_invalid");
  check_refused(home, {"task", "show", "01900000-0000-7000-8000-000000000009"}, 3,
                "task_not_found");
  CHECK(json_lines(home.guild({"task", "list", "--json"}).out).size() == tasks_before);
}

TEST_CASE("Ctrl-C cancels the task that is waited for") {
  TestHome home;
  for (const auto* daemon : {"broker", "ledgerd", "scheduler"}) home.start(daemon);
  Process waiting =
      home.guild_in_background({"task", "run", "--", "sh", "-c", "echo on; sleep 60"});
  REQUIRE(waiting.wait_until(home.root() / "captured",
                             [&] { return waiting.out().find("on") != std::string::npos; }));
  waiting.signal(SIGINT);
  const Outcome outcome = waiting.wait();
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.err.find("cancelled") != std::string::npos);
  const auto tasks = json_lines(home.guild({"task", "list", "--json"}).out);
  REQUIRE(tasks.size() == 1);
  CHECK(tasks[0].at("state") == "cancelled");
}
