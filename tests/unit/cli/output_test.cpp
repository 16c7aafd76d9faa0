#include "cli/output.hpp"

#include <catch2/catch.hpp>

#include "cli/answers.hpp"
#include "cli/exit.hpp"
#include "common/base/file.hpp"

using namespace guild;
using namespace guild::cli;

namespace {

/// What an Output wrote, read back from files.
class Captured {
 public:
  Captured() : out_(std::tmpfile()), err_(std::tmpfile()), output(out_, err_) {}
  ~Captured() {
    std::fclose(out_);
    std::fclose(err_);
  }
  std::string out() { return text_of(out_); }
  std::string err() { return text_of(err_); }

 private:
  std::string text_of(std::FILE* file) {
    REQUIRE(output.finish());
    std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
    std::rewind(file);
    REQUIRE(std::fread(text.data(), 1, text.size(), file) == text.size());
    return text;
  }

  std::FILE *out_, *err_;

 public:
  Output output;
};

}  // namespace

TEST_CASE("exit codes are what the README promises for every kind of error") {
  CHECK(exit_for(ErrorKind::failed) == Exit::failed);
  CHECK(exit_for(ErrorKind::exhausted) == Exit::failed);
  CHECK(exit_for(ErrorKind::unavailable) == Exit::failed);
  CHECK(exit_for(ErrorKind::invalid) == Exit::usage);
  CHECK(exit_for(ErrorKind::not_found) == Exit::not_found);
  CHECK(exit_for(ErrorKind::denied) == Exit::not_permitted);
  CHECK(exit_for(ErrorKind::timeout) == Exit::timed_out);
  CHECK(exit_for(ErrorKind::funds) == Exit::funds_short);
  CHECK(exit_for(ErrorKind::conflict) == Exit::conflict);
  CHECK(static_cast<int>(Exit::failed) == 1);
  CHECK(static_cast<int>(Exit::usage) == 2);
  CHECK(static_cast<int>(Exit::not_found) == 3);
  CHECK(static_cast<int>(Exit::not_permitted) == 4);
  CHECK(static_cast<int>(Exit::timed_out) == 5);
  CHECK(static_cast<int>(Exit::funds_short) == 6);
  CHECK(static_cast<int>(Exit::conflict) == 7);
}

TEST_CASE("a table has columns of even width and no trailing spaces") {
  CHECK(format_table({{"NAME"}, {"BYTES", Align::right}, {"NOTE"}},
                     {{"a", "10", ""}, {"longer", "2", "x"}}, false) ==
        "NAME    BYTES  NOTE\n"
        "a          10\n"
        "longer      2  x\n");
}

TEST_CASE("a table escapes what would move the cursor, and takes short rows") {
  CHECK(format_table({{"A"}, {"B"}}, {{"x\x1b[2J\n"}}, false) == "A           B\nx\\x1b[2J\\n\n");
}

TEST_CASE("colour stands around the padded cell, so that columns stay even") {
  CHECK(format_table({{"A"}, {"B"}}, {{{"ok", Colour::green}, "x"}}, true) ==
        "A   B\n\x1b[32mok\x1b[0m  x\n");
}

TEST_CASE("nothing is coloured where nobody sees it") {
  Captured captured;
  CHECK(captured.output.paint(Colour::red, "no") == "no");
  captured.output.overwrite("progress");
  CHECK(captured.err().empty());
}

TEST_CASE("an error for a person names the cause and the next step") {
  Captured captured;
  captured.output.error({ErrorKind::failed, "x", "the broker is away", "start it"});
  CHECK(captured.err() == "guild: the broker is away\nnext: start it\n");
  CHECK(format_error({ErrorKind::invalid, "x", "no", "usage: guild x"}) ==
        "guild: no\nusage: guild x\n");
  CHECK(format_error({ErrorKind::invalid, "x", "no\n", ""}) == "guild: no\\n\n");
}

TEST_CASE("with --json an error is one JSON object on stderr") {
  Captured captured;
  captured.output.set_json(true);
  captured.output.error({ErrorKind::not_found, "bot_unknown", "no such bot", "guild bot list"});
  const std::string text = captured.err();
  CHECK(text.find('\n') == text.size() - 1);
  CHECK(messages::decode_error(text) ==
        Error{ErrorKind::not_found, "bot_unknown", "no such bot", "guild bot list"});
}

TEST_CASE("output that cannot be written is found out at the end") {
  std::FILE* full = std::fopen("/dev/full", "w");
  std::FILE* talk = std::tmpfile();
  REQUIRE(full != nullptr);
  {
    Output output(full, talk);
    output.line("lost");
    const Result<void> written = output.finish();
    REQUIRE_FALSE(written);
    CHECK(written.error().code == "disk_full");
  }
  std::fclose(full);
  std::fclose(talk);
}

TEST_CASE("sizes are told in binary units with one place, rounded down") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1'023) == "1023 B");
  CHECK(format_bytes(1'536) == "1.5 KiB");
  CHECK(format_bytes(1'048'575) == "1023.9 KiB");
  CHECK(format_bytes(5LL << 30U) == "5.0 GiB");
}

TEST_CASE("what a verb prints as JSON is read back as it was") {
  const DaemonStatus down{"ledgerd", {}, false, {}, {}, "down", "nobody serves it"};
  CHECK(messages::encode(down) ==
        R"({"name":"ledgerd","ready":false,"state":"down","reason":"nobody serves it"})");
  const auto read = messages::decode<DaemonStatus>(messages::encode(down));
  REQUIRE(read);
  CHECK(read->reason == "nobody serves it");
}
