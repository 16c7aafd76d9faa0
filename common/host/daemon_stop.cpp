// How a daemon stops: what tells it to, the order among daemons, the drain.
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>

#include "common/base/complain.hpp"
#include "common/host/daemon.hpp"
#include "common/host/folder_watch.hpp"
#include "common/host/shutdown.hpp"

namespace guild::host {
namespace {

using namespace std::chrono_literals;

/// How long a daemon serves on for those that stop before it.
constexpr auto others_limit = 60s;
/// For a lock that is held by a process which has not written its pid yet.
constexpr auto look_again_after = 20ms;
/// The last resort against a service that never ends its drain; a worker's grace is up to an hour.
constexpr auto drain_limit = 70min;
constexpr auto last_lines_limit = 1s;
constexpr auto goodbye_limit = 500ms;

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::symlink_status(path, ignored));
}

// By number: glibc 2.36 declares pidfd_open without C linkage.
Fd open_process(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))); }

void remove_quietly(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

}  // namespace

// ---- What tells us to stop
// -----------------------------------------------------------------------

void Daemon::wait_for_signal() {
  boost::system::error_code ignored;
  signals_.add(SIGTERM, ignored);
  signals_.add(SIGINT, ignored);
  signals_.async_wait([this](const boost::system::error_code& problem, int number) {
    if (problem) return;
    on_signal(number);
    if (!ended_) wait_for_signal();
  });
}

void Daemon::on_signal(int number) {
  const std::string_view signal_name = number == SIGINT ? "SIGINT" : "SIGTERM";
  if (!draining_) return begin_drain(signal_name);
  complain(name_, fmt::format("cannot finish its drain: a second {} hurries it", signal_name));
  exit_code_ = 1;
  end_loop();
}

Result<void> Daemon::watch_shutdown_files() {
  GUILD_TRY(folder_watch_, watch_folder(loop_, home_.run(), [this] { look_for_shutdown_files(); }));
  // For one that came between the look before the start and the watch.
  boost::asio::post(loop_, [this] { look_for_shutdown_files(); });
  return {};
}

void Daemon::look_for_shutdown_files() {
  if (draining_) return;
  if (is_there(home_.shutdown(name_))) return begin_drain("its shutdown file");
  if (system_stop_seen_ || !is_there(home_.system_shutdown())) return;
  system_stop_seen_ = true;
  GUILD_LOG(info, "host", "system.shutdown is there: stops after the daemons started later");
  drain_timer_.expires_after(others_limit);
  drain_timer_.async_wait([this](const boost::system::error_code& problem) {
    if (problem || draining_) return;
    complain(name_, "cannot wait any longer for the daemons started later");
    begin_drain("system.shutdown, others still running");
  });
  stop_after_the_others();
}

/// Goes on serving until those that stop before us are gone: they drain by way of us.
void Daemon::stop_after_the_others() {
  if (draining_) return;
  for (const std::string_view other : started_after(name_)) {
    const auto holder = lock_holder(home_.lock(other));
    if (!holder) continue;
    Fd process = *holder > 0 ? open_process(*holder) : Fd();
    if (process) {
      awaited_end_ = std::make_unique<Readable>(loop_, std::move(process),
                                                [this] { stop_after_the_others(); });
      // It may have ended, and its pid been taken by another, before we opened it.
      if (lock_holder(home_.lock(other)) == holder) return;
    }
    look_timer_.expires_after(look_again_after);
    look_timer_.async_wait([this](const boost::system::error_code& problem) {
      if (!problem) stop_after_the_others();
    });
    return;
  }
  begin_drain("system.shutdown");
}

void Daemon::stop(std::optional<Error> error) {
  post([this, error = std::move(error)] {
    if (error) {
      complain(name_, "cannot go on: " + error->text());
      GUILD_LOG(critical, "host", "stops: {}", error->text());
      exit_code_ = 1;
    }
    begin_drain(error ? error->code : "its own wish");
  });
}

// ---- The drain
// -----------------------------------------------------------------------------------

void Daemon::begin_drain(std::string_view reason) {
  if (draining_) return;
  draining_ = true;
  GUILD_LOG(info, "host", "stopping: {}", reason);
  readiness_.draining();
  awaited_end_.reset();
  look_timer_.cancel();
  waiting_timer_.cancel();
  remove_quietly(home_.ready(name_));
  notify_manager("STOPPING=1\nSTATUS=draining");
  // Once the log consumer has drained, nobody takes in its own lines.
  if (name_ == "logconsumer") return ship_last_lines([this] { drain_service(); });
  drain_service();
}

void Daemon::drain_service() {
  drain_timer_.expires_after(drain_limit);
  drain_timer_.async_wait([this](const boost::system::error_code& problem) {
    if (problem || drained_) return;
    complain(name_, "cannot finish its drain in time and ends without");
    exit_code_ = 1;
    end_loop();
  });
  // Posted: the service may call back at once, or from another thread.
  service_->drain([this] { post([this] { service_drained(); }); });
}

void Daemon::service_drained() {
  if (drained_) return;
  drained_ = true;
  drain_timer_.cancel();
  if (name_ == "logconsumer") return end_loop();
  ship_last_lines([this] { end_loop(); });
}

bool Daemon::can_ship() const { return client_->connected() && log_consumer_present_; }

void Daemon::ship_last_lines(std::function<void()> then) {
  GUILD_LOG(info, "host", "ends after {} s",
            std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - started_at_).count());
  log::finish();
  if (!can_ship() || shipper_->drained()) return then();
  // Whichever comes first: both are answered through the timer, so `then` runs once.
  drain_timer_.expires_after(last_lines_limit);
  drain_timer_.async_wait([then = std::move(then)](const boost::system::error_code&) { then(); });
  shipper_->on_drained([this] { drain_timer_.cancel(); });
}

void Daemon::end_loop() {
  ended_ = true;
  loop_.stop();
}

// ---- The end
// -------------------------------------------------------------------------------------

int Daemon::run() {
  loop_.run();
  close_all();
  remove_files();
  return exit_code_;
}

void Daemon::close_all() {
  folder_watch_.reset();
  awaited_end_.reset();
  bus_readable_.reset();
  client_->close(goodbye_limit);
  service_.reset();
  shipper_.reset();
  log::stop();
}

void Daemon::remove_files() {
  remove_quietly(home_.ready(name_));
  remove_quietly(home_.shutdown(name_));
  const auto others = others_than(name_);
  const bool is_last = std::ranges::none_of(others, [this](std::string_view other) {
    return lock_holder(home_.lock(other)).has_value();
  });
  if (is_last) remove_quietly(home_.system_shutdown());
}

}  // namespace guild::host
