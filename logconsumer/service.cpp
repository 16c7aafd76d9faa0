#include "logconsumer/service.hpp"

#include <bit>

#include <fmt/format.h>

#include "common/base/complain.hpp"
#include "common/messages/logs.hpp"
#include "common/storage/writer.hpp"
#include "logconsumer/intake.hpp"
#include "logconsumer/reader.hpp"
#include "logconsumer/store.hpp"
#include "logconsumer/unreadable.hpp"

namespace guild::logconsumer {
namespace {

using storage::Connection;

IntakeLimits limits_of(const host::Settings& settings) {
  IntakeLimits limits;
  limits.batch_records_max = static_cast<std::size_t>(settings.logconsumer.batch_records_max.value);
  return limits;
}

class LogService final : public host::Service {
 public:
  explicit LogService(host::Host& host);

  Result<void> load(Connection& connection);
  void begin(std::unique_ptr<Connection> writing, std::unique_ptr<Connection> reading);
  Result<void> listen();
  void drain(std::function<void()> done) override;
  std::map<std::string, std::int64_t> counters() const override;

 private:
  void on_delivery(const bus::Delivery& delivery);
  void on_subscribed(const Result<void>& confirmed);
  void refuse(const bus::Delivery& delivery, const Error& why);
  void flush_soon();
  void flush();
  void write_next();
  void on_written(const Result<void>& result, const Written& written);
  void send_acks();
  void tell_if_drained();

  void on_query(messages::LogsQuery query, const host::Answer<messages::LogsPage>& answer);
  void on_stats(const host::Answer<messages::LogsStats>& answer);
  template <class Reply>
  void read(const host::Answer<Reply>& answer, std::function<Result<Reply>(Connection&)> work);
  /// Runs on the loop, unless we are gone by then.
  void post(std::function<void()> work);

  host::Host& host_;
  Intake intake_;
  std::int64_t next_id_ = 1;
  bool writing_ = false;
  bool flush_posted_ = false;
  std::function<void()> drained_;
  std::int64_t records_ = 0, lost_ = 0, skipped_ = 0, refused_ = 0, failed_batches_ = 0,
               unsent_acks_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  // Last, so that their threads end before what they use.
  std::unique_ptr<storage::Writer> writer_;
  std::unique_ptr<Reader> reader_;
};

LogService::LogService(host::Host& host) : host_(host), intake_(limits_of(host.settings())) {}

void LogService::begin(std::unique_ptr<Connection> writing, std::unique_ptr<Connection> reading) {
  writer_ = std::make_unique<storage::Writer>(std::move(writing), storage::WriterOptions{});
  reader_ = std::make_unique<Reader>(std::move(reading));
}

Result<void> LogService::load(Connection& connection) {
  GUILD_TRY(const std::int64_t last_id, load_last_id(connection));
  next_id_ = last_id + 1;
  return load_streams(
      connection, IntakeLimits{}.streams_max / 2,
      [this](const StreamName& name, std::int64_t last_seq) { intake_.restore(name, last_seq); });
}

Result<void> LogService::listen() {
  GUILD_CHECK(host_.bus().subscribe(
      "logs/**", [this](const bus::Delivery& delivery) { on_delivery(delivery); },
      [this](const Result<void>& confirmed) { on_subscribed(confirmed); }));
  host_.serve<messages::LogsQuery, messages::LogsPage>(
      "query", [this](messages::LogsQuery query, const host::Answer<messages::LogsPage>& answer) {
        on_query(std::move(query), answer);
      });
  host_.serve<messages::Nothing, messages::LogsStats>(
      "stats", [this](messages::Nothing, const host::Answer<messages::LogsStats>& answer) {
        on_stats(answer);
      });
  return {};
}

void LogService::on_subscribed(const Result<void>& confirmed) {
  if (!confirmed) host_.stop(confirmed.error().while_doing("subscribe to logs/**"));
}

// ---- in

void LogService::on_delivery(const bus::Delivery& delivery) {
  auto record = messages::decode<messages::LogRecord>(delivery.payload);
  if (record && record->seq >= 1) {
    intake_.offer({std::string(delivery.sender), record->boot}, std::move(*record));
  } else {
    refuse(delivery, record ? Error{ErrorKind::invalid, "field_range", "seq is below 1", ""}
                            : record.error());
  }
  flush_soon();
}

void LogService::refuse(const bus::Delivery& delivery, const Error& why) {
  ++refused_;
  // The first, and then ever more rarely: a producer that sends nonsense must not fill stderr too.
  if (std::has_single_bit(static_cast<std::uint64_t>(refused_))) {
    complain("logconsumer", fmt::format("refused a record of {} ({} so far): {}", delivery.sender,
                                        refused_, why.text()));
  }
  auto stand_in = stand_in_for(delivery.payload, why, delivery.time);
  if (stand_in && stand_in->seq >= 1) {
    intake_.offer({std::string(delivery.sender), stand_in->boot}, std::move(*stand_in));
  }
}

// ---- to disk

/// After what the bus has for us now: everything that came together is written together.
void LogService::flush_soon() {
  if (std::exchange(flush_posted_, true)) return;
  post([this] { flush(); });
}

void LogService::flush() {
  flush_posted_ = false;
  write_next();
  send_acks();
  tell_if_drained();
}

void LogService::write_next() {
  if (writing_ || !intake_.has_batch()) return;
  writing_ = true;
  auto written = std::make_shared<Written>();
  const auto submitted = writer_->submit(
      [batch = intake_.take_batch(), first_id = next_id_,
       written](Connection& connection) -> Result<void> {
        GUILD_TRY(*written, write_batch(connection, *batch, first_id));
        return {};
      },
      [this, written](Result<void> result) {
        post([this, written, result = std::move(result)] { on_written(result, *written); });
      });
  if (!submitted) on_written(submitted, *written);
}

void LogService::on_written(const Result<void>& result, const Written& written) {
  writing_ = false;
  if (result) {
    intake_.committed();
    next_id_ += written.records;
    records_ += written.records;
    lost_ += written.lost;
    skipped_ += written.skipped;
    return flush();
  }
  ++failed_batches_;
  complain("logconsumer", "a batch of log records was not written: " + result.error().text());
  intake_.undone();
  // What the file holds now only a new start can tell.
  if (result.error().code == "outcome_unknown") host_.stop(result.error());
  tell_if_drained();
}

// ---- out

/// One that does not get out is made up for: its producer sends again, and is answered then.
void LogService::send_acks() {
  for (const Ack& ack : intake_.take_acks()) {
    const auto published =
        host_.bus().publish("logs-committed/" + ack.producer, messages::encode(ack.committed));
    if (!published) ++unsent_acks_;
  }
}

template <class Reply>
void LogService::read(const host::Answer<Reply>& answer,
                      std::function<Result<Reply>(Connection&)> work) {
  const auto submitted =
      reader_->submit([this, answer, work = std::move(work)](Connection& connection) {
        post([answer, reply = work(connection)] { answer(reply); });
      });
  if (!submitted) answer(std::unexpected(submitted.error()));
}

void LogService::on_query(messages::LogsQuery query,
                          const host::Answer<messages::LogsPage>& answer) {
  read<messages::LogsPage>(answer, [query = std::move(query)](Connection& connection) {
    return read_page(connection, query);
  });
}

void LogService::on_stats(const host::Answer<messages::LogsStats>& answer) {
  const std::int64_t duplicates = intake_.counters().duplicates + skipped_;
  read<messages::LogsStats>(
      answer,
      [duplicates, refused = refused_](Connection& connection) -> Result<messages::LogsStats> {
        GUILD_TRY(messages::LogsStats stats, read_stats(connection));
        stats.duplicates = duplicates;
        stats.refused = refused;
        return stats;
      });
}

void LogService::post(std::function<void()> work) {
  host_.post([work = std::move(work), weak = std::weak_ptr(alive_)] {
    if (!weak.expired()) work();
  });
}

// ---- end

/// Records go on being taken: ours are among the last.
void LogService::drain(std::function<void()> done) {
  drained_ = std::move(done);
  flush();
}

void LogService::tell_if_drained() {
  if (!drained_ || writing_ || intake_.has_batch()) return;
  std::exchange(drained_, {})();
}

std::map<std::string, std::int64_t> LogService::counters() const {
  return {{"records", records_},
          {"lost", lost_},
          {"duplicates", intake_.counters().duplicates + skipped_},
          {"refused", refused_},
          {"early", intake_.counters().early},
          {"turned_away", intake_.counters().turned_away},
          {"failed_batches", failed_batches_},
          {"unsent_acks", unsent_acks_},
          {"pending_bytes", static_cast<std::int64_t>(intake_.pending_bytes())},
          {"streams", static_cast<std::int64_t>(intake_.streams())}};
}

}  // namespace

Result<std::unique_ptr<host::Service>> start(host::Host& host) {
  GUILD_TRY(auto writing, host.open_database(database_file, schema()));
  GUILD_TRY(auto reading, host.open_reader(database_file));
  auto service = std::make_unique<LogService>(host);
  GUILD_CHECK(service->load(*writing));
  service->begin(std::move(writing), std::move(reading));
  GUILD_CHECK(service->listen());
  return service;
}

}  // namespace guild::logconsumer
