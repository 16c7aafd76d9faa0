#include "common/base/uuid.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <thread>
#include <vector>

#include "common/base/time.hpp"

using guild::Uuid;

namespace {

constexpr std::string_view known = "01890a5d-ac96-774b-bcce-b302099a8057";

std::int64_t birth_ms(const Uuid& id) {
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 6; ++i) ms = ms << 8 | id.bytes[i];
  return ms;
}

std::vector<Uuid> make_many(std::size_t count) {
  std::vector<Uuid> ids(count);
  for (Uuid& id : ids) id = Uuid::make();
  return ids;
}

}  // namespace

TEST_CASE("a new id is version 7 and carries the time of its birth") {
  const std::int64_t before = guild::now().ns / 1'000'000;
  const Uuid id = Uuid::make();
  const std::int64_t after = guild::now().ns / 1'000'000;
  CHECK(id.text()[14] == '7');
  CHECK((id.bytes[8] & 0xC0) == 0x80);
  CHECK(birth_ms(id) >= before);
  // Other tests may have borrowed counters from the next milliseconds.
  CHECK(birth_ms(id) <= after + 100);
  CHECK_FALSE(id.is_nil());
}

TEST_CASE("ids of one thread sort by birth, also past 4,096 in a millisecond") {
  const std::vector<Uuid> ids = make_many(20'000);
  CHECK(std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) == ids.end());
}

TEST_CASE("ids of several threads are all different, and each thread's sort") {
  std::vector<std::vector<Uuid>> made(4);
  std::vector<std::thread> threads;
  for (auto& ids : made) threads.emplace_back([&ids] { ids = make_many(2'000); });
  for (std::thread& thread : threads) thread.join();
  std::set<Uuid> all;
  for (const auto& ids : made) {
    CHECK(std::is_sorted(ids.begin(), ids.end()));
    all.insert(ids.begin(), ids.end());
  }
  CHECK(all.size() == 8'000);
}

TEST_CASE("the last 62 bits are random") {
  const std::vector<Uuid> ids = make_many(1'000);
  std::set<std::uint64_t> tails;
  for (const Uuid& id : ids) tails.insert(guild::load_le<std::uint64_t>(id.bytes.data() + 8));
  CHECK(tails.size() == ids.size());
}

TEST_CASE("a name always gets the same id, marked version 8") {
  const Uuid id = Uuid::of_name("abc");
  // SHA-256 of "abc" begins ba7816bf 8f01cfea 414140de 5dae2223.
  CHECK(id.text() == "ba7816bf-8f01-8fea-8141-40de5dae2223");
  CHECK(Uuid::of_name("abc") == id);
  CHECK(Uuid::of_name("abd") != id);
  CHECK(Uuid::of_name("").text()[14] == '8');
}

TEST_CASE("an id is read with and without dashes, in both cases") {
  const auto dashed = Uuid::parse(known);
  REQUIRE(dashed.has_value());
  CHECK(dashed->text() == known);
  CHECK(Uuid::parse("01890a5dac96774bbcceb302099a8057") == dashed);
  CHECK(Uuid::parse("01890A5D-AC96-774B-BCCE-B302099A8057") == dashed);
  CHECK(Uuid::parse("00000000-0000-0000-0000-000000000000")->is_nil());
}

TEST_CASE("what is not an id is refused") {
  const auto text =
      GENERATE(as<std::string>{}, "", "-", "01890a5d", "01890a5d-ac96-774b-bcce-b302099a805",
               "01890a5d-ac96-774b-bcce-b302099a80577", "01890a5d-ac96-774b-bcce-b302099a805g",
               "01890a5dac96-774b-bcce-b302099a8057-", "01890a5-dac96-774b-bcce-b302099a8057",
               "01890a5d_ac96_774b_bcce_b302099a8057", "01890a5d-ac96-774b-bcceb302099a8057",
               "{01890a5d-ac96-774b-bcce-b302099a8057}", "01890a5dac96774bbcceb302099a805",
               "01890a5dac96774bbcceb302099a80577", "0x890a5dac96774bbcceb302099a8057",
               "------------------------------------", "--------------------------------",
               "01890a5d-ac96-774b-bcce-b302099a80 7");
  INFO(text);
  const auto refused = Uuid::parse(text);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == "uuid_format");
  CHECK(refused.error().kind == guild::ErrorKind::invalid);
}
