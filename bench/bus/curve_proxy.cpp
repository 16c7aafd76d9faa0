#include "bench/bus/curve_proxy.hpp"

#include <thread>

#include <fmt/format.h>

#include "bench/bus/curve_client.hpp"
#include "bench/bus/worker.hpp"

namespace guild::bench {
namespace {

/// As many as the broker has.
constexpr int io_threads = 2;

/// Both sides of one kind of traffic, and the thread that forwards between them until the context
/// ends.
class Forwarder {
 public:
  Forwarder(zmq::socket_t front, zmq::socket_t back)
      : thread_([front = std::move(front), back = std::move(back)]() mutable {
          try {
            zmq::proxy(front, back);
          } catch (const zmq::error_t& end) {
            if (end.num() != ETERM) fmt::print(stderr, "proxy: {}\n", end.what());
          }
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace

Result<void> run_proxy(const std::string& folder) {
  using zmq::socket_type;
  const CurveKeypair keys = CurveKeypair::make();
  const CurveEndpoints at(folder);
  zmq::context_t context(io_threads);
  {
    Forwarder published(curve_server(context, socket_type::xsub, keys, at.publishers),
                        curve_server(context, socket_type::xpub, keys, at.subscribers));
    Forwarder asked(curve_server(context, socket_type::router, keys, at.askers),
                    curve_server(context, socket_type::dealer, keys, at.responders));
    say(fmt::format(R"({{"public_key": "{}"}})", keys.public_key.data()));
    await_told();
    context.shutdown();
  }
  return {};
}

}  // namespace guild::bench
