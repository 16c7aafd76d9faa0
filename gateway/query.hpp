// Query parameters into typed values, as strict as JSON bodies are: unknown names, repeated names
// and bad values are refused by name. Pure. Error codes: parameter_unknown, parameter_repeated,
// parameter_invalid.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/messages/arena.hpp"
#include "common/messages/economy.hpp"
#include "common/messages/ledgerd.hpp"
#include "common/messages/logs.hpp"
#include "common/messages/scheduler.hpp"
#include "gateway/http.hpp"

namespace guild::gateway {

/// GET /v1/logs: since and until (RFC 3339, or a duration before `now`: "10m"), level, daemon,
/// module, grep, trace, after_id, limit.
Result<messages::LogsQuery> read_logs_query(const Request& request, Instant now);
/// GET /v1/tasks: state, bot, before, limit.
Result<messages::ListTasks> read_list_tasks(const Request& request);
/// GET /v1/tasks/{id}/output: from, bytes_max.
Result<messages::GetTaskOutput> read_task_output(const Request& request, Uuid task);
/// GET /v1/bots: after, limit.
Result<messages::ListBots> read_list_bots(const Request& request);
/// GET /v1/feed: after, limit.
Result<messages::ListFeed> read_list_feed(const Request& request);
/// GET /v1/markets: after, open (true or false), limit.
Result<messages::ListMarkets> read_list_markets(const Request& request);
/// GET /v1/arena/observation: bot, for operators.
Result<messages::Observe> read_observe(const Request& request);
/// Routes that take none.
Result<void> check_no_query(const Request& request);

}  // namespace guild::gateway
