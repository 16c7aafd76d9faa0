#include "ledgerd/store_authority.hpp"

#include <array>

#include "ledgerd/store_rows.hpp"

namespace guild::ledgerd::store {
namespace {

using storage::Statement;

constexpr std::array<std::string_view, 3> effects = {"allow", "ask", "deny"};
constexpr std::array<std::string_view, 6> phases = {"waiting", "refused", "allowed",
                                                    "settled", "expired", "ended"};
constexpr std::array<std::string_view, 2> outcomes = {"ok", "error"};

template <class Enum, std::size_t N>
std::string_view text_of(const std::array<std::string_view, N>& names, Enum value) {
  return names.at(static_cast<std::size_t>(value));
}

/// The last one, which allows the least, for a text that is none of them.
template <class Enum, std::size_t N>
Enum value_of(const std::array<std::string_view, N>& names, std::string_view text) {
  std::size_t index = 0;
  while (index + 1 < N && names.at(index) != text) ++index;
  return static_cast<Enum>(index);
}

std::optional<std::int64_t> units_of(const std::optional<Money>& money) {
  return money ? std::optional(money->units()) : std::nullopt;
}
std::optional<std::int64_t> ns_of(const std::optional<Instant>& at) {
  return at ? std::optional(at->ns) : std::nullopt;
}

/// From the columns pattern, effect, daily_limit, spending_limit, expires_at, enabled, errors.
Grant grant_of(const Statement& row) {
  Grant grant{.pattern = std::string(row.text(0)),
              .effect = value_of<GrantEffect>(effects, row.text(1)),
              .daily_limit = {},
              .spending_limit = {},
              .expires_at = {},
              .is_enabled = row.integer(5) == 1,
              .errors = row.integer(6)};
  if (!row.is_null(2)) grant.daily_limit = row.integer(2);
  if (!row.is_null(3)) grant.spending_limit = Money::of_units(row.integer(3));
  if (!row.is_null(4)) grant.expires_at = Instant{row.integer(4)};
  return grant;
}

/// From all columns of permits, in their order.
PermitRow permit_of(const Statement& row) {
  return {.number = row.integer(0),
          .id = {exactly<16>(row.blob(1))},
          .handle = std::string(row.text(2)),
          .action = std::string(row.text(3)),
          .max_cost = Money::of_units(row.integer(4)),
          .lifetime = Duration(row.integer(5)),
          .asked_at = {row.integer(6)},
          .phase = value_of<PermitPhase>(phases, row.text(7)),
          .pattern = std::string(row.text(8)),
          .day = row.integer(9),
          .expires_at = {row.integer(10)},
          .cost = Money::of_units(row.integer(11)),
          .outcome = value_of<PermitOutcome>(outcomes, row.text(12))};
}

std::optional<std::int64_t> if_set(bool is_set, std::int64_t value) {
  return is_set ? std::optional(value) : std::nullopt;
}

}  // namespace

Result<void> set_bot_status(Connection& file, std::string_view handle, BotStatus status) {
  const std::string_view text = status == BotStatus::ALIVE ? "ALIVE" : "DEAD";
  return file.execute("UPDATE bots SET status = ? WHERE handle = ?", text, handle);
}

Result<void> delete_credentials_of(Connection& file, std::string_view handle) {
  return file.execute("DELETE FROM bot_credentials WHERE handle = ?", handle);
}

Result<std::vector<CredentialRecord>> credentials_of(Connection& file, std::string_view handle) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT key_id, key_hash, secret_hash, created_at FROM bot_credentials "
                         "WHERE handle = ?"));
  statement.bind(1, handle);
  std::vector<CredentialRecord> all;
  GUILD_CHECK(each_row(statement, [&](const Statement& row) {
    all.push_back({.key_id = std::string(row.text(0)),
                   .handle = std::string(handle),
                   .key_hash = exactly<32>(row.blob(1)),
                   .secret_hash = exactly<32>(row.blob(2)),
                   .created_at = {row.integer(3)}});
    return true;
  }));
  return all;
}

Result<std::string> holder_of_key(Connection& file, std::string_view key_id) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT handle FROM bot_credentials WHERE key_id = ?"));
  statement.bind(1, key_id);
  GUILD_TRY(const bool row, statement.step());
  return row ? std::string(statement.text(0)) : std::string();
}

Result<void> insert_bot_settings(Connection& file, std::string_view handle) {
  return file.execute("INSERT INTO bot_settings (handle) VALUES (?)", handle);
}

Result<BotDays> days_of(Connection& file, std::string_view handle) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT time_zone, held_day, held_over_at, held_until FROM bot_settings "
                         "WHERE handle = ?"));
  statement.bind(1, handle);
  GUILD_TRY(const bool row, statement.step());
  BotDays days;
  if (!row) return days;
  days.zone = statement.text(0);
  if (!statement.is_null(1))
    days.held = HeldDay{.day = statement.integer(1),
                        .over_at = {statement.integer(2)},
                        .until = {statement.integer(3)}};
  return days;
}

Result<void> save_days(Connection& file, std::string_view handle, const BotDays& days) {
  std::optional<std::int64_t> day, over_at, until;
  if (days.held) {
    day = days.held->day;
    over_at = days.held->over_at.ns;
    until = days.held->until.ns;
  }
  return file.execute(
      "INSERT INTO bot_settings (handle, time_zone, held_day, held_over_at, held_until) "
      "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (handle) DO UPDATE SET time_zone = ?2, "
      "held_day = ?3, held_over_at = ?4, held_until = ?5",
      handle, days.zone, day, over_at, until);
}

Result<std::vector<Grant>> grants_of(Connection& file, std::string_view handle) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT pattern, effect, daily_limit, spending_limit, expires_at, "
                         "enabled, errors FROM grants WHERE handle = ? ORDER BY pattern"));
  statement.bind(1, handle);
  std::vector<Grant> grants;
  GUILD_CHECK(each_row(statement, [&](const Statement& row) {
    grants.push_back(grant_of(row));
    return true;
  }));
  return grants;
}

Result<std::optional<Grant>> find_grant(Connection& file, std::string_view handle,
                                        std::string_view pattern) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT pattern, effect, daily_limit, spending_limit, expires_at, "
                         "enabled, errors FROM grants WHERE handle = ? AND pattern = ?"));
  statement.bind_all(handle, pattern);
  GUILD_TRY(const bool row, statement.step());
  return row ? std::optional(grant_of(statement)) : std::nullopt;
}

Result<void> put_grant(Connection& file, std::string_view handle, const Grant& grant) {
  return file.execute(
      "INSERT OR REPLACE INTO grants (handle, pattern, effect, daily_limit, spending_limit, "
      "expires_at, enabled, errors) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      handle, std::string_view(grant.pattern), text_of(effects, grant.effect), grant.daily_limit,
      units_of(grant.spending_limit), ns_of(grant.expires_at), grant.is_enabled ? 1 : 0,
      grant.errors);
}

Result<bool> delete_grant(Connection& file, std::string_view handle, std::string_view pattern) {
  GUILD_CHECK(file.execute("DELETE FROM grants WHERE handle = ? AND pattern = ?", handle, pattern));
  return file.changes() > 0;
}

Result<Used> used_of(Connection& file, std::string_view handle, std::string_view pattern,
                     std::int64_t day, Instant now) {
  Used used;
  GUILD_TRY(Statement counted, file.prepare("SELECT uses, settled FROM grant_days "
                                            "WHERE handle = ? AND pattern = ? AND day = ?"));
  counted.bind_all(handle, pattern, day);
  GUILD_TRY(const bool row, counted.step());
  if (row) {
    used.uses = counted.integer(0);
    used.settled = Money::of_units(counted.integer(1));
  }
  GUILD_TRY(const auto held,
            file.query_integer("SELECT sum(max_cost) FROM permits WHERE state = 'allowed' AND "
                               "handle = ? AND pattern = ? AND day = ? AND expires_at > ?",
                               handle, pattern, day, now.ns));
  used.held = Money::of_units(held.value_or(0));
  return used;
}

Result<void> count_use(Connection& file, std::string_view handle, std::string_view pattern,
                       std::int64_t day) {
  return file.execute(
      "INSERT INTO grant_days (handle, pattern, day, uses, settled) VALUES (?, ?, ?, 1, 0) "
      "ON CONFLICT (handle, pattern, day) DO UPDATE SET uses = uses + 1",
      handle, pattern, day);
}

Result<void> count_cost(Connection& file, std::string_view handle, std::string_view pattern,
                        std::int64_t day, Money cost) {
  return file.execute(
      "UPDATE grant_days SET settled = settled + ? WHERE handle = ? AND pattern = ? AND day = ?",
      cost.units(), handle, pattern, day);
}

Result<std::optional<PermitRow>> find_permit(Connection& file, const Uuid& id) {
  GUILD_TRY(Statement statement, file.prepare("SELECT * FROM permits WHERE id = ?"));
  statement.bind(1, BytesView(id.bytes));
  GUILD_TRY(const bool row, statement.step());
  return row ? std::optional(permit_of(statement)) : std::nullopt;
}

Result<void> put_permit(Connection& file, const PermitRow& permit) {
  const bool was_allowed = !permit.pattern.empty();
  const bool is_settled = permit.phase == PermitPhase::settled;
  const auto text_if = [](bool is_set, std::string_view text) {
    return is_set ? std::optional(text) : std::nullopt;
  };
  return file.execute(
      "INSERT OR REPLACE INTO permits (number, id, handle, action, max_cost, lifetime, asked_at, "
      "state, pattern, day, expires_at, cost, outcome) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      if_set(permit.number != 0, permit.number), BytesView(permit.id.bytes),
      std::string_view(permit.handle), std::string_view(permit.action), permit.max_cost.units(),
      permit.lifetime.count(), permit.asked_at.ns, text_of(phases, permit.phase),
      text_if(was_allowed, permit.pattern), if_set(was_allowed, permit.day),
      if_set(was_allowed, permit.expires_at.ns), if_set(is_settled, permit.cost.units()),
      text_if(is_settled, text_of(outcomes, permit.outcome)));
}

Result<void> expire_permits(Connection& file, Instant now, std::int64_t most) {
  return file.execute(
      "UPDATE permits SET state = 'expired' WHERE number IN (SELECT number FROM permits "
      "WHERE state = 'allowed' AND expires_at <= ? ORDER BY expires_at LIMIT ?)",
      now.ns, most);
}

Result<void> end_permits_of(Connection& file, std::string_view handle) {
  GUILD_CHECK(file.execute(
      "UPDATE permits SET state = 'ended' WHERE state = 'allowed' AND handle = ?", handle));
  return file.execute("UPDATE permits SET state = 'ended' WHERE state = 'waiting' AND handle = ?",
                      handle);
}

Result<std::int64_t> waiting_of(Connection& file, std::string_view handle) {
  GUILD_TRY(const auto count,
            file.query_integer(
                "SELECT count(*) FROM permits WHERE state = 'waiting' AND handle = ?", handle));
  return count.value_or(0);
}

Result<std::vector<PermitRow>> waiting_after(Connection& file, std::int64_t after,
                                             std::int64_t most) {
  GUILD_TRY(Statement statement, file.prepare("SELECT * FROM permits WHERE state = 'waiting' AND "
                                              "number > ? ORDER BY number LIMIT ?"));
  statement.bind_all(after, most);
  std::vector<PermitRow> rows;
  GUILD_CHECK(each_row(statement, [&](const Statement& row) {
    rows.push_back(permit_of(row));
    return true;
  }));
  return rows;
}

}  // namespace guild::ledgerd::store
