// Gatekeeper: the ZAP handler (RFC 27). It alone decides who gets through the CURVE handshake: a
// key on the list is stamped `name#serial`, every other is refused with 400. Without a bound
// handler libzmq lets every key in, so it is bound before the ROUTER is made, and the ROUTER has a
// ZAP domain and ZMQ_ZAP_ENFORCE_DOMAIN. Its own thread; ends when the context does.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "broker/zmq_socket.hpp"
#include "common/base/result.hpp"
#include "keys/keyring.hpp"

namespace guild::broker {

/// The domain of the ROUTER, by which libzmq asks the handler.
inline constexpr std::string_view zap_domain = "guild";
/// The connection's metadata that holds its public key in hex, beside libzmq's own User-Id.
inline constexpr const char* key_property = "X-Key";
inline constexpr const char* user_property = "User-Id";

class Gatekeeper {
 public:
  /// Binds the handler and starts. `refused` is called on its thread when there is something to
  /// take.
  static Result<std::unique_ptr<Gatekeeper>> start(const ZmqContext& context,
                                                   std::function<void()> refused);
  /// Waits for the thread, which ends with the context: end that first.
  ~Gatekeeper();

  /// Thread-safe; holds from the next handshake on.
  void replace(const std::vector<keys::AuthorizedClient>& clients);
  /// Refused keys (hex) since last asked, with counts; past 1,024 keys the rest is under "".
  /// Bounded, thread-safe.
  std::map<std::string, std::uint64_t> take_refused();

 private:
  Gatekeeper(ZmqSocket socket, std::function<void()> refused)
      : socket_(std::move(socket)), refused_(std::move(refused)) {}
  void run();
  /// False when the answer cannot be sent.
  bool answer(const std::vector<std::string>& request);
  std::string name_of(std::string_view key);
  void note_refused(std::string_view key);

  ZmqSocket socket_;
  std::function<void()> refused_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::string> names_;  // By raw key.
  std::map<std::string, std::uint64_t> refused_keys_;
  std::uint64_t serial_ = 0;
  std::thread thread_;
};

}  // namespace guild::broker
