#include "common/base/secret.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <new>

#include "scratch_folder.hpp"

namespace fs = std::filesystem;

namespace {

const std::string hex64 = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

void put(const fs::path& path, std::string_view text, unsigned mode = 0600) {
  std::ofstream(path, std::ios::binary) << text;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

template <class T>
guild::Error error_of(const guild::Result<T>& result) {
  REQUIRE_FALSE(result.has_value());
  return result.error();
}

bool tells(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a secret file is read without its line end") {
  const ScratchFolder folder;
  put(folder / "a", "abc");
  put(folder / "b", "abc\n");
  put(folder / "c", "abc\r\n");
  put(folder / "d", "abc", 0400);
  for (const char* name : {"a", "b", "c", "d"}) {
    CHECK(guild::read_secret_text(folder / name) == "abc");
  }
}

TEST_CASE("a secret of 32 bytes is read from 64 hex digits") {
  const ScratchFolder folder;
  put(folder / "key", hex64 + "\n");
  const auto secret = guild::read_secret32(folder / "key");
  REQUIRE(secret.has_value());
  CHECK(secret->reveal()[0] == 0x00);
  CHECK(secret->reveal()[15] == 0xff);
  CHECK(secret->reveal()[31] == 0xff);
  CHECK(secret->reveal()[26] == 0xaa);
}

TEST_CASE("a secret file that others may read, write or run is refused, with its mode") {
  const ScratchFolder folder;
  for (const unsigned mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0601U, 0777U}) {
    put(folder / "key", hex64, mode);
    const guild::Error error = error_of(guild::read_secret_text(folder / "key"));
    CHECK(error.code == "secret_permissions");
    CHECK(error.kind == guild::ErrorKind::denied);
    CHECK(tells(error.message, (folder / "key").string()));
    CHECK(tells(error.next_step, "run: chmod 600 " + (folder / "key").string()));
  }
  CHECK(tells(error_of(guild::read_secret_text(folder / "key")).message, "0777"));
}

TEST_CASE("a secret file in a folder where others may write is refused") {
  const ScratchFolder folder;
  put(folder / "key", hex64);
  for (const mode_t mode : {0770U, 0702U, 01777U}) {
    REQUIRE(::chmod(folder.path().c_str(), mode) == 0);
    const guild::Error error = error_of(guild::read_secret_text(folder / "key"));
    CHECK(error.code == "secret_permissions");
    CHECK(error.next_step == "run: chmod 700 " + folder.path().string());
  }
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  CHECK(guild::read_secret_text(folder / "key").has_value());
}

TEST_CASE("a secret file of another user is refused") {
  if (::geteuid() != 0) {
    WARN("skipped: only root can give a file away");
    return;
  }
  const ScratchFolder folder;
  put(folder / "key", hex64);
  REQUIRE(::chown((folder / "key").c_str(), 65'534, 65'534) == 0);
  const guild::Error error = error_of(guild::read_secret_text(folder / "key"));
  CHECK(error.code == "secret_permissions");
  CHECK(tells(error.message, "65534"));
  CHECK(tells(error.next_step, "chown"));
}

TEST_CASE("only a regular file is a secret file") {
  const ScratchFolder folder;
  put(folder / "key", hex64);
  fs::create_symlink(folder / "key", folder / "link");
  fs::create_directory(folder / "dir");
  fs::permissions(folder / "dir", fs::perms::owner_all);
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  for (const char* name : {"link", "dir", "fifo"}) {
    INFO(name);
    CHECK(error_of(guild::read_secret_text(folder / name)).code == "secret_permissions");
  }
}

TEST_CASE("a missing secret file is named, with the way to make it") {
  const ScratchFolder folder;
  const guild::Error error = error_of(guild::read_secret_text(folder / "none"));
  CHECK(error.code == "secret_missing");
  CHECK(error.kind == guild::ErrorKind::not_found);
  CHECK(tells(error.message, (folder / "none").string()));
  CHECK_FALSE(error.next_step.empty());
  CHECK(error_of(guild::read_secret_text(folder / "no" / "none")).code == "secret_missing");
}

TEST_CASE("an empty or huge secret file is malformed") {
  const ScratchFolder folder;
  put(folder / "empty", "");
  put(folder / "line", "\n");
  put(folder / "huge", std::string(65'537, 'a'));
  put(folder / "large", std::string(65'536, 'a'));
  for (const char* name : {"empty", "line", "huge"}) {
    INFO(name);
    CHECK(error_of(guild::read_secret_text(folder / name)).code == "secret_format");
  }
  CHECK(guild::read_secret_text(folder / "large").has_value());
  CHECK(error_of(guild::read_secret_text(folder / "large", 65'535)).code == "secret_format");
}

TEST_CASE("anything but 64 hex digits is no key, and no error repeats it") {
  const ScratchFolder folder;
  std::string not_hex = hex64;
  not_hex[40] = 'g';
  for (const std::string& text :
       {hex64.substr(1), hex64.substr(2), hex64 + "0", hex64 + "00", not_hex, " " + hex64,
        hex64 + " ", hex64 + "\n\n", "0x" + hex64.substr(2)}) {
    put(folder / "key", text);
    const guild::Error error = error_of(guild::read_secret32(folder / "key"));
    CHECK(error.code == "secret_format");
    CHECK(error.kind == guild::ErrorKind::invalid);
    CHECK(tells(error.text(), (folder / "key").string()));
    CHECK_FALSE(tells(error.text(), "223344"));
  }
}

TEST_CASE("a written secret can be read by us alone, whatever the umask") {
  const ScratchFolder folder;
  const mode_t before = ::umask(0777);
  const auto written = guild::write_secret_text(folder / "key", hex64);
  ::umask(before);
  REQUIRE(written.has_value());
  CHECK(guild::read_secret_text(folder / "key") == hex64);
  struct stat found{};
  REQUIRE(::stat((folder / "key").c_str(), &found) == 0);
  CHECK((found.st_mode & 07777U) == 0600);
}

TEST_CASE("a secret is never overwritten, nor written through a link") {
  const ScratchFolder folder;
  REQUIRE(guild::write_secret_text(folder / "key", "first").has_value());
  const guild::Error error = error_of(guild::write_secret_text(folder / "key", "second"));
  CHECK(error.code == "file_exists");
  CHECK(error.kind == guild::ErrorKind::conflict);
  CHECK_FALSE(tells(error.text(), "second"));
  CHECK(guild::read_secret_text(folder / "key") == "first");
  fs::create_symlink(folder / "elsewhere", folder / "link");
  CHECK(error_of(guild::write_secret_text(folder / "link", "x")).code == "file_exists");
  CHECK_FALSE(fs::exists(folder / "elsewhere"));
}

TEST_CASE("a secret is not written where others may write, nor where there is no folder") {
  const ScratchFolder folder;
  REQUIRE(::chmod(folder.path().c_str(), 0770) == 0);
  CHECK(error_of(guild::write_secret_text(folder / "key", "x")).code == "secret_permissions");
  CHECK(folder.entries() == 0);
  CHECK(error_of(guild::write_secret_text(folder / "no" / "key", "x")).code == "secret_missing");
}

TEST_CASE("random secrets differ") {
  CHECK(guild::Secret32::random().reveal() != guild::Secret32::random().reveal());
}

TEST_CASE("a secret wipes its bytes when it dies") {
  std::array<std::uint8_t, 16> pattern{};
  pattern.fill(0xA5);
  alignas(guild::Secret<16>) std::array<std::uint8_t, sizeof(guild::Secret<16>)> memory{};
  auto* secret = new (memory.data()) guild::Secret<16>(pattern);
  REQUIRE(std::count(memory.begin(), memory.end(), 0xA5) == 16);
  secret->~Secret();
  // Read through volatile: the compiler may hold the bytes of a dead object for unknown.
  const volatile std::uint8_t* left = memory.data();
  for (std::size_t i = 0; i < 16; ++i) CHECK(left[i] == 0);
}
