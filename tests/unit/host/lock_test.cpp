#include "common/host/lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <atomic>
#include <fstream>
#include <optional>
#include <thread>

#include "tests/unit/base/scratch_folder.hpp"

using namespace guild;
using host::Lock;
using host::lock_holder;

TEST_CASE("a lock is held by one, who is named") {
  ScratchFolder scratch;
  const auto path = scratch / "ledgerd.lock";
  CHECK_FALSE(lock_holder(path));
  {
    const auto lock = Lock::take(path, "ledgerd");
    REQUIRE(lock);
    CHECK(lock_holder(path) == ::getpid());
    CHECK(*read_file(path, 64) == fmt::format("{}\n", ::getpid()));
    struct stat found{};
    REQUIRE(::stat(path.c_str(), &found) == 0);
    CHECK((found.st_mode & 077U) == 0);

    const auto second = Lock::take(path, "ledgerd");
    REQUIRE_FALSE(second);
    CHECK(second.error().code == "already_running");
    CHECK(second.error().kind == ErrorKind::conflict);
    CHECK(second.error().message.find(fmt::format("pid {}", ::getpid())) != std::string::npos);
    CHECK(lock_holder(path) == ::getpid());
  }
  CHECK_FALSE(lock_holder(path));
  CHECK(read_file(path, 64)->empty());
  CHECK(Lock::take(path, "ledgerd"));
}

TEST_CASE("a file that a killed process left locks nobody out") {
  ScratchFolder scratch;
  const auto path = scratch / "ledgerd.lock";
  std::ofstream(path) << "1\n";
  CHECK_FALSE(lock_holder(path));
  CHECK(Lock::take(path, "ledgerd"));
}

TEST_CASE("a holder that names nobody is still a holder") {
  ScratchFolder scratch;
  const auto path = scratch / "ledgerd.lock";
  const Fd other(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(::flock(other.get(), LOCK_EX) == 0);
  CHECK(lock_holder(path) == 0);
  const auto refused = Lock::take(path, "ledgerd");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "already_running");
}

TEST_CASE("a look at the lock never makes a start fail") {
  ScratchFolder scratch;
  const auto path = scratch / "ledgerd.lock";
  std::ofstream(path).flush();
  std::atomic<bool> enough = false;
  std::thread looker([&] {
    while (!enough) (void)lock_holder(path);
  });
  int refused = 0;
  for (int i = 0; i < 2'000; ++i) refused += Lock::take(path, "ledgerd") ? 0 : 1;
  enough = true;
  looker.join();
  CHECK(refused == 0);
}

TEST_CASE("a lock that is a link is refused") {
  ScratchFolder scratch;
  std::ofstream(scratch / "victim") << "precious";
  std::filesystem::create_symlink(scratch / "victim", scratch / "ledgerd.lock");
  CHECK_FALSE(Lock::take(scratch / "ledgerd.lock", "ledgerd"));
  CHECK(*read_file(scratch / "victim", 64) == "precious");
}
