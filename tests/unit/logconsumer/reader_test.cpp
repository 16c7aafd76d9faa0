// The reader's thread: reads happen in order, elsewhere, and not more of them than it can hold.
#include <catch2/catch.hpp>

#include <future>

#include "logconsumer/reader.hpp"
#include "logconsumer/store.hpp"
#include "tests/unit/base/scratch_folder.hpp"

namespace guild::logconsumer {
namespace {

std::unique_ptr<storage::Connection> open(const ScratchFolder& folder) {
  storage::OpenOptions options;
  options.path = folder / "logs.db";
  options.key = Secret32::random();
  auto opened = storage::Connection::open(options);
  REQUIRE(opened.has_value());
  return std::move(*opened);
}

TEST_CASE("reads run in order on another thread") {
  const ScratchFolder folder;
  Reader reader(open(folder));
  std::vector<int> order;
  std::promise<std::thread::id> last;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(reader.submit([&order, i](storage::Connection&) { order.push_back(i); }).has_value());
  }
  REQUIRE(reader.submit([&](storage::Connection&) { last.set_value(std::this_thread::get_id()); })
              .has_value());
  CHECK(last.get_future().get() != std::this_thread::get_id());
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("a reader that has too much to do says so, and ends without doing it") {
  const ScratchFolder folder;
  std::promise<void> started, go_on;
  std::atomic<int> done = 0;
  {
    Reader reader(open(folder));
    REQUIRE(reader
                .submit([&](storage::Connection&) {
                  started.set_value();
                  go_on.get_future().wait();
                })
                .has_value());
    started.get_future().wait();
    for (std::size_t i = 0; i < Reader::waiting_max; ++i) {
      REQUIRE(reader.submit([&done](storage::Connection&) { ++done; }).has_value());
    }
    const auto refused = reader.submit([](storage::Connection&) {});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == "busy");
    CHECK(refused.error().kind == ErrorKind::exhausted);
    go_on.set_value();
  }
  CHECK(done <= static_cast<int>(Reader::waiting_max));
}

}  // namespace
}  // namespace guild::logconsumer
