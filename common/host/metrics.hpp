// The page of `<daemon>/metrics`: the daemon's registry, and what the host knows of every daemon,
// in Prometheus' text format 0.0.4. Times in seconds, sizes in bytes. Pure but for the registry.
// Source: prometheus.io/docs/instrumenting/exposition_formats
#pragma once

#include <prometheus/registry.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/base/time.hpp"
#include "common/bus/client.hpp"
#include "common/host/process.hpp"
#include "common/log/shipper.hpp"
#include "common/storage/writer.hpp"

namespace guild::host {

struct OwnFigures {
  std::string_view daemon;
  bool ready = false;
  Duration uptime{};
  ProcessFigures process;
  bus::Client::Counters bus;
  log::Counters log;
  std::map<std::string, std::int64_t> service;  ///< Service::counters.
};

std::string metrics_page(const prometheus::Registry& registry, const OwnFigures& own);

/// For a Service's counters(): its writer's figures, as storage_transactions, storage_retries, ...
void add_storage_counters(std::map<std::string, std::int64_t>& counters,
                          const storage::Writer::Counters& writer);

}  // namespace guild::host
