// What the tests of the checker share: a verdict in one line, and files in memory.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/book_writer.hpp"
#include "verifier/export.hpp"

namespace guild::verifier {

using test::BookWriter;
using test::leg;
using test::WrittenExport;

inline std::string verdict(const WrittenExport& written) {
  const auto key = parse_public_key(written.key);
  REQUIRE(key);
  ExportCheck check(*key, Input::of(written.leaves),
                    Input::of({written.checkpoints.begin(), written.checkpoints.end()}));
  const auto fault = check.run();
  REQUIRE(fault);
  if (!*fault) return "ok";
  return joined((*fault)->seq, ": ", (*fault)->problem);
}

/// "ok", or "SEQ: why".
inline std::string verdict(const BookWriter& book) { return verdict(book.written()); }

inline constexpr std::int64_t far = 4'000'000'000'000'000'000;

/// treasury 1000, bot/a 100, bot/b 100, user/u 10; four postings.
inline BookWriter small_book() {
  BookWriter book;
  book.post("GRANT", {leg("world", -1000), leg("treasury", 1000)});
  book.post("GRANT", {leg("world", -100), leg("bot/a", 100)});
  book.post("GRANT", {leg("world", -100), leg("bot/b", 100)});
  book.post("TRANSFER", {leg("treasury", -10), leg("user/u", 10)});
  return book;
}

inline std::vector<test::WrittenFact> hold_facts(const std::string& credit, std::int64_t held,
                                                 std::int64_t expires_at = far) {
  return {{"credit", credit}, {"held", held}, {"expires_at", expires_at}};
}
inline std::vector<test::WrittenFact> of_hold(std::int64_t seq) { return {{"hold", seq}}; }
inline std::vector<test::WrittenFact> floor_of(std::int64_t amount) { return {{"floor", amount}}; }

}  // namespace guild::verifier
