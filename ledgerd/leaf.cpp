#include "ledgerd/leaf.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "common/base/assert.hpp"

namespace guild::ledgerd {
namespace {

constexpr std::uint8_t leaf_prefix = 0x00;
/// Without the legs: version, seven integers and two digests at most, with their lengths.
constexpr std::size_t head_size_max = 200;
/// A leg without its texts.
constexpr std::size_t leg_size = (2 + 8) * 2 + (2 + 32) + 2 * 3;
constexpr std::size_t text_size_max = std::numeric_limits<std::uint16_t>::max();

/// Writes into memory that is large enough.
class Writer {
 public:
  explicit Writer(std::uint8_t* at) : at_(at) {}

  void byte(std::uint8_t value) { *at_++ = value; }
  void field(BytesView value) {
    GUILD_ASSERT(value.size() <= text_size_max);
    store_le(at_, static_cast<std::uint16_t>(value.size()));
    at_ = std::ranges::copy(value, at_ + 2).out;
  }
  void field(std::string_view text) { field(as_bytes(text)); }
  void field(std::int64_t value) {
    store_le(at_, std::uint16_t{8});
    store_le(at_ + 2, value);
    at_ += 2 + 8;
  }
  const std::uint8_t* end() const { return at_; }

 private:
  std::uint8_t* at_;
};

std::size_t size_max(std::span<const LeafLeg> legs, const LeafFacts& facts) {
  std::size_t size = head_size_max + facts.credit.size();
  for (const LeafLeg& leg : legs)
    size += leg_size + leg.account.size() + name_of(leg.type).size() + leg.reference.size();
  return size;
}

struct WriteFacts {
  Writer& writer;
  std::string_view credit;

  void operator()(std::monostate) const {}
  void operator()(const HoldTerms& terms) const {
    writer.field(std::int64_t{3});
    writer.field("credit");
    writer.field(credit);
    writer.field("held");
    writer.field(terms.amount.units());
    writer.field("expires_at");
    writer.field(terms.expires_at.ns);
  }
  void operator()(const HoldEnd& end) const { write_one("hold", end.hold); }
  void operator()(const FloorTerms& terms) const { write_one("floor", terms.floor.units()); }

  void write_one(std::string_view name, std::int64_t value) const {
    writer.field(std::int64_t{1});
    writer.field(name);
    writer.field(value);
  }
};

void write_leaf(Writer& writer, const LeafHead& head, std::span<const LeafLeg> legs,
                const LeafFacts& facts) {
  const bool has_facts = !std::holds_alternative<std::monostate>(facts.facts);
  writer.byte(has_facts ? leaf_version_with_facts : leaf_version);
  writer.field(head.seq);
  writer.field(BytesView(head.id.bytes));
  writer.field(head.time.ns);
  writer.field(BytesView(head.previous_hash));
  writer.field(static_cast<std::int64_t>(legs.size()));
  for (const LeafLeg& leg : legs) {
    writer.field(leg.account);
    writer.field(leg.amount.units());
    writer.field(name_of(leg.type));
    writer.field(leg.reference);
    writer.field(leg.account_seq);
    writer.field(BytesView(*leg.previous_hash));
  }
  std::visit(WriteFacts{writer, facts.credit}, facts.facts);
}

/// `first` bytes stay free before the leaf.
Bytes leaf_after(std::size_t first, const LeafHead& head, std::span<const LeafLeg> legs,
                 const LeafFacts& facts) {
  Bytes bytes(first + size_max(legs, facts));
  Writer writer(bytes.data() + first);
  write_leaf(writer, head, legs, facts);
  bytes.resize(static_cast<std::size_t>(writer.end() - bytes.data()));
  return bytes;
}

}  // namespace

Bytes leaf_of(const LeafHead& head, std::span<const LeafLeg> legs, const LeafFacts& facts) {
  return leaf_after(0, head, legs, facts);
}

Digest leaf_hash(const LeafHead& head, std::span<const LeafLeg> legs, const LeafFacts& facts) {
  // The usual posting is hashed where the stack has it.
  std::array<std::uint8_t, 1024>
      usual;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below.
  if (1 + size_max(legs, facts) > usual.size()) {
    Bytes bytes = leaf_after(1, head, legs, facts);
    bytes[0] = leaf_prefix;
    return sha256(bytes);
  }
  usual[0] = leaf_prefix;
  Writer writer(usual.data() + 1);
  write_leaf(writer, head, legs, facts);
  return sha256({usual.data(), static_cast<std::size_t>(writer.end() - usual.data())});
}

}  // namespace guild::ledgerd
