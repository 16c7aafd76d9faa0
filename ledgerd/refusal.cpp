#include "ledgerd/refusal.hpp"

#include <fmt/format.h>

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

}  // namespace

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
              "revive its bot first"};
    case TransferError::funds_short:
      return funds_short(refusal);
    case TransferError::balance_overflow:
      return {ErrorKind::exhausted, "balance_overflow",
              fmt::format("the balance of {} would pass what an amount can hold", refusal.account),
              "move less"};
    case TransferError::id_reused:
      return {ErrorKind::conflict, "id_reused", "this id was used before, with other content",
              "make a new id for a new transfer; send the same content to get the first receipt"};
  }
  GUILD_ASSERT(false);
}

}  // namespace guild::ledgerd
