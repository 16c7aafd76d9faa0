#include "bench/bus/curve_client.hpp"

#include "common/base/assert.hpp"

namespace guild::bench {
namespace {

/// Messages that may wait in a pipe. libzmq's default of 1,000 makes it wait for its peer more
/// often; more than this gains nothing.
constexpr int waiting_max = 10'000;

zmq::socket_t socket_of(zmq::context_t& context, zmq::socket_type type) {
  zmq::socket_t socket(context, type);
  socket.set(zmq::sockopt::sndhwm, waiting_max);
  socket.set(zmq::sockopt::rcvhwm, waiting_max);
  socket.set(zmq::sockopt::linger, 0);
  if (type == zmq::socket_type::xpub) socket.set(zmq::sockopt::xpub_nodrop, true);
  return socket;
}

}  // namespace

CurveKeypair CurveKeypair::make() {
  CurveKeypair keys;
  const int status = ::zmq_curve_keypair(keys.public_key.data(), keys.secret_key.data());
  GUILD_ASSERT(status == 0);  // It fails only in a libzmq that was built without CURVE.
  return keys;
}

CurveEndpoints::CurveEndpoints(const std::string& folder)
    : publishers("ipc://" + folder + "/publishers.sock"),
      subscribers("ipc://" + folder + "/subscribers.sock"),
      askers("ipc://" + folder + "/askers.sock"),
      responders("ipc://" + folder + "/responders.sock") {}

zmq::socket_t curve_server(zmq::context_t& context, zmq::socket_type type, const CurveKeypair& keys,
                           const std::string& endpoint) {
  zmq::socket_t socket = socket_of(context, type);
  socket.set(zmq::sockopt::curve_server, true);
  socket.set(zmq::sockopt::curve_secretkey, std::string(keys.secret_key.data()));
  socket.bind(endpoint);
  return socket;
}

zmq::socket_t curve_client(zmq::context_t& context, zmq::socket_type type,
                           const std::string& server_key, const std::string& endpoint) {
  const CurveKeypair keys = CurveKeypair::make();
  zmq::socket_t socket = socket_of(context, type);
  socket.set(zmq::sockopt::curve_serverkey, server_key);
  socket.set(zmq::sockopt::curve_publickey, std::string(keys.public_key.data()));
  socket.set(zmq::sockopt::curve_secretkey, std::string(keys.secret_key.data()));
  socket.connect(endpoint);
  return socket;
}

}  // namespace guild::bench
