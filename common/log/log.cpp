#include "common/log/log.hpp"

#include <atomic>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include "common/base/assert.hpp"
#include "common/base/complain.hpp"
#include "common/log/process.hpp"
#include "common/log/record.hpp"
#include "common/log/redaction.hpp"

namespace guild::log {
namespace {

/// What a record has beside what spdlog carries; set around the call, on the same thread.
struct Attached {
  std::string_view module;
  Extra extra;
  std::string_view trace;
  bool is_last = false;
};
thread_local const Attached* attached = nullptr;

/// spdlog's end of the road: a line becomes a LogRecord in the process's buffer.
class RecordSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit RecordSink(std::shared_ptr<ProcessLog> log) : log_(std::move(log)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& line) override {
    messages::LogRecord record = to_record(line);
    if (log_->options().stderr_too) write_line(plain_line(record));
    log_->append(std::move(record));
  }
  void flush_() override {}

 private:
  messages::LogRecord to_record(const spdlog::details::log_msg& line) const;

  std::shared_ptr<ProcessLog> log_;
};

messages::LogLevel to_level(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return messages::LogLevel::debug;
    case spdlog::level::warn:
      return messages::LogLevel::warn;
    case spdlog::level::err:
      return messages::LogLevel::error;
    case spdlog::level::critical:
      return messages::LogLevel::critical;
    default:
      return messages::LogLevel::info;
  }
}

spdlog::level::level_enum to_spdlog(Level level) {
  constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info,
                                                  spdlog::level::warn, spdlog::level::err,
                                                  spdlog::level::critical};
  return levels[static_cast<std::size_t>(level)];
}

template <std::size_t Max>
Text<Max> cut(std::string_view text) {
  return bounded(text, Max);
}

std::string_view or_empty(const char* text) { return text == nullptr ? "" : text; }

messages::LogRecord RecordSink::to_record(const spdlog::details::log_msg& line) const {
  const auto since = line.time.time_since_epoch();
  messages::LogRecord record;
  record.time = {std::chrono::duration_cast<Duration>(since).count()};
  record.level = to_level(line.level);
  record.daemon = cut<64>(log_->options().process_name);
  record.module = module_level(attached == nullptr ? "" : attached->module);
  record.function = cut<128>(or_empty(line.source.funcname));
  record.file = cut<256>(source_file(or_empty(line.source.filename)));
  record.line = line.source.line;
  record.message = cut<10'000>({line.payload.data(), line.payload.size()});
  if (attached != nullptr) {
    record.trace = cut<64>(attached->trace);
    record.extra = to_json(attached->extra);
    if (attached->is_last) record.last = true;
  }
  return record;
}

/// The process's log and its way in; replaced whole by start and stop.
struct Installed {
  std::shared_ptr<ProcessLog> log;
  std::shared_ptr<spdlog::logger> logger;
};

std::mutex installed_mutex;
Installed installed_now;  // Guarded by installed_mutex.
// Before start and after stop there is nowhere to put a record; what matters is told on stderr.
std::atomic<Level> level_min = Level::warn;

Installed installed() {
  const std::lock_guard lock(installed_mutex);
  return installed_now;
}

void tell_without_log(Level level, std::string_view module, std::string_view message) {
  if (level >= Level::warn) complain(module, message);
}

void write_with(Level level, const Attached& with, const Source& source, std::string_view message) {
  const std::shared_ptr<spdlog::logger> logger = installed().logger;
  if (!logger) return tell_without_log(level, with.module, message);
  attached = &with;
  logger->log(spdlog::source_loc{source.file, source.line, source.function}, to_spdlog(level),
              spdlog::string_view_t(message.data(), message.size()));
  attached = nullptr;
}

}  // namespace

std::shared_ptr<ProcessLog> process_log() { return installed().log; }

bool enabled(Level level) { return level >= level_min.load(std::memory_order_relaxed); }

void write(Level level, std::string_view module, const Source& source, std::string_view message,
           Extra extra, std::string_view trace) {
  write_with(level, {module, extra, trace, false}, source, message);
}

void write_last(Level level, std::string_view module, const Source& source,
                std::string_view message, Extra extra, std::string_view trace) {
  write_with(level, {module, extra, trace, true}, source, message);
}

void start(const Options& options) {
  auto log = std::make_shared<ProcessLog>(options);
  auto logger =
      std::make_shared<spdlog::logger>(options.process_name, std::make_shared<RecordSink>(log));
  logger->set_level(spdlog::level::trace);  // `enabled` has decided already.
  logger->set_error_handler([](const std::string& problem) { complain("log", problem); });
  const std::lock_guard lock(installed_mutex);
  GUILD_ASSERT(!installed_now.log);
  installed_now = {std::move(log), std::move(logger)};
  level_min = options.level;
}

void finish() {
  const std::shared_ptr<ProcessLog> log = process_log();
  if (!log || log->counters().written == 0) return;
  write_last(Level::info, "log", {__FILE__, __LINE__, __func__}, "the log of this process ends");
}

void stop() {
  Installed stopped;
  {
    const std::lock_guard lock(installed_mutex);
    stopped = std::exchange(installed_now, {});
    level_min = Level::warn;
  }
  if (!stopped.log) return;
  for (const std::string& line : stopped.log->take_unacknowledged()) write_line(line);
  const Counters counters = stopped.log->counters();
  if (counters.waiting == 0 && counters.dropped == 0) return;
  complain("log", fmt::format("[FALLBACK] of {} records, {} were not acknowledged by the log "
                              "consumer and {} were dropped because the buffer was full",
                              counters.written, counters.waiting, counters.dropped));
}

Counters counters() {
  const std::shared_ptr<ProcessLog> log = process_log();
  return log ? log->counters() : Counters{};
}

Uuid boot_id() {
  const std::shared_ptr<ProcessLog> log = process_log();
  return log ? log->boot() : Uuid{};
}

}  // namespace guild::log
