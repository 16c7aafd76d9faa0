#include "gateway/query.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/gateway/request.hpp"

using namespace guild;
using namespace guild::gateway;
using guild::gateway::test::request_for;
using namespace std::chrono_literals;

namespace {
const Instant noon = *from_rfc3339("2026-01-02T12:00:00Z");
std::string logs_code(std::string_view query) {
  const auto result = read_logs_query(request_for("/v1/logs?" + std::string(query)), noon);
  return result ? "" : result.error().code;
}
}  // namespace

TEST_CASE("a log query is read whole") {
  const auto query =
      read_logs_query(request_for("/v1/"
                                  "logs?since=10m&until=2026-01-02T11:59:00Z&level=warn&daemon="
                                  "ledgerd&grep=50%25&limit=7&after_id=3"),
                      noon);
  REQUIRE(query);
  CHECK(query->since == noon - 10min);
  CHECK(query->until == noon - 1min);
  CHECK(query->level == messages::LogLevel::warn);
  CHECK(query->daemon->value == "ledgerd");
  CHECK(query->grep->value == "50%");
  CHECK(query->limit == 7);
  CHECK(query->after_id == 3);
}

TEST_CASE("an unknown parameter is refused with the nearest known one") {
  const auto result = read_logs_query(request_for("/v1/logs?levle=warn"), noon);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == "parameter_unknown");
  CHECK(result.error().next_step == "did you mean level?");
}

TEST_CASE("bad values and repetitions are refused by name") {
  CHECK(logs_code("limit=0") == "parameter_invalid");
  CHECK(logs_code("limit=1001") == "parameter_invalid");
  CHECK(logs_code("limit=-1") == "parameter_invalid");
  CHECK(logs_code("limit=5x") == "parameter_invalid");
  CHECK(logs_code("limit=99999999999999999999") == "parameter_invalid");
  CHECK(logs_code("limit=NaN") == "parameter_invalid");
  CHECK(logs_code("level=loud") == "parameter_invalid");
  CHECK(logs_code("since=yesterday") == "parameter_invalid");
  CHECK(logs_code("grep=%ff") == "parameter_invalid");
  CHECK(logs_code("grep=" + std::string(257, 'a')) == "parameter_invalid");
  CHECK(logs_code("limit=1&limit=2") == "parameter_repeated");
}

TEST_CASE("tasks, outputs and bots are asked for as strictly") {
  CHECK(read_list_tasks(request_for("/v1/tasks?state=running"))->state ==
        messages::TaskState::running);
  CHECK(read_list_tasks(request_for("/v1/tasks?state=dead")).error().code == "parameter_invalid");
  CHECK(read_list_tasks(request_for("/v1/tasks?before=12")).error().code == "parameter_invalid");
  CHECK(read_task_output(request_for("/x?from=-1"), Uuid::make()).error().code ==
        "parameter_invalid");
  CHECK(read_list_bots(request_for("/v1/bots?limit=2&after=a"))->after.value == "a");
  CHECK(read_list_feed(request_for("/v1/feed?after=3&limit=2"))->after == 3);
  CHECK(read_list_feed(request_for("/v1/feed?after=-1")).error().code == "parameter_invalid");
  CHECK(read_list_markets(request_for("/v1/markets?open=true"))->open_only);
  CHECK_FALSE(read_list_markets(request_for("/v1/markets?open=false"))->open_only);
  CHECK(read_list_markets(request_for("/v1/markets?open=1")).error().code == "parameter_invalid");
  CHECK(read_list_markets(request_for("/v1/markets?limit=201")).error().code ==
        "parameter_invalid");
  CHECK(read_observe(request_for("/x?bot=a"))->bot->value == "a");
  CHECK(read_observe(request_for("/x?credential=a")).error().code == "parameter_unknown");
  CHECK(check_no_query(request_for("/readyz?x=1")).error().code == "parameter_unknown");
  CHECK(check_no_query(request_for("/readyz")));
}
