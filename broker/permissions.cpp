#include "broker/permissions.hpp"

#include "keys/roles.hpp"

namespace guild::broker {
namespace {

/// Whether a topic is under logs/ and not under logs/<name>/.
bool is_log_of_another(std::string_view name, std::string_view topic) {
  constexpr std::string_view logs = "logs/";
  if (!topic.starts_with(logs)) return topic == "logs";
  const std::string_view rest = topic.substr(logs.size());
  return rest.substr(0, rest.find('/')) != name;
}

}  // namespace

void Permissions::replace(std::vector<keys::AuthorizedClient> clients) {
  ++epoch_;
  clients_.clear();
  for (keys::AuthorizedClient& client : clients) {
    std::string name = client.name;
    clients_.emplace(std::move(name), std::move(client));
  }
}

const keys::AuthorizedClient* Permissions::find(std::string_view name) const {
  const auto found = clients_.find(name);
  return found == clients_.end() ? nullptr : &found->second;
}

bool Permissions::knows(const Identity& identity) const {
  const auto* client = find(identity.name);
  return client != nullptr && client->public_key == identity.key;
}

std::string_view Permissions::role_of(std::string_view name) const {
  const auto* client = find(name);
  return client == nullptr ? std::string_view{} : std::string_view(client->role);
}

bool Permissions::is_daemon(std::string_view name) const {
  const keys::Role* role = keys::find_role(role_of(name));
  return role != nullptr && role->of_daemon;
}

bool Permissions::may_publish(std::string_view name, std::string_view topic) const {
  const auto* client = find(name);
  return client != nullptr && !is_log_of_another(name, topic) &&
         keys::may_speak(client->publish, topic);
}

bool Permissions::may_subscribe(std::string_view name, std::string_view pattern) const {
  const auto* client = find(name);
  return client != nullptr && keys::may_hear(client->subscribe, pattern);
}

bool Permissions::may_request(std::string_view name, std::string_view served_name) const {
  const auto* client = find(name);
  return client != nullptr && keys::may_hear(client->request, served_name);
}

bool Permissions::may_serve(std::string_view name, std::string_view pattern) const {
  const auto* client = find(name);
  return client != nullptr && keys::may_speak(client->serve, pattern);
}

}  // namespace guild::broker
