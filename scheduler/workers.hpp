// Workers: all attempts' processes of this scheduler, and whatever is left of them. This process is
// made a subreaper, so what loses its guild-worker (someone killed it) becomes our child: it is
// killed and reaped, and counted. No zombie stays. On the loop's thread alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "common/base/result.hpp"
#include "scheduler/worker.hpp"

namespace guild::scheduler {

class Workers {
 public:
  /// `loop` and this must outlive every worker.
  static Result<std::unique_ptr<Workers>> make(boost::asio::io_context& loop, WorkerSetup setup);

  Result<std::shared_ptr<Worker>> spawn(WorkerOrder order, WorkerEvents events);
  std::size_t count() const { return by_init_.size(); }
  /// Processes that had lost their guild-worker and were ended here.
  std::uint64_t orphans_ended() const { return orphans_ended_; }

 private:
  Workers(boost::asio::io_context& loop, WorkerSetup setup)
      : loop_(loop), setup_(std::move(setup)), child_ended_(loop) {}
  void watch_children();
  void reap();
  void end_guardian_of(pid_t command);
  void kill_adopted();
  void forget(pid_t init);

  boost::asio::io_context& loop_;
  const WorkerSetup setup_;
  boost::asio::signal_set child_ended_;
  std::unordered_map<pid_t, std::shared_ptr<Worker>> by_init_;
  std::uint64_t orphans_ended_ = 0;
};

}  // namespace guild::scheduler
