#include "cli/event_cursor.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

using namespace guild;
using cli::EventCursor;
using Verdict = EventCursor::Verdict;

namespace {

messages::Entry event(std::int64_t seq, std::int64_t leg, std::int64_t legs) {
  messages::Entry entry;
  entry.seq = seq;
  entry.leg = leg;
  entry.legs = legs;
  return entry;
}

/// Postings 1 to `count` of one to four legs.
std::vector<messages::Entry> book_of(std::int64_t count, std::mt19937& random) {
  std::vector<messages::Entry> book;
  for (std::int64_t seq = 1; seq <= count; ++seq) {
    const std::int64_t legs = 1 + static_cast<std::int64_t>(random() % 4);
    for (std::int64_t leg = 0; leg < legs; ++leg) book.push_back(event(seq, leg, legs));
  }
  return book;
}

}  // namespace

TEST_CASE("each leg is taken once, in order, and a posting counts once it is whole") {
  EventCursor cursor(4);
  CHECK(cursor.look_at(event(4, 1, 2)) == Verdict::seen);
  CHECK(cursor.look_at(event(5, 1, 2)) == Verdict::hole);
  CHECK(cursor.look_at(event(6, 0, 1)) == Verdict::hole);
  CHECK(cursor.look_at(event(5, 0, 2)) == Verdict::next);
  CHECK(cursor.after() == 4);
  CHECK(cursor.look_at(event(5, 0, 2)) == Verdict::seen);
  CHECK(cursor.look_at(event(6, 0, 1)) == Verdict::hole);
  CHECK(cursor.look_at(event(5, 1, 2)) == Verdict::next);
  CHECK(cursor.after() == 5);
  CHECK(cursor.look_at(event(6, 0, 1)) == Verdict::next);
  CHECK(cursor.after() == 6);
}

TEST_CASE("whatever is lost, doubled or told again, asking at each hole gives each leg once") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto book = book_of(60, random);
    EventCursor cursor(0);
    std::vector<std::pair<std::int64_t, std::int64_t>> taken;
    const auto take = [&](const messages::Entry& entry) {
      const Verdict verdict = cursor.look_at(entry);
      if (verdict == Verdict::next) taken.emplace_back(entry.seq, entry.leg);
      return verdict;
    };
    const auto ask = [&] {  // As ledgerd answers: whole postings, of those up to now.
      for (const auto& entry : book)
        if (entry.seq > cursor.after()) REQUIRE(take(entry) != Verdict::hole);
    };
    for (std::size_t at = 0; at < book.size(); ++at) {
      if (random() % 5 == 0) continue;                             // Lost.
      if (random() % 40 == 0) at -= std::min(at, std::size_t{9});  // Told again after a crash.
      if (take(book[at]) == Verdict::hole) ask();
    }
    ask();
    REQUIRE(taken.size() == book.size());
    for (std::size_t i = 0; i < book.size(); ++i)
      REQUIRE(taken[i] == std::pair(book[i].seq, book[i].leg));
  }
}
