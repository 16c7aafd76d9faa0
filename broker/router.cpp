#include "broker/router.hpp"

#include "broker/route_loop.hpp"

namespace guild::broker {

Result<std::unique_ptr<Router>> Router::start(RouterOptions options,
                                              std::vector<keys::AuthorizedClient> clients,
                                              Events events) {
  GUILD_TRY(ZmqContext context, ZmqContext::make(options.io_threads));
  GUILD_TRY(RouteLoop::Inbox inbox, RouteLoop::Inbox::make());
  auto loop = std::make_unique<RouteLoop>(std::move(options), std::move(clients), std::move(events),
                                          std::move(context), std::move(inbox));
  GUILD_CHECK(loop->open());
  loop->start();
  return std::unique_ptr<Router>(new Router(std::move(loop)));
}

Router::Router(std::unique_ptr<RouteLoop> loop) : loop_(std::move(loop)) {}
Router::~Router() = default;

void Router::post(Work work) { loop_->inbox().post(std::move(work)); }

void Router::replace_clients(std::vector<keys::AuthorizedClient> clients) {
  // The door first: who is taken off must not come back while his session ends.
  loop_->gatekeeper().replace(clients);
  post([clients = std::move(clients)](Core& core, const Moment& now) {
    core.replace_permissions(clients, now);
  });
}

void Router::drain(std::chrono::milliseconds limit, std::function<void()> done) {
  post([this, limit, done = std::move(done)](Core&, const Moment&) {
    loop_->start_draining(limit, done);
  });
}

}  // namespace guild::broker
