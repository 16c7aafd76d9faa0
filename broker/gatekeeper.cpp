#include "broker/gatekeeper.hpp"

#include <fmt/format.h>

#include <cerrno>

#include "common/base/bytes.hpp"

namespace guild::broker {
namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t refused_keys_max = 1'024;
constexpr std::size_t request_parts_max = 16;

// The parts of a ZAP request by CURVE.
enum Part : std::size_t { version, request_id, domain, address, identity, mechanism, key, parts };

/// One property in ZMTP's form: `u8 size, name, u32 size (big-endian), value`.
std::string property(std::string_view name, std::string_view value) {
  std::string text;
  text.push_back(static_cast<char>(name.size()));
  text.append(name);
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    text.push_back(static_cast<char>((value.size() >> shift) & 0xFFU));
  return text.append(value);
}

}  // namespace

Result<std::unique_ptr<Gatekeeper>> Gatekeeper::start(const ZmqContext& context,
                                                      std::function<void()> refused) {
  GUILD_TRY(ZmqSocket socket, ZmqSocket::make(context, ZMQ_REP));
  GUILD_CHECK(socket.set(ZMQ_LINGER, 0));
  GUILD_CHECK(socket.bind("inproc://zeromq.zap.01"));
  std::unique_ptr<Gatekeeper> gatekeeper(new Gatekeeper(std::move(socket), std::move(refused)));
  gatekeeper->thread_ = std::thread([keeper = gatekeeper.get()] { keeper->run(); });
  return gatekeeper;
}

Gatekeeper::~Gatekeeper() {
  if (thread_.joinable()) thread_.join();
}

void Gatekeeper::replace(const std::vector<keys::AuthorizedClient>& clients) {
  std::unordered_map<std::string, std::string> names;
  for (const keys::AuthorizedClient& client : clients)
    names.emplace(as_text(client.public_key), client.name);
  const std::lock_guard lock(mutex_);
  names_ = std::move(names);
}

std::map<std::string, std::uint64_t> Gatekeeper::take_refused() {
  const std::lock_guard lock(mutex_);
  return std::exchange(refused_keys_, {});
}

void Gatekeeper::run() {
  std::vector<std::string> request;
  ZmqMessage part;
  for (;;) {
    if (!socket_.receive(part, 0)) {
      if (zmq_errno() == EINTR) continue;
      break;  // The context has ended.
    }
    // libzmq itself asks; more parts than this would be its bug, and are not kept.
    if (request.size() < request_parts_max) request.emplace_back(part.bytes());
    if (part.more()) continue;
    if (!answer(request)) break;
    request.clear();
  }
  socket_.close();
}

bool Gatekeeper::answer(const std::vector<std::string>& request) {
  const bool sound = request.size() == parts && request[version] == "1.0" &&
                     request[domain] == zap_domain && request[mechanism] == "CURVE" &&
                     request[key].size() == key_bytes;
  const std::string name = sound ? name_of(request[key]) : std::string();
  std::string user, metadata;
  if (!name.empty()) {
    user = fmt::format("{}#{}", name, ++serial_);
    metadata = property(key_property, to_hex(as_bytes(request[key])));
  } else {
    note_refused(sound ? std::string_view(request[key]) : std::string_view());
  }
  const std::string id = request.size() > request_id ? request[request_id] : std::string();
  const std::string_view answer_parts[] = {
      "1.0", id,      name.empty() ? "400" : "200", name.empty() ? "not on the list" : "OK",
      user,  metadata};
  for (const std::string_view& part : answer_parts) {
    const bool last = &part == std::end(answer_parts) - 1;
    if (socket_.send(part, last ? 0 : ZMQ_SNDMORE) != 0) return false;
  }
  return true;
}

std::string Gatekeeper::name_of(std::string_view key) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(std::string(key));
  return found == names_.end() ? std::string() : found->second;
}

void Gatekeeper::note_refused(std::string_view key) {
  {
    const std::lock_guard lock(mutex_);
    std::string hex = to_hex(as_bytes(key));
    if (refused_keys_.size() >= refused_keys_max && !refused_keys_.contains(hex)) hex.clear();
    ++refused_keys_[hex];
  }
  refused_();
}

}  // namespace guild::broker
