// Submit, run, see, cancel, pay: and each refusal, which changes nothing.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/integration/scheduler/tasks_home.hpp"

using namespace guild::test;
namespace fs = std::filesystem;

namespace {

Json submission(const std::string& id, Json command = {"true"}) {
  return {{"id", id}, {"command", std::move(command)}};
}

constexpr const char* some_id = "01900000-0000-7000-8000-000000000001";

}  // namespace

TEST_CASE("a task runs, its output is shown, and its cost is booked once") {
  TasksHome home;
  home.json({"bot", "add", "ada"});
  const Outcome run = home.guild({"task", "run", "--bot", "ada", "--cost", "1.25", "--", "sh", "-c",
                                  "echo hello from $GUILD_TASK_BOT"});
  CHECK(run.exit_code == 0);
  CHECK(run.out == "hello from ada\n");
  const auto charges = home.charges("ada");
  REQUIRE(charges.size() == 1);
  CHECK(charges[0].at("amount") == "-1.25");
  const Json tasks = home.json({"task", "list"});
  CHECK(tasks.at("state") == "succeeded");
  CHECK(tasks.at("charged") == true);
  CHECK(home.json({"ledger", "balance", "bot/ada"}).at("balance") == "998.75");
}

TEST_CASE("every way a task can end is told as it was") {
  TasksHome home;
  CHECK(home.wait(home.submit({"true"})).at("state") == "succeeded");

  const Json failed = home.wait(home.submit({"sh", "-c", "echo no >&2; exit 7"}));
  CHECK(failed.at("state") == "failed");
  CHECK(failed.at("exit_code") == 7);

  const Json killed = home.wait(home.submit({"sh", "-c", "kill -KILL $$"}));
  CHECK(killed.at("state") == "failed");
  CHECK(killed.at("signal") == "SIGKILL");

  const Json missing = home.wait(home.submit({"no-such-command"}));
  CHECK(missing.at("state") == "failed");
  CHECK(missing.at("reason") == "cannot run \"no-such-command\": no such command in PATH");

  const Json late = home.wait(home.submit({"sleep", "1000"}, {"--timeout", "1s"}));
  CHECK(late.at("state") == "failed");
  CHECK(late.at("reason") == "ran longer than its timeout of 1s");

  const std::string id = home.submit({"sleep", "1000"});
  const Json cancelled = home.json({"task", "cancel", id, "--reason", "too slow"});
  CHECK(cancelled.at("state") == "cancelled");
  CHECK(cancelled.at("reason") == "cancelled by operator: too slow");
  CHECK(home.guild({"task", "cancel", home.submit({"true"}, {"--id", some_id})})
            .exit_code.has_value());
}

TEST_CASE("a person may kill a command by the pid that is shown") {
  TasksHome home;
  const std::string id = home.submit({"sh", "-c", "echo $$; sleep 1000"});
  home.wait_for_output(id, "\n");
  const Json task = home.show(id);
  CHECK(home.logs(id) == task.at("pid").dump() + "\n");
  REQUIRE(kill(task.at("pid").get<pid_t>(), SIGKILL) == 0);
  CHECK(home.wait(id).at("signal") == "SIGKILL");
}

TEST_CASE("a wrong submission is refused by name and leaves nothing") {
  TasksHome home("[scheduler]\nworkers_max = 1\nqueue_max = 1\n");
  home.json({"bot", "add", "ada"});
  const auto refused = [&](const Json& request, const std::string& code, int exit_code) {
    INFO(request.dump());
    const Outcome outcome = home.request("scheduler/submit", request);
    CHECK(outcome.exit_code == exit_code);
    CHECK((outcome.out + outcome.err).find(code) != std::string::npos);
  };
  const auto with = [](const char* field, Json value) {
    Json request = submission(some_id);
    request[field] = std::move(value);
    return request;
  };
  refused(submission(some_id, Json::array()), "command is empty", 2);
  refused(with("timeout", "500ms"), "timeout", 2);
  refused(with("timeout", "25h"), "timeout", 2);
  refused(with("priority", 3), "priority", 2);
  refused(with("output_bytes_max", 1), "output_bytes_max", 2);
  refused(with("directory", "/etc"), "not inside an allowed root", 2);
  refused(with("directory", home.keys().string()), "not inside an allowed root", 2);
  refused(with("directory", "work"), "not an absolute path", 2);
  refused(with("cost", "1.00"), "no bot to charge it to", 2);
  refused(with("cost", "-1.00"), "cost", 2);
  refused(with("cost", "0.123456789"), "cost", 2);
  refused(with("bot", "nobody"), "there is no bot", 3);
  refused(with("colour", "red"), "colour", 2);
  Json dear = with("bot", "ada");
  dear["cost"] = "1000.01";
  refused(dear, "available", 6);
  CHECK(home.guild({"task", "list", "--json"}).out.empty());
  CHECK(home.guild({"task", "show", some_id}).exit_code == 3);
  CHECK(home.guild({"task", "cancel", some_id}).exit_code == 3);

  home.submit({"sleep", "1000"});
  const std::string waiting = home.submit({"true"}, {"--id", some_id});
  refused(submission("01900000-0000-7000-8000-000000000002"), "as many as may", 1);
  refused(submission(some_id, {"false"}), "with other content", 7);
  CHECK(home.submit({"true"}, {"--id", some_id}) == waiting);
}

TEST_CASE("what the gateway forwards needs the operator's token; a bot's key is not enough") {
  TasksHome home;
  std::string token = read_text(home.keys() / "operator/gateway.token");
  while (!token.empty() && token.back() == '\n') token.pop_back();
  const auto submit = [&](const Json& credential) {
    Json request = submission(some_id);
    if (!credential.is_null()) request["credential"] = credential;
    return home.request("scheduler/submit", request, "gateway");
  };
  const Outcome bare = submit(nullptr);
  CHECK(bare.exit_code == 4);
  CHECK(bare.err.find("without its caller's credential") != std::string::npos);
  const Outcome bot = submit({{"api_key", "k"}, {"api_secret", "s"}});
  CHECK(bot.exit_code == 4);
  CHECK(bot.err.find("for the operator only") != std::string::npos);
  const Outcome wrong = submit({{"operator_token", std::string(64, '0')}});
  CHECK(wrong.exit_code == 4);
  CHECK(wrong.err.find("not valid") != std::string::npos);
  CHECK(home.guild({"task", "list", "--json"}).out.empty());

  const Outcome right = submit({{"operator_token", token}});
  REQUIRE(right.exit_code == 0);
  CHECK(Json::parse(right.out).at("submitted_by") == "operator via gateway");
  CHECK(right.out.find(token) == std::string::npos);
  CHECK(home.request("scheduler/cancel", {{"id", some_id}}, "gateway").exit_code == 4);
  CHECK(home.wait(some_id).at("state") == "succeeded");
}

TEST_CASE("a worker reaches neither keys, data nor run, and is told nothing of the daemon's") {
  TasksHome home;
  home.set_environment("GUILD_TASK_CANARY", "bird");
  for (const fs::path& secret :
       {home.keys() / "scheduler/database.key", home.data() / "scheduler.db",
        home.run_folder() / "scheduler.lock"}) {
    INFO(secret);
    REQUIRE(fs::exists(secret));
    CHECK(home.wait(home.submit({"cat", secret.string()})).at("state") == "failed");
  }
  const std::string id = home.submit({"env"});
  home.wait(id);
  const std::string environment = home.logs(id);
  for (const char* name :
       {"PATH=", "HOME=", "LANG=", "GUILD_TASK_ID=", "GUILD_TASK_ATTEMPT=1\n", "GUILD_TASK_BOT=\n"})
    CHECK(environment.find(name) != std::string::npos);
  CHECK(std::count(environment.begin(), environment.end(), '\n') == 6);
}

TEST_CASE("who watches tasks hears each state once it is on disk") {
  TasksHome home;
  Process watcher = home.guild_in_background({"bus", "sub", "tasks/**", "--count", "3", "--json"});
  REQUIRE(watcher.wait_for_err("subscribed"));
  const std::string id = home.submit({"true"});
  const Outcome heard = watcher.wait();
  std::istringstream lines(heard.out);
  std::vector<std::string> topics;
  for (std::string line; std::getline(lines, line);)
    topics.push_back(Json::parse(line).at("topic"));
  CHECK(topics == std::vector<std::string>{"tasks/" + id + "/queued", "tasks/" + id + "/running",
                                           "tasks/" + id + "/succeeded"});
}

TEST_CASE("while ledgerd is away a cost waits, and is booked once when it is back") {
  TasksHome home;
  home.json({"bot", "add", "ada"});
  const std::string id =
      home.submit({"sh", "-c", "echo up; sleep 1000"}, {"--bot", "ada", "--cost", "2.50"});
  home.wait_for_output(id, "up");
  home.daemon("ledgerd").kill();
  REQUIRE(home.guild({"task", "cancel", id}).exit_code == 0);
  CHECK(home.show(id).at("charged") == false);
  CHECK(home.request("scheduler/submit", {{"id", some_id}, {"command", {"true"}}, {"bot", "ada"}})
            .err.find("cannot be looked up") != std::string::npos);
  home.daemon("scheduler").kill();
  home.start("ledgerd");
  home.start("scheduler");
  REQUIRE(home.wait(id).at("charged") == true);
  const auto charges = home.charges("ada");
  REQUIRE(charges.size() == 1);
  CHECK(charges[0].at("amount") == "-2.50");
}

TEST_CASE("a bot that cannot pay any more leaves the charge with its problem") {
  TasksHome home;
  home.json({"bot", "add", "ada"});
  const std::string first =
      home.submit({"sh", "-c", "echo up; sleep 1000"}, {"--bot", "ada", "--cost", "600"});
  const std::string second = home.submit({"true"}, {"--bot", "ada", "--cost", "600"});
  CHECK(home.wait(second).at("charged") == true);
  home.guild({"task", "cancel", first});
  const Json task = home.wait(first);
  CHECK(task.at("charged") == false);
  CHECK(task.at("charge_problem") == "funds_short");
  CHECK(home.charges("ada").size() == 1);
}

TEST_CASE("health tells the figures") {
  TasksHome home;
  home.wait(home.submit({"true"}));
  home.wait(home.submit({"false"}));
  const Json health = Json::parse(home.request("scheduler/health", Json::object()).out);
  const Json& counters = health.at("counters");
  CHECK(counters.at("succeeded") == 1);
  CHECK(counters.at("failed") == 1);
  for (const char* name : {"queued", "running", "cancelled", "charges_pending", "events_lost"})
    CHECK(counters.at(name) == 0);
  CHECK(counters.contains("landlock"));
}
