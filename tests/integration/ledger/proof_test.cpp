// The book as strangers see it: holds, checkpoints, proofs and exports of a running ledgerd, by the
// `guild` command, checked by guild-verify, which shares no code with it; and what a witness says
// of a book that was rolled back or written anew.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>
#include "tests/integration/ledger/ledger_home.hpp"

using namespace guild::test;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view hold_id = "01900000-0000-7000-8000-000000000001";

class Book {
 public:
  Book() { start(); }

  void start() {
    for (const auto* daemon : {"broker", "logconsumer", "ledgerd"}) home.start(daemon);
  }

  Json ask(std::vector<std::string> words) {
    words.emplace_back("--json");
    const Outcome outcome = home.guild(words);
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return Json::parse(outcome.out);
  }
  std::string refused(const std::vector<std::string>& words, int exit_code) {
    return guild::test::refused(home, words, exit_code);
  }
  void transfers(int count) {
    for (int i = 0; i < count; ++i) ask({"ledger", "transfer", "treasury", "user/eve", "0.01"});
  }

  Outcome verify(std::vector<std::string> words) {
    words.insert(words.begin(), program_path("guild_verify"));
    return run({.argv = words, .environment = {}, .folder = "/", .input = {}}, folder / "verify");
  }
  std::string path(const std::string& name) const { return (folder / name).string(); }
  /// Asks for the next checkpoint since what the witness remembers, and shows it to it.
  Outcome witness() {
    const Outcome size = verify({"witness", path("state"), "--show"});
    const std::string since = size.exit_code == 0 ? size.out.substr(0, size.out.find('\n')) : "0";
    ask({"ledger", "checkpoint", "--since", since, "--to", path("next")});
    return verify({"witness", path("state"), "--key", path("key"), path("next")});
  }

  TempFolder scratch;
  fs::path folder = scratch.path();
  TestHome home;
};

}  // namespace

TEST_CASE("holds are made, posted, voided and expire, by the command") {
  Book book;
  REQUIRE(book.home.guild({"bot", "add", "a"}).exit_code == 0);
  const std::string id(hold_id);
  const auto balance = [&] { return book.ask({"ledger", "balance", "bot/a"}); };

  CHECK(book.ask({"ledger", "hold", "bot/a", "treasury", "400", "--id", id}).at("repeated") ==
        false);
  CHECK(book.ask({"ledger", "hold", "bot/a", "treasury", "400", "--id", id}).at("repeated") ==
        true);
  CHECK(balance().at("held") == "400.00");
  CHECK(balance().at("available") == "600.00");
  CHECK(book.refused({"ledger", "transfer", "bot/a", "treasury", "600.01"}, 6) == "funds_short");
  CHECK(book.refused({"ledger", "hold", "bot/a", "treasury", "600.01"}, 6) == "funds_short");
  CHECK(book.refused({"ledger", "post", id, "--amount", "400.01"}, 6) == "hold_exceeded");
  book.ask({"ledger", "post", id, "--amount", "150"});
  CHECK(balance().at("balance") == "850.00");
  CHECK(balance().at("held") == "0.00");
  CHECK(book.refused({"ledger", "void", id}, 7) == "hold_ended");
  CHECK(book.refused({"ledger", "void", "01900000-0000-7000-8000-0000000000ff"}, 3) ==
        "hold_unknown");

  const Json posting = book.ask({"ledger", "posting", id});
  CHECK(posting.at("type") == "HOLD");
  CHECK(posting.at("held") == "400.00");
  CHECK(posting.at("held_for") == "treasury");
  CHECK(book.refused({"ledger", "posting", "999"}, 3) == "posting_unknown");

  // Nobody asks for anything: time alone ends it.
  book.ask({"ledger", "hold", "bot/a", "treasury", "1", "--for", "100ms"});
  const Outcome events = book.home.guild(
      {"bus", "sub", "ledger/entry/bot/a", "--count", "1", "--json", "--timeout", "10s"});
  REQUIRE(events.exit_code == 0);
  CHECK(Json::parse(Json::parse(events.out).at("payload").get<std::string>()).at("type") ==
        "HOLD_VOID");
  book.home.stop();
}

TEST_CASE("floors and closed accounts are kept, by the command") {
  Book book;
  book.ask({"ledger", "transfer", "treasury", "user/eve", "10"});
  book.ask({"ledger", "floor", "user/eve", "4"});
  CHECK(book.refused({"ledger", "transfer", "user/eve", "treasury", "6.01"}, 6) == "funds_short");
  CHECK(book.refused({"ledger", "floor", "user/eve", "10.01"}, 6) == "floor_above_available");
  CHECK(book.refused({"ledger", "close", "user/eve"}, 7) == "account_not_empty");
  CHECK(book.refused({"ledger", "close", "user/nobody"}, 3) == "account_unknown");
  book.ask({"ledger", "floor", "user/eve", "0"});
  book.ask({"ledger", "transfer", "user/eve", "treasury", "10"});
  book.ask({"ledger", "close", "user/eve"});
  CHECK(book.ask({"ledger", "balance", "user/eve"}).at("is_closed") == true);
  CHECK(book.refused({"ledger", "transfer", "treasury", "user/eve", "1"}, 7) == "account_closed");
  book.ask({"ledger", "reopen", "user/eve"});
  book.ask({"ledger", "transfer", "treasury", "user/eve", "1"});
  book.home.stop();
}

TEST_CASE("what the command exports and proves, a stranger's program finds true") {
  Book book;
  REQUIRE(book.home.guild({"bot", "add", "a"}).exit_code == 0);
  book.ask({"ledger", "hold", "bot/a", "treasury", "5", "--id", std::string(hold_id)});
  book.ask({"ledger", "post", std::string(hold_id), "--amount", "2"});
  book.transfers(20);
  REQUIRE(book.home.guild({"ledger", "checkpoint", "--key", "--to", book.path("key")}).exit_code ==
          0);
  const Json exported = book.ask({"ledger", "export", "--to", book.path("export")});
  const Outcome checked = book.verify({book.path("export"), "--key", book.path("key"), "--json"});
  INFO(checked.err);
  REQUIRE(checked.exit_code == 0);
  const Json verdict = Json::parse(checked.out);
  CHECK(verdict.at("ok") == true);
  CHECK(verdict.at("entries") == exported.at("entries"));
  CHECK(verdict.at("root") == exported.at("root"));
  CHECK(book.ask({"ledger", "verify"}).at("root") == exported.at("root"));

  for (const std::string seq : {"1", "3", "17"}) {
    REQUIRE(book.home.guild({"ledger", "proof", seq, "--to", book.path("proof" + seq)}).exit_code ==
            0);
    const std::string hash = book.ask({"ledger", "posting", seq}).at("hash");
    CHECK(
        book.verify({"proof", book.path("proof" + seq), "--hash", hash, "--key", book.path("key")})
            .exit_code == 0);
    const std::string other = book.ask({"ledger", "posting", "5"}).at("hash");
    CHECK(
        book.verify({"proof", book.path("proof" + seq), "--hash", other, "--key", book.path("key")})
            .exit_code == 1);
  }

  // One byte, anywhere.
  std::fstream leaves(book.path("export") + "/leaves",
                      std::ios::in | std::ios::out | std::ios::binary);
  leaves.seekp(700);
  const int byte = leaves.peek();
  leaves.seekp(700);
  leaves.put(static_cast<char>(byte ^ 1));
  leaves.close();
  CHECK(book.verify({book.path("export"), "--key", book.path("key")}).exit_code == 1);
  CHECK(book.refused({"ledger", "export", "--to", book.path("export")}, 7) == "folder_not_empty");
  book.home.stop();
}

TEST_CASE("a witness goes along with a book that grows, and refuses one that was rolled back") {
  Book book;
  book.transfers(3);
  REQUIRE(book.home.guild({"ledger", "checkpoint", "--key", "--to", book.path("key")}).exit_code ==
          0);
  CHECK(book.witness().exit_code == 0);
  book.transfers(4);
  CHECK(book.witness().exit_code == 0);
  book.home.stop();

  fs::copy(book.home.data(), book.path("backup"));
  book.start();
  book.transfers(5);
  CHECK(book.witness().exit_code == 0);
  book.home.stop();

  // The whole file, put back: everything in it is sound.
  fs::remove_all(book.home.data());
  fs::copy(book.path("backup"), book.home.data());
  book.start();
  CHECK(book.ask({"ledger", "verify"}).at("ok") == true);
  const Outcome shown = book.verify({"witness", book.path("state"), "--show"});
  CHECK(book.refused({"ledger", "checkpoint", "--since", shown.out.substr(0, shown.out.find('\n'))},
                     3) == "size_unknown");
  REQUIRE(book.home.guild({"ledger", "checkpoint", "--to", book.path("rolled")}).exit_code == 0);
  const Outcome rolled =
      book.verify({"witness", book.path("state"), "--key", book.path("key"), book.path("rolled")});
  CHECK(rolled.exit_code == 1);
  CHECK((rolled.out + rolled.err).find("are remembered") != std::string::npos);

  // Another history, signed with the same key.
  book.transfers(9);
  const Outcome forked = book.witness();
  CHECK(forked.exit_code == 1);
  CHECK((forked.out + forked.err).find("does not go on from") != std::string::npos);
  book.home.stop();
}

TEST_CASE("a crowd of clients, each with one transfer under way, is answered whole") {
  TestHome home(Keys::none);
  const Outcome outcome = home.guild({"ledger", "bench", "--transfers", "6000", "--batch", "1",
                                      "--clients", "32", "--accounts", "50", "--json"},
                                     {}, seconds(120));
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const Json result = Json::parse(outcome.out);
  CHECK(result.at("booked") == 6000);
  CHECK(result.at("refused") == 0);
  CHECK(result.at("durable") == true);
}
