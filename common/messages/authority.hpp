// What bots may do, and their lives: grants, permits, approvals and the operator's verbs on bots
// (DESIGN §6). Served by ledgerd as `ledgerd/<verb>`. A grant says what a bot may do; a permit is
// one use of it, counted and paid for; an approval is a permit that waits for a person.
// Common codes: not_permitted, credential_required (a carrier sent none), credentials_invalid,
// bot_unknown, bot_dead.
#pragma once

#include <limits>
#include <optional>
#include <string>

#include "common/messages/codec.hpp"
#include "common/messages/ledgerd.hpp"
#include "common/messages/principal.hpp"
#include "common/messages/types.hpp"

namespace guild::messages {

/// 1 to 128 of printable ASCII without spaces and capitals; parts are set apart by `:`.
using ActionName = Text<128>;

enum class GrantEffect { allow, ask, deny };
BOOST_DESCRIBE_ENUM(GrantEffect, allow, ask, deny)
enum class PermitState { allowed, denied, awaiting_approval };
BOOST_DESCRIBE_ENUM(PermitState, allowed, denied, awaiting_approval)
enum class PermitOutcome { ok, error };
BOOST_DESCRIBE_ENUM(PermitOutcome, ok, error)

/// Why a permit is not allowed; the first that holds, in this order.
enum class PermitRefusal {
  no_matching_grant,
  denied,
  disabled,
  expired,
  daily_limit_reached,
  spending_limit_reached,
  insufficient_funds,
  approval_pending
};
BOOST_DESCRIBE_ENUM(PermitRefusal, no_matching_grant, denied, disabled, expired,
                    daily_limit_reached, spending_limit_reached, insufficient_funds,
                    approval_pending)

/// `ledgerd/grant-add` → Grant. The same pattern again replaces what it said, enables it and
/// forgets its errors; what was used today stays counted. Operators only. Codes: pattern_format,
/// limit_negative, grants_full, action_guarded (audited).
struct AddGrant {
  Handle bot;
  ActionName pattern;  ///< Exact, `*`, `a:*` (all below a), or a bare `a` (a and all below it).
  GrantEffect effect = GrantEffect::allow;
  std::optional<std::int64_t> daily_limit;
  std::optional<Money> spending_limit;  ///< A day: settled costs and open holds.
  std::optional<Instant> expires_at;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(AddGrant, (),
                      (bot, pattern, effect, daily_limit, spending_limit, expires_at, credential))
GUILD_OPTIONAL_FIELDS(AddGrant, "effect")
struct Grant {
  ActionName pattern;
  GrantEffect effect{};
  std::optional<std::int64_t> daily_limit;
  std::int64_t used_today = 0;
  std::optional<Money> spending_limit;
  Money spent_today;  ///< Settled costs and open holds.
  std::optional<Instant> expires_at;
  bool enabled = true;
  std::int64_t errors = 0;  ///< In a row.
};
BOOST_DESCRIBE_STRUCT(Grant, (),
                      (pattern, effect, daily_limit, used_today, spending_limit, spent_today,
                       expires_at, enabled, errors))

/// `ledgerd/grant-revoke` → Nothing. Operators only. Code grant_unknown.
struct RevokeGrant {
  Handle bot;
  ActionName pattern;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(RevokeGrant, (), (bot, pattern, credential))

/// `ledgerd/grant-list` → GrantsPage, by pattern, after `after`.
struct ListGrants {
  Handle bot;
  ActionName after;
  Range<1, 1'000, 100> limit;
};
BOOST_DESCRIBE_STRUCT(ListGrants, (), (bot, after, limit))
GUILD_OPTIONAL_FIELDS(ListGrants, "after", "limit")
struct GrantsPage {
  List<Grant, 1'000> grants;
  bool more = false;
};
BOOST_DESCRIBE_STRUCT(GrantsPage, (), (grants, more))

/// `ledgerd/permit-request` → Permit: checks, counts and holds `max_cost` for the treasury in one
/// step. Resend with the same `id` until answered: a permit that was given is given once. A refusal
/// changes nothing, so the same id may be asked again later; one that awaits approval answers by it
/// how it was decided. By an operator, or a bot for itself. Codes: action_format, cost_negative,
/// lifetime_invalid, id_reused, approvals_full, holds_full.
struct RequestPermit {
  Uuid id;
  Handle bot;
  ActionName action;
  Money max_cost;
  Duration lifetime = std::chrono::hours(1);  ///< From when it is allowed; at most 366 days.
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(RequestPermit, (), (id, bot, action, max_cost, lifetime, credential))
GUILD_OPTIONAL_FIELDS(RequestPermit, "max_cost", "lifetime")
struct Permit {
  Uuid permit;  ///< The id that it was asked for with.
  PermitState state{};
  std::optional<PermitRefusal> reason;  ///< None when it is allowed.
  std::optional<Instant> expires_at;    ///< Unsettled by then, its hold is freed.
};
BOOST_DESCRIBE_STRUCT(Permit, (), (permit, state, reason, expires_at))

/// `ledgerd/permit-settle` → Settled: posts what the action cost and records how it went. The same
/// again answers the same. Codes: permit_unknown, permit_not_allowed, permit_expired,
/// permit_settled (with other content), cost_negative, hold_exceeded.
struct SettlePermit {
  Uuid permit;
  Money cost;
  PermitOutcome outcome{};
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(SettlePermit, (), (permit, cost, outcome, credential))
struct Settled {
  Uuid permit;
  Money cost;
  PermitOutcome outcome{};
  bool repeated = false;
};
BOOST_DESCRIBE_STRUCT(Settled, (), (permit, cost, outcome, repeated))

/// `ledgerd/approval-list` → ApprovalsPage: what awaits a person, oldest first, after the permit
/// `after`.
struct ListApprovals {
  std::optional<Uuid> after;
  Range<1, 1'000, 100> limit;
};
BOOST_DESCRIBE_STRUCT(ListApprovals, (), (after, limit))
GUILD_OPTIONAL_FIELDS(ListApprovals, "limit")
struct Approval {
  Uuid permit;
  Handle bot;
  ActionName action;
  Money max_cost;
  Instant asked_at;
};
BOOST_DESCRIBE_STRUCT(Approval, (), (permit, bot, action, max_cost, asked_at))
struct ApprovalsPage {
  List<Approval, 1'000> approvals;
  bool more = false;
};
BOOST_DESCRIBE_STRUCT(ApprovalsPage, (), (approvals, more))

/// `ledgerd/approval-allow`, `ledgerd/approval-deny` → Permit. To allow checks everything again,
/// and counts and holds only then; what does not pass stays waiting, with the reason. Operators
/// only. Codes: permit_unknown, approval_decided (the other way, or not by a person).
struct DecideApproval {
  Uuid permit;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(DecideApproval, (), (permit, credential))

/// `ledgerd/token` → Token: stands for the bot's key and secret until it expires, or until those
/// are changed or the bot dies. A token gives no other one. Codes: not_permitted (not a bot's key).
struct GetToken {
  Credential credential;
};
BOOST_DESCRIBE_STRUCT(GetToken, (), (credential))
struct Token {
  Text<128> token;
  Handle bot;
  Instant expires_at;
};
BOOST_DESCRIBE_STRUCT(Token, (), (token, bot, expires_at))

/// `ledgerd/bot-rotate` → BotCreated: a new key and secret; the old ones are refused from now on.
/// `ledgerd/bot-retire` and `ledgerd/bot-liquidate` → Bot: ends it, its balance staying or going to
/// the treasury; its open holds are voided first, and its credentials, open permits and approvals
/// are gone. Operators only.
struct ChangeBot {
  Handle handle;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(ChangeBot, (), (handle, credential))
/// `ledgerd/bot-set` → Bot: changes what is given. The day that goes on at a change of zone goes on
/// past midnight in both zones (docs/operations.md), so no use is given back. Operators only.
/// Codes: time_zone_unknown, nothing_to_set.
struct SetBot {
  Handle handle;
  std::optional<Text<64>> time_zone;  ///< IANA.
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(SetBot, (), (handle, time_zone, credential))
/// `ledgerd/bot-revive` → BotCreated: ALIVE again with `amount` from the treasury, and new
/// credentials. Operators only. Codes: bot_alive, cost_negative, funds_short.
struct ReviveBot {
  Handle handle;
  Money amount;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(ReviveBot, (), (handle, amount, credential))

/// `ledgerd/bot-sync-keys` → KeysSynced: the keys of a file of ours become the only ones of their
/// bots. `name` is the handle as a variable's name has it: capitals, `_` for `-`. Operators only.
struct BotKey {
  Text<64> name;
  Text<128> api_key, api_secret;
};
BOOST_DESCRIBE_STRUCT(BotKey, (), (name, api_key, api_secret))
struct SyncKeys {
  List<BotKey, 1'000> keys;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(SyncKeys, (), (keys, credential))
/// unknown: no bot has the name, or two have; invalid: not in the form of our keys, or another
/// bot's.
enum class KeySync { set, unchanged, unknown, dead, invalid };
BOOST_DESCRIBE_ENUM(KeySync, set, unchanged, unknown, dead, invalid)
struct KeySynced {
  Text<64> name;
  KeySync result{};
};
BOOST_DESCRIBE_STRUCT(KeySynced, (), (name, result))
struct KeysSynced {
  List<KeySynced, 1'000> keys;
};
BOOST_DESCRIBE_STRUCT(KeysSynced, (), (keys))

/// `ledgerd/audit` → AuditPage: who asked for what concerns authority (bots, grants, permits,
/// approvals, what the kernel guard refused, constants), in order, after the record `after`.
struct ListAudit {
  Range<0, std::numeric_limits<std::int64_t>::max()> after;
  Range<1, 200, 100> limit;
};
BOOST_DESCRIBE_STRUCT(ListAudit, (), (after, limit))
GUILD_OPTIONAL_FIELDS(ListAudit, "after", "limit")
struct AuditRecord {
  std::int64_t number = 0;  ///< From 1, without gaps.
  Instant time;
  std::string sender;     ///< The client, as the broker stamped it.
  std::string principal;  ///< For whom: "operator", "bot/<handle>", "ledgerd".
  std::string action, subject;
  JsonObject detail;
};
BOOST_DESCRIBE_STRUCT(AuditRecord, (), (number, time, sender, principal, action, subject, detail))
struct AuditPage {
  List<AuditRecord, 200> records;
  bool more = false;
};
BOOST_DESCRIBE_STRUCT(AuditPage, (), (records, more))

}  // namespace guild::messages
