// `guild logs emit`: numbered lines through the same buffer and shipper as every daemon's, as the
// client of --as, waited for until the log consumer has all of them on disk.
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "cli/answers.hpp"
#include "cli/logs.hpp"
#include "cli/session.hpp"
#include "common/base/file.hpp"
#include "common/log/log.hpp"
#include "common/log/shipper.hpp"

namespace guild::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Without a word from the log consumer for so long it is given up.
constexpr Duration silence_limit = std::chrono::minutes(1);
/// Lines that wait at most, well below the buffer's bound: nothing may be dropped here.
constexpr std::uint64_t waiting_max = 16'384;
constexpr std::int64_t burst_max = 1'024;
constexpr Duration shipper_tick = std::chrono::milliseconds(500);

/// Lets the shipper, which may be called from any thread, wake our one loop.
class Wake {
 public:
  Wake() : fd_(std::make_shared<Fd>(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))) {}
  int fd() const { return fd_->get(); }
  std::function<void()> raiser() const {
    return [fd = fd_] {
      const std::uint64_t one = 1;
      (void)!::write(fd->get(), &one, sizeof one);
    };
  }
  void clear() const {
    std::uint64_t count = 0;
    (void)!::read(fd_->get(), &count, sizeof count);
  }

 private:
  std::shared_ptr<Fd> fd_;
};

class Emitter {
 public:
  Emitter(Context& context, Session& session, log::Shipper& shipper, const Wake& wake,
          std::int64_t count)
      : context_(context), session_(session), shipper_(shipper), wake_(wake), count_(count) {}

  Result<void> run() {
    auto last_progress = Clock::now();
    std::uint64_t acknowledged = 0;
    while (written_ < count_ || !shipper_.drained()) {
      write_some();
      shipper_.pump();
      session_.pump_once(shipper_tick, wake_.fd());
      wake_.clear();
      const std::uint64_t now_acknowledged = log::counters().acknowledged;
      if (now_acknowledged != std::exchange(acknowledged, now_acknowledged))
        last_progress = Clock::now();
      if (Clock::now() - last_progress > context_.timeout_or(silence_limit)) return silence();
      context_.out.overwrite(fmt::format("{} of {} lines acknowledged", acknowledged, count_));
    }
    return {};
  }

 private:
  void write_some() {
    for (std::int64_t i = 0; i < burst_max && written_ < count_; ++i) {
      if (log::counters().waiting >= waiting_max) return;
      ++written_;
      const log::Source here{__FILE__, __LINE__, __func__};
      const std::string line = fmt::format("line {} of {}", written_, count_);
      const std::string number = fmt::to_string(written_);
      if (written_ == count_)
        log::write_last(log::Level::info, "emit", here, line, {{"number", number}});
      else
        log::write(log::Level::info, "emit", here, line, {{"number", number}});
    }
  }

  std::unexpected<Error> silence() const {
    const log::Counters counters = log::counters();
    return fail(
        ErrorKind::timeout, "timeout",
        fmt::format("{} of {} lines were acknowledged, then nothing for {}", counters.acknowledged,
                    count_, to_text(context_.timeout_or(silence_limit))),
        "see whether the log consumer runs: guild status --daemon logconsumer");
  }

  Context& context_;
  Session& session_;
  log::Shipper& shipper_;
  const Wake& wake_;
  std::int64_t count_;
  std::int64_t written_ = 0;
};

log::Options log_options(const std::string& name, const host::Settings& settings) {
  log::Options options;
  options.process_name = name;
  options.fallback_after = settings.log.fallback_after;
  return options;
}

Result<Exit> ship(Context& context, Session& session, std::int64_t count) {
  const Wake wake;
  GUILD_TRY(const auto shipper, log::Shipper::attach(session.client(), wake.raiser()));
  GUILD_CHECK(Emitter(context, session, *shipper, wake, count).run());
  const log::Counters counters = log::counters();
  const Emitted emitted{session.client().own_name(), log::boot_id(),
                        static_cast<std::int64_t>(counters.written),
                        static_cast<std::int64_t>(counters.acknowledged),
                        static_cast<std::int64_t>(counters.dropped)};
  context.out.line(context.json() ? messages::encode(emitted)
                                  : fmt::format("{} of {} lines of {} acknowledged, boot {}",
                                                emitted.acknowledged, emitted.written, emitted.name,
                                                emitted.boot.text()));
  return emitted.acknowledged == count ? Exit::ok : Exit::failed;
}

Result<Exit> emit(Context& context, std::int64_t count) {
  GUILD_TRY(const host::Home home, context.home());
  GUILD_TRY(const host::Settings settings, context.settings(home));
  GUILD_TRY(Session session,
            Session::open_as(context, context.client_name(), context.timeout_or(silence_limit),
                             Patience::for_broker));
  log::start(log_options(session.client().own_name(), settings));
  auto done = ship(context, session, count);
  log::stop();  // What was not acknowledged goes to stderr.
  return done;
}

}  // namespace

void add_logs_emit(Command& logs) {
  const auto count = std::make_shared<messages::Range<1, 100'000'000, 1>>();
  logs.add("emit", "log numbered lines, and wait until all are stored")
      .needs("--count", "N", *count, "how many")
      .runs([count](Context& context) { return emit(context, *count); });
}

}  // namespace guild::cli
