// Draft: a posting as it is asked for, before the book has decided. Pure data and the few shapes
// that this suite books. Amounts of legs are signed; a draft may be wrong, and then the book
// refuses it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/money.hpp"
#include "common/base/uuid.hpp"
#include "ledgerd/posting.hpp"
#include "ledgerd/refusal.hpp"

namespace guild::ledgerd {

struct DraftLeg {
  std::string account;
  Money amount;
  EntryType type{};
  std::string reference;

  bool operator==(const DraftLeg&) const = default;
};

struct Draft {
  Uuid id;
  std::vector<DraftLeg> legs;
  /// Accounts that are opened with it, besides those that open themselves at their first credit.
  /// They are not open yet, and are the names of accounts.
  std::vector<std::string> opens;
};

/// `amount` from `debit` to `credit`. Refused: amount_not_positive, same_account.
std::expected<Draft, Refusal> draft_transfer(const Uuid& id, std::string_view debit,
                                             std::string_view credit, Money amount,
                                             std::string_view reference,
                                             EntryType type = EntryType::TRANSFER);

/// A GRANT from world that opens `account`; a lone zero leg when `amount` is zero. Refused:
/// amount_not_positive (below zero).
std::expected<Draft, Refusal> draft_grant(const Uuid& id, std::string_view account, Money amount,
                                          std::string_view reference);

/// The first posting: opens world and treasury, and grants the treasury `amount`.
std::expected<Draft, Refusal> draft_genesis(const Uuid& id, Money amount);

inline constexpr std::string_view genesis_reference = "GENESIS_GRANT";
inline constexpr std::string_view treasury_reference = "TREASURY_GRANT";

}  // namespace guild::ledgerd
