#include "common/bus/outbox.hpp"

#include <catch2/catch.hpp>

#include "common/bus/ring.hpp"

using namespace guild::bus;

namespace {

constexpr std::size_t plenty = 64U << 20U;

/// Sends all that may go; answers the kinds of the records, frame by frame.
std::vector<std::vector<Kind>> drain(Outbox& outbox) {
  std::vector<std::vector<Kind>> frames;
  for (auto frame = outbox.next(); !frame.empty(); frame = outbox.next()) {
    frames.emplace_back();
    FrameReader reader(frame);
    while (const auto record = reader.next()) frames.back().push_back(record->kind);
    CHECK(reader.ok());
    outbox.sent();
  }
  return frames;
}

}  // namespace

TEST_CASE("a single record goes at once; a burst shares frames of at most 64 KiB") {
  Outbox outbox(plenty);
  outbox.grant(1'000'000, 1'000'000);
  outbox.publish(1, "a/b", false, "x");
  CHECK_FALSE(outbox.has_full_frame());
  CHECK(drain(outbox).size() == 1);
  CHECK(outbox.empty());

  const std::string payload(1'000, 'x');
  for (std::uint64_t i = 2; i < 202; ++i) outbox.publish(i, "a/b", false, payload);
  CHECK(outbox.has_full_frame());
  std::size_t frames = 0, bytes = 0;
  for (auto frame = outbox.next(); !frame.empty(); frame = outbox.next(), ++frames) {
    CHECK(frame.size() <= Outbox::frame_bytes_target);
    bytes += frame.size();
    outbox.sent();
  }
  CHECK(frames == 4);
  CHECK(bytes > 200'000);
  CHECK(outbox.empty());
}

TEST_CASE("a record larger than a frame's target is a frame of its own") {
  Outbox outbox(plenty);
  outbox.grant(10'000'000, 100);
  outbox.publish(1, "a/b", false, "small");
  outbox.publish(2, "a/b", false, std::string(payload_bytes_max, 'x'));
  outbox.publish(3, "a/b", false, "small");
  const auto frames = drain(outbox);
  CHECK(frames.size() == 3);
}

TEST_CASE("data waits for credit in bytes and in messages; control does not wait") {
  Outbox outbox(plenty);
  outbox.publish(1, "a/b", false, "x");
  outbox.control(Kind::subscribe, 1, "a/b");
  CHECK(drain(outbox) == std::vector<std::vector<Kind>>{{Kind::subscribe}});
  CHECK_FALSE(outbox.empty());
  SECTION("bytes alone are not enough") {
    outbox.grant(1, 0);
    CHECK(drain(outbox).empty());
  }
  SECTION("messages alone are not enough") {
    outbox.grant(0, 1);
    CHECK(drain(outbox).empty());
  }
  SECTION("above zero in both is enough for one frame") {
    outbox.grant(1, 1);
    CHECK(drain(outbox).size() == 1);
    outbox.publish(2, "a/b", false, "y");
    CHECK(drain(outbox).empty());
    outbox.grant(1, 1);  // Not enough to lift the bytes above zero again.
    CHECK(drain(outbox).empty());
    outbox.grant(100, 1);
    CHECK(drain(outbox).size() == 1);
  }
}

TEST_CASE("a cancel follows its request and costs nothing") {
  Outbox outbox(plenty);
  outbox.grant(1'000, 10);
  outbox.request(1, "s/x", 10, "q");
  outbox.cancel(1);
  CHECK(drain(outbox) == std::vector<std::vector<Kind>>{{Kind::request, Kind::cancel}});
  const std::size_t room = outbox.room();
  outbox.cancel(1);
  CHECK(outbox.room() == room);
  outbox.grant(0, 0);
  CHECK(drain(outbox).size() == 1);
}

TEST_CASE("room counts what is queued, and is zero when either credit is used up") {
  Outbox outbox(plenty);
  CHECK(outbox.room() == 0);
  outbox.grant(1'000, 2);
  CHECK(outbox.room() == 1'000);
  outbox.publish(1, "a/b", false, std::string(100, 'x'));
  CHECK(outbox.room() == 1'000 - (16 + 3 + 1 + 4 + 100));
  outbox.publish(2, "a/b", false, "x");
  CHECK(outbox.room() == 0);  // Two messages.
  drain(outbox);
  CHECK(outbox.room() == 0);
  outbox.grant(0, 1);
  CHECK(outbox.room() == 1'000 - (16 + 3 + 1 + 4 + 100) - (4 + 1));
}

TEST_CASE("publishes leave the last quarter of the window to calls") {
  Outbox outbox(plenty);
  outbox.open_window(1'000, 1'000);
  CHECK(outbox.room() == 750);
  for (std::uint64_t i = 1; i <= 5; ++i) outbox.publish(i, "a/b", false, std::string(60'000, 'x'));
  CHECK(drain(outbox).size() == 1);  // Larger than a quarter: from half the window on.
  outbox.grant(59'024 + 499, 1);     // A little under half the window.
  CHECK(drain(outbox).empty());
  CHECK(outbox.room() == 0);
  outbox.request(1, "s/x", 10, "q");
  outbox.reply(1, false, "r");
  outbox.cancel(1);
  CHECK(drain(outbox) ==
        std::vector<std::vector<Kind>>{{Kind::request, Kind::reply, Kind::cancel}});
  outbox.grant(500 - 499 + 24 + 18, 3);  // And what the calls took.
  CHECK(drain(outbox).size() == 1);
}

TEST_CASE("small publishes stop before the kept quarter, in bytes and in messages") {
  Outbox outbox(plenty);
  SECTION("bytes") { outbox.open_window(1'000, 1'000'000); }
  SECTION("messages") { outbox.open_window(1'000'000, 8); }
  std::size_t sent = 0;
  for (std::uint64_t i = 1; i <= 100; ++i) {
    outbox.publish(i, "a/b", false, std::string(76, 'x'));
    sent += drain(outbox).size();
  }
  CHECK((sent == 7 || sent == 6));
  outbox.request(1, "s/x", 10, "q");
  CHECK(drain(outbox).size() == 1);
}

TEST_CASE("calls and publishes leave in the order in which they were begun, when both may") {
  Outbox outbox(plenty);
  outbox.grant(1'000'000, 1'000);
  outbox.publish(1, "a/b", false, "x");
  outbox.request(1, "s/x", 10, "q");
  CHECK(drain(outbox) == std::vector<std::vector<Kind>>{{Kind::publish}, {Kind::request}});
  outbox.request(2, "s/x", 10, "q");
  outbox.publish(2, "a/b", false, "x");
  CHECK(drain(outbox) == std::vector<std::vector<Kind>>{{Kind::request}, {Kind::publish}});
}

TEST_CASE("the limit holds, and space comes back when frames leave") {
  Outbox outbox(1'000);
  CHECK(outbox.fits(1'000));
  CHECK_FALSE(outbox.fits(1'001));
  outbox.publish(1, "a/b", false, std::string(900, 'x'));
  CHECK_FALSE(outbox.fits(100));
  outbox.grant(5'000, 5);
  drain(outbox);
  CHECK(outbox.fits(1'000));
}

TEST_CASE("a reset drops everything, credit too, and says how many items it dropped") {
  Outbox outbox(plenty);
  outbox.grant(1'000'000, 1'000'000);
  for (std::uint64_t i = 1; i <= 300; ++i) outbox.publish(i, "a/b", true, std::string(1'000, 'x'));
  outbox.request(1, "s/x", 10, "q");
  outbox.control(Kind::subscribe, 1, "a/b");
  CHECK(outbox.reset() == 300);
  CHECK(outbox.empty());
  CHECK(outbox.next().empty());
  CHECK(outbox.room() == 0);
  CHECK(outbox.reset() == 0);
}

TEST_CASE("credit without end does not overflow") {
  Outbox outbox(plenty);
  for (int i = 0; i < 3; ++i) outbox.grant(0xFFFF'FFFF'FFFF'FFFF, 0xFFFF'FFFF);
  CHECK(outbox.room() == plenty);
}

TEST_CASE("many control records are split into frames too") {
  Outbox outbox(plenty);
  const std::string pattern(240, 'x');
  for (std::uint64_t i = 0; i < 6'000; ++i) outbox.control(Kind::subscribe, i, pattern);
  std::size_t records = 0;
  for (const auto& frame : drain(outbox)) records += frame.size();
  CHECK(records == 6'000);
}

TEST_CASE("a ring keeps order while it grows and wraps") {
  Ring<std::string> ring;
  std::size_t in = 0, out = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < round % 37; ++i) ring.push_back(std::to_string(in++));
    for (int i = 0; i < round % 29 && !ring.empty(); ++i)
      CHECK(ring.pop_front() == std::to_string(out++));
    for (std::size_t i = 0; i < ring.size(); ++i) CHECK(ring[i] == std::to_string(out + i));
  }
}
