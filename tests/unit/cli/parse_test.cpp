#include "cli/parse.hpp"

#include <catch2/catch.hpp>

#include "cli/help.hpp"
#include "cli/nouns.hpp"

using namespace guild;
using namespace guild::cli;

namespace {

/// A small tree with every kind of argument.
struct Tree {
  Tree() {
    Command& ledger = root.add("ledger", "the book");
    ledger.add("transfer", "move money")
        .takes("FROM", from, "debited")
        .takes("AMOUNT", amount, "how much")
        .may_take("NOTE", note, "why")
        .option("--id", "ID", id, "its id")
        .flag("--wait", wait, "wait")
        .runs([](Context&) -> Result<Exit> { return Exit::ok; });
    ledger.add("balance", "of an account").runs([](Context&) -> Result<Exit> { return Exit::ok; });
    root.add("task", "tasks")
        .add("run", "run one")
        .needs("--bot", "HANDLE", bot, "who pays")
        .option("--timeout", "TIME", task_timeout, "of the task")
        .takes_words_after_dashes("COMMAND...", words)
        .runs([](Context&) -> Result<Exit> { return Exit::ok; });
    root.add("secret", "ours").hidden().runs([](Context&) -> Result<Exit> { return Exit::ok; });
  }

  Command root{"guild", "test tree"};
  std::string from, bot;
  Amount amount;
  std::optional<std::string> note;
  std::optional<Uuid> id;
  bool wait = false;
  std::optional<Duration> task_timeout;
  std::vector<std::string> words;
};

Error refusal(Tree& tree, std::vector<std::string> arguments) {
  const auto parsed = parse(tree.root, std::move(arguments));
  REQUIRE_FALSE(parsed);
  return parsed.error();
}

}  // namespace

TEST_CASE("a verb's words reach their places, typed") {
  Tree tree;
  const auto parsed = parse(tree.root, {"ledger", "transfer", "bot/a", "1.25", "lunch", "--id",
                                        "00000000-0000-7000-8000-000000000001", "--wait"});
  REQUIRE(parsed);
  CHECK(parsed->command->path() == "guild ledger transfer");
  CHECK(tree.from == "bot/a");
  CHECK(tree.amount.money.text() == "1.25");
  CHECK(tree.note == "lunch");
  CHECK(tree.id->text() == "00000000-0000-7000-8000-000000000001");
  CHECK(tree.wait);
}

TEST_CASE("what is optional stays empty when it is left out") {
  Tree tree;
  REQUIRE(parse(tree.root, {"ledger", "transfer", "bot/a", "1.25"}));
  CHECK_FALSE(tree.note);
  CHECK_FALSE(tree.id);
  CHECK_FALSE(tree.wait);
}

TEST_CASE("global options stand before, between and after the words of a verb") {
  const std::vector<std::vector<std::string>> spellings = {
      {"--json", "--home", "/h", "--as", "viewer", "--timeout", "2s", "ledger", "balance"},
      {"ledger", "--json", "--home", "/h", "--as=viewer", "--timeout=2s", "balance"},
      {"ledger", "balance", "--timeout", "2s", "--as", "viewer", "--home=/h", "--json"}};
  for (const auto& arguments : spellings) {
    Tree tree;
    const auto parsed = parse(tree.root, arguments);
    REQUIRE(parsed);
    CHECK(parsed->command->path() == "guild ledger balance");
    CHECK(parsed->globals.json);
    CHECK(parsed->globals.home == "/h");
    CHECK(parsed->globals.as == "viewer");
    CHECK(parsed->globals.timeout == Duration(std::chrono::seconds(2)));
  }
}

TEST_CASE("global options that are not given are told apart from any value") {
  Tree tree;
  const auto parsed = parse(tree.root, {"ledger", "balance"});
  REQUIRE(parsed);
  CHECK_FALSE(parsed->globals.as);
  CHECK(parsed->globals.home.empty());
  CHECK_FALSE(parsed->globals.json);
  CHECK_FALSE(parsed->globals.timeout);
}

TEST_CASE("words after -- are a task's command as they stand") {
  Tree tree;
  const auto parsed = parse(tree.root, {"task", "run", "--bot", "demo", "--", "sh", "-c", "[a,b]",
                                        "--json", "--help", "--", ""});
  REQUIRE(parsed);
  CHECK(tree.words == std::vector<std::string>{"sh", "-c", "[a,b]", "--json", "--help", "--", ""});
  CHECK_FALSE(parsed->globals.json);
}

TEST_CASE("for other verbs -- only ends the options") {
  Tree tree;
  REQUIRE(parse(tree.root, {"ledger", "transfer", "bot/a", "1", "--", "--note"}));
  CHECK(tree.note == "--note");
}

TEST_CASE("a verb's own --timeout hides the global one") {
  Tree tree;
  const auto parsed = parse(tree.root, {"task", "run", "--bot", "b", "--timeout", "1m", "--", "x"});
  REQUIRE(parsed);
  CHECK(tree.task_timeout == Duration(std::chrono::minutes(1)));
  CHECK_FALSE(parsed->globals.timeout);
}

TEST_CASE("words that look like nouns, verbs, lists or numbers are words") {
  Tree tree;
  REQUIRE(parse(tree.root, {"ledger", "transfer", "ledger", "1", "balance"}));
  CHECK(tree.from == "ledger");
  CHECK(tree.note == "balance");
  REQUIRE(parse(tree.root, {"ledger", "transfer", "[a,b]", "1", "-"}));
  CHECK(tree.from == "[a,b]");
  CHECK(tree.note == "-");
}

TEST_CASE("usage errors are kind invalid and show the verb's usage line") {
  struct Case {
    std::vector<std::string> arguments;
    std::string code, part;
  };
  const std::string id = "--id";
  const Case cases[] = {
      {{"ledger", "transfer", "a"}, "argument_missing", "AMOUNT"},
      {{"ledger", "transfer", "a", "1", "b", "c"}, "argument_invalid", "does not take \"c\""},
      {{"ledger", "transfer", "a", "1", "--frob"}, "argument_invalid", "does not take \"--frob\""},
      {{"ledger", "transfer", "a", "1", "--id", "7"}, "uuid_format", "--id: "},
      {{"ledger", "transfer", "a", "-5"}, "amount_negative", "AMOUNT: \"-5\" is negative"},
      {{"ledger", "transfer", "a", "-0.5"}, "amount_negative", "AMOUNT: "},
      {{"ledger", "transfer", "a", "0"}, "amount_zero", "AMOUNT: "},
      {{"ledger", "transfer", "a", "1.123456789"}, "money_places", "AMOUNT: "},
      {{"ledger", "transfer", "a", "1e3"}, "money_format", "AMOUNT: "},
      {{"ledger", "transfer", "a", "NaN"}, "money_format", "AMOUNT: "},
      {{"ledger", "balance", "--timeout", "5"}, "duration_format", "--timeout: "},
      {{"ledger", "balance", "--timeout", "0s"}, "duration_zero", "--timeout: "},
      {{"ledger", "balance", "--timeout"}, "argument_invalid", "--timeout"},
      {{"task", "run", "--bot", "b"}, "argument_missing", "COMMAND"},
      {{"task", "run", "--bot", "b", "--"}, "argument_missing", "COMMAND"},
      {{"task", "run", "--", "x"}, "argument_missing", "--bot"},
  };
  for (const Case& each : cases) {
    Tree tree;
    const Error error = refusal(tree, each.arguments);
    INFO(error.text());
    CHECK(error.kind == ErrorKind::invalid);
    CHECK(error.code == each.code);
    CHECK(error.message.find(each.part) != std::string::npos);
    CHECK(
        error.next_step.starts_with("usage: guild " + each.arguments[0] + ' ' + each.arguments[1]));
  }
}

TEST_CASE("an unknown noun or verb is named, with what was probably meant") {
  Tree tree;
  const Error noun = refusal(tree, {"ledgr", "transfer"});
  CHECK(noun.code == "command_unknown");
  CHECK(noun.message == "guild does not know \"ledgr\"; did you mean ledger?");
  CHECK(noun.next_step == "guild knows: ledger, task");

  const Error verb = refusal(tree, {"ledger", "frobnicate"});
  CHECK(verb.message == "guild ledger does not know \"frobnicate\"");
  CHECK(verb.next_step == "guild ledger knows: transfer, balance");
}

TEST_CASE("a noun alone asks for its verb") {
  Tree tree;
  const Error error = refusal(tree, {"ledger"});
  CHECK(error.code == "command_incomplete");
  CHECK(error.next_step == "guild ledger knows: transfer, balance");
}

TEST_CASE("help is asked for in three ways, and names what the command takes") {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"help", "ledger", "transfer"},
        {"ledger", "transfer", "--help"},
        {"ledger", "transfer", "-h"}}) {
    Tree tree;
    const auto parsed = parse(tree.root, arguments);
    REQUIRE(parsed);
    REQUIRE(parsed->wanted == Wanted::help);
    CHECK(parsed->command->path() == "guild ledger transfer");
  }
  Tree tree;
  const std::string text = help_text(*tree.root.child("ledger")->child("transfer"));
  CHECK(text.find("usage: guild ledger transfer FROM AMOUNT [NOTE] [--id ID] [--wait]\n") !=
        std::string::npos);
  CHECK(text.find("  --id ID ") != std::string::npos);
  CHECK(text.find("  --json ") != std::string::npos);
  CHECK(help_text(tree.root).find("secret") == std::string::npos);
}

TEST_CASE("the version is asked for alone or with anything") {
  Tree tree;
  CHECK(parse(tree.root, {"--version"})->wanted == Wanted::version);
}

TEST_CASE("--json is seen even where the rest is wrong, but not behind --") {
  CHECK(asks_for_json({"ledgr", "--json"}));
  CHECK_FALSE(asks_for_json({"task", "run", "--", "x", "--json"}));
}

TEST_CASE("every verb of the whole tree explains itself and each of its arguments") {
  const auto root = guild_command();
  const std::function<void(const Command&)> visit = [&](const Command& command) {
    INFO(command.path());
    CHECK_FALSE(command.help().empty());
    CHECK(command.is_leaf() == command.children().empty());
    for (const Argument& argument : command.arguments()) CHECK_FALSE(argument.help.empty());
    for (const auto& child : command.children()) visit(*child);
  };
  visit(*root);
}

TEST_CASE("completion knows every noun and verb that help shows") {
  const auto root = guild_command();
  const std::string script = bash_completion(*root);
  for (const auto& noun : root->children()) {
    if (noun->is_hidden()) continue;
    CHECK(script.find(noun->name()) != std::string::npos);
    for (const auto& verb : noun->children()) {
      if (verb->is_hidden()) continue;
      const std::string path = noun->name() + ' ' + verb->name();
      CHECK(script.find("    \"" + path + "\") words=\"") != std::string::npos);
    }
  }
}
