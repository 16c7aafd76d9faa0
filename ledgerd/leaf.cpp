#include "ledgerd/leaf.hpp"

#include <array>
#include <limits>

#include "common/base/assert.hpp"

namespace guild::ledgerd {
namespace {

constexpr std::uint8_t leaf_prefix = 0x00;
constexpr std::size_t head_size = 1 + 1 + (2 + 8) + (2 + 16) + (2 + 8) + (2 + 32) + (2 + 8);
constexpr std::size_t leg_size_usual = 160;

class Writer {
 public:
  explicit Writer(Bytes& bytes) : bytes_(bytes) {}

  void field(BytesView value) {
    GUILD_ASSERT(value.size() <= std::numeric_limits<std::uint16_t>::max());
    std::array<std::uint8_t, 2> size{};
    store_le(size.data(), static_cast<std::uint16_t>(value.size()));
    bytes_.insert(bytes_.end(), size.begin(), size.end());
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }
  void field(std::string_view text) { field(as_bytes(text)); }
  void field(std::int64_t value) {
    std::array<std::uint8_t, 8> bytes{};
    store_le(bytes.data(), value);
    field(BytesView(bytes));
  }

 private:
  Bytes& bytes_;
};

void append_leaf(Bytes& bytes, const LeafHead& head, std::span<const LeafLeg> legs) {
  bytes.push_back(leaf_version);
  Writer writer(bytes);
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
}

}  // namespace

Bytes leaf_of(const LeafHead& head, std::span<const LeafLeg> legs) {
  Bytes bytes;
  append_leaf(bytes, head, legs);
  return bytes;
}

Digest leaf_hash(const LeafHead& head, std::span<const LeafLeg> legs) {
  Bytes bytes;
  bytes.reserve(head_size + legs.size() * leg_size_usual);
  bytes.push_back(leaf_prefix);
  append_leaf(bytes, head, legs);
  return sha256(bytes);
}

}  // namespace guild::ledgerd
