// ListWatch: takes up a changed authorized_clients.toml. A change in the keys folder (the file
// written in place and closed, or replaced by rename) is looked at when it comes, and at most every
// 20 ms. A list with a fault is refused whole; the earlier one stays. On the loop thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "common/base/result.hpp"
#include "common/host/readable.hpp"
#include "keys/keyring.hpp"

namespace guild::broker {

class ListWatch {
 public:
  using Clients = std::vector<keys::AuthorizedClient>;
  struct Found {
    std::function<void(Clients)> changed;
    std::function<void(const Error&)> invalid;
  };

  /// `current` is the list in force.
  static Result<std::unique_ptr<ListWatch>> start(boost::asio::io_context& loop,
                                                  std::filesystem::path keys_dir, Clients current,
                                                  Found found);

 private:
  ListWatch(boost::asio::io_context& loop, std::filesystem::path keys_dir, Clients current,
            Found found);
  void look_soon();
  void look();

  std::filesystem::path keys_dir_;
  Clients current_;
  Found found_;
  bool was_invalid_ = false;
  std::chrono::steady_clock::time_point looked_at_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<host::Readable> changes_;
};

}  // namespace guild::broker
