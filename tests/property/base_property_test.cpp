// Laws of the base room. A failure prints the seed; rerun with RC_PARAMS="seed=N".
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <limits>

#include "common/base/bytes.hpp"
#include "common/base/money.hpp"
#include "common/base/text.hpp"
#include "common/base/time.hpp"
#include "common/base/uuid.hpp"

using guild::Money;

namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t int_min = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t int_max = std::numeric_limits<std::int64_t>::max();

/// RC_ASSERT's own == is ambiguous with that of std::expected.
template <class T>
bool gives(const guild::Result<T>& result, const T& wanted) {
  return result.has_value() && *result == wanted;
}

template <class Law>
void holds(const std::string& name, Law law) {
  CHECK(rc::check(name, law));
}

/// Every size of number, and often the ends, where overflow lives.
rc::Gen<std::int64_t> any_int64() {
  return rc::gen::oneOf(rc::gen::arbitrary<std::int64_t>(), rc::gen::inRange(int_min, int_max),
                        rc::gen::map(rc::gen::inRange<std::int64_t>(0, 1000),
                                     [](std::int64_t below) { return int_max - below; }),
                        rc::gen::map(rc::gen::inRange<std::int64_t>(0, 1000),
                                     [](std::int64_t above) { return int_min + above; }));
}

Money any_money() { return Money::of_units(*any_int64()); }

bool fits(Wide value) { return value >= int_min && value <= int_max; }

std::string encode(std::uint32_t c) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 63))};
  if (c < 0x10000) return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63))};
  return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 63)), byte(0x80 | (c >> 6 & 63)),
          byte(0x80 | (c & 63))};
}

std::string any_utf8() {
  const auto characters = *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::oneOf(
      rc::gen::inRange<std::uint32_t>(0, 0x80), rc::gen::inRange<std::uint32_t>(0x80, 0x800),
      rc::gen::inRange<std::uint32_t>(0x800, 0xD800),
      rc::gen::inRange<std::uint32_t>(0xE000, 0x10000),
      rc::gen::inRange<std::uint32_t>(0x10000, 0x110000)));
  std::string text;
  for (const std::uint32_t character : characters) text += encode(character);
  return text;
}

}  // namespace

TEST_CASE("money: laws") {
  holds("text leads back to the same amount", [] {
    const Money money = any_money();
    RC_ASSERT(gives(Money::parse(money.text()), money));
  });
  holds("plus agrees with 128-bit sums, and overflows exactly where they do", [] {
    const Money a = any_money();
    const Money b = any_money();
    const Wide exact = Wide{a.units()} + b.units();
    const auto sum = a.plus(b);
    RC_ASSERT(sum.has_value() == fits(exact));
    if (sum) RC_ASSERT(Wide{sum->units()} == exact);
  });
  holds("minus agrees with 128-bit differences, and overflows exactly where they do", [] {
    const Money a = any_money();
    const Money b = any_money();
    const Wide exact = Wide{a.units()} - b.units();
    const auto difference = a.minus(b);
    RC_ASSERT(difference.has_value() == fits(exact));
    if (difference) RC_ASSERT(Wide{difference->units()} == exact);
  });
  holds("minus takes back what plus added", [] {
    const Money a = any_money();
    const Money b = any_money();
    const auto sum = a.plus(b);
    RC_PRE(sum.has_value());
    RC_ASSERT(gives(sum->minus(b), a));
  });
  holds("any text is an amount or an error, and an amount reads back the same", [] {
    const auto text =
        *rc::gen::container<std::string>(rc::gen::elementOf(std::string("0129.-e+ ")));
    const auto money = Money::parse(text);
    if (money) RC_ASSERT(gives(Money::parse(money->text()), *money));
  });
}

TEST_CASE("bytes: laws") {
  holds("hex leads back to the same bytes", [](const guild::Bytes& bytes) {
    const std::string text = guild::to_hex(bytes);
    RC_ASSERT(text.size() == bytes.size() * 2);
    RC_ASSERT(gives(guild::from_hex(text), bytes));
  });
  holds("Z85 leads back to the same bytes", [](guild::Bytes bytes) {
    bytes.resize(bytes.size() / 4 * 4);
    RC_ASSERT(gives(guild::from_z85(guild::to_z85(bytes)), bytes));
  });
  holds("text that Z85 accepts is the text of its bytes", [](const std::string& text) {
    const auto bytes = guild::from_z85(text.substr(0, text.size() / 5 * 5));
    if (bytes) RC_ASSERT(guild::to_z85(*bytes) == text.substr(0, text.size() / 5 * 5));
  });
  holds("a stored number is loaded again", [] {
    const std::int64_t number = *any_int64();
    std::array<std::uint8_t, 8> memory{};
    guild::store_le(memory.data(), number);
    RC_ASSERT(guild::load_le<std::int64_t>(memory.data()) == number);
  });
}

TEST_CASE("time: laws") {
  holds("a duration's text leads back to it", [] {
    const guild::Duration duration{
        *rc::gen::suchThat(any_int64(), [](auto ns) { return ns >= 0; })};
    RC_ASSERT(gives(guild::parse_duration(guild::to_text(duration)), duration));
  });
  holds("an instant's RFC 3339 text leads back to it", [] {
    constexpr std::int64_t last = 9'214'646'399'999'999'999;  // 2261-12-31T23:59:59.999999999Z
    const auto scale = *rc::gen::element<std::int64_t>(1, 1'000, 1'000'000, 1'000'000'000);
    const guild::Instant at{*rc::gen::inRange<std::int64_t>(0, last / scale) * scale};
    RC_ASSERT(gives(guild::from_rfc3339(guild::to_rfc3339(at)), at));
  });
  holds("RFC 3339 texts of whole seconds sort as their instants do", [] {
    const guild::Instant a{*rc::gen::inRange<std::int64_t>(0, 9'000'000'000) * 1'000'000'000};
    const guild::Instant b{*rc::gen::inRange<std::int64_t>(0, 9'000'000'000) * 1'000'000'000};
    RC_ASSERT((a < b) == (guild::to_rfc3339(a) < guild::to_rfc3339(b)));
  });
}

TEST_CASE("text: laws") {
  holds("what the encoder makes is UTF-8", [] { RC_ASSERT(guild::is_utf8(any_utf8())); });
  holds("a prefix of UTF-8 is UTF-8, within its bound, and misses it by less than a character", [] {
    const std::string text = any_utf8();
    const auto size_max = *rc::gen::inRange<std::size_t>(0, text.size() + 2);
    const std::string_view prefix = guild::utf8_prefix(text, size_max);
    RC_ASSERT(guild::is_utf8(prefix));
    RC_ASSERT(text.starts_with(prefix));
    RC_ASSERT(prefix.size() <= size_max);
    RC_ASSERT(prefix.size() + 4 > std::min(size_max, text.size()));
  });
  holds("a prefix of any bytes stays within its bound", [](const std::string& text) {
    const auto size_max = *rc::gen::inRange<std::size_t>(0, text.size() + 2);
    const std::string_view prefix = guild::utf8_prefix(text, size_max);
    RC_ASSERT(prefix.size() <= size_max);
    RC_ASSERT(text.starts_with(prefix));
  });
  holds("escaped text is printable ASCII", [](const std::string& text) {
    for (const char c : guild::escape_to_ascii(text)) RC_ASSERT(c >= 0x20 && c < 0x7f);
  });
  holds("text with escaped controls is UTF-8, and escaping it again changes nothing",
        [](const std::string& text) {
          const std::string escaped = guild::escape_controls(text);
          RC_ASSERT(guild::is_utf8(escaped));
          RC_ASSERT(guild::escape_controls(escaped) == escaped);
        });
}

TEST_CASE("uuid: laws") {
  const auto any_uuid = [] {
    return guild::Uuid{
        *rc::gen::container<std::array<std::uint8_t, 16>>(rc::gen::arbitrary<std::uint8_t>())};
  };
  holds("an id's text leads back to it", [&] {
    const guild::Uuid id = any_uuid();
    RC_ASSERT(gives(guild::Uuid::parse(id.text()), id));
  });
  holds("ids sort as their texts do", [&] {
    const guild::Uuid a = any_uuid();
    const guild::Uuid b = any_uuid();
    RC_ASSERT((a < b) == (a.text() < b.text()));
  });
  holds("each new id sorts after all before it", [] {
    const guild::Uuid earlier = guild::Uuid::make();
    const guild::Uuid later = guild::Uuid::make();
    RC_ASSERT(earlier < later);
    RC_ASSERT(earlier.text() < later.text());
  });
}
