// The part of the store that keeps grants, what was used of them, permits, and what changes of
// bots (migrations/0003_authority.sql). As store.hpp: SQL and nothing else; what is written is
// decided elsewhere. Amounts summed by SQL fit, since each is held on a real account.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledgerd/days.hpp"
#include "ledgerd/grants.hpp"
#include "ledgerd/store.hpp"

namespace guild::ledgerd::store {

// ---- bots

Result<void> set_bot_status(Connection& file, std::string_view handle, BotStatus status);
Result<void> delete_credentials_of(Connection& file, std::string_view handle);
Result<std::vector<CredentialRecord>> credentials_of(Connection& file, std::string_view handle);
/// Whose key has this id; empty when nobody's has.
Result<std::string> holder_of_key(Connection& file, std::string_view key_id);
Result<void> insert_bot_settings(Connection& file, std::string_view handle);
/// UTC's when nothing was set.
Result<BotDays> days_of(Connection& file, std::string_view handle);
Result<void> save_days(Connection& file, std::string_view handle, const BotDays& days);

// ---- grants

/// By pattern.
Result<std::vector<Grant>> grants_of(Connection& file, std::string_view handle);
Result<std::optional<Grant>> find_grant(Connection& file, std::string_view handle,
                                        std::string_view pattern);
Result<void> put_grant(Connection& file, std::string_view handle, const Grant& grant);
/// Whether there was one.
Result<bool> delete_grant(Connection& file, std::string_view handle, std::string_view pattern);

/// Holds that have expired at `now` are not counted.
Result<Used> used_of(Connection& file, std::string_view handle, std::string_view pattern,
                     std::int64_t day, Instant now);
Result<void> count_use(Connection& file, std::string_view handle, std::string_view pattern,
                       std::int64_t day);
Result<void> count_cost(Connection& file, std::string_view handle, std::string_view pattern,
                        std::int64_t day, Money cost);

// ---- permits

enum class PermitPhase { waiting, refused, allowed, settled, expired, ended };
struct PermitRow {
  std::int64_t number = 0;  ///< 0: not kept yet.
  Uuid id;
  std::string handle, action;
  Money max_cost;
  Duration lifetime{};
  Instant asked_at;
  PermitPhase phase{};
  std::string pattern;
  std::int64_t day = 0;
  Instant expires_at;
  Money cost;
  PermitOutcome outcome{};
};
Result<std::optional<PermitRow>> find_permit(Connection& file, const Uuid& id);
/// Inserts it, or replaces the one with its number.
Result<void> put_permit(Connection& file, const PermitRow& permit);
/// What was allowed until before now or until now, at most `most`.
Result<void> expire_permits(Connection& file, Instant now, std::int64_t most);
/// All that are open or wait.
Result<void> end_permits_of(Connection& file, std::string_view handle);
Result<std::int64_t> waiting_of(Connection& file, std::string_view handle);
/// Those that wait, oldest first, after the number.
Result<std::vector<PermitRow>> waiting_after(Connection& file, std::int64_t after,
                                             std::int64_t most);

}  // namespace guild::ledgerd::store
