// A daemon of a few lines for tests of the host: echo_daemon NAME [--home DIR ...]. It takes one of
// the suite's names, because the list of clients and the order of stopping know no others. It
// serves NAME/echo, NAME/later (answered a moment after) and NAME/fail.
#include <fmt/format.h>

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

#include "common/host/host.hpp"
#include "common/log/log.hpp"

namespace {

using namespace guild;

class Echo final : public host::Service {
 public:
  explicit Echo(host::Host& host) : host_(host) {
    host.serve_raw("echo", [this](std::string_view payload, bus::Responder responder) {
      ++answered_;
      responder.reply(payload);
    });
    host.serve_raw("later", [this](std::string_view payload, bus::Responder responder) {
      hold(std::string(payload), std::make_shared<bus::Responder>(std::move(responder)));
    });
    host.serve_raw("fail", [this](std::string_view, bus::Responder) {
      host_.stop(Error{ErrorKind::failed, "told_to_fail", "told to fail", ""});
    });
  }

  void drain(std::function<void()> done) override {
    drained_ = std::move(done);
    finish_when_idle();
  }

  std::map<std::string, std::int64_t> counters() const override {
    return {{"answered", answered_}};
  }

 private:
  void hold(std::string payload, std::shared_ptr<bus::Responder> responder) {
    ++held_;
    auto timer =
        std::make_shared<boost::asio::steady_timer>(host_.loop(), std::chrono::milliseconds(300));
    timer->async_wait([this, timer, payload = std::move(payload),
                       responder = std::move(responder)](const boost::system::error_code&) {
      responder->reply(payload);
      ++answered_;
      --held_;
      finish_when_idle();
    });
  }

  void finish_when_idle() {
    if (drained_ && held_ == 0) std::exchange(drained_, {})();
  }

  host::Host& host_;
  std::function<void()> drained_;
  std::int64_t answered_ = 0, held_ = 0;
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
