#include "ledgerd/packed.hpp"

#include <algorithm>
#include <limits>

#include "common/base/assert.hpp"

namespace guild::ledgerd {
namespace {

constexpr std::uint8_t same_reference = 0x80;
constexpr std::uint8_t type_mask = 0x7f;
constexpr unsigned varint_size_max = 10;

void put_varint(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out.push_back(static_cast<std::uint8_t>(value | 0x80U));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_count(Bytes& out, std::int64_t count) {
  GUILD_ASSERT(count >= 0);
  put_varint(out, static_cast<std::uint64_t>(count));
}

void put_signed(Bytes& out, std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  put_varint(out, (bits << 1U) ^ (value < 0 ? ~std::uint64_t{0} : 0));
}

/// a - b, wrapping: a damaged file may hold anything, and what wraps is no open hold.
std::int64_t distance(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

struct PackFacts {
  Bytes& out;
  std::int64_t seq;

  void operator()(std::monostate) const {}
  void operator()(const HoldTerms& terms) const {
    put_varint(out, terms.credit);
    put_signed(out, terms.amount.units());
    put_signed(out, terms.expires_at.ns);
  }
  void operator()(const HoldEnd& end) const { put_signed(out, distance(seq, end.hold)); }
  void operator()(const FloorTerms& terms) const { put_signed(out, terms.floor.units()); }
};

/// Reads from the front of bytes; after the first fault everything is zero and `ok` is false.
class Reader {
 public:
  explicit Reader(BytesView bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

  std::uint8_t byte() {
    const BytesView one = bytes(1);
    return one.empty() ? std::uint8_t{0} : one[0];
  }
  BytesView bytes(std::size_t size) {
    if (size > rest_.size()) ok_ = false;
    if (!ok_) return {};
    const BytesView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < varint_size_max; ++i) {
      const std::uint8_t next = byte();
      value |= static_cast<std::uint64_t>(next & 0x7fU) << (7U * i);
      if (next < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  std::int64_t count() {
    const std::uint64_t value = varint();
    if (value > std::numeric_limits<std::int64_t>::max()) ok_ = false;
    return ok_ ? static_cast<std::int64_t>(value) : 0;
  }
  std::int64_t signed_varint() {
    const std::uint64_t value = varint();
    return static_cast<std::int64_t>((value >> 1U) ^ (~(value & 1U) + 1U));
  }

 private:
  BytesView rest_;
  bool ok_ = true;
};

std::optional<Leg> read_leg(Reader& reader, std::int64_t seq, const Leg* before) {
  Leg leg;
  const std::uint64_t account = reader.varint();
  if (account > std::numeric_limits<AccountNumber>::max()) return {};
  leg.account = static_cast<AccountNumber>(account);
  leg.amount = Money::of_units(reader.signed_varint());
  const std::uint8_t code = reader.byte();
  const auto type = entry_type_of(code & type_mask);
  if (!type) return {};
  leg.type = *type;
  const bool is_same = (code & same_reference) != 0;
  if (is_same && before == nullptr) return {};
  leg.reference =
      is_same ? before->reference
              : std::string(as_text(reader.bytes(static_cast<std::size_t>(reader.varint()))));
  leg.account_seq = reader.count();
  const std::int64_t distance = reader.count();
  if (distance > seq) return {};
  leg.previous_seq = distance == 0 ? 0 : seq - distance;
  return leg;
}

std::optional<Legs> read_legs(Reader& reader, std::int64_t seq) {
  const std::uint64_t count = reader.varint();
  if (count > legs_max) return {};
  Legs legs;
  legs.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    auto leg = read_leg(reader, seq, legs.empty() ? nullptr : &legs.back());
    if (!leg || !reader.ok()) return {};
    legs.push_back(std::move(*leg));
  }
  return legs;
}

/// Which facts follow, the type of the first leg tells.
Facts read_facts(Reader& reader, std::int64_t seq, const Legs& legs) {
  if (legs.empty()) return {};
  switch (legs.front().type) {
    case EntryType::HOLD: {
      HoldTerms terms;
      terms.credit = static_cast<AccountNumber>(reader.varint());
      terms.amount = Money::of_units(reader.signed_varint());
      terms.expires_at = {reader.signed_varint()};
      return terms;
    }
    case EntryType::HOLD_POST:
    case EntryType::HOLD_VOID:
      return HoldEnd{distance(seq, reader.signed_varint())};
    case EntryType::FLOOR:
      return FloorTerms{Money::of_units(reader.signed_varint())};
    default:
      return {};
  }
}

std::optional<Content> read_content(std::int64_t seq, BytesView packed) {
  Reader reader(packed);
  auto legs = read_legs(reader, seq);
  if (!legs) return {};
  Content content{.legs = std::move(*legs), .facts = {}};
  content.facts = read_facts(reader, seq, content.legs);
  if (!reader.ok() || !reader.at_end()) return {};
  return content;
}

std::optional<std::vector<std::int64_t>> read_seqs(BytesView packed) {
  Reader reader(packed);
  std::vector<std::int64_t> seqs;
  std::int64_t last = 0;
  while (!reader.at_end()) {
    const std::int64_t step = reader.count();
    if (!reader.ok() || step == 0 || step > std::numeric_limits<std::int64_t>::max() - last)
      return {};
    seqs.push_back(last += step);
  }
  return seqs;
}

}  // namespace

Bytes pack_content(std::int64_t seq, std::span<const Leg> legs, const Facts& facts) {
  Bytes out;
  out.reserve(32 * (legs.size() + 1));
  put_varint(out, legs.size());
  const Leg* before = nullptr;
  for (const Leg& leg : legs) {
    const bool is_same = before != nullptr && before->reference == leg.reference;
    put_varint(out, leg.account);
    put_signed(out, leg.amount.units());
    out.push_back(static_cast<std::uint8_t>(code_of(leg.type) | (is_same ? same_reference : 0)));
    if (!is_same) {
      put_varint(out, leg.reference.size());
      out.insert(out.end(), leg.reference.begin(), leg.reference.end());
    }
    put_count(out, leg.account_seq);
    put_count(out, leg.previous_seq == 0 ? 0 : seq - leg.previous_seq);
    before = &leg;
  }
  std::visit(PackFacts{out, seq}, facts);
  return out;
}

std::optional<Content> unpack_content(std::int64_t seq, BytesView packed) {
  auto content = read_content(seq, packed);
  if (!content || !std::ranges::equal(pack_content(seq, content->legs, content->facts), packed))
    return {};
  return content;
}

Bytes pack_seqs(std::span<const std::int64_t> seqs) {
  Bytes out;
  out.reserve(2 * seqs.size());
  std::int64_t last = 0;
  for (const std::int64_t seq : seqs) {
    GUILD_ASSERT(seq > last);
    put_count(out, seq - last);
    last = seq;
  }
  return out;
}

std::optional<std::vector<std::int64_t>> unpack_seqs(BytesView packed) {
  auto seqs = read_seqs(packed);
  if (!seqs || !std::ranges::equal(pack_seqs(*seqs), packed)) return {};
  return seqs;
}

}  // namespace guild::ledgerd
