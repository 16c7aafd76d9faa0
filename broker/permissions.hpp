// Permissions: the list of clients as the broker obeys it. What a name may do, whether a key is
// still its own, and an epoch that counts the lists of this life of the broker, from 1. Publishing
// and serving follow the rule of the reserved first levels (keys/roles.hpp), and what is under
// logs/ is its producer's alone, whatever the list says.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "broker/traffic.hpp"
#include "broker/wire.hpp"
#include "keys/keyring.hpp"

namespace guild::broker {

class Permissions {
 public:
  void replace(std::vector<keys::AuthorizedClient> clients);
  std::uint32_t epoch() const { return epoch_; }

  /// Whether `identity`'s key is on the list under its name.
  bool knows(const Identity& identity) const;
  /// "" when there is none.
  std::string_view role_of(std::string_view name) const;
  /// Whether it is one of the suite's own.
  bool is_daemon(std::string_view name) const;

  bool may_publish(std::string_view name, std::string_view topic) const;
  bool may_subscribe(std::string_view name, std::string_view pattern) const;
  bool may_request(std::string_view name, std::string_view served_name) const;
  bool may_serve(std::string_view name, std::string_view pattern) const;
  /// Who hears a topic is known to those who may speak on it or hear it.
  bool may_watch(std::string_view name, std::string_view topic) const {
    return may_publish(name, topic) || may_subscribe(name, topic);
  }

 private:
  const keys::AuthorizedClient* find(std::string_view name) const;

  TextMap<keys::AuthorizedClient> clients_;
  std::uint32_t epoch_ = 0;
};

}  // namespace guild::broker
