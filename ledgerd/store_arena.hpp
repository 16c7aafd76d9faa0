// Store of the arena: every SQL statement of what bots are shown there and of what they did, and
// nothing else, as store.hpp is of the book. The tables are in migrations/0005_days_and_arena.sql
// and 0008_tick_actions.sql. Errors are those of common/storage.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/messages/arena.hpp"
#include "common/storage/connection.hpp"

namespace guild::ledgerd::store {

using storage::Connection;

struct ActionRow {
  std::string bot;
  messages::OwnAction action;
};
/// What was done on an observation.
Result<std::optional<ActionRow>> find_action(Connection& file, const Uuid& observation);
/// On an observation, or in a tick.
Result<void> insert_action(Connection& file, const ActionRow& row);
/// By either road; the last one first.
Result<std::vector<messages::OwnAction>> last_actions(Connection& file, std::string_view bot,
                                                      std::int64_t limit);

/// The last price of each symbol, of those from `since` to `until`; by symbol.
Result<std::vector<messages::ShownPrice>> last_prices(Connection& file, Instant since,
                                                      Instant until, std::int64_t limit);
/// Price wagers, then bets on markets; of each kind the last ones first, at most `limit` in all.
Result<std::vector<messages::OpenPosition>> open_positions(Connection& file, std::string_view bot,
                                                           std::int64_t limit);

Result<void> save_loss(Connection& file, std::string_view bot, Instant time,
                       std::string_view reason);
Result<std::optional<std::string>> last_loss(Connection& file, std::string_view bot);

}  // namespace guild::ledgerd::store
