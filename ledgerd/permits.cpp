#include "ledgerd/permits.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"
#include "common/messages/enum_name.hpp"
#include "ledgerd/authority.hpp"
#include "ledgerd/store_authority.hpp"

namespace guild::ledgerd {
namespace {

using messages::PermitState;
using store::PermitPhase;
using store::PermitRow;

/// Of those that ended by time, marked before each job that looks at permits; the rest by the next
/// ones. What is not marked yet counts as expired all the same.
constexpr std::int64_t expiries_a_job = 1'000;

Uuid hold_id(const Uuid& permit) { return Uuid::of_name("permit/" + permit.text()); }
Uuid settle_id(const Uuid& permit) { return Uuid::of_name("permit-settle/" + permit.text()); }
std::string reference_of(const Uuid& permit) { return "PERMIT:" + permit.text(); }

std::unexpected<Error> permit_unknown(const Uuid& permit) {
  return fail(ErrorKind::not_found, "permit_unknown",
              fmt::format("there is no permit {}", permit.text()),
              "give the id that it was asked for with");
}

std::unexpected<Error> cost_negative() {
  return fail(ErrorKind::invalid, "cost_negative", "a cost is not below zero", "give 0 or more");
}

Result<void> note(Transaction& transaction, const Asker& asker, std::string_view action,
                  std::string_view bot, std::string detail) {
  return store::insert_audit(transaction.file(), {.time = transaction.now(),
                                                  .sender = asker.sender,
                                                  .principal = asker.principal,
                                                  .action = std::string(action),
                                                  .subject = bot_account(bot),
                                                  .detail = std::move(detail)});
}

/// Names and actions have been checked: they need no escaping but for `"` and `\`.
std::string in_json(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

/// A bot touches its own; of another's it does not even learn that it is there.
Result<PermitRow> find_own(Transaction& transaction, const Uuid& id, const Asker& asker) {
  GUILD_TRY(auto permit, store::find_permit(transaction.file(), id));
  if (!permit || (!asker.bot.empty() && permit->handle != asker.bot)) return permit_unknown(id);
  return *std::move(permit);
}

Result<std::int64_t> today_of(storage::Connection& file, std::string_view handle, Instant now) {
  GUILD_TRY(const BotDays days, store::days_of(file, handle));
  return day_of(days, now);
}

const AccountState& account_of(Transaction& transaction, std::string_view handle) {
  const Accounts& accounts = transaction.state().accounts();
  return accounts.at(accounts.find(bot_account(handle))).state;
}

Money spendable(const AccountState& account) {
  const auto above = account.available().minus(account.floor);
  return above ? *above : Money{};
}

messages::Permit answer_of(const PermitRow& permit) {
  messages::Permit answer{
      .permit = permit.id, .state = PermitState::allowed, .reason = {}, .expires_at = {}};
  if (permit.phase == PermitPhase::waiting) {
    answer.state = PermitState::awaiting_approval;
    answer.reason = PermitRefusal::approval_pending;
  } else if (permit.pattern.empty() || permit.phase == PermitPhase::ended) {
    answer.state = PermitState::denied;
    answer.reason = PermitRefusal::denied;
  } else {
    answer.expires_at = permit.expires_at;
  }
  return answer;
}

messages::Permit refused(const Uuid& permit, PermitState state, PermitRefusal reason) {
  return {.permit = permit, .state = state, .reason = reason, .expires_at = {}};
}

/// One permit on its way to be allowed.
class Asking {
 public:
  Asking(Transaction& transaction, PermitRow permit, bool is_approved)
      : transaction_(transaction), permit_(std::move(permit)), is_approved_(is_approved) {}

  /// Nothing when it was allowed, counted and held for.
  Result<std::optional<PermitRefusal>> decide() {
    GUILD_CHECK(store::expire_permits(file(), transaction_.now(), expiries_a_job));
    GUILD_TRY(const auto grants, store::grants_of(file(), permit_.handle));
    const auto choice = choose(grants, permit_.action, transaction_.now());
    if (!choice) return std::optional(choice.error());
    GUILD_TRY(permit_.day, today_of(file(), permit_.handle, transaction_.now()));
    GUILD_TRY(const Used used, store::used_of(file(), permit_.handle, choice->carrier->pattern,
                                              permit_.day, transaction_.now()));
    const Demand demand{.max_cost = permit_.max_cost,
                        .available = spendable(account_of(transaction_, permit_.handle)),
                        .is_approved = is_approved_};
    if (const auto refusal = find_refusal(*choice, used, demand)) return refusal;
    GUILD_CHECK(allow(choice->carrier->pattern));
    return std::optional<PermitRefusal>{};
  }

  /// Keeps it for a person to decide.
  Result<void> wait() {
    GUILD_TRY(const std::int64_t waiting, store::waiting_of(file(), permit_.handle));
    if (waiting >= approvals_waiting_max)
      return fail(ErrorKind::exhausted, "approvals_full",
                  fmt::format("{} permits of {} await approval already", waiting, permit_.handle),
                  "decide some: `guild approval list`");
    permit_.phase = PermitPhase::waiting;
    return store::put_permit(file(), permit_);
  }

  const PermitRow& permit() const { return permit_; }

 private:
  storage::Connection& file() { return transaction_.file(); }

  Result<void> allow(std::string_view pattern) {
    permit_.phase = PermitPhase::allowed;
    permit_.pattern = pattern;
    permit_.expires_at = transaction_.now() + permit_.lifetime;
    GUILD_CHECK(store::count_use(file(), permit_.handle, pattern, permit_.day));
    GUILD_CHECK(store::put_permit(file(), permit_));
    return hold();
  }

  Result<void> hold() {
    if (permit_.max_cost.is_zero()) return {};
    const auto draft =
        draft_hold(hold_id(permit_.id), bot_account(permit_.handle), treasury_account,
                   permit_.max_cost, permit_.lifetime, reference_of(permit_.id));
    if (!draft) return fail(error_of(draft.error()));
    GUILD_CHECK(transaction_.book(*draft));
    return {};
  }

  Transaction& transaction_;
  PermitRow permit_;
  const bool is_approved_;
};

Result<void> check_request(const messages::RequestPermit& request) {
  GUILD_CHECK(check_action(request.action.view()));
  if (request.max_cost.is_negative()) return cost_negative();
  if (request.lifetime > Duration::zero() && request.lifetime <= permit_lifetime_max) return {};
  return fail(ErrorKind::invalid, "lifetime_invalid", "a permit lives from 1ns to 366 days",
              "give it a lifetime such as 1h");
}

Result<messages::Permit> ask_again(const PermitRow& permit,
                                   const messages::RequestPermit& request) {
  if (permit.handle == request.bot.view() && permit.action == request.action.view() &&
      permit.max_cost == request.max_cost && permit.lifetime == request.lifetime)
    return answer_of(permit);
  return fail(ErrorKind::conflict, "id_reused",
              fmt::format("the permit {} was asked for something else", request.id.text()),
              "take a new id for a new permit");
}

Result<void> note_refusal(Transaction& transaction, const messages::RequestPermit& request,
                          PermitRefusal refusal, const Asker& asker) {
  if (is_guarded(request.action.view()))
    return note_guarded(transaction, request.bot.view(), request.action.view(), asker);
  return note(transaction, asker, "permit-refused", request.bot.view(),
              fmt::format(R"({{"action":"{}","reason":"{}"}})", in_json(request.action.view()),
                          messages::enum_name(refusal)));
}

/// Ends the hold of a permit: what it cost is posted, the rest is free again.
Result<void> pay(Transaction& transaction, const PermitRow& permit, Money cost) {
  if (permit.max_cost.is_zero()) return {};
  if (cost.is_positive()) {
    GUILD_CHECK(transaction.post_hold(settle_id(permit.id), hold_id(permit.id), cost,
                                      reference_of(permit.id)));
    return {};
  }
  const auto voided =
      transaction.void_hold(settle_id(permit.id), hold_id(permit.id), reference_of(permit.id));
  // An operator may have freed it by hand: nothing is left to free.
  if (!voided && voided.error().code != "hold_ended") return fail(voided.error());
  return {};
}

/// What the breaker makes of it; a grant that was revoked meanwhile has none.
Result<void> record_outcome(Transaction& transaction, const PermitRow& permit, const Asker& asker) {
  GUILD_TRY(const auto grant, store::find_grant(transaction.file(), permit.handle, permit.pattern));
  if (!grant) return {};
  const Grant after = after_outcome(*grant, permit.outcome);
  if (after == *grant) return {};
  GUILD_CHECK(store::put_grant(transaction.file(), permit.handle, after));
  if (after.is_enabled == grant->is_enabled) return {};
  return note(
      transaction, asker, "grant-disabled", permit.handle,
      fmt::format(R"({{"pattern":"{}","errors":{}}})", in_json(after.pattern), after.errors));
}

Result<void> check_settlement(const PermitRow& permit, const messages::SettlePermit& request,
                              Instant now) {
  if (request.cost.is_negative()) return cost_negative();
  if (permit.phase == PermitPhase::expired ||
      (permit.phase == PermitPhase::allowed && permit.expires_at <= now))
    return fail(ErrorKind::conflict, "permit_expired",
                fmt::format("the permit expired at {}, and its hold was freed",
                            to_rfc3339(permit.expires_at)),
                "charge the cost by `guild ledger transfer`; ask for a longer lifetime next time");
  if (permit.phase != PermitPhase::allowed)
    return fail(ErrorKind::conflict, "permit_not_allowed", "the permit is not allowed",
                "only what was allowed, and has not ended since, is settled");
  if (request.cost <= permit.max_cost) return {};
  return fail(ErrorKind::funds, "hold_exceeded",
              fmt::format("{} is more than the {} that it was allowed to cost", request.cost.text(),
                          permit.max_cost.text()),
              "settle what is held, and transfer the rest");
}

Result<messages::Settled> settle_again(const PermitRow& permit,
                                       const messages::SettlePermit& request) {
  if (permit.cost == request.cost && permit.outcome == request.outcome)
    return messages::Settled{
        .permit = permit.id, .cost = permit.cost, .outcome = permit.outcome, .repeated = true};
  return fail(ErrorKind::conflict, "permit_settled",
              fmt::format("the permit was settled at {} already", permit.cost.text()),
              "nothing is settled twice");
}

std::unexpected<Error> approval_decided(const PermitRow& permit) {
  return fail(ErrorKind::conflict, "approval_decided",
              fmt::format("the permit {} does not await approval", permit.id.text()),
              "see which do: `guild approval list`");
}

Result<messages::Grant> describe(storage::Connection& file, std::string_view handle,
                                 const Grant& grant, std::int64_t day, Instant now) {
  GUILD_TRY(const Used used, store::used_of(file, handle, grant.pattern, day, now));
  const auto spent = used.settled.plus(used.held);
  return messages::Grant{.pattern = grant.pattern,
                         .effect = grant.effect,
                         .daily_limit = grant.daily_limit,
                         .used_today = used.uses,
                         .spending_limit = grant.spending_limit,
                         .spent_today = spent ? *spent : used.settled,
                         .expires_at = grant.expires_at,
                         .enabled = grant.is_enabled,
                         .errors = grant.errors};
}

Result<void> check_limits(const messages::AddGrant& request) {
  const bool is_negative = (request.daily_limit && *request.daily_limit < 0) ||
                           (request.spending_limit && request.spending_limit->is_negative());
  if (!is_negative) return {};
  return fail(ErrorKind::invalid, "limit_negative", "a limit is not below zero",
              "give 0 or more, or leave it out for no limit");
}

Result<void> check_room(Transaction& transaction, const messages::AddGrant& request) {
  GUILD_TRY(const auto grants, store::grants_of(transaction.file(), request.bot.view()));
  if (grants.size() < grants_max ||
      std::ranges::find(grants, request.pattern.view(), &Grant::pattern) != grants.end())
    return {};
  return fail(
      ErrorKind::exhausted, "grants_full",
      fmt::format("{} has {} grants, and may have no more", request.bot.view(), grants.size()),
      "revoke one first, or say several with a pattern such as a:*");
}

}  // namespace

Result<void> check_alive(Transaction& transaction, std::string_view handle) {
  const Accounts& accounts = transaction.state().accounts();
  const AccountNumber number = accounts.find(bot_account(handle));
  if (number == 0)
    return fail(ErrorKind::not_found, "bot_unknown",
                fmt::format("there is no bot {}", guild::quoted(handle)),
                "see which there are: `guild bot list`");
  if (!accounts.at(number).state.is_closed) return {};
  return fail(ErrorKind::conflict, "bot_dead", fmt::format("{} is DEAD", handle),
              "`guild bot revive` makes it ALIVE again");
}

Result<void> note_guarded(Transaction& transaction, std::string_view bot, std::string_view what,
                          const Asker& asker) {
  return note(transaction, asker, "kernel-guard", bot,
              fmt::format(R"({{"action":"{}"}})", in_json(what)));
}

Result<void> seed_grants(Transaction& transaction, std::string_view handle) {
  GUILD_CHECK(store::insert_bot_settings(transaction.file(), handle));
  for (const DefaultGrant& grant : default_grants)
    GUILD_CHECK(store::put_grant(transaction.file(), handle,
                                 {.pattern = std::string(grant.pattern),
                                  .effect = GrantEffect::allow,
                                  .daily_limit = grant.daily_limit,
                                  .spending_limit = {},
                                  .expires_at = {}}));
  return {};
}

Result<messages::Grant> add_grant(Transaction& transaction, const messages::AddGrant& request,
                                  const Asker& asker) {
  GUILD_CHECK(check_alive(transaction, request.bot.view()));
  GUILD_CHECK(check_pattern(request.pattern.view()));
  GUILD_CHECK(check_limits(request));
  GUILD_CHECK(check_room(transaction, request));
  const Grant grant{.pattern = request.pattern,
                    .effect = request.effect,
                    .daily_limit = request.daily_limit,
                    .spending_limit = request.spending_limit,
                    .expires_at = request.expires_at};
  GUILD_CHECK(store::put_grant(transaction.file(), request.bot.view(), grant));
  GUILD_CHECK(note(transaction, asker, "grant-add", request.bot.view(),
                   fmt::format(R"({{"pattern":"{}"}})", in_json(grant.pattern))));
  GUILD_TRY(const std::int64_t day,
            today_of(transaction.file(), request.bot.view(), transaction.now()));
  return describe(transaction.file(), request.bot.view(), grant, day, transaction.now());
}

Result<void> revoke_grant(Transaction& transaction, const messages::RevokeGrant& request,
                          const Asker& asker) {
  const bool is_known = transaction.state().accounts().find(bot_account(request.bot.view())) != 0;
  if (!is_known) return check_alive(transaction, request.bot.view());
  GUILD_TRY(const bool was_there,
            store::delete_grant(transaction.file(), request.bot.view(), request.pattern.view()));
  if (!was_there)
    return fail(ErrorKind::not_found, "grant_unknown",
                fmt::format("{} has no grant {}", request.bot.view(),
                            guild::quoted(request.pattern.view())),
                fmt::format("see which there are: `guild grant list {}`", request.bot.view()));
  return note(transaction, asker, "grant-revoke", request.bot.view(),
              fmt::format(R"({{"pattern":"{}"}})", in_json(request.pattern.view())));
}

Result<messages::Permit> request_permit(Transaction& transaction,
                                        const messages::RequestPermit& request,
                                        const Asker& asker) {
  GUILD_CHECK(check_request(request));
  GUILD_CHECK(check_alive(transaction, request.bot.view()));
  GUILD_TRY(const auto earlier, store::find_permit(transaction.file(), request.id));
  if (earlier) return ask_again(*earlier, request);
  PermitRow row;
  row.id = request.id;
  row.handle = request.bot;
  row.action = request.action;
  row.max_cost = request.max_cost;
  row.lifetime = request.lifetime;
  row.asked_at = transaction.now();
  Asking asking(transaction, std::move(row), false);
  GUILD_TRY(const auto refusal, asking.decide());
  if (!refusal) return answer_of(asking.permit());
  if (refusal == PermitRefusal::approval_pending) {
    GUILD_CHECK(asking.wait());
    return refused(request.id, PermitState::awaiting_approval, *refusal);
  }
  GUILD_CHECK(note_refusal(transaction, request, *refusal, asker));
  return refused(request.id, PermitState::denied, *refusal);
}

Result<messages::Settled> settle_permit(Transaction& transaction,
                                        const messages::SettlePermit& request, const Asker& asker) {
  GUILD_TRY(PermitRow permit, find_own(transaction, request.permit, asker));
  if (permit.phase == PermitPhase::settled) return settle_again(permit, request);
  GUILD_CHECK(check_settlement(permit, request, transaction.now()));
  GUILD_CHECK(pay(transaction, permit, request.cost));
  permit.phase = PermitPhase::settled;
  permit.cost = request.cost;
  permit.outcome = request.outcome;
  GUILD_CHECK(store::put_permit(transaction.file(), permit));
  GUILD_CHECK(store::count_cost(transaction.file(), permit.handle, permit.pattern, permit.day,
                                permit.cost));
  GUILD_CHECK(record_outcome(transaction, permit, asker));
  return messages::Settled{
      .permit = permit.id, .cost = permit.cost, .outcome = permit.outcome, .repeated = false};
}

Result<messages::Permit> allow_approval(Transaction& transaction, const Uuid& permit,
                                        const Asker& asker) {
  GUILD_TRY(PermitRow row, find_own(transaction, permit, asker));
  // The approval was given before; a permit that needed none has no decision to repeat, and the
  // same answer does no harm.
  if (row.phase == PermitPhase::allowed) return answer_of(row);
  if (row.phase != PermitPhase::waiting) return approval_decided(row);
  GUILD_CHECK(check_alive(transaction, row.handle));
  Asking asking(transaction, std::move(row), true);
  GUILD_TRY(const auto refusal, asking.decide());
  if (refusal) return refused(permit, PermitState::awaiting_approval, *refusal);
  GUILD_CHECK(note(transaction, asker, "approval-allow", asking.permit().handle,
                   fmt::format(R"({{"permit":"{}"}})", permit.text())));
  return answer_of(asking.permit());
}

Result<messages::Permit> deny_approval(Transaction& transaction, const Uuid& permit,
                                       const Asker& asker) {
  GUILD_TRY(PermitRow row, find_own(transaction, permit, asker));
  if (row.phase == PermitPhase::refused) return answer_of(row);
  if (row.phase != PermitPhase::waiting) return approval_decided(row);
  row.phase = PermitPhase::refused;
  GUILD_CHECK(store::put_permit(transaction.file(), row));
  GUILD_CHECK(note(transaction, asker, "approval-deny", row.handle,
                   fmt::format(R"({{"permit":"{}"}})", permit.text())));
  return answer_of(row);
}

Result<messages::GrantsPage> read_grants(storage::Connection& file,
                                         const messages::ListGrants& request, Instant now) {
  messages::GrantsPage page;
  GUILD_TRY(const std::int64_t day, today_of(file, request.bot.view(), now));
  GUILD_TRY(const auto grants, store::grants_of(file, request.bot.view()));
  for (const Grant& grant : grants) {
    if (grant.pattern <= request.after.view()) continue;
    if (std::cmp_equal(page.grants.size(), request.limit.value)) {
      page.more = true;
      break;
    }
    GUILD_TRY(page.grants.emplace_back(), describe(file, request.bot.view(), grant, day, now));
  }
  return page;
}

Result<messages::ApprovalsPage> read_approvals(storage::Connection& file,
                                               const messages::ListApprovals& request) {
  std::int64_t after = 0;
  if (request.after) {
    GUILD_TRY(const auto permit, store::find_permit(file, *request.after));
    if (!permit) return permit_unknown(*request.after);
    after = permit->number;
  }
  GUILD_TRY(auto rows, store::waiting_after(file, after, request.limit + 1));
  messages::ApprovalsPage page;
  page.more = std::cmp_greater(rows.size(), request.limit.value);
  if (page.more) rows.pop_back();
  for (const PermitRow& row : rows)
    page.approvals.push_back({.permit = row.id,
                              .bot = row.handle,
                              .action = row.action,
                              .max_cost = row.max_cost,
                              .asked_at = row.asked_at});
  return page;
}

}  // namespace guild::ledgerd
