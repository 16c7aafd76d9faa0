#include "scheduler/worker.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "common/base/text.hpp"
#include "scheduler/worker_spec.hpp"

namespace guild::scheduler {
namespace {

using boost::asio::posix::stream_descriptor;

constexpr std::size_t read_bytes = 65'536;

std::string describe(const worker::Report& report, const std::string& command) {
  const std::string cause = std::strerror(report.value);
  switch (report.step) {
    case worker::Step::execute:
      if (report.value == ENOENT && command.find('/') == std::string::npos)
        return fmt::format("cannot run {}: no such command in PATH", guild::quoted(command));
      return fmt::format("cannot run {}: {}", guild::quoted(command), cause);
    case worker::Step::change_directory:
      return "cannot enter the working folder: " + cause;
    case worker::Step::limit:
      return "cannot limit the command's resources: " + cause;
    case worker::Step::confine:
      return "cannot hide the suite's home from the command: " + cause;
    case worker::Step::fork:
      return "cannot make a process: " + cause;
    case worker::Step::read_order:
    case worker::Step::none:
      break;
  }
  return "guild-worker could not read its order: " + cause;
}

void send_order(int control, worker::Order order) {
  // It cannot fail but by the other end being gone, which `ended` tells.
  send(control, &order, sizeof order, MSG_NOSIGNAL);
}

}  // namespace

struct Worker::Io {
  Io(boost::asio::io_context& loop, Spawned spawned)
      : output(loop, spawned.output.release()),
        control(loop, spawned.control.release()),
        process(loop, spawned.process.release()) {}

  void close() {
    boost::system::error_code ignored;
    for (stream_descriptor* descriptor : {&output, &control, &process}) descriptor->close(ignored);
  }

  stream_descriptor output, control, process;
};

Result<std::shared_ptr<Worker>> Worker::spawn(boost::asio::io_context& loop,
                                              const WorkerSetup& setup, WorkerOrder order,
                                              WorkerEvents events) {
  std::string command_name = order.command.front();
  GUILD_TRY(Spawned spawned, scheduler::spawn(setup, std::move(order)));
  std::shared_ptr<Worker> worker(
      new Worker(loop, std::move(command_name), std::move(events), std::move(spawned)));
  worker->watch_output();
  worker->watch_control();
  worker->watch_process();
  return worker;
}

Worker::Worker(boost::asio::io_context& loop, std::string command_name, WorkerEvents events,
               Spawned spawned)
    : command_name_(std::move(command_name)), events_(std::move(events)), init_(spawned.pid) {
  io_ = std::make_shared<Io>(loop, std::move(spawned));
}

void Worker::go() {
  has_gone_ = true;
  if (!is_ended_) send_order(io_->control.native_handle(), worker::Order::go);
}

void Worker::ask_to_stop() {
  if (!is_ended_) send_order(io_->control.native_handle(), worker::Order::stop);
}

void Worker::kill() {
  if (is_ended_) return;
  ::kill(init_, SIGCONT);  // Whoever stopped it must not keep it from killing.
  send_order(io_->control.native_handle(), worker::Order::kill);
}

void Worker::resume_output() {
  if (!std::exchange(is_paused_, false) || is_ended_) return;
  watch_output();
}

void Worker::watch_output() {
  if (std::exchange(is_reading_, true)) return;
  io_->output.async_wait(stream_descriptor::wait_read,
                         [self = shared_from_this()](boost::system::error_code problem) {
                           self->is_reading_ = false;
                           if (problem || self->is_ended_ || self->is_paused_) return;
                           if (self->read_output() != Reading::closed) self->watch_output();
                         });
}

void Worker::watch_control() {
  io_->control.async_wait(stream_descriptor::wait_read,
                          [self = shared_from_this()](boost::system::error_code problem) {
                            if (problem || self->is_ended_) return;
                            if (self->read_reports() != Reading::closed) self->watch_control();
                          });
}

void Worker::watch_process() {
  io_->process.async_wait(stream_descriptor::wait_read,
                          [self = shared_from_this()](boost::system::error_code problem) {
                            if (!problem) self->check_ended();
                          });
}

Worker::Reading Worker::read_output() {
  static thread_local std::array<char, read_bytes> buffer;
  const ssize_t got = ::read(io_->output.native_handle(), buffer.data(), buffer.size());
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Reading::nothing_yet : Reading::closed;
  if (got == 0) return Reading::closed;
  events_.output({buffer.data(), static_cast<std::size_t>(got)});
  return Reading::some;
}

/// What the pipe still holds, and no more: an escaped process may go on writing for ever.
void Worker::read_rest_of_output() {
  const int capacity = fcntl(io_->output.native_handle(), F_GETPIPE_SZ);
  for (std::size_t read = 0; read < static_cast<std::size_t>(capacity); read += read_bytes)
    if (read_output() != Reading::some) return;
}

Worker::Reading Worker::read_reports() {
  worker::Report report;
  while (true) {
    const ssize_t got = recv(io_->control.native_handle(), &report, sizeof report, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? Reading::nothing_yet : Reading::closed;
    if (got == 0) return Reading::closed;
    if (got != sizeof report) continue;
    switch (report.kind) {
      case worker::ReportKind::ready:
        note_ready(report.value);
        break;
      case worker::ReportKind::not_started:
        report_.not_started = describe(report, command_name_);
        break;
      case worker::ReportKind::exited:
        report_.exit_code = report.value;
        break;
      case worker::ReportKind::signalled:
        report_.signal = report.value;
        break;
    }
  }
}

void Worker::note_ready(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat) return;  // It is gone already; the report of its end follows.
  command_ = pid;
  events_.ready(stat->mark);
}

void Worker::check_ended() {
  if (is_ended_) return;
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(init_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return;
  if (info.si_pid == 0) return;
  was_init_killed_ = info.si_code != CLD_EXITED;
  // Then the command's group is ours to end; what left the group is met by the owner of all
  // workers.
  if (was_init_killed_ && command_ > 0) ::kill(-command_, SIGKILL);
  read_reports();
  read_rest_of_output();
  waitpid(init_, nullptr, 0);
  is_ended_ = true;
  finish_report();
  io_->close();
  events_.ended(report_);
}

void Worker::finish_report() {
  if (!report_.not_started.empty()) {
    report_ = {.not_started = std::move(report_.not_started)};
  } else if (!has_gone_) {
    report_ = {.not_started = "it was ended before the command began"};
  } else if (was_init_killed_ || (!report_.exit_code && report_.signal == 0)) {
    report_ = {.signal = SIGKILL};
  }
}

}  // namespace guild::scheduler
