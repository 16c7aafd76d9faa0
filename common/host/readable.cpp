#include "common/host/readable.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

namespace guild::host {

using boost::asio::posix::stream_descriptor;

// Shared with the waiting handler, which may run after the Readable is gone.
struct Readable::State : std::enable_shared_from_this<State> {
  State(boost::asio::io_context& loop, int fd, std::function<void()> call)
      : descriptor(loop, fd), on_readable(std::move(call)) {}

  void wait() {
    descriptor.async_wait(stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& problem) {
                            if (problem || self->stopped) return;
                            self->on_readable();
                            if (!self->stopped) self->wait();
                          });
  }

  void stop() {
    stopped = true;
    descriptor.release();  // Cancels the wait; the descriptor is closed by whoever owns it.
  }

  stream_descriptor descriptor;
  std::function<void()> on_readable;
  bool stopped = false;
};

Readable::Readable(boost::asio::io_context& loop, int fd, std::function<void()> on_readable)
    : state_(std::make_shared<State>(loop, fd, std::move(on_readable))) {
  state_->wait();
}

Readable::Readable(boost::asio::io_context& loop, Fd fd, std::function<void()> on_readable)
    : Readable(loop, fd.get(), std::move(on_readable)) {
  owned_ = std::move(fd);
}

Readable::~Readable() { state_->stop(); }

}  // namespace guild::host
