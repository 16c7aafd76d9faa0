#include "scheduler/environment.hpp"

namespace guild::scheduler {

std::vector<std::string> worker_environment(const Lease& lease, const std::string& bot,
                                            const std::string& home) {
  return {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
          "HOME=" + home,
          "LANG=C.UTF-8",
          "GUILD_TASK_ID=" + lease.task.text(),
          "GUILD_TASK_ATTEMPT=" + std::to_string(lease.attempt),
          "GUILD_TASK_BOT=" + bot};
}

}  // namespace guild::scheduler
