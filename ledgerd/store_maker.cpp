#include "ledgerd/store_maker.hpp"

#include "ledgerd/store_rows.hpp"

namespace guild::ledgerd::store {

using storage::Statement;

Result<void> each_open_question(Connection& file,
                                const std::function<void(std::string_view, Instant)>& take) {
  GUILD_TRY(Statement statement, file.prepare("SELECT question, deadline FROM markets "
                                              "WHERE status = 'OPEN' AND kind = 'research'"));
  return each_row(statement, [&take](const Statement& row) {
    take(row.text(0), {row.integer(1)});
    return true;
  });
}

Result<std::map<Digest, economy::Asked>> asked_questions(Connection& file) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT digest, times, status = 'RESOLVED' FROM maker_questions "
                         "JOIN markets ON markets.id = maker_questions.market"));
  std::map<Digest, economy::Asked> all;
  GUILD_CHECK(each_row(statement, [&all](const Statement& row) {
    all.emplace(exactly<32>(row.blob(0)),
                economy::Asked{.times = row.integer(1), .is_solved = row.integer(2) != 0});
    return true;
  }));
  return all;
}

Result<std::int64_t> times_asked(Connection& file, const Digest& question) {
  GUILD_TRY(const auto times,
            file.query_integer("SELECT times FROM maker_questions WHERE digest = ?",
                               BytesView(question)));
  return times.value_or(0);
}

Result<void> save_asked(Connection& file, const Digest& question, const Uuid& market,
                        std::int64_t times) {
  return file.execute(
      "INSERT INTO maker_questions (digest, market, times) VALUES (?1, ?2, ?3) "
      "ON CONFLICT (digest) DO UPDATE SET market = ?2, times = ?3",
      BytesView(question), BytesView(market.bytes), times);
}

}  // namespace guild::ledgerd::store
