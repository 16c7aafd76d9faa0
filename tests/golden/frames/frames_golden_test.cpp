// Our writer makes exactly the golden bytes from their description, and our reader finds the
// description in them. The bytes were made without our code (make_frames.py).
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "common/bus/frame.hpp"

using namespace guild;
using namespace guild::bus;
using Json = nlohmann::json;

namespace {

const std::map<std::string, Kind> kinds{
    {"HELLO", Kind::hello},
    {"SUBSCRIBE", Kind::subscribe},
    {"UNSUBSCRIBE", Kind::unsubscribe},
    {"SERVE", Kind::serve},
    {"UNSERVE", Kind::unserve},
    {"PUBLISH", Kind::publish},
    {"REQUEST", Kind::request},
    {"REPLY", Kind::reply},
    {"CREDIT", Kind::credit},
    {"WATCH", Kind::watch},
    {"GOODBYE", Kind::goodbye},
    {"PING", Kind::ping},
    {"CANCEL", Kind::cancel},
    {"WELCOME", Kind::welcome},
    {"REFUSED", Kind::refused},
    {"DONE", Kind::done},
    {"DENIED", Kind::denied},
    {"DELIVER", Kind::deliver},
    {"ACK", Kind::ack},
    {"GAP", Kind::gap},
    {"CREDIT_GRANT", Kind::credit_grant},
    {"REQUEST_DELIVERY", Kind::request_delivery},
    {"REPLY_DELIVERY", Kind::reply_delivery},
    {"FAILED", Kind::failed},
    {"PRESENCE", Kind::presence},
    {"PONG", Kind::pong},
    {"CANCELLED", Kind::cancelled},
};

std::filesystem::path folder() {
  const char* from_meson = std::getenv("GUILD_GOLDEN_FRAMES");
  return from_meson != nullptr ? from_meson : "tests/golden/frames";
}

std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::filesystem::path> descriptions() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    if (entry.path().extension() == ".json" && entry.path().stem() != "malformed")
      paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

std::string bytes_of(const Json& hex) {
  const auto bytes = from_hex(hex.get<std::string>());
  REQUIRE(bytes.has_value());
  return std::string(as_text(*bytes));
}

/// A record of the description, with its numbers as numbers.
struct Described {
  explicit Described(const Json& json) : json_(json) {}

  Kind kind() const { return kinds.at(json_.at("kind").get<std::string>()); }
  std::string text(const char* name) const { return json_.value(name, ""); }
  std::uint64_t number() const { return std::stoull(text("number")); }
  std::string payload() const { return bytes_of(json_.at("payload_hex")); }
  std::vector<std::string> items() const {
    std::vector<std::string> items;
    for (const Json& item : json_.at("items_hex")) items.push_back(bytes_of(item));
    return items;
  }
  std::string names() const {
    std::string joined;
    for (const Json& name : json_.value("names", Json::array()))
      joined += (joined.empty() ? "" : "\n") + name.get<std::string>();
    return joined;
  }
  std::string instance() const { return bytes_of(json_.at("fields").at("instance")); }
  template <class Integer>
  Integer field(const char* name) const {
    const Json& value = json_.at("fields").at(name);
    return static_cast<Integer>(value.is_string() ? std::stoull(value.get<std::string>())
                                                  : value.get<std::uint64_t>());
  }

 private:
  const Json& json_;
};

void write(FrameWriter& writer, const Described& record) {
  using U32 = std::uint32_t;
  using U64 = std::uint64_t;
  const std::uint64_t number = record.number();
  const std::string topic = record.text("topic"), name = record.text("name");
  switch (record.kind()) {
    case Kind::hello:
      return writer.hello(
          {record.field<std::uint16_t>("version"), record.field<std::uint16_t>("flags"),
           record.field<U32>("credit_messages"), record.field<U64>("credit_bytes")});
    case Kind::publish: {
      std::uint64_t sequence = number;
      for (const std::string& item : record.items())
        writer.publish_item(sequence++, topic, record.field<U32>("flags") == 1, item);
      return;
    }
    case Kind::request:
      return writer.request(number, topic, record.field<U32>("deadline_ms"), record.payload());
    case Kind::reply:
    case Kind::reply_delivery:
      return writer.reply(record.kind(), number, topic, name, record.field<U32>("status") == 1,
                          record.payload());
    case Kind::credit:
    case Kind::credit_grant:
      return writer.credit(record.kind(), number, record.field<U32>("messages"));
    case Kind::welcome: {
      Welcome welcome;
      welcome.version = record.field<std::uint16_t>("version");
      welcome.flags = record.field<std::uint16_t>("flags");
      welcome.epoch = record.field<U32>("epoch");
      std::ranges::copy(as_bytes(record.instance()), welcome.instance.begin());
      welcome.payload_max = record.field<U32>("payload_max");
      welcome.frame_max = record.field<U32>("frame_max");
      welcome.credit_messages = record.field<U32>("credit_messages");
      welcome.credit_bytes = record.field<U64>("credit_bytes");
      return writer.welcome(name, welcome);
    }
    case Kind::refused:
    case Kind::failed:
      return writer.refusal(record.kind(), number, topic, record.field<Code>("code"),
                            record.text("reason"));
    case Kind::denied:
      return writer.denied(number, topic, record.field<Code>("code"), record.field<U32>("count"),
                           record.text("reason"));
    case Kind::deliver: {
      std::uint64_t sequence = number;
      for (const std::string& item : record.items()) {
        char size[4];
        store_le(size, static_cast<U32>(item.size()));
        writer.deliver_run(sequence++, 1, topic, name, record.field<std::int64_t>("time"),
                           record.field<U32>("epoch"), std::string(size, sizeof size) + item);
      }
      return;
    }
    case Kind::ack:
      return writer.ack(number, record.field<U32>("count"));
    case Kind::gap:
      return writer.gap(number, topic, name,
                        {.last = record.field<U64>("last"),
                         .count = record.field<U64>("count"),
                         .reason = record.field<Code>("reason")});
    case Kind::request_delivery:
      return writer.request_delivery(number, topic, name, record.field<U32>("deadline_ms"),
                                     record.field<U32>("epoch"), record.payload());
    default:
      return writer.plain(record.kind(), number, topic, record.names());
  }
}

void check_items(std::string_view items, const std::vector<std::string>& wanted) {
  CHECK(count_items(items) == wanted.size());
  ItemReader reader(items);
  for (const std::string& item : wanted) CHECK(reader.next() == item);
  CHECK(reader.ok());
}

void check_body(const Record& record, const Described& wanted) {
  using U32 = std::uint32_t;
  using U64 = std::uint64_t;
  switch (record.kind) {
    case Kind::hello: {
      const auto hello = read_hello(record.body).value();
      CHECK(hello.version == wanted.field<U32>("version"));
      CHECK(hello.flags == wanted.field<U32>("flags"));
      CHECK(hello.credit_messages == wanted.field<U32>("credit_messages"));
      CHECK(hello.credit_bytes == wanted.field<U64>("credit_bytes"));
      return;
    }
    case Kind::publish: {
      const auto publish = read_publish(record.body).value();
      CHECK(publish.ack_wanted == (wanted.field<U32>("flags") == 1));
      return check_items(publish.items, wanted.items());
    }
    case Kind::request: {
      const auto request = read_request(record.body).value();
      CHECK(request.deadline_ms == wanted.field<U32>("deadline_ms"));
      CHECK(request.payload == wanted.payload());
      return;
    }
    case Kind::reply:
    case Kind::reply_delivery: {
      const auto reply = read_reply(record.body).value();
      CHECK(reply.is_error == (wanted.field<U32>("status") == 1));
      CHECK(reply.payload == wanted.payload());
      return;
    }
    case Kind::credit:
    case Kind::credit_grant:
      CHECK(read_u32(record.body) == wanted.field<U32>("messages"));
      return;
    case Kind::ack:
      CHECK(read_u32(record.body) == wanted.field<U32>("count"));
      return;
    case Kind::welcome: {
      const auto welcome = read_welcome(record.body).value();
      CHECK(welcome.version == wanted.field<U32>("version"));
      CHECK(welcome.flags == wanted.field<U32>("flags"));
      CHECK(welcome.epoch == wanted.field<U32>("epoch"));
      CHECK(as_text(welcome.instance) == wanted.instance());
      CHECK(welcome.payload_max == wanted.field<U32>("payload_max"));
      CHECK(welcome.frame_max == wanted.field<U32>("frame_max"));
      CHECK(welcome.credit_messages == wanted.field<U32>("credit_messages"));
      CHECK(welcome.credit_bytes == wanted.field<U64>("credit_bytes"));
      return;
    }
    case Kind::refused:
    case Kind::failed: {
      const auto refused = read_refused(record.body).value();
      CHECK(refused.code == wanted.field<Code>("code"));
      CHECK(refused.reason == wanted.text("reason"));
      return;
    }
    case Kind::denied: {
      const auto denied = read_denied(record.body).value();
      CHECK(denied.code == wanted.field<Code>("code"));
      CHECK(denied.count == wanted.field<U32>("count"));
      CHECK(denied.reason == wanted.text("reason"));
      return;
    }
    case Kind::deliver: {
      const auto deliver = read_deliver(record.body).value();
      CHECK(deliver.time_ns == wanted.field<std::int64_t>("time"));
      CHECK(deliver.epoch == wanted.field<U32>("epoch"));
      return check_items(deliver.items, wanted.items());
    }
    case Kind::gap: {
      const auto gap = read_gap(record.body).value();
      CHECK(gap.last == wanted.field<U64>("last"));
      CHECK(gap.count == wanted.field<U64>("count"));
      CHECK(gap.reason == wanted.field<Code>("reason"));
      return;
    }
    case Kind::request_delivery: {
      const auto request = read_request_delivery(record.body).value();
      CHECK(request.deadline_ms == wanted.field<U32>("deadline_ms"));
      CHECK(request.epoch == wanted.field<U32>("epoch"));
      CHECK(request.payload == wanted.payload());
      return;
    }
    default:
      CHECK(record.body == wanted.names());
  }
}

/// What every receiver refuses, whatever its direction: the frame's form, or a body of the wrong
/// form.
bool is_refused(std::string_view frame) {
  FrameReader reader(frame);
  bool refused = false;
  while (const auto record = reader.next()) {
    switch (record->kind) {
      case Kind::hello:
        refused |= !read_hello(record->body);
        break;
      case Kind::publish: {
        const auto publish = read_publish(record->body);
        refused |= !publish || !count_items(publish->items);
        break;
      }
      case Kind::request:
        refused |= !read_request(record->body);
        break;
      case Kind::reply:
        refused |= !read_reply(record->body);
        break;
      case Kind::credit:
        refused |= !read_u32(record->body);
        break;
      default:
        refused |= std::ranges::none_of(
            kinds, [&](const auto& known) { return known.second == record->kind; });
    }
  }
  return refused || !reader.ok();
}

}  // namespace

TEST_CASE("there is a golden frame for every kind") {
  std::set<Kind> seen;
  for (const auto& path : descriptions()) {
    const Json description = Json::parse(file_text(path));
    for (const Json& record : description.at("records")) seen.insert(Described(record).kind());
  }
  CHECK(seen.size() == kinds.size());
}

TEST_CASE("our writer makes exactly the golden bytes") {
  for (const auto& path : descriptions()) {
    INFO(path.filename());
    const Json description = Json::parse(file_text(path));
    FrameWriter writer;
    for (const Json& record : description.at("records")) write(writer, Described(record));
    const std::string golden = file_text(std::filesystem::path(path).replace_extension(".bin"));
    CHECK(to_hex(as_bytes(writer.frame())) == to_hex(as_bytes(golden)));
  }
}

TEST_CASE("our reader finds the description in the golden bytes") {
  for (const auto& path : descriptions()) {
    INFO(path.filename());
    const Json description = Json::parse(file_text(path));
    const std::string golden = file_text(std::filesystem::path(path).replace_extension(".bin"));
    FrameReader reader(golden);
    for (const Json& json : description.at("records")) {
      const Described wanted(json);
      const auto record = reader.next();
      REQUIRE(record.has_value());
      CHECK(record->kind == wanted.kind());
      CHECK(record->number == wanted.number());
      CHECK(record->topic == wanted.text("topic"));
      CHECK(record->name == wanted.text("name"));
      check_body(*record, wanted);
    }
    CHECK_FALSE(reader.next().has_value());
    CHECK(reader.ok());
  }
}

TEST_CASE("our reader refuses every malformed golden frame") {
  for (const Json& malformed : Json::parse(file_text(folder() / "malformed.json"))) {
    INFO(malformed.at("about"));
    CHECK(is_refused(bytes_of(malformed.at("frame_hex"))));
  }
}
