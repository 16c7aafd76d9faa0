#include "ledgerd/refusal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/assert.hpp"
#include "common/base/text.hpp"

namespace guild::ledgerd {
namespace {

Error unknown_account(const Refusal& refusal, std::string code) {
  return {.kind = ErrorKind::not_found,
          .code = std::move(code),
          .message = fmt::format("there is no account {}", guild::quoted(refusal.account)),
          .next_step =
              "accounts are world, treasury, bot/HANDLE (made with the bot), user/NAME (opened by "
              "its first credit) and escrow/ID"};
}

Error funds_short(const Refusal& refusal) {
  return {.kind = ErrorKind::funds,
          .code = "funds_short",
          .message = fmt::format("{} has {} available, which is not enough", refusal.account,
                                 refusal.available.text()),
          .next_step = "credit the account first, or move less"};
}

struct Number {
  TransferError error;
  std::uint16_t number;
};
// From 16: 0 and 1 say that a transfer was booked.
constexpr std::array numbers = {
    Number{TransferError::amount_not_positive, 16},
    Number{TransferError::same_account, 17},
    Number{TransferError::legs_unbalanced, 18},
    Number{TransferError::reference_too_long, 19},
    Number{TransferError::debit_account_unknown, 20},
    Number{TransferError::credit_account_unknown, 21},
    Number{TransferError::account_exists, 22},
    Number{TransferError::accounts_full, 23},
    Number{TransferError::account_closed, 24},
    Number{TransferError::account_not_closed, 25},
    Number{TransferError::account_not_empty, 26},
    Number{TransferError::account_has_holds, 27},
    Number{TransferError::funds_short, 28},
    Number{TransferError::balance_overflow, 29},
    Number{TransferError::floor_negative, 30},
    Number{TransferError::floor_above_available, 31},
    Number{TransferError::hold_unknown, 32},
    Number{TransferError::hold_ended, 33},
    Number{TransferError::hold_exceeded, 34},
    Number{TransferError::holds_full, 35},
    Number{TransferError::expiry_not_ahead, 36},
    Number{TransferError::types_mixed, 37},
    Number{TransferError::facts_unfit, 38},
    Number{TransferError::linked_failed, 39},
    Number{TransferError::lifetime_too_long, 40},
    Number{TransferError::not_permitted, 41},
    Number{TransferError::id_reused, 42},
};

}  // namespace

std::uint16_t number_of(TransferError error) {
  const auto* const found = std::ranges::find(numbers, error, &Number::error);
  GUILD_ASSERT(found != numbers.end());
  return found->number;
}

std::optional<TransferError> transfer_error_of(std::uint16_t number) {
  const auto* const found = std::ranges::find(numbers, number, &Number::number);
  if (found == numbers.end()) return {};
  return found->error;
}

Error error_of(const Refusal& refusal) {
  switch (refusal.error) {
    case TransferError::amount_not_positive:
      return {ErrorKind::invalid, "amount_not_positive", "the amount is not above zero",
              "the direction is in debit and credit; give a positive amount"};
    case TransferError::same_account:
      return {ErrorKind::invalid, "same_account",
              fmt::format("{} is on both sides", guild::quoted(refusal.account)),
              "give two different accounts"};
    case TransferError::legs_unbalanced:
      return {ErrorKind::invalid, "legs_unbalanced", "the legs do not sum to zero",
              "book what is taken from one account to another"};
    case TransferError::reference_too_long:
      return {ErrorKind::invalid, "reference_too_long", "a reference is over 128 bytes",
              "shorten it"};
    case TransferError::debit_account_unknown:
      return unknown_account(refusal, "debit_account_unknown");
    case TransferError::credit_account_unknown:
      return unknown_account(refusal, "credit_account_unknown");
    case TransferError::account_exists:
      return {ErrorKind::conflict, "account_exists",
              fmt::format("{} is open already", refusal.account), "choose another name"};
    case TransferError::accounts_full:
      return {ErrorKind::exhausted, "accounts_full", "the book has as many accounts as it can hold",
              "use an account that is open"};
    case TransferError::account_closed:
      return {ErrorKind::conflict, "account_closed", fmt::format("{} is closed", refusal.account),
              "revive its bot, or reopen it, first"};
    case TransferError::account_not_closed:
      return {ErrorKind::conflict, "account_not_closed", fmt::format("{} is open", refusal.account),
              "there is nothing to be done"};
    case TransferError::account_not_empty:
      return {ErrorKind::conflict, "account_not_empty",
              fmt::format("{} still has something", refusal.account),
              "transfer what it has to another account first"};
    case TransferError::account_has_holds:
      return {ErrorKind::conflict, "account_has_holds",
              fmt::format("{} has open holds", refusal.account), "post or void them first"};
    case TransferError::funds_short:
      return funds_short(refusal);
    case TransferError::balance_overflow:
      return {ErrorKind::exhausted, "balance_overflow",
              fmt::format("the balance of {} would pass what an amount can hold", refusal.account),
              "move less"};
    case TransferError::floor_negative:
      return {ErrorKind::invalid, "floor_negative", "a floor is zero or more",
              "no account but world goes below zero; credit the account instead"};
    case TransferError::floor_above_available:
      return {
          ErrorKind::funds, "floor_above_available",
          fmt::format("{} has less available than the floor that it would get", refusal.account),
          "credit the account first, or set a lower floor"};
    case TransferError::hold_unknown:
      return {ErrorKind::not_found, "hold_unknown", "there is no hold with this id",
              "give the id that the hold was made with"};
    case TransferError::hold_ended:
      return {ErrorKind::conflict, "hold_ended",
              "the hold was posted or voided before, or has expired", "make a new hold"};
    case TransferError::hold_exceeded:
      return {ErrorKind::funds, "hold_exceeded", "this is more than the hold holds",
              "post what it holds, and transfer the rest"};
    case TransferError::holds_full:
      return {ErrorKind::exhausted, "holds_full", "as many holds are open as may be",
              "post or void some, or wait until they expire"};
    case TransferError::expiry_not_ahead:
      return {ErrorKind::invalid, "expiry_not_ahead", "the hold would expire before it begins",
              "give it a time above zero"};
    case TransferError::types_mixed:
      return {ErrorKind::invalid, "types_mixed", "the legs have different types",
              "book them as two postings"};
    case TransferError::facts_unfit:
      return {ErrorKind::invalid, "facts_unfit", "a posting of this type is not made like this",
              "docs/ledger.md says how it is made"};
    case TransferError::linked_failed:
      return {ErrorKind::conflict, "linked_failed",
              "another of the linked transfers was refused, so none was booked",
              "see which, mend it, and send all of them again"};
    case TransferError::lifetime_too_long:
      return {ErrorKind::invalid, "lifetime_too_long", "a hold lives 366 days at most",
              "give it less"};
    case TransferError::not_permitted:
      return {ErrorKind::denied, "not_permitted", "this is not yours to do", "ask the operator"};
    case TransferError::id_reused:
      return {ErrorKind::conflict, "id_reused", "this id was used before, with other content",
              "make a new id for a new transfer; send the same content to get the first receipt"};
  }
  GUILD_ASSERT(false);
}

}  // namespace guild::ledgerd
