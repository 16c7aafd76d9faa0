// A daemon of a few lines for tests of the host: echo_daemon NAME [--home DIR ...]. It takes one of
// the suite's names, because the list of clients and the order of stopping know no others. It
// serves NAME/echo, NAME/later (answered at SIGUSR1) and NAME/fail (stops with an error).
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <memory>
#include <utility>
#include <vector>

#include "common/host/host.hpp"
#include "common/log/log.hpp"

namespace {

using namespace guild;

class Echo final : public host::Service {
 public:
  explicit Echo(host::Host& host) : host_(host), release_(host.loop(), SIGUSR1) {
    host.serve_raw("echo", [this](std::string_view payload, bus::Responder responder) {
      ++answered_;
      responder.reply(payload);
    });
    host.serve_raw("later", [this](std::string_view payload, bus::Responder responder) {
      held_.emplace_back(payload, std::move(responder));
    });
    host.serve_raw("fail", [this](std::string_view, bus::Responder) {
      host_.stop(Error{ErrorKind::failed, "told_to_fail", "told to fail", ""});
    });
    wait_for_release();
  }

  void drain(std::function<void()> done) override {
    drained_ = std::move(done);
    finish_when_idle();
  }

  std::map<std::string, std::int64_t> counters() const override {
    return {{"answered", answered_}, {"held", static_cast<std::int64_t>(held_.size())}};
  }

 private:
  void wait_for_release() {
    release_.async_wait([this](const boost::system::error_code& problem, int) {
      if (problem) return;
      for (auto& [payload, responder] : std::exchange(held_, {})) {
        responder.reply(payload);
        ++answered_;
      }
      finish_when_idle();
      wait_for_release();
    });
  }

  void finish_when_idle() {
    if (drained_ && held_.empty()) std::exchange(drained_, {})();
  }

  host::Host& host_;
  boost::asio::signal_set release_;
  std::vector<std::pair<std::string, bus::Responder>> held_;
  std::function<void()> drained_;
  std::int64_t answered_ = 0;
};

Result<std::unique_ptr<host::Service>> start(host::Host& host) {
  GUILD_LOG(info, "echo", "starting");
  return std::make_unique<Echo>(host);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  return host::run(argv[1], argc - 1, argv + 1, start);
}
