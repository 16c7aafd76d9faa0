#include "common/host/process.hpp"

#include <sys/stat.h>
#include <catch2/catch.hpp>

#include <fstream>

#include "common/host/exit_code.hpp"
#include "tests/unit/base/scratch_folder.hpp"

using namespace guild;
namespace fs = std::filesystem;

TEST_CASE("a missing folder is made for us alone") {
  ScratchFolder scratch;
  REQUIRE(host::ensure_private_folder(scratch / "run"));
  CHECK(fs::status(scratch / "run").permissions() == fs::perms::owner_all);
  CHECK(host::ensure_private_folder(scratch / "run"));
}

TEST_CASE("a folder that others may write in is refused") {
  ScratchFolder scratch;
  fs::create_directory(scratch / "run");
  fs::permissions(scratch / "run", fs::perms(0775));
  const auto refused = host::ensure_private_folder(scratch / "run");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "folder_permissions");
  CHECK(host::exit_code(refused.error().kind) == 4);
  std::ofstream(scratch / "file") << "x";
  CHECK(host::ensure_private_folder(scratch / "file").error().code == "not_a_folder");
  CHECK_FALSE(host::ensure_private_folder(scratch / "not/there"));
}

TEST_CASE("a file made after a start is never older than it") {
  ScratchFolder scratch;
  for (int i = 0; i < 200; ++i) {
    const Instant start = host::file_clock_now();
    const auto path = scratch / ("f" + std::to_string(i));
    std::ofstream(path) << "x";
    struct stat found{};
    REQUIRE(::stat(path.c_str(), &found) == 0);
    const Instant written{static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1'000'000'000 +
                          found.st_mtim.tv_nsec};
    REQUIRE(written >= start);
  }
}

TEST_CASE("each kind of error has its exit code") {
  CHECK(host::exit_code(ErrorKind::failed) == 1);
  CHECK(host::exit_code(ErrorKind::invalid) == 2);
  CHECK(host::exit_code(ErrorKind::not_found) == 3);
  CHECK(host::exit_code(ErrorKind::denied) == 4);
  CHECK(host::exit_code(ErrorKind::timeout) == 5);
  CHECK(host::exit_code(ErrorKind::funds) == 6);
  CHECK(host::exit_code(ErrorKind::conflict) == 7);
}
