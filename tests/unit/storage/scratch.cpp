#include "tests/unit/storage/scratch.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include <fmt/format.h>

namespace guild::storage::test {
namespace {

Secret32 key_of(std::uint8_t first) {
  std::array<std::uint8_t, 32> bytes{};
  std::iota(bytes.begin(), bytes.end(), first);
  return Secret32(bytes);
}

}  // namespace

Folder::Folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "guild-storage-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> Folder::names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_))
    names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

Secret32 test_key() { return key_of(0xa0); }
Secret32 other_key() { return key_of(0x10); }

Retry FakeTime::retry() {
  Retry retry;
  retry.now = [this] { return now; };
  retry.chance = [this] { return chance; };
  retry.sleep = [this](Duration pause) {
    now += pause;
    pauses.push_back(pause);
    on_pause(pauses.size());
  };
  return retry;
}

Duration FakeTime::slept() const {
  return std::accumulate(pauses.begin(), pauses.end(), Duration::zero());
}

OpenOptions options_for(const std::filesystem::path& path, Mode mode) {
  OpenOptions options{.path = path, .key = test_key(), .mode = mode};
  options.busy_timeout_ms = 0;
  return options;
}

std::unique_ptr<Connection> opened(OpenOptions options) {
  return must(Connection::open(std::move(options)));
}

std::unique_ptr<Connection> opened(const std::filesystem::path& path, Mode mode) {
  return opened(options_for(path, mode));
}

Error refused(OpenOptions options) {
  auto connection = Connection::open(std::move(options));
  REQUIRE_FALSE(connection);
  return connection.error();
}

std::string bytes_of(const std::filesystem::path& path) {
  FILE* cat = popen(fmt::format("cat '{}'", path.string()).c_str(), "r");
  REQUIRE(cat != nullptr);
  std::string bytes;
  std::array<char, 65536> part{};
  while (const std::size_t size = fread(part.data(), 1, part.size(), cat))
    bytes.append(part.data(), size);
  REQUIRE(pclose(cat) == 0);
  return bytes;
}

void scribble(const std::filesystem::path& path, std::int64_t offset, std::string_view bytes) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    const ssize_t written = pwrite(fd, bytes.data(), bytes.size(), offset);
    _exit(written == static_cast<ssize_t>(bytes.size()) ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
}

std::string row_body(int row) {
  return fmt::format("the body of row {} {}", row, std::string(200, 'x'));
}

void fill(Connection& connection, int rows) {
  must(connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT"));
  must(connection.transaction([rows](Connection& at) -> Result<void> {
    for (int row = 1; row <= rows; ++row)
      GUILD_CHECK(at.execute("INSERT INTO t (id, body) VALUES (?1, ?2)", row, row_body(row)));
    return {};
  }));
}

std::int64_t count_rows(Connection& connection) {
  return must(connection.query_integer("SELECT count(*) FROM t")).value_or(-1);
}

}  // namespace guild::storage::test
