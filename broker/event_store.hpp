// EventStore: refusals and audits on disk (broker.db), so that "who was refused last night" and
// "who looked at our traffic" have an answer after a restart. Written in groups, behind the bus: a
// full or failing disk costs the record (counted), never a message. Keeps the last `rows_max` of
// each. One thread (the loop); the writer has its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "common/messages/broker.hpp"
#include "common/storage/writer.hpp"

namespace guild::broker {

class EventStore {
 public:
  static constexpr std::int64_t rows_max = 100'000;

  explicit EventStore(std::unique_ptr<storage::Connection> connection);

  void add(const messages::BusDenied& denied);
  void add(const messages::BusAudit& audit);
  /// Returns when all that was added is on disk, or has failed.
  void drain() { writer_.drain(); }
  std::uint64_t lost() const { return lost_; }
  storage::Writer::Counters counters() const { return writer_.counters(); }

 private:
  void submit(std::function<Result<void>(storage::Connection&)> insert);
  void lose(const Error& error);

  std::atomic<std::uint64_t> lost_ = 0;
  storage::Writer writer_;  // Last: its end waits for jobs that count what is lost.
};

}  // namespace guild::broker
