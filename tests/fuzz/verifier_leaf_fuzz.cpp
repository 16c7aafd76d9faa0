// A leaf of a stranger, and the same bytes as a file of leaves: whatever is accepted has one
// spelling, so that writing what was read gives the same bytes again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "verifier/export.hpp"

using namespace guild::verifier;

namespace {

void demand(bool holds) {
  if (!holds) std::abort();
}

/// It may answer anything, but must answer.
void answers(const Check&) {}

class Writer {
 public:
  void field(Bytes bytes) {
    put(bytes.size() & 0xFFU);
    put(bytes.size() >> 8U);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void number(std::int64_t number) {
    std::array<std::uint8_t, 8> bytes;
    for (std::size_t i = 0; i < 8; ++i)
      bytes[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(number) >> (8 * i));
    field(bytes);
  }
  void text(std::string_view text) { field(as_bytes(text)); }
  void put(std::size_t byte) { bytes_.push_back(static_cast<std::uint8_t>(byte)); }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

void write_fact(Writer& writer, Fact fact, const Facts& facts) {
  writer.text(name_of(fact));
  if (fact == Fact::credit) return writer.text(facts.credit);
  if (fact == Fact::held) return writer.number(facts.held);
  if (fact == Fact::expires_at) return writer.number(facts.expires_at);
  writer.number(fact == Fact::hold ? facts.hold : facts.floor);
}

std::vector<std::uint8_t> written(const Leaf& leaf) {
  const auto facts = facts_of(leaf.type);
  Writer writer;
  writer.put(facts.empty() ? 1 : 2);
  writer.number(leaf.seq);
  writer.field(leaf.id);
  writer.number(leaf.time);
  writer.field(leaf.previous_hash);
  writer.number(static_cast<std::int64_t>(leaf.legs.size()));
  for (const Leg& leg : leaf.legs) {
    writer.text(leg.account);
    writer.number(leg.amount);
    writer.text(name_of(leaf.type));
    writer.text(leg.reference);
    writer.number(leg.account_seq);
    writer.field(leg.previous_hash);
  }
  if (!facts.empty()) writer.number(static_cast<std::int64_t>(facts.size()));
  for (const Fact fact : facts) write_fact(writer, fact, leaf.facts);
  return writer.bytes();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  Leaf leaf;
  if (parse_leaf(input, leaf)) {
    demand(std::ranges::equal(written(leaf), input));
    // Also where it cannot stand, the book must answer.
    Book book;
    answers(book.take(leaf, leaf_hash(input)));
  }
  ExportCheck check(PublicKey{}, Input::of({data, data + size}), Input::of({}));
  const auto fault = check.run();
  // Without a checkpoint nothing is sound.
  demand(fault && *fault && (*fault)->seq >= 1);
  return 0;
}
