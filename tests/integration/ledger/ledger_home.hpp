// LedgerHome: a broker and a ledgerd of a test's own, asked over the bus by whoever's keys a test
// takes: `gateway` and `scheduler` are not started, so that the test can speak in their names.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/integration/raw_client.hpp"
#include "tests/support/home.hpp"
#include "tests/support/json.hpp"

namespace guild::test {

struct Reply {
  bool ok = false;
  Json json;  ///< The reply, or the error.

  /// "ok", or the error's code.
  std::string code() const { return ok ? "ok" : json.at("code").get<std::string>(); }
};

class LedgerClient {
 public:
  LedgerClient(const TestHome& home, const std::string& name)
      : client_(raw::RawClient::join(home.bus_endpoint(), raw::RawKeys::load(home.keys(), name))) {}

  Reply ask(std::string_view verb, const Json& request) { return ask_raw(verb, request.dump()); }
  Reply ask_raw(std::string_view verb, std::string_view payload) {
    const raw::RawRecord record = client_->call("ledgerd/" + std::string(verb), payload, 10'000);
    if (record.kind == raw::failed) return {false, {{"code", record.body.substr(1)}}};
    return {record.body.at(0) == 0, Json::parse(record.body.substr(1))};
  }
  raw::RawClient& raw() { return *client_; }

 private:
  std::unique_ptr<raw::RawClient> client_;
};

/// "0199aabb-ccdd-7001-8000-000000000002" for (1, 2).
inline std::string id_of(unsigned family, unsigned number) {
  char text[37];
  std::snprintf(text, sizeof text, "0199aabb-ccdd-7%03x-8000-%012x", family, number);
  return text;
}

inline Json transfer_of(const std::string& id, std::string_view debit, std::string_view credit,
                        std::string_view amount) {
  return {{"id", id}, {"debit", debit}, {"credit", credit}, {"amount", amount}};
}

/// The code of what `guild WORDS` is refused with.
inline std::string refused(TestHome& home, std::vector<std::string> words, int exit_code) {
  words.emplace_back("--json");
  const Outcome outcome = home.guild(words);
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == exit_code);
  return Json::parse(outcome.err).at("code");
}

class LedgerHome : public TestHome {
 public:
  explicit LedgerHome(std::string_view config = "") {
    if (!config.empty()) write_config(config);
    start("broker");
    start("ledgerd");
  }

  LedgerClient client(const std::string& name) const { return {*this, name}; }
  std::string operator_token() const {
    std::string token = read_text(keys() / "operator" / "gateway.token");
    while (!token.empty() && token.back() == '\n') token.pop_back();
    return token;
  }
  std::string balance(const std::string& account) const {
    return client("operator").ask("balance", {{"account", account}}).json.at("balance");
  }
  /// Until `done`, which is looked at again at each entry of the account; false when it never was.
  bool wait_for_entries(const std::string& account, const std::function<bool()>& done) {
    constexpr int looks = 15;
    for (int i = 0; i < looks && !done(); ++i)
      guild({"bus", "sub", "ledger/entry/" + account, "--count", "1", "--timeout", "2s"});
    return done();
  }
  Json verify() const { return client("operator").ask("verify", Json::object()).json; }
};

}  // namespace guild::test
