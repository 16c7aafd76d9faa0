#include "tests/integration/raw_client.hpp"

#include <zmq.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace guild::raw {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t key_bytes = 32;

std::string from_hex_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string hex;
  file >> hex;
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  if (bytes.size() != key_bytes) throw std::runtime_error("no key in " + path.string());
  return bytes;
}

std::string decode_z85(const char* text) {
  std::string bytes(key_bytes, '\0');
  zmq_z85_decode(reinterpret_cast<std::uint8_t*>(bytes.data()), text);
  return bytes;
}

template <class Integer>
std::string little_endian(Integer value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i)
    bytes.push_back(static_cast<char>((value >> (8 * i)) & 0xFFU));
  return bytes;
}

template <class Integer>
Integer load(std::string_view bytes, std::size_t at) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i)
    value |= static_cast<Integer>(static_cast<Integer>(static_cast<unsigned char>(bytes.at(at + i)))
                                  << (8 * i));
  return value;
}

long left_ms(Clock::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
  return left < 0 ? 0 : static_cast<long>(left);
}

void set(void* socket, int option, int value) {
  zmq_setsockopt(socket, option, &value, sizeof value);
}

}  // namespace

RawKeys RawKeys::random(std::string server_key) {
  char public_key[41], secret_key[41];
  zmq_curve_keypair(public_key, secret_key);
  return {decode_z85(public_key), decode_z85(secret_key), std::move(server_key)};
}

RawKeys RawKeys::load(const std::filesystem::path& keys_dir, const std::string& name) {
  const auto folder = keys_dir / name;
  return {from_hex_file(folder / "bus.public"), from_hex_file(folder / "bus.secret"),
          from_hex_file(folder / "broker.public")};
}

std::uint32_t RawRecord::u32(std::size_t at) const { return load<std::uint32_t>(body, at); }

std::vector<std::string> RawRecord::items() const {
  std::vector<std::string> list;
  for (std::size_t at = 12; at < body.size();) {
    const std::size_t size = load<std::uint32_t>(body, at);
    list.push_back(body.substr(at + 4, size));
    at += 4 + size;
  }
  return list;
}

std::string u32_bytes(std::uint32_t value) { return little_endian(value); }
std::string u64_bytes(std::uint64_t value) { return little_endian(value); }

std::string record_bytes(unsigned kind, std::uint64_t number, std::string_view topic,
                         std::string_view name, std::string_view body) {
  const std::size_t length = 12 + topic.size() + name.size() + body.size();
  std::string bytes = little_endian(static_cast<std::uint32_t>(length));
  bytes.push_back(static_cast<char>(kind));
  bytes.push_back(static_cast<char>(topic.size()));
  bytes += little_endian(static_cast<std::uint16_t>(name.size()));
  bytes += little_endian(number);
  return bytes.append(topic).append(name).append(body);
}

std::string hello_bytes(std::uint32_t messages, std::uint64_t bytes) {
  return record_bytes(hello, 0, {}, {},
                      little_endian(std::uint16_t{1}) + little_endian(std::uint16_t{0}) +
                          little_endian(messages) + little_endian(bytes));
}

std::string publish_bytes(std::uint64_t number, std::string_view topic,
                          const std::vector<std::string>& items, bool ack_wanted) {
  std::string body(1, ack_wanted ? '\1' : '\0');
  for (const std::string& item : items)
    body += little_endian(static_cast<std::uint32_t>(item.size())) + item;
  return record_bytes(publish, number, topic, {}, body);
}

RawClient::RawClient(const std::string& endpoint, const std::optional<RawKeys>& keys,
                     int frames_held_max) {
  context_ = zmq_ctx_new();
  socket_ = zmq_socket(context_, ZMQ_DEALER);
  set(socket_, ZMQ_LINGER, 1'000);
  set(socket_, ZMQ_IMMEDIATE, 1);
  set(socket_, ZMQ_RECONNECT_IVL, -1);
  set(socket_, ZMQ_SNDTIMEO, 5'000);
  set(socket_, ZMQ_SNDHWM, 0);
  set(socket_, ZMQ_RCVHWM, frames_held_max);
  if (keys) {
    zmq_setsockopt(socket_, ZMQ_CURVE_SERVERKEY, keys->server_key.data(), key_bytes);
    zmq_setsockopt(socket_, ZMQ_CURVE_PUBLICKEY, keys->public_key.data(), key_bytes);
    zmq_setsockopt(socket_, ZMQ_CURVE_SECRETKEY, keys->secret_key.data(), key_bytes);
  }
  zmq_socket_monitor(socket_, "inproc://events", ZMQ_EVENT_ALL);
  monitor_ = zmq_socket(context_, ZMQ_PAIR);
  set(monitor_, ZMQ_LINGER, 0);
  zmq_connect(monitor_, "inproc://events");
  if (zmq_connect(socket_, endpoint.c_str()) != 0)
    throw std::runtime_error("cannot connect to " + endpoint + ": " + zmq_strerror(zmq_errno()));
}

RawClient::~RawClient() {
  zmq_socket_monitor(socket_, nullptr, 0);
  zmq_close(socket_);
  zmq_close(monitor_);
  zmq_ctx_term(context_);
}

std::unique_ptr<RawClient> RawClient::join(const std::string& endpoint, const RawKeys& keys,
                                           std::uint32_t messages, std::uint64_t bytes) {
  auto client = std::make_unique<RawClient>(endpoint, keys);
  client->send(hello_bytes(messages, bytes));
  client->welcomed_ = client->expect(welcome);
  return client;
}

void RawClient::send(std::string_view frame) {
  if (zmq_send(socket_, frame.data(), frame.size(), 0) < 0)
    throw std::runtime_error(std::string("cannot send: ") + zmq_strerror(zmq_errno()));
}

void RawClient::send_parts(const std::vector<std::string>& parts) {
  for (const std::string& part : parts)
    zmq_send(socket_, part.data(), part.size(), &part == &parts.back() ? 0 : ZMQ_SNDMORE);
}

bool RawClient::receive_frame(Limit limit) {
  zmq_pollitem_t item{socket_, 0, ZMQ_POLLIN, 0};
  if (zmq_poll(&item, 1, static_cast<long>(limit.count())) <= 0) return false;
  zmq_msg_t message;
  zmq_msg_init(&message);
  const bool got = zmq_msg_recv(&message, socket_, ZMQ_DONTWAIT) >= 0;
  if (got) frame_.assign(static_cast<const char*>(zmq_msg_data(&message)), zmq_msg_size(&message));
  zmq_msg_close(&message);
  at_ = 0;
  return got;
}

std::optional<RawRecord> RawClient::next(Limit limit) {
  const auto end = Clock::now() + limit;
  while (at_ == frame_.size())
    if (!receive_frame(Limit(left_ms(end))) && left_ms(end) == 0) return {};
  const std::string_view rest = std::string_view(frame_).substr(at_);
  const std::size_t size = 4 + load<std::uint32_t>(rest, 0);
  const std::size_t topic_size = static_cast<unsigned char>(rest.at(5));
  const std::size_t name_size = load<std::uint16_t>(rest, 6);
  RawRecord record;
  record.kind = static_cast<unsigned char>(rest.at(4));
  record.number = load<std::uint64_t>(rest, 8);
  record.topic = rest.substr(16, topic_size);
  record.name = rest.substr(16 + topic_size, name_size);
  const std::size_t fixed = 16 + topic_size + name_size;
  if (size < fixed || size > rest.size())
    throw std::runtime_error("the broker sent a frame that is cut");
  record.body = rest.substr(fixed, size - fixed);
  at_ += size;
  return record;
}

std::optional<RawRecord> RawClient::next_of(unsigned kind, Limit limit) {
  const auto end = Clock::now() + limit;
  while (auto record = next(Limit(left_ms(end))))
    if (record->kind == kind) return record;
  return {};
}

RawRecord RawClient::expect(unsigned kind, Limit limit) {
  auto record = next_of(kind, limit);
  if (!record)
    throw std::runtime_error("no record of kind " + std::to_string(kind) + " within " +
                             std::to_string(limit.count()) + " ms");
  return std::move(*record);
}

RawRecord RawClient::ask(unsigned kind, std::string_view topic) {
  const std::uint64_t number = ++correlation_;
  send(record_bytes(kind, number, topic));
  const auto end = Clock::now() + std::chrono::seconds(5);
  while (auto record = next(Limit(left_ms(end))))
    if ((record->kind == done || record->kind == denied) && record->number == number)
      return std::move(*record);
  throw std::runtime_error("no answer for " + std::string(topic));
}

RawRecord RawClient::call(std::string_view name, std::string_view payload,
                          std::uint32_t deadline_ms) {
  const std::uint64_t number = ++correlation_;
  send(record_bytes(request, number, name, {}, u32_bytes(deadline_ms) + std::string(payload)));
  const auto end = Clock::now() + std::chrono::seconds(10);
  while (auto record = next(Limit(left_ms(end)))) {
    if ((record->kind != reply_delivery && record->kind != failed) || record->number != number)
      continue;
    if (record->kind == reply_delivery) return_credit(*record, 1);
    return std::move(*record);
  }
  throw std::runtime_error("no answer from " + std::string(name));
}

void RawClient::return_credit(const RawRecord& record, std::uint32_t messages) {
  send(record_bytes(credit, record.size(), {}, {}, u32_bytes(messages)));
}

int RawClient::wait_event(int events, Limit limit) {
  const auto end = Clock::now() + limit;
  do {
    zmq_pollitem_t item{monitor_, 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, left_ms(end)) <= 0) continue;
    char head[6], address[256];
    if (zmq_recv(monitor_, head, sizeof head, ZMQ_DONTWAIT) != sizeof head) continue;
    zmq_recv(monitor_, address, sizeof address, ZMQ_DONTWAIT);
    std::uint16_t event = 0;
    std::memcpy(&event, head, sizeof event);
    std::memcpy(&event_value_, head + sizeof event, sizeof event_value_);
    if ((event & events) != 0) return event;
  } while (left_ms(end) > 0);
  return 0;
}

}  // namespace guild::raw
