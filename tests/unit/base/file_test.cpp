#include "common/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "scratch_folder.hpp"

namespace {

constexpr std::size_t plenty = 1'000'000;

mode_t mode_of(const std::filesystem::path& path) {
  struct stat found{};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 07777U;
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace

TEST_CASE("a file holds exactly what was put in, any bytes") {
  const ScratchFolder folder;
  const std::string bytes("a\0b\nc\xff", 6);
  REQUIRE(guild::replace_file(folder / "f", bytes).has_value());
  CHECK(guild::read_file(folder / "f", plenty) == bytes);
  REQUIRE(guild::replace_file(folder / "f", "").has_value());
  CHECK(guild::read_file(folder / "f", plenty) == "");
}

TEST_CASE("a file larger than one read is read whole") {
  const ScratchFolder folder;
  const std::string big(100'001, 'x');
  REQUIRE(guild::replace_file(folder / "f", big).has_value());
  CHECK(guild::read_file(folder / "f", plenty) == big);
}

TEST_CASE("a file of just the largest size is read, one byte more is refused") {
  const ScratchFolder folder;
  REQUIRE(guild::replace_file(folder / "f", "12345").has_value());
  CHECK(guild::read_file(folder / "f", 5) == "12345");
  const auto refused = guild::read_file(folder / "f", 4);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == "file_too_large");
  CHECK(refused.error().message.find("4 bytes") != std::string::npos);
  CHECK(guild::read_file(folder / "f", 0).error().code == "file_too_large");
}

TEST_CASE("a file without an end is refused, not read for ever") {
  CHECK(guild::read_file("/dev/zero", plenty).error().code == "file_too_large");
}

TEST_CASE("a missing file and an unreadable one are told apart, by name") {
  const ScratchFolder folder;
  const auto missing = guild::read_file(folder / "none", plenty);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == "file_missing");
  CHECK(missing.error().kind == guild::ErrorKind::not_found);
  CHECK(missing.error().message.find((folder / "none").string()) != std::string::npos);
  CHECK(guild::read_file(folder.path(), plenty).error().code == "file_unreadable");
  CHECK(guild::read_file("", plenty).error().code == "file_missing");
}

TEST_CASE("replacing leaves one file, with the mode asked for") {
  const ScratchFolder folder;
  REQUIRE(guild::replace_file(folder / "f", "old").has_value());
  CHECK(mode_of(folder / "f") == 0600);
  REQUIRE(guild::replace_file(folder / "f", "new", 0644).has_value());
  CHECK(mode_of(folder / "f") == 0644);
  CHECK(guild::read_file(folder / "f", plenty) == "new");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a reader that holds the old file keeps the old content") {
  const ScratchFolder folder;
  REQUIRE(guild::replace_file(folder / "f", "old").has_value());
  const guild::Fd held(::open((folder / "f").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(guild::replace_file(folder / "f", "new!").has_value());
  std::array<char, 8> seen{};
  CHECK(::read(held.get(), seen.data(), seen.size()) == 3);
}

TEST_CASE("a replacement that fails leaves the old content and no debris") {
  const ScratchFolder folder;
  std::filesystem::create_directory(folder / "d");
  const auto over_folder = guild::replace_file(folder / "d", "text");
  REQUIRE_FALSE(over_folder.has_value());
  CHECK(over_folder.error().message.find("replace " + (folder / "d").string()) == 0);
  CHECK(std::filesystem::is_directory(folder / "d"));
  CHECK(folder.entries() == 1);
  CHECK_FALSE(guild::replace_file(folder / "none" / "f", "text").has_value());
  CHECK(folder.entries() == 1);
}

TEST_CASE("writing goes on after a pipe takes only a part") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const guild::Fd reader(ends[0]);
  guild::Fd writer(ends[1]);
  const std::string sent(300'000, 'x');
  std::size_t received = 0;
  std::thread drain([&] {
    std::array<char, 4096> chunk;
    for (ssize_t count; (count = ::read(reader.get(), chunk.data(), chunk.size())) > 0;) {
      received += static_cast<std::size_t>(count);
    }
  });
  const auto written = guild::write_all(writer.get(), sent);
  writer.reset();
  drain.join();
  CHECK(written.has_value());
  CHECK(received == sent.size());
}

TEST_CASE("a write that cannot be done says so") {
  CHECK(guild::write_all(-1, "").has_value());
  CHECK_FALSE(guild::write_all(-1, "x").has_value());
  const guild::Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  CHECK(guild::write_all(full.get(), "x").error().code == "disk_full");
}

TEST_CASE("a descriptor is closed once, by its last owner") {
  guild::Fd first(open_null());
  const int number = first.get();
  guild::Fd second(std::move(first));
  CHECK(second.get() == number);
  CHECK(is_open(number));
  guild::Fd third(open_null());
  const int overwritten = third.get();
  third = std::move(second);
  CHECK_FALSE(is_open(overwritten));
  CHECK(is_open(number));
  third.reset();
  CHECK_FALSE(is_open(number));
  CHECK_FALSE(static_cast<bool>(third));
  third.reset();
}

TEST_CASE("a released descriptor stays open, and a default one is none") {
  int number = -1;
  {
    guild::Fd fd(open_null());
    number = fd.release();
    CHECK_FALSE(static_cast<bool>(fd));
  }
  CHECK(is_open(number));
  ::close(number);
  CHECK_FALSE(static_cast<bool>(guild::Fd{}));
}
