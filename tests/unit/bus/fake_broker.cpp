#include "tests/unit/bus/fake_broker.hpp"

#include <zmq.h>

#include <catch2/catch.hpp>

#include "common/base/bytes.hpp"
#include "common/bus/topic.hpp"

namespace guild::bus::test {
namespace {

bool is_forbidden(std::string_view topic) { return topic.starts_with("forbidden/"); }

/// All parts of the next message; empty when there is none.
std::vector<std::string> receive(void* socket, int flags) {
  std::vector<std::string> parts;
  for (bool more = true; more; flags = 0) {
    zmq_msg_t message;
    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, socket, flags) < 0) {
      zmq_msg_close(&message);
      return {};
    }
    parts.emplace_back(static_cast<const char*>(zmq_msg_data(&message)), zmq_msg_size(&message));
    more = zmq_msg_more(&message) != 0;
    zmq_msg_close(&message);
  }
  return parts;
}

void send(void* socket, const std::vector<std::string>& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i)
    zmq_send(socket, parts[i].data(), parts[i].size(), i + 1 < parts.size() ? ZMQ_SNDMORE : 0);
}

void set(void* socket, int option, int value) {
  if (zmq_setsockopt(socket, option, &value, sizeof value) != 0) throw std::runtime_error("option");
}

}  // namespace

KeyPair make_keys() {
  char public_text[41], secret_text[41];
  zmq_curve_keypair(public_text, secret_text);
  KeyPair keys;
  std::array<std::uint8_t, 32> secret{};
  zmq_z85_decode(keys.public_key.data(), public_text);
  zmq_z85_decode(secret.data(), secret_text);
  keys.secret_key = Secret32(secret);
  return keys;
}

FakeBroker::FakeBroker(Options options) : options_(std::move(options)) {
  fill_random(instance_.data(), instance_.size());
  context_ = zmq_ctx_new();
  keys_ = zmq_socket(context_, ZMQ_REP);
  set(keys_, ZMQ_LINGER, 0);
  zmq_bind(keys_, "inproc://zeromq.zap.01");
  router_ = zmq_socket(context_, ZMQ_ROUTER);
  set(router_, ZMQ_LINGER, 0);
  set(router_, ZMQ_SNDHWM, 0);
  set(router_, ZMQ_RCVHWM, 0);
  set(router_, ZMQ_CURVE_SERVER, 1);
  zmq_setsockopt(router_, ZMQ_CURVE_SECRETKEY, options_.keys.secret_key.reveal().data(), 32);
  zmq_setsockopt(router_, ZMQ_ZAP_DOMAIN, "guild", 5);
  // A killed predecessor may hold the address for a moment.
  for (int tries = 0; zmq_bind(router_, options_.endpoint.c_str()) != 0; ++tries) {
    if (tries > 500) throw std::runtime_error("bind");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  keys_thread_ = std::thread([this] { serve_keys(); });
  clients_thread_ = std::thread([this] { serve_clients(); });
}

FakeBroker::~FakeBroker() {
  stop_ = true;
  clients_thread_.join();
  keys_thread_.join();
  zmq_close(router_);
  zmq_close(keys_);
  zmq_ctx_term(context_);
}

std::string FakeBroker::endpoint() const {
  std::array<char, 256> text{};
  std::size_t size = text.size();
  zmq_getsockopt(router_, ZMQ_LAST_ENDPOINT, text.data(), &size);
  return text.data();
}

void FakeBroker::serve_keys() {
  while (!stop_) {
    zmq_pollitem_t item{keys_, 0, ZMQ_POLLIN, 0};
    zmq_poll(&item, 1, 2);
    const auto asked = receive(keys_, ZMQ_DONTWAIT);
    if (asked.size() < 2) continue;
    send(keys_, {"1.0", asked[1], options_.refuse_keys ? "400" : "200", "", options_.name, ""});
  }
}

void FakeBroker::serve_clients() {
  while (!stop_) {
    zmq_pollitem_t item{router_, 0, ZMQ_POLLIN, 0};
    zmq_poll(&item, 1, 1);
    for (auto parts = receive(router_, ZMQ_DONTWAIT); !parts.empty();
         parts = receive(router_, ZMQ_DONTWAIT)) {
      take(parts[0], parts.back());
      flush();
      if (stop_) return;
    }
    send_injected();
  }
}

void FakeBroker::take(const std::string& id, std::string_view frame) {
  FrameReader reader(frame);
  while (const auto record = reader.next()) {
    if (record->kind == Kind::hello) {
      const bool first = sessions_.emplace(id, Session{}).second;
      if (!first) ++before_hello;
      ++sessions;
      Welcome welcome;
      welcome.instance = instance_;
      welcome.credit_bytes = options_.credit_bytes;
      welcome.credit_messages = options_.credit_messages;
      welcome.payload_max = options_.payload_max;
      if (options_.welcome) sessions_.at(id).out.welcome(options_.name, welcome);
    } else if (const auto session = sessions_.find(id); session != sessions_.end()) {
      apply(id, session->second, *record);
    } else {
      ++before_hello;
    }
  }
  if (!reader.ok()) ++out_of_order;
}

void FakeBroker::apply(const std::string& id, Session& session, const Record& record) {
  const std::string topic(record.topic);
  const auto note = [&](const char* verb) {
    const std::lock_guard lock(mutex_);
    asked_.push_back(std::string(verb) + " " + topic);
  };
  const auto answer = [&] {
    const bool denied = is_forbidden(topic) || deny_subscriptions;
    if (denied)
      session.out.denied(record.number, topic, Code::no_permission, 0, "not on the list");
    else
      session.out.plain(Kind::done, record.number, topic);
    return !denied;
  };
  switch (record.kind) {
    case Kind::subscribe:
      note("subscribe");
      if (answer()) session.subscriptions.insert(topic);
      break;
    case Kind::unsubscribe:
      note("unsubscribe");
      session.subscriptions.erase(topic);
      session.out.plain(Kind::done, record.number, topic);
      break;
    case Kind::serve:
      note("serve");
      if (answer()) session.serves.insert(topic);
      break;
    case Kind::watch:
      note("watch");
      if (answer()) session.out.plain(Kind::presence, record.number, topic, "anna\nbert");
      break;
    case Kind::publish:
      apply_publish(session, record);
      break;
    case Kind::request:
      apply_request(id, record);
      break;
    case Kind::reply:
      apply_reply(record);
      break;
    case Kind::credit:
      credited_bytes += record.number;
      credited_messages += *read_u32(record.body);
      break;
    case Kind::goodbye:
      ++goodbyes;
      break;
    case Kind::cancel:
      ++cancels;
      break;
    default:
      ++out_of_order;
  }
  if (record.kind == Kind::request || record.kind == Kind::reply) give_credit(session, record, 1);
}

void FakeBroker::give_credit(Session& session, const Record& record, std::uint32_t messages) {
  if (!return_credit || (hold_publish_credit && record.kind == Kind::publish)) return;
  session.out.credit(Kind::credit_grant,
                     record_header_bytes + record.topic.size() + record.body.size(), messages);
}

void FakeBroker::apply_publish(Session& session, const Record& record) {
  ++data_frames;
  const auto publish = read_publish(record.body);
  const auto count = publish ? count_items(publish->items) : std::nullopt;
  if (!count || record.number != session.next_sequence) {
    ++out_of_order;
    return;
  }
  session.next_sequence += *count;
  items += *count;
  {
    const std::lock_guard lock(mutex_);
    ItemReader reader(publish->items);
    while (const auto item = reader.next())
      if (payloads_.size() < 1000) payloads_.emplace_back(*item);
  }
  if (is_forbidden(record.topic)) {
    session.out.denied(record.number, record.topic, Code::no_permission, *count, "not on the list");
  } else {
    for (auto& [id, other] : sessions_) {
      for (const std::string& pattern : other.subscriptions) {
        if (!matches(pattern, record.topic)) continue;
        const std::size_t before = other.out.size();
        other.out.deliver_run(record.number, *count, record.topic, options_.name, 1'000, 7,
                              publish->items);
        sent_bytes += other.out.size() - before;
        sent_messages += *count;
        break;
      }
    }
    if (publish->ack_wanted && ack) session.out.ack(record.number + *count - 1, *count);
  }
  give_credit(session, record, *count);
}

void FakeBroker::apply_request(const std::string& id, const Record& record) {
  ++requests;
  Session& requester = sessions_.at(id);
  const auto request = read_request(record.body);
  if (record.topic.starts_with("slow/")) return;
  if (record.topic.starts_with("gone/")) {
    requester.out.refusal(Kind::failed, record.number, record.topic, Code::responder_gone, "");
    return;
  }
  for (auto& [server_id, server] : sessions_) {
    for (const std::string& pattern : server.serves) {
      if (!matches(pattern, record.topic)) continue;
      const std::uint64_t number = next_request_++;
      open_[number] = {id, record.number, std::string(record.topic)};
      server.out.request_delivery(number, record.topic, options_.name, request->deadline_ms, 7,
                                  request->payload);
      return;
    }
  }
  requester.out.refusal(Kind::failed, record.number, record.topic, Code::no_responder, "");
}

void FakeBroker::apply_reply(const Record& record) {
  ++replies;
  const auto reply = read_reply(record.body);
  const auto open = open_.extract(record.number);
  if (!reply || open.empty()) {
    ++out_of_order;
    return;
  }
  const auto requester = sessions_.find(open.mapped().requester);
  if (requester == sessions_.end()) return;
  requester->second.out.reply(Kind::reply_delivery, open.mapped().correlation, open.mapped().name,
                              options_.name, reply->is_error, reply->payload);
}

void FakeBroker::flush() {
  for (auto& [id, session] : sessions_) {
    if (session.out.empty()) continue;
    send(router_, {id, std::string(session.out.frame())});
    session.out.clear();
  }
}

void FakeBroker::inject(std::string frame, bool as_two_parts) {
  const std::lock_guard lock(mutex_);
  injected_.emplace_back(std::move(frame), as_two_parts);
}

void FakeBroker::send_injected() {
  std::vector<std::pair<std::string, bool>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(injected_);
  }
  for (const auto& [frame, as_two_parts] : waiting) {
    for (const auto& [id, session] : sessions_) {
      if (as_two_parts)
        send(router_, {id, frame, frame});
      else
        send(router_, {id, frame});
    }
  }
}

std::vector<std::string> FakeBroker::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

std::vector<std::string> FakeBroker::payloads() const {
  const std::lock_guard lock(mutex_);
  return payloads_;
}

}  // namespace guild::bus::test
