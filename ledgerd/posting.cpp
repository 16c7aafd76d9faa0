#include "ledgerd/posting.hpp"

#include <algorithm>
#include <array>

#include "common/base/assert.hpp"

namespace guild::ledgerd {
namespace {

struct TypeCode {
  EntryType type;
  std::uint8_t code;
  std::string_view name;
};

// Written in every file: a number is never changed or used again.
constexpr std::array type_codes = {
    TypeCode{EntryType::GRANT, 1, "GRANT"},
    TypeCode{EntryType::WAGER, 2, "WAGER"},
    TypeCode{EntryType::HEARTBEAT, 3, "HEARTBEAT"},
    TypeCode{EntryType::HEARTBEAT_OBSERVE, 4, "HEARTBEAT_OBSERVE"},
    TypeCode{EntryType::MARKET_STAKE, 5, "MARKET_STAKE"},
    TypeCode{EntryType::MARKET_PAYOUT, 6, "MARKET_PAYOUT"},
    TypeCode{EntryType::MARKET_REFUND, 7, "MARKET_REFUND"},
    TypeCode{EntryType::RESEARCH_LOOKUP_FEE, 8, "RESEARCH_LOOKUP_FEE"},
    TypeCode{EntryType::RESEARCH_PAYOUT, 9, "RESEARCH_PAYOUT"},
    TypeCode{EntryType::LIQUIDATION, 10, "LIQUIDATION"},
    TypeCode{EntryType::REVIVE, 11, "REVIVE"},
    TypeCode{EntryType::RETIRED, 12, "RETIRED"},
    TypeCode{EntryType::HOLD_POST, 13, "HOLD_POST"},
    TypeCode{EntryType::HOLD_VOID, 14, "HOLD_VOID"},
    TypeCode{EntryType::TRANSFER, 15, "TRANSFER"},
    TypeCode{EntryType::CHARGE, 16, "CHARGE"},
    TypeCode{EntryType::HOLD, 17, "HOLD"},
    TypeCode{EntryType::FLOOR, 18, "FLOOR"},
    TypeCode{EntryType::CLOSED, 19, "CLOSED"},
    TypeCode{EntryType::REOPENED, 20, "REOPENED"},
};

const TypeCode& row_of(EntryType type) {
  const auto* const row = std::ranges::find(type_codes, type, &TypeCode::type);
  GUILD_ASSERT(row != type_codes.end());
  return *row;
}

}  // namespace

std::uint8_t code_of(EntryType type) { return row_of(type).code; }

std::optional<EntryType> entry_type_of(std::uint8_t code) {
  const auto* const row = std::ranges::find(type_codes, code, &TypeCode::code);
  if (row == type_codes.end()) return {};
  return row->type;
}

std::string_view name_of(EntryType type) { return row_of(type).name; }

}  // namespace guild::ledgerd
