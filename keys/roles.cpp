#include "keys/roles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "common/base/text.hpp"
#include "common/bus/topic.hpp"
#include "keys/keyring.hpp"

namespace guild::keys {
namespace {

constexpr std::string_view name_mark = "{name}";

const std::vector<Role>& role_table() {
  static const std::vector<Role> table = {
      {.name = "broker",
       .of_daemon = true,
       .publish = {"bus/**"},
       .subscribe = {},
       .request = {"broker/health"},
       .serve = {"broker/*"}},
      {.name = "logconsumer",
       .of_daemon = true,
       .publish = {"logs-committed/**"},
       .subscribe = {"logs/**"},
       .request = {},
       .serve = {"logconsumer/*"}},
      {.name = "ledgerd",
       .of_daemon = true,
       .publish = {"ledger/**"},
       .subscribe = {},
       .request = {},
       .serve = {"ledgerd/*"}},
      {.name = "scheduler",
       .of_daemon = true,
       .publish = {"tasks/**"},
       .subscribe = {},
       .request = {"ledgerd/charge", "ledgerd/balance", "ledgerd/bot-show", "ledgerd/bot-list",
                   "ledgerd/authenticate", "ledgerd/tick", "ledgerd/arena-observe",
                   "ledgerd/arena-act", "ledgerd/market-open", "ledgerd/market-list",
                   "ledgerd/market-show", "ledgerd/oracle-post", "ledgerd/feed", "ledgerd/insights",
                   "ledgerd/viability", "ledgerd/meter", "ledgerd/permit-request",
                   "ledgerd/permit-settle"},
       .serve = {"scheduler/*"}},
      {.name = "gateway",
       .of_daemon = true,
       .publish = {},
       .subscribe = {"bus/*", "ledger/**", "tasks/**"},
       .request = {"*/health",
                   "*/metrics",
                   "broker/stats",
                   "broker/clients",
                   "logconsumer/query",
                   "logconsumer/stats",
                   "ledgerd/transfer",
                   "ledgerd/balance",
                   "ledgerd/hold",
                   "ledgerd/hold-post",
                   "ledgerd/hold-void",
                   "ledgerd/floor",
                   "ledgerd/account-close",
                   "ledgerd/account-reopen",
                   "ledgerd/posting",
                   "ledgerd/checkpoint",
                   "ledgerd/proof",
                   "ledgerd/entries",
                   "ledgerd/events",
                   "ledgerd/verify",
                   "ledgerd/bot-create",
                   "ledgerd/bot-list",
                   "ledgerd/bot-show",
                   "ledgerd/bot-rotate",
                   "ledgerd/bot-retire",
                   "ledgerd/bot-liquidate",
                   "ledgerd/bot-revive",
                   "ledgerd/bot-set",
                   "ledgerd/authenticate",
                   "ledgerd/token",
                   "ledgerd/grant-add",
                   "ledgerd/grant-revoke",
                   "ledgerd/grant-list",
                   "ledgerd/permit-request",
                   "ledgerd/permit-settle",
                   "ledgerd/approval-list",
                   "ledgerd/approval-allow",
                   "ledgerd/approval-deny",
                   "ledgerd/tick",
                   "ledgerd/arena-observe",
                   "ledgerd/arena-act",
                   "ledgerd/market-open",
                   "ledgerd/market-list",
                   "ledgerd/market-show",
                   "ledgerd/market-resolve",
                   "ledgerd/market-answer",
                   "ledgerd/oracle-post",
                   "ledgerd/feed",
                   "ledgerd/insights",
                   "ledgerd/viability",
                   "ledgerd/meter",
                   "scheduler/submit",
                   "scheduler/show",
                   "scheduler/list",
                   "scheduler/logs",
                   "scheduler/wait",
                   "scheduler/cancel"},
       .serve = {"gateway/*"}},
      {.name = "operator", .publish = {"**"}, .subscribe = {"**"}, .request = {"**"}, .serve = {}},
      {.name = "viewer",
       .publish = {},
       .subscribe = {"**"},
       .request = {"*/health",
                   "*/metrics",
                   "*/stats",
                   "broker/clients",
                   "logconsumer/query",
                   "ledgerd/balance",
                   "ledgerd/entries",
                   "ledgerd/events",
                   "ledgerd/bot-list",
                   "ledgerd/bot-show",
                   "ledgerd/posting",
                   "ledgerd/checkpoint",
                   "ledgerd/proof",
                   "ledgerd/verify",
                   "ledgerd/audit",
                   "ledgerd/grant-list",
                   "ledgerd/approval-list",
                   "ledgerd/market-list",
                   "ledgerd/market-show",
                   "ledgerd/feed",
                   "ledgerd/insights",
                   "ledgerd/viability",
                   "scheduler/list",
                   "scheduler/show",
                   "scheduler/logs",
                   "scheduler/wait"},
       .serve = {}},
      {.name = "bench",
       .publish = {"bench/**"},
       .subscribe = {"bench/**"},
       .request = {"bench/**"},
       .serve = {"bench/**"}},
      {.name = "bot",
       .publish = {"bots/{name}/**"},
       .subscribe = {"bots/{name}/**"},
       .request = {"*/health"},
       .serve = {"bots/{name}/**"}},
      {.name = "client",
       .publish = {"apps/**"},
       .subscribe = {"apps/**"},
       .request = {"apps/**"},
       .serve = {"apps/**"}},
  };
  return table;
}

std::string_view first_level(std::string_view pattern) {
  return pattern.substr(0, pattern.find('/'));
}

bool is_wildcard(std::string_view level) { return level == "*" || level == "**"; }

bool is_reserved(std::string_view level) {
  return std::ranges::find(reserved_first_levels, level) != std::ranges::end(reserved_first_levels);
}

std::string with_name(std::string_view pattern, std::string_view name) {
  std::string text(pattern);
  if (const auto at = text.find(name_mark); at != std::string::npos)
    text.replace(at, name_mark.size(), name);
  return text;
}

bool contains(const std::vector<std::string>& patterns, std::string_view pattern) {
  return std::ranges::find(patterns, pattern) != patterns.end();
}

std::vector<std::string> with_name(const std::vector<std::string_view>& patterns,
                                   std::string_view name) {
  std::vector<std::string> texts;
  texts.reserve(patterns.size());
  for (const std::string_view pattern : patterns) texts.push_back(with_name(pattern, name));
  return texts;
}

}  // namespace

std::span<const Role> roles() { return role_table(); }

const Role* find_role(std::string_view name) {
  const auto found = std::ranges::find(role_table(), name, &Role::name);
  return found == role_table().end() ? nullptr : &*found;
}

std::vector<std::string_view> role_names() {
  std::vector<std::string_view> names;
  for (const Role& role : role_table()) names.push_back(role.name);
  return names;
}

Result<AuthorizedClient> client_of_role(std::string_view role_name, std::string_view name) {
  GUILD_CHECK(check_name("client name", name));
  const Role* role = find_role(role_name);
  if (role == nullptr) {
    return fail(ErrorKind::invalid, "role_unknown",
                fmt::format("{} is not a role", quoted(role_name)),
                fmt::format("roles are {}", fmt::join(role_names(), ", ")));
  }
  AuthorizedClient client;
  client.name = name;
  client.role = role_name;
  client.publish = with_name(role->publish, name);
  client.publish.push_back(fmt::format("logs/{}/**", name));
  client.subscribe = with_name(role->subscribe, name);
  client.subscribe.push_back(fmt::format("logs-committed/{}", name));
  client.request = with_name(role->request, name);
  client.serve = with_name(role->serve, name);
  return client;
}

Result<std::vector<Permission>> missing_permissions(const AuthorizedClient& client) {
  GUILD_TRY(const AuthorizedClient today, client_of_role(client.role, client.name));
  std::vector<Permission> missing;
  const auto compare = [&](const char* field, const auto& given, const auto& held, auto may) {
    for (const std::string& pattern : given)
      // `**` does not speak for every `**`, but the same words say the same.
      if (!contains(held, pattern) && !may(std::span<const std::string>(held), pattern))
        missing.push_back({client.name, field, pattern});
  };
  const auto speak = [](auto held, const auto& pattern) { return may_speak(held, pattern); };
  const auto hear = [](auto held, const auto& pattern) { return may_hear(held, pattern); };
  compare("publish", today.publish, client.publish, speak);
  compare("subscribe", today.subscribe, client.subscribe, hear);
  compare("request", today.request, client.request, hear);
  compare("serve", today.serve, client.serve, speak);
  return missing;
}

bool may_speak(std::string_view permission, std::string_view pattern) {
  if (!bus::covers(permission, pattern)) return false;
  const std::string_view held = first_level(permission);
  const std::string_view wanted = first_level(pattern);
  if (held == wanted && !is_wildcard(held)) return true;
  // Here the permission's first level is a wildcard; a wanted wildcard would take in the reserved
  // levels.
  return !is_wildcard(wanted) && !is_reserved(wanted);
}

bool may_hear(std::string_view permission, std::string_view pattern) {
  return bus::covers(permission, pattern);
}

bool may_speak(std::span<const std::string> permissions, std::string_view pattern) {
  return std::ranges::any_of(permissions,
                             [&](std::string_view held) { return may_speak(held, pattern); });
}

bool may_hear(std::span<const std::string> permissions, std::string_view pattern) {
  return std::ranges::any_of(permissions,
                             [&](std::string_view held) { return may_hear(held, pattern); });
}

}  // namespace guild::keys
