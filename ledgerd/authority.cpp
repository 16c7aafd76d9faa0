#include "ledgerd/authority.hpp"

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "ledgerd/accounts.hpp"

namespace guild::ledgerd {
namespace {

constexpr std::string_view gateway = "gateway";
constexpr std::string_view scheduler = "scheduler";

bool is_carrier(std::string_view sender) { return sender == gateway || sender == scheduler; }

std::unexpected<Error> not_permitted(std::string message, std::string next_step) {
  return fail(ErrorKind::denied, "not_permitted", std::move(message), std::move(next_step));
}

/// What is on it is owed to who has staked.
Result<void> check_not_escrow(std::string_view account) {
  if (account_kind(account) != AccountKind::escrow) return {};
  return not_permitted(
      fmt::format("{} is moved by its market alone", guild::quoted(account)),
      "it pays, or gives back, when the market ends: guild market show, guild market resolve");
}

}  // namespace

Result<Principal> principal_of(std::string_view sender,
                               const std::optional<messages::Credential>& credential,
                               const Credentials& credentials, Instant now) {
  if (credential) return credentials.check(*credential, now);
  if (is_carrier(sender))
    return fail(ErrorKind::denied, "credential_required",
                fmt::format("the {} forwarded this without its caller's credential", sender),
                "send the operator token, or a bot's API key and secret");
  return Principal{.is_operator = true, .bot = {}};
}

Result<Principal> driver_or_bot_of(std::string_view sender,
                                   const std::optional<messages::Credential>& credential,
                                   const Credentials& credentials, Instant now) {
  if (sender == scheduler && !credential) return Principal{.is_operator = true, .bot = {}};
  return principal_of(sender, credential, credentials, now);
}

Result<Principal> driver_of(std::string_view sender,
                            const std::optional<messages::Credential>& credential,
                            const Credentials& credentials, Instant now) {
  GUILD_TRY(Principal principal, driver_or_bot_of(sender, credential, credentials, now));
  if (principal.is_operator) return principal;
  return not_permitted(fmt::format("{} may not drive the economy", name_of(principal)),
                       "ask the operator");
}

Result<void> may_debit(const Principal& principal, std::string_view account) {
  GUILD_CHECK(check_not_escrow(account));
  if (principal.is_operator || account == bot_account(principal.bot)) return {};
  return not_permitted(
      fmt::format("{} may not debit {}", name_of(principal), guild::quoted(account)),
      "a bot debits its own account only; ask the operator");
}

Result<void> may_end_hold(const Principal& principal, std::string_view credit) {
  if (principal.is_operator || credit == bot_account(principal.bot)) return {};
  return not_permitted(
      fmt::format("{} may not end a hold for {}", name_of(principal), guild::quoted(credit)),
      "whom the money is held for ends it, or the operator, or time");
}

Result<void> may_manage(const Principal& principal, std::string_view account) {
  GUILD_CHECK(check_not_escrow(account));
  return may_manage_accounts(principal);
}

Result<void> may_manage_accounts(const Principal& principal) {
  if (principal.is_operator) return {};
  return not_permitted(fmt::format("{} may not manage accounts", name_of(principal)),
                       "ask the operator");
}

Result<void> may_create_bots(const Principal& principal) {
  if (principal.is_operator) return {};
  return not_permitted(fmt::format("{} may not create bots", name_of(principal)),
                       "send the operator token");
}

Result<void> may_govern(const Principal& principal, std::string_view what) {
  if (principal.is_operator) return {};
  return not_permitted(fmt::format("{} may not {}", name_of(principal), what), "ask the operator");
}

Result<void> may_ask_permit(const Principal& principal, std::string_view bot) {
  if (principal.is_operator || bot == principal.bot) return {};
  return not_permitted(fmt::format("{} may not ask permits for {}", name_of(principal),
                                   guild::quoted(bot_account(bot))),
                       "a bot asks for itself; ask the operator");
}

Result<void> may_charge(std::string_view sender) {
  if (sender == scheduler) return {};
  return not_permitted(fmt::format("{} may not charge for tasks", guild::quoted(sender)),
                       "the scheduler charges by itself; use ledgerd/transfer");
}

std::string name_of(const Principal& principal) {
  return principal.is_operator ? std::string("operator") : bot_account(principal.bot);
}

}  // namespace guild::ledgerd
