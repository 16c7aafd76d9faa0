// The entry types that docs/ledger.md names, each with the facts that its postings say. A name that
// is not here is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace guild::verifier {

enum class EntryType : std::uint8_t {
  GRANT,
  WAGER,
  HEARTBEAT,
  HEARTBEAT_OBSERVE,
  MARKET_STAKE,
  MARKET_PAYOUT,
  MARKET_REFUND,
  RESEARCH_LOOKUP_FEE,
  RESEARCH_PAYOUT,
  LIQUIDATION,
  REVIVE,
  RETIRED,
  HOLD_POST,
  HOLD_VOID,
  TRANSFER,
  CHARGE,
  HOLD,
  FLOOR,
  CLOSED,
  REOPENED,
};

enum class Fact : std::uint8_t { credit, held, expires_at, hold, floor };

std::optional<EntryType> entry_type_named(std::string_view name);
std::string_view name_of(EntryType type);
std::string_view name_of(Fact fact);
/// In the order in which a leaf has them; most types have none.
std::span<const Fact> facts_of(EntryType type);

}  // namespace guild::verifier
