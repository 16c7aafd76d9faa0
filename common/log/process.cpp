#include "common/log/process.hpp"

#include <unistd.h>

#include <fmt/format.h>

#include "common/base/file.hpp"
#include "common/log/record.hpp"
#include "common/messages/codec.hpp"

namespace guild::log {
namespace {

ShippingLimits limits_of(const Options& options) {
  ShippingLimits limits;
  limits.fallback_after = options.fallback_after;
  return limits;
}

Monotonic monotonic_now() { return std::chrono::steady_clock::now(); }

std::string fallback_line(const messages::LogRecord& record) {
  return fmt::format("[FALLBACK] {} seq={}", plain_line(record), record.seq);
}

}  // namespace

ProcessLog::ProcessLog(const Options& options)
    : options_(options),
      boot_(Uuid::make()),
      buffer_(boot_, {options.buffer_records_max, options.buffer_bytes_max}),
      shipping_(limits_of(options), monotonic_now()) {}

void ProcessLog::append(messages::LogRecord record) {
  const std::lock_guard lock(mutex_);
  buffer_.append(std::move(record));
  if (wake_ && !woken_.exchange(true)) wake_();
}

std::vector<ProcessLog::Outgoing> ProcessLog::take_outgoing(std::size_t count) {
  const std::lock_guard lock(mutex_);
  const Monotonic now = monotonic_now();
  std::vector<Outgoing> outgoing;
  while (outgoing.size() < count) {
    const messages::LogRecord* record = shipping_.next(buffer_);
    if (record == nullptr) break;
    outgoing.push_back({fmt::format("logs/{}/{}", options_.process_name, record->module.view()),
                        messages::encode(*record), record->seq});
    shipping_.on_sent(buffer_, now);
  }
  shipped_ += outgoing.size();
  return outgoing;
}

void ProcessLog::put_back_from(std::int64_t seq) {
  const std::lock_guard lock(mutex_);
  const std::size_t sent = buffer_.sent_records();
  buffer_.rewind_to(seq);
  shipped_ -= sent - buffer_.sent_records();
}

std::vector<std::string> ProcessLog::take_fallback(std::size_t count) {
  const std::lock_guard lock(mutex_);
  const Monotonic now = monotonic_now();
  std::vector<std::string> lines;
  while (lines.size() < count) {
    const messages::LogRecord* record = shipping_.next_for_fallback(buffer_, now);
    if (record == nullptr) break;
    lines.push_back(fallback_line(*record));
    shipping_.on_fallback(record->seq);
  }
  fallback_ += lines.size();
  return lines;
}

std::vector<std::string> ProcessLog::take_unacknowledged() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  while (const messages::LogRecord* record = buffer_.first_after(shipping_.fallback_seq())) {
    lines.push_back(fallback_line(*record));
    shipping_.on_fallback(record->seq);
  }
  fallback_ += lines.size();
  return lines;
}

void ProcessLog::set_session(std::optional<std::uint64_t> session) {
  const std::lock_guard lock(mutex_);
  shipping_.set_session(session, buffer_, monotonic_now());
}

void ProcessLog::set_consumer_present(bool present) {
  const std::lock_guard lock(mutex_);
  shipping_.set_consumer_present(present, buffer_, monotonic_now());
}

void ProcessLog::on_committed(const messages::LogsCommitted& committed) {
  const std::lock_guard lock(mutex_);
  shipping_.on_committed(committed, buffer_, monotonic_now());
}

void ProcessLog::on_refused() {
  const std::lock_guard lock(mutex_);
  shipping_.on_refused(monotonic_now());
}

void ProcessLog::on_time() {
  const std::lock_guard lock(mutex_);
  shipping_.on_time(buffer_, monotonic_now());
}

void ProcessLog::set_wake(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

bool ProcessLog::drained() const {
  const std::lock_guard lock(mutex_);
  return buffer_.waiting() == 0;
}

Counters ProcessLog::counters() const {
  const std::lock_guard lock(mutex_);
  return {.written = static_cast<std::uint64_t>(buffer_.last_seq()),
          .shipped = shipped_,
          .acknowledged = buffer_.acknowledged(),
          .waiting = buffer_.waiting(),
          .dropped = buffer_.dropped(),
          .fallback = fallback_};
}

void write_line(std::string_view line) {
  const std::string whole = std::string(line) + '\n';
  // With stderr gone there is nobody left to tell.
  if (!write_all(STDERR_FILENO, whole)) return;
}

}  // namespace guild::log
