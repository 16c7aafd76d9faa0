#include "common/host/metrics.hpp"

#include <prometheus/gauge.h>
#include <catch2/catch.hpp>

#include "common/host/process.hpp"

using namespace guild;
using namespace std::chrono_literals;

namespace {

bool has_line(const std::string& page, std::string_view line) {
  return ("\n" + page).find("\n" + std::string(line) + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("the page has the daemon's registry and what the host knows") {
  prometheus::Registry registry;
  prometheus::BuildGauge()
      .Name("ledger_accounts")
      .Help("Accounts")
      .Register(registry)
      .Add({})
      .Set(3);
  const std::string page =
      host::metrics_page(registry, {.daemon = "ledgerd",
                                    .ready = true,
                                    .uptime = 1500ms,
                                    .process = {.rss_bytes = 4096, .open_fds = 9},
                                    .bus = {.published = 5, .gap_items = 2},
                                    .log = {.written = 7, .waiting = 1},
                                    .service = {{"transfers", 11}, {"odd-name", 1}}});
  for (const std::string_view line :
       {"ledger_accounts 3", "guild_ready 1", "guild_uptime_seconds 1.5",
        "process_resident_memory_bytes 4096", "process_open_fds 9", "guild_bus_published_total 5",
        "guild_bus_gap_items_total 2", "guild_log_written_total 7", "guild_log_waiting 1",
        "guild_ledgerd_transfers 11", "guild_ledgerd_odd_name 1",
        "# TYPE guild_bus_published_total counter", "# TYPE guild_log_waiting gauge"}) {
    INFO(page);
    INFO(line);
    CHECK(has_line(page, line));
  }
}

TEST_CASE("a writer's figures are counters of the service") {
  std::map<std::string, std::int64_t> counters;
  storage::Writer::Counters writer;
  writer.groups = 4;
  writer.connection.retries = 2;
  host::add_storage_counters(counters, writer);
  CHECK(counters.at("storage_groups") == 4);
  CHECK(counters.at("storage_retries") == 2);
}

TEST_CASE("the process knows its own size") {
  const auto figures = host::process_figures();
  CHECK(figures.rss_bytes > 100'000);
  CHECK(figures.open_fds >= 3);
}
