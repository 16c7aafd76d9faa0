// Authority: who may do what to the book. The daemon that owns the data decides, for a principal
// that it verified itself: the gateway and the scheduler are carriers and never a licence, so what
// they forward must hold its caller's own credential. Of others the broker's list already decided
// who may ask at all; they act as the operator, unless they show a credential of a bot. Pure. Codes
// (kind denied): credential_required, credentials_invalid, not_permitted.
#pragma once

#include <optional>
#include <string_view>

#include "ledgerd/credentials.hpp"

namespace guild::ledgerd {

/// Who is asking: `sender` is the client's name as the broker stamped it.
Result<Principal> principal_of(std::string_view sender,
                               const std::optional<messages::Credential>& credential,
                               const Credentials& credentials, Instant now);

/// The same for what drives the economy (ticks, prices, markets): the scheduler does so in its own
/// name, everybody else as an operator.
Result<Principal> driver_of(std::string_view sender,
                            const std::optional<messages::Credential>& credential,
                            const Credentials& credentials, Instant now);

/// The same, and a bot too: what it may do for itself.
Result<Principal> driver_or_bot_of(std::string_view sender,
                                   const std::optional<messages::Credential>& credential,
                                   const Credentials& credentials, Instant now);

/// A bot debits its own account only; an operator any, world included. Nobody an escrow account:
/// its market does.
Result<void> may_debit(const Principal& principal, std::string_view account);
/// Whom the money is held for may post or void a hold; who gave it may not take it back.
Result<void> may_end_hold(const Principal& principal, std::string_view credit);
/// Floors, and the closing and opening of accounts; not of escrow.
Result<void> may_manage(const Principal& principal, std::string_view account);
Result<void> may_manage_accounts(const Principal& principal);
Result<void> may_create_bots(const Principal& principal);
/// Bots' lives, grants and approvals; `what` says which: "end bots".
Result<void> may_govern(const Principal& principal, std::string_view what);
/// An operator asks for any bot's permits, a bot for its own.
Result<void> may_ask_permit(const Principal& principal, std::string_view bot);
/// Only the scheduler books the cost of tasks.
Result<void> may_charge(std::string_view sender);

/// For the audit: "operator", "bot/<handle>".
std::string name_of(const Principal& principal);

}  // namespace guild::ledgerd
