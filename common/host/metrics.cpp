#include "common/host/metrics.hpp"

#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

namespace guild::host {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

template <class Number>
MetricFamily family(std::string name, std::string help, MetricType type, Number value) {
  prometheus::ClientMetric metric;
  const auto number = static_cast<double>(value);
  if (type == MetricType::Counter) {
    metric.counter.value = number;
  } else {
    metric.gauge.value = number;
  }
  return {std::move(name), std::move(help), type, {std::move(metric)}};
}

template <class Number>
MetricFamily gauge(std::string name, std::string help, Number value) {
  return family(std::move(name), std::move(help), MetricType::Gauge, value);
}

template <class Number>
MetricFamily counter(std::string name, std::string help, Number value) {
  return family(std::move(name), std::move(help), MetricType::Counter, value);
}

void add_process(std::vector<MetricFamily>& page, const OwnFigures& own) {
  page.push_back(gauge("guild_ready", "1 when recovered, serving and not draining", own.ready));
  page.push_back(gauge("guild_uptime_seconds", "Since the start",
                       std::chrono::duration<double>(own.uptime).count()));
  page.push_back(gauge("process_resident_memory_bytes", "Resident set", own.process.rss_bytes));
  page.push_back(gauge("process_open_fds", "Open descriptors", own.process.open_fds));
}

void add_bus(std::vector<MetricFamily>& page, const bus::Client::Counters& bus) {
  const auto add = [&](std::string_view name, std::string help, std::uint64_t value) {
    page.push_back(counter(fmt::format("guild_bus_{}_total", name), std::move(help), value));
  };
  add("published", "Items given to the broker", bus.published);
  add("delivered", "Items received", bus.delivered);
  add("denied", "Items the broker refused", bus.denied);
  add("requests", "Requests made", bus.requests);
  add("replies", "Requests answered", bus.replies);
  add("reconnects", "Sessions after the first", bus.reconnects);
  add("gaps", "Losses told by the broker", bus.gaps);
  add("gap_items", "Items lost in them", bus.gap_items);
  add("frames_out", "Frames sent", bus.frames_out);
  add("frames_in", "Frames received", bus.frames_in);
  add("bytes_out", "Bytes sent", bus.bytes_out);
  add("bytes_in", "Bytes received", bus.bytes_in);
  add("unknown_acks", "Items whose fate a lost session left unknown", bus.unknown_acks);
  add("dropped_unsent", "Items still queued when a session ended", bus.dropped_unsent);
}

void add_log(std::vector<MetricFamily>& page, const log::Counters& log) {
  const auto add = [&](std::string_view name, std::string help, std::uint64_t value) {
    page.push_back(counter(fmt::format("guild_log_{}_total", name), std::move(help), value));
  };
  add("written", "Log records written", log.written);
  add("shipped", "Sent towards the log consumer", log.shipped);
  add("acknowledged", "On the log consumer's disk", log.acknowledged);
  add("dropped", "Lost because the buffer was full", log.dropped);
  add("fallback", "Also told on stderr", log.fallback);
  page.push_back(gauge("guild_log_waiting", "Records not acknowledged yet", log.waiting));
}

/// A name of the text format; counters' names are the code's own, this only keeps a slip from
/// breaking the page for everyone.
std::string metric_name(std::string_view daemon, std::string_view counter_name) {
  std::string name = fmt::format("guild_{}_{}", daemon, counter_name);
  std::ranges::replace_if(
      name,
      [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '_');
      },
      '_');
  return name;
}

void add_service(std::vector<MetricFamily>& page, const OwnFigures& own) {
  for (const auto& [name, value] : own.service)
    page.push_back(gauge(metric_name(own.daemon, name), "The daemon's own figure", value));
}

}  // namespace

std::string metrics_page(const prometheus::Registry& registry, const OwnFigures& own) {
  std::vector<MetricFamily> page = registry.Collect();
  add_process(page, own);
  add_bus(page, own.bus);
  add_log(page, own.log);
  add_service(page, own);
  return prometheus::TextSerializer().Serialize(page);
}

void add_storage_counters(std::map<std::string, std::int64_t>& counters,
                          const storage::Writer::Counters& writer) {
  const auto add = [&](const char* name, std::uint64_t value) {
    counters[name] = static_cast<std::int64_t>(value);
  };
  add("storage_jobs", writer.jobs);
  add("storage_groups", writer.groups);
  add("storage_failed_jobs", writer.failed_jobs);
  add("storage_failed_groups", writer.failed_groups);
  add("storage_transactions", writer.connection.transactions);
  add("storage_retries", writer.connection.retries);
  add("storage_reconnects", writer.connection.reconnects);
  add("storage_busy", writer.connection.busy);
}

}  // namespace guild::host
