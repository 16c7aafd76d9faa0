// Refusal: why the book does not book a draft. Each reason has its own stable code, which is the
// enumerator's name and part of the contract with callers (common/messages/ledgerd.hpp). A refusal
// is an answer and not a failure: it has changed nothing, in memory or in the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/money.hpp"
#include "common/base/result.hpp"

namespace guild::ledgerd {

enum class TransferError {
  amount_not_positive,
  same_account,
  legs_unbalanced,  ///< None, too many, a zero leg among others, or a sum other than zero.
  reference_too_long,
  debit_account_unknown,
  credit_account_unknown,
  account_exists,  ///< Opened by this draft, and open already.
  accounts_full,
  account_closed,
  account_not_closed,  ///< What opens it again finds it open.
  account_not_empty,   ///< To be closed it must have nothing…
  account_has_holds,   ///< …and no open hold.
  funds_short,
  balance_overflow,
  floor_negative,
  floor_above_available,
  hold_unknown,      ///< No hold has this id.
  hold_ended,        ///< It was posted, voided, or has expired.
  hold_exceeded,     ///< More than it holds.
  holds_full,        ///< As many are open as may be.
  expiry_not_ahead,  ///< A hold that has expired before it begins.
  types_mixed,       ///< Legs of one posting have different types.
  facts_unfit,       ///< Not what a posting of its type is like.
  linked_failed,     ///< Another of its linked transfers was refused.
  lifetime_too_long,
  not_permitted,
  id_reused,
};

struct Refusal {
  TransferError error{};
  std::string account = {};  ///< The one that is refused; empty when none is.
  Money available = {};      ///< Of that account, for funds_short.

  bool operator==(const Refusal&) const = default;
};

/// In answers to batches; never changed or used again (docs/protocol.md).
std::uint16_t number_of(TransferError error);
/// Nothing for a number that no refusal has.
std::optional<TransferError> transfer_error_of(std::uint16_t number);

/// For the caller: the enumerator's name as the code, the cause, the next step.
Error error_of(const Refusal& refusal);

}  // namespace guild::ledgerd
