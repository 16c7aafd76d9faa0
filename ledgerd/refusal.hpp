// Refusal: why the book does not book a draft. Each reason has its own stable code, which is the
// enumerator's name and part of the contract with callers (common/messages/ledgerd.hpp). A refusal
// is an answer and not a failure: it has changed nothing, in memory or in the file.
#pragma once

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
  funds_short,
  balance_overflow,
  id_reused,
};

struct Refusal {
  TransferError error{};
  std::string account;  ///< The one that is refused; empty when none is.
  Money available;      ///< Of that account, for funds_short.

  bool operator==(const Refusal&) const = default;
};

/// For the caller: the enumerator's name as the code, the cause, the next step.
Error error_of(const Refusal& refusal);

}  // namespace guild::ledgerd
