#include "common/base/uuid.hpp"

#include <algorithm>
#include <atomic>

#include "common/base/hash.hpp"
#include "common/base/secret.hpp"
#include "common/base/text.hpp"
#include "common/base/time.hpp"

namespace guild {
namespace {

constexpr unsigned counter_bits = 12;
constexpr std::array<std::size_t, 4> dash_places{8, 13, 18, 23};

void mark(Uuid& id, unsigned version) {
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0FU) | version << 4U);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3FU) | 0x80U);
}

/// Milliseconds and counter as one number that only grows. A full counter, or a clock set back,
/// borrows from the milliseconds ahead.
std::uint64_t next_tick() {
  static std::atomic<std::uint64_t> last{0};
  const std::uint64_t clock = static_cast<std::uint64_t>(now().ns / 1'000'000) << counter_bits;
  std::uint64_t before = last.load(std::memory_order_relaxed);
  std::uint64_t tick = 0;
  do {
    tick = std::max(clock, before + 1);
  } while (!last.compare_exchange_weak(before, tick, std::memory_order_relaxed));
  return tick;
}

bool is_dash_place(std::size_t i) {
  return std::find(dash_places.begin(), dash_places.end(), i) != dash_places.end();
}

/// The 32 digits of a dashed id; "" when a dash is not in its place.
std::string without_dashes(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_dash_place(i)) {
      digits.push_back(text[i]);
    } else if (text[i] != '-') {
      return "";
    }
  }
  return digits;
}

std::unexpected<Error> bad_uuid(std::string_view text) {
  return fail(ErrorKind::invalid, "uuid_format", quoted(text) + " is not an id",
              "ids are 32 hex digits, like 01890a5d-ac96-774b-bcce-b302099a8057");
}

}  // namespace

Uuid Uuid::make() {
  const std::uint64_t tick = next_tick();
  const std::uint64_t milliseconds = tick >> counter_bits;
  Uuid id;
  for (std::size_t i = 0; i < 6; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(milliseconds >> (40U - 8U * i));
  }
  id.bytes[6] = static_cast<std::uint8_t>(tick >> 8U & 0x0FU);
  id.bytes[7] = static_cast<std::uint8_t>(tick);
  fill_random(id.bytes.data() + 8, 8);
  mark(id, 7);
  return id;
}

Uuid Uuid::of_name(std::string_view text) {
  const Digest digest = sha256(as_bytes(text));
  Uuid id;
  std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
  mark(id, 8);
  return id;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36 && text.size() != 32) return bad_uuid(text);
  const auto bytes =
      from_hex_exactly<16>(text.size() == 36 ? without_dashes(text) : std::string(text));
  if (!bytes) return bad_uuid(text);
  return Uuid{*bytes};
}

std::string Uuid::text() const {
  std::string text = to_hex(bytes);
  for (const std::size_t place : dash_places) text.insert(place, 1, '-');
  return text;
}

}  // namespace guild
