#include "scheduler/confinement.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/unit/base/scratch_folder.hpp"
#include "tests/unit/scheduler/attempt.hpp"

using namespace guild::scheduler;
using namespace guild::scheduler::testing;
namespace fs = std::filesystem;

namespace {

/// A home with a secret in it, and something that is none beside it.
struct House {
  House() {
    for (const char* name : {"keys", "data", "work"}) fs::create_directories(root() / name);
    std::ofstream(root() / "keys/secret") << "the secret";
    std::ofstream(root() / "work/input") << "plain";
    std::ofstream(root() / "guild.toml") << "settings";
    fs::create_symlink(root() / "keys", root() / "work/link");
  }
  fs::path root() const { return fs::canonical(scratch.path()); }
  std::vector<std::string> hidden() const {
    return {(root() / "keys").string(), (root() / "data").string(), (root() / "run").string()};
  }
  ScratchFolder scratch;
};

}  // namespace

TEST_CASE("a confined command reaches its work and the system, but not what is hidden") {
  if (landlock_abi() == 0) {
    WARN("this kernel has no Landlock: nothing to test");
    return;
  }
  const House house;
  Field field(house.hidden());
  const auto shell = [&](const std::string& script) {
    return run_shell(field, "cd " + house.root().string() + "; " + script + " 2>&1");
  };
  CHECK(shell("cat work/input guild.toml").output == "plainsettings");
  CHECK(shell("echo new > work/output && cat work/output").output == "new\n");
  for (const char* attack :
       {"cat keys/secret", "cat work/link/secret", "cat work/../keys/secret", "ls keys",
        "touch data/forged", "mv keys work/stolen", "ln keys/secret work/stolen", "rm keys/secret",
        "rmdir data", "mkdir run", "mount --bind keys work"}) {
    INFO(attack);
    const Attempt attempt = shell(attack);
    CHECK(attempt.report->exit_code != 0);
    CHECK_FALSE(attempt.has_printed("the secret"));
  }
  CHECK(fs::exists(house.root() / "keys/secret"));
}

TEST_CASE("a confined command can neither signal nor look into the daemons, nor read a disk") {
  if (landlock_abi() < 6) {
    WARN("this kernel's Landlock scopes no signals: nothing to test");
    return;
  }
  const House house;
  Field field(house.hidden());
  const std::string self = std::to_string(getpid());
  CHECK(run_shell(field, "kill -0 " + self).report->exit_code != 0);
  CHECK(run_shell(field, "kill -0 $PPID").report->exit_code != 0);
  CHECK(run_shell(field, "cat /proc/" + self + "/root" + (house.root() / "keys/secret").string())
            .report->exit_code != 0);
  CHECK(run_shell(field, "cat /proc/" + self + "/environ").report->exit_code != 0);
  CHECK(run_shell(field,
                  "for disk in /dev/*; do [ -b $disk ] && head -c1 $disk && exit 0; done; exit 1")
            .report->exit_code == 1);
  CHECK(run_shell(field, "echo x > /dev/null && head -c1 /dev/zero >/dev/null").report->exit_code ==
        0);
  CHECK(run_shell(field, "sleep 1000 & kill $!").report->exit_code == 0);
}

TEST_CASE("confinement that was ordered and cannot be had runs nothing") {
  // An argument too many for guild-worker stands for any order that it cannot carry out.
  Field field;
  WorkerOrder order = order_for({"true"});
  order.environment.resize(40, "A=1");
  const Attempt attempt = run_to_end(field, std::move(order));
  CHECK(attempt.report->not_started == "guild-worker could not read its order: Bad message");
}
