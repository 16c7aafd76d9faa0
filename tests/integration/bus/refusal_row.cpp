#include "tests/integration/bus/refusal_row.hpp"

#include <catch2/catch.hpp>

namespace guild::test {

using namespace raw;

namespace {

std::string block_of(const std::string& name, const RawKeys& keys) {
  const std::string topics = R"(["apps/**", "bench/**"])";
  return "\n[[client]]\nname = \"" + name + "\"\nrole = \"client\"\npublic_key = \"" +
         to_hex(keys.public_key) + "\"\npublish = " + topics + "\nsubscribe = " + topics +
         "\nrequest = " + topics + "\nserve = " + topics + "\n";
}

}  // namespace

std::string to_hex(const std::string& bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    hex.push_back(digits[value >> 4U]);
    hex.push_back(digits[value & 15U]);
  }
  return hex;
}

std::string name_of_code(unsigned code) {
  static const std::map<unsigned, std::string> names = {{1, "version_unsupported"},
                                                        {2, "hello_expected"},
                                                        {3, "malformed_frame"},
                                                        {4, "credit_exceeded"},
                                                        {5, "revoked"},
                                                        {6, "shutting_down"},
                                                        {7, "slow_consumer"},
                                                        {8, "too_many"},
                                                        {16, "no_permission"},
                                                        {17, "topic_invalid"},
                                                        {18, "payload_too_large"},
                                                        {19, "deadline_invalid"},
                                                        {32, "no_responder"},
                                                        {33, "responder_gone"},
                                                        {34, "timeout"}};
  const auto found = names.find(code);
  return found == names.end() ? "code " + std::to_string(code) : found->second;
}

Seen hear_since(RawClient& client, Steady acted_at) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (std::chrono::steady_clock::now() < end) {
    const auto record = client.next(std::chrono::seconds(1));
    if (!record) continue;
    const auto now = std::chrono::steady_clock::now();
    if (record->kind == refused) return {"REFUSED " + name_of_code(record->code()), acted_at, now};
    if (record->kind == denied) return {"DENIED " + name_of_code(record->code()), acted_at, now};
    if (record->kind == failed) return {"FAILED " + name_of_code(record->code()), acted_at, now};
  }
  return {"nothing", acted_at, std::chrono::steady_clock::now()};
}

Seen send_and_hear(RawClient& client, const std::string& frame) {
  const auto acted_at = std::chrono::steady_clock::now();
  client.send(frame);
  return hear_since(client, acted_at);
}

Stage::Stage(std::size_t clients, const Settings& settings) {
  add_clients(clients);
  for (const auto& [name, value] : settings) home_.set_environment(name, value);
  home_.start("broker");
  watch_ = std::make_unique<DenialWatch>(join_as("operator"));
}

void Stage::add_clients(std::size_t clients) {
  const std::string broker_key = RawKeys::load(home_.keys(), "operator").server_key;
  std::string text = list();
  for (std::size_t i = 0; i < clients; ++i) {
    const std::string name = "row-" + std::to_string(i);
    const RawKeys keys = RawKeys::random(broker_key);
    listed_.push_back({name, block_of(name, keys), keys});
    text += listed_.back().block;
  }
  write_list(text);
}

std::string Stage::list() const { return read_text(home_.keys() / "authorized_clients.toml"); }

void Stage::write_list(const std::string& text) {
  write_text(home_.keys() / "authorized_clients.toml", text);
}

std::string Stage::list_without_client() const {
  const std::string& block = listed_.at(next_).block;
  std::string text = list();
  const std::size_t at = text.find(block);
  REQUIRE(at != std::string::npos);
  return text.erase(at, block.size());
}

std::unique_ptr<RawClient> Stage::join(std::uint32_t messages) const {
  return RawClient::join(endpoint(), keys(), messages);
}

std::unique_ptr<RawClient> Stage::join_helper(std::uint32_t messages) const {
  return RawClient::join(endpoint(), listed_.at(next_ + 1).keys, messages);
}

std::unique_ptr<RawClient> Stage::join_as(const std::string& name) const {
  return RawClient::join(endpoint(), RawKeys::load(home_.keys(), name));
}

RawKeys Stage::strange_keys() {
  RawKeys keys = RawKeys::random(listed_.front().keys.server_key);
  stranger_key_hex_ = to_hex(keys.public_key);
  return keys;
}

std::map<std::string, std::int64_t> Stage::denied_by_reason() {
  const Outcome stats = home_.guild({"bus", "stats", "--json"});
  INFO(stats.err);
  REQUIRE(stats.exit_code == 0);
  return Json::parse(stats.out).at("denied_by_reason");
}

}  // namespace guild::test
