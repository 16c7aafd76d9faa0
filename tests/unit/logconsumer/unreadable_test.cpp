// What stands in for a record that does not decode.
#include <catch2/catch.hpp>

#include "common/messages/codec.hpp"
#include "logconsumer/unreadable.hpp"

namespace guild::logconsumer {
namespace {

const Error why{ErrorKind::invalid, "field_unknown", "field colour: there is no such field", ""};
const std::string boot = "01890a5d-ac96-774b-bcce-b302099a8057";

std::optional<messages::LogRecord> stand_in(const std::string& payload) {
  return stand_in_for(payload, why, Instant{7});
}

TEST_CASE("a record with a number of its own keeps it, and says what was wrong") {
  const auto record =
      stand_in(R"({"boot":")" + boot + R"(","seq":7,"oldest":true,"colour":"red"})");
  REQUIRE(record.has_value());
  CHECK(record->boot.text() == boot);
  CHECK(record->seq == 7);
  CHECK(record->oldest == true);
  CHECK(record->level == messages::LogLevel::error);
  CHECK(record->time == Instant{7});
  CHECK(record->message.value == "a log record could not be read: " + why.message);
  CHECK(messages::decode<messages::LogRecord>(messages::encode(*record)).has_value());
}

TEST_CASE("one without is nothing") {
  for (const std::string& payload :
       {std::string("not json"), std::string("[]"), std::string("{}"),
        "{\"boot\":\"" + boot + "\"}", "{\"boot\":\"" + boot + "\",\"seq\":\"7\"}",
        std::string(R"({"boot":"x","seq":7})"), std::string(R"({"boot":7,"seq":7})")}) {
    INFO(payload);
    CHECK_FALSE(stand_in(payload).has_value());
  }
}

}  // namespace
}  // namespace guild::logconsumer
