// Service: the scheduler's messages (common/messages/scheduler.hpp) in, outcomes out. It
// authorizes, asks ledgerd what it must know, hands the rest to the runner, and tells the log, the
// bus and whoever waits about every transition once it is on disk.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/host/host.hpp"
#include "common/messages/scheduler.hpp"
#include "scheduler/authority.hpp"
#include "scheduler/charges.hpp"
#include "scheduler/folders.hpp"
#include "scheduler/runner.hpp"
#include "scheduler/store.hpp"
#include "scheduler/waiters.hpp"
#include "scheduler/workers.hpp"

namespace guild::scheduler {

class Service final : public host::Service {
 public:
  /// Opens the store, recovers, serves. Failure to recover stops the start.
  static Result<std::unique_ptr<host::Service>> start(host::Host& host);

  void drain(std::function<void()> done) override;
  std::map<std::string, std::int64_t> counters() const override;

 private:
  using OnTask = host::Answer<messages::Task>;
  struct Parts {
    Authority authority;
    Folders folders;
    std::unique_ptr<Store> store{};
    std::unique_ptr<Workers> workers{};
    bool is_confined = false;
  };

  Service(host::Host& host, Parts parts);
  Result<void> recover();
  void serve();

  void submit(messages::SubmitTask request, const OnTask& answer);
  void submit_checked(NewTask task, const OnTask& answer);
  void show(const messages::GetTask& request, const OnTask& answer);
  void list(const messages::ListTasks& request, const host::Answer<messages::TasksPage>& answer);
  void logs(const messages::GetTaskOutput& request,
            const host::Answer<messages::TaskOutput>& answer);
  void cancel(const messages::CancelTask& request, const OnTask& answer);
  void wait(const messages::WaitTask& request, const OnTask& answer);

  Result<StoredTask> find(const Uuid& id);
  Result<messages::Task> shown(const Uuid& id);
  /// Whether the bot lives and can pay `cost` now.
  void check_bot(const std::string& handle, Money cost, std::function<void(Result<void>)> then);
  void ask_for_charge(const messages::ChargeTask& charge, Charges::OnReceipt answer);

  void changed(const StoredTask& task);
  void charge_settled(const Lease& lease);
  void publish(const messages::Task& task);
  void session_changed(const bus::SessionEvent& event);

  host::Host& host_;
  const Authority authority_;
  const Folders folders_;
  const bool is_confined_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Workers> workers_;
  Waiters waiters_;
  Charges charges_;
  Runner runner_;
  std::map<messages::TaskState, std::int64_t> ended_counts_;
  std::int64_t charges_pending_ = 0, events_lost_ = 0;
  std::vector<messages::Task> recovered_;  ///< To be told once there is a session.
};

}  // namespace guild::scheduler
