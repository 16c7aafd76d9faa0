// guild-verify as a program: exit codes, both forms of its answers, and the witness's one file.
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/book_writer.hpp"
#include "tests/support/home.hpp"
#include "tests/support/json.hpp"

using namespace guild::test;

namespace {

BookWriter book_of(std::int64_t size, const std::string& payee = "user/u") {
  BookWriter book;
  book.post("GRANT", {leg("world", -100'000'000'000), leg("treasury", 100'000'000'000)});
  book.post("GRANT", {leg("world", -500), leg("bot/a", 500)});
  book.post("FLOOR", {leg("bot/a", 0)}, {{"floor", std::int64_t{100}}});
  book.post(
      "HOLD", {leg("bot/a", 0)},
      {{"credit", "user/u"}, {"held", std::int64_t{50}}, {"expires_at", std::int64_t{1} << 62}});
  while (book.size() < size)
    book.post("TRANSFER", {leg("treasury", -1), leg(book.size() < 8 ? "user/u" : payee, 1)});
  return book;
}

struct Fixture {
  TempFolder folder;
  BookWriter book = book_of(20);
  std::filesystem::path exported = path("export");
  std::string key = book.key();
  int runs = 0;

  Fixture() { book.written({7}).write(exported); }
  std::filesystem::path path(const std::string& name) const { return folder.path() / name; }
  std::string file(const std::string& name, const std::string& text) const {
    write_text(path(name), text);
    return path(name).string();
  }
  Outcome verify(std::vector<std::string> arguments, const std::string& input = {}) {
    arguments.insert(arguments.begin(), program_path("guild_verify"));
    return run(
        {.argv = std::move(arguments), .environment = {}, .folder = folder.path(), .input = input},
        path("run" + std::to_string(++runs)));
  }
  Outcome verify_json(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    return verify(std::move(arguments));
  }
};

Json one_line(const std::string& text) {
  const auto lines = json_lines(text);
  REQUIRE(lines.size() == 1);
  return lines.front();
}

}  // namespace

TEST_CASE_METHOD(Fixture, "a sound export is told in one line, exit 0") {
  const Outcome plain = verify({exported});
  CHECK(plain.exit_code == 0);
  CHECK(plain.out.starts_with("ok  20 postings, 4 accounts, 2 checkpoints, root "));
  CHECK(plain.err.find("the key was taken from the export itself") != std::string::npos);
  const Outcome json = verify({exported, "--json", "--key", key});
  CHECK(json.exit_code == 0);
  CHECK(json.err.empty());
  const Json answer = one_line(json.out);
  CHECK(answer.at("ok") == true);
  CHECK(answer.at("entries") == 20);
  CHECK(answer.at("accounts") == 4);
  CHECK(answer.at("checkpoints") == 2);
  CHECK(plain.out.find(answer.at("root").get<std::string>()) != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "balances are told account by account") {
  const Outcome plain = verify({exported, "--balances", "--key", file("vkey", key + "\n")});
  CHECK(plain.exit_code == 0);
  CHECK(plain.out.find("bot/a  balance 0.000005  held 0.0000005  floor 0.000001\n") !=
        std::string::npos);
  CHECK(plain.out.find("world  balance -1000.000005  held 0.00  floor none\n") !=
        std::string::npos);
  const auto lines = json_lines(verify_json({exported, "--balances"}).out);
  REQUIRE(lines.size() == 5);
  CHECK(lines[1] == Json({{"account", "bot/a"},
                          {"balance", "0.000005"},
                          {"held", "0.0000005"},
                          {"floor", "0.000001"}}));
  CHECK(lines[4].at("floor").is_null());
}

TEST_CASE_METHOD(Fixture, "an export that is not sound is exit 1, with the first seq") {
  std::string leaves = read_text(exported / "leaves");
  leaves[leaves.size() - 40] ^= 1;
  write_text(exported / "leaves", leaves);
  const Outcome plain = verify({exported, "--balances"});
  CHECK(plain.exit_code == 1);
  CHECK(plain.out.starts_with("FAIL  posting 20: "));
  const Outcome json = verify_json({exported});
  CHECK(json.exit_code == 1);
  CHECK(one_line(json.out).at("ok") == false);
  CHECK(one_line(json.out).at("first_bad_seq") == 20);
  CHECK(!one_line(json.out).at("problem").get<std::string>().empty());
}

TEST_CASE_METHOD(Fixture, "a key from outside that is not the folder's is exit 1") {
  BookWriter other = book;
  other.key_seed = {9};
  const Outcome outcome = verify({exported, "--key", other.key()});
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out == "FAIL  posting 1: the file key is not the key that was given\n");
}

TEST_CASE_METHOD(Fixture,
                 "wrong usage is exit 2, a file that is missing exit 3, each with a next step") {
  CHECK(verify({}).exit_code == 2);
  CHECK(verify({exported, "more"}).exit_code == 2);
  CHECK(verify({exported, "--loud"}).exit_code == 2);
  CHECK(verify({"proof", path("p"), "--key", key}).exit_code == 2);
  CHECK(verify({"witness", path("s"), path("p")}).exit_code == 2);
  CHECK(verify({"witness", path("s"), "--key", key}).exit_code == 2);
  CHECK(verify({"witness", path("s"), path("p"), "--key", key, "--show"}).exit_code == 2);
  const Outcome bad_key = verify({exported, "--key", "guildhall/x+y+z"});
  CHECK(bad_key.exit_code == 2);
  CHECK(bad_key.err.find("; next: ") != std::string::npos);
  // An empty key is a key that is not there, never none.
  CHECK(verify({exported, "--key", ""}).exit_code == 3);
  CHECK(verify({"proof", path("p"), "--key", key, "--leaf", ""}).exit_code == 3);
  CHECK(verify({"witness", path("s"), path("p"), "--key", ""}).exit_code == 2);
  CHECK(verify({"--help"}).exit_code == 0);
  CHECK(verify({"--version"}).exit_code == 0);
  CHECK(verify({path("none")}).exit_code == 3);
  CHECK(verify({exported, "--key", path("none")}).exit_code == 3);
  CHECK(verify({"witness", path("none"), "--show"}).exit_code == 3);
  CHECK(verify({"witness", path("s"), path("none"), "--key", key}).exit_code == 3);
  std::filesystem::remove(exported / "checkpoints");
  const Outcome missing = verify_json({exported});
  CHECK(missing.exit_code == 3);
  CHECK(missing.out.empty());
  CHECK(json_lines(missing.err.substr(missing.err.find('{'))).front().at("code") == "file_missing");
}

TEST_CASE_METHOD(Fixture, "a proof is checked for a leaf or a hash") {
  const std::string proof = file("p", book.inclusion(11, 20));
  const Bytes& leaf = book.leaves()[11];
  const std::string leaf_file = file("leaf", std::string(leaf.begin(), leaf.end()));
  const Outcome plain = verify({"proof", proof, "--leaf", leaf_file, "--key", key});
  CHECK(plain.exit_code == 0);
  CHECK(plain.out.starts_with("ok  posting 12 is in the book of 20 postings, root "));
  const Outcome both = verify({"proof", proof, "--leaf", leaf_file, "--hash", "00", "--key", key});
  CHECK(both.exit_code == 2);

  std::string hex;
  for (const std::uint8_t byte : book.hashes()[11]) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  const Outcome json = verify_json({"proof", proof, "--hash", hex, "--key", key});
  CHECK(json.exit_code == 0);
  CHECK(one_line(json.out).at("seq") == 12);
  hex[0] = hex[0] == '0' ? '1' : '0';
  const Outcome other = verify_json({"proof", proof, "--hash", hex, "--key", key});
  CHECK(other.exit_code == 1);
  CHECK(one_line(other.out).at("code") == "not_included");
  CHECK(verify({"proof", proof, "--hash", "xyz", "--key", key}).exit_code == 2);

  const Bytes& next = book.leaves()[12];
  const Outcome wrong =
      verify_json({"proof", proof, "--leaf", file("leaf", std::string(next.begin(), next.end())),
                   "--key", key});
  CHECK(wrong.exit_code == 1);
  CHECK(one_line(wrong.out).at("code") == "other_posting");
  CHECK(one_line(verify_json({"proof", proof, "--leaf", proof, "--key", key}).out).at("code") ==
        "leaf_form");
  CHECK(one_line(verify_json({"proof", leaf_file, "--leaf", leaf_file, "--key", key}).out)
            .at("code") == "form");
}

TEST_CASE_METHOD(Fixture, "the witness remembers, tells its size, and goes on by proofs from it") {
  const std::string state = path("state");
  const Outcome first = verify({"witness", state, file("c", book.checkpoint(7)), "--key", key});
  CHECK(first.exit_code == 0);
  CHECK(first.out.starts_with("ok  remembered 7 postings, root "));
  CHECK(first.err.find("was trusted as it came") != std::string::npos);
  CHECK(verify({"witness", state, "--show"}).out == "7\n");
  const Outcome next = verify({"witness", state, "-", "--key", key}, book.consistency(7, 20));
  CHECK(next.exit_code == 0);
  CHECK(next.err.empty());
  CHECK(read_text(state) == book.checkpoint(20));
  const Json shown = one_line(verify_json({"witness", state, "--show"}).out);
  CHECK(shown.at("entries") == 20);
  CHECK(shown.at("origin") == book.origin());
}

TEST_CASE_METHOD(Fixture, "what the witness refuses has a code, a next step, and changes nothing") {
  const std::string state = file("state", book.checkpoint(12));
  const auto code = [&](const std::string& text, const std::string& with) {
    const Outcome outcome = verify_json({"witness", state, file("c", text), "--key", with});
    CHECK(outcome.exit_code == 1);
    CHECK(read_text(state) == book.checkpoint(12));
    CHECK_FALSE(std::filesystem::exists(state + ".new"));
    const Json answer = one_line(outcome.out);
    CHECK(answer.at("ok") == false);
    CHECK(!answer.at("next_step").get<std::string>().empty());
    return answer.at("code").get<std::string>();
  };
  CHECK(code(book.checkpoint(11), key) == "rollback");
  CHECK(code(book_of(20, "user/v").consistency(12, 20), key) == "fork");
  CHECK(code(book_of(12, "user/v").checkpoint(12), key) == "fork");
  CHECK(code(book.consistency(11, 20), key) == "other_old");
  CHECK(code("x", key) == "form");
  BookWriter forger = book;
  forger.key_seed = {9};
  CHECK(code(forger.consistency(12, 20), key) == "bad_signature");
  BookWriter other;
  other.post("GRANT", {leg("world", -1), leg("treasury", 1)});
  CHECK(code(other.checkpoint(1), key) == "other_origin");
  const Outcome plain =
      verify({"witness", state, file("c", book.consistency(11, 20)), "--key", key});
  CHECK(plain.out == "FAIL  other_old: the proof is from 11 postings, 12 are remembered\n");
  CHECK(plain.err.find("guild ledger checkpoint --since 12") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "witnesses killed at any time leave a whole checkpoint, old or new") {
  const std::string state = file("state", book.checkpoint(7));
  const std::string next = file("c", book.consistency(7, 20));
  for (int round = 0; round < 40; ++round) {
    write_text(state, book.checkpoint(7));
    Process process = Process::start(
        {.argv = {program_path("guild_verify"), "witness", state, next, "--key", key},
         .environment = {},
         .folder = folder.path(),
         .input = {}},
        path("killed" + std::to_string(round)));
    // Later in each round: it dies before, while and after it writes.
    process.wait_if_ended(milliseconds(round / 4));
    process.kill();
    const std::string kept = read_text(state);
    CHECK((kept == book.checkpoint(7) || kept == book.checkpoint(20)));
    CHECK(verify({"witness", state, next, "--key", key}).exit_code == 0);
    CHECK(read_text(state) == book.checkpoint(20));
  }
}

TEST_CASE_METHOD(Fixture, "many witnesses on one file never take it back") {
  const std::string state = file("state", book.checkpoint(4));
  std::vector<Process> processes;
  for (std::int64_t size = 5; size <= 20; ++size)
    processes.push_back(Process::start(
        {.argv = {program_path("guild_verify"), "witness", state,
                  file("c" + std::to_string(size), book.consistency(4, size)), "--key", key},
         .environment = {},
         .folder = folder.path(),
         .input = {}},
        path("one" + std::to_string(size))));
  int taken = 0;
  for (Process& process : processes) taken += process.wait().exit_code == 0 ? 1 : 0;
  // All bring a proof from 4, so that only the first of them can have one.
  CHECK(taken == 1);
  CHECK(read_text(state) != book.checkpoint(4));
}

TEST_CASE_METHOD(Fixture, "a full stdout is not called ok") {
  const Outcome outcome =
      run({.argv = {"/bin/sh", "-c",
                    program_path("guild_verify") + " '" + exported.string() + "' > /dev/full"},
           .environment = {},
           .folder = folder.path(),
           .input = {}},
          path("full"));
  CHECK(outcome.exit_code == 1);
}
