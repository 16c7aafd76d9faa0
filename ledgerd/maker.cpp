#include "ledgerd/maker.hpp"

#include <fmt/format.h>

#include "common/base/bytes.hpp"
#include "ledgerd/markets.hpp"
#include "ledgerd/store_maker.hpp"

namespace guild::ledgerd {
namespace {

/// Keys have such files too; what helps them does not help here.
Error about_questions(Error error) {
  if (error.code == "secret_missing")
    error.next_step = "put it there, or leave out [market_maker] questions";
  if (error.code == "secret_format") error.next_step = "put a file of questions there";
  return error;
}

Result<void> note_made(Transaction& transaction, const economy::Question& question,
                       const Uuid& market, std::int64_t times) {
  return store::insert_audit(
      transaction.file(),
      {.time = transaction.now(),
       .sender = "ledgerd",
       .principal = "ledgerd",
       .action = "market-make",
       .subject = "market/" + market.text(),
       .detail = fmt::format(R"({{"question":"{}","line":{},"times":{},"bounty":"{}"}})",
                             to_hex(question.digest), question.line, times,
                             question.market.bounty.value_or(Money()).text())});
}

}  // namespace

Result<economy::Questions> read_question_file(const std::filesystem::path& path,
                                              const economy::QuestionTerms& terms) {
  auto text = read_secret_text(path, economy::questions_bytes_max);
  if (!text) return fail(about_questions(std::move(text).error()));
  auto questions = economy::read_questions(*text, path.string(), terms);
  wipe(text->data(), text->size());
  return questions;
}

Result<economy::MakerFacts> maker_facts(storage::Connection& file,
                                        const economy::Constants& constants, Instant now) {
  economy::MakerFacts facts;
  const auto read = [&](storage::Connection& snapshot) -> Result<void> {
    facts = {};
    const auto take = [&](std::string_view question, Instant deadline) {
      facts.open.insert(economy::digest_of_question(question));
      facts.research_open += now < deadline ? 1 : 0;
    };
    GUILD_CHECK(store::each_open_question(snapshot, take));
    GUILD_TRY(facts.asked, store::asked_questions(snapshot));
    GUILD_TRY(const std::int64_t open, store::count_open_markets(snapshot));
    facts.room = constants.markets_open_max - open;
    return {};
  };
  GUILD_CHECK(file.snapshot(read));
  return facts;
}

Result<std::vector<MadeMarket>> make_markets(Transaction& transaction,
                                             const economy::Constants& constants,
                                             const economy::Questions& questions,
                                             std::span<const economy::MakerPlan::Ask> asks) {
  std::vector<MadeMarket> made;
  for (const auto& [place, planned] : asks) {
    const economy::Question& question = questions[place];
    GUILD_TRY(const std::int64_t times, store::times_asked(transaction.file(), question.digest));
    if (times != planned) continue;
    // Not a name's id: who can tell the ids of its postings before could book them first.
    messages::OpenMarket request = question.market;
    request.market = transaction.new_id();
    GUILD_CHECK(open_market(transaction, constants, request));
    GUILD_CHECK(store::save_asked(transaction.file(), question.digest, request.market, times + 1));
    GUILD_CHECK(note_made(transaction, question, request.market, times + 1));
    made.push_back({.market = request.market, .line = question.line});
  }
  return made;
}

}  // namespace guild::ledgerd
