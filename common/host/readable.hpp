// Readable: calls a function in the loop each time a descriptor is readable, for as long as it
// lives. May be destroyed by the function it calls. One loop thread.
// The wait is level-triggered: what was not read is told again.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "common/base/file.hpp"

namespace guild::host {

class Readable {
 public:
  /// Watches `fd`, which stays the caller's and must outlive this.
  Readable(boost::asio::io_context& loop, int fd, std::function<void()> on_readable);
  /// Watches and owns it.
  Readable(boost::asio::io_context& loop, Fd fd, std::function<void()> on_readable);
  ~Readable();
  Readable(const Readable&) = delete;
  Readable& operator=(const Readable&) = delete;

 private:
  struct State;
  Fd owned_;
  std::shared_ptr<State> state_;
};

}  // namespace guild::host
