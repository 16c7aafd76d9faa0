// The queue of one subscriber by itself: order over both lanes, bounds, what a drop leaves behind.
#include "broker/outgoing_queue.hpp"

#include <catch2/catch.hpp>

#include "common/bus/frame.hpp"

namespace guild::broker {
namespace {

SharedRun run_of(SessionId publisher, std::uint64_t sequence, std::string_view topic,
                 const std::vector<std::string>& items) {
  bus::FrameWriter frame;
  for (std::size_t i = 0; i < items.size(); ++i)
    frame.publish_item(sequence + i, topic, false, items[i]);
  bus::FrameReader reader(frame.frame());
  const auto record = reader.next();
  return std::make_shared<const KeptRun>(Run{.publisher = publisher,
                                             .sequence = sequence,
                                             .count = static_cast<std::uint32_t>(items.size()),
                                             .topic = topic,
                                             .sender = "ada",
                                             .items = bus::read_publish(record->body)->items});
}

WaitingRun waiting(const SharedRun& run, Row& row) {
  return {.kept = run, .row = &row, .sequence = run->view().sequence, .count = run->view().count};
}

TEST_CASE("both lanes leave in the order of their arrival") {
  const Limits limits;
  OutgoingQueue queue(limits);
  Totals totals;
  Row row(totals);
  const SessionId ada{1};
  queue.keep(waiting(run_of(ada, 1, "a", {"1"}), row));
  REQUIRE(queue.keep_or_drop(waiting(run_of(ada, 2, "b", {"2"}), row)));
  queue.keep(waiting(run_of(ada, 3, "a", {"3"}), row));
  REQUIRE(queue.keep_or_drop(waiting(run_of(ada, 4, "b", {"4"}), row)));
  CHECK(queue.messages() == 4);
  CHECK(row.queued == 4);
  std::vector<std::uint64_t> order;
  while (const auto next = queue.take()) order.push_back(std::get<WaitingRun>(*next).sequence);
  CHECK(order == std::vector<std::uint64_t>{1, 2, 3, 4});
  CHECK(queue.empty());
  CHECK(queue.messages() == 0);
  CHECK(queue.bytes() == 0);
  CHECK(row.queued == 0);
}

TEST_CASE("neither messages nor bytes pass their limits, and all are accounted for") {
  Limits limits;
  SECTION("messages") { limits.queue_messages_max = 5; }
  SECTION("bytes") { limits.queue_bytes_max = 600; }
  OutgoingQueue queue(limits);
  Totals totals;
  Row row(totals);
  std::uint64_t sequence = 1;
  for (int i = 0; i < 50; ++i) {
    REQUIRE(queue.keep_or_drop(
        waiting(run_of(SessionId{1}, sequence, "a", {std::string(20, 'x'), "y", "z"}), row)));
    sequence += 3;
    CHECK_FALSE(queue.full());
    CHECK(row.queued + row.dropped[0] == sequence - 1);
    CHECK(row.queued == queue.messages());
  }
  const auto first = queue.take();
  const auto& gap = std::get<WaitingGap>(*first);
  CHECK(gap.first == 1);
  CHECK(gap.count == row.dropped[0]);
  CHECK(gap.last == gap.count);
  const auto second = queue.take();
  CHECK(std::get<WaitingRun>(*second).sequence == gap.last + 1);
}

TEST_CASE("more notices of loss than the limit: the queue gives up") {
  Limits limits;
  limits.queue_messages_max = 1;
  limits.gaps_max = 3;
  OutgoingQueue queue(limits);
  Totals totals;
  Row row(totals);
  bool hopeless = false;
  for (std::uint64_t i = 1; i <= 10 && !hopeless; ++i)
    hopeless = !queue.keep_or_drop(waiting(run_of(SessionId{i}, 1, "a", {"x"}), row));
  CHECK(hopeless);
  queue.lose_all(Loss::slow_consumer);
  CHECK(queue.empty());
  CHECK(row.queued == 0);
}

}  // namespace
}  // namespace guild::broker
