// The market maker's questions, read strictly, and which of them it asks next.
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "common/base/money.hpp"
#include "ledgerd/economy/maker.hpp"

using namespace guild;
using namespace guild::ledgerd::economy;
using namespace std::chrono_literals;

namespace {

Money money(std::string_view text) { return Money::parse(text).value(); }

const QuestionTerms terms{.bounty = money("10.00"), .deadline = 24h, .deadline_max = 24h * 366};

Result<Questions> read(std::string_view text) { return read_questions(text, "q.jsonl", terms); }

struct Refused {
  std::string code, message;
};
Refused refused(std::string_view text) {
  const auto questions = read(text);
  REQUIRE_FALSE(questions);
  CHECK(questions.error().kind == ErrorKind::invalid);
  CHECK(questions.error().text().find("SECRET") == std::string::npos);
  return {questions.error().code, questions.error().message};
}

std::string line(const std::string& question, const std::string& more = "") {
  return R"({"question":")" + question + R"(","answer":"SECRET")" + more + "}\n";
}

/// Questions a, b, c, …, at 10.00 each.
Questions some(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += line(std::string(1, static_cast<char>('a' + i)));
  return read(text).value();
}

/// "a0 b0": what is asked, and how often it was before.
std::string asks_of(const MakerPlan& plan, const Questions& questions) {
  std::string all;
  for (const auto& ask : plan.asks)
    all += (all.empty() ? "" : " ") + questions[ask.question].market.question.value +
           std::to_string(ask.times);
  return all;
}

MakerFacts facts() {
  return {.research_open = 0, .room = 100, .treasury = money("1000"), .open = {}, .asked = {}};
}

Digest digest(std::string_view question) { return digest_of_question(question); }

}  // namespace

TEST_CASE("a file of questions: one a line, with its own bounty and deadline or the settings'") {
  const auto questions = read(
      "{\"question\": \" Capital of France? \", \"answer\": \"Paris\"}\n"
      "{\"answer\":\"4\",\"question\":\"2+2?\",\"bounty\":\"2.50\",\"deadline\":\"90m\"}\r\n"
      "{\"question\":\"Größe?\",\"answer\":\"ü\",\"bounty\":null}");
  REQUIRE(questions);
  REQUIRE(questions->size() == 3);
  const auto& [first, second, third] = std::tie((*questions)[0], (*questions)[1], (*questions)[2]);
  CHECK(first.line == 1);
  CHECK(first.market.kind == messages::MarketKind::research);
  CHECK(first.market.answer == Text<1'000>("Paris"));
  CHECK(first.market.bounty == money("10.00"));
  CHECK(first.market.deadline == Duration(24h));
  CHECK(first.digest == digest("Capital of France?"));
  CHECK(second.line == 2);
  CHECK(second.market.bounty == money("2.50"));
  CHECK(second.market.deadline == Duration(90min));
  CHECK(third.market.question == "Größe?");
}

TEST_CASE("what is wrong with a file of questions is named by line and field, never by its value") {
  const std::string good = line("a");
  const auto second = [&](const std::string& text) { return refused(good + text + "\n"); };
  CHECK(second(R"({"question":"b","answer":"SECRET","hint":"SECRET"})").code == "field_unknown");
  CHECK(second(R"({"question":"b","answer":"SECRET","hint":"SECRET"})").message ==
        "q.jsonl:2: field hint: there is no such field");
  CHECK(second(R"({"question":"b"})").message ==
        "q.jsonl:2: field answer: it is required and not there");
  CHECK(second(R"({"answer":"SECRET"})").code == "field_missing");
  CHECK(second(R"({"question":"b","answer":7})").message ==
        "q.jsonl:2: field answer: expected a string, got an integer");
  CHECK(second(R"({"question":"b","answer":")" + std::string(1'001, 'x') + "\"}").message ==
        "q.jsonl:2: field answer: 1001 bytes, at most 1000");
  CHECK(second(R"({"question":")" + std::string(2'001, 'x') + R"(","answer":"SECRET"})").code ==
        "field_too_long");
  CHECK(second(R"({"question":" ","answer":"SECRET"})")
            .message.starts_with("q.jsonl:2: field question: "));
  CHECK(second(R"({"question":"b","answer":" \t"})")
            .message.starts_with("q.jsonl:2: field answer: "));
  for (const char* bounty : {R"("-1.00")", R"("0")", R"("SECRET")", R"("0.123456789")", R"("")"}) {
    const Refused why = second(line("b", std::string(R"(,"bounty":)") + bounty));
    CHECK(why.code == "field_value");
    CHECK(why.message.starts_with("q.jsonl:2: field bounty: "));
  }
  CHECK(second(line("b", R"(,"bounty":5)")).code == "field_type");
  for (const char* deadline : {"SECRET", "0s", "-1h", "8785h", "10"}) {
    const Refused why = second(line("b", std::string(R"(,"deadline":")") + deadline + '"'));
    CHECK(why.code == "field_value");
    CHECK(why.message.starts_with("q.jsonl:2: field deadline: "));
  }
  CHECK(second(line(" a ")).code == "question_repeated");
  CHECK(second(line(" a ")).message == "q.jsonl:2: field question: the same as on line 1");
  CHECK(second(R"({"question":"b","question":"c","answer":"SECRET"})").code == "field_value");
  for (const char* text : {"SECRET", "", "  ", "[]", R"({"question":"b","answer":"SECRET"},)",
                           "{\"question\":\"b\",\"answer\":\"SECRET\xff\"}"}) {
    const Refused why = second(text);
    CHECK(why.message.starts_with("q.jsonl:2: "));
  }
  CHECK(refused("").code == "questions_empty");
  CHECK(refused(" \n\n").code == "questions_empty");
  CHECK(refused(std::string(questions_bytes_max + 1, 'x')).code == "questions_too_large");
  std::string many;
  for (std::size_t i = 0; i <= questions_max; ++i) many += line(std::to_string(i));
  CHECK(refused(many).code == "questions_too_many");
  many.resize(many.rfind('\n', many.size() - 2) + 1);
  CHECK(read(many)->size() == questions_max);
}

TEST_CASE("the terms of questions come from the settings, and fit what a market may be") {
  host::MarketMakerSettings settings;
  host::EconomySettings constants;
  CHECK(question_terms(settings, constants)->bounty == constants.default_bounty);
  CHECK(question_terms(settings, constants)->deadline == constants.default_deadline);
  settings.bounty = money("3.00");
  settings.deadline = 2h;
  CHECK(question_terms(settings, constants)->bounty == money("3.00"));
  CHECK(question_terms(settings, constants)->deadline == Duration(2h));
  constants.deadline_max = 1h;
  CHECK(question_terms(settings, constants).error().code == "deadline_unfit");
}

TEST_CASE("so many are asked as are missing, in the file's order, none that is open or solved") {
  const Questions questions = some(5);
  MakerFacts seen = facts();
  CHECK(asks_of(plan(questions, seen, 3), questions) == "a0 b0 c0");
  CHECK(plan(questions, seen, 3).lack == MakerLack::nothing);
  CHECK(plan(questions, seen, 3).left == 2);
  seen.research_open = 2;
  seen.open = {digest("a"), digest("by hand")};
  seen.asked[digest("a")] = {.times = 1, .is_solved = false};
  seen.asked[digest("b")] = {.times = 1, .is_solved = true};
  CHECK(asks_of(plan(questions, seen, 3), questions) == "c0");
  CHECK(asks_of(plan(questions, seen, 4), questions) == "c0 d0");
  seen.research_open = 4;
  CHECK(plan(questions, seen, 3).asks.empty());
  CHECK(plan(questions, seen, 3).lack == MakerLack::nothing);
}

TEST_CASE("a question that nobody solved is asked again after those that were asked less often") {
  const Questions questions = some(3);
  MakerFacts seen = facts();
  seen.asked[digest("a")] = {.times = 2, .is_solved = false};
  seen.asked[digest("b")] = {.times = 1, .is_solved = false};
  CHECK(asks_of(plan(questions, seen, 3), questions) == "c0 b1 a2");
  CHECK(asks_of(plan(questions, seen, 1), questions) == "c0");
}

TEST_CASE("the file is exhausted when more should be open than can be asked") {
  const Questions questions = some(2);
  MakerFacts seen = facts();
  CHECK(plan(questions, seen, 2).lack == MakerLack::nothing);
  CHECK(asks_of(plan(questions, seen, 3), questions) == "a0 b0");
  CHECK(plan(questions, seen, 3).lack == MakerLack::questions);
  for (const char* solved : {"a", "b"})
    seen.asked[digest(solved)] = {.times = 1, .is_solved = true};
  CHECK(plan(questions, seen, 1).asks.empty());
  CHECK(plan(questions, seen, 1).lack == MakerLack::questions);
  CHECK(plan(questions, seen, 1).left == 0);
}

TEST_CASE("what the treasury cannot pay is not asked, and nothing cheaper goes first") {
  const Questions questions =
      read(line("a", R"(,"bounty":"5.00")") + line("b", R"(,"bounty":"7.00")") +
           line("c", R"(,"bounty":"1.00")"))
          .value();
  MakerFacts seen = facts();
  seen.treasury = money("12.99");
  CHECK(asks_of(plan(questions, seen, 3), questions) == "a0 b0");
  CHECK(plan(questions, seen, 3).lack == MakerLack::funds);
  seen.treasury = money("13.00");
  CHECK(plan(questions, seen, 3).lack == MakerLack::nothing);
  seen.treasury = money("4.99");
  CHECK(plan(questions, seen, 3).asks.empty());
  seen.treasury = money("-1");
  CHECK(plan(questions, seen, 3).lack == MakerLack::funds);
}

TEST_CASE("no more is asked than there may be markets") {
  const Questions questions = some(3);
  MakerFacts seen = facts();
  seen.room = 1;
  CHECK(asks_of(plan(questions, seen, 2), questions) == "a0");
  CHECK(plan(questions, seen, 2).lack == MakerLack::room);
  seen.room = -1;
  CHECK(plan(questions, seen, 2).asks.empty());
  CHECK(plan(questions, seen, 2).lack == MakerLack::room);
}

TEST_CASE(
    "whatever is solved or ends, no question is asked while it is open or once it is solved") {
  const Questions questions = some(6);
  for (unsigned seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    unsigned chance = seed;
    const auto draw = [&chance](unsigned below) {
      chance = chance * 1'664'525U + 1'013'904'223U;
      return (chance >> 16U) % below;
    };
    MakerFacts seen = facts();
    std::set<Digest> solved;
    for (int round = 0; round < 40; ++round) {
      const MakerPlan made = plan(questions, seen, 3);
      for (const auto& ask : made.asks) {
        const Digest& asked = questions[ask.question].digest;
        REQUIRE(seen.open.insert(asked).second);
        REQUIRE_FALSE(solved.contains(asked));
        REQUIRE(seen.asked[asked].times++ == ask.times);
        ++seen.research_open;
      }
      REQUIRE((seen.research_open == 3) == (made.lack == MakerLack::nothing));
      if (seen.open.empty()) break;
      const Digest ended =
          *std::next(seen.open.begin(), draw(static_cast<unsigned>(seen.open.size())));
      seen.open.erase(ended);
      --seen.research_open;
      if (draw(2) != 0) continue;
      seen.asked[ended].is_solved = true;
      solved.insert(ended);
    }
  }
}
