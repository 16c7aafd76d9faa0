// Store of the market maker: every SQL statement of what it asks and asked, and nothing else, as
// store.hpp is of the book. The table is in migrations/0006_market_maker.sql. Errors are those of
// common/storage.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string_view>

#include "common/storage/connection.hpp"
#include "ledgerd/economy/maker.hpp"

namespace guild::ledgerd::store {

using storage::Connection;

/// What each research market that has not ended asks, and until when.
Result<void> each_open_question(Connection& file,
                                const std::function<void(std::string_view, Instant)>& take);
Result<std::map<Digest, economy::Asked>> asked_questions(Connection& file);
/// 0 for one that never was.
Result<std::int64_t> times_asked(Connection& file, const Digest& question);
/// It was asked so often, the last time by that market.
Result<void> save_asked(Connection& file, const Digest& question, const Uuid& market,
                        std::int64_t times);

}  // namespace guild::ledgerd::store
