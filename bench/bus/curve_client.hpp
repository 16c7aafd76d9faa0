// The peer's sockets: libzmq with CURVE (RFC 26) and nothing of ours on top. The server lets any
// key in: it has no list, no names and no permissions. Every client makes its own keypair. Sockets
// are never lossy: a full pipe holds the sender back. Failures are zmq::error_t.
#pragma once

#include <array>
#include <string>

#include <zmq.hpp>

namespace guild::bench {

/// Z85, as libzmq gives and takes them.
struct CurveKeypair {
  std::array<char, 41> public_key{}, secret_key{};
  static CurveKeypair make();
};

/// Where a proxy listens, one endpoint a side of each of its two kinds of traffic.
struct CurveEndpoints {
  explicit CurveEndpoints(const std::string& folder);
  std::string publishers, subscribers, askers, responders;
};

/// Listens, for clients with any key.
zmq::socket_t curve_server(zmq::context_t& context, zmq::socket_type type, const CurveKeypair& keys,
                           const std::string& endpoint);
/// Connects, to the holder of that public key.
zmq::socket_t curve_client(zmq::context_t& context, zmq::socket_type type,
                           const std::string& server_key, const std::string& endpoint);

}  // namespace guild::bench
