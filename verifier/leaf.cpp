#include "verifier/leaf.hpp"

#include <algorithm>

#include "verifier/account_name.hpp"

namespace guild::verifier {
namespace {

constexpr std::uint8_t version_without_facts = 1;
constexpr std::uint8_t version_with_facts = 2;

/// The least bytes that an 8-byte number is read from.
std::int64_t number_of(Bytes bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) number = (number << 8U) | bytes[i - 1];
  return static_cast<std::int64_t>(number);
}

/// Takes fields off the front. After the first that does not fit, all that follow are empty, and
/// why() says what was wrong with the first.
class Fields {
 public:
  explicit Fields(Bytes bytes) : rest_(bytes) {}

  Bytes any(std::string_view what, std::size_t size_max) {
    if (!why_.empty()) return {};
    if (rest_.size() < 2) return refuse(what, " is missing");
    const std::size_t size = static_cast<std::size_t>(rest_[0] | (rest_[1] << 8U));
    if (size > size_max) return refuse(what, " is too long");
    if (rest_.size() - 2 < size) return refuse(what, " ends too early");
    const Bytes field = rest_.subspan(2, size);
    rest_ = rest_.subspan(2 + size);
    return field;
  }

  Bytes exactly(std::string_view what, std::size_t size) {
    const Bytes field = any(what, size);
    if (why_.empty() && field.size() != size) return refuse(what, " is too short");
    return field;
  }

  std::string_view text(std::string_view what, std::size_t size_max) {
    return as_text(any(what, size_max));
  }
  std::int64_t number(std::string_view what) { return number_of(exactly(what, 8)); }

  template <std::size_t Size>
  std::array<std::uint8_t, Size> array(std::string_view what) {
    std::array<std::uint8_t, Size> bytes{};
    std::ranges::copy(exactly(what, Size), bytes.begin());
    return bytes;
  }

  bool ok() const { return why_.empty(); }
  bool at_end() const { return rest_.empty(); }
  std::unexpected<std::string> why() const { return std::unexpected(why_); }

 private:
  Bytes refuse(std::string_view what, std::string_view why) {
    why_ = joined(what, why);
    return {};
  }

  Bytes rest_;
  std::string why_;
};

/// One leg; its type is told by `type`.
Check read_leg(Fields& fields, Leg& leg, std::string_view& type) {
  leg.account = fields.text("a leg's account", account_name_size_max);
  leg.amount = fields.number("a leg's amount");
  type = fields.text("a leg's type", 32);
  leg.reference = fields.text("a leg's reference", reference_size_max);
  leg.account_seq = fields.number("a leg's account_seq");
  leg.previous_hash = fields.array<32>("a leg's previous hash");
  if (!fields.ok()) return fields.why();
  if (!is_account_name(leg.account)) return because(shown(leg.account), " is no account's name");
  if (!is_utf8(leg.reference)) return because("a leg's reference is not UTF-8");
  return {};
}

Check read_legs(Fields& fields, Leaf& leaf) {
  const std::int64_t count = fields.number("the number of legs");
  if (!fields.ok()) return fields.why();
  if (count < 1 || count > static_cast<std::int64_t>(legs_max))
    return because("it has ", count, " legs; 1 to ", legs_max, " are allowed");
  leaf.legs.resize(static_cast<std::size_t>(count));
  std::string_view first_type;
  for (Leg& leg : leaf.legs) {
    std::string_view type;
    VERIFIER_CHECK(read_leg(fields, leg, type));
    if (&leg == leaf.legs.data()) first_type = type;
    if (type != first_type)
      return because("its legs have two types, ", shown(first_type), " and ", shown(type));
  }
  const auto known = entry_type_named(first_type);
  if (!known) return because(shown(first_type), " is no entry type");
  leaf.type = *known;
  return {};
}

void read_fact(Fields& fields, Fact fact, Facts& facts) {
  const std::string_view what = name_of(fact);
  switch (fact) {
    case Fact::credit:
      facts.credit = fields.text(what, account_name_size_max);
      return;
    case Fact::held:
      facts.held = fields.number(what);
      return;
    case Fact::expires_at:
      facts.expires_at = fields.number(what);
      return;
    case Fact::hold:
      facts.hold = fields.number(what);
      return;
    case Fact::floor:
      facts.floor = fields.number(what);
      return;
  }
}

Check read_facts(Fields& fields, Leaf& leaf) {
  const auto wanted = facts_of(leaf.type);
  const std::int64_t count = fields.number("the number of facts");
  if (!fields.ok()) return fields.why();
  if (count != static_cast<std::int64_t>(wanted.size()))
    return because("it has ", count, " facts; a ", name_of(leaf.type), " has ", wanted.size());
  for (const Fact fact : wanted) {
    const std::string_view name = fields.text("a fact's name", 32);
    if (fields.ok() && name != name_of(fact))
      return because("its fact ", shown(name), " should be ", name_of(fact));
    read_fact(fields, fact, leaf.facts);
    if (!fields.ok()) return fields.why();
  }
  if (leaf.type == EntryType::HOLD && !is_account_name(leaf.facts.credit))
    return because("its credit ", shown(leaf.facts.credit), " is no account's name");
  return {};
}

Check check_version(std::uint8_t version, EntryType type) {
  const bool has_facts = !facts_of(type).empty();
  if (version == (has_facts ? version_with_facts : version_without_facts)) return {};
  return because("a ", name_of(type), " has ", has_facts ? "" : "no ", "facts, so version ",
                 version, " is wrong");
}

}  // namespace

Check parse_leaf(Bytes bytes, Leaf& leaf) {
  if (bytes.empty()) return because("the leaf is empty");
  if (bytes.size() > leaf_size_max)
    return because("the leaf has ", bytes.size(), " bytes; ", leaf_size_max, " are allowed");
  const std::uint8_t version = bytes.front();
  if (version != version_without_facts && version != version_with_facts)
    return because("the leaf has the unknown version ", version);
  Fields fields(bytes.subspan(1));
  leaf.seq = fields.number("seq");
  leaf.id = fields.array<16>("id");
  leaf.time = fields.number("time");
  leaf.previous_hash = fields.array<32>("the previous hash");
  leaf.facts = {};
  VERIFIER_CHECK(read_legs(fields, leaf));
  VERIFIER_CHECK(check_version(version, leaf.type));
  if (version == version_with_facts) VERIFIER_CHECK(read_facts(fields, leaf));
  if (!fields.at_end()) return because("the leaf has bytes after its last field");
  return {};
}

}  // namespace guild::verifier
