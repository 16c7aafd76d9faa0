// Draft: a posting as it is asked for, before the book has decided. Pure data and the few shapes
// that this suite books. Amounts of legs are signed; a draft may be wrong, and then the book
// refuses it.
#pragma once

#include <string>
#include <string_view>
#include <variant>
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

/// What a HOLD is asked to say.
struct HoldOrder {
  std::string credit;
  Money amount;
  Duration lifetime{};

  bool operator==(const HoldOrder&) const = default;
};

struct Draft {
  Uuid id;
  std::vector<DraftLeg> legs;
  std::variant<std::monostate, HoldOrder, HoldEnd, FloorTerms> facts = {};
  /// Accounts that are opened with it, besides those that open themselves at their first credit.
  /// They are not open yet, and are the names of accounts.
  std::vector<std::string> opens = {};
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

inline constexpr Duration hold_lifetime_max = std::chrono::hours(24 * 366);
/// Keeps `amount` of `debit` for `credit`, for so long. Refused: amount_not_positive, same_account,
/// expiry_not_ahead, lifetime_too_long.
std::expected<Draft, Refusal> draft_hold(const Uuid& id, std::string_view debit,
                                         std::string_view credit, Money amount, Duration lifetime,
                                         std::string_view reference);
/// An open hold, as who ends it must know it.
struct HoldToEnd {
  std::int64_t seq = 0;
  std::string debit, credit;
};
/// Moves `amount` of what is held. Refused: amount_not_positive.
std::expected<Draft, Refusal> draft_hold_post(const Uuid& id, const HoldToEnd& hold, Money amount,
                                              std::string_view reference);
Draft draft_hold_void(const Uuid& id, const HoldToEnd& hold, std::string_view reference);
/// A void by time. Its id is one that nobody can tell before: booked first, it would keep the hold
/// from ending, and every job waits for that.
Draft draft_hold_expiry(const Uuid& id, const HoldToEnd& hold);

/// A record on one account that moves nothing: CLOSED, REOPENED, RETIRED.
Draft draft_record(const Uuid& id, std::string_view account, EntryType type,
                   std::string_view reference);
Draft draft_floor(const Uuid& id, std::string_view account, Money floor,
                  std::string_view reference);

/// The first posting: opens world and treasury, and grants the treasury `amount`.
std::expected<Draft, Refusal> draft_genesis(const Uuid& id, Money amount);

inline constexpr std::string_view genesis_reference = "GENESIS_GRANT";
inline constexpr std::string_view treasury_reference = "TREASURY_GRANT";

}  // namespace guild::ledgerd
