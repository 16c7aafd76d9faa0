// A home with a broker, a ledgerd and a scheduler, and the verbs of `guild task` as values.
#pragma once

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/home.hpp"

namespace guild::test {

using Json = nlohmann::json;

class TasksHome : public TestHome {
 public:
  explicit TasksHome(std::string_view config = {}) {
    if (!config.empty()) write_config(config);
    start("broker");
    start("ledgerd");
    start("scheduler");
  }

  Json json(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    const Outcome outcome = guild(std::move(arguments));
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return Json::parse(outcome.out);
  }
  /// Its id.
  std::string submit(std::vector<std::string> command, std::vector<std::string> options = {}) {
    std::vector<std::string> arguments{"task", "submit"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.insert(arguments.end(), {"--json", "--"});
    arguments.insert(arguments.end(), command.begin(), command.end());
    const Outcome outcome = guild(std::move(arguments));
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return Json::parse(outcome.out).at("id");
  }
  Outcome request(const std::string& name, const Json& payload,
                  const std::string& as = "operator") {
    return guild({"--as", as, "bus", "request", name, payload.dump(), "--timeout", "20s"});
  }
  /// The task once it has ended.
  Json wait(const std::string& id) {
    const Outcome outcome = request("scheduler/wait", {{"id", id}});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return Json::parse(outcome.out);
  }
  Json show(const std::string& id) { return json({"task", "show", id}); }
  std::string logs(const std::string& id) { return guild({"task", "logs", id}).out; }
  void wait_for_output(const std::string& id, const std::string& text) {
    REQUIRE(daemon("scheduler").wait_until(data(), [&] {
      return logs(id).find(text) != std::string::npos;
    }));
  }
  /// The bot's charges, oldest first.
  std::vector<Json> charges(const std::string& bot) {
    std::vector<Json> found;
    const Outcome outcome = guild({"ledger", "entries", "bot/" + bot, "--json"});
    std::istringstream lines(outcome.out);
    for (std::string line; std::getline(lines, line);)
      if (Json entry = Json::parse(line); entry.at("type") == "CHARGE") found.push_back(entry);
    return found;
  }
};

}  // namespace guild::test
