#include <catch2/catch.hpp>

#include "cli/bench_worker.hpp"
#include "cli/latencies.hpp"

using namespace guild;
using namespace guild::cli;
using namespace std::chrono_literals;

TEST_CASE("a share of the latencies is found within a bucket's width") {
  Latencies latencies;
  for (int us = 1; us <= 1'000; ++us) latencies.record(std::chrono::microseconds(us));
  CHECK(latencies.count() == 1'000);
  const auto within = [](Duration found, Duration exact) {
    return found >= exact && found.count() <= exact.count() + exact.count() / 32 + 1;
  };
  CHECK(within(latencies.at(0.5), 500us));
  CHECK(within(latencies.at(0.99), 990us));
  CHECK(within(latencies.at(1.0), 1'000us));
}

TEST_CASE("latencies from a nanosecond to hours have their place") {
  for (const Duration each : {Duration(0), Duration(1), Duration(31), Duration(32), Duration(63),
                              Duration(64), Duration(1h), Duration(10'000h)}) {
    Latencies latencies;
    latencies.record(each);
    CHECK(latencies.at(0.5) >= each);
    CHECK(latencies.at(0.5).count() <= each.count() + each.count() / 32 + 1);
  }
}

TEST_CASE("a clock that ran backwards counts as no time") {
  Latencies latencies;
  latencies.record(-5ns);
  CHECK(latencies.at(1.0) == 0ns);
  CHECK(latencies.count() == 1);
}

TEST_CASE("without latencies there is none") { CHECK(Latencies().at(0.5) == 0ns); }

TEST_CASE("what two processes measured adds up") {
  Latencies one, other, both;
  for (int i = 0; i < 100; ++i) {
    one.record(10us);
    other.record(20us);
    both.record(10us);
    both.record(20us);
  }
  one.add(other.buckets());
  CHECK(one.count() == 200);
  CHECK(one.buckets() == both.buckets());
}

TEST_CASE("order is kept for each publisher by itself") {
  OrderCheck order(2);
  CHECK(order.take(0, 0));
  CHECK(order.take(1, 0));
  CHECK(order.take(0, 1));
  CHECK(order.take(1, 1));
  CHECK(order.out_of_order() == 0);
}

TEST_CASE("a gap, a repeat and a late one are each seen once") {
  OrderCheck order(1);
  CHECK(order.take(0, 0));
  CHECK_FALSE(order.take(0, 2));  // 1 is missing
  CHECK(order.take(0, 3));
  CHECK_FALSE(order.take(0, 3));  // again
  CHECK_FALSE(order.take(0, 1));  // late
  CHECK(order.take(0, 4));
  CHECK(order.out_of_order() == 3);
}

TEST_CASE("each of a publisher's topics names its publisher") {
  for (const std::int64_t publisher : {0, 7, 63})
    for (const std::int64_t topic : {0, 1, 99})
      CHECK(publisher_of(bench_topic("5f0c", publisher, topic)) ==
            static_cast<std::size_t>(publisher));
}

TEST_CASE("a topic that names no publisher is not taken for one") {
  for (const std::string_view topic :
       {"", "/", "0", "bench/5f0c/", "bench/5f0c/x/1", "bench/5f0c/-1/1", "bench/5f0c/1x/1",
        "bench/5f0c//1", "bench/5f0c/99999999999999999999/1"}) {
    INFO(topic);
    CHECK_FALSE(publisher_of(topic));
  }
}

TEST_CASE("a payload's head is read back, and a payload without room for one has none") {
  std::string payload(static_cast<std::size_t>(bench_size_min), 'x');
  write_head(payload, {.number = 1ULL << 40U, .sent_ns = 123'456'789});
  const auto head = read_head(payload);
  REQUIRE(head);
  CHECK(head->number == 1ULL << 40U);
  CHECK(head->sent_ns == 123'456'789);
  payload.pop_back();
  CHECK_FALSE(read_head(payload));
}

TEST_CASE("a worker's report is read back as it was") {
  BenchReport report;
  report.messages = 3;
  report.out_of_order = 1;
  report.latencies = {{"7", 2}};
  const auto read = messages::decode<BenchReport>(messages::encode(report));
  REQUIRE(read);
  CHECK(read->messages == 3);
  CHECK(read->latencies == report.latencies);
}
