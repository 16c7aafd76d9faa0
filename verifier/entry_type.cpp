#include "verifier/entry_type.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace guild::verifier {
namespace {

constexpr std::array names = {
    std::string_view("GRANT"),
    std::string_view("WAGER"),
    std::string_view("HEARTBEAT"),
    std::string_view("HEARTBEAT_OBSERVE"),
    std::string_view("MARKET_STAKE"),
    std::string_view("MARKET_PAYOUT"),
    std::string_view("MARKET_REFUND"),
    std::string_view("RESEARCH_LOOKUP_FEE"),
    std::string_view("RESEARCH_PAYOUT"),
    std::string_view("LIQUIDATION"),
    std::string_view("REVIVE"),
    std::string_view("RETIRED"),
    std::string_view("HOLD_POST"),
    std::string_view("HOLD_VOID"),
    std::string_view("TRANSFER"),
    std::string_view("CHARGE"),
    std::string_view("HOLD"),
    std::string_view("FLOOR"),
    std::string_view("CLOSED"),
    std::string_view("REOPENED"),
};
static_assert(names.size() == static_cast<std::size_t>(EntryType::REOPENED) + 1);

constexpr std::array fact_names = {
    std::string_view("credit"), std::string_view("held"),  std::string_view("expires_at"),
    std::string_view("hold"),   std::string_view("floor"),
};

constexpr std::array hold_facts = {Fact::credit, Fact::held, Fact::expires_at};
constexpr std::array end_of_hold_facts = {Fact::hold};
constexpr std::array floor_facts = {Fact::floor};

}  // namespace

std::optional<EntryType> entry_type_named(std::string_view name) {
  const auto* const found = std::ranges::find(names, name);
  if (found == names.end()) return {};
  return static_cast<EntryType>(found - names.begin());
}

std::string_view name_of(EntryType type) { return names.at(static_cast<std::size_t>(type)); }
std::string_view name_of(Fact fact) { return fact_names.at(static_cast<std::size_t>(fact)); }

std::span<const Fact> facts_of(EntryType type) {
  switch (type) {
    case EntryType::HOLD:
      return hold_facts;
    case EntryType::HOLD_POST:
    case EntryType::HOLD_VOID:
      return end_of_hold_facts;
    case EntryType::FLOOR:
      return floor_facts;
    default:
      return {};
  }
}

}  // namespace guild::verifier
