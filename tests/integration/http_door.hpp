// Door: the gateway of a test's home, as curl finds it.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/support/home.hpp"
#include "tests/support/json.hpp"

namespace guild::test {

struct Answer {
  int status = 0;
  Json body;
  std::string text;
};

class Door {
 public:
  explicit Door(TestHome& home)
      : home_(home),
        port_(read_text(home.run_folder() / "gateway.port")),
        operator_("Authorization: Bearer " +
                  read_text(home.keys() / "operator" / "gateway.token")) {
    while (!port_.empty() && port_.back() == '\n') port_.pop_back();
    while (!operator_.empty() && operator_.back() == '\n') operator_.pop_back();
  }

  Answer ask(const std::vector<std::string>& curl_arguments, const std::string& path) {
    std::vector<std::string> argv = {"/usr/bin/curl", "-s", "--max-time",    "20",
                                     "--path-as-is",  "-w", "\n%{http_code}"};
    argv.insert(argv.end(), curl_arguments.begin(), curl_arguments.end());
    argv.push_back("http://127.0.0.1:" + port_ + path);
    const Outcome outcome = run(home_.command(argv), home_.capture("curl"));
    REQUIRE(outcome.exit_code == 0);
    const std::size_t end = outcome.out.rfind('\n');
    Answer answer{.status = std::stoi(outcome.out.substr(end + 1)),
                  .body = {},
                  .text = outcome.out.substr(0, end)};
    answer.body = Json::parse(answer.text, nullptr, false);
    return answer;
  }
  Answer get(const std::string& path) { return ask({"-H", operator_}, path); }
  Answer post(const std::string& path, const std::string& body,
              std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {
        "-H", operator_, "-H", "Content-Type: application/json", "--data-binary", body};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return ask(arguments, path);
  }
  // As a bot: its key and secret.
  Answer post_as(const Json& bot, const std::string& path, const std::string& body) {
    return ask(
        {"-u", bot.at("api_key").get<std::string>() + ":" + bot.at("api_secret").get<std::string>(),
         "-H", "Content-Type: application/json", "--data-binary", body},
        path);
  }
  Answer get_as(const Json& bot, const std::string& path) {
    return ask({"-u", bot.at("api_key").get<std::string>() + ":" +
                          bot.at("api_secret").get<std::string>()},
               path);
  }
  // With that token.
  Answer get_with(const std::string& token, const std::string& path) {
    return ask({"-H", "Authorization: Bearer " + token}, path);
  }
  Answer post_with(const std::string& token, const std::string& path, const std::string& body) {
    return ask({"-H", "Authorization: Bearer " + token, "-H", "Content-Type: application/json",
                "--data-binary", body},
               path);
  }
  Answer remove(const std::string& path) { return ask({"-X", "DELETE", "-H", operator_}, path); }
  const std::string& operator_header() const { return operator_; }

 private:
  TestHome& home_;
  std::string port_, operator_;
};

}  // namespace guild::test
