// The role table: what a client of each role may publish, subscribe, request and serve (DESIGN §3
// "Keys"), and the reserved first levels, which only a permission that names them reaches.
// Pure. A role is a template for a line of the list; the broker obeys the list, not the table.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace guild::keys {

struct Role {
  std::string_view name;
  /// The role of the one daemon of the same name; `keys add` never gives it to another.
  bool of_daemon = false;
  /// Topic patterns; `{name}` stands for the client's name. Every client also has
  /// `logs/{name}/**` to publish and `logs-committed/{name}` to subscribe.
  std::vector<std::string_view> publish, subscribe, request, serve;
};

std::span<const Role> roles();
/// nullptr when there is no such role.
const Role* find_role(std::string_view name);

/// First levels that a wildcard never reaches when its holder speaks (publishes or serves): `**` in
/// the operator's line does not let the operator speak as a daemon.
inline constexpr std::string_view reserved_first_levels[] = {
    "bus",    "ledger",      "tasks",   "logs",      "logs-committed",
    "broker", "logconsumer", "ledgerd", "scheduler", "gateway"};

/// Whether a permission to publish or serve `permission` covers every topic that `pattern` (a topic
/// or a pattern) stands for, by the rule of the reserved first levels.
bool may_speak(std::string_view permission, std::string_view pattern);
/// Whether a permission to subscribe or request covers `pattern`; nothing is reserved for hearing.
bool may_hear(std::string_view permission, std::string_view pattern);

/// Whether any of `permissions` does.
bool may_speak(std::span<const std::string> permissions, std::string_view pattern);
bool may_hear(std::span<const std::string> permissions, std::string_view pattern);

}  // namespace guild::keys
